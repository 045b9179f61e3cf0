//! What our model files hold beside the tensors, whichever container they are in: the graph and the card, as
//! JSON under one metadata key.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use facts::graph::{GraphDraft, HostTensor, Source, ValueId};
use facts::model::{Card, Model};
use facts::{Error, Result};
use serde::{Deserialize, Serialize};

/// Metadata key of the document.
pub(super) const KEY: &str = "faultscope";

/// Version of the document's format. A reader refuses any other.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document<G, C> {
    version: u32,
    graph: G,
    card: C,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The JSON of `model`.
///
/// # Errors
/// Where an attribute does not survive the writing, a factor that is infinite for example.
pub(super) fn write(model: &Model) -> Result<String> {
    let fault = |problem: &dyn std::fmt::Display| {
        Error::input(&model.card.name, format_args!("the model cannot be written: {problem}"))
    };
    let document = Document { version: VERSION, graph: &*model.graph, card: &model.card };
    let json = serde_json::to_string(&document).map_err(|error| fault(&error))?;
    let read: Document<GraphDraft, Card> = serde_json::from_str(&json).map_err(|error| fault(&error))?;
    match serde_json::to_string(&read) {
        Ok(again) if again == json => Ok(json),
        _ => Err(fault(&"an attribute of a layer changes its value in JSON")),
    }
}

/// The model that a document and the tensors beside it make; `name` is the file's.
///
/// # Errors
/// Where the document is not one of this version, a tensor is missing, left over or of another shape, or the
/// graph contradicts itself.
pub(super) fn read(name: &str, json: &str, mut tensors: BTreeMap<String, HostTensor>) -> Result<Model> {
    let unreadable =
        |error: serde_json::Error| Error::input(name, format_args!("its description cannot be read: {error}"));
    let Version { version } = serde_json::from_str(json).map_err(unreadable)?;
    if version != VERSION {
        return Err(Error::input(
            name,
            format_args!(
                "the file is of format version {version}, this Faultscope reads version {VERSION}; write the file again with `faultscope convert`"
            ),
        ));
    }
    let Document { mut graph, mut card, .. }: Document<GraphDraft, Card> =
        serde_json::from_str(json).map_err(unreadable)?;
    for (id, tensor_name) in tensor_names(&graph) {
        let tensor = tensors
            .remove(&tensor_name)
            .ok_or_else(|| Error::input(name, format_args!("the tensor \"{tensor_name}\" is missing")))?;
        graph.parameters.insert(id, tensor);
    }
    if let Some((extra, _)) = tensors.first_key_value() {
        return Err(Error::input(name, format_args!("no layer knows the tensor \"{extra}\"")));
    }
    let graph = graph.check().map_err(|error| Error::input(name, error))?;
    if card.name.is_empty() {
        card.name = super::stem(name).to_owned();
    }
    Model::new(graph, card).map_err(|error| Error::input(name, error))
}

/// What the parameters are called in a file: their own names, made unique by `.ID` where they are not.
pub(super) fn tensor_names(graph: &GraphDraft) -> Vec<(ValueId, String)> {
    // Safetensors keeps this name for itself.
    let mut taken = HashSet::from(["__metadata__".to_owned()]);
    let parameters = graph.values.iter().enumerate().filter(|(_, value)| value.source == Source::Parameter);
    parameters
        .map(|(id, value)| {
            let mut unique = value.name.clone();
            while unique.is_empty() || !taken.insert(unique.clone()) {
                unique = format!("{unique}.{id}");
            }
            (id, unique)
        })
        .collect()
}

/// The little-endian bytes of a float32 tensor, as both containers store it.
pub(super) fn to_bytes(tensor: &HostTensor) -> Vec<u8> {
    tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The tensor of little-endian float32 `bytes`.
pub(super) fn from_bytes(shape: Vec<usize>, bytes: &[u8]) -> Result<HostTensor> {
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::request(format_args!("{} bytes are not a number of float32 values", bytes.len())));
    }
    HostTensor::new(shape, values.iter().map(|&value| f32::from_le_bytes(value)).collect::<Arc<[f32]>>())
}
