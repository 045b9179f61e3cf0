//! Arguments that several commands share.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as NameError, StrDeserializer};

use crate::data::{Normalise, Resize};
use crate::platform::DeviceChoice;
use crate::zoo::Architecture;

/// A parser for one of `names`, each with its help: a name is read as serde reads it in a file, so that command
/// line and files agree.
pub fn choice<T>(names: &'static [(&'static str, &'static str)]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    let values = names.iter().map(|&(name, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values).try_map(|name| {
        let name: StrDeserializer<'_, NameError> = name.as_str().into_deserializer();
        T::deserialize(name)
    })
}

/// How a fault changes a value, without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    BitFlip,
    Zero,
    Random,
}

/// Names of [`Target`](crate::fault::Target).
pub const TARGETS: &[(&str, &str)] =
    &[("activation", "a layer's output, for one inference"), ("weight", "a stored parameter")];

/// Names of [`Kind`].
pub const KINDS: &[(&str, &str)] = &[
    ("bitflip", "one bit inverted"),
    ("zero", "set to zero"),
    ("random", "replaced by a number drawn uniformly from [0, 1)"),
];

/// Names of [`DeviceChoice`].
const DEVICES: &[(&str, &str)] = &[("cpu", "the processor"), ("gpu", "Vulkan, Metal or DirectX 12")];

/// Names of [`Normalise`].
const NORMALISES: &[(&str, &str)] = &[
    ("unit", "x / 255"),
    ("byte", "x, 0 to 255"),
    ("tf", "x / 127.5 - 1"),
    ("torch", "(x / 255 - mean) / standard deviation, of ImageNet"),
    ("caffe", "BGR, minus the means of ImageNet"),
    ("lite", "(x - 127) / 128"),
];

/// Names of [`Resize`].
pub const RESIZES: &[(&str, &str)] = &[
    ("stretch", "the whole image, height and width each by their own factor"),
    ("shorter-side", "the study's: the shorter side to 1.14286 times the input's, bicubic, then the centre"),
];

/// What is said of a model file.
#[derive(Debug, Default, Args)]
pub struct ModelArguments {
    /// Architecture of a file that holds weights only (Keras .h5): an id that `faultscope architectures` lists; without
    /// this the file's name tells
    #[arg(long, value_name = "ID", value_parser = Architecture::of)]
    pub architecture: Option<&'static Architecture>,
}

/// How a model is run.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// Where to compute
    #[arg(long, default_value = "cpu", value_parser = choice::<DeviceChoice>(DEVICES))]
    pub device: DeviceChoice,

    #[command(flatten)]
    pub preprocess: PreprocessArguments,
}

/// How an image becomes the input, where it is not to be the model file's way.
#[derive(Debug, Default, Args)]
pub struct PreprocessArguments {
    /// How pixels become input values; the model file's own way, or unit where it states none
    #[arg(long = "preprocess", value_name = "PREPROCESS", value_parser = choice::<Normalise>(NORMALISES))]
    pub normalise: Option<Normalise>,

    /// How an image gets the size of the input; the model file's own way, or stretch where it states none
    #[arg(long, value_parser = choice::<Resize>(RESIZES))]
    pub resize: Option<Resize>,
}

/// How safety-critical misclassifications are told.
#[derive(Debug, Args)]
pub struct GroupingArguments {
    /// Grouping of the classes: imagenet, cifar100, cifar10, gtsrb, or a TOML file; the model file's own where there is one
    #[arg(long, value_name = "NAME|FILE")]
    pub grouping: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::CampaignConfig;
    use crate::fault::{Mode, Sampling, Target};

    fn reads_all<T: DeserializeOwned + Clone + Send + Sync + 'static>(names: &'static [(&'static str, &'static str)]) {
        let command = clap::Command::new("test").arg(clap::Arg::new("value").value_parser(choice::<T>(names)));
        for (name, _) in names {
            let matches = command.clone().try_get_matches_from(["test", name]).unwrap();
            assert!(matches.get_one::<T>("value").is_some(), "{name}");
        }
    }

    #[test]
    fn every_name_offered_is_one_that_files_use() {
        reads_all::<Target>(TARGETS);
        reads_all::<Kind>(KINDS);
        reads_all::<DeviceChoice>(DEVICES);
        reads_all::<Normalise>(NORMALISES);
        reads_all::<Resize>(RESIZES);
        reads_all::<Mode>(super::super::campaign::arguments::MODES);
        reads_all::<Sampling>(super::super::campaign::arguments::SAMPLINGS);
    }

    #[test]
    fn a_kind_is_written_as_in_a_configuration() {
        for (name, _) in KINDS {
            let text = format!(
                r#"{{"model":"m","seed":0,"images":null,"faults":1,"target":"weight","type":"{name}","mode":"single",
                "amount":1,"sampling":"layer","grouping":null}}"#
            );
            serde_json::from_str::<CampaignConfig>(&text).unwrap();
        }
    }
}
