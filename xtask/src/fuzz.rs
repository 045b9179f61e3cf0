//! `cargo xtask fuzz`: a short run of every fuzz target in `fuzz/`.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{process, setup, steps::Steps, workspace};

/// Options for builds and runs. Without a sanitizer, a stable compiler suffices; the project's packages have next to no
/// unsafe code that a sanitizer could watch. One code generation unit, the default, would double the time of the build.
const OPTIONS: [&str; 4] = ["--sanitizer", "none", "--codegen-units", "16"];
/// Limit for one input, in seconds. A reader that needs longer for a few kilobytes does not end.
const INPUT_LIMIT: u32 = 60;

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
    let fuzzer = setup::fuzzer(steps)?;
    let known = process::output(cargo_fuzz(&fuzzer)?.arg("list")).context("fuzz/ cannot be read")?;
    let known: Vec<&str> = known.lines().map(str::trim).collect();
    let chosen = chosen(&known, &options.target)?;
    steps.run("build the fuzz targets (the first time, with all dependencies)", || {
        process::run(cargo_fuzz(&fuzzer)?.arg("build").args(OPTIONS).args(target_folder()?))
    })?;
    for target in chosen {
        steps.run(&format!("fuzz {target}"), || {
            let mut fuzz = cargo_fuzz(&fuzzer)?;
            fuzz.arg("run").args(OPTIONS).args(target_folder()?).arg(target).args(corpus(target)?);
            fuzz.arg("--").arg(format!("-max_total_time={}", options.seconds)).arg(format!("-timeout={INPUT_LIMIT}"));
            process::run(fuzz.args(["-verbosity=0", "-print_final_stats=1"]))
        })?;
    }
    steps.summary();
    Ok(())
}

fn cargo_fuzz(fuzzer: &Path) -> Result<Command> {
    let mut command = process::command(fuzzer);
    command.current_dir(workspace::root()?);
    Ok(command)
}

/// Procedural macros and build scripts are those of the other native builds.
fn target_folder() -> Result<Vec<String>> {
    Ok(vec!["--target-dir".to_owned(), workspace::target()?.display().to_string()])
}

/// The folders with inputs: new inputs go into the first one. `fuzz/seeds/TARGET` is in the repository, if it exists.
fn corpus(target: &str) -> Result<Vec<String>> {
    let root = workspace::root()?;
    let seeds = format!("fuzz/seeds/{target}");
    if !root.join(&seeds).is_dir() {
        return Ok(Vec::new());
    }
    let found = format!("fuzz/corpus/{target}");
    std::fs::create_dir_all(root.join(&found)).with_context(|| format!("cannot make the folder {found}"))?;
    Ok(vec![found, seeds])
}

/// The targets to run: those that are asked for, or all.
fn chosen<'a>(known: &[&'a str], wanted: &'a [String]) -> Result<Vec<&'a str>> {
    if wanted.is_empty() {
        return Ok(known.to_vec());
    }
    for target in wanted {
        ensure!(known.contains(&target.as_str()), "no fuzz target \"{target}\"; there are {}", known.join(", "));
    }
    Ok(wanted.iter().map(String::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_target_is_an_error_that_lists_the_known_ones() {
        let known = ["onnx", "npy"];
        assert_eq!(chosen(&known, &[]).expect("all"), known);
        assert_eq!(chosen(&known, &["npy".to_owned()]).expect("one"), ["npy"]);
        let error = chosen(&known, &["png".to_owned()]).expect_err("unknown").to_string();
        assert_eq!(error, "no fuzz target \"png\"; there are onnx, npy");
    }
}
