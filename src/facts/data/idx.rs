//! The format of MNIST's files (<http://yann.lecun.com/exdb/mnist/>): type and shape in a few bytes, then the elements, the
//! most significant byte first.

use super::ReadAt;
use super::array::{Array, ElementType, Kind};
use crate::{Error, Result};

/// Most axes: a file of images has three.
const MOST_AXES: u8 = 4;

/// Whether a file that begins with `head` is in this format; its `size` in bytes tells, too, where it is known.
pub fn recognise(head: &[u8], size: Option<u64>) -> bool {
    let Some((element, axes)) = types(head) else { return false };
    let count = lengths(head, axes).and_then(|mut axes| axes.try_fold(element.size as u64, u64::checked_mul));
    count.and_then(|count| count.checked_add(start(axes))).is_some_and(|needed| size.is_none_or(|size| size == needed))
}

impl<'a> Array<'a> {
    /// Takes over an IDX file; `name` is the file's name for messages.
    ///
    /// # Errors
    /// If it is none, or is longer or shorter than it states.
    pub fn idx(name: &str, bytes: Box<dyn ReadAt + 'a>) -> Result<Self> {
        let damaged = |problem: &dyn std::fmt::Display| {
            Error::input(name, format_args!("a file in MNIST's format (IDX) is expected: {problem}"))
        };
        let mut head = vec![0; 4 + 4 * usize::from(MOST_AXES)];
        head.truncate(usize::try_from(bytes.size()).unwrap_or(usize::MAX));
        bytes.read_exact_at(0, &mut head).map_err(|error| Error::io(name, error))?;
        let (element, axes) = types(&head).ok_or_else(|| {
            damaged(&format_args!(
                "it begins with {:02x?}, not with 00 00, a type and a number of axes",
                &head[..head.len().min(4)]
            ))
        })?;
        let shape: Vec<u64> = lengths(&head, axes).ok_or_else(|| damaged(&"its head is cut short"))?.collect();
        let needed = shape.iter().try_fold(element.size as u64, |count, &axis| count.checked_mul(axis));
        let found = bytes.size() - start(axes);
        let (Some(true), Ok(shape)) = (
            needed.map(|needed| needed == found),
            shape.iter().map(|&axis| usize::try_from(axis)).collect::<Result<Vec<_>, _>>(),
        ) else {
            return Err(damaged(&format_args!(
                "an array of {} of shape {shape:?} does not fit the {found} bytes that follow the head; the file is cut short, or \
                 no such file",
                element.name
            )));
        };
        let start = start(axes);
        Ok(Self { name: name.to_owned(), bytes, start, shape, element, fortran: false })
    }
}

/// The type of the elements and the number of axes.
fn types(head: &[u8]) -> Option<(ElementType, u8)> {
    let &[0, 0, code, axes @ 1..=MOST_AXES, ..] = head else { return None };
    let (kind, size, name) = match code {
        0x08 => (Kind::Unsigned, 1, "uint8"),
        0x09 => (Kind::Signed, 1, "int8"),
        0x0b => (Kind::Signed, 2, "int16"),
        0x0c => (Kind::Signed, 4, "int32"),
        0x0d => (Kind::Float, 4, "float32"),
        0x0e => (Kind::Float, 8, "float64"),
        _ => return None,
    };
    Some((ElementType { kind, size, big_endian: true, name: name.to_owned() }, axes))
}

/// The length of each axis.
fn lengths(head: &[u8], axes: u8) -> Option<impl Iterator<Item = u64> + '_> {
    let (lengths, _) = head.get(4..start(axes) as usize)?.as_chunks();
    Some(lengths.iter().map(|&length| u32::from_be_bytes(length).into()))
}

fn start(axes: u8) -> u64 {
    4 + 4 * u64::from(axes)
}
