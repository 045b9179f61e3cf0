//! `cargo xtask dist`: the page as it is published.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{names, offline, page, plan, setup, sizes, steps::Steps};

/// Builds dist/ with programs as small as they get, and prints their sizes.
///
/// # Errors
/// If set-up or the build fails, or the page is larger than it may be.
pub fn run(steps: &mut Steps) -> Result<()> {
    plan::dist()?;
    let builder = setup::page_builder(steps)?;
    steps.run("fetch EfficientNet-Lite0 and its sample images", page::fetch_models)?;
    steps.run("build the page", || page::build_small(&builder))?;
    let folder = page::folder()?;
    let programs = with_extension(&folder, "wasm")?;
    steps.run("leave out the names of functions", || {
        programs.iter().try_for_each(|program| strip(program))?;
        // The service worker knows the files by their content.
        offline::seal(&folder)
    })?;
    let mut files = with_extension(&folder, "js")?;
    files.extend(programs);
    files.extend(with_extension(&folder.join("www"), "css")?);
    files.extend(with_extension(&folder.join("www"), "js")?);
    steps.run("sizes", || sizes::check(&files))?;
    steps.summary();
    println!("\nThe page is in {}: any static file server can serve it, from any folder.", folder.display());
    Ok(())
}

/// Removes the names here and not in the compiler: wasm-bindgen reads sections that the compiler would remove with them.
fn strip(program: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let smaller = names::without_names(&bytes).with_context(|| format!("{} is not WebAssembly", program.display()))?;
    fs::write(program, smaller).with_context(|| format!("cannot write {}", program.display()))
}

fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
