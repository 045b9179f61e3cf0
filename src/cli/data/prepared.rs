//! The folder that `faultscope prepare` writes: images decoded, resized and cropped once for many campaigns.
//!
//! It has `images.npy` (uint8, N x side x side x 3), `labels.npy` (int64, if the classes are known) and
//! `prepared.json`, with the origin of the images and the SHA-256 of both arrays. numpy can read the arrays.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::binary::OnDisk;
use crate::cli::read;
use crate::cli::write::{sha256, sha256_file};
use crate::data::npy::{self, NpyImages};
use crate::data::{Crop, DataSource, Filter, Image, ImageSource, Resize, Sizing};
use crate::{Error, Result};

/// Name of the file that identifies a prepared folder.
pub const HEAD: &str = "prepared.json";
pub const IMAGES: &str = "images.npy";
pub const LABELS: &str = "labels.npy";

/// The content of `prepared.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of Faultscope that prepared the images.
    pub faultscope: String,
    /// The origin of the images.
    pub data: DataSource,
    /// The conversion to their size.
    pub resize: Resize,
    /// The filter, if it is not the conversion's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Antialiasing, if it is not the conversion's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub antialias: Option<bool>,
    /// The crop, if it is not the conversion's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// Height and width in pixels.
    pub size: usize,
    /// SHA-256 of `images.npy`, in hexadecimal.
    pub images_sha256: String,
    /// SHA-256 of `labels.npy`, if there are labels.
    pub labels_sha256: Option<String>,
    /// Name of each image.
    pub names: Vec<String>,
}

impl Head {
    /// How the images got their size.
    pub fn sizing(&self) -> Sizing {
        Sizing { resize: self.resize, filter: self.filter, antialias: self.antialias, crop: self.crop }
    }
}

/// Prepared images.
#[derive(Debug)]
pub struct Images {
    images: NpyImages,
    labels: Option<Vec<usize>>,
    names: Vec<String>,
}

impl Images {
    /// Opens `folder`. Returns the SHA-256 of its `prepared.json` and its content, too. The arrays have the hashes that stand
    /// there, so the hash of `prepared.json` tells these images from all others.
    ///
    /// # Errors
    /// If the files do not fit each other, or an array is another one than that which was prepared.
    pub fn open(folder: &Path) -> Result<(Self, String, Head)> {
        let path = folder.join(HEAD);
        let name = path.display().to_string();
        let text = read::text(&path)?;
        let head: Head = serde_json::from_str(&text)
            .map_err(|error| Error::input(&name, format_args!("expected a file of `faultscope prepare`: {error}")))?;
        let images_path = folder.join(IMAGES);
        let images = NpyImages::new(&images_path.display().to_string(), Box::new(OnDisk::open(&images_path)?), None)?;
        let labels_path = folder.join(LABELS);
        let labels = match &head.labels_sha256 {
            Some(wanted) => {
                let bytes = read::bytes(&labels_path)?;
                Some((npy::labels(&labels_path.display().to_string(), &bytes)?, wanted, sha256(&bytes)))
            }
            None => None,
        };
        let counts = [head.names.len(), labels.as_ref().map_or(images.len(), |(labels, ..)| labels.len())];
        if counts != [images.len(); 2] || images.size() != (head.size, head.size) {
            return Err(Error::input(
                name,
                format_args!(
                    "{} names of images of {} x {1} are listed, {IMAGES} has {} of {} x {}, {LABELS} is for {}; prepare them \
                     again",
                    counts[0],
                    head.size,
                    images.len(),
                    images.size().0,
                    images.size().1,
                    counts[1]
                ),
            ));
        }
        let labels = match labels {
            Some((labels, wanted, found)) => {
                check_content(&labels_path, wanted, &found)?;
                Some(labels)
            }
            None => None,
        };
        check_content(&images_path, &head.images_sha256, &sha256_file(&images_path)?)?;
        Ok((Self { images, labels, names: head.names.clone() }, sha256(text.as_bytes()), head))
    }
}

/// Refuses the array at `path` if its SHA-256 is another one than that of the array that was prepared.
fn check_content(path: &Path, wanted: &str, found: &str) -> Result<()> {
    if wanted == found {
        return Ok(());
    }
    Err(Error::input(
        path.display().to_string(),
        format_args!(
            "the array was changed since it was prepared: {HEAD} says SHA-256 {wanted}, found {found}; prepare the images again"
        ),
    ))
}

impl ImageSource for Images {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn name(&self, index: usize) -> String {
        self.names.get(index).cloned().unwrap_or_else(|| index.to_string())
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels.as_ref()?.get(index).copied()
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.images.get(index)
    }
}
