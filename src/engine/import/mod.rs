//! From bytes to a model, and back to bytes.

mod beside;
pub mod burnpack;
mod document;
pub mod keras;
pub mod onnx;
mod range;
mod resample;
pub mod safetensors;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use facts::answer::Threshold;
use facts::data::InputSize;
use facts::limits::{self, PROGRAM};
use facts::model::Model;
use facts::{Error, Result};

pub use beside::{Alone, Beside, InMemory};

/// What the user says about a model file that the file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// The output that is the answer: a name, or an index.
    pub output: Option<String>,
    /// The height and width of the input, where they are open.
    pub input_size: Option<InputSize>,
    /// The probability of class 1 above which a binary model's answer is class 1, where it is not 0.5.
    pub threshold: Option<Threshold>,
}

/// Reads a model in any supported format, which the bytes tell, not the name; `name` is the file's name, for
/// messages and for a model that has none of its own.
///
/// # Errors
/// Where the format is none that is read, or the file is damaged or describes no image classifier.
pub fn load(name: &str, bytes: Vec<u8>) -> Result<Model> {
    load_beside(name, bytes, &Statements::default(), Arc::new(Alone))
}

/// As [`load`], with what the user says about the file. The files `beside` the model file hold the weights of large ONNX models.
///
/// # Errors
/// As [`load`], and if a statement does not fit the file, or a file beside it is missing, too short, or outside of the model's
/// folder.
pub fn load_beside(name: &str, bytes: Vec<u8>, stated: &Statements, beside: Arc<dyn Beside>) -> Result<Model> {
    check_memory(name, bytes.len() as u64)?;
    let mut model = if burnpack::recognise(&bytes) {
        as_stated(name, burnpack::read(name, bytes)?, stated)?
    } else if safetensors::recognise(&bytes) {
        as_stated(name, safetensors::read(name, &bytes)?, stated)?
    } else if keras::is_hdf5(&bytes) || keras::is_archive(&bytes) {
        keras::import_stated(name, bytes, stated)?
    } else if onnx::recognise(&bytes) {
        onnx::import_beside(name, &bytes, stated, beside)?
    } else {
        return Err(Error::input(name, unknown(&bytes)));
    };
    if model.card.name.is_empty() {
        model.card.name = stem(name).to_owned();
    }
    Ok(model)
}

/// Whether `bytes` are read as an ONNX file by [`load`].
pub fn is_onnx(bytes: &[u8]) -> bool {
    let is_other = burnpack::recognise(bytes)
        || safetensors::recognise(bytes)
        || keras::is_hdf5(bytes)
        || keras::is_archive(bytes);
    !is_other && onnx::recognise(bytes)
}

/// Checks that the memory which is allowed holds a model from a file of `bytes` bytes while it is opened: the file, the
/// parameters that are made of it, and a tensor at work, which may be all of it. `name` is the file's.
///
/// # Errors
/// Where it does not.
pub fn check_memory(name: &str, bytes: u64) -> Result<()> {
    let needed = PROGRAM.saturating_add(bytes.saturating_mul(3));
    limits::allowed().check("opening the model needs", needed).map_err(|error| error.concerning(name))
}

/// Checks that `model`, which leaves nothing open, is as stated.
///
/// # Errors
/// Where it is not.
pub fn as_stated(name: &str, model: Model, stated: &Statements) -> Result<Model> {
    if let Some(output) = &stated.output {
        facts::answer::find(output, &facts::answer::names(&model.graph)).map_err(|error| error.concerning(name))?;
    }
    if let Some(size) = stated.input_size {
        size.check_fixed(model.input_shape()).map_err(|error| error.concerning(name))?;
    }
    model.decided_at(stated.threshold).map_err(|error| error.concerning(name))
}

/// A format that models are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// burn's burnpack, `.bpk`.
    Burnpack,
    /// `.safetensors`.
    Safetensors,
}

impl Format {
    /// The format of files that end in `extension`, without its dot.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "bpk" => Some(Self::Burnpack),
            "safetensors" => Some(Self::Safetensors),
            _ => None,
        }
    }

    /// The bytes of a file that holds `model`.
    ///
    /// # Errors
    /// Where the model cannot be written down.
    pub fn write(self, model: &Model) -> Result<Vec<u8>> {
        match self {
            Self::Burnpack => burnpack::write(model),
            Self::Safetensors => safetensors::write(model),
        }
    }
}

/// What is wrong with a file of no format that is read, as far as its first bytes tell.
fn unknown(bytes: &[u8]) -> String {
    let found = match bytes {
        [] => "the file is empty",
        _ => "this is not a model file",
    };
    format!("{found}; Faultscope reads ONNX (.onnx), Keras (.h5, .hdf5, .keras), and its own .bpk and .safetensors")
}

/// The file name in `name` without its folders and its extension.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}
