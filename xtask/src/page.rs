//! The page: its build, and the larger model that it offers.

use std::{path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::{catalogue, offline, packages, process, setup::PageBuilder, workspace};

/// The model that the page offers beside its own.
const LARGER_MODEL: &str = "efficientnet-lite0";

/// The folder of the built page.
///
/// # Errors
/// If cargo did not start this program.
pub fn folder() -> Result<PathBuf> {
    Ok(workspace::root()?.join("dist"))
}

/// Builds the page into [`folder`].
///
/// # Errors
/// If the build fails, or the model of the repository is damaged.
pub fn build(builder: &PageBuilder) -> Result<()> {
    build_with(builder, &[])
}

/// Builds the page as it is published: smaller programs in much more time.
///
/// # Errors
/// As [`build`].
pub fn build_small(builder: &PageBuilder) -> Result<()> {
    build_with(builder, &["--cargo-profile", "dist"])
}

fn build_with(builder: &PageBuilder, arguments: &[&str]) -> Result<()> {
    catalogue::write(&workspace::root()?)?;
    process::run(builder.trunk()?.arg("build").args(arguments))?;
    offline::seal(&folder()?)
}

/// Whether the larger model and its sample images are there.
///
/// # Errors
/// If cargo did not start this program.
pub fn has_larger_model() -> Result<bool> {
    Ok(catalogue::has(&workspace::root()?, LARGER_MODEL))
}

/// Fetches the larger model and its sample images, unless they are there. The first time, cargo compiles the command
/// line tool for this.
///
/// # Errors
/// If they cannot be fetched.
pub fn fetch_models() -> Result<()> {
    if has_larger_model()? {
        println!("    {LARGER_MODEL} is there");
        return Ok(());
    }
    process::run(&mut fetch()?)?;
    ensure!(has_larger_model()?, "{LARGER_MODEL} was fetched, but is not complete in models/");
    Ok(())
}

/// Returns the command that fetches the larger model.
///
/// # Errors
/// If cargo did not start this program.
pub fn fetch() -> Result<Command> {
    let mut fetch = packages::tool(&["fetch", LARGER_MODEL])?;
    fetch.env("FAULTSCOPE_MODELS", workspace::root()?.join("models"));
    Ok(fetch)
}
