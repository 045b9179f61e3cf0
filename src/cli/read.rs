//! Whole files.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use facts::limits::{self, Memory, TEXT, shown_bytes};
use facts::text::decode;

use crate::{Error, Result};

/// Reads the file at `path`.
///
/// # Errors
/// If the operating system refuses, or the file is larger than the memory that is allowed. The error names the file.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    Ok(within(path, limits::allowed(), u64::MAX)?.0)
}

/// Reads the file at `path`, and what the operating system says of it.
///
/// # Errors
/// As [`bytes`].
pub fn with_metadata(path: &Path) -> Result<(Vec<u8>, Metadata)> {
    within(path, limits::allowed(), u64::MAX)
}

/// Reads `most` bytes of the file at `path` from its first, or all that it has.
///
/// # Errors
/// As [`bytes`].
pub fn first(path: &Path, most: usize) -> Result<Vec<u8>> {
    if most == usize::MAX {
        return bytes(path);
    }
    let mut bytes = Vec::with_capacity(most);
    let read = File::open(path).and_then(|file| file.take(most as u64).read_to_end(&mut bytes));
    read.map_err(|error| Error::io(path.display(), error))?;
    Ok(bytes)
}

/// Reads the text file at `path`, as [`decode`] reads text.
///
/// # Errors
/// As [`bytes`], and if the content is no text or longer than a text can be.
pub fn text(path: &Path) -> Result<String> {
    decode(&path.display().to_string(), &within(path, limits::allowed(), TEXT as u64)?.0)
}

fn within(path: &Path, memory: Memory, most: u64) -> Result<(Vec<u8>, Metadata)> {
    let failed = |error| Error::io(path.display(), error);
    let file = File::open(path).map_err(failed)?;
    // What grows, or has no size, is read up to the limit.
    let metadata = file.metadata().map_err(failed)?;
    let size = metadata.len();
    let located = |error: Error| error.concerning(path.display().to_string());
    memory.check("reading the file needs", size).map_err(located)?;
    let limit = memory.bytes().min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let problem = format_args!("the file is larger than {}, more than is read", shown_bytes(limit));
        return Err(Error::input(path.display().to_string(), problem));
    }
    Ok((bytes, metadata))
}
