//! Running other programs.

use std::{
    env,
    ffi::OsStr,
    io::{Read, Seek},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How a command line reads in a message.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// `program`, without what cargo says in the environment about the package that it runs, which is xtask. Build scripts
/// watch some of these variables (ring's does), and would run again for each folder that the project lies in.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `command` with its output shown.
///
/// # Errors
/// Where it cannot be started or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs `command` without showing its output, for no longer than `limit`.
///
/// # Errors
/// Where it cannot be started, does not succeed, or runs past the limit: with the end of what it wrote.
pub fn run_quietly(command: &mut Command, limit: Duration) -> Result<()> {
    let mut log = tempfile::tempfile().context("cannot make a temporary file")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .spawn()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("`{}` took longer than {} s", line(command), limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(());
    }
    log.rewind()?;
    let mut written = Vec::new();
    log.read_to_end(&mut written)?;
    let written = String::from_utf8_lossy(&written);
    let lines: Vec<&str> = written.lines().collect();
    let end = lines[lines.len().saturating_sub(8)..].join("\n  ");
    bail!("`{}` ended with {status}:\n  {end}", line(command))
}

/// What `command` writes to its standard output, without the white space around it; `None` where it does not succeed.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where the program `name` is found on the search path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
