//! A compiler for WebAssembly.
//!
//! rustup has one for nearly everybody. Where it cannot be reached, Debian's `rustc-web` (the Rust that Debian's browsers are
//! built with, kept up to date in its stable releases) builds the standard library from Debian's own copy of its source.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use crate::{process, setup::apt};

const TARGET: &str = "wasm32-unknown-unknown";
/// A download of 20 MB; a line slower than this had better be left alone.
const LIMIT: Duration = Duration::from_secs(600);
/// Where Debian keeps its programs, and the source of its standard library.
const DEBIAN: &str = "/usr/bin";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library";

/// Which compiler builds for WebAssembly.
pub enum WasmToolchain {
    /// The one that cargo uses here anyway: it has the target.
    Usual,
    /// Debian's, which builds the standard library along; linked by this program.
    Debian {
        /// The name of LLVM's linker for wasm.
        linker: String,
    },
}

impl WasmToolchain {
    /// Sets the environment that makes cargo, or a program that calls cargo, use this compiler.
    pub fn apply(&self, command: &mut Command) {
        let Self::Debian { linker } = self else { return };
        // Left by the cargo that runs this program, and all of them about that cargo's own compiler.
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "LD_LIBRARY_PATH"] {
            command.env_remove(name);
        }
        command
            .env("RUSTC", Path::new(DEBIAN).join("rustc"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }

    /// The folder that must come first on the search path.
    pub fn folder(&self) -> Option<PathBuf> {
        matches!(self, Self::Debian { .. }).then(|| DEBIAN.into())
    }
}

/// Finds a compiler for WebAssembly, or installs one.
pub fn set_up() -> Result<WasmToolchain> {
    if usual_has_target() {
        return Ok(WasmToolchain::Usual);
    }
    let refusal = match add_target() {
        Ok(()) => return Ok(WasmToolchain::Usual),
        Err(refusal) => refusal,
    };
    if let Some(found) = debian() {
        return Ok(found);
    }
    if !apt::is_here() {
        bail!("{refusal:#}\n\nPlease run\n\n    rustup target add {TARGET}\n\nand try again");
    }
    println!("    no {TARGET} from rustup; falling back to Debian's compiler");
    let linker = apt::newest("lld").unwrap_or_else(|| "lld".into());
    let mut packages = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy"].map(str::to_owned).to_vec();
    packages.push(linker);
    apt::install(&packages).map_err(|error| error.context(refusal))?;
    match debian() {
        Some(found) => Ok(found),
        None => bail!("Debian's compiler is too old here, or not complete; please run `rustup target add {TARGET}`"),
    }
}

fn usual_has_target() -> bool {
    let mut ask = Command::new("rustc");
    ask.args(["--print", "target-libdir", "--target", TARGET]);
    process::output(&mut ask).is_some_and(|folder| Path::new(&folder).is_dir())
}

fn add_target() -> Result<()> {
    if process::find("rustup").is_none() {
        bail!("rustc has no standard library for {TARGET}, and there is no rustup to add it");
    }
    println!("    rustup target add {TARGET}");
    let mut add = Command::new("rustup");
    // Where there is no way to its server, one try shows it.
    add.args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "0");
    process::run_quietly(&mut add, LIMIT)
}

/// Debian's compiler, where it is new enough and complete.
fn debian() -> Option<WasmToolchain> {
    let folder = Path::new(DEBIAN);
    let complete = ["cargo", "clippy-driver"].iter().all(|name| folder.join(name).is_file());
    let said = process::output(Command::new(folder.join("rustc")).arg("--version").env_remove("LD_LIBRARY_PATH"))?;
    if !complete || !is_new_enough(&said, env!("CARGO_PKG_RUST_VERSION")) || !Path::new(DEBIAN_SOURCE).is_dir() {
        return None;
    }
    let number = |name: &str| name.strip_prefix("wasm-ld-")?.parse::<u32>().ok();
    let names = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let linkers = names.filter_map(|name| name.to_str().map(str::to_owned));
    let versioned = linkers.filter(|name| number(name).is_some()).max_by_key(|name| number(name));
    let linker = versioned.or_else(|| folder.join(OsStr::new("wasm-ld")).is_file().then(|| "wasm-ld".into()))?;
    Some(WasmToolchain::Debian { linker })
}

/// Whether the compiler that says this of itself ("rustc 1.96.0 (...)") is at least of version `least` ("1.95").
fn is_new_enough(said: &str, least: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> { version.split('.').map_while(|part| part.parse().ok()).collect() };
    said.split_whitespace().nth(1).is_some_and(|version| numbers(version) >= numbers(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(is_new_enough("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)", "1.95"));
        assert!(is_new_enough("rustc 1.95.0", "1.95"));
        assert!(!is_new_enough("rustc 1.85.0", "1.95"));
        assert!(!is_new_enough("rustc 1.9.0", "1.95"));
        assert!(!is_new_enough("", "1.95"));
    }
}
