//! The order of the modules inside each crate. Between crates, the compiler enforces the order that Cargo.toml states.
//!
//! A module may import the modules of its own row and of the rows below. Test code may import anything. The root of a
//! crate may ask the compiler for the target, to leave out modules. Of the other modules only the engine's `platform`
//! may: all other code is the same natively and in the browser.

mod imports;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use self::imports::{Exports, Import, Source};
use crate::workspace::rust_files;

/// A crate with its modules.
struct Crate {
    /// The folder below the project's root.
    folder: &'static str,
    /// The file in that folder that declares the modules.
    root: &'static str,
    /// The modules, from the lowest row to the highest.
    rows: &'static [&'static [&'static str]],
    /// A module that few others may import, with the names of those.
    reserved: Option<(&'static str, &'static [&'static str])>,
    /// The modules that may ask for the compilation target.
    asks_target: &'static [&'static str],
}

const FACTS: Crate = Crate {
    folder: "src/facts",
    root: "lib.rs",
    rows: &[
        &["error", "limits", "named", "shown", "text"],
        &["format"],
        &["graph"],
        &["catalogue", "data", "device", "fault", "labels", "trace"],
        &["outcome"],
        &["answer"],
        &["model"],
        &["campaign"],
        &["report"],
    ],
    reserved: None,
    asks_target: &[],
};

const ENGINE: Crate = Crate {
    folder: "src/engine",
    root: "lib.rs",
    rows: &[&["platform"], &["ops"], &["kernels"], &["exec"], &["gradient", "import", "zoo"], &["campaign"]],
    // The kernels ask for cores and vector instructions, and a laboratory opens a device. Everything else is the same on
    // each platform.
    reserved: Some(("platform", &["campaign", "gradient", "kernels"])),
    asks_target: &["platform"],
};

const PAGE: Crate = Crate {
    folder: "src/page",
    root: "lib.rs",
    rows: &[
        &["code", "palette", "tables", "words"],
        &["catalogue", "link"],
        &["diagram"],
        &["state"],
        &["lesson"],
        &["views"],
    ],
    reserved: None,
    asks_target: &[],
};

const WORKER: Crate = Crate {
    folder: "src/worker",
    root: "lib.rs",
    rows: &[&["images"], &["campaign"], &["service"], &["serve"]],
    reserved: None,
    asks_target: &[],
};

/// The chores.
const XTASK: Crate = Crate {
    folder: "xtask/src",
    root: "main.rs",
    rows: &[
        &["names", "process", "steps", "workspace"],
        &["packages"],
        &["catalogue", "deny", "layering", "offline", "server", "setup", "sizes"],
        &["page", "plan"],
        &["bench", "check", "dist", "fuzz", "serve"],
        &["test"],
    ],
    reserved: None,
    asks_target: &["setup"],
};

const CRATES: [&Crate; 5] = [&FACTS, &ENGINE, &PAGE, &WORKER, &XTASK];

/// Reads every source file of [`CRATES`] below `root`.
///
/// # Errors
/// If a file breaks a rule: the message lists each place as file:line.
pub fn check(root: &Path) -> Result<()> {
    let mut violations = Vec::new();
    for package in CRATES {
        let folder = root.join(package.folder);
        let exports = Exports::of(&read(&folder.join(package.root))?)?;
        for file in rust_files(&folder)? {
            let path = file.strip_prefix(&folder).unwrap_or(&file);
            let source = Source::new(path);
            if source.is_test() {
                continue;
            }
            let found = package.violations(&source, &read(&file)?, &exports);
            let found = found.with_context(|| file.display().to_string())?;
            let place = |line: usize| format!("{}/{}:{line}", package.folder, path.display());
            violations.extend(found.into_iter().map(|(line, rule)| format!("{}: {rule}", place(line))));
        }
    }
    if !violations.is_empty() {
        bail!("{}\n\nThe order stands in xtask/src/layering/mod.rs.", violations.join("\n"));
    }
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

impl Crate {
    /// Returns the lines of one file that break a rule, each with the rule.
    fn violations(&self, source: &Source, text: &str, exports: &Exports) -> Result<Vec<(usize, String)>> {
        let judge = |import: Import| {
            let reason = match &import {
                Import::Module { name, .. } => self.refused(source.top()?, name)?,
                Import::TargetCfg { name, .. } => self.may_not_ask(source.top()?, name)?,
            };
            Some((import.line(), reason))
        };
        Ok(source.imports(text, exports)?.into_iter().filter_map(judge).collect())
    }

    /// Returns the reason if `module` may not ask for the compilation target.
    fn may_not_ask(&self, module: &str, option: &str) -> Option<String> {
        (!self.asks_target.contains(&module)).then(|| {
            let askers = [self.root].iter().chain(self.asks_target).map(|name| format!("`{name}`")).collect::<Vec<_>>();
            format!("`{module}` asks for the target with `{option}`, which only {} may", askers.join(" and "))
        })
    }

    /// Returns the reason if the module `from` may not import the module `to`.
    fn refused(&self, from: &str, to: &str) -> Option<String> {
        let row = |name: &str| self.rows.iter().position(|row| row.contains(&name));
        if from == to {
            return None;
        }
        if let Some((module, importers)) = self.reserved
            && module == to
            && !importers.contains(&from)
        {
            return Some(format!("`{from}` imports `{to}`, which only `{}` may", importers.join("`, `")));
        }
        let Some(above) = row(to) else { return Some(format!("`{to}` has no place in the order yet")) };
        let Some(own) = row(from) else { return Some(format!("`{from}` has no place in the order yet")) };
        (above > own).then(|| format!("`{from}` imports `{to}`, which is above it"))
    }
}

#[cfg(test)]
mod tests;
