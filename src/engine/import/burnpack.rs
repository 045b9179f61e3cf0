//! Faultscope's own model file: burn's burnpack (`.bpk`), with the graph and the card in its metadata.

use std::collections::BTreeMap;

use burn_store::burn_pack::{Bytes, DType, MAGIC_NUMBER, Reader, Tensor, Writer};
use facts::model::Model;
use facts::{Error, Result};

use super::document;

/// Whether `bytes` begin like a burnpack.
pub fn recognise(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC_NUMBER.to_le_bytes())
}

/// Reads a model from the bytes of a burnpack; `name` is the file's name for messages.
///
/// # Errors
/// Where the file is damaged, is a burnpack that Faultscope did not write, or describes no image classifier.
pub fn read(name: &str, bytes: Vec<u8>) -> Result<Model> {
    let damaged = |error| Error::input(name, format_args!("the burnpack cannot be read: {error}"));
    let length = bytes.len();
    let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(damaged)?;
    let json = reader.metadata().get(document::KEY).cloned().ok_or_else(|| {
        Error::input(
            name,
            "this burnpack holds tensors without a graph, so Faultscope cannot run it; it reads those that `faultscope convert` writes",
        )
    })?;
    let stored = reader.into_tensors().map_err(damaged)?;
    // Descriptors may overlap: a short file could claim its bytes many times over.
    if stored.iter().try_fold(0usize, |sum, tensor| sum.checked_add(tensor.byte_len())).is_none_or(|sum| sum > length) {
        return Err(Error::input(name, "the tensors overlap: together they are larger than the file"));
    }
    let mut tensors = BTreeMap::new();
    for tensor in stored {
        let (tensor_name, dtype, shape, _, bytes) = tensor.into_parts().map_err(damaged)?;
        let fault =
            |problem: &dyn std::fmt::Display| Error::input(name, format_args!("tensor \"{tensor_name}\": {problem}"));
        if dtype != DType::F32 {
            return Err(fault(&format_args!("float32 is expected, found {dtype:?}")));
        }
        let tensor = document::from_bytes(shape.to_vec(), &bytes).map_err(|error| fault(&error))?;
        tensors.insert(tensor_name, tensor);
    }
    document::read(name, &json, tensors)
}

/// The bytes of a burnpack that holds `model`. The same model always gives the same bytes.
///
/// # Errors
/// Where the model cannot be written down.
pub fn write(model: &Model) -> Result<Vec<u8>> {
    let json = document::write(model)?;
    let tensors = document::tensor_names(&model.graph)
        .into_iter()
        .map(|(id, name)| {
            let tensor = &model.graph.parameters[&id];
            let bytes = Bytes::from_bytes_vec(document::to_bytes(tensor));
            Tensor::new(name, DType::F32, tensor.shape.clone(), None, bytes)
        })
        .collect();
    Writer::new(tensors)
        .with_metadata(document::KEY, &json)
        .into_bytes()
        .map(|bytes| bytes.to_vec())
        .map_err(|error| Error::input(&model.card.name, format_args!("the model cannot be written: {error}")))
}
