//! Blocks of whole lines of results.

use std::io::Read;

use super::Block;
use crate::campaign::DAMAGED;
use crate::{Error, Result};

/// Number of bytes per block: enough work for a processor, and small enough for a block per processor.
const BLOCK: usize = 4 << 20;

/// The sentence on line `line`, which has more than `limit` bytes.
pub fn too_long(line: u64, limit: usize) -> String {
    format!("line {line}: expected the record of a fault, of at most {} kB, found more; {DAMAGED}", limit >> 10)
}

/// Lines in blocks, from any reader.
#[derive(Debug)]
pub struct Blocks<R> {
    name: String,
    lines_of: R,
    /// The beginning of a line that was not read completely yet.
    rest: Vec<u8>,
    lines: u64,
    /// Most bytes of a line.
    limit: usize,
}

/// Whole lines of a file.
#[derive(Debug)]
pub struct OwnedBlock {
    bytes: Vec<u8>,
    before: u64,
}

impl OwnedBlock {
    /// Returns the lines, for a [`Reader`](super::Reader).
    pub fn view(&self) -> Block<'_> {
        Block { lines: &self.bytes, before: self.before }
    }
}

impl<R: Read> Blocks<R> {
    /// Reads the lines of `lines_of`, of `limit` bytes at most each. Messages call it `name`.
    pub fn new(name: impl Into<String>, lines_of: R, limit: usize) -> Self {
        Self { name: name.into(), lines_of, rest: Vec::new(), lines: 0, limit }
    }

    fn block(&mut self) -> Result<Option<OwnedBlock>> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            let before = bytes.len();
            bytes.reserve(BLOCK);
            let more = Read::by_ref(&mut self.lines_of).take(BLOCK as u64).read_to_end(&mut bytes);
            let more = more.map_err(|error| Error::io(&self.name, error))?;
            let end = bytes[before..].iter().rposition(|&byte| byte == b'\n').map(|last| before + last + 1);
            match end {
                Some(end) if more > 0 => self.rest = bytes.split_off(end),
                // The line is longer than a block, and no memory is spent on one that is refused anyway.
                None if more > 0 && bytes.len() > self.limit => {
                    return Err(Error::input(&self.name, too_long(self.lines + 1, self.limit)));
                }
                None if more > 0 => continue,
                _ => {}
            }
            break;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let before = self.lines;
        self.lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        Ok(Some(OwnedBlock { bytes, before }))
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<OwnedBlock>;

    /// Returns the next block, or an error of the reader. The last line of the last block can lack its end.
    fn next(&mut self) -> Option<Self::Item> {
        self.block().transpose()
    }
}
