//! Installing Debian's packages, where that is possible without asking anyone.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Result, bail};

use crate::process;

/// Long enough for a browser over a slow line.
const LIMIT: Duration = Duration::from_secs(1200);

/// Whether this is Debian, or a system made from it.
pub fn is_here() -> bool {
    Path::new("/etc/debian_version").exists() && process::find("apt-get").is_some()
}

/// The command that installs `packages`, for the user to run.
pub fn command_line(packages: &[String]) -> String {
    format!("sudo apt-get install --no-install-recommends {}", packages.join(" "))
}

/// Installs `packages`.
///
/// # Errors
/// Where the user is not root, which is asked first: the message is the command to run. Where apt-get fails.
pub fn install(packages: &[String]) -> Result<()> {
    if process::output(Command::new("id").arg("-u")).as_deref() != Some("0") {
        bail!("installing needs root. Please run\n\n    {}\n\nand try again", command_line(packages));
    }
    println!("    apt-get install {}", packages.join(" "));
    let install = || {
        let mut command = Command::new("apt-get");
        command.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
        process::run_quietly(command.env("DEBIAN_FRONTEND", "noninteractive"), LIMIT)
    };
    // A fresh machine's package lists are empty or old; elsewhere refreshing them is time lost.
    install().or_else(|_| {
        process::run_quietly(Command::new("apt-get").args(["update", "--quiet"]), LIMIT)?;
        install()
    })
}

/// The newest of the versioned packages `PREFIX-NUMBER` that there are.
pub fn newest(prefix: &str) -> Option<String> {
    let pattern = format!("^{prefix}-[0-9]+$");
    let found = || process::output(Command::new("apt-cache").args(["search", "--names-only", &pattern]));
    let names = found().filter(|names| !names.is_empty()).or_else(|| {
        process::run_quietly(Command::new("apt-get").args(["update", "--quiet"]), LIMIT).ok()?;
        found()
    })?;
    let number = |name: &str| name.rsplit('-').next()?.parse::<u32>().ok();
    names.lines().filter_map(|line| line.split_whitespace().next()).max_by_key(|name| number(name)).map(str::to_owned)
}
