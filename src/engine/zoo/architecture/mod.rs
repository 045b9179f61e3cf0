//! Architectures by name: the networks of `keras.applications`, and the study's networks for images of 32 x 32 pixels.
//! They are configurations that Keras exports (`keras/export.py`). A weights-only file is loaded onto one of them.

use std::io::Read;

use facts::data::{Normalise, Preprocess, Resize};
use facts::graph::Graph;
use facts::labels::{self, Grouping};
use facts::model::{Card, Model};
use facts::{Error, Result};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::random;
use super::table::ARCHITECTURES;
use crate::import::keras::{self, Weights};

/// The classes of the networks of `keras.applications`.
const IMAGENET: (usize, &str) = (1000, "imagenet");
/// The possible classes of the other networks, by number of classes. The first is the default.
const SMALL_DATA: [(usize, &str); 3] = [(100, "cifar100"), (43, "gtsrb"), (10, "cifar10")];
const SMALL_SIDE: usize = 32;

/// A network without weights.
#[derive(Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Id for users: `resnet50`, `resnet50-32x32`.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Height and width of the input.
    pub side: usize,
    /// Normalisation of pixel values, as in `preprocess_input` of the network's Keras module.
    pub normalise: Normalise,
    /// Name of the weights-only file: from `keras.applications`, or our own for the networks that it lacks.
    pub file: &'static str,
    /// `model.to_json()`, compressed by gzip.
    pub(super) config: &'static [u8],
}

impl Architecture {
    /// Returns all architectures.
    pub fn all() -> &'static [Self] {
        &ARCHITECTURES
    }

    /// Returns the architecture with the id `id`.
    ///
    /// # Errors
    /// If there is no such architecture; the message lists all ids.
    ///
    /// # Examples
    /// ```
    /// use faultscope_engine::zoo::Architecture;
    ///
    /// assert_eq!(Architecture::of("resnet50").unwrap().side, 224);
    /// assert!(Architecture::of("resnet51").unwrap_err().to_string().contains("resnet50"));
    /// ```
    pub fn of(id: &str) -> Result<&'static Self> {
        Self::all()
            .iter()
            .find(|architecture| architecture.id == id)
            .ok_or_else(|| Error::request(format_args!("no architecture is called \"{id}\"; there are {}", ids())))
    }

    /// Returns the architecture of the weights in the file `name`: the id is the beginning of the file's name, or follows the word
    /// `weights` there, ignoring `-` and `_` in both. `inception_v3_weights_tf_dim_ordering_tf_kernels.h5` belongs to `inceptionv3`,
    /// for example.
    ///
    /// # Errors
    /// If no architecture matches, or the file lacks the classifier (`notop`).
    pub fn of_file(name: &str) -> Result<&'static Self> {
        let stem = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
        let stem = stem.strip_prefix("weights_").unwrap_or(&stem);
        let words: Vec<&str> = stem.split(['-', '_', '.', ' ']).collect();
        if words.contains(&"notop") || words.windows(2).any(|pair| pair == ["no", "top"]) {
            return Err(Error::input(
                name,
                "these are weights without the layers that classify (\"notop\"); take the file of the same name without \"notop\"",
            ));
        }
        // The version is part of the name: mobilenet_v3 does not match mobilenet.
        let ends = |count: usize| words.get(count).is_none_or(|word| !is_version(word));
        let known = (1..=words.len()).rev().filter(|&count| ends(count)).find_map(|count| {
            let beginning = words[..count].concat();
            Self::all().iter().find(|architecture| architecture.id.replace('-', "") == beginning)
        });
        known.ok_or_else(|| {
            Error::input(
                name,
                format_args!(
                    "this file holds weights without a model, and its name does not tell the architecture; say \
                     --architecture ID, or begin the name with one of {}",
                    ids()
                ),
            )
        })
    }

    /// Returns the preprocessing of the network's images.
    pub fn preprocess(&self) -> Preprocess {
        Preprocess::known(self.normalise, if self.any_classes() { Resize::Stretch } else { Resize::ShorterSide })
    }

    /// Returns whether the network may have any number of classes.
    pub fn any_classes(&self) -> bool {
        self.side == SMALL_SIDE
    }

    /// Returns the default number of classes.
    pub fn classes(&self) -> usize {
        if self.any_classes() { SMALL_DATA[0].0 } else { IMAGENET.0 }
    }

    /// Loads the network with the weights in `bytes`, a Keras HDF5 file with or without a model description. `name` is
    /// the file's name. Weights are matched by order, as in Keras ([`keras::build`]). If the number of classes is not
    /// fixed, the weights determine it.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights do not fit this network.
    pub fn load(&'static self, name: &str, bytes: Vec<u8>) -> Result<Model> {
        if !keras::is_hdf5(&bytes) {
            return Err(Error::input(
                name,
                format_args!("weights for {} are read from an HDF5 file (.h5), this is none", self.id),
            ));
        }
        self.with_weights(name, &Weights::open(name, bytes)?)
    }

    /// Loads the network as [`Architecture::load`], from an open file.
    ///
    /// # Errors
    /// As [`Architecture::load`].
    pub fn with_weights(&'static self, name: &str, weights: &Weights) -> Result<Model> {
        let layers = weights.layers()?;
        if layers.iter().any(|(layer, _)| layer == "res2a_branch2a") {
            return Err(Error::input(
                name,
                "these are the weights of the ResNet50 of Keras 2.2.4 and older (layer \"res2a_branch2a\"), which is another \
                 network than that of today; take the file of keras.applications 1.0.8 or newer",
            ));
        }
        let classes = if self.any_classes() { scores(&layers).unwrap_or(self.classes()) } else { self.classes() };
        let graph = keras::build(name, &self.config(classes)?, weights).map_err(|error| {
            let stated = error.to_string();
            let problem = stated.strip_prefix(&format!("{name}: ")).unwrap_or(&stated);
            Error::input(
                name,
                format_args!("not weights of {}: {problem}; --architecture says whose they are", self.id),
            )
        })?;
        self.model(graph, classes)
    }

    /// Builds the network with random weights: kernels after He et al., biases 0, statistics of batch normalisation 0
    /// and 1. The same `classes` and `seed` give the same weights.
    ///
    /// # Errors
    /// If the network has another, fixed number of classes.
    pub fn random(&'static self, classes: usize, seed: u64) -> Result<Model> {
        let graph = keras::build(self.id, &self.config(classes)?, &random::weights(self.id, seed))?;
        self.model(graph, classes)
    }

    /// Returns the configuration for `classes` classes: JSON as `model.to_json()` writes it.
    ///
    /// # Errors
    /// If the network has another, fixed number of classes.
    pub fn config(&self, classes: usize) -> Result<String> {
        let mut text = String::new();
        let read = GzDecoder::new(self.config).read_to_string(&mut text);
        read.map_err(|error| Error::input(self.id, format_args!("its configuration is damaged: {error}")))?;
        if classes == self.classes() {
            return Ok(text);
        }
        if !self.any_classes() || classes == 0 {
            return Err(Error::request(format_args!(
                "{} is for {} classes, {classes} are asked for",
                self.id,
                self.classes()
            )));
        }
        let unreadable = |error: serde_json::Error| Error::input(self.id, error);
        let mut config: Value = serde_json::from_str(&text).map_err(unreadable)?;
        if let Some(last) = config["config"]["layers"].as_array_mut().and_then(|layers| layers.last_mut()) {
            last["config"]["units"] = classes.into();
        }
        serde_json::to_string(&config).map_err(unreadable)
    }

    /// Makes a classifier of `graph`.
    fn model(&self, graph: Graph, classes: usize) -> Result<Model> {
        let data = if self.any_classes() {
            SMALL_DATA.iter().find(|&&(known, _)| known == classes).map(|&(_, data)| data)
        } else {
            Some(IMAGENET.1)
        };
        let grouping = data.filter(|data| Grouping::builtin_names().any(|known| known == *data));
        let card = Card {
            name: self.name.to_owned(),
            preprocess: Some(self.preprocess()),
            labels: data.map(labels::builtin).transpose()?.unwrap_or_default(),
            grouping: grouping.map(Grouping::builtin).transpose()?,
            notices: Vec::new(),
        };
        Model::new(graph, card)
    }
}

/// Returns the ids of all architectures, for messages.
fn ids() -> String {
    let ids: Vec<_> = Architecture::all().iter().map(|architecture| architecture.id).collect();
    ids.join(", ")
}

/// Returns whether the word is a version such as `v2` or `v3`.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns the number of class scores: the outputs of the last fully connected layer with weights. In the older format
/// this layer is the last one. In Keras 3's format it is the last of `dense`, `dense_1` and so on.
fn scores(layers: &[(String, Vec<Vec<usize>>)]) -> Option<usize> {
    let counted = |name: &str| match name.strip_prefix("dense")?.strip_prefix('_') {
        None => (name == "dense").then_some(0),
        Some(count) => count.parse::<usize>().ok().map(|count| count + 1),
    };
    let dense =
        layers.iter().filter_map(|(name, shapes)| Some((counted(name)?, shapes))).max_by_key(|&(count, _)| count);
    let (_, shapes) = dense.or_else(|| layers.last().map(|(_, shapes)| (0, shapes)))?;
    shapes.first()?.last().copied()
}

#[cfg(test)]
mod tests;
