//! Files that are there in full or not at all.

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
    /// It stays, and the writing fails.
    Keep,
    /// It is replaced at one stroke.
    Replace,
}

/// Writes `bytes` to a file beside `path` and then moves it there, so that no reader ever meets half a file.
///
/// # Errors
/// Where the system refuses, or the file is there already and is to be kept.
pub fn atomically(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    streamed(path, existing, |file| file.write_all(bytes).map_err(|error| Error::io(path.display(), error)))
}

/// The same for bytes that `write` makes as it goes; where it fails nothing is left behind.
///
/// # Errors
/// Those of `write`, and where the system refuses, or the file is there already and is to be kept.
pub fn streamed(path: &Path, existing: Existing, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let name = path.display().to_string();
    let fault = |error: burn_pack::Error| match error {
        burn_pack::Error::AlreadyExists(_) => exists(path),
        other => Error::input(&name, format_args!("it cannot be written: {other}")),
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

/// Makes sure, before any work is done, that there is no file at `path`.
///
/// # Errors
/// Where there is one.
pub fn check_absent(path: &Path) -> Result<()> {
    if path.exists() { Err(exists(path)) } else { Ok(()) }
}

fn exists(path: &Path) -> Error {
    Error::input(path.display().to_string(), "the file exists already; --force replaces it")
}

/// SHA-256 of a file in hexadecimal; the file need not fit into memory.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hash));
    copied.map_err(|error| Error::io(path.display(), error))?;
    Ok(hexadecimal(&hash.finalize()))
}

/// `bytes` in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
