//! The packages of the project, and the commands that compile them.
//!
//! Cargo unifies the features of the dependencies of all packages that one command names. Packages with burn among
//! their dependencies must therefore agree about features; otherwise, each command would compile burn again.
//! `cargo xtask check` compares the features.

use std::process::Command;

use anyhow::Result;

use crate::{process, workspace};

/// The package of the command line tool.
pub const TOOL: &str = "faultscope";

/// The packages that are compiled natively: the command line tool and its tests, and the tests of the page's packages.
/// Each command names all of them.
pub const NATIVE: [&str; 6] = [TOOL, "faultscope-facts", "faultscope-engine", "faultscope-protocol", PAGE, WORKER];

/// The package of the page's program.
pub const PAGE: &str = "faultscope-page";
/// The package of the worker's program, which contains the engine.
pub const WORKER: &str = "faultscope-worker";

/// The package of the tests that drive a browser: `tests/browser`.
pub const BROWSER_TESTS: &str = "browser-tests";
/// This program's own package.
pub const XTASK: &str = "xtask";

/// Options for native builds: the profile that all of them share.
pub const RELEASE: [&str; 2] = ["--locked", "--release"];
/// Options for builds for the page. Trunk.toml states the same, so that clippy and trunk share compiled dependencies.
pub const WASM: [&str; 4] = ["--locked", "--release", "--target", "wasm32-unknown-unknown"];

/// Options that switch on debug assertions and overflow checks in the project's own packages, and in no other.
const CHECKED: [&str; 2] = ["--config", "tests/checked.toml"];

/// Returns a command of native cargo in the project's folder.
///
/// # Errors
/// If cargo did not start this program.
pub fn cargo() -> Result<Command> {
    let mut command = process::command("cargo");
    command.current_dir(workspace::root()?);
    Ok(command)
}

/// Returns `cargo test` for `packages`, with debug assertions and overflow checks.
///
/// # Errors
/// If cargo did not start this program.
pub fn cargo_test(packages: &[&str]) -> Result<Command> {
    let mut test = cargo()?;
    test.arg("test").args(RELEASE).args(CHECKED).args(named(packages));
    Ok(test)
}

/// Returns a command that runs the command line tool, compiled as the tests compile it.
///
/// # Errors
/// If cargo did not start this program.
pub fn tool(arguments: &[&str]) -> Result<Command> {
    let mut run = cargo()?;
    run.arg("run").args(RELEASE).args(CHECKED).args(["--package", TOOL, "--bin", TOOL, "--"]).args(arguments);
    Ok(run)
}

/// Returns the options that name `packages`.
pub fn named<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    packages.iter().flat_map(|package| ["--package", package]).collect()
}
