//! Safetensors with the graph and the card in its metadata: the same model file in a container that other
//! tools read.

use std::collections::{BTreeMap, HashMap};

use facts::model::Model;
use facts::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use super::document;

/// Whether `bytes` begin like a safetensors file: the length of a header, and the header's brace.
pub fn recognise(bytes: &[u8]) -> bool {
    match bytes {
        [a, b, c, d, e, f, g, h, b'{', ..] => {
            u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) <= bytes.len() as u64 - 8
        }
        _ => false,
    }
}

/// Reads a model from the bytes of a safetensors file; `name` is the file's name for messages.
///
/// # Errors
/// Where the file is damaged, carries no graph of ours, or describes no image classifier.
pub fn read(name: &str, bytes: &[u8]) -> Result<Model> {
    let damaged = |error| Error::input(name, format_args!("the safetensors file cannot be read: {error}"));
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let json = metadata.metadata().as_ref().and_then(|metadata| metadata.get(document::KEY)).ok_or_else(|| {
        Error::input(
            name,
            "this safetensors file holds tensors without a graph, so Faultscope cannot run it; export the model as ONNX, or write the file with `faultscope convert`",
        )
    })?;
    let mut tensors = BTreeMap::new();
    for (tensor_name, view) in SafeTensors::deserialize(bytes).map_err(damaged)?.iter() {
        let fault =
            |problem: &dyn std::fmt::Display| Error::input(name, format_args!("tensor \"{tensor_name}\": {problem}"));
        if view.dtype() != Dtype::F32 {
            return Err(fault(&format_args!("float32 is expected, found {}", view.dtype())));
        }
        let tensor = document::from_bytes(view.shape().to_vec(), view.data()).map_err(|error| fault(&error))?;
        tensors.insert(tensor_name.to_owned(), tensor);
    }
    document::read(name, json, tensors)
}

/// The bytes of a safetensors file that holds `model`. The same model always gives the same bytes.
///
/// # Errors
/// Where the model cannot be written down.
pub fn write(model: &Model) -> Result<Vec<u8>> {
    let fault = |error| Error::input(&model.card.name, format_args!("the model cannot be written: {error}"));
    let metadata = HashMap::from([(document::KEY.to_owned(), document::write(model)?)]);
    let stored: Vec<(String, &[usize], Vec<u8>)> = document::tensor_names(&model.graph)
        .into_iter()
        .map(|(id, name)| {
            let tensor = &model.graph.parameters[&id];
            (name, tensor.shape.as_slice(), document::to_bytes(tensor))
        })
        .collect();
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| TensorView::new(Dtype::F32, shape.to_vec(), bytes).map(|view| (name, view)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fault)?;
    serialize(views, Some(metadata)).map_err(fault)
}
