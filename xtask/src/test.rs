//! `cargo xtask test`: everything that must hold before a change lands.

use std::path::Path;

use anyhow::Result;

use crate::{
    check,
    packages::{BROWSER_TESTS, NATIVE, XTASK, cargo_test},
    page, plan, process,
    setup::{self, PageBuilder},
    steps::Steps,
};

/// The part to run; without an option, all of it.
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
    plan::test(native, browser)?;
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
        steps.run("doctests", || process::run(cargo_test(&NATIVE)?.arg("--doc")))?;
    }
    if browser {
        let axe = setup::axe(steps)?;
        build_and_drive(&builder, &chromium, &axe, steps)?;
    }
    Ok(())
}

/// Unit tests and integration tests of every package that is compiled natively, and of this program.
fn native_tests() -> Result<()> {
    process::run(cargo_test(&NATIVE)?.args(["--lib", "--bins", "--tests"]))?;
    process::run(&mut cargo_test(&[XTASK])?)
}

fn build_and_drive(builder: &PageBuilder, chromium: &Path, axe: &Path, steps: &mut Steps) -> Result<()> {
    steps.run("build the page", || page::build(builder))?;
    steps.run("tests in the browser", || {
        let mut test = cargo_test(&[BROWSER_TESTS])?;
        process::run(test.args(["--", "--nocapture"]).env("CHROME", chromium).env("AXE", axe))
    })
}
