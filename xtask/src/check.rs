//! `cargo xtask check`: what can be said of the source without running it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    deny, layering, page, process,
    setup::{self, PageBuilder},
    steps::Steps,
    workspace,
};

/// A file is about one idea and rarely longer than this.
const USUAL_LINES: usize = 400;
/// Longer than this it is about several.
const MOST_LINES: usize = 600;

/// Sets up, then checks.
///
/// # Errors
/// Where a check fails.
pub fn run(steps: &mut Steps) -> Result<()> {
    let builder = setup::page_builder(steps)?;
    all(&builder, steps)
}

/// Every check, the quickest first.
///
/// # Errors
/// Where a check fails.
pub fn all(builder: &PageBuilder, steps: &mut Steps) -> Result<()> {
    source(steps)?;
    native(steps)?;
    wasm(builder, steps)
}

/// Formatting, layering, file sizes and dependencies: nothing that needs a compiler.
pub fn source(steps: &mut Steps) -> Result<()> {
    steps.run("formatting", || process::run(cargo()?.args(["fmt", "--all", "--check"])))?;
    steps.run("direction of dependence", || layering::check(&workspace::root()?))?;
    steps.run("size of source files", file_sizes)?;
    steps.run("features, with and without tests", features)?;
    deny::check(steps)
}

/// Clippy, native.
pub fn native(steps: &mut Steps) -> Result<()> {
    steps.run("clippy, native", || {
        // One package at a time: together, cargo would unify their features and compile what they share once more.
        for package in ["faultscope", "xtask", "browser-tests"] {
            let mut clippy = cargo()?;
            clippy.args(["clippy", "--locked", "--release", "--package", package, "--all-targets"]);
            process::run(clippy.args(["--", "--deny", "warnings"]))?;
        }
        // Training wants more of burn than anything else here, so it is looked at apart.
        let mut clippy = cargo()?;
        clippy.args([
            "clippy",
            "--locked",
            "--release",
            "--package",
            "faultscope",
            "--features",
            "train",
            "--examples",
        ]);
        process::run(clippy.args(["--", "--deny", "warnings"]))
    })
}

/// Clippy for what the page uses.
pub fn wasm(builder: &PageBuilder, steps: &mut Steps) -> Result<()> {
    steps.run("clippy, WebAssembly", || {
        // One package at a time, as trunk builds them: together, cargo would unify their features.
        for package in page::PACKAGES {
            let mut clippy = builder.cargo()?;
            clippy.arg("clippy").args(page::WASM).args(["--package", package]);
            process::run(clippy.args(["--lib", "--bins", "--", "--deny", "warnings"]))?;
        }
        Ok(())
    })
}

/// Fails where the tests switch on a feature of a library that is off without them: cargo would compile that library, and all
/// that stands on it, twice.
fn features() -> Result<()> {
    let listed = |edges: &str| -> Result<BTreeSet<String>> {
        let mut tree = cargo()?;
        tree.args(["tree", "--locked", "--package", "faultscope", "--prefix", "none"]);
        tree.args(["--format", "{p} features: {f}", "--edges", edges]);
        let lines = process::output(&mut tree).context("`cargo tree` fails: is Cargo.lock up to date?")?;
        // A package that was listed before carries a mark.
        Ok(lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
    };
    let (plain, with_tests) = (listed("normal,build")?, listed("normal,build,dev")?);
    let changed: Vec<&str> = plain.difference(&with_tests).map(String::as_str).collect();
    if !changed.is_empty() {
        bail!(
            "test dependencies change the features of\n  {}\nPlease name the features that tests switch on in Cargo.toml's \
             native dependencies, too",
            changed.join("\n  ")
        );
    }
    Ok(())
}

/// Native cargo, in the project's folder.
pub fn cargo() -> Result<Command> {
    let mut command = process::command("cargo");
    command.current_dir(workspace::root()?);
    Ok(command)
}

/// Names the source files that are longer than usual, and fails where one is far longer.
fn file_sizes() -> Result<()> {
    let root = workspace::root()?;
    let mut longest = 0;
    for folder in ["src", "xtask/src", "tests", "benches"] {
        for file in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let lines = text.lines().count();
            if lines > USUAL_LINES {
                println!("    {lines} lines: {}", file.strip_prefix(&root).unwrap_or(&file).display());
            }
            longest = longest.max(lines);
        }
    }
    if longest > MOST_LINES {
        bail!("a source file has {longest} lines, more than {MOST_LINES}: please cut it by ideas");
    }
    Ok(())
}

/// The Rust files in `folder` and below, in order; none where there is no such folder.
pub fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
