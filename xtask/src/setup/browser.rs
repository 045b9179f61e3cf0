//! What the tests run on: Chromium, and natively a Vulkan driver. Both can do without a GPU.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{process, setup::apt};

/// The names Chromium goes by, and its sisters.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// Finds Chromium, and on Linux a Vulkan driver, or installs them.
pub fn set_up() -> Result<PathBuf> {
    let mut missing = Vec::new();
    if find().is_none() {
        missing.push("chromium".to_owned());
    }
    if cfg!(target_os = "linux") && !has_vulkan() {
        missing.push("mesa-vulkan-drivers".to_owned());
    }
    if !missing.is_empty() {
        if !apt::is_here() {
            bail!(
                "the tests need what Debian calls {}: please install it with your system's package manager, or set CHROME \
                 to the path of a Chromium or Chrome",
                missing.join(" and ")
            );
        }
        apt::install(&missing)?;
    }
    find().context("Chromium was installed, but is not on the search path")
}

fn find() -> Option<PathBuf> {
    let chosen = env::var_os("CHROME").map(PathBuf::from);
    let on_path = NAMES.iter().filter_map(|name| process::find(name));
    chosen.into_iter().chain(on_path).chain([PathBuf::from(MAC)]).find(|file| file.is_file())
}

/// Whether a Vulkan driver has said where it is, in one of the places the loader reads.
fn has_vulkan() -> bool {
    ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .any(|mut entries| entries.next().is_some())
        || env::var_os("VK_DRIVER_FILES").is_some()
        || env::var_os("VK_ICD_FILENAMES").is_some()
}
