//! The files beside a model file that hold its weights.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use facts::data::ReadAt;

/// The files beside a model file.
pub trait Beside: Debug + Send + Sync {
    /// Opens the file at `location`, a relative path below the folder of the model, with `/` between its parts. The caller
    /// has checked that no part is empty or `..`.
    ///
    /// # Errors
    /// If there is no such file, or if it must not be read. The text continues the sentence "the data are in the file X,".
    fn open(&self, location: &str) -> Result<Arc<dyn ReadAt>, String>;
}

/// A model file that is alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Beside for Alone {
    fn open(&self, _: &str) -> Result<Arc<dyn ReadAt>, String> {
        Err("which is not at hand; give it together with the model".to_owned())
    }
}

/// Files in memory, by their names. The folder in a location has no say: who drops files on a page drops no folders.
#[derive(Clone, Debug, Default)]
pub struct InMemory(BTreeMap<String, Arc<Vec<u8>>>);

impl InMemory {
    /// The files `files`: name and content.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self(files.into_iter().map(|(name, bytes)| (name, Arc::new(bytes))).collect())
    }
}

impl Beside for InMemory {
    fn open(&self, location: &str) -> Result<Arc<dyn ReadAt>, String> {
        let name = location.rsplit('/').next().unwrap_or(location);
        match self.0.get(name) {
            Some(bytes) => Ok(Arc::clone(bytes) as Arc<dyn ReadAt>),
            None => Err("which was not given with the model; give both files together".to_owned()),
        }
    }
}
