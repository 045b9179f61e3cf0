//! The direction of dependence: what a module of src may import.
//!
//! bin → {cli, web} → report → campaign → {data, fault, import, labels, model, outcome, zoo} → exec → kernels → ops → graph → error.
//! A module may import its own layer and those below. `platform` tells a native build from a browser tab: only the shells and
//! the kernels may ask it, and no other module may ask the compiler. Test code may import anything.

mod imports;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use self::imports::{Exports, Import, Source};
use crate::check::rust_files;

/// The modules from the lowest layer to the highest.
const LAYERS: [&[&str]; 9] = [
    &["error"],
    &["graph"],
    &["ops"],
    &["kernels"],
    &["exec"],
    &["data", "fault", "import", "labels", "model", "outcome", "zoo"],
    &["campaign"],
    &["report"],
    SHELLS,
];
const SHELLS: &[&str] = &["cli", "web"];
const PLATFORM: &str = "platform";
/// Who may ask the platform: the shells for a device, the kernels for cores and vector instructions.
const ASKS_PLATFORM: &[&str] = &["cli", "kernels", "web"];
const BIN: &str = "bin";

/// Reads all of `root`/src.
///
/// # Errors
/// Where something is imported against the direction: with each place, as file:line.
pub fn check(root: &Path) -> Result<()> {
    let read = |file: &Path| fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
    let folder = root.join("src");
    let exports = Exports::of(&read(&folder.join("lib.rs"))?)?;
    let mut violations = Vec::new();
    for file in rust_files(&folder)? {
        let path = file.strip_prefix(&folder).unwrap_or(&file);
        let source = Source::new(path);
        if source.is_test() {
            continue;
        }
        let found = violations_in(&source, &read(&file)?, &exports).with_context(|| file.display().to_string())?;
        violations.extend(found.into_iter().map(|(line, what)| format!("src/{}:{line}: {what}", path.display())));
    }
    if !violations.is_empty() {
        bail!("{}\n\nThe order stands in xtask/src/layering/mod.rs.", violations.join("\n"));
    }
    Ok(())
}

/// The lines of one file that go against the direction, and what each does wrong.
fn violations_in(source: &Source, text: &str, exports: &Exports) -> Result<Vec<(usize, String)>> {
    // lib.rs declares every module and re-exports some: it stands above all of them.
    let Some(from) = source.layer() else { return Ok(Vec::new()) };
    let imports = source.imports(text, exports)?;
    let judge = |import: Import| {
        let reason = match &import {
            Import::Module { name, .. } => refused(from, name)?,
            Import::TargetCfg { .. } if from == PLATFORM => return None,
            Import::TargetCfg { name, .. } => format!("`{name}` is asked only in `{PLATFORM}`"),
        };
        Some((import.line(), reason))
    };
    Ok(imports.into_iter().filter_map(judge).collect())
}

/// Why a module named `from` may not import the module named `to`, or `None` where it may.
fn refused(from: &str, to: &str) -> Option<String> {
    let height = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    if from == to {
        return None;
    }
    if from == BIN {
        return (!SHELLS.contains(&to))
            .then(|| format!("a program starts a shell (`cli`, `web`) and imports no `{to}`"));
    }
    if to == PLATFORM {
        return (!ASKS_PLATFORM.contains(&from))
            .then(|| format!("`{from}` imports `{PLATFORM}`, which only the shells and the kernels may"));
    }
    if from == PLATFORM {
        return (to != "error").then(|| format!("`{PLATFORM}` imports `{to}`; it may import `error` only"));
    }
    let Some(above) = height(to) else { return Some(format!("`{to}` has no place in the order yet")) };
    let Some(own) = height(from) else { return Some(format!("`{from}` has no place in the order yet")) };
    (above > own).then(|| format!("`{from}` imports `{to}`, which is above it"))
}

#[cfg(test)]
mod tests;
