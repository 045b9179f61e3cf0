//! The parameters of a lane whose changes are in weights.

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
    /// Makes the changes in parameters that are among `strikes`.
    pub fn struck(graph: &Graph, strikes: &mut Strikes<'_>) -> Self {
        let mut edits: BTreeMap<ValueId, BTreeMap<usize, f32>> = BTreeMap::new();
        for strike in strikes.take_in(|tensor| graph.parameters.contains_key(&tensor)) {
            let Some(parameter) = graph.parameters.get(&strike.tensor()) else { continue };
            let own = edits.entry(strike.tensor()).or_default();
            strikes.make(strike, own.entry(strike.element()).or_insert(parameter.data[strike.element()]));
        }
        Self { edits }
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
    pub fn edits(&self, parameter: ValueId) -> Option<&BTreeMap<usize, f32>> {
        self.edits.get(&parameter)
    }

    /// The one element that differs, where there is but one.
    pub fn single(&self) -> Option<(ValueId, usize, f32)> {
        let mut edits =
            self.edits.iter().flat_map(|(&parameter, edits)| edits.iter().map(move |edit| (parameter, edit)));
        match (edits.next(), edits.next()) {
            (Some((parameter, (&element, &value))), None) => Some((parameter, element, value)),
            _ => None,
        }
    }

    /// Those of `parameters` that differ, each as a whole.
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
