//! Data sets in arrays, of numpy's `.npy` format or another: one array of images, one of labels.

mod header;
mod labels;
mod pixels;
#[cfg(test)]
mod tests;

pub use header::MAGIC;
pub use labels::Labels;

use self::pixels::Pixels;
use super::array::Array;
use super::image::{Image, MAX_PIXELS};
use super::{ImageSource, ReadAt};
use crate::{Error, Result};

/// In which order an array of images has its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// N x H x W x C.
    ChannelsLast,
    /// N x C x H x W.
    ChannelsFirst,
}

/// A set of images of one size, with 1 channel (grey) or 3 (RGB).
///
/// Images are read one at a time. An array in Fortran's order, of which each image lies all over the file, is turned around in
/// memory once.
#[derive(Debug)]
pub struct NpyImages {
    array: Array<'static>,
    count: usize,
    height: usize,
    width: usize,
    channels: usize,
    layout: ChannelOrder,
    pixels: Pixels,
    notices: Vec<String>,
}

impl NpyImages {
    /// Takes over an `.npy` file; `name` is the file's name for messages. See [`NpyImages::of`].
    ///
    /// # Errors
    /// As [`NpyImages::of`], and if it is no array.
    pub fn new(name: &str, bytes: Box<dyn ReadAt>, layout: Option<ChannelOrder>) -> Result<Self> {
        Self::of(Array::npy(name, bytes)?, layout)
    }

    /// The images in `array`: N x H x W (grey), N x H x W x C or N x C x H x W. Where no `layout` is given, the axis of length
    /// 1 or 3 is that of the channels.
    ///
    /// Whole numbers from 0 to 255 are bytes, floating-point numbers from 0 to 1 are shares of 255.
    ///
    /// # Errors
    /// If it is no such array, could be read in both layouts, or holds other numbers.
    pub fn of(array: Array<'static>, layout: Option<ChannelOrder>) -> Result<Self> {
        let is_channels = |length: usize| matches!(length, 1 | 3);
        let (count, height, width, channels, layout) = match *array.shape() {
            [count, height, width] => (count, height, width, 1, ChannelOrder::ChannelsLast),
            [count, a, b, c] => match (layout, is_channels(a), is_channels(c)) {
                (None, true, true) => {
                    return Err(Error::input(
                        &array.name,
                        format_args!(
                            "the shape {:?} can be read as N x H x W x C and as N x C x H x W; say which with --data-format \
                             npy-nhwc or npy-nchw",
                            array.shape()
                        ),
                    ));
                }
                (None | Some(ChannelOrder::ChannelsLast), _, true) => (count, a, b, c, ChannelOrder::ChannelsLast),
                (None | Some(ChannelOrder::ChannelsFirst), true, _) => (count, b, c, a, ChannelOrder::ChannelsFirst),
                _ => return Err(unfit(&array)),
            },
            _ => return Err(unfit(&array)),
        };
        // Both are bounded by the file's length, unless the array is empty.
        if count == 0 || height * width == 0 || (height * width) as u64 > MAX_PIXELS {
            return Err(Error::input(
                &array.name,
                format_args!("images of 1 to {MAX_PIXELS} pixels are expected, found shape {:?}", array.shape()),
            ));
        }
        let (pixels, notice) = Pixels::of(&array)?;
        let notices = Vec::from_iter(notice);
        let (array, pixels) = match array.fortran {
            false => (array, pixels),
            true => {
                let bytes = Box::new(pixels.turned(&array)?);
                (Array::of_bytes(&array.name, bytes, 0, array.shape.clone())?, Pixels::Bytes)
            }
        };
        Ok(Self { array, count, height, width, channels, layout, pixels, notices })
    }

    /// Number of images; at least one.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one image")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Width and height of the images.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// What was assumed about the pixels, a sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Image number `index`; grey becomes RGB.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn get(&self, index: usize) -> Result<Image> {
        if index >= self.count {
            return Err(Error::input(&self.array.name, format_args!("there is no image {index}, only {}", self.count)));
        }
        let bytes = self.pixels.image(&self.array, index, self.height * self.width * self.channels)?;
        let (width, height) = (self.width, self.height);
        Ok(match (self.layout, self.channels) {
            (ChannelOrder::ChannelsLast, 3) => Image { width, height, rgb: bytes },
            _ => Image::from_planes(width, height, &bytes),
        })
    }
}

fn unfit(array: &Array) -> Error {
    let remedy = match array.shape() {
        [_, pixels] => {
            format!("; give each image its height and width: images.reshape(-1, height, width[, 3]), of {pixels}")
        }
        [_, .., 4] => "; leave out the fourth channel: images[..., :3]".to_owned(),
        [_, 4, _, _] => "; leave out the fourth channel: images[:, :3]".to_owned(),
        _ => String::new(),
    };
    Error::input(
        &array.name,
        format_args!(
            "images are expected as N x H x W, or as N x H x W x C or N x C x H x W with 1 or 3 channels, found {}{remedy}",
            array.description()
        ),
    )
}

/// Reads the class numbers in the bytes of an `.npy` file, as [`Labels::read`] does.
///
/// # Errors
/// Where the bytes are no such array; `name` is the file's name for messages.
pub fn labels(name: &str, bytes: &[u8]) -> Result<Vec<usize>> {
    Ok(Labels::read(&Array::npy(name, Box::new(bytes))?)?.classes)
}

/// An array of images with an array of labels, or without labels.
#[derive(Debug)]
pub struct NpySource {
    images: NpyImages,
    /// One for each image, or none.
    labels: Vec<usize>,
}

impl NpySource {
    /// `images` with `labels` from the file `labels_name`.
    ///
    /// # Errors
    /// Where there are more of the one than of the other.
    pub fn new(images: NpyImages, labels_name: &str, labels: Vec<usize>) -> Result<Self> {
        if images.len() != labels.len() {
            return Err(Error::input(
                labels_name,
                format_args!("{} labels for the {} images of {}", labels.len(), images.len(), images.array.name),
            ));
        }
        Ok(Self { images, labels })
    }

    /// `images` without labels.
    pub fn unlabelled(images: NpyImages) -> Self {
        Self { images, labels: Vec::new() }
    }
}

impl ImageSource for NpySource {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn name(&self, index: usize) -> String {
        format!("{}[{index}]", self.images.array.name)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels.get(index).copied()
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.images.get(index)
    }
}
