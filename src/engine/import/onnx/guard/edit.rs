//! The edited file: fields are copied as they are, but for those of the nodes and constants that change.

use std::collections::HashMap;

use prost::Message;

use super::nodes::Beside;
use super::scan;
use crate::import::onnx::proto::{
    DimensionProto, EntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::import::onnx::wire::Fields;

/// Numbers of fields, as the format has them.
const MODEL_GRAPH: u64 = 7;
const MODEL_METADATA: u64 = 14;
const GRAPH_NODE: u64 = 1;
const GRAPH_INITIALIZER: u64 = 5;
const GRAPH_INPUT: u64 = 11;
const NODE_OUTPUT: u64 = 2;
const NODE_NAME: u64 = 3;

/// What becomes of one node of the file.
pub struct Edit {
    /// The outputs that get another name, each with that name.
    renamed: Vec<(String, String)>,
    /// The name of a node that has none of its own.
    name: Option<String>,
    /// Encoded nodes that follow it.
    after: Vec<Vec<u8>>,
}

impl Edit {
    /// The edit of `node`, which gets the name `name`; `beside` is what stands beside each bounded tensor.
    pub fn new(node: &scan::Node, name: Option<String>, beside: &mut HashMap<&str, Beside>) -> Self {
        let mut edit = Self { renamed: Vec::new(), name, after: Vec::new() };
        for output in &node.output {
            if let Some(own) = beside.remove(output.as_str()) {
                edit.renamed.push((output.clone(), own.inner));
                edit.after.extend(own.nodes);
            }
        }
        edit
    }

    /// Writes the node in `raw`, a field with its key, whose content is `content`, and what follows it.
    fn write(&self, raw: &[u8], content: &[u8], out: &mut Vec<u8>) -> Option<()> {
        if self.renamed.is_empty() && self.name.is_none() {
            out.extend_from_slice(raw);
            return Some(());
        }
        let mut node = Vec::with_capacity(content.len() + 64);
        each(content, |number, raw, content| {
            let new = self.renamed.iter().find(|(old, _)| number == NODE_OUTPUT && old.as_bytes() == content);
            match new {
                Some((_, new)) => field(NODE_OUTPUT, new.as_bytes(), &mut node),
                None if number == NODE_NAME && self.name.is_some() => {}
                None => node.extend_from_slice(raw),
            }
            Some(())
        })?;
        if let Some(name) = &self.name {
            field(NODE_NAME, name.as_bytes(), &mut node);
        }
        field(GRAPH_NODE, &node, out);
        self.after.iter().for_each(|node| field(GRAPH_NODE, node, out));
        Some(())
    }
}

/// What changes in a file.
pub struct File<'a> {
    /// By node of the main graph.
    pub edits: Vec<Edit>,
    /// Constants to add.
    pub initializers: Vec<TensorProto>,
    /// Whether constants are listed as inputs, too: before version 4 of the format they must be.
    pub also_inputs: bool,
    /// An entry of the metadata to add.
    pub metadata: Option<(String, &'a str)>,
}

impl File<'_> {
    /// The file `bytes` with these changes; `None` if a field is damaged, or there is not one graph.
    pub fn written(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let added = self.initializers.iter().map(Message::encoded_len).sum::<usize>();
        let mut out = Vec::with_capacity(bytes.len() + added + (1 << 16));
        let mut graphs = 0;
        each(bytes, |number, raw, content| {
            if number != MODEL_GRAPH {
                out.extend_from_slice(raw);
                return Some(());
            }
            graphs += 1;
            field(MODEL_GRAPH, &self.graph(content)?, &mut out);
            Some(())
        })?;
        if let Some((key, value)) = &self.metadata {
            let entry = EntryProto { key: key.clone(), value: (*value).to_owned() };
            field(MODEL_METADATA, &entry.encode_to_vec(), &mut out);
        }
        (graphs == 1).then_some(out)
    }

    /// The main graph in `bytes`, changed.
    fn graph(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut edits = self.edits.iter();
        each(bytes, |number, raw, content| match number {
            GRAPH_NODE => edits.next()?.write(raw, content, &mut out),
            _ => {
                out.extend_from_slice(raw);
                Some(())
            }
        })?;
        for tensor in &self.initializers {
            field(GRAPH_INITIALIZER, &tensor.encode_to_vec(), &mut out);
            if self.also_inputs {
                field(GRAPH_INPUT, &input(tensor).encode_to_vec(), &mut out);
            }
        }
        edits.next().is_none().then_some(out)
    }
}

/// The input that stands for a constant.
fn input(tensor: &TensorProto) -> ValueInfoProto {
    let dim = tensor.dims.iter().map(|&length| DimensionProto { dim_value: Some(length) }).collect();
    let tensor_type = TensorTypeProto { elem_type: tensor.data_type, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: tensor.name.clone(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

/// Calls `visit` with the number of each field in `bytes`, the field with its key, and its content. `None` if a field is damaged,
/// or `visit` says so.
pub fn each<'a>(bytes: &'a [u8], mut visit: impl FnMut(u64, &'a [u8], &'a [u8]) -> Option<()>) -> Option<()> {
    let mut rest = Fields(bytes);
    while !rest.0.is_empty() {
        let before = rest.0;
        let (number, content) = rest.next()?;
        visit(number, &before[..before.len() - rest.0.len()], content)?;
    }
    Some(())
}

/// Appends field `number` with `content` to `out`.
pub fn field(number: u64, content: &[u8], out: &mut Vec<u8>) {
    varint(number << 3 | 2, out);
    varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
