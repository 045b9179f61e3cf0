//! What the page keeps for when there is no network: its files and their version, written into its service worker.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::Crc;

/// The service worker, in the page's folder.
const SCRIPT: &str = "sw.js";
/// What in it waits to be written.
const VERSION: &str = "const VERSION = \"\";";
const FILES: &str = "const FILES = [];";
/// Larger files are left to the page, which fetches them when they are wanted.
const LARGEST_MODEL: u64 = 4_000_000;

/// Writes the files of the page in `folder`, and a version that changes with any of them, into its service worker.
///
/// # Errors
/// Where the folder cannot be read, or the script is not the one that is expected.
pub fn seal(folder: &Path) -> Result<()> {
    let template = folder.join("www").join(SCRIPT);
    let script = read(&template)?;
    let script = String::from_utf8(script).with_context(|| format!("{} is not text", template.display()))?;
    ensure!(script.contains(VERSION) && script.contains(FILES), "{} has no place for the files", template.display());

    let mut files = Vec::new();
    list(folder, folder, &mut files)?;
    files.sort();
    let mut sum = Crc::new();
    sum.update(script.as_bytes());
    let mut bytes = 0;
    for file in &files {
        let contents = read(&folder.join(file))?;
        sum.update(file.as_bytes());
        sum.update(&contents);
        bytes += contents.len();
    }
    let names: Vec<String> = files.iter().map(|file| format!("  {file:?},\n")).collect();
    let sealed = script
        .replace(VERSION, &format!("const VERSION = \"{:08x}-{bytes:x}\";", sum.sum()))
        // The page itself is asked for by its folder.
        .replace(FILES, &format!("const FILES = [\n  \"./\",\n{}];", names.concat()));
    fs::write(folder.join(SCRIPT), sealed).with_context(|| format!("cannot write {SCRIPT}"))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Adds the files in `folder` and below that the page needs to open, as the page at `root` calls them.
fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path: PathBuf = entry?.path();
        let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            // The images of a larger model are kept when they are looked at.
            if !name.ends_with("/samples") || !has_large_model(folder)? {
                list(root, &path, files)?;
            }
        } else if is_needed(&name, path.metadata()?.len()) {
            files.push(name);
        }
    }
    Ok(())
}

fn is_needed(name: &str, bytes: u64) -> bool {
    let copied = ["index.html", SCRIPT, "www/sw.js", "www/manifest.webmanifest"];
    match name.strip_prefix("models/") {
        Some("index.json") => true,
        Some(model) => bytes <= LARGEST_MODEL && [".bpk", ".png", ".jpg"].iter().any(|ending| model.ends_with(ending)),
        None => !copied.contains(&name),
    }
}

fn has_large_model(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        if entry?.metadata()?.len() > LARGEST_MODEL {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_kept_and_large_models_are_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, contents: &[u8]| {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, contents).expect("a file");
        };
        write("www/sw.js", format!("{VERSION}\n{FILES}\n").as_bytes());
        write("index.html", b"page");
        write("app.js", b"app");
        write("models/index.json", b"{}");
        write("models/small/net.bpk", b"small");
        write("models/small/manifest.toml", b"id");
        write("models/small/samples/a.png", b"image");
        write("models/large/net.bpk", &vec![0; LARGEST_MODEL as usize + 1]);
        write("models/large/samples/b.jpg", b"image");
        let sealed = || {
            seal(folder.path()).expect("sealed");
            fs::read_to_string(folder.path().join(SCRIPT)).expect("the script")
        };
        let first = sealed();
        for kept in ["./", "app.js", "models/index.json", "models/small/net.bpk", "models/small/samples/a.png"] {
            assert!(first.contains(&format!("\"{kept}\"")), "{kept}: {first}");
        }
        for left in ["large", "manifest.toml", "index.html", "sw.js"] {
            assert!(!first.contains(left), "{left}: {first}");
        }
        assert_eq!(first, sealed(), "the same page has the same version");
        write("app.js", b"apq");
        assert_ne!(first, sealed());
    }
}
