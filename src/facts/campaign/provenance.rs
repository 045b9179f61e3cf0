//! The head of a campaign's results: all that is needed to repeat it and to read its records.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CampaignConfig, Faults, RoundedAccuracy, Shard, TensorRange, TensorScale};
use crate::answer::Threshold;
use crate::data::{DataSource, InputSize, Preprocess};
use crate::labels::Grouping;
use crate::{Error, Result};

/// Where the same files lie may differ from machine to machine; their hashes tell what they are. Notices are words. The number of
/// classes follows from the model, and older versions did not write it. What is done at bad images may be decided again at each
/// resume, and for each shard: the records tell.
const PLACES: &[&str] = &[
    "model.path",
    "data.path",
    "data.labels",
    "data.devkit",
    "data.labelled",
    "model.classes",
    "sample.path",
    "notices",
    "model.preprocess.prepared",
    "campaign.on_bad_image",
];

/// What stands in a campaign's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of Faultscope that made the campaign.
    pub faultscope: String,
    /// What was asked for.
    pub campaign: CampaignConfig,
    /// The model.
    pub model: ModelSource,
    /// The images.
    pub data: DataSource,
    /// Which of them were drawn, where not all are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleSource>,
    /// Which part of the campaign this is, where it is cut into parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Where it was computed, `cpu` or `gpu`. It does not change which faults are injected.
    pub device: String,
    /// The grouping in full, so that SCM can be judged again.
    pub grouping: Option<Grouping>,
    /// Class names; empty where the model has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The layers that faults were drawn from, in model order.
    pub layers: Vec<String>,
    /// The ranges that the protection clips to; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<TensorRange>,
    /// The ranges of golden values that faults are drawn by; empty where no fault depends on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub golden_ranges: Vec<TensorRange>,
    /// The scales of the outputs of layers, where they are rounded to integers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<TensorScale>,
    /// The golden accuracy with and without rounding, where the network is rounded and images have labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounded: Option<RoundedAccuracy>,
    /// What was assumed about model and data, a sentence each. It follows from what else stands here and does not tell one
    /// campaign from another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

impl Provenance {
    /// Checks the numbers of a configuration that was read.
    ///
    /// # Errors
    /// If the configuration asks for no work, its fault model is invalid, or it has more layers than a model can have.
    pub fn validate(&self) -> Result<()> {
        /// Counts are kept for each layer and bit.
        const MAX_LAYERS: usize = 1 << 16;
        if self.layers.len() > MAX_LAYERS {
            return Err(Error::request(format_args!(
                "expected at most {MAX_LAYERS} layers, found {}",
                self.layers.len()
            )));
        }
        self.campaign.validate()?;
        if let (Some(classes), Some(grouping)) = (self.model.classes, &self.grouping) {
            grouping.check_classes(classes)?;
        }
        if self.shard.is_some() && self.campaign.until.is_some() {
            return Err(Error::request("a campaign that ends at a margin has no shards, found one"));
        }
        let there = self.data.images;
        let drawn = self.sample.as_ref().map_or(there, |sample| sample.images);
        let holder = if self.sample.is_some() { "sample" } else { "data" };
        if drawn > there {
            return Err(Error::request(format_args!("sample.images is {drawn}, and data.images is {there}")));
        }
        match self.campaign.images {
            Some(images) if images > drawn => {
                return Err(Error::request(format_args!(
                    "campaign.images is {images}, and {holder}.images is {drawn}"
                )));
            }
            _ => {}
        }
        match self.shard {
            Some(shard) if shard.of() > self.campaign.images.unwrap_or(drawn) => {
                let images = self.campaign.images.unwrap_or(drawn);
                Err(Error::request(format_args!("shard is \"{shard}\", and the campaign has {images} images")))
            }
            _ => Ok(()),
        }
    }

    /// Images that the campaign, or this shard of it, injects faults into.
    pub fn images(&self) -> usize {
        let available = self.sample.as_ref().map_or(self.data.images, |sample| sample.images);
        let images = self.campaign.images.unwrap_or(available);
        self.shard.map_or(images, |shard| shard.range(images).len())
    }

    /// The number of classes of the model. Directories of older versions do not state it: there it is that of the grouping, which
    /// had to fit the model, or of the class names. `None` where nothing tells it.
    pub fn classes(&self) -> Option<usize> {
        let labels = Some(self.labels.len()).filter(|&labels| labels > 0);
        self.model.classes.or_else(|| self.grouping.as_ref().map(Grouping::classes)).or(labels)
    }

    /// What tells this campaign from `other`, in a sentence that calls them "there" and "here"; `None` where they are
    /// the same. Paths may differ, files may not.
    pub fn difference(&self, other: &Self) -> Option<String> {
        // With bit error rates a campaign has so many faults for each rate, and the user states that number.
        let each = |one: &Self| match (&one.campaign.faults, &one.campaign.fault_model.ber) {
            (Faults::Each(faults), Some(rates)) => Some((faults / rates.all().len().max(1), rates.all().len())),
            _ => None,
        };
        if self.campaign.faults != other.campaign.faults
            && let (Some((there, rates)), Some((here, others))) = (each(self), each(other))
            && rates == others
            && rates > 1
        {
            return Some(format!(
                "--faults is {there} there and {here} here (faults for each of {rates} bit error rates)"
            ));
        }
        let values = [self, other].map(|provenance| {
            serde_json::to_value(provenance).unwrap_or_else(|error| unreachable!("plain data has a JSON form: {error}"))
        });
        differing("", &values[0], &values[1])
    }
}

fn differing(key: &str, there: &Value, here: &Value) -> Option<String> {
    if there == here || PLACES.contains(&key) {
        return None;
    }
    if let (Value::Object(left), Value::Object(right)) = (there, here) {
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        return names.into_iter().find_map(|name| {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let value = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
            differing(&key, &value(left), &value(right))
        });
    }
    let [there, here] = [there, here].map(ToString::to_string);
    Some(match there.len().max(here.len()) {
        ..=100 => format!("{key} is {there} there and {here} here"),
        _ => format!("{key} differs"),
    })
}

/// Which images were drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleSource {
    /// Path of the sample file.
    pub path: String,
    /// Images in it.
    pub images: usize,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Which model a campaign was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSource {
    /// Path of the model file.
    pub path: String,
    /// Architecture that its weights were said to be for; none where the file tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Name of the output that was chosen as the answer; none where the user chose none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Height and width of the input that were stated for a file that leaves them open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_size: Option<InputSize>,
    /// Probability of class 1 above which the answer of a binary model is class 1; none where the user stated none, and it is
    /// 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// What the output means, where it is not one score a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Number of classes; older versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of each file beside it that weights were read from, by the file's path below the model's folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external: BTreeMap<String, String>,
    /// How images became inputs.
    pub preprocess: Preprocess,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Faults, OnBadImage};
    use crate::data::{DataFormat, Resize};
    use crate::fault::FaultModel;

    fn provenance() -> Provenance {
        let config = CampaignConfig {
            model: "m".to_owned(),
            seed: 1,
            images: None,
            faults: Faults::STUDY,
            fault_model: FaultModel::default(),
            grouping: None,
            protect: None,
            compared: None,
            on_bad_image: OnBadImage::Stop,
            design: None,
            exhaustive: false,
            until: None,
            numbers: Default::default(),
        };
        let model = ModelSource {
            path: "m.h5".to_owned(),
            architecture: None,
            output: None,
            input_size: None,
            threshold: None,
            answer: None,
            classes: None,
            sha256: "aa".to_owned(),
            external: BTreeMap::new(),
            preprocess: Preprocess::default(),
        };
        Provenance {
            faultscope: "1".to_owned(),
            campaign: config,
            model,
            data: DataSource::new("images".to_owned(), DataFormat::Folder, 100, "bb".to_owned()),
            sample: None,
            shard: None,
            device: "cpu".to_owned(),
            grouping: None,
            labels: Vec::new(),
            layers: vec!["relu".to_owned()],
            ranges: Vec::new(),
            golden_ranges: Vec::new(),
            scales: Vec::new(),
            rounded: None,
            notices: Vec::new(),
        }
    }

    fn sample_of(images: usize) -> Option<SampleSource> {
        Some(SampleSource { path: String::new(), images, sha256: String::new() })
    }

    fn difference(change: impl FnOnce(&mut Provenance)) -> Option<String> {
        let mut changed = provenance();
        change(&mut changed);
        provenance().difference(&changed)
    }

    #[test]
    fn what_differs_is_named() {
        let named = |change: fn(&mut Provenance), sentence: &str| assert_eq!(difference(change).unwrap(), sentence);
        named(|other| other.campaign.seed = 2, "campaign.seed is 1 there and 2 here");
        named(
            |other| other.campaign.faults = Faults::Each(5),
            r#"campaign.faults is {"correct":5,"misclassified":30} there and 5 here"#,
        );
        named(|other| other.model.sha256 = "ab".to_owned(), r#"model.sha256 is "aa" there and "ab" here"#);
        named(
            |other| other.model.external = [("w.data".to_owned(), "cc".to_owned())].into(),
            r#"model.external is null there and {"w.data":"cc"} here"#,
        );
        named(|other| other.model.threshold = Threshold::new(0.9).ok(), "model.threshold is null there and 0.9 here");
        named(|other| other.layers = vec!["a layer with a long name".to_owned(); 4], "layers differs");
        named(|other| other.device = "gpu".to_owned(), r#"device is "cpu" there and "gpu" here"#);
        named(|other| other.shard = Shard::new(1, 2), r#"shard is null there and "1/2" here"#);
        named(
            |other| other.sample = Some(SampleSource { path: String::new(), images: 2, sha256: String::new() }),
            r#"sample is null there and {"images":2,"path":"","sha256":""} here"#,
        );
    }

    #[test]
    fn the_number_of_classes_is_stated_or_follows_from_grouping_or_class_names() {
        let grouping = |name: &str| Grouping::builtin(name).ok();
        let classes = |change: fn(&mut Provenance)| {
            let mut changed = provenance();
            change(&mut changed);
            changed.classes()
        };
        assert_eq!(classes(|_| ()), None);
        assert_eq!(classes(|other| other.labels = vec!["a".to_owned(), "b".to_owned()]), Some(2));
        assert_eq!(classes(|other| other.grouping = Grouping::builtin("gtsrb").ok()), Some(43));
        assert_eq!(classes(|other| other.model.classes = Some(7)), Some(7));
        let mut other = provenance();
        (other.model.classes, other.grouping) = (Some(43), grouping("gtsrb"));
        other.validate().unwrap();
        // A directory of an older version is the same campaign.
        assert_eq!(difference(|other| other.model.classes = Some(43)), None);
        other.grouping = grouping("cifar100");
        let refused = other.validate().unwrap_err().to_string();
        assert_eq!(refused, "the grouping \"cifar100\" is for 100 classes, the model has 43");
        let mut read: serde_json::Value = serde_json::to_value(provenance()).unwrap();
        assert!(read["model"].get("classes").is_none(), "{read}");
        read["model"]["classes"] = 43.into();
        assert_eq!(serde_json::from_value::<Provenance>(read).unwrap().classes(), Some(43));
    }

    #[test]
    fn files_may_lie_elsewhere() {
        assert_eq!(difference(|_| ()), None);
        assert_eq!(difference(|other| other.model.path = "/mnt/m.h5".to_owned()), None);
        assert_eq!(difference(|other| other.data.path = "/mnt/images".to_owned()), None);
        // Directories of older versions do not say it; the SHA-256 of the data tells prepared images from others.
        assert_eq!(difference(|other| other.model.preprocess.prepared = Some(Resize::ShorterSide.into())), None);
    }

    #[test]
    fn more_images_than_there_are_are_refused_with_their_key() {
        let refused = |change: fn(&mut Provenance)| {
            let mut changed = provenance();
            change(&mut changed);
            changed.validate().unwrap_err().to_string()
        };
        provenance().validate().unwrap();
        assert_eq!(
            refused(|other| other.campaign.images = Some(101)),
            "campaign.images is 101, and data.images is 100"
        );
        assert_eq!(
            refused(|other| (other.sample, other.campaign.images) = (sample_of(9), Some(10))),
            "campaign.images is 10, and sample.images is 9"
        );
        assert_eq!(refused(|other| other.sample = sample_of(101)), "sample.images is 101, and data.images is 100");
        assert_eq!(
            refused(|other| other.shard = Shard::new(1, 101)),
            "shard is \"1/101\", and the campaign has 100 images"
        );
    }

    #[test]
    fn images_are_those_of_the_sample_and_the_shard() {
        let mut provenance = provenance();
        assert_eq!(provenance.images(), 100);
        provenance.sample = Some(SampleSource { path: String::new(), images: 40, sha256: String::new() });
        assert_eq!(provenance.images(), 40);
        provenance.campaign.images = Some(9);
        provenance.shard = Shard::new(2, 2);
        assert_eq!(provenance.images(), 5);
    }
}
