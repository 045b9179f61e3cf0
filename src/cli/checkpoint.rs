//! PyTorch checkpoints.

use std::path::Path;

use burn_store::pytorch_reader::{DType, PytorchReader};

use crate::graph::HostTensor;
use crate::{Error, Result};

/// An open checkpoint (`.pth`, `.pt`).
pub struct Checkpoint {
    name: String,
    reader: PytorchReader,
}

impl Checkpoint {
    /// Opens the file `path`. Messages call it `name`.
    ///
    /// # Errors
    /// If the file is not a checkpoint.
    pub fn open(name: &str, path: &Path) -> Result<Self> {
        let reader = PytorchReader::new(path)
            .map_err(|error| Error::input(name, format_args!("the PyTorch checkpoint cannot be read: {error}")))?;
        Ok(Self { name: name.to_owned(), reader })
    }

    /// Reads the float32 tensor `tensor`.
    ///
    /// # Errors
    /// If the tensor is missing, has another type or shape, or is damaged.
    pub fn tensor(&self, tensor: &str, shape: &[usize]) -> Result<HostTensor> {
        let fault =
            |problem: &dyn std::fmt::Display| Error::input(&self.name, format_args!("tensor \"{tensor}\": {problem}"));
        let found = self.reader.get(tensor).ok_or_else(|| fault(&"it is missing"))?;
        if found.dtype() != DType::F32 || found.shape() != shape {
            return Err(fault(&format_args!(
                "expected float32 of shape {shape:?}, found {:?} of shape {:?}",
                found.dtype(),
                found.shape()
            )));
        }
        let bytes = found.read().map_err(|error| fault(&error))?;
        let values: Vec<f32> = bytes.as_chunks().0.iter().map(|&value| f32::from_ne_bytes(value)).collect();
        HostTensor::new(shape, values).map_err(|error| fault(&error))
    }
}
