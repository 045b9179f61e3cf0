//! Arrays of numbers in files: type, shape, and elements that are read when they are asked for.

use super::ReadAt;
use crate::{Error, Result};

/// What the elements of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A byte that is 0 or not.
    Bool,
    /// An integer without a sign.
    Unsigned,
    /// An integer with a sign.
    Signed,
    /// A floating-point number.
    Float,
}

/// The type of an array's elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    pub kind: Kind,
    /// Bytes of an element: 1, 2, 4 or 8.
    pub size: usize,
    /// Whether the first byte is the most significant one.
    pub big_endian: bool,
    /// The type in words, for messages.
    pub name: String,
}

impl ElementType {
    /// Bytes, as pixels are.
    pub fn byte() -> Self {
        Self { kind: Kind::Unsigned, size: 1, big_endian: false, name: "uint8".to_owned() }
    }

    pub fn is_byte(&self) -> bool {
        (self.kind, self.size) == (Kind::Unsigned, 1)
    }

    /// The numbers in `raw`. An integer that no `f64` holds becomes the nearest one.
    fn numbers<'a>(&'a self, raw: &'a [u8]) -> impl Iterator<Item = f64> + 'a {
        raw.chunks_exact(self.size).map(|element| {
            let mut bytes = [0; 8];
            bytes[..self.size].copy_from_slice(element);
            if self.big_endian {
                bytes[..self.size].reverse();
            }
            let bits = u64::from_le_bytes(bytes);
            let unused = 64 - 8 * self.size as u32;
            match (self.kind, self.size) {
                (Kind::Bool, _) => f64::from(u8::from(bits != 0)),
                (Kind::Unsigned, _) => bits as f64,
                (Kind::Signed, _) => ((bits << unused) as i64 >> unused) as f64,
                (Kind::Float, 2) => half(bits as u16),
                (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
                (Kind::Float, _) => f64::from_bits(bits),
            }
        })
    }
}

/// The value of a float16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// An array in a file. Only its head is in memory.
#[derive(Debug)]
pub struct Array<'a> {
    pub(super) name: String,
    pub(super) bytes: Box<dyn ReadAt + 'a>,
    /// Where the elements begin. As many follow as the shape asks for.
    pub(super) start: u64,
    pub(super) shape: Vec<usize>,
    pub(super) element: ElementType,
    /// Whether the first index runs fastest, as in Fortran, and not the last.
    pub(super) fortran: bool,
}

impl<'a> Array<'a> {
    /// An array of bytes of this shape, the last index fastest, from byte `start` of `bytes` on.
    ///
    /// # Errors
    /// If there are not so many bytes.
    pub(super) fn of_bytes(name: &str, bytes: Box<dyn ReadAt + 'a>, start: u64, shape: Vec<usize>) -> Result<Self> {
        let needed = shape.iter().try_fold(1u64, |count, &axis| count.checked_mul(axis as u64));
        let end = needed.and_then(|needed| start.checked_add(needed));
        if end.is_none_or(|end| end > bytes.size()) {
            return Err(Error::input(
                name,
                format_args!("expected {shape:?} bytes from byte {start} on, found a file of {}", bytes.size()),
            ));
        }
        let (name, element) = (name.to_owned(), ElementType::byte());
        Ok(Self { name, bytes, start, shape, element, fortran: false })
    }

    /// Name of the file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements. It is bounded by the file's size.
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Type and shape, for messages.
    pub(super) fn description(&self) -> String {
        format!("{} of shape {:?}", self.element.name, self.shape)
    }

    /// The bytes of the `count` elements from number `first` on, in the order of the file.
    pub(super) fn raw(&self, first: usize, count: usize) -> Result<Vec<u8>> {
        let mut raw = vec![0; count * self.element.size];
        let offset = self.start + first as u64 * self.element.size as u64;
        self.bytes.read_exact_at(offset, &mut raw).map_err(|error| Error::io(&self.name, error))?;
        Ok(raw)
    }

    /// The `count` elements from number `first` on, in the order of the file.
    pub(super) fn numbers(&self, first: usize, count: usize) -> Result<Vec<f64>> {
        Ok(self.element.numbers(&self.raw(first, count)?).collect())
    }

    /// Shows every element to `look`, in the order of the file, each with its number.
    ///
    /// # Errors
    /// Those of `look`, and if the file cannot be read.
    pub(super) fn scan(&self, mut look: impl FnMut(usize, f64) -> Result<()>) -> Result<()> {
        const STEP: usize = 1 << 16;
        let elements = self.elements();
        for first in (0..elements).step_by(STEP) {
            let raw = self.raw(first, STEP.min(elements - first))?;
            for (place, number) in self.element.numbers(&raw).enumerate() {
                look(first + place, number)?;
            }
        }
        Ok(())
    }

    /// The row of the first axis that holds the element with this number.
    pub(super) fn row_of(&self, element: usize) -> usize {
        let rows = self.shape.first().copied().unwrap_or(1).max(1);
        if self.fortran { element % rows } else { element / (self.elements() / rows).max(1) }
    }

    /// The place that the element with this number has where the last index is fastest.
    pub(super) fn place_of(&self, element: usize) -> usize {
        if !self.fortran {
            return element;
        }
        let (mut rest, mut stride, mut place) = (element, self.elements(), 0);
        for &axis in &self.shape {
            stride /= axis;
            place += rest % axis * stride;
            rest /= axis;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read() {
        // Pairs of numpy.float16(x).view("uint16") and x.
        let pairs = [(0x3c00, 1.0), (0x3800, 0.5), (0x0001, 5.960464477539063e-8), (0xc000, -2.0), (0x7bff, 65504.0)];
        for (bits, value) in pairs {
            assert_eq!(half(bits), value);
        }
        assert_eq!((half(0xfc00), half(0x7e00).is_nan()), (f64::NEG_INFINITY, true));
    }

    #[test]
    fn numbers_of_all_types_are_read() {
        let numbers = |kind, size, big_endian, raw: &[u8]| {
            let element = ElementType { kind, size, big_endian, name: String::new() };
            element.numbers(raw).collect::<Vec<_>>()
        };
        assert_eq!(numbers(Kind::Bool, 1, false, &[0, 1, 2]), [0.0, 1.0, 1.0]);
        assert_eq!(numbers(Kind::Signed, 2, false, &[0xff, 0xff, 1, 0]), [-1.0, 1.0]);
        assert_eq!(numbers(Kind::Signed, 2, true, &[0xff, 0xfe, 1, 0]), [-2.0, 256.0]);
        assert_eq!(numbers(Kind::Unsigned, 8, true, &[0, 0, 0, 0, 0, 0, 1, 2]), [258.0]);
        assert_eq!(numbers(Kind::Float, 4, true, &1.5f32.to_be_bytes()), [1.5]);
        assert_eq!(numbers(Kind::Float, 8, false, &(-0.1f64).to_le_bytes()), [-0.1]);
    }
}
