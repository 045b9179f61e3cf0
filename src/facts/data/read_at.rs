//! Bytes that need not be in memory.

use std::fmt::Debug;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::sync::Arc;

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

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        (**self).read_exact_at(offset, into)
    }
}

/// Some of the bytes of another source.
#[derive(Clone, Debug)]
pub struct Part {
    bytes: Arc<dyn ReadAt>,
    start: u64,
    size: u64,
}

impl Part {
    /// The `size` bytes of `bytes` from `start` on; `None` if there are not so many.
    pub fn of(bytes: Arc<dyn ReadAt>, start: u64, size: u64) -> Option<Self> {
        let end = start.checked_add(size)?;
        (end <= bytes.size()).then_some(Self { bytes, start, size })
    }
}

impl ReadAt for Part {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(into.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.bytes.read_exact_at(self.start + offset, into)
    }
}

/// Bytes that are read one after the other.
#[derive(Clone, Debug)]
pub struct Cursor {
    bytes: Arc<dyn ReadAt>,
    at: u64,
}

impl Cursor {
    /// All of `bytes`, from the first on.
    pub fn new(bytes: Arc<dyn ReadAt>) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Read for Cursor {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.bytes.size().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = into.len().min(left);
        self.bytes.read_exact_at(self.at, &mut into[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let place = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.bytes.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = place.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
