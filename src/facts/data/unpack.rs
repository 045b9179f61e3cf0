//! Packed bytes, unpacked in memory up to a limit.

use std::io::{ErrorKind, Read};
use std::sync::Arc;

use flate2::read::GzDecoder;

use super::ReadAt;
use super::read_at::Cursor;
use crate::limits::{self, shown_bytes};
use crate::{Error, Result};

/// Share of the memory that is unpacked into at once: a buffer that grows is there twice for a moment. A file of a few bytes can
/// claim any size.
const SHARE: u64 = 2;

/// What a gzip file begins with.
pub const GZIP: &[u8] = &[0x1f, 0x8b];

/// Reads `packed` to its end, into half of the memory that is allowed at most; `name` is the file's name for messages, `remedy` says what to do where
/// there are more.
///
/// # Errors
/// If the bytes are damaged, or too many.
pub fn all(name: &str, packed: impl Read, remedy: &str) -> Result<Vec<u8>> {
    let most = limits::allowed().part(SHARE).bytes();
    let mut bytes = Vec::new();
    packed.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| {
        let problem = match error.kind() {
            ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
            _ => format!("the file is damaged, or has another format: {error}"),
        };
        Error::input(name, format_args!("it cannot be unpacked: {problem}"))
    })?;
    if bytes.len() as u64 > most {
        return Err(Error::input(
            name,
            format_args!(
                "unpacked, it has more than {}, half of the memory that is allowed; {remedy}; the command line takes a larger \
                 --memory",
                shown_bytes(most)
            ),
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
