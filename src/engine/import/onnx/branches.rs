//! `If` with a condition that is known at import: the nodes of the branch that is taken stand in its place.

use facts::limits::{self, PROGRAM};
use facts::{Error, Result};
use prost::Message;
use prost::bytes::Bytes;

use super::node::NodeView;
use super::proto::{GraphProto, NodeProto, TensorProto};
use super::symbols::Symbols;
use super::tensor::Data;
use super::wire;

/// Branches within branches.
pub(super) const DEEPEST: usize = 16;

/// The nodes of a branch, and the tensors that it holds.
pub(super) struct Branch {
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
}

/// Returns the branch that `proto` takes; nothing if it is no `If`.
///
/// # Errors
/// If the condition is not known, or the branch is missing or makes other outputs.
pub(super) fn taken(proto: &NodeProto, node: &NodeView, symbols: &Symbols) -> Result<Option<Branch>> {
    if node.op() != "If" {
        return Ok(None);
    }
    let condition = match symbols.tensor(node, 0)?.map(|tensor| &tensor.data) {
        Some(Data::Int(values)) if values.len() == 1 => values[0] != 0,
        Some(_) => return Err(node.problem("its condition must be one truth value")),
        None => {
            return Err(
                node.unsupported("its condition is computed from the image; only one that is known at import is")
            );
        }
    };
    let name = if condition { "then_branch" } else { "else_branch" };
    let bytes = graph_of(proto, name).ok_or_else(|| node.problem(format_args!("it has no {name}")))?;
    let GraphProto { node: nodes, initializer, output, sparse_initializer, .. } = decoded(node, &bytes)?;
    if !sparse_initializer.is_empty() {
        return Err(node.unsupported("its branch has sparse initializers"));
    }
    if output.len() != proto.output.len() {
        let (made, named) = (output.len(), proto.output.len());
        return Err(node.problem(format_args!("its {name} makes {made} outputs, {named} are expected")));
    }
    let label = node.label.as_str();
    let within = |(index, mut inner): (usize, NodeProto)| {
        inner.name = match inner.name.as_str() {
            "" => format!("{label}/{}_{index}", inner.op_type),
            own => format!("{label}/{own}"),
        };
        inner
    };
    let mut nodes: Vec<NodeProto> = nodes.into_iter().enumerate().map(within).collect();
    // The outputs go by the names that the outer graph knows.
    for (place, (inner, outer)) in
        output.iter().zip(&proto.output).enumerate().filter(|(_, (_, outer))| !outer.is_empty())
    {
        nodes.push(NodeProto {
            name: if place == 0 { label.to_owned() } else { format!("{label}:{place}") },
            op_type: "Identity".to_owned(),
            input: vec![inner.name.clone()],
            output: vec![outer.clone()],
            ..NodeProto::default()
        });
    }
    Ok(Some(Branch { nodes, initializers: initializer }))
}

/// Names of the tensors that the branches of `node` read, those of the outer graph among them.
pub(super) fn reads(node: &NodeProto) -> Vec<String> {
    let mut names = Vec::new();
    let mut open: Vec<(Bytes, usize)> = graphs(node).map(|bytes| (bytes, 0)).collect();
    while let Some((bytes, depth)) = open.pop() {
        // What cannot be decoded is refused where the branch is taken.
        let Ok(graph) = GraphProto::decode(bytes) else { continue };
        for inner in graph.node {
            if depth < DEEPEST {
                open.extend(graphs(&inner).map(|bytes| (bytes, depth + 1)));
            }
            names.extend(inner.input);
        }
        names.extend(graph.output.into_iter().map(|output| output.name));
    }
    names
}

fn graphs(node: &NodeProto) -> impl Iterator<Item = Bytes> {
    node.attribute.iter().filter_map(|attribute| attribute.g.clone())
}

pub(super) fn graph_of(node: &NodeProto, name: &str) -> Option<Bytes> {
    node.attribute.iter().find(|attribute| attribute.name == name)?.g.clone()
}

pub(super) fn decoded(node: &NodeView, bytes: &Bytes) -> Result<GraphProto> {
    let needed = (bytes.len() as u64).saturating_mul(3).saturating_add(wire::graph(bytes)).saturating_add(PROGRAM);
    limits::allowed().check("decoding a branch needs", needed).map_err(|error| error.concerning(&node.label))?;
    GraphProto::decode(bytes.clone())
        .map_err(|error| Error::graph(&node.label, format_args!("a branch of If is damaged: {error}")))
}
