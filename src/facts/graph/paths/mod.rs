//! Which layers lie on the way from the image to the answer, and which of them every way passes.

use std::collections::BTreeSet;

use super::{Graph, NodeId, Source, ValueId};

/// The layers between input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// By layer: whether it lies on a path from an input to the first output.
    pub on_path: Vec<bool>,
    /// By layer: whether it lies on every such path. Between two of these the network may branch; a fault in one
    /// reaches the output only through the next (PROTOCOL: "super nodes").
    pub super_nodes: Vec<bool>,
}

impl Graph {
    /// The layers whose output layer `node` reads, each once, in ascending order; parameters and inputs left out.
    pub fn predecessors(&self, node: NodeId) -> BTreeSet<NodeId> {
        let maker = |&value: &ValueId| match self.values[value].source {
            Source::Node(maker) => Some(maker),
            _ => None,
        };
        self.nodes[node].inputs.iter().filter_map(maker).collect()
    }

    /// Finds the layers between input and output.
    ///
    /// Layers are in topological order, so a layer is on every path where no tensor that is made before it is read
    /// after it: one sweep that remembers the last reader seen so far.
    pub fn paths(&self) -> Paths {
        let mut on_path = self.depends_on_input().to_vec();
        let mut wanted = vec![false; self.nodes.len()];
        let output = self.outputs[0];
        if let Source::Node(last) = self.values[output].source {
            wanted[last] = true;
        }
        for node in (0..self.nodes.len()).rev() {
            on_path[node] &= wanted[node];
            if on_path[node] {
                self.predecessors(node).into_iter().for_each(|maker| wanted[maker] = true);
            }
        }

        // By tensor, the last layer on a path that reads it; whoever asks for the output comes after all layers.
        let mut last_reader = vec![0; self.values.len()];
        for (node, layer) in self.nodes.iter().enumerate().filter(|&(node, _)| on_path[node]) {
            layer.inputs.iter().for_each(|&value| last_reader[value] = node);
        }
        last_reader[output] = self.nodes.len();

        let last_of = |values: &[ValueId]| values.iter().map(|&value| last_reader[value]).max().unwrap_or(0);
        let mut furthest = last_of(&self.inputs);
        let mut super_nodes = vec![false; self.nodes.len()];
        for (node, layer) in self.nodes.iter().enumerate().filter(|&(node, _)| on_path[node]) {
            super_nodes[node] = furthest <= node;
            furthest = furthest.max(last_of(&layer.outputs));
        }
        Paths { on_path, super_nodes }
    }
}

#[cfg(test)]
mod tests;
