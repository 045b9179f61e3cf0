//! `cargo xtask test`: everything that must hold before a change lands.

use std::path::Path;

use anyhow::Result;

use crate::{
    check, page, process,
    setup::{self, PageBuilder},
    steps::Steps,
};

/// The package of the tests that drive a browser: `tests/browser`.
const BROWSER: &str = "browser-tests";

/// Which part; all of it where none is named.
#[derive(clap::Args)]
pub struct Options {
    /// Only what needs no browser: checks, native tests and doctests.
    #[arg(long, conflicts_with = "browser")]
    native: bool,
    /// Only the page: its build, and the tests that drive it in a browser.
    #[arg(long)]
    browser: bool,
}

/// Sets up, checks, builds, tests.
///
/// # Errors
/// At the first step that fails.
pub fn run(options: Options, steps: &mut Steps) -> Result<()> {
    let (native, browser) = (!options.browser, !options.native);
    if native {
        check::source(steps)?;
    }
    let builder = setup::page_builder(steps)?;
    let chromium = setup::test_programs(steps)?;
    if native {
        check::native(steps)?;
        check::wasm(&builder, steps)?;
    }
    steps.run("fetch EfficientNet-Lite0 and its sample images", page::fetch_models)?;
    if native {
        steps.run("tests, native", native_tests)?;
        steps.run("doctests", || process::run(check::cargo()?.args(["test", "--locked", "--release", "--doc"])))?;
    }
    if browser {
        let axe = setup::axe(steps)?;
        build_and_drive(&builder, &chromium, &axe, steps)?;
    }
    Ok(())
}

/// Unit tests and integration tests of the tool and of the core.
fn native_tests() -> Result<()> {
    process::run(check::cargo()?.args(["test", "--locked", "--release", "--lib", "--bins", "--tests"]))?;
    process::run(check::cargo()?.args(["test", "--locked", "--release", "--package", "xtask"]))
}

fn build_and_drive(builder: &PageBuilder, chromium: &Path, axe: &Path, steps: &mut Steps) -> Result<()> {
    steps.run("build the page", || page::build(builder))?;
    steps.run("tests in the browser", || {
        let mut test = check::cargo()?;
        test.args(["test", "--locked", "--release", "--package", BROWSER, "--", "--nocapture"]);
        process::run(test.env("CHROME", chromium).env("AXE", axe))
    })
}
