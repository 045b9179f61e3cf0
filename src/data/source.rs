//! Where a campaign's images come from.

use std::sync::Arc;

use super::Image;
use super::npy::NpyImages;
use crate::{Error, Result};

/// Labelled images in a fixed order, decoded one at a time.
///
/// Names and labels are known from the start; pixels are made when they are asked for, so that a data set need
/// not fit into memory.
pub trait Source {
    /// Number of images.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name of image `index`, for messages: its file, or its place in an array.
    fn name(&self, index: usize) -> String;

    /// True class of image `index`; `None` where it is unknown.
    fn label(&self, index: usize) -> Option<usize>;

    /// The pixels of image `index`.
    ///
    /// # Errors
    /// Where the image cannot be read or decoded; the message names it.
    fn image(&self, index: usize) -> Result<Image>;
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn name(&self, index: usize) -> String {
        (**self).name(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        (**self).label(index)
    }

    fn image(&self, index: usize) -> Result<Image> {
        (**self).image(index)
    }
}

/// An image in memory with its name and, where it is known, its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    /// Name for messages.
    pub name: String,
    /// True class.
    pub label: Option<usize>,
    /// Pixels.
    pub image: Image,
}

impl Source for Vec<LabelledImage> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn name(&self, index: usize) -> String {
        self.get(index).map_or_else(|| index.to_string(), |image| image.name.clone())
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.get(index)?.label
    }

    fn image(&self, index: usize) -> Result<Image> {
        let image = self.get(index).map(|image| image.image.clone());
        image.ok_or_else(|| Error::request(format_args!("image {index} is out of range: there are {}", self.len())))
    }
}

/// An array of images with an array of labels ([`npy`](super::npy)).
#[derive(Clone, Debug)]
pub struct NpySource {
    name: String,
    images: NpyImages,
    labels: Vec<usize>,
}

impl NpySource {
    /// `images` from the file `name` with `labels` from the file `labels_name`.
    ///
    /// # Errors
    /// Where there are more of the one than of the other.
    pub fn new(name: &str, images: NpyImages, labels_name: &str, labels: Vec<usize>) -> Result<Self> {
        if images.len() != labels.len() {
            return Err(Error::input(
                labels_name,
                format_args!("{} labels for the {} images of {name}", labels.len(), images.len()),
            ));
        }
        Ok(Self { name: name.to_owned(), images, labels })
    }
}

impl Source for NpySource {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn name(&self, index: usize) -> String {
        format!("{}[{index}]", self.name)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels.get(index).copied()
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.images.get(index).ok_or_else(|| {
            Error::input(&self.name, format_args!("image {index} is out of range: there are {}", self.images.len()))
        })
    }
}
