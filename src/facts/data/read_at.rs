//! Bytes that need not be in memory.

use std::fmt::Debug;
use std::io::{Error, ErrorKind, Result};

/// Bytes that are read from anywhere, a few at a time: those of a file, of an archive's member, or in memory.
pub trait ReadAt: Debug + Send + Sync {
    /// Number of bytes.
    fn size(&self) -> u64;

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// Where there are not so many bytes, or they cannot be read.
    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<()>;
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.as_slice().read_exact_at(offset, into)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).ok();
        let bytes = start.and_then(|start| self.get(start..)?.get(..into.len()));
        into.copy_from_slice(bytes.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }
}
