//! The programs that cargo installs, each of one exact version: trunk and wasm-bindgen.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{process, workspace};

/// trunk 0.22 needs a newer Rust than the project does.
const TRUNK: &str = "0.21.14";
/// Limit for compiling a tool, on a slow and busy machine.
const LIMIT: Duration = Duration::from_secs(3 * 3600);

/// A program from crates.io.
struct Tool {
    name: &'static str,
    package: &'static str,
    version: String,
    features: &'static [&'static str],
}

/// trunk of the version that Trunk.toml is written for.
fn trunk_tool() -> Tool {
    // The other features are trunk's own update check and another TLS library.
    let features = &["--no-default-features", "--features", "rustls"];
    Tool { name: "trunk", package: "trunk", version: TRUNK.to_owned(), features }
}

/// wasm-bindgen of the version in Cargo.lock: the program and the library must be of the same version.
fn wasm_bindgen_tool() -> Result<Tool> {
    let version = workspace::locked_version("wasm-bindgen")?;
    Ok(Tool { name: "wasm-bindgen", package: "wasm-bindgen-cli", version, features: &[] })
}

/// Finds trunk, or installs it.
pub fn trunk() -> Result<PathBuf> {
    trunk_tool().set_up()
}

/// Finds wasm-bindgen, or installs it.
pub fn wasm_bindgen() -> Result<PathBuf> {
    wasm_bindgen_tool()?.set_up()
}

/// Whether trunk and wasm-bindgen are installed.
pub fn are_here() -> Result<bool> {
    Ok(trunk_tool().find()?.is_some() && wasm_bindgen_tool()?.find()?.is_some())
}

impl Tool {
    /// The program in the folder of the tools that set-up installs.
    fn ours(&self) -> Result<PathBuf> {
        Ok(workspace::tools()?.join("bin").join(self.name))
    }

    /// The installed program of this version: the one that set-up installed, or the user's own.
    fn find(&self) -> Result<Option<PathBuf>> {
        let is_right = |file: &PathBuf| {
            let said = process::output(Command::new(file).arg("--version").env_remove("NO_COLOR"));
            said.is_some_and(|said| said.split_whitespace().nth(1) == Some(self.version.as_str()))
        };
        Ok([Some(self.ours()?), process::find(self.name)].into_iter().flatten().find(is_right))
    }

    /// Finds the program, or compiles it.
    fn set_up(&self) -> Result<PathBuf> {
        if let Some(file) = self.find()? {
            return Ok(file);
        }
        println!("    cargo install {} {} (some minutes, once)", self.package, self.version);
        let build = tempfile::tempdir().context("cannot make a temporary folder")?;
        let install = |locked: Option<&str>| {
            let mut command = Command::new("cargo");
            command.args(["install", "--force", self.package, "--version", &self.version]);
            command.args(self.features).args(locked);
            command.arg("--root").arg(workspace::tools()?).arg("--target-dir").arg(build.path());
            // The tools run for seconds; to optimize them would take longer.
            command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
            command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
            process::run_quietly(&mut command, LIMIT)
        };
        first_or_second(
            || install(Some("--locked")),
            || {
                println!("    the registry lacks a version that {} was released with; taking newer ones", self.package);
                install(None)
            },
        )?;
        self.ours()
    }
}

/// Runs `second` if `first` fails, and reports both failures if both fail.
fn first_or_second(first: impl FnOnce() -> Result<()>, second: impl FnOnce() -> Result<()>) -> Result<()> {
    first().or_else(|before| second().map_err(|error| error.context(format!("{before:#}"))))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_first_failure_shows_only_if_the_second_attempt_fails_too() {
        let fail = |text: &'static str| move || Err(anyhow!(text));
        first_or_second(fail("locked"), || Ok(())).expect("the second attempt succeeds");
        first_or_second(|| Ok(()), fail("never")).expect("the first attempt succeeds");
        let error = first_or_second(fail("locked"), fail("newest")).expect_err("both fail");
        assert_eq!(format!("{error:#}"), "locked: newest");
    }
}
