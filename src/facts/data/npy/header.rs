//! The head of an `.npy` file: type and shape.

use npyz::{DType, NpyHeader, Order, TypeChar};

use crate::data::ReadAt;
use crate::{Error, Result};

/// Longest header that is read; one of plain numbers has about a hundred bytes.
const LONGEST: usize = 1024;

/// A little-endian array in row-major order, without its elements.
#[derive(Debug)]
pub(super) struct Header {
    /// The type as numpy writes it, `<i8`.
    pub dtype: String,
    /// The type's letter and its size in bytes.
    pub kind: (TypeChar, usize),
    pub shape: Vec<usize>,
    /// Where the elements begin; exactly as many follow as the shape asks for.
    pub start: u64,
}

impl Header {
    pub fn read(name: &str, bytes: &dyn ReadAt) -> Result<Self> {
        let damaged = |problem: &dyn std::fmt::Display| {
            Error::input(name, format_args!("a numpy .npy file is expected: {problem}"))
        };
        let mut head = vec![0; (LONGEST + 12).min(usize::try_from(bytes.size()).unwrap_or(usize::MAX))];
        bytes.read_exact_at(0, &mut head).map_err(|error| Error::io(name, error))?;
        check_header(&head).map_err(|problem| damaged(&problem))?;
        let mut rest = head.as_slice();
        let header = NpyHeader::from_reader(&mut rest).map_err(|error| damaged(&error))?;
        let start = (head.len() - rest.len()) as u64;
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
        // In 64 bits, because a file may be larger than a 32-bit platform's memory.
        let expected = header.shape().iter().try_fold(size as u64, |bytes, &axis| bytes.checked_mul(axis));
        let found = bytes.size() - start;
        match (shape, expected) {
            (Some(shape), Some(expected)) if expected == found => {
                Ok(Self { dtype: dtype.descr(), kind: (scalar.type_char(), size), shape, start })
            }
            _ => Err(damaged(&format_args!(
                "an array of {} of shape {:?} does not fit the {found} bytes that follow the header",
                dtype.descr(),
                header.shape(),
            ))),
        }
    }
}

/// Looks at the part of the header that the parser trusts: its length, from which it allocates, and its
/// nesting, over which it recurses.
fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
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
