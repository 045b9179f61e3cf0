//! Files that are written completely or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use burn_store::burn_pack::{self, AtomicFile};
use sha2::{Digest, Sha256};

pub use crate::data::sha256;
use crate::{Error, Result};

/// Whether a file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The file stays, and the new one is refused.
    Keep,
    /// The file is replaced atomically.
    Replace,
}

/// Writes `bytes` to a file beside `path` and then moves it there, so that no reader finds an incomplete file.
///
/// # Errors
/// If the operating system refuses, or if the file exists and must be kept.
pub fn atomically(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    streamed(path, existing, |file| file.write_all(bytes).map_err(|error| Error::io(path.display(), error)))
}

/// Writes a file as [`atomically`] does, with the bytes that `write` produces. If `write` fails, no file is left.
///
/// # Errors
/// Those of `write` and of [`atomically`].
pub fn streamed(path: &Path, existing: Existing, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let name = path.display().to_string();
    let fault = |error: burn_pack::Error| match error {
        burn_pack::Error::AlreadyExists(_) => exists(path),
        other => Error::input(&name, format_args!("the file cannot be written: {other}")),
    };
    if existing == Existing::Keep {
        check_absent(path)?;
    }
    let (scratch, file) = AtomicFile::create(path).map_err(fault)?;
    let mut file = BufWriter::with_capacity(1 << 16, file);
    write(&mut file)?;
    file.into_inner().map_err(|error| Error::io(&name, error.into_error()))?;
    match existing {
        Existing::Keep => scratch.commit_new(),
        Existing::Replace => scratch.commit(),
    }
    .map_err(fault)
}

/// Checks that there is no file at `path`, before any work is done.
///
/// # Errors
/// If there is one.
pub fn check_absent(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Error::input(path.display().to_string(), "this is a folder; name a file to write to"));
    }
    if path.exists() { Err(exists(path)) } else { Ok(()) }
}

fn exists(path: &Path) -> Error {
    Error::input(path.display().to_string(), "the file exists already; --force replaces it")
}

/// Returns the SHA-256 of a file in hexadecimal. The file does not have to fit into memory.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hash));
    copied.map_err(|error| Error::io(path.display(), error))?;
    Ok(hexadecimal(&hash.finalize()))
}

/// Returns `bytes` in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
