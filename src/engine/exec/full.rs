//! Full runs: every layer computed, every output kept.

use facts::graph::{Graph, NodeId, Op};
use facts::{Error, Result};

use super::{Activations, Hook};
use crate::ops::Array;

/// Runs all layers of `graph`: `compute` computes each layer, and `hook` sees each output.
///
/// # Errors
/// If `compute` or the hook fails.
pub(super) async fn run<H: Hook>(
    graph: &Graph,
    inputs: &[Array],
    hook: &mut H,
    mut compute: impl AsyncFnMut(NodeId, &Activations) -> Result<Vec<Array>>,
) -> Result<Activations> {
    let mut run = Activations::new(graph.values.len());
    for (&id, array) in graph.inputs.iter().zip(inputs) {
        run.set(id, array.clone());
    }
    for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.op != Op::Folded) {
        for (&value, array) in node.outputs.iter().zip(compute(id, &run).await?) {
            run.set(value, hook.output(id, value, array).await?);
        }
    }
    Ok(run)
}

/// Returns the error for a layer with an input that no earlier layer has computed.
pub(super) fn missing(graph: &Graph, id: NodeId) -> Error {
    Error::graph(&graph.nodes[id].name, "an input of the layer is not computed")
}
