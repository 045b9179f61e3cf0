//! The results that a report is about.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::cli::output::note;
use crate::cli::results::{self, Results};
use crate::report::{Options, Report};

/// The results in one directory.
#[derive(Debug)]
pub struct Campaign {
    /// Name of the row: the model, with the directory if the model alone would be ambiguous.
    pub name: String,
    /// The directory.
    pub results: Results,
    /// The rates.
    pub report: Report,
}

/// Opens the results in `directories`, each with the name of its row. Of several, as `runs/*` names them, those that hold no
/// results are left out, and said.
///
/// # Errors
/// If none holds results, one holds damaged ones or is given twice, or the grouping of `options` does not fit one of them.
pub fn open(directories: &[PathBuf], options: &Options) -> Result<(Vec<String>, Vec<Results>)> {
    results::check_distinct(directories)?;
    let (held, others): (Vec<&PathBuf>, Vec<&PathBuf>) = directories.iter().partition(|path| Results::are_in(path));
    let held = if held.is_empty() { directories.iter().collect() } else { held };
    if held.len() + others.len() == directories.len() {
        for path in others {
            note(&format!("notice: {} holds no campaign and is left out", path.display()));
        }
    }
    let all = held.into_iter().map(|path| Results::open(path)).collect::<Result<Vec<_>>>()?;
    if let Some(grouping) = &options.grouping {
        for results in &all {
            let fits = results.origin().check_grouping(grouping);
            fits.map_err(|error| error.concerning(results.path().display().to_string()))?;
        }
    }
    Ok((names(&all), all))
}

/// Reads the results in `directories` and counts them.
///
/// # Errors
/// As [`open`].
pub fn read(directories: &[PathBuf], options: &Options) -> Result<Vec<Campaign>> {
    let (names, all) = open(directories, options)?;
    names
        .into_iter()
        .zip(all)
        .map(|(name, results)| {
            let report = results.report(options.clone())?;
            Ok(Campaign { name, results, report })
        })
        .collect()
}

/// The names of the rows: models, with their directories if two models have the same name, and with whole paths if that is
/// still ambiguous.
fn names(all: &[Results]) -> Vec<String> {
    let model = |results: &Results| results.origin().model().to_owned();
    let folder = |results: &Results| format!("{} ({})", model(results), short(results.path()));
    let path = |results: &Results| format!("{} ({})", model(results), results.path().display());
    let alone = |name: &dyn Fn(&Results) -> String, one: &Results| {
        all.iter().filter(|other| name(other) == name(one)).count() == 1
    };
    let name = |one: &Results| match one {
        one if alone(&model, one) => model(one),
        one if alone(&folder, one) => folder(one),
        one => path(one),
    };
    all.iter().map(name).collect()
}

fn short(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
