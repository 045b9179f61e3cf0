//! Set-up: what a fresh machine with rustup's Rust lacks, the ordinary way first.
//!
//! Everything is asked before it is installed, so that repeating set-up takes no time.

mod apt;
mod axe;
mod browser;
mod cpp;
mod tools;
mod wasm;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use self::wasm::WasmToolchain;
use crate::{process, steps::Steps, workspace};

/// A machine that can build the page.
pub struct PageBuilder {
    toolchain: WasmToolchain,
    trunk: PathBuf,
    wasm_bindgen: PathBuf,
}

impl PageBuilder {
    /// A command of cargo's for wasm, with the very compiler that trunk gets: what one builds, the other need not.
    pub fn cargo(&self) -> Result<Command> {
        self.command(Path::new("cargo"))
    }

    /// A command of trunk's.
    pub fn trunk(&self) -> Result<Command> {
        let mut command = self.command(&self.trunk)?;
        if env::var_os("NO_COLOR").is_some() {
            // trunk takes "1", the usual value, for a mistake.
            command.env("NO_COLOR", "true");
        }
        Ok(command)
    }

    fn command(&self, program: &Path) -> Result<Command> {
        let mut command = process::command(program);
        command.current_dir(workspace::root()?);
        self.toolchain.apply(&mut command);
        command.env("PATH", self.search_path()?);
        Ok(command)
    }

    /// trunk looks for wasm-bindgen on the search path, and downloads one where it finds none of the right version.
    fn search_path(&self) -> Result<OsString> {
        let first = self.wasm_bindgen.parent().map(Path::to_owned);
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = first.into_iter().chain(self.toolchain.folder()).chain(env::split_paths(&inherited));
        env::join_paths(folders).context("the search path cannot be put together")
    }
}

/// Sets up what building the page takes: a wasm compiler, trunk, and wasm-bindgen of Cargo.lock's version.
///
/// # Errors
/// Where something is missing and may not be installed: with the command to run.
pub fn page_builder(steps: &mut Steps) -> Result<PageBuilder> {
    steps.run("set-up: compiler for WebAssembly, trunk, wasm-bindgen", || {
        let toolchain = wasm::set_up()?;
        let wasm_bindgen = tools::wasm_bindgen()?;
        let trunk = tools::trunk()?;
        Ok(PageBuilder { toolchain, trunk, wasm_bindgen })
    })
}

/// Whether the tools of [`page_builder`] that take minutes to install are installed.
///
/// # Errors
/// If cargo did not start this program.
pub fn has_tools() -> Result<bool> {
    tools::are_here()
}

/// Sets up a C++ compiler for the fuzz targets.
///
/// # Errors
/// If there is none, and it may not be installed: with the command to run.
pub fn fuzzer(steps: &mut Steps) -> Result<()> {
    steps.run("set-up: C++ compiler", cpp::set_up)
}

/// Sets up what the tests need beside a compiler: a browser with WebGPU, and on Linux a Vulkan driver. Returns the browser.
///
/// # Errors
/// Where something is missing and may not be installed: with the command to run.
pub fn test_programs(steps: &mut Steps) -> Result<PathBuf> {
    steps.run("set-up: Chromium, Vulkan driver", browser::set_up)
}

/// Sets up axe-core, with which the tests in the browser judge how accessible the page is. Returns its program.
///
/// # Errors
/// Where it cannot be had, or is not what is expected.
pub fn axe(steps: &mut Steps) -> Result<PathBuf> {
    steps.run("set-up: axe-core", axe::set_up)
}
