//! `cargo xtask test`: everything that must hold before a change lands.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    check, page, process,
    setup::{self, PageBuilder},
    steps::Steps,
    workspace,
};

/// The integration test that drives a browser: `tests/browser/main.rs`.
const BROWSER: &str = "browser";

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
    steps.run("fetch the default model and its sample images", page::fetch_models)?;
    if native {
        steps.run("tests, native", native_tests)?;
        steps.run("doctests", || process::run(check::cargo()?.args(["test", "--locked", "--release", "--doc"])))?;
    }
    if browser {
        build_and_drive(&builder, &chromium, steps)?;
    }
    Ok(())
}

/// Unit tests and every integration test but the browser's.
fn native_tests() -> Result<()> {
    let mut test = check::cargo()?;
    test.args(["test", "--locked", "--release", "--lib", "--bins"]);
    for name in integration_tests()? {
        if name != BROWSER {
            test.args(["--test", &name]);
        }
    }
    process::run(&mut test)?;
    process::run(check::cargo()?.args(["test", "--locked", "--release", "--package", "xtask"]))
}

fn build_and_drive(builder: &PageBuilder, chromium: &Path, steps: &mut Steps) -> Result<()> {
    steps.run("build the page", || page::build(builder))?;
    steps.run("tests in the browser", || {
        let mut test = check::cargo()?;
        test.args(["test", "--locked", "--release", "--test", BROWSER, "--", "--nocapture"]);
        process::run(test.env("CHROME", chromium))
    })
}

/// The names of the integration tests: `tests/NAME.rs` and `tests/NAME/main.rs`, as cargo finds them.
fn integration_tests() -> Result<Vec<String>> {
    let folder = workspace::root()?.join("tests");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let is_test = path.join("main.rs").is_file() || path.extension().is_some_and(|extension| extension == "rs");
        names.extend(path.file_stem().and_then(|name| name.to_str()).filter(|_| is_test).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
