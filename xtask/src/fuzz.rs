//! `cargo xtask fuzz`: a short run of every fuzz target in `fuzz/`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{process, setup, steps::Steps, workspace};

/// Builds the targets and runs them. `fuzz/coverage.sh`, which it uses, instruments the readers and leaves burn as it is.
const SCRIPT: &str = "fuzz/run.sh";
/// The folder with a file for each target.
const TARGETS: &str = "fuzz/fuzz_targets";

/// The targets to run, and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// Seconds for each target.
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u32,
    /// Only this target. May be repeated.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
}

/// Builds the targets and runs each of them.
///
/// # Errors
/// If set-up or the build fails, a target is unknown, or a target finds an input that makes it fail.
pub fn run(options: &Options, steps: &mut Steps) -> Result<()> {
    let known = targets(&workspace::root()?.join(TARGETS))?;
    let targets = chosen(known, &options.target)?;
    setup::fuzzer(steps)?;
    // 0 seconds: only the build.
    steps.run("build the fuzz targets", || process::run(script()?.arg("0").args(&targets)))?;
    let mut failed = Vec::new();
    for target in &targets {
        let step = || process::run(script()?.arg(options.seconds.max(1).to_string()).arg(target));
        // The other targets are run, too.
        if steps.run(&format!("fuzz {target}"), step).is_err() {
            failed.push(target.as_str());
        }
    }
    steps.summary();
    ensure!(failed.is_empty(), "inputs that make them fail were found for {}", failed.join(", "));
    Ok(())
}

fn script() -> Result<Command> {
    let mut command = process::command("sh");
    command.current_dir(workspace::root()?).arg(SCRIPT).env("CARGO_TARGET_DIR", workspace::target()?);
    Ok(command)
}

/// The names of the targets in `folder`, sorted.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// The targets to run: those that are asked for, or all.
fn chosen(known: Vec<String>, wanted: &[String]) -> Result<Vec<String>> {
    for target in wanted {
        ensure!(known.contains(target), "no fuzz target \"{target}\"; there are {}", known.join(", "));
    }
    Ok(if wanted.is_empty() { known } else { wanted.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_target_is_a_rust_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["onnx.rs", "npy.rs", "notes.md"] {
            fs::write(folder.path().join(file), b"").expect("a file");
        }
        assert_eq!(targets(folder.path()).expect("targets"), ["npy", "onnx"]);
        assert!(targets(&folder.path().join("none")).is_err());
    }

    #[test]
    fn an_unknown_target_is_an_error_that_lists_the_known_ones() {
        let known = || words(&["npy", "onnx"]);
        assert_eq!(chosen(known(), &[]).expect("all"), known());
        assert_eq!(chosen(known(), &words(&["npy"])).expect("one"), ["npy"]);
        let error = chosen(known(), &words(&["png"])).expect_err("unknown").to_string();
        assert_eq!(error, "no fuzz target \"png\"; there are npy, onnx");
    }
}
