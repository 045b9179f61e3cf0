//! The list that a chore prints at its start: its parts, with an estimate of the time that each one takes here.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::Result;

use crate::{page, setup, workspace};

/// A part of a chore.
struct Part {
    name: &'static str,
    /// Minutes of processor time the first time, all cores together. Measured on two cores.
    minutes: f64,
    /// Whether an earlier run did it. A repetition takes from seconds to two minutes, by what changed in the source.
    done: bool,
}

/// The most cores that a build makes use of.
const MOST_CORES: usize = 8;
/// The beginning of the file name of burn, which is compiled after most other dependencies.
const BURN: &str = "libburn-";

fn tools() -> Result<Part> {
    Ok(Part { name: "set-up: trunk and wasm-bindgen, from source", minutes: 10.0, done: setup::has_tools()? })
}

fn page() -> Result<Part> {
    let done = is_compiled("wasm32-unknown-unknown/release")?;
    Ok(Part { name: "build the explorer for WebAssembly", minutes: 17.5, done })
}

fn published_page() -> Result<Part> {
    let done = is_compiled("wasm32-unknown-unknown/dist")?;
    Ok(Part { name: "build the explorer for publishing", minutes: 18.0, done })
}

/// The larger model, unless it is there.
fn fetch() -> Result<Vec<Part>> {
    if page::has_larger_model()? { Ok(Vec::new()) } else { Ok(vec![tool()?]) }
}

fn tool() -> Result<Part> {
    let done = is_compiled("release")?;
    Ok(Part { name: "compile the command line tool, to fetch EfficientNet-Lite0", minutes: 18.0, done })
}

/// Whether `target/FOLDER` holds burn, compiled.
fn is_compiled(folder: &str) -> Result<bool> {
    Ok(burn_in(&workspace::target()?.join(folder).join("deps"), "rlib").next().is_some())
}

/// Whether `target/FOLDER` holds burn, as clippy reads it: metadata without code.
fn is_checked(folder: &str) -> Result<bool> {
    Ok(burn_in(&workspace::target()?.join(folder).join("deps"), "rmeta")
        .any(|file| !file.with_extension("rlib").exists()))
}

/// The files of burn with this extension in `folder`.
fn burn_in(folder: &Path, extension: &str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(move |file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        name.starts_with(BURN) && file.extension().is_some_and(|found| found == extension)
    })
}

/// Prints the parts of `cargo xtask serve`.
///
/// # Errors
/// If cargo did not start this program.
pub fn serve() -> Result<()> {
    print(&[("until the explorer answers", vec![tools()?, page()?]), ("behind the running explorer", fetch()?)]);
    Ok(())
}

/// Prints the parts of `cargo xtask dist`.
///
/// # Errors
/// If cargo did not start this program.
pub fn dist() -> Result<()> {
    let mut parts = vec![tools()?];
    parts.extend(fetch()?);
    parts.push(published_page()?);
    print(&[("in all", parts)]);
    Ok(())
}

/// Prints the parts of `cargo xtask test`.
///
/// # Errors
/// If cargo did not start this program.
pub fn test(native: bool, browser: bool) -> Result<()> {
    let mut parts = vec![tools()?];
    if native {
        let done = is_checked("release")? && is_checked("wasm32-unknown-unknown/release")?;
        parts.push(Part { name: "clippy, native and for WebAssembly", minutes: 6.0, done });
    }
    if native || !page::has_larger_model()? {
        parts.push(tool()?);
    }
    if native {
        parts.push(Part { name: "compile and run the native tests", minutes: 12.0, done: false });
    }
    if browser {
        parts.push(page()?);
        parts.push(Part { name: "compile and run the tests in the browser", minutes: 12.0, done: false });
    }
    print(&[("in all", parts)]);
    Ok(())
}

/// Prints lists of parts, each with the meaning of its sum.
fn print(lists: &[(&str, Vec<Part>)]) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("Estimate for {cores} free core{}, downloads not included:", if cores == 1 { "" } else { "s" });
    for (sum, parts) in lists.iter().filter(|(_, parts)| !parts.is_empty()) {
        println!("{}", list(sum, parts, cores));
    }
    if is_busy(cores) {
        println!("Other programs keep the processor busy now: it will take longer.");
    }
    println!();
}

/// The lines of one list, for a machine with so many cores.
fn list(sum: &str, parts: &[Part], cores: usize) -> String {
    let minutes = |part: &Part| if part.done { 0.0 } else { part.minutes / cores.min(MOST_CORES) as f64 };
    let shown = |minutes: f64| format!("{:.0} min", minutes.max(1.0));
    let line = |part: &Part| {
        let time = if part.done { "was done".to_owned() } else { shown(minutes(part)) };
        format!("  {time:>9}  {}", part.name)
    };
    let sum = format!("  {:>9}  {sum}", shown(parts.iter().map(minutes).sum()));
    parts.iter().map(line).chain([sum]).collect::<Vec<_>>().join("\n")
}

/// Whether other programs use more than half of the cores; `false` where the system does not tell.
fn is_busy(cores: usize) -> bool {
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|load| load.split_whitespace().next()?.parse::<f64>().ok());
    load.is_some_and(|load| load > cores as f64 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_that_are_left_count() {
        let parts = [
            Part { name: "tools", minutes: 10.0, done: true },
            Part { name: "page", minutes: 20.0, done: false },
            Part { name: "tests", minutes: 8.0, done: false },
        ];
        let expected = "   was done  tools\n     10 min  page\n      4 min  tests\n     14 min  in all";
        assert_eq!(list("in all", &parts, 2), expected);
        assert!(list("in all", &parts[..1], 2).ends_with("1 min  in all"));
    }

    #[test]
    fn burn_is_found_by_its_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["libburn_core-1.rlib", "libburn-1.rmeta"] {
            fs::write(folder.path().join(name), b"").expect("a file");
        }
        let count = |extension| burn_in(folder.path(), extension).count();
        assert_eq!((count("rlib"), count("rmeta")), (0, 1));
        assert_eq!(burn_in(&folder.path().join("none"), "rlib").count(), 0);
    }
}
