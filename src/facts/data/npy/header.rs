//! The head of an `.npy` file: type and shape.

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use crate::data::ReadAt;
use crate::data::array::{Array, ElementType, Kind};
use crate::{Error, Result};

/// Longest header that is read; one of plain numbers has about a hundred bytes.
const LONGEST: usize = 1024;

/// What an `.npy` file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

impl<'a> Array<'a> {
    /// Takes over an `.npy` file; `name` is the file's name for messages.
    ///
    /// # Errors
    /// If it is none, is longer or shorter than its header states, or holds something else than numbers.
    pub fn npy(name: &str, bytes: Box<dyn ReadAt + 'a>) -> Result<Self> {
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
        let plain = |dtype: &DType| {
            damaged(&format_args!(
                "bool, integers and floats of up to 8 bytes are read, found {}; save numbers, with array.astype(...)",
                dtype.descr()
            ))
        };
        let DType::Plain(ref scalar) = dtype else { return Err(plain(&dtype)) };
        let size = scalar.num_bytes().unwrap_or(0);
        let kind = match (scalar.type_char(), size) {
            (TypeChar::Bool, 1) => Kind::Bool,
            (TypeChar::Uint, 1 | 2 | 4 | 8) => Kind::Unsigned,
            (TypeChar::Int, 1 | 2 | 4 | 8) => Kind::Signed,
            (TypeChar::Float, 2 | 4 | 8) => Kind::Float,
            _ => return Err(plain(&dtype)),
        };
        let shape: Option<Vec<usize>> = header.shape().iter().map(|&axis| usize::try_from(axis).ok()).collect();
        // In 64 bits, because a file may be larger than a 32-bit platform's memory.
        let expected = header.shape().iter().try_fold(size as u64, |bytes, &axis| bytes.checked_mul(axis));
        let found = bytes.size() - start;
        let element =
            ElementType { kind, size, big_endian: scalar.endianness() == Endianness::Big, name: named(kind, size) };
        let fortran = header.order() != Order::C && header.shape().len() > 1;
        match (shape, expected) {
            (Some(shape), Some(expected)) if expected == found => {
                Ok(Self { name: name.to_owned(), bytes, start, shape, element, fortran })
            }
            _ => Err(damaged(&format_args!(
                "an array of {} of shape {:?} does not fit the {found} bytes that follow the header",
                dtype.descr(),
                header.shape(),
            ))),
        }
    }
}

/// The name that numpy gives a type.
fn named(kind: Kind, size: usize) -> String {
    let bits = 8 * size;
    match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Unsigned => format!("uint{bits}"),
        Kind::Signed => format!("int{bits}"),
        Kind::Float => format!("float{bits}"),
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
