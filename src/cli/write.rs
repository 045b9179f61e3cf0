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
        // The text names the file beside it, which the user does not know.
        burn_pack::Error::IoError(text) => {
            let cause = text.rsplit_once("': ").map_or(text.as_str(), |(_, cause)| cause);
            Error::input(&name, format_args!("the file cannot be written: {cause}"))
        }
        other => Error::input(&name, format_args!("the file cannot be written: {other}")),
    };
    check_folder(path)?;
    if existing == Existing::Keep {
        check_absent(path)?;
    }
    remove_left(path);
    let (scratch, file) = AtomicFile::create(path).map_err(fault)?;
    // Tells other processes that the file is not one that a killed process left. Some file systems have no locks.
    let lock = file.try_clone().map_err(|error| Error::io(&name, error))?;
    let _ = lock.try_lock();
    let mut file = BufWriter::with_capacity(1 << 16, file);
    write(&mut file)?;
    file.into_inner().map_err(|error| Error::io(&name, error.into_error()))?;
    drop(lock);
    match existing {
        Existing::Keep => scratch.commit_new(),
        Existing::Replace => scratch.commit(),
    }
    .map_err(fault)
}

/// Removes the incomplete files for `path` that killed processes left: those that no process has locked.
fn remove_left(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let of_ours = entry.file_name().to_str().is_some_and(|file| is_scratch(name, file));
        if !of_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // The file is harmless, so a failure to remove it is no error.
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether `file` is the name of an incomplete file for `name`, `name.1234-0.tmp` for example.
fn is_scratch(name: &str, file: &str) -> bool {
    let numbers =
        file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp")?.split_once('-'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(process, count)| digits(process) && digits(count))
}

/// Checks that there is no file at `path`, before any work is done.
///
/// # Errors
/// If there is one.
pub fn check_absent(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Error::input(path.display().to_string(), "this is a folder; name a file to write to"));
    }
    check_folder(path)?;
    if path.exists() { Err(exists(path)) } else { Ok(()) }
}

/// Checks that the folder is there that the file at `path` is to be in.
fn check_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    if folder.is_dir() {
        return Ok(());
    }
    let found = if folder.exists() { "is no folder" } else { "does not exist" };
    Err(Error::input(
        path.display().to_string(),
        format_args!("the folder {} {found}; create it, or name a file in another one", folder.display()),
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_missing_is_named_and_no_other_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("x.html");
        for existing in [Existing::Keep, Existing::Replace] {
            let error = atomically(&path, b"x", existing).unwrap_err().to_string();
            let missing = folder.path().join("missing").display().to_string();
            let problem = format!("the folder {missing} does not exist; create it, or name a file in another one");
            assert_eq!(error, format!("{}: {problem}", path.display()));
        }
        let name = "x".repeat(300);
        let error = atomically(&folder.path().join(&name), b"x", Existing::Keep).unwrap_err().to_string();
        assert!(error.contains("the file cannot be written: "), "{error}");
        // A second mention would be the name of the scratch file, which starts with the same letters.
        assert_eq!(error.matches(&name).count(), 1, "{error}");
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in
            ["out.json.17-0.tmp", "out.json.tmp", "out.json.a-0.tmp", "other.json.17-0.tmp", "out.json.18-3.tmp"]
        {
            std::fs::write(at(name), "x").unwrap();
        }
        let held = File::open(at("out.json.18-3.tmp")).unwrap();
        held.try_lock().unwrap();
        atomically(&at("out.json"), b"{}", Existing::Keep).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let kept = ["other.json.17-0.tmp", "out.json", "out.json.18-3.tmp", "out.json.a-0.tmp", "out.json.tmp"];
        assert_eq!(left, kept);
    }
}
