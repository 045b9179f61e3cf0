//! The state of a training after an epoch, so that it can go on after an interruption.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::{ModuleRecord, RecordError};
use faultscope::cli::write::{self, Existing};
use faultscope::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::Recipe;

const STATE: &str = "state.json";

/// A state that was kept.
pub struct Checkpoint {
    folder: PathBuf,
    /// Epochs that are done.
    pub epochs: usize,
}

#[derive(Serialize, Deserialize)]
struct State {
    recipe: Recipe,
    epochs: usize,
}

impl Checkpoint {
    /// The state in `folder`, where there is one.
    ///
    /// # Errors
    /// Where it is one of another recipe.
    pub fn find(folder: &Path, recipe: &Recipe) -> Result<Option<Self>> {
        let path = folder.join(STATE);
        let name = path.display().to_string();
        if !path.exists() {
            return Ok(None);
        }
        let bytes = fs::read(&path).map_err(|error| Error::io(&name, error))?;
        let state: State = serde_json::from_slice(&bytes).map_err(|error| Error::input(&name, error))?;
        if state.recipe != *recipe {
            return Err(Error::input(
                name,
                format_args!(
                    "this checkpoint is of {:?}, not of {recipe:?}; choose another folder with --checkpoint",
                    state.recipe
                ),
            ));
        }
        Ok(Some(Self { folder: folder.to_owned(), epochs: state.epochs }))
    }

    /// `fresh` with the weights that were kept.
    pub fn network<N: Module>(&self, fresh: N) -> Result<N> {
        let path = network_file(&self.folder, self.epochs);
        let record = ModuleRecord::load(&path).map_err(|error| damaged(&path, error))?;
        fresh.try_load_record(record).map_err(|error| damaged(&path, error))
    }

    /// `fresh` with the moments that were kept.
    pub fn optimizer(&self, fresh: ModuleOptimizer) -> Result<ModuleOptimizer> {
        let path = optimizer_file(&self.folder, self.epochs);
        fresh.load(&path).map_err(|error| damaged(&path, error))
    }

    /// Keeps the state after `epochs` epochs, and drops the one before. The file that names it is written last.
    pub fn save(
        folder: &Path,
        recipe: &Recipe,
        epochs: usize,
        network: &impl Module,
        optimizer: &ModuleOptimizer,
    ) -> Result<()> {
        fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
        let files = [network_file, optimizer_file].map(|file| file(folder, epochs));
        for path in files.iter().filter(|path| path.exists()) {
            fs::remove_file(path).map_err(|error| Error::io(path.display(), error))?;
        }
        network.clone().into_record().save(&files[0]).map_err(|error| damaged(&files[0], error))?;
        optimizer.save(&files[1]).map_err(|error| damaged(&files[1], error))?;
        let state = State { recipe: recipe.clone(), epochs };
        let bytes = serde_json::to_vec_pretty(&state).map_err(|error| Error::input(STATE, error))?;
        write::atomically(&folder.join(STATE), &bytes, Existing::Replace)?;
        for old in [network_file, optimizer_file].map(|file| file(folder, epochs - 1)) {
            // It may not be there: the first epoch has none before it.
            let _ = fs::remove_file(old);
        }
        Ok(())
    }
}

fn network_file(folder: &Path, epochs: usize) -> PathBuf {
    folder.join(format!("network-{epochs}.bpk"))
}

fn optimizer_file(folder: &Path, epochs: usize) -> PathBuf {
    folder.join(format!("optimizer-{epochs}.bpk"))
}

fn damaged(path: &Path, error: RecordError) -> Error {
    Error::input(path.display().to_string(), error)
}
