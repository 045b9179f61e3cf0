//! axe-core, which looks for what keeps people from using a page: a program for the browser's tests, of one exact version.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::{process, setup::apt, workspace};

const VERSION: &str = "4.14.1";
/// SHA-256 of the one file of the package that is used.
const SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";
const MEMBER: &str = "package/axe.min.js";
/// A download of 0.7 MB; a line slower than this had better be left alone.
const LIMIT: Duration = Duration::from_secs(300);

/// Finds axe-core's program, or fetches it with npm.
pub fn set_up() -> Result<PathBuf> {
    let file = workspace::tools()?.join(format!("axe-core-{VERSION}.min.js"));
    if fs::read(&file).is_ok_and(|bytes| check(&bytes).is_ok()) {
        return Ok(file);
    }
    if process::find("npm").is_none() {
        if !apt::is_here() {
            bail!(
                "the test of the page's accessibility fetches axe-core with npm: please install npm, or Node.js with it"
            );
        }
        apt::install(&["npm".to_owned()])?;
    }
    println!("    npm pack axe-core@{VERSION}");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", &format!("axe-core@{VERSION}"), "--pack-destination"]).arg(folder.path());
    process::run_quietly(pack.current_dir(folder.path()), LIMIT)?;
    let bytes = unpack(&folder.path().join(format!("axe-core-{VERSION}.tgz")))?;
    check(&bytes)?;
    let parent = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&file, bytes))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The program in the package at `archive`.
fn unpack(archive: &Path) -> Result<Vec<u8>> {
    let opened = File::open(archive).with_context(|| format!("npm has not written {}", archive.display()))?;
    for entry in tar::Archive::new(GzDecoder::new(opened)).entries()? {
        let mut entry = entry?;
        if entry.path()?.as_os_str() == MEMBER {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
    }
    bail!("the package axe-core has no file {MEMBER}")
}

fn check(bytes: &[u8]) -> Result<()> {
    let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if found != SHA256 {
        bail!("{MEMBER} of axe-core {VERSION} has SHA-256 {found}, expected {SHA256}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_is_refused() {
        let error = check(b"alert(1)").expect_err("it is another one").to_string();
        assert!(error.contains(SHA256), "{error}");
    }
}
