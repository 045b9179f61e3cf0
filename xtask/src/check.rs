//! `cargo xtask check`: the checks of the source that run no test.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    deny, layering,
    packages::{BROWSER_TESTS, NATIVE, PAGE, RELEASE, TOOL, WASM, WORKER, XTASK, cargo, named},
    process,
    setup::{self, PageBuilder},
    steps::Steps,
    workspace::{self, rust_files},
};

/// The folders with Rust files.
const FOLDERS: [&str; 7] = ["benches", "examples", "fuzz/fuzz_targets", "fuzz/src", "src", "tests", "xtask/src"];
/// The package of the fuzz targets.
const FUZZ: &str = "fuzz/Cargo.toml";
/// A file has one subject and rarely more lines than this.
const USUAL_LINES: usize = 400;
/// A file with more lines has several subjects.
const MOST_LINES: usize = 600;

/// The packages of burn that the project depends on.
const BURN: [&str; 3] = ["burn", "burn-store", "burn-wgpu"];
/// The packages that the page must not depend on, by the beginnings of their names.
const NOT_ON_THE_PAGE: [&str; 6] = ["burn", "cubecl", "cubek", "faultscope-engine", "naga", "wgpu"];

/// Sets up, then checks.
///
/// # Errors
/// If a check fails.
pub fn run(steps: &mut Steps) -> Result<()> {
    let builder = setup::page_builder(steps)?;
    source(steps)?;
    native(steps)?;
    wasm(&builder, steps)
}

/// The checks that need no compiler: formatting, order of modules, file sizes and dependencies.
///
/// # Errors
/// If a check fails.
pub fn source(steps: &mut Steps) -> Result<()> {
    steps.run("formatting", formatting)?;
    steps.run("order of modules", || layering::check(&workspace::root()?))?;
    steps.run("size of source files", file_sizes)?;
    steps.run("features of dependencies", features)?;
    steps.run("dependencies of the page", page_dependencies)?;
    deny::check(steps)
}

/// The fuzz targets are a workspace of their own.
fn formatting() -> Result<()> {
    process::run(cargo()?.args(["fmt", "--all", "--check"]))?;
    if !workspace::root()?.join(FUZZ).is_file() {
        return Ok(());
    }
    process::run(cargo()?.args(["fmt", "--check", "--manifest-path", FUZZ]))
}

/// Clippy, native.
///
/// # Errors
/// If clippy has a complaint.
pub fn native(steps: &mut Steps) -> Result<()> {
    steps.run("clippy, native", || {
        for packages in [&NATIVE[..], &[XTASK], &[BROWSER_TESTS]] {
            let mut clippy = cargo()?;
            clippy.arg("clippy").args(RELEASE).args(named(packages)).arg("--all-targets");
            process::run(clippy.args(["--", "--deny", "warnings"]))?;
        }
        // The training example needs more of burn than everything else. A separate command keeps that out of the others.
        let mut clippy = cargo()?;
        clippy.arg("clippy").args(RELEASE).args(["--package", TOOL, "--features", "train", "--examples"]);
        process::run(clippy.args(["--", "--deny", "warnings"]))
    })
}

/// Clippy for the page's programs.
///
/// # Errors
/// If clippy has a complaint.
pub fn wasm(builder: &PageBuilder, steps: &mut Steps) -> Result<()> {
    steps.run("clippy, WebAssembly", || {
        // Trunk builds each program with a command of its own. The features are the same here.
        for package in [PAGE, WORKER] {
            let mut clippy = builder.cargo()?;
            clippy.arg("clippy").args(WASM).args(["--package", package]);
            process::run(clippy.args(["--lib", "--bins", "--", "--deny", "warnings"]))?;
        }
        Ok(())
    })
}

/// The features with which each dependency is built. A dependency may have two sets: one for build scripts and
/// procedural macros, and one for the program.
type Features = BTreeMap<String, BTreeSet<String>>;

/// Fails if a test, or a package on its own, needs other features of burn, or of a dependency of burn, than
/// `cargo build` needs. Cargo would compile burn once more for it.
fn features() -> Result<()> {
    let below_burn = features_of(&BURN, "normal,build")?;
    let mut expected = features_of(&[TOOL], "normal,build")?;
    expected.retain(|package, _| below_burn.contains_key(package));
    let mut problems = Vec::new();
    let alone = NATIVE.iter().map(std::slice::from_ref);
    for packages in alone.chain([&NATIVE[..]]) {
        let found = features_of(packages, "normal,build,dev")?;
        // Packages without burn compile in seconds.
        if found.keys().any(|name| name.starts_with("burn ")) {
            problems.extend(differences(&expected, &found).map(|line| format!("{}: {line}", packages.join(", "))));
        }
    }
    if !problems.is_empty() {
        bail!(
            "tests, or single packages, change the features of dependencies of burn:\n  {}\n\nPlease name these \
             features in src/engine/Cargo.toml, among the dependencies for native builds",
            problems.join("\n  ")
        );
    }
    Ok(())
}

/// Returns the features of all dependencies when one command builds `packages`.
fn features_of(packages: &[&str], edges: &str) -> Result<Features> {
    let mut tree = cargo()?;
    tree.args(["tree", "--locked", "--prefix", "none", "--format", "{p}\t{f}", "--edges", edges]).args(named(packages));
    let lines = process::output(&mut tree).context("`cargo tree` fails: is Cargo.lock up to date?")?;
    let mut features = Features::new();
    for line in lines.lines() {
        // Cargo marks a package that it has listed before.
        let line = line.trim_end_matches(" (*)");
        if let Some((package, set)) = line.split_once('\t') {
            let package = package.trim_end_matches(" (proc-macro)").to_owned();
            features.entry(package).or_default().insert(set.to_owned());
        }
    }
    Ok(features)
}

/// Describes each dependency that both lists name with different features.
fn differences<'a>(expected: &'a Features, found: &'a Features) -> impl Iterator<Item = String> + 'a {
    let shown = |sets: &BTreeSet<String>| sets.iter().map(|set| format!("[{set}]")).collect::<Vec<_>>().join(" ");
    found.iter().filter_map(move |(package, sets)| {
        let usual = expected.get(package).filter(|usual| *usual != sets)?;
        Some(format!("{package} has {}, `cargo build` has {}", shown(sets), shown(usual)))
    })
}

/// Fails if the page depends on the engine. The worker has the engine; the page stays small without it.
fn page_dependencies() -> Result<()> {
    let mut tree = cargo()?;
    tree.args(["tree", "--locked", "--package", PAGE, "--edges", "normal", "--target", "wasm32-unknown-unknown"]);
    tree.args(["--prefix", "none", "--format", "{p}"]);
    let lines = process::output(&mut tree).context("`cargo tree` fails: is Cargo.lock up to date?")?;
    let names: BTreeSet<&str> = lines.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let refused = unwanted(&names);
    ensure!(refused.is_empty(), "{PAGE} depends on {}, which belongs to the worker only", refused.join(", "));
    println!("    the page has {} dependencies, none of them of the engine", names.len() - 1);
    Ok(())
}

fn unwanted<'a>(names: &BTreeSet<&'a str>) -> Vec<&'a str> {
    names.iter().copied().filter(|name| NOT_ON_THE_PAGE.iter().any(|start| name.starts_with(start))).collect()
}

/// Lists the source files that are longer than usual, and fails if one is far longer.
fn file_sizes() -> Result<()> {
    let root = workspace::root()?;
    let mut longest = 0;
    for folder in FOLDERS {
        for file in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let lines = text.lines().count();
            if lines > USUAL_LINES {
                println!("    {lines} lines: {}", file.strip_prefix(&root).unwrap_or(&file).display());
            }
            longest = longest.max(lines);
        }
    }
    ensure!(
        longest <= MOST_LINES,
        "a source file has {longest} lines, more than {MOST_LINES}: please split it by subject"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(list: &[(&str, &[&str])]) -> Features {
        list.iter().map(|(name, sets)| ((*name).to_owned(), sets.iter().map(|&set| set.to_owned()).collect())).collect()
    }

    #[test]
    fn only_a_shared_dependency_with_other_features_is_a_difference() {
        let usual = features(&[("a v1", &["std"]), ("b v1", &["", "std"]), ("c v1", &["x"])]);
        let found = features(&[("a v1", &["std"]), ("b v1", &["std"]), ("d v1", &[""])]);
        let lines: Vec<String> = differences(&usual, &found).collect();
        assert_eq!(lines, ["b v1 has [std], `cargo build` has [] [std]"]);
    }

    #[test]
    fn crates_of_the_engine_are_unwanted_on_the_page() {
        let names = BTreeSet::from(["burn-tensor", "faultscope-facts", "gloo", "wgpu-core"]);
        assert_eq!(unwanted(&names), ["burn-tensor", "wgpu-core"]);
    }
}
