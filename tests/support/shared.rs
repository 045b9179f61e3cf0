//! Data and networks that are not part of the project.

use std::path::{Path, PathBuf};

use crate::missing::{may_be_missing, missing};

/// Names the folder with the data. An empty value states that this machine does not have the data.
const VARIABLE: &str = "FAULTSCOPE_SHARED";

/// Returns a file of the folder `shared` beside the project, or of the folder that FAULTSCOPE_SHARED names. `None`, with
/// a printed line, if the file is missing.
pub fn shared(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE);
    if folder.as_ref().is_some_and(|folder| folder.is_empty()) {
        may_be_missing(file, "FAULTSCOPE_SHARED is empty");
        return None;
    }
    let path = folder.map_or_else(beside, PathBuf::from).join(file);
    if !path.exists() {
        missing(format_args!("{} does not exist", path.display()));
        return None;
    }
    Some(path)
}

/// The folder beside the project. The tests in the browser are a package of their own, deeper in the project.
fn beside() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared"));
    above.take(3).find(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from("../shared"))
}
