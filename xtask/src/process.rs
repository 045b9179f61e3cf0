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

/// Returns `command` with a low priority, if the system has `nice`.
pub fn in_background(command: &Command) -> Command {
    let program = command.get_program();
    let mut background = match find("nice") {
        Some(nice) => {
            let mut background = Command::new(nice);
            background.args(["-n", "10"]).arg(program);
            background
        }
        None => Command::new(program),
    };
    background.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => background.env(name, value),
            None => background.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        background.current_dir(folder);
    }
    background
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_the_background_is_the_same_command() {
        let mut command = Command::new("env");
        command.arg("-u").arg("REMOVED").env("SET", "value").env_remove("HOME").current_dir("/");
        let background = in_background(&command);
        let words: Vec<_> = background.get_args().skip_while(|word| *word != "-u").collect();
        assert_eq!(words, ["-u", "REMOVED"]);
        assert!(line(&background).contains("env -u"));
        let envs = |command: &Command| -> Vec<_> {
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect()
        };
        assert_eq!(envs(&background), envs(&command));
        assert_eq!(background.get_current_dir(), command.get_current_dir());
    }
}
