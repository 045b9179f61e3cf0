//! The parameters of a lane whose changes are in weights.

use std::collections::BTreeMap;

use facts::graph::{Graph, HostTensor, NodeId, ValueId};

use super::{Change, Changed};

/// Elements of parameters that differ from the graph's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weights {
    edits: BTreeMap<ValueId, Vec<(usize, f32)>>,
}

impl Weights {
    /// Those among `changes`, whose values before and after are written to `values`.
    pub fn new(graph: &Graph, changes: &[Change], values: &mut [[f32; 2]]) -> Self {
        let mut edits: BTreeMap<ValueId, Vec<(usize, f32)>> = BTreeMap::new();
        for (change, values) in changes.iter().zip(values) {
            let Some(parameter) = graph.parameters.get(&change.tensor) else { continue };
            let own = edits.entry(change.tensor).or_default();
            let earlier = own.iter().rfind(|(element, _)| *element == change.element).map(|&(_, value)| value);
            let before = earlier.unwrap_or(parameter.data[change.element]);
            *values = [before, change.apply(before)];
            own.push((change.element, values[1]));
        }
        Self { edits }
    }

    /// The changes that are not in weights, in the order of layers, with their number.
    pub fn others<'c>(&self, changes: &'c [Change]) -> Vec<(usize, &'c Change)> {
        let others = changes.iter().enumerate().filter(|(_, change)| !self.contains(change.tensor));
        let mut others: Vec<_> = others.collect();
        others.sort_by_key(|(_, change)| change.layer);
        others
    }

    /// The layers that read a parameter that differs.
    pub fn readers(&self, graph: &Graph) -> Vec<NodeId> {
        if self.edits.is_empty() {
            return Vec::new();
        }
        let reads = |id: &NodeId| graph.nodes[*id].inputs.iter().any(|&value| self.contains(value));
        (0..graph.nodes.len()).filter(reads).collect()
    }

    /// The parameters that differ.
    pub fn parameters(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.edits.keys().copied()
    }

    /// Whether this parameter does.
    pub fn contains(&self, value: ValueId) -> bool {
        self.edits.contains_key(&value)
    }

    /// The elements of a parameter that differ, each once.
    pub fn edits(&self, parameter: ValueId) -> Option<BTreeMap<usize, f32>> {
        self.edits.get(&parameter).map(|edits| edits.iter().copied().collect())
    }

    /// The one element that differs, where there is but one.
    pub fn single(&self) -> Option<(ValueId, usize, f32)> {
        match self.edits.iter().next() {
            Some((&parameter, edits)) if self.edits.len() == 1 && edits.len() == 1 => {
                Some((parameter, edits[0].0, edits[0].1))
            }
            _ => None,
        }
    }

    /// Those of `parameters` that differ, each as a whole.
    pub fn changed(&self, graph: &Graph, parameters: impl IntoIterator<Item = ValueId>) -> Changed {
        let edited = |value: ValueId| {
            let (edits, parameter) = (self.edits.get(&value)?, graph.parameters.get(&value)?);
            let mut data = parameter.data.to_vec();
            for &(element, value) in edits {
                data[element] = value;
            }
            Some((value, HostTensor { shape: parameter.shape.clone(), data: data.into() }))
        };
        parameters.into_iter().filter_map(edited).collect()
    }
}
