//! What a wave is asked for and what it answers.

use facts::fault::{Corruption, Site};
use facts::graph::{Graph, HostTensor, NodeId, ValueId};

use super::{Activations, TraceRow};
use crate::ops::Array;

/// A change of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The layer whose output it is, or which reads the parameter.
    pub layer: NodeId,
    /// The tensor: an output of that layer, or a parameter.
    pub tensor: ValueId,
    /// Index into the tensor, row-major, in the shape that the graph states.
    pub element: usize,
    /// What happens to it.
    pub corruption: Corruption,
}

impl Change {
    /// The change that the fault at `site` makes. Sites count elements in the source's layout, changes in the stored one.
    pub fn of(graph: &Graph, site: &Site) -> Self {
        let value = &graph.values[site.tensor];
        let element = value.layout.stored_index(&value.shape, site.element);
        Self { layer: site.layer, tensor: site.tensor, element, corruption: site.corruption }
    }
}

/// A faulty inference among many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// Which image of the wave.
    pub image: usize,
    /// What is changed, in the order of layers.
    pub changes: Vec<Change>,
}

/// An image of a wave.
#[derive(Clone, Copy, Debug)]
pub enum Image<'a> {
    /// The inputs of the graph: the golden run is made with the wave, and let go of as it passes.
    Inputs(&'a [Array]),
    /// A golden run that was kept.
    Golden(&'a Activations),
}

/// How a wave goes about its work; the answers are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What is to be told of each lane.
    pub observe: Observe,
    /// Compute every layer that a change can reach in full: downstream-only execution without patches and without early
    /// exit, to compare with.
    pub whole: bool,
}

/// What a faulty run is to tell beside its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observe {
    /// Compare every layer with the golden run.
    pub trace: bool,
    /// Keep every tensor that differs from the golden one.
    pub keep: bool,
    /// Count the elements that the protection has clipped.
    pub clipped: bool,
}

/// What a wave has computed.
#[derive(Clone, Debug, Default)]
pub struct Wave {
    /// By image, the graph's first output, row-major.
    pub golden: Vec<Vec<f32>>,
    /// By lane.
    pub lanes: Vec<Faulty>,
    /// What it took.
    pub work: MultiplyAdds,
}

/// A lane's end.
#[derive(Clone, Debug, Default)]
pub struct Faulty {
    /// The graph's first output, row-major; `None` where it is the golden one, bit for bit.
    pub output: Option<Vec<f32>>,
    /// Each change's value before and after, in the order of [`Lane::changes`].
    pub changed: Vec<[f32; 2]>,
    /// The corruption layer by layer, where it was asked for.
    pub trace: Vec<TraceRow>,
    /// The tensors that differ, where they were asked for.
    pub activations: Activations,
    /// The layers in which the protection clipped elements of the lane's own, with their number, in order. Where it was not
    /// asked for, the list is incomplete.
    pub clipped: Vec<(NodeId, u64)>,
}

/// Multiplications with addition, in convolutions and matrix products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultiplyAdds {
    /// Of golden runs.
    pub golden: u64,
    /// Of lanes.
    pub lanes: u64,
}

/// Parameters that differ from the graph's, by value.
pub type Changed = std::collections::BTreeMap<ValueId, HostTensor>;
