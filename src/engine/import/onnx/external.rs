//! Weights in files beside the model, as `torch.onnx.export` and `onnx.save` write those of large models.
//!
//! A tensor names the file, and where its bytes are in it. Only these bytes are read, one tensor at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use facts::data::ReadAt;
use facts::graph::elements;
use facts::{Error, Result};
use prost::Message;
use prost::bytes::Bytes;

use super::proto::{NodeProto, TensorProto, data_type};
use crate::import::beside::Beside;

/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// The remedy that works for every model.
const ONE_FILE: &str = "or save the model as one file: onnx.save(onnx.load(\"model.onnx\"), \"whole.onnx\")";

/// The files that the tensors of a model are in, opened once each.
pub(super) struct External<'a> {
    beside: &'a dyn Beside,
    open: BTreeMap<String, Arc<dyn ReadAt>>,
}

impl<'a> External<'a> {
    pub fn new(beside: &'a dyn Beside) -> Self {
        Self { beside, open: BTreeMap::new() }
    }

    /// Puts the bytes of `proto` into it if they are in another file.
    pub fn fill(&mut self, proto: &mut TensorProto) -> Result<(), String> {
        if is_external(proto) {
            proto.raw_data = Some(self.bytes(proto)?);
            proto.external_data.clear();
            proto.data_location = 0;
        }
        Ok(())
    }

    /// As [`fill`](Self::fill), for the tensors in the attributes of `node`.
    pub fn fill_attributes(&mut self, node: &mut NodeProto) -> Result<()> {
        let label = node.name.clone();
        for attribute in &mut node.attribute {
            let Some(tensor) = &mut attribute.t else { continue };
            self.fill(tensor).map_err(|problem| {
                Error::graph(&label, format_args!("the tensor of attribute {}: {problem}", attribute.name))
            })?;
        }
        Ok(())
    }

    fn bytes(&mut self, proto: &TensorProto) -> Result<Bytes, String> {
        let range = Range::of(proto)?;
        let location = range.location.as_str();
        let file = match self.open.get(location) {
            Some(file) => file,
            None => {
                let file = self.beside.open(location);
                let file =
                    file.map_err(|problem| format!("its data are in the file \"{location}\", {problem}; {ONE_FILE}"))?;
                self.open.entry(location.to_owned()).or_insert(file)
            }
        };
        let size = file.size();
        let end = range.offset.checked_add(range.length).filter(|&end| end <= size);
        let (Some(_), Ok(length)) = (end, usize::try_from(range.length)) else {
            return Err(format!(
                "its {} bytes begin at byte {} of the file \"{location}\", which has {size} bytes; the file is cut short, or \
                 belongs to another model",
                range.length, range.offset
            ));
        };
        let mut bytes = vec![0; length];
        file.read_exact_at(range.offset, &mut bytes)
            .map_err(|error| format!("its data in the file \"{location}\" cannot be read: {error}"))?;
        Ok(bytes.into())
    }
}

fn is_external(proto: &TensorProto) -> bool {
    proto.data_location == EXTERNAL || !proto.external_data.is_empty()
}

/// The place of a tensor's bytes.
struct Range {
    location: String,
    offset: u64,
    length: u64,
}

impl Range {
    fn of(proto: &TensorProto) -> Result<Self, String> {
        let entry = |key: &str| proto.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let number = |key: &str| {
            let parse = |value: &String| {
                value.parse::<u64>().map_err(|_| {
                    format!("its data are in another file, but the {key} in it is \"{value}\"; a number is expected")
                })
            };
            entry(key).map(parse).transpose()
        };
        let location = entry("location").ok_or("its data are in another file, but the file is not named")?;
        let location = inside(location).ok_or_else(|| {
            format!(
                "its data are in the file \"{location}\", which is not in the folder of the model; only files there are read; \
                 {ONE_FILE}"
            )
        })?;
        let (offset, stated) = (number("offset")?.unwrap_or(0), number("length")?);
        let length = match (stated, needed(proto)?) {
            (Some(stated), Some(needed)) if stated != needed => {
                return Err(format!(
                    "its shape {:?} takes {needed} bytes, but {stated} bytes in the file \"{location}\" are said to be its data",
                    proto.dims
                ));
            }
            (_, Some(needed)) => needed,
            (Some(stated), None) => stated,
            (None, None) => {
                return Err(format!(
                    "its data, of type {}, are in the file \"{location}\", and their length is not stated",
                    data_type::name(proto.data_type)
                ));
            }
        };
        Ok(Self { location, offset, length })
    }
}

/// Bytes that the elements of `proto` take; `None` for a type of unknown width.
fn needed(proto: &TensorProto) -> Result<Option<u64>, String> {
    let shape = super::tensor::shape(&proto.dims)?;
    let Some(width) = data_type::bytes(proto.data_type) else { return Ok(None) };
    let count = elements(&shape).and_then(|count| u64::try_from(count).ok()?.checked_mul(width));
    count.map(Some).ok_or_else(|| format!("its shape {shape:?} is absurdly large"))
}

/// `location` with `/` between its parts, if it stays in the folder of the model.
fn inside(location: &str) -> Option<String> {
    let location = location.replace('\\', "/");
    let mut parts: Vec<&str> = location.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || *part == ".." || part.contains('\0')) {
        return None;
    }
    parts.retain(|part| *part != ".");
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The files beside the ONNX model in `bytes` that its weights are in, as relative paths; none if `bytes` are no such model.
pub fn external_files(bytes: &[u8]) -> BTreeSet<String> {
    let graph = scan::Model::decode(bytes).ok().and_then(|model| model.graph).unwrap_or_default();
    let attributes = graph.node.into_iter().flat_map(|node| node.attribute).filter_map(|attribute| attribute.t);
    let entries = graph.initializer.into_iter().chain(attributes).flat_map(|tensor| tensor.external_data);
    entries.filter(|entry| entry.key == "location").filter_map(|entry| inside(&entry.value)).collect()
}

/// A model as far as it names other files: the decoder skips the rest.
mod scan {
    use prost::Message;

    use crate::import::onnx::proto::EntryProto;

    #[derive(Clone, PartialEq, Message)]
    pub struct Model {
        #[prost(message, optional, tag = "7")]
        pub graph: Option<Graph>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub node: Vec<Node>,
        #[prost(message, repeated, tag = "5")]
        pub initializer: Vec<Tensor>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Node {
        #[prost(message, repeated, tag = "5")]
        pub attribute: Vec<Attribute>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Attribute {
        #[prost(message, optional, tag = "5")]
        pub t: Option<Tensor>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Tensor {
        #[prost(message, repeated, tag = "13")]
        pub external_data: Vec<EntryProto>,
    }
}
