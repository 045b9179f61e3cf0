//! The requests to a wave and its results.

use facts::fault::{Corruption, Site, Target, metadata};
use facts::graph::{Graph, HostTensor, NodeId, ValueId};

use super::{Activations, TraceRow};
use crate::ops::Array;

/// A change of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The layer: for an output its producer, for a parameter its reader.
    pub layer: NodeId,
    /// The tensor: an output of that layer, or a parameter.
    pub tensor: ValueId,
    /// Row-major index into the tensor, in the shape of the graph.
    pub element: usize,
    /// The corruption of the element.
    pub corruption: Corruption,
}

impl Change {
    /// Returns the change of the fault at `site`. Sites index elements in the source's layout, changes in the stored
    /// layout.
    pub fn of(graph: &Graph, site: &Site) -> Self {
        let value = &graph.values[site.tensor];
        let element = value.layout.stored_index(&value.shape, site.element);
        Self { layer: site.layer, tensor: site.tensor, element, corruption: site.corruption }
    }

    /// Adds the changes of the fault at `site` in tensors to `changes`: one, or that of every element with a struck scale, and none
    /// where the image is struck. Returns their number.
    pub fn add_all(graph: &Graph, site: &Site, changes: &mut Vec<Self>) -> usize {
        let before = changes.len();
        match metadata::reinterpreted(graph, site) {
            _ if site.target == Target::Input => {}
            None => changes.push(Self::of(graph, site)),
            Some(elements) => changes.extend(elements.map(|(element, corruption)| Self {
                layer: site.layer,
                tensor: site.tensor,
                element,
                corruption,
            })),
        }
        changes.len() - before
    }
}

/// One of several faulty inferences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// Index of the image in the wave.
    pub image: usize,
    /// The changes, in the order of layers.
    pub changes: Vec<Change>,
    /// The graph's first input, where it is another one than the image's: faults struck the image before preprocessing.
    pub input: Option<HostTensor>,
    /// Whether the wave also tells what becomes of the lane under each of its stages.
    pub forks: bool,
}

/// An image of a wave.
#[derive(Clone, Copy, Debug)]
pub enum Image<'a> {
    /// The inputs of the graph. The wave makes the golden run and drops its tensors along the way.
    Inputs(&'a [Array]),
    /// A golden run that was kept.
    Golden(&'a Activations),
}

/// Settings of a wave. They do not change the outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The observations of each lane.
    pub observe: Observe,
    /// Computes every layer that a change can reach in full, without patches and without early exit, for comparison.
    pub whole: bool,
}

/// The observations of a faulty run, besides its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observe {
    /// Compares every layer with the golden run.
    pub trace: bool,
    /// Keeps every tensor that differs from the golden run.
    pub keep: bool,
    /// Counts the elements that the protection clips.
    pub clipped: bool,
}

/// The results of a wave.
#[derive(Clone, Debug, Default)]
pub struct Wave {
    /// The graph's first output of each image, row-major.
    pub golden: Vec<Vec<f32>>,
    /// The results of each lane.
    pub lanes: Vec<Faulty>,
    /// For each image and each of the wave's stages, whether a clip changes the golden run: the lanes of such an image tell
    /// nothing of that clip.
    pub moved: Vec<Vec<bool>>,
    /// For each image and each of the wave's stages, whether a check stops the golden run.
    pub alarms: Vec<Vec<bool>>,
    /// Multiply-adds of the wave.
    pub work: MultiplyAdds,
}

impl Wave {
    /// Adds the results of a wave of other images that has no lanes.
    pub(super) fn append(&mut self, other: Self) {
        self.golden.extend(other.golden);
        self.moved.extend(other.moved);
        self.alarms.extend(other.alarms);
        self.work.golden += other.work.golden;
    }
}

/// The results of a lane.
#[derive(Clone, Debug, Default)]
pub struct Faulty {
    /// The graph's first output, row-major; `None` if it equals the golden output bit for bit.
    pub output: Option<Vec<f32>>,
    /// The value before and after each change, in the order of [`Lane::changes`].
    pub changed: Vec<[f32; 2]>,
    /// The corruption of each layer, if requested.
    pub trace: Vec<TraceRow>,
    /// The tensors that differ, if requested.
    pub activations: Activations,
    /// The layers in which the protection clipped elements that the lane's changes had reached, and the number of
    /// these elements, in order. The list is incomplete unless it was requested.
    pub clipped: Vec<(NodeId, u64)>,
    /// The same run under each of the wave's stages, in their order, if the lane forks; `None` where the stage had nothing to do, so
    /// that the run is the same. Empty where no stage had anything to do.
    pub forks: Vec<Option<Faulty>>,
    /// The layer whose check has stopped the run.
    pub stopped: Option<NodeId>,
}

/// Multiply-adds in convolutions and matrix products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultiplyAdds {
    /// Of golden runs.
    pub golden: u64,
    /// Of lanes.
    pub lanes: u64,
}

/// Parameters that differ from the graph's, by value id.
pub type Changed = std::collections::BTreeMap<ValueId, HostTensor>;
