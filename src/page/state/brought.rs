//! Files that the user brings: recognised by their names, and kept.

use std::collections::BTreeSet;
use std::mem;
use std::rc::Rc;

use facts::campaign::NumberFormats;
use facts::data::archive::IMAGES;
use facts::report::LayerNumbers;
use protocol::{Changes, FileRef, MAX_IMAGES};

use super::{OWN, State};
use crate::link::{CardChoice, Colouring};

/// Endings of model files.
const MODELS: [&str; 6] = ["onnx", "h5", "hdf5", "keras", "bpk", "safetensors"];
/// Most images that are taken at once; each has a picture on the page.
const MOST_IMAGES: usize = 1000;

/// Files by their purpose, which their names tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brought {
    /// Models.
    pub models: Vec<FileRef>,
    /// Images.
    pub images: Vec<FileRef>,
    /// Class names, one a line (`.txt`).
    pub labels: Option<FileRef>,
    /// A list that says which class each image has (`.csv`, `.tsv`, or a `.txt` whose first line is one of such a list).
    pub image_labels: Option<FileRef>,
    /// A grouping (`.toml`).
    pub grouping: Option<FileRef>,
    /// Many images in one file, or their labels: arrays, MNIST's files, CIFAR's, a tar.
    pub data: Vec<FileRef>,
    /// A campaign, whole or in parts: `config.json`, `faults.jsonl` or a `.zip` of them.
    pub campaign: Vec<FileRef>,
    /// Files that came with an ONNX model and may hold its weights: it names them as it likes.
    pub weights: Vec<FileRef>,
    /// Numbers of layers (`.csv` with a column `layer`, `.json`), or a sentence on why they cannot be read.
    pub numbers: Option<Result<LayerNumbers, String>>,
    /// Names of files that are of no use here.
    pub strange: Vec<String>,
}

/// A file, and what was found out about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The file.
    pub file: FileRef,
    /// Whether it is a list of labels, if it is text.
    pub is_list: bool,
    /// Numbers of layers in it, or a sentence on why there are none, if it is meant to hold some.
    pub numbers: Option<Result<LayerNumbers, String>>,
}

impl From<FileRef> for Found {
    fn from(file: FileRef) -> Self {
        Self { file, is_list: false, numbers: None }
    }
}

impl Brought {
    /// Sorts `files` by their names, which may be paths, and text files by what they are known to be.
    ///
    /// An image keeps the name of its folder, `stop/a.png`, where that may be its class: below another folder, or where images
    /// come from several.
    pub fn sort(files: impl IntoIterator<Item: Into<Found>>) -> Self {
        let mut brought = Self::default();
        let (mut images, mut strange) = (Vec::new(), Vec::new());
        for found in files {
            let Found { file: FileRef { name: path, url }, is_list, numbers } = found.into();
            if numbers.is_some() {
                brought.numbers = numbers;
                continue;
            }
            let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            let file = FileRef { name: parts.last().cloned().unwrap_or_default(), url };
            let ending = file.name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
            match ending.as_str() {
                ending if MODELS.contains(&ending) => brought.models.push(file),
                ending if IMAGES.contains(&ending) => images.push((parts, file)),
                "csv" | "tsv" => brought.image_labels = Some(file),
                "txt" if is_list => brought.image_labels = Some(file),
                "txt" => brought.labels = Some(file),
                "toml" => brought.grouping = Some(file),
                "npy" | "npz" | "bin" | "tar" | "gz" | "tgz" => brought.data.push(file),
                _ if is_data(&parts) => brought.data.push(file),
                "json" | "jsonl" | "zip" => brought.campaign.push(file),
                _ => strange.push(file),
            }
        }
        if brought.models.iter().any(is_onnx) {
            let (data, binary) = mem::take(&mut brought.data).into_iter().partition(|file| !may_be_weights(file));
            (brought.data, brought.weights) = (data, binary);
            brought.weights.append(&mut strange);
        }
        brought.strange = strange.into_iter().map(|file| file.name).collect();
        let folders: BTreeSet<_> = images.iter().map(|(parts, _)| parts[..parts.len() - 1].to_vec()).collect();
        for (parts, mut file) in images {
            if let [.., folder, name] = &parts[..]
                && (parts.len() > 2 || folders.len() > 1)
            {
                file.name = format!("{folder}/{name}");
            }
            brought.images.push(file);
        }
        // A folder lists its files in any order.
        brought.images.sort_by(|a, b| a.name.cmp(&b.name));
        brought
    }
}

/// Whether a file without an ending of its own is one of MNIST's or CIFAR's.
fn is_data(parts: &[String]) -> bool {
    let [folders @ .., name] = parts else { return false };
    let cifar = name == "test_batch" || name.strip_prefix("data_batch_").is_some_and(|number| number.len() == 1);
    let of_hundred = name == "test" && folders.last().is_some_and(|folder| folder == "cifar-100-python");
    name.ends_with("-ubyte") || cifar || of_hundred
}

fn is_onnx(file: &FileRef) -> bool {
    file.name.to_lowercase().ends_with(".onnx")
}

/// Whether a binary file beside a model is no file of CIFAR's.
fn may_be_weights(file: &FileRef) -> bool {
    let name = file.name.to_lowercase();
    let cifar = matches!(name.as_str(), "test.bin" | "train.bin") || name.contains("_batch");
    name.ends_with(".bin") && !cifar
}

impl State {
    pub(super) fn bring(&mut self, brought: Brought) {
        let own = |file: &FileRef| format!("{OWN}{}", file.name);
        let Brought { models, mut images, labels, grouping, weights, numbers, strange, .. } = brought;
        match numbers {
            Some(Ok(numbers)) => self.colour_by(numbers),
            Some(Err(problem)) => self.tell(problem),
            None => {}
        }
        if !strange.is_empty() {
            self.tell(format!(
                "{}: of no use here. Faultscope takes models (.onnx, together with the files of its weights, .h5, .keras, .bpk, .safetensors), images (JPEG, PNG, \
                 WebP, BMP, PNM), class names (.txt, one a line), labels of images (.csv, .txt with lines NAME LABEL), a grouping \
                 (.toml), numbers of layers (.csv with a column \"layer\", .json), images in one file (.npy, .npz, \
                 .tar, MNIST's and CIFAR's files) and campaigns (config.json with faults.jsonl, or a .zip of both).",
                listed(&strange)
            ));
        }
        if images.len() > MOST_IMAGES {
            self.tell(format!("{} images are too many at once; the first {MOST_IMAGES} were taken.", images.len()));
            images.truncate(MOST_IMAGES);
        }
        for model in models.iter().filter(|file| is_onnx(file)) {
            self.own_weights.insert(model.name.clone(), weights.clone());
        }
        if let Some(id) = models.last().map(own) {
            self.choose_model(Some(id));
        }
        if let Some(id) = images.first().map(own) {
            self.link.image = Some(id);
        }
        if let Some(id) = labels.as_ref().map(own) {
            self.link.card.labels = Some(id);
        }
        if let Some(id) = grouping.as_ref().map(own) {
            (self.link.card.grouping, self.link.campaign.groups) = (Some(id), None);
        }
        let texts = labels.into_iter().chain(grouping).collect();
        for (files, list) in
            [(models, &mut self.own_models), (images, &mut self.own_images), (texts, &mut self.own_texts)]
        {
            for file in files {
                list.retain(|known| known.name != file.name);
                list.push(file);
            }
        }
    }

    /// Colours the layers by numbers of the user's.
    fn colour_by(&mut self, numbers: LayerNumbers) {
        let Some(model) = self.model() else {
            self.tell("Numbers of layers need a network: drop the file again when one is loaded.".to_owned());
            return;
        };
        let is_named = |(layer, _): &&(String, f64)| model.layers.iter().any(|known| known.name == *layer);
        let named = numbers.numbers.iter().filter(is_named).count();
        let (all, first) = (numbers.numbers.len(), numbers.numbers.first().map_or("", |(layer, _)| layer));
        if named == 0 {
            self.tell(format!(
                "None of the {all} names in the file, \"{first}\" for example, is that of a layer of this network."
            ));
            return;
        }
        if named < all {
            self.tell(format!("{named} of the {all} names in the file are those of layers of this network."));
        }
        self.numbers = Some(Rc::new(numbers));
        self.link.colouring = Colouring::Numbers;
    }

    /// The changes of the model's card that the worker is to make.
    pub(super) fn changes(&self) -> Changes {
        let CardChoice { labels, grouping, .. } = &self.link.card;
        let text = |id: &Option<String>| {
            let name = id.as_ref()?.strip_prefix(OWN)?;
            self.own_texts.iter().find(|file| file.name == name).cloned()
        };
        let model = self.link.model.as_ref().and_then(|id| id.strip_prefix(OWN));
        let beside = model.and_then(|name| self.own_weights.get(name)).cloned().unwrap_or_default();
        let images = self.images().into_iter().map(|(_, file, _)| file).take(MAX_IMAGES).collect::<Vec<_>>();
        let numbers = NumberFormats::usual(self.link.card.format(), self.link.card.weight_format(), images.len());
        let calibrate = if numbers.learns() { images } else { Vec::new() };
        Changes {
            output: self.link.card.output.clone(),
            input_size: self.link.card.input_size,
            threshold: self.link.card.threshold,
            preprocess: self.link.card.preprocess(),
            labels: text(labels),
            grouping: text(grouping),
            beside,
            numbers,
            calibrate,
        }
    }

    /// Names of the user's own files that the link wants and that are not here.
    fn missing_files(&self) -> Vec<String> {
        let CardChoice { labels, grouping, .. } = &self.link.card;
        let wanted = [
            (&self.link.model, &self.own_models),
            (&self.link.image, &self.own_images),
            (labels, &self.own_texts),
            (grouping, &self.own_texts),
            (&self.link.campaign.labels, &self.campaign.lists),
        ];
        let missing = wanted.into_iter().filter_map(|(id, files)| {
            let name = id.as_ref()?.strip_prefix(OWN)?;
            files.iter().all(|file| file.name != name).then(|| name.to_owned())
        });
        missing.collect()
    }

    pub(super) fn ask_for_own_files(&mut self) {
        let missing = self.missing_files();
        if !missing.is_empty() {
            self.tell(format!(
                "This link was made with a file of its author's: {}. Drop that file anywhere on the page to go on.",
                missing.join(" and ")
            ));
        }
    }

    /// Whether the chosen model could be loaded.
    pub(super) fn has_worked(&self) -> bool {
        self.good_model.is_some() && self.good_model == self.model_id()
    }

    /// Takes back the changes of the model's card since it last worked. Returns whether there were any.
    pub(super) fn restore_card(&mut self) -> bool {
        let good = if self.has_worked() { self.good_card.clone() } else { CardChoice::default() };
        let changed = self.link.card != good;
        self.link.card = good;
        changed
    }
}

/// Names in a sentence: not a thousand of them.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
