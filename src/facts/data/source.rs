//! Where a campaign's images come from.

use std::sync::Arc;

use super::Image;
use crate::{Error, Result};

/// Labelled images in a fixed order, decoded one at a time.
///
/// Names and labels are known from the start; pixels are made when they are asked for, so that a data set need
/// not fit into memory.
pub trait ImageSource {
    /// Number of images.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name of image `index`, for messages: its file, or its place in an array.
    fn name(&self, index: usize) -> String;

    /// Name of image `index` below the place of the data, which is the same wherever the data lie.
    fn short_name(&self, index: usize) -> String {
        self.name(index)
    }

    /// True class of image `index`; `None` where it is unknown.
    fn label(&self, index: usize) -> Option<usize>;

    /// The pixels of image `index`.
    ///
    /// # Errors
    /// Where the image cannot be read or decoded; the message names it.
    fn image(&self, index: usize) -> Result<Image>;

    /// Checks image `index` as far as its first bytes tell: that it can be opened, is of a format that is read, and has a size
    /// that can be. Images in arrays were checked when the array was opened.
    ///
    /// # Errors
    /// As [`ImageSource::image`].
    fn check(&self, _index: usize) -> Result<()> {
        Ok(())
    }

    /// Says which images will be asked for, in ascending order, so that a source can decode them ahead. Without it that is
    /// all of them. It is a hint: any image may be asked for.
    fn upcoming(&self, _indices: Vec<usize>) {}
}

impl<S: ImageSource + ?Sized> ImageSource for Arc<S> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn name(&self, index: usize) -> String {
        (**self).name(index)
    }

    fn short_name(&self, index: usize) -> String {
        (**self).short_name(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        (**self).label(index)
    }

    fn image(&self, index: usize) -> Result<Image> {
        (**self).image(index)
    }

    fn check(&self, index: usize) -> Result<()> {
        (**self).check(index)
    }

    fn upcoming(&self, indices: Vec<usize>) {
        (**self).upcoming(indices);
    }
}

/// The same images with another number for each class.
pub struct Shifted<S> {
    inner: S,
    shift: isize,
}

impl<S: ImageSource> Shifted<S> {
    /// The images of `inner`, `shift` added to each label. A label that would be below 0 is the largest number, which is no
    /// class of any model.
    pub fn new(inner: S, shift: isize) -> Self {
        Self { inner, shift }
    }
}

impl<S: ImageSource> ImageSource for Shifted<S> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn name(&self, index: usize) -> String {
        self.inner.name(index)
    }

    fn short_name(&self, index: usize) -> String {
        self.inner.short_name(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        Some(self.inner.label(index)?.checked_add_signed(self.shift).unwrap_or(usize::MAX))
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.inner.image(index)
    }

    fn check(&self, index: usize) -> Result<()> {
        self.inner.check(index)
    }

    fn upcoming(&self, indices: Vec<usize>) {
        self.inner.upcoming(indices);
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

impl ImageSource for Vec<LabelledImage> {
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
