//! Data sets in numpy's `.npy` format: one file of images, one of labels.

use npyz::{DType, NpyHeader, Order, TypeChar};

use super::Image;
use super::image::MAX_PIXELS;
use crate::{Error, Result};

/// A set of images of one size, `uint8`, N x H x W x C with C 1 (grey) or 3 (RGB).
///
/// The images stay in the file's bytes and are cut out one at a time.
#[derive(Clone, Debug)]
pub struct NpyImages {
    bytes: Vec<u8>,
    start: usize,
    count: usize,
    height: usize,
    width: usize,
    channels: usize,
}

impl NpyImages {
    /// Takes over the bytes of an `.npy` file; `name` is the file's name for messages.
    ///
    /// # Errors
    /// Where the bytes are no such array, or hold more or fewer elements than their header states.
    pub fn new(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let array = Array::parse(name, &bytes)?;
        let (count, height, width, channels) = match *array.shape {
            [count, height, width, channels @ (1 | 3)] if array.kind == (TypeChar::Uint, 1) => {
                (count, height, width, channels)
            }
            _ => {
                return Err(Error::input(
                    name,
                    format_args!(
                        "images are expected as uint8, N x H x W x C with 1 or 3 channels, found {} of shape {:?}",
                        array.dtype, array.shape
                    ),
                ));
            }
        };
        // Both are bounded by the file's length, unless the array is empty.
        if count == 0 || height * width == 0 || (height * width) as u64 > MAX_PIXELS {
            return Err(Error::input(
                name,
                format_args!("images of 1 to {MAX_PIXELS} pixels are expected, found shape {:?}", array.shape),
            ));
        }
        let start = bytes.len() - array.data.len();
        Ok(Self { start, count, height, width, channels, bytes })
    }

    /// Number of images; at least one.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one image")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Image number `index`; grey becomes RGB.
    pub fn get(&self, index: usize) -> Option<Image> {
        if index >= self.count {
            return None;
        }
        let size = self.height * self.width * self.channels;
        let pixels = &self.bytes[self.start + index * size..][..size];
        let rgb = match self.channels {
            1 => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
            _ => pixels.to_vec(),
        };
        Some(Image { width: self.width, height: self.height, rgb })
    }
}

/// Reads the class numbers in the bytes of an `.npy` file: one axis (or a second of length 1), integers of 8
/// to 64 bits.
///
/// # Errors
/// Where the bytes are no such array, or a label is negative; `name` is the file's name for messages.
pub fn labels(name: &str, bytes: &[u8]) -> Result<Vec<usize>> {
    let array = Array::parse(name, bytes)?;
    let one_axis = matches!(*array.shape, [_] | [_, 1]);
    let (TypeChar::Int | TypeChar::Uint, size @ (1 | 2 | 4 | 8)) = array.kind else {
        return Err(unfit_labels(name, &array));
    };
    if !one_axis {
        return Err(unfit_labels(name, &array));
    }
    let signed = array.kind.0 == TypeChar::Int;
    array
        .data
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

fn unfit_labels(name: &str, array: &Array) -> Error {
    Error::input(
        name,
        format_args!("labels are expected as one axis of integers, found {} of shape {:?}", array.dtype, array.shape),
    )
}

/// A little-endian array in row-major order.
struct Array<'a> {
    /// The type as numpy writes it, `<i8`.
    dtype: String,
    /// The type's letter and its size in bytes.
    kind: (TypeChar, usize),
    shape: Vec<usize>,
    /// As many bytes as the shape asks for.
    data: &'a [u8],
}

impl<'a> Array<'a> {
    fn parse(name: &str, bytes: &'a [u8]) -> Result<Self> {
        let damaged = |problem: &dyn std::fmt::Display| {
            Error::input(name, format_args!("a numpy .npy file is expected: {problem}"))
        };
        check_header(bytes).map_err(|problem| damaged(&problem))?;
        let mut rest = bytes;
        let header = NpyHeader::from_reader(&mut rest).map_err(|error| damaged(&error))?;
        let dtype = header.dtype();
        let DType::Plain(ref scalar) = dtype else {
            return Err(damaged(&format_args!("plain numbers are read, found {}", dtype.descr())));
        };
        let size = scalar.num_bytes().unwrap_or(0);
        if size > 1 && scalar.endianness() != npyz::Endianness::Little {
            return Err(damaged(&format_args!("little-endian numbers are read, found {}", dtype.descr())));
        }
        if header.order() != Order::C && header.shape().len() > 1 {
            return Err(damaged(&"row-major order is read; save it with numpy.ascontiguousarray"));
        }
        let shape: Option<Vec<usize>> = header.shape().iter().map(|&axis| usize::try_from(axis).ok()).collect();
        let expected = shape.as_deref().and_then(crate::graph::elements).and_then(|count| count.checked_mul(size));
        match (shape, expected) {
            (Some(shape), Some(expected)) if expected == rest.len() => {
                Ok(Self { dtype: dtype.descr(), kind: (scalar.type_char(), size), shape, data: rest })
            }
            _ => Err(damaged(&format_args!(
                "an array of {} of shape {:?} does not fit the {} bytes that follow the header",
                dtype.descr(),
                header.shape(),
                rest.len()
            ))),
        }
    }
}

/// Looks at the part of the header that the parser trusts: its length, from which it allocates, and its
/// nesting, over which it recurses.
fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
    const LONGEST: usize = 1024;
    let (length, start) = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, low, high, ..] => {
            (usize::from(u16::from_le_bytes([*low, *high])), 10)
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => {
            (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12)
        }
        _ => return Err("it does not begin like one"),
    };
    let header = bytes.get(start..).and_then(|rest| rest.get(..length)).ok_or("its header is cut short")?;
    // A header has one dictionary and one tuple.
    let nested = header.iter().filter(|byte| b"([{".contains(byte)).count();
    if length > LONGEST || nested > 2 {
        return Err("its header is not that of an array of plain numbers");
    }
    Ok(())
}
