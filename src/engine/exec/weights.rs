//! The parameters of a lane with weight faults.

use std::collections::BTreeMap;

use facts::graph::{Graph, HostTensor, NodeId, ValueId};

use super::Changed;
use super::strike::Strikes;

/// Elements of parameters that differ from the graph's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weights {
    edits: BTreeMap<ValueId, BTreeMap<usize, f32>>,
}

impl Weights {
    /// Makes the changes in parameters among `strikes`.
    pub fn struck(graph: &Graph, strikes: &mut Strikes<'_>) -> Self {
        let mut edits: BTreeMap<ValueId, BTreeMap<usize, f32>> = BTreeMap::new();
        for strike in strikes.take_in(|tensor| graph.parameters.contains_key(&tensor)) {
            let Some(parameter) = graph.parameters.get(&strike.tensor()) else { continue };
            let own = edits.entry(strike.tensor()).or_default();
            strikes.make(strike, own.entry(strike.element()).or_insert(parameter.data[strike.element()]));
        }
        Self { edits }
    }

    /// Returns the layers that read a changed parameter.
    pub fn readers(&self, graph: &Graph) -> Vec<NodeId> {
        if self.edits.is_empty() {
            return Vec::new();
        }
        let reads = |id: &NodeId| graph.nodes[*id].inputs.iter().any(|&value| self.contains(value));
        (0..graph.nodes.len()).filter(reads).collect()
    }

    /// Returns the parameters that differ.
    pub fn parameters(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.edits.keys().copied()
    }

    /// Returns whether this parameter differs.
    pub fn contains(&self, value: ValueId) -> bool {
        self.edits.contains_key(&value)
    }

    /// Returns the elements of a parameter that differ, each once.
    pub fn edits(&self, parameter: ValueId) -> Option<&BTreeMap<usize, f32>> {
        self.edits.get(&parameter)
    }

    /// Returns the changed element, if exactly one element differs.
    pub fn single(&self) -> Option<(ValueId, usize, f32)> {
        let mut edits =
            self.edits.iter().flat_map(|(&parameter, edits)| edits.iter().map(move |edit| (parameter, edit)));
        match (edits.next(), edits.next()) {
            (Some((parameter, (&element, &value))), None) => Some((parameter, element, value)),
            _ => None,
        }
    }

    /// Returns the tensors of `parameters` that differ, with all their elements.
    pub fn changed(&self, graph: &Graph, parameters: impl IntoIterator<Item = ValueId>) -> Changed {
        let edited = |value: ValueId| {
            let (edits, parameter) = (self.edits.get(&value)?, graph.parameters.get(&value)?);
            let mut data = parameter.data.to_vec();
            for (&element, &value) in edits {
                data[element] = value;
            }
            Some((value, HostTensor { shape: parameter.shape.clone(), data: data.into() }))
        };
        parameters.into_iter().filter_map(edited).collect()
    }
}
