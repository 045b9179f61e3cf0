//! Limits of text: lines and pages.

use std::io::{self, ErrorKind, Read};

use super::shown_bytes;
use crate::campaign::CampaignConfig;
use crate::fault::{FaultKind, Mode};

/// Longest line of a text, and of a record with one fault, in bytes.
pub const LINE: usize = 64 << 10;

/// Longest text that is read as a whole, in bytes: a configuration, a list of labels, a description of a model.
pub const TEXT: usize = 64 << 20;

/// Bytes of one more fault in a record, with the longest names.
const FAULT: usize = 4 << 10;

/// Returns the longest line that a record of a campaign with this configuration can be. A record lists each element
/// that its fault has changed.
pub fn longest_record(config: &CampaignConfig) -> usize {
    let model = &config.fault_model;
    if matches!(model.kind, FaultKind::Zero { percent: Some(_) }) || model.mode != Mode::Single {
        return TEXT;
    }
    model.amount.saturating_mul(FAULT).clamp(LINE, TEXT)
}

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
