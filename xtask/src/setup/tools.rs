//! The programs that make a page out of a wasm file: trunk and wasm-bindgen, each of one exact version.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{process, workspace};

/// 0.22 needs a newer Rust than the project does.
const TRUNK: &str = "0.21.14";

/// trunk of the version that Trunk.toml is written for.
pub fn trunk() -> Result<PathBuf> {
    // Its other features are its own update check and another TLS library.
    tool("trunk", "trunk", TRUNK, &["--no-default-features", "--features", "rustls"])
}

/// wasm-bindgen of the version in Cargo.lock: the program and the library speak a format of their own.
pub fn wasm_bindgen() -> Result<PathBuf> {
    tool("wasm-bindgen", "wasm-bindgen-cli", &workspace::locked_version("wasm-bindgen")?, &[])
}

/// The program `name` of this very version: the user's own, ours, or one built now from crates.io.
fn tool(name: &str, package: &str, version: &str, features: &[&str]) -> Result<PathBuf> {
    let folder = workspace::tools()?;
    let ours = folder.join("bin").join(name);
    let right = |file: &PathBuf| {
        let said = process::output(Command::new(file).arg("--version").env_remove("NO_COLOR"));
        said.is_some_and(|said| said.split_whitespace().nth(1) == Some(version))
    };
    if let Some(file) = [Some(ours.clone()), process::find(name)].into_iter().flatten().find(right) {
        return Ok(file);
    }

    println!("    cargo install {package} {version} (some minutes, once)");
    let build = tempfile::tempdir().context("cannot make a temporary folder")?;
    let install = |locked: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(["install", "--quiet", "--force", package, "--version", version]);
        command.args(features).args(locked).arg("--root").arg(&folder).arg("--target-dir").arg(build.path());
        // The tools run for seconds; optimizing them would take longer than they ever do.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
        command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        process::run(&mut command)
    };
    install(&["--locked"]).or_else(|_| {
        // A lock file may name a version that the registry at hand does not serve.
        println!("    that failed; once more, without the tool's own lock file");
        install(&[])
    })?;
    Ok(ours)
}
