//! Data and networks that are not part of the project.

use std::path::{Path, PathBuf};

/// A file of the folder `shared` beside the project, or where FAULTSCOPE_SHARED says; `None`, with a word, where it
/// is not there.
pub fn shared(file: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared"));
    // The tests in the browser are a package of their own, deeper in the project.
    let beside = || beside.take(3).find(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from("../shared"));
    let path = std::env::var_os("FAULTSCOPE_SHARED").map_or_else(beside, PathBuf::from).join(file);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}
