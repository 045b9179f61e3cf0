//! The check of dependencies: licences, bans, sources and security advisories. cargo-deny applies the rules of deny.toml.
//!
//! cargo-deny is optional, and so is access to the advisory database: without them the check prints what it left out, and
//! passes.

use std::{process::Command, time::Duration};

use anyhow::Result;

use crate::{packages::cargo, process, steps::Steps};

/// The oldest version of cargo-deny that reads deny.toml: major and minor number.
const OLDEST: (u32, u32) = (0, 19);
/// Time limit for the download of the advisory database, a few megabytes.
const LIMIT: Duration = Duration::from_secs(60);

/// Checks the dependencies in Cargo.lock.
///
/// # Errors
/// Where a dependency breaks a rule of deny.toml, or an advisory exists for a dependency.
pub fn check(steps: &mut Steps) -> Result<()> {
    steps.run("licences, sources and advisories of dependencies", || {
        let version = process::output(cargo()?.args(["deny", "--version"]));
        if !version.as_deref().is_some_and(is_supported) {
            println!("    left out: there is no cargo-deny {}.{} or newer on this machine", OLDEST.0, OLDEST.1);
            println!("    `cargo install --locked cargo-deny` installs it");
            return Ok(());
        }
        process::run(deny()?.args(["check", "licenses", "bans", "sources"]))?;
        // A separate command, because `check` returns the same exit code for a failed download and for an advisory.
        if let Err(error) = process::run_quietly(deny()?.args(["fetch", "db"]), LIMIT) {
            let error = error.to_string();
            let reason = error.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            println!("    advisories left out: the advisory database cannot be downloaded ({})", reason.trim());
            return Ok(());
        }
        process::run(deny()?.args(["--offline", "check", "advisories"]))
    })
}

/// A command of cargo-deny that leaves Cargo.lock unchanged.
fn deny() -> Result<Command> {
    let mut command = cargo()?;
    command.args(["deny", "--locked"]);
    Ok(command)
}

/// Whether `output`, the output of `cargo deny --version`, names [`OLDEST`] or a newer version.
fn is_supported(output: &str) -> bool {
    let version = || {
        let mut numbers = output.split_whitespace().nth(1)?.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    };
    version().is_some_and(|version: (u32, u32)| version >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_unknown_versions_are_rejected() {
        for newer in ["cargo-deny 0.19.0", "cargo-deny 0.20.2", "cargo-deny 1.0.0"] {
            assert!(is_supported(newer), "{newer}");
        }
        for older in ["cargo-deny 0.18.9", "cargo-deny", "", "cargo-deny x.y"] {
            assert!(!is_supported(older), "{older}");
        }
    }
}
