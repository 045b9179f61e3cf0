//! Files that are what their name says: regular files, not links or devices, and the same ones as before.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use crate::{Error, Result};

/// Checks that a regular file or nothing is at `path`, and tells whether a file is. A link is not followed.
///
/// # Errors
/// If something else is there, a link for example.
pub fn check_regular(path: &Path) -> Result<bool> {
    let kind = match path.symlink_metadata() {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io(path.display(), error)),
    };
    if kind.is_file() {
        return Ok(true);
    }
    let found = match () {
        () if kind.is_symlink() => "a symbolic link, which is not followed",
        () if kind.is_dir() => "a directory",
        () => "a device, a pipe or a socket",
    };
    let problem = format_args!("expected a file of a campaign, found {found}; remove it, or choose another --out");
    Err(Error::input(path.display().to_string(), problem))
}

/// Checks that `file`, which was opened at `path`, is still there.
///
/// # Errors
/// If the file was removed, or another one is in its place. Where files have no numbers, an open file cannot be removed.
pub fn check_same(path: &Path, file: &File) -> Result<()> {
    let there = match path.symlink_metadata() {
        Ok(there) => Some(there),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io(path.display(), error)),
    };
    let here = file.metadata().map_err(|error| Error::io(path.display(), error))?;
    if there.is_some_and(|there| same(&there, &here)) {
        return Ok(());
    }
    Err(Error::input(
        path.display().to_string(),
        "the file was removed or replaced while this campaign ran; what is there now is left alone; begin the campaign \
         again with another --out",
    ))
}

#[cfg(unix)]
fn same(there: &std::fs::Metadata, here: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (there.dev(), there.ino()) == (here.dev(), here.ino())
}

#[cfg(not(unix))]
fn same(there: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    there.is_file()
}
