//! `faultscope convert`: a model from one format to another.

use std::path::Path;

use super::args::PreprocessArguments;
use super::open::ModelFile;
use super::write::{self, Existing};
use crate::import::{self, Format};
use crate::model::Model;
use crate::zoo::Architecture;
use crate::{Error, Result};

/// Reads the model at `path`.
///
/// # Errors
/// Where the file cannot be read, or is no model ([`import::load`]).
pub fn load(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path.display(), error))?;
    import::load(&path.display().to_string(), bytes)
}

/// Reads `model`, a path or an id, and writes it to `output` in the format of its extension, `.bpk` or
/// `.safetensors`. `architecture` is that of a file with weights only. Returns the model.
///
/// # Errors
/// Where the model cannot be read, the extension is another, or `output` exists and is to be kept.
pub fn convert(
    model: &str,
    architecture: Option<&'static Architecture>,
    output: &Path,
    existing: Existing,
) -> Result<Model> {
    let format = output.extension().and_then(|extension| extension.to_str()).and_then(Format::of_extension);
    let format = format.ok_or_else(|| {
        Error::input(
            output.display().to_string(),
            "models are written as .bpk or .safetensors; end the name in one of them",
        )
    })?;
    let model = ModelFile::read(model, architecture)?.load(&PreprocessArguments::default())?;
    write::atomically(output, &format.write(&model)?, existing)?;
    Ok(model)
}
