//! Limits of text: lines and pages.

use std::io::{self, ErrorKind, Read};

use super::shown_bytes;

/// Longest line of a text, and of a record with one fault, in bytes.
pub const LINE: usize = 64 << 10;

/// Longest text that is read as a whole, in bytes: a configuration, a list of labels, a description of a model.
pub const TEXT: usize = 64 << 20;

/// Longest name of a layer or a tensor, in bytes: a record with both fits a line, with JSON's escapes of six bytes each.
pub const NAME: usize = 1 << 10;

/// A reader that ends with an error at a line that is too long, before the line is in memory.
#[derive(Debug)]
pub struct Lines<R> {
    inner: R,
    most: usize,
    /// Bytes of the line in progress.
    length: usize,
    /// Number of that line, from 1.
    number: u64,
}

impl<R: Read> Lines<R> {
    /// Reads `inner`, whose lines have at most `most` bytes.
    pub fn new(inner: R, most: usize) -> Self {
        Self { inner, most, length: 0, number: 1 }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        for piece in into[..count].split_inclusive(|&byte| byte == b'\n') {
            self.length = self.length.saturating_add(piece.len());
            if self.length > self.most {
                let problem = format!("line {} is longer than {}", self.number, shown_bytes(self.most as u64));
                return Err(io::Error::new(ErrorKind::InvalidData, problem));
            }
            if piece.ends_with(b"\n") {
                (self.length, self.number) = (0, self.number + 1);
            }
        }
        Ok(count)
    }
}
