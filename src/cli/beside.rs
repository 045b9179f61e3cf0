//! The files beside a model file on disk.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::data::binary::OnDisk;
use super::write::sha256_file;
use crate::Result;
use crate::data::ReadAt;
use crate::import::Beside;

/// The folder of a model file. Files outside of it are not opened, whatever links lead to them.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The files that were opened, by their location below the folder.
    opened: Mutex<BTreeMap<String, PathBuf>>,
}

impl Folder {
    /// The folder that the model file `model` is in.
    pub fn of(model: &Path) -> Self {
        let path = match model.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Self { path, opened: Mutex::default() }
    }

    /// Returns the SHA-256, in hexadecimal, of each file that was opened.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub fn sha256(&self) -> Result<BTreeMap<String, String>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().map(|(location, path)| Ok((location.clone(), sha256_file(path)?))).collect()
    }
}

impl Beside for Folder {
    fn open(&self, location: &str) -> Result<Arc<dyn ReadAt>, String> {
        let (folder, path) = (self.path.display(), self.path.join(location));
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => format!("which is not in the folder of the model, {folder}; put it there"),
            _ => format!("which cannot be read: {error}; make it readable"),
        };
        let root = self.path.canonicalize().map_err(unreadable)?;
        let file = path.canonicalize().map_err(unreadable)?;
        if !file.starts_with(&root) {
            return Err(format!("which is a link out of the folder of the model, {folder}; put the file itself there"));
        }
        if !file.is_file() {
            return Err("which is no plain file; put a file with the weights there".to_owned());
        }
        let opened =
            OnDisk::open(&file).map_err(|error| format!("which cannot be read ({error}); make it readable"))?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(location.to_owned(), file);
        Ok(Arc::new(opened))
    }
}
