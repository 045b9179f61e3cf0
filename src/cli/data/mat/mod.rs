//! The part of MATLAB's MAT-file format, version 5, that the development kit of ILSVRC uses: an array of structures.
//!
//! Format: MathWorks, "MAT-File Format", chapter 1. A file consists of elements: type, size, data, padded to 8 bytes. A
//! matrix is an element that contains elements. Damaged data gives `None`. The crates for this format panic on a
//! damaged file.

use std::io::Read;

use flate2::bufread::ZlibDecoder;

/// Types of elements.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UTF8: u32 = 16;
const UTF16: u32 = 17;

/// Classes of arrays.
const STRUCTURE: u32 = 2;
const CHARACTERS: u32 = 4;

/// Largest size of an unpacked element, in bytes. That of the development kit has less than one megabyte.
const MAX_UNPACKED: u64 = 1 << 26;

/// An array of structures, with its fields of numbers and of text.
#[derive(Debug)]
pub struct Structures {
    fields: Vec<String>,
    /// The fields of the first structure, then those of the second, and so on.
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Number(f64),
    Text(String),
    Other,
}

/// One element.
struct Element<'a> {
    kind: u32,
    data: &'a [u8],
}

/// A sequence of elements.
struct Elements<'a> {
    bytes: &'a [u8],
}

impl<'a> Elements<'a> {
    fn next(&mut self) -> Option<Element<'a>> {
        let tag = word(self.bytes, 0)?;
        // Up to four bytes of data are packed into the tag.
        let (element, length) = if tag >> 16 != 0 {
            (Element { kind: tag & 0xffff, data: self.bytes.get(4..4 + (tag >> 16).min(4) as usize)? }, 8)
        } else {
            let size = word(self.bytes, 4)? as usize;
            let data = self.bytes.get(8..)?.get(..size)?;
            // Compressed elements are not padded.
            let padding = if tag == COMPRESSED { 0 } else { size.wrapping_neg() % 8 };
            (Element { kind: tag, data }, 8 + size + padding)
        };
        // The last padding of a file may be left out.
        self.bytes = self.bytes.get(length..).unwrap_or_default();
        Some(element)
    }

    fn next_of(&mut self, kind: u32) -> Option<&'a [u8]> {
        self.next().filter(|element| element.kind == kind).map(|element| element.data)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u32::from_le_bytes(bytes))
}

/// The header of a matrix, and its other elements.
struct Matrix<'a> {
    class: u32,
    elements: usize,
    name: String,
    rest: Elements<'a>,
}

impl<'a> Matrix<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let mut rest = Elements { bytes: data };
        let class = word(rest.next_of(UINT32)?, 0)? & 0xff;
        let dimensions = rest.next_of(INT32)?.as_chunks().0;
        let elements =
            dimensions.iter().try_fold(1usize, |count, &axis| count.checked_mul(u32::from_le_bytes(axis) as usize))?;
        let name = String::from_utf8(rest.next_of(INT8)?.to_vec()).ok()?;
        Some(Self { class, elements, name, rest })
    }

    fn value(mut self) -> Option<Value> {
        match (self.class, self.elements) {
            (CHARACTERS, _) => Some(Value::Text(text(&self.rest.next()?)?)),
            (6..=15, 1) => Some(Value::Number(number(&self.rest.next()?)?)),
            _ => Some(Value::Other),
        }
    }
}

fn text(element: &Element) -> Option<String> {
    match element.kind {
        INT8 | UINT8 | UTF8 => String::from_utf8(element.data.to_vec()).ok(),
        UINT16 | UTF16 => {
            let units: Vec<u16> = element.data.as_chunks().0.iter().map(|&unit| u16::from_le_bytes(unit)).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

/// Returns the first number. Its type can be smaller than that of its array.
fn number(element: &Element) -> Option<f64> {
    let data = element.data;
    Some(match element.kind {
        INT8 => f64::from(i8::from_le_bytes(*data.first_chunk()?)),
        UINT8 => f64::from(*data.first()?),
        INT16 => f64::from(i16::from_le_bytes(*data.first_chunk()?)),
        UINT16 => f64::from(u16::from_le_bytes(*data.first_chunk()?)),
        INT32 => f64::from(i32::from_le_bytes(*data.first_chunk()?)),
        UINT32 => f64::from(u32::from_le_bytes(*data.first_chunk()?)),
        SINGLE => f64::from(f32::from_le_bytes(*data.first_chunk()?)),
        DOUBLE => f64::from_le_bytes(*data.first_chunk()?),
        _ => return None,
    })
}

impl Structures {
    /// Reads the array called `name` from the bytes of a MAT-file. `None` if there is none, or if the file is damaged.
    pub fn read(file: &[u8], name: &str) -> Option<Self> {
        const HEAD: usize = 128;
        if !file.starts_with(b"MATLAB 5.0 MAT-file") || file.get(126..HEAD)? != b"IM" {
            return None;
        }
        let mut variables = Elements { bytes: &file[HEAD..] };
        loop {
            let variable = variables.next()?;
            let unpacked = match variable.kind {
                COMPRESSED => {
                    let mut bytes = Vec::new();
                    ZlibDecoder::new(variable.data).take(MAX_UNPACKED).read_to_end(&mut bytes).ok()?;
                    bytes
                }
                _ => Vec::new(),
            };
            let matrix = match variable.kind {
                COMPRESSED => Elements { bytes: &unpacked }.next_of(MATRIX)?,
                MATRIX => variable.data,
                _ => return None,
            };
            let matrix = Matrix::read(matrix)?;
            if matrix.name == name && matrix.class == STRUCTURE {
                return Self::of(matrix);
            }
        }
    }

    fn of(mut matrix: Matrix) -> Option<Self> {
        let longest = word(matrix.rest.next_of(INT32)?, 0)? as usize;
        let names = matrix.rest.next_of(INT8)?;
        if longest == 0 {
            return None;
        }
        let fields: Vec<String> = names
            .chunks_exact(longest)
            .map(|name| String::from_utf8_lossy(name).trim_end_matches('\0').to_owned())
            .collect();
        let count = matrix.elements.checked_mul(fields.len())?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(Matrix::read(matrix.rest.next_of(MATRIX)?)?.value()?);
        }
        Some(Self { fields, values })
    }

    /// Returns the number in the field `number` and the text in the field `text` of every structure. `None` if a
    /// structure lacks one.
    pub fn pairs(&self, number: &str, text: &str) -> Option<Vec<(f64, &str)>> {
        let place = |name: &str| self.fields.iter().position(|field| field == name);
        let (number, text) = (place(number)?, place(text)?);
        self.values
            .chunks_exact(self.fields.len())
            .map(|values| match (&values[number], &values[text]) {
                (Value::Number(number), Value::Text(text)) => Some((*number, text.as_str())),
                _ => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
