//! Packed bytes, unpacked in memory up to a limit.

use std::io::{ErrorKind, Read};
use std::sync::Arc;

use flate2::read::GzDecoder;

use super::ReadAt;
use super::read_at::Cursor;
use crate::{Error, Result};

/// Most bytes that are unpacked into memory at once. A file of a few bytes can claim any size.
pub const MOST: u64 = 1 << 30;

/// What a gzip file begins with.
pub const GZIP: &[u8] = &[0x1f, 0x8b];

/// Reads `packed` to its end, at most [`MOST`] bytes; `name` is the file's name for messages, `remedy` says what to do where
/// there are more.
///
/// # Errors
/// If the bytes are damaged, or too many.
pub fn all(name: &str, packed: impl Read, remedy: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    packed.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| {
        let problem = match error.kind() {
            ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
            _ => format!("the file is damaged, or has another format: {error}"),
        };
        Error::input(name, format_args!("it cannot be unpacked: {problem}"))
    })?;
    if bytes.len() as u64 > MOST {
        return Err(Error::input(
            name,
            format_args!("unpacked, it has more than {} MiB, which is too much for memory; {remedy}", MOST >> 20),
        ));
    }
    Ok(bytes)
}

/// The content of the gzip file `packed`, as [`all`].
///
/// # Errors
/// As [`all`].
pub fn gzip(name: &str, packed: Arc<dyn ReadAt>) -> Result<Vec<u8>> {
    all(name, GzDecoder::new(Cursor::new(packed)), "unpack it with gunzip, and give the unpacked file")
}

/// The first bytes of the gzip file `packed`, at most `count`; none if it is damaged.
pub fn gzip_head(packed: Arc<dyn ReadAt>, count: usize) -> Vec<u8> {
    let mut head = Vec::new();
    // What was unpacked before the damage tells the format.
    let _ = GzDecoder::new(Cursor::new(packed)).take(count as u64).read_to_end(&mut head);
    head
}
