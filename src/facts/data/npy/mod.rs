//! Data sets in numpy's `.npy` format: one file of images, one of labels.

mod header;
#[cfg(test)]
mod tests;

use npyz::TypeChar;

use self::header::Header;
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

/// What stands for a pixel's channel.
#[derive(Clone, Copy, Debug)]
enum Element {
    /// A byte.
    Byte,
    /// A float32 that becomes a byte when it is multiplied.
    Float { factor: f32 },
}

impl Element {
    fn size(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Float { .. } => 4,
        }
    }
}

/// A set of images of one size, with 1 channel (grey) or 3 (RGB), `uint8`, or `float32` that are bytes in disguise.
///
/// Only the header is in memory; images are read one at a time.
#[derive(Debug)]
pub struct NpyImages {
    name: String,
    bytes: Box<dyn ReadAt>,
    start: u64,
    count: usize,
    height: usize,
    width: usize,
    channels: usize,
    layout: ChannelOrder,
    element: Element,
}

impl NpyImages {
    /// Takes over an `.npy` file; `name` is the file's name for messages. Where no `layout` is given, the axis of length
    /// 1 or 3 is that of the channels.
    ///
    /// Numbers in `float32` must be whole ones from 0 to 255, or such divided by 255: images are kept as bytes, and
    /// nothing is to be lost.
    ///
    /// # Errors
    /// Where it is no such array, could be read in both layouts, or is longer or shorter than its header states.
    pub fn new(name: &str, bytes: Box<dyn ReadAt>, layout: Option<ChannelOrder>) -> Result<Self> {
        let header = Header::read(name, &*bytes)?;
        let element = match header.kind {
            (TypeChar::Uint, 1) => Some(Element::Byte),
            (TypeChar::Float, 4) => Some(Element::Float { factor: 1.0 }),
            _ => None,
        };
        let (Some(element), &[count, a, b, c]) = (element, header.shape.as_slice()) else {
            return Err(unfit(name, &header));
        };
        let is_channels = |length: usize| matches!(length, 1 | 3);
        let layout = match (layout, is_channels(a), is_channels(c)) {
            (None, true, true) => {
                return Err(Error::input(
                    name,
                    format_args!(
                        "the shape {:?} can be read as N x H x W x C and as N x C x H x W; say which with --data-format \
                         npy-nhwc or npy-nchw",
                        header.shape
                    ),
                ));
            }
            (None | Some(ChannelOrder::ChannelsLast), _, true) => ChannelOrder::ChannelsLast,
            (None | Some(ChannelOrder::ChannelsFirst), true, _) => ChannelOrder::ChannelsFirst,
            _ => return Err(unfit(name, &header)),
        };
        let (height, width, channels) = match layout {
            ChannelOrder::ChannelsLast => (a, b, c),
            ChannelOrder::ChannelsFirst => (b, c, a),
        };
        // Both are bounded by the file's length, unless the array is empty.
        if count == 0 || height * width == 0 || (height * width) as u64 > MAX_PIXELS {
            return Err(Error::input(
                name,
                format_args!("images of 1 to {MAX_PIXELS} pixels are expected, found shape {:?}", header.shape),
            ));
        }
        let name = name.to_owned();
        let mut images = Self { name, bytes, start: header.start, count, height, width, channels, layout, element };
        if let Element::Float { .. } = element {
            images.element = Element::Float { factor: images.factor()? };
        }
        Ok(images)
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

    /// Image number `index`; grey becomes RGB.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn get(&self, index: usize) -> Result<Image> {
        let raw = self.raw(index)?;
        let bytes = match self.element {
            Element::Byte => raw,
            // `as` saturates, and the values were looked at.
            Element::Float { factor } => floats(&raw).map(|value| (value * factor).round() as u8).collect(),
        };
        let (width, height) = (self.width, self.height);
        Ok(match (self.layout, self.channels) {
            (ChannelOrder::ChannelsLast, 3) => Image { width, height, rgb: bytes },
            _ => Image::from_planes(width, height, &bytes),
        })
    }

    /// The bytes of an image as they are in the file.
    fn raw(&self, index: usize) -> Result<Vec<u8>> {
        if index >= self.count {
            return Err(Error::input(&self.name, format_args!("there is no image {index}, only {}", self.count)));
        }
        let mut raw = vec![0; self.height * self.width * self.channels * self.element.size()];
        let offset = self.start + index as u64 * raw.len() as u64;
        self.bytes.read_exact_at(offset, &mut raw).map_err(|error| Error::io(&self.name, error))?;
        Ok(raw)
    }

    /// What makes bytes of the numbers, which are 0 to 1 or, where one is larger, 0 to 255.
    fn factor(&self) -> Result<f32> {
        /// Rounding of a division by 255 in float32, times 255.
        const TOLERANCE: f32 = 1e-3;
        let is_byte = |value: f32| (0.0..=255.0).contains(&value) && (value - value.round()).abs() <= TOLERANCE;
        let (mut largest, mut no_byte, mut no_share) = (0f32, None, None);
        for index in 0..self.count {
            for value in floats(&self.raw(index)?) {
                largest = largest.max(value);
                if !is_byte(value) {
                    no_byte.get_or_insert((index, value));
                }
                if !is_byte(value * 255.0) {
                    no_share.get_or_insert((index, value));
                }
            }
        }
        let (factor, odd) = if largest <= 1.0 { (255.0, no_share) } else { (1.0, no_byte) };
        match odd {
            None => Ok(factor),
            Some((index, value)) => Err(Error::input(
                &self.name,
                format_args!(
                    "float32 images are expected as whole numbers from 0 to 255, or those divided by 255; image {index} has \
                     {value}; save them as uint8, before any normalisation"
                ),
            )),
        }
    }
}

fn floats(raw: &[u8]) -> impl Iterator<Item = f32> {
    raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes))
}

fn unfit(name: &str, header: &Header) -> Error {
    Error::input(
        name,
        format_args!(
            "images are expected as uint8 or float32, N x H x W x C or N x C x H x W with 1 or 3 channels, found {} of shape \
             {:?}",
            header.dtype, header.shape
        ),
    )
}

/// Reads the class numbers in the bytes of an `.npy` file: one axis (or a second of length 1), integers of 8
/// to 64 bits.
///
/// # Errors
/// Where the bytes are no such array, or a label is negative; `name` is the file's name for messages.
pub fn labels(name: &str, bytes: &[u8]) -> Result<Vec<usize>> {
    let header = Header::read(name, &bytes)?;
    let (TypeChar::Int | TypeChar::Uint, size @ (1 | 2 | 4 | 8), [_] | [_, 1]) =
        (header.kind.0, header.kind.1, header.shape.as_slice())
    else {
        return Err(Error::input(
            name,
            format_args!(
                "labels are expected as one axis of integers, found {} of shape {:?}",
                header.dtype, header.shape
            ),
        ));
    };
    let signed = header.kind.0 == TypeChar::Int;
    bytes[header.start as usize..]
        .chunks_exact(size)
        .enumerate()
        .map(|(index, element)| {
            let mut little_endian = [0; 8];
            little_endian[..size].copy_from_slice(element);
            let negative = signed && element[size - 1] & 0x80 != 0;
            let value = u64::from_le_bytes(little_endian);
            usize::try_from(value).ok().filter(|_| !negative).ok_or_else(|| {
                Error::input(name, format_args!("label {index} is negative or too large to be a class number"))
            })
        })
        .collect()
}

/// An array of images with an array of labels.
#[derive(Debug)]
pub struct NpySource {
    images: NpyImages,
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
                format_args!("{} labels for the {} images of {}", labels.len(), images.len(), images.name),
            ));
        }
        Ok(Self { images, labels })
    }
}

impl ImageSource for NpySource {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn name(&self, index: usize) -> String {
        format!("{}[{index}]", self.images.name)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels.get(index).copied()
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.images.get(index)
    }
}
