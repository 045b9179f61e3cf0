//! Which layers a protection is in, and what it adds to an inference.

use super::{Clip, ClipRule, Code, Cost, Detector, Method, Per, Product};
use crate::fault::Target;
use crate::graph::{Graph, NodeId, Op, Unary, ValueId};

impl ClipRule {
    /// Returns the layers that the rule clips, in order: some of those whose output depends on the image and holds numbers. Truth
    /// values and places of elements have no range that a clip could keep.
    pub fn layers(self, graph: &Graph) -> Vec<NodeId> {
        let (depends, ranged) = (graph.depends_on_input(), graph.ranged());
        let is_one = |id: &NodeId| {
            let op = last(&graph.nodes[*id].op);
            depends[*id]
                && graph.nodes[*id].outputs.iter().any(|&output| ranged[output])
                && match self {
                    Self::Range => !matches!(op, Op::Folded),
                    Self::Ranger => is_activation(op) || is_ranged(op),
                    Self::ClipToZero => is_activation(op),
                }
        };
        (0..graph.nodes.len()).filter(is_one).collect()
    }
}

/// The last step of a chain, or the operator itself.
fn last(op: &Op) -> &Op {
    match op {
        Op::Chain(steps) => steps.last().map_or(op, |step| &step.op),
        op => op,
    }
}

/// Functions that networks use between their layers. A plain function such as a square root is part of a larger formula.
fn is_activation(op: &Op) -> bool {
    match op {
        Op::PRelu => true,
        Op::Unary(function) => !matches!(
            function,
            Unary::Sqrt
                | Unary::Reciprocal
                | Unary::Exp
                | Unary::Log
                | Unary::Neg
                | Unary::Abs
                | Unary::Floor
                | Unary::Ceil
                | Unary::Trunc
                | Unary::Round
                | Unary::Sign
                | Unary::Sin
                | Unary::Cos
                | Unary::Erf
        ),
        _ => false,
    }
}

/// Pooling, concatenation and normalisation.
fn is_ranged(op: &Op) -> bool {
    matches!(
        op,
        Op::MaxPool(_)
            | Op::AveragePool { .. }
            | Op::Reduce { .. }
            | Op::Concat { .. }
            | Op::BatchNorm { .. }
            | Op::Normalise(_)
            | Op::LpNormalise { .. }
            | Op::Lrn { .. }
    )
}

impl Cost {
    /// What one inference of `graph` costs: twice its multiply-adds, its parameters, and the bytes that they take as stored.
    pub fn of(graph: &Graph) -> Self {
        let bits = |(&id, tensor): (&ValueId, &crate::graph::HostTensor)| {
            tensor.data.len() as u64 * u64::from(graph.values[id].format.width())
        };
        Self {
            operations: (0..graph.nodes.len()).map(|id| operations(graph, id)).sum(),
            parameters: graph.parameters.values().map(|tensor| tensor.data.len() as u64).sum(),
            bytes: graph.parameters.iter().map(bits).sum::<u64>().div_ceil(8),
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            operations: self.operations.saturating_add(other.operations),
            parameters: self.parameters.saturating_add(other.parameters),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Operations of a layer: two for each multiply-add, or one for each element of what has none.
pub fn operations(graph: &Graph, layer: NodeId) -> u64 {
    match graph.multiply_adds(layer) {
        0 if matches!(graph.nodes[layer].op, Op::Folded | Op::Identity | Op::Reshape { .. }) => 0,
        0 => graph.output_elements(layer) as u64,
        products => products.saturating_mul(2),
    }
}

impl Method {
    /// What the protection adds to one inference of `graph` whose faults strike `target`. `layers` are those that it is in.
    pub fn overhead(&self, graph: &Graph, layers: &[NodeId], target: Target) -> Cost {
        let outputs = || layers.iter().map(|&id| graph.output_elements(id) as u64).sum::<u64>();
        let own = || layers.iter().map(|&id| operations(graph, id)).sum::<u64>();
        match self {
            Self::Clip(clip) => {
                let each = |&id: &NodeId| clip.cost(graph, id);
                layers.iter().map(each).fold(Cost::default(), Cost::add)
            }
            // A memory's own logic encodes and decodes: no operation of the network.
            Self::Code(code) => Cost { bytes: code.bytes(words(graph, target)), ..Cost::default() },
            Self::WeightClip => {
                let tensors = graph.parameters.len() as u64;
                let elements = graph.parameters.values().map(|tensor| tensor.data.len() as u64).sum::<u64>();
                Cost { operations: 2 * elements, parameters: 2 * tensors, bytes: 8 * tensors }
            }
            Self::Duplicate(_) => Cost { operations: own().saturating_add(outputs()), ..Cost::default() },
            Self::Tmr(_) => Cost { operations: (2 * own()).saturating_add(2 * outputs()), ..Cost::default() },
            Self::Abft(_) => {
                let each = |&id: &NodeId| Product::of(graph, id).map(|product| product.cost());
                layers.iter().filter_map(each).fold(Cost::default(), Cost::add)
            }
            Self::Detector(detector) => {
                let scores = graph.outputs.first().map_or(0, |&output| graph.values[output].elements() as u64);
                let (each, parameters) = match detector {
                    Detector::NanCheck => (1, 0),
                    Detector::LogitRange => (2, 2),
                    Detector::TopTwoMargin(_) => (2, 1),
                };
                Cost { operations: each * scores, parameters, bytes: 4 * parameters }
            }
        }
    }
}

impl Clip {
    /// Two comparisons for each element, and two bounds for each that has its own.
    fn cost(self, graph: &Graph, layer: NodeId) -> Cost {
        let elements = graph.output_elements(layer) as u64;
        let bounds = match self.per {
            Per::Tensor => graph.nodes[layer].outputs.len() as u64,
            Per::Channel => channels(graph, layer),
            Per::Neuron => elements,
        };
        Cost { operations: 2 * elements, parameters: 2 * bounds, bytes: 8 * bounds }
    }
}

/// The channels of a layer's first output: axis 1 of an image 1 x C x H x W, the last axis of anything else.
pub fn channels(graph: &Graph, layer: NodeId) -> u64 {
    let shape = graph.nodes[layer].outputs.first().map_or(&[][..], |&output| &graph.values[output].shape);
    let length = match *shape {
        [1, channels, _, _] => channels,
        _ => shape.iter().rev().find(|&&length| length != 1).copied().unwrap_or(1),
    };
    length as u64
}

/// The words of a memory that faults of `target` strike, by width: the parameters, or every layer's output.
fn words(graph: &Graph, target: Target) -> Vec<(u64, u64)> {
    let of = |value: ValueId, elements: usize| (u64::from(graph.values[value].format.width()), elements as u64);
    if target == Target::Weight {
        return graph.parameters.iter().map(|(&id, tensor)| of(id, tensor.data.len())).collect();
    }
    let depends = graph.depends_on_input();
    let nodes = graph.nodes.iter().zip(depends).filter(|(_, depends)| **depends);
    nodes.flat_map(|(node, _)| &node.outputs).map(|&value| of(value, graph.values[value].elements())).collect()
}

impl Code {
    /// Bytes of the check bits of words, given as widths and numbers.
    fn bytes(self, words: Vec<(u64, u64)>) -> u64 {
        match self {
            Self::ParityZero => words.into_iter().map(|(_, words)| words).sum::<u64>().div_ceil(8),
            // A byte for each block of 64 bits.
            Self::Secded => words.into_iter().map(|(width, words)| words.div_ceil(64 / width.max(1))).sum(),
            Self::LsbParity | Self::InPlaceEcc => 0,
        }
    }
}
