//! Folders and files of the project.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The project's folder.
///
/// # Errors
/// Where this program was not started by cargo.
pub fn root() -> Result<PathBuf> {
    // Asked at run time: several checkouts may share one target folder, and with it this program.
    let own = env::var_os("CARGO_MANIFEST_DIR").context("this program is started as `cargo xtask`")?;
    Ok(PathBuf::from(own).parent().context("xtask lies in the project's folder")?.to_owned())
}

/// Where cargo puts what it builds.
///
/// # Errors
/// Where this program was not started by cargo.
pub fn target() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(folder).context("CARGO_TARGET_DIR names no folder"),
        None => Ok(root()?.join("target")),
    }
}

/// Where the tools that set-up installs are kept, for all checkouts: `$XDG_CACHE_HOME/faultscope/tools`.
///
/// # Errors
/// Where there is no home folder.
pub fn tools() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir().context("there is no home folder; set XDG_CACHE_HOME")?.join(".cache"),
    };
    Ok(cache.join("faultscope").join("tools"))
}

/// The version of `package` in Cargo.lock.
///
/// # Errors
/// Where it is not there.
pub fn locked_version(package: &str) -> Result<String> {
    let file = root()?.join("Cargo.lock");
    let lock = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    version_in(&lock, package).with_context(|| format!("{} names no {package}", file.display()))
}

/// Returns the Rust files in `folder` and below, sorted; none if there is no such folder.
///
/// # Errors
/// If a folder cannot be read.
pub fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    Some(lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "wasm"), None);
    }
}
