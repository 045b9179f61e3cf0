//! The folder that `faultscope prepare` writes: images decoded, resized and cropped once for many campaigns.
//!
//! It has `images.npy` (uint8, N x side x side x 3), `labels.npy` (int64, if the classes are known) and
//! `prepared.json`, with the origin of the images and the SHA-256 of both arrays. numpy can read the arrays.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::binary::OnDisk;
use crate::cli::read;
use crate::cli::write::sha256;
use crate::data::npy::{self, NpyImages};
use crate::data::{Crop, DataSource, Filter, Image, ImageSource, Resize};
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

/// Prepared images.
#[derive(Debug)]
pub struct Prepared {
    images: NpyImages,
    labels: Option<Vec<usize>>,
    names: Vec<String>,
}

impl Prepared {
    /// Opens `folder`. Returns the SHA-256 of its `prepared.json` and the side in pixels, too.
    ///
    /// # Errors
    /// If the files do not fit each other. Sizes are checked, but not the hashes of the arrays, which would take as
    /// long as the use of the images.
    pub fn open(folder: &Path) -> Result<(Self, String, usize)> {
        let path = folder.join(HEAD);
        let name = path.display().to_string();
        let text = read::text(&path)?;
        let head: Head = serde_json::from_str(&text)
            .map_err(|error| Error::input(&name, format_args!("expected a file of `faultscope prepare`: {error}")))?;
        let images_path = folder.join(IMAGES);
        let images = NpyImages::new(&images_path.display().to_string(), Box::new(OnDisk::open(&images_path)?), None)?;
        let labels = match head.labels_sha256 {
            Some(_) => {
                let path = folder.join(LABELS);
                Some(npy::labels(&path.display().to_string(), &read::bytes(&path)?)?)
            }
            None => None,
        };
        let counts = [head.names.len(), labels.as_ref().map_or(images.len(), Vec::len)];
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
        Ok((Self { images, labels, names: head.names }, sha256(text.as_bytes()), head.size))
    }
}

impl ImageSource for Prepared {
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
