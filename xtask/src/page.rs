//! Building the page, and fetching what it shows.

use std::path::PathBuf;

use anyhow::Result;

use crate::{check, process, setup::PageBuilder, workspace};

/// What cargo is told to compile what the page is made of. Trunk.toml says the same, so that clippy and trunk share the
/// dependencies' features; profile and compiler are the same, too.
pub const WASM: [&str; 7] =
    ["--locked", "--release", "--target", "wasm32-unknown-unknown", "--no-default-features", "--features", "web"];

/// The model that the page opens with.
const DEFAULT_MODEL: &str = "efficientnet-lite0";

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
/// Where it does not build.
pub fn build(builder: &PageBuilder) -> Result<()> {
    process::run(builder.trunk()?.arg("build"))
}

/// Fetches the default model and its sample images, where they are not here yet.
///
/// # Errors
/// Where they cannot be had.
pub fn fetch_models() -> Result<()> {
    let mut fetch = check::cargo()?;
    fetch.args(["run", "--locked", "--release", "--bin", "faultscope", "--"]);
    process::run(fetch.args(["fetch", DEFAULT_MODEL]))
}
