//! Building the page, and fetching what it shows.

use std::path::PathBuf;

use anyhow::Result;

use crate::{check, offline, process, setup::PageBuilder, workspace};

/// What cargo is told to compile what the page is made of. Trunk.toml says the same, so that clippy and trunk share the
/// dependencies' features; profile and compiler are the same, too.
pub const WASM: [&str; 4] = ["--locked", "--release", "--target", "wasm32-unknown-unknown"];

/// The packages of the page's two programs.
pub const PACKAGES: [&str; 2] = ["faultscope-page", "faultscope-worker"];

/// The model that the page opens with. It lies in the repository.
const DEFAULT_MODEL: &str = "gtsrb-resnet8";
/// The larger one that the page offers next.
const LARGER_MODEL: &str = "efficientnet-lite0";

/// Where trunk puts the page.
///
/// # Errors
/// Where this program was not started by cargo.
pub fn folder() -> Result<PathBuf> {
    Ok(workspace::root()?.join("dist"))
}

/// Builds the page into [`folder`].
///
/// # Errors
/// Where it does not build, or the model that it opens with is damaged.
pub fn build(builder: &PageBuilder) -> Result<()> {
    build_with(builder, &[])
}

/// The same, in far more time, with programs of fewer bytes.
///
/// # Errors
/// As [`build`].
pub fn build_small(builder: &PageBuilder) -> Result<()> {
    build_with(builder, &["--cargo-profile", "dist"])
}

fn build_with(builder: &PageBuilder, arguments: &[&str]) -> Result<()> {
    // Nothing is downloaded for it, but the list of models is written, which a fresh clone does not have.
    fetch(DEFAULT_MODEL)?;
    process::run(builder.trunk()?.arg("build").args(arguments))?;
    offline::seal(&folder()?)
}

/// Fetches the larger model and its sample images, where they are not here yet.
///
/// # Errors
/// Where they cannot be had.
pub fn fetch_models() -> Result<()> {
    fetch(LARGER_MODEL)
}

fn fetch(model: &str) -> Result<()> {
    let mut fetch = check::cargo()?;
    fetch.args(["run", "--locked", "--release", "--bin", "faultscope", "--"]);
    process::run(fetch.args(["fetch", model]))
}
