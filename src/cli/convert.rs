//! `faultscope convert`: writes a model in another format.

use std::path::Path;
use std::sync::Arc;

use facts::limits::{self, PROGRAM};

use super::beside::Folder;
use super::open::ModelFile;
use super::write::{self, Existing};
use crate::import::{self, Format, Statements};
use crate::model::Model;
use crate::zoo::Architecture;
use crate::{Error, Result};

/// Reads the model at `path`.
///
/// # Errors
/// If the file cannot be read, or is not a model ([`import::load`]).
pub fn load(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path.display(), error))?;
    import::load_beside(&path.display().to_string(), bytes, &Statements::default(), Arc::new(Folder::of(path)))
}

/// Reads `model`, a path or an id, and writes it to `output` in the format of its extension, `.bpk` or
/// `.safetensors`. `architecture` is that of a file with weights only, `stated` what the user says about a file that leaves
/// something open; the chosen output is the only one of the new file. Returns the model.
///
/// # Errors
/// If the model cannot be read, if the extension is another one, or if `output` exists and must be kept.
pub fn convert(
    model: &str,
    architecture: Option<&'static Architecture>,
    stated: Statements,
    output: &Path,
    existing: Existing,
) -> Result<Model> {
    let format = output.extension().and_then(|extension| extension.to_str()).and_then(Format::of_extension);
    let format = format.ok_or_else(|| {
        Error::input(
            output.display().to_string(),
            "expected a name that ends in .bpk or .safetensors, the formats for writing",
        )
    })?;
    let model = ModelFile::read(model, architecture)?.stated_by(stated).import()?;
    // The parameters, their bytes, and the file that these are put into.
    let parameters = model.graph.parameters.values().map(|tensor| 4 * tensor.data.len() as u64);
    let needed = PROGRAM.saturating_add(parameters.sum::<u64>().saturating_mul(3));
    limits::allowed().check("writing the model needs", needed).map_err(|error| error.concerning(&model.card.name))?;
    write::atomically(output, &format.write(&model)?, existing)?;
    Ok(model)
}
