//! How much memory a run takes.

use facts::graph::{Graph, ValueId};

/// Most bytes that the tensors of one image take at any layer, those that are not read any more let go of. A protected
/// output exists twice for a moment: before and after the protection.
pub(super) fn bytes(graph: &Graph, protected: bool) -> usize {
    let bytes = |value: ValueId| 4 * graph.values[value].elements();
    let (last, depends) = (graph.last_readers(), graph.depends_on_input());
    let mut is_live: Vec<bool> = vec![false; graph.values.len()];
    for &input in &graph.inputs {
        is_live[input] = true;
    }
    let mut live: usize = graph.inputs.iter().map(|&value| bytes(value)).sum();
    let mut most = live;
    for (id, node) in graph.nodes.iter().enumerate().filter(|(id, _)| depends[*id]) {
        for &value in &node.outputs {
            live += bytes(value);
            is_live[value] = true;
        }
        let largest = node.outputs.iter().map(|&value| bytes(value)).max().unwrap_or(0);
        // What a chain makes on the way is seldom larger than what goes in or comes out.
        most = most.max(live + if protected { largest } else { 0 });
        for &value in node.inputs.iter().chain(&node.outputs) {
            if is_live[value] && last[value].is_none_or(|last| last == id) {
                is_live[value] = false;
                live -= bytes(value);
            }
        }
    }
    most
}
