//! Pictures of a network, with layers as boxes, tensors as lines, and marks on the layers that every path passes
//! ([`Paths::super_nodes`](crate::graph::Paths)).

mod dot;
pub mod layout;
mod svg;
#[cfg(test)]
mod tests;

pub use dot::dot;
pub use svg::{Cut, path, shortened, svg};

use layout::Placement;
use serde::{Deserialize, Serialize};

use super::words::{counted, thousands};
use crate::graph::{Graph, IntegerFunction, NodeId, Op, Paths, ValueId};
use crate::model::Model;

/// The content of a picture: boxes in topological order, and lines from earlier to later boxes.
///
/// Layers that compute nothing ([`Op::Folded`]) are counted and left out.
#[derive(Clone, Debug, PartialEq)]
struct Diagram {
    title: String,
    /// Text below the title.
    facts: String,
    boxes: Vec<Box>,
    /// Pairs of indices in `boxes`, each once.
    lines: Vec<(usize, usize)>,
}

/// A layer, the input, or the output.
#[derive(Clone, Debug, PartialEq)]
struct Box {
    /// Index of the layer.
    layer: Option<NodeId>,
    name: String,
    kind: String,
    shape: String,
    /// Number of parameters that this layer reads.
    parameters: usize,
    family: Family,
    role: Role,
}

/// The kind of a layer, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Family {
    /// Input and output.
    Ends,
    /// Convolutions and dense layers.
    Product,
    /// Batch normalisation and similar layers.
    Normalisation,
    /// A function of each element, and softmax.
    Activation,
    /// Means and maxima.
    Pooling,
    /// Layers that join branches.
    Merge,
    /// Layers that only move elements.
    Shape,
}

/// The position of a box between input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The image, or the scores.
    End,
    /// Every path passes it.
    Super,
    /// Some paths pass it.
    Branch,
    /// No path passes it: the answer does not depend on the layer, or the layer does not depend on the image.
    Aside,
}

impl Diagram {
    fn of(model: &Model) -> Self {
        let graph = &*model.graph;
        let paths = graph.paths();
        // The box that produces each tensor.
        let mut from = vec![None; graph.values.len()];
        let mut boxes = Vec::new();
        let mut lines = Vec::new();
        for &input in &graph.inputs {
            from[input] = Some(boxes.len());
            boxes.push(Box::end(graph, "input", input));
        }
        let folded = graph.nodes.iter().filter(|node| node.op == Op::Folded).count();
        for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.op != Op::Folded) {
            let position = boxes.len();
            let mut makers: Vec<usize> = node.inputs.iter().filter_map(|&value| from[value]).collect();
            makers.sort_unstable();
            makers.dedup();
            lines.extend(makers.into_iter().map(|maker| (maker, position)));
            node.outputs.iter().for_each(|&value| from[value] = Some(position));
            boxes.push(Box {
                layer: Some(id),
                name: node.name.clone(),
                kind: node.kind.clone(),
                shape: node.outputs.first().map(|&value| shape(graph, value)).unwrap_or_default(),
                parameters: graph.parameter_elements(id),
                family: family(&node.op),
                role: Role::of(&paths, id),
            });
        }
        for &output in &graph.outputs {
            lines.extend(from[output].map(|maker| (maker, boxes.len())));
            boxes.push(Box::end(graph, "output", output));
        }
        let parameters: usize = graph.parameters.keys().map(|&value| graph.values[value].elements()).sum();
        let mut facts = format!("{}, {} (par.)", counted(graph.nodes.len(), "layer"), counted(parameters, "parameter"));
        if folded > 0 {
            facts.push_str(&format!("; {} without work at run time left out", counted(folded, "layer")));
        }
        Self { title: model.card.name.clone(), facts, boxes, lines }
    }

    fn layout(&self) -> Placement {
        Placement::of(self.boxes.len(), &self.lines, &svg::PAGE)
    }
}

impl Box {
    fn end(graph: &Graph, kind: &str, value: ValueId) -> Self {
        Self {
            layer: None,
            name: graph.values[value].name.clone(),
            kind: kind.to_owned(),
            shape: shape(graph, value),
            parameters: 0,
            family: Family::Ends,
            role: Role::End,
        }
    }

    /// Index and name.
    fn heading(&self) -> String {
        self.layer.map_or_else(|| self.name.clone(), |layer| format!("{layer}  {}", self.name))
    }

    /// Output shape and number of parameters.
    fn size(&self) -> String {
        match self.parameters {
            0 => self.shape.clone(),
            count => format!("{} \u{b7} {} par.", self.shape, thousands(count)),
        }
    }
}

impl Role {
    /// Returns the position of `layer`.
    pub fn of(paths: &Paths, layer: NodeId) -> Self {
        match (paths.super_nodes[layer], paths.on_path[layer]) {
            (true, _) => Self::Super,
            (false, true) => Self::Branch,
            (false, false) => Self::Aside,
        }
    }
}

impl Family {
    /// All kinds, in the order of a legend.
    pub const ALL: [Self; 7] =
        [Self::Ends, Self::Product, Self::Normalisation, Self::Activation, Self::Pooling, Self::Merge, Self::Shape];

    /// Returns the name in a legend.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ends => "input, output",
            Self::Product => "convolution, dense",
            Self::Normalisation => "normalisation",
            Self::Activation => "activation",
            Self::Pooling => "pooling",
            Self::Merge => "merge",
            Self::Shape => "shape, identity",
        }
    }

    /// Distinguishable with the common colour deficiencies (Okabe and Ito, 2008).
    fn colour(self) -> &'static str {
        match self {
            Self::Ends => "#4d4d4d",
            Self::Product => "#0072b2",
            Self::Normalisation => "#56b4e9",
            Self::Activation => "#e69f00",
            Self::Pooling => "#009e73",
            Self::Merge => "#d55e00",
            Self::Shape => "#b3b3b3",
        }
    }
}

/// Returns the kind of a layer that computes `op`.
pub fn family(op: &Op) -> Family {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Conv3(_) | Op::Gemm { .. } | Op::MatMul => Family::Product,
        Op::Einsum(_) | Op::Attention(_) | Op::MultiHead(_) => Family::Product,
        Op::BatchNorm { .. } | Op::Normalise(_) | Op::LpNormalise { .. } | Op::Lrn { .. } | Op::Affine { .. } => {
            Family::Normalisation
        }
        Op::Unary(_) | Op::PRelu | Op::Softmax { .. } => Family::Activation,
        Op::MaxPool(_) | Op::AveragePool { .. } | Op::Reduce { .. } | Op::CumSum { .. } => Family::Pooling,
        Op::Binary(_) | Op::Where | Op::Concat { .. } => Family::Merge,
        Op::Mix(_) | Op::GridSample(_) | Op::Place { .. } | Op::TopK { .. } | Op::OneHot { .. } => Family::Shape,
        Op::Split { .. }
        | Op::Slice { .. }
        | Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Gather { .. }
        | Op::Pad { .. }
        | Op::Expand { .. }
        | Op::Tile { .. }
        | Op::Take { .. }
        | Op::Resize(_)
        | Op::Quantize { .. }
        | Op::Dequantize { .. }
        | Op::DynamicQuantize
        | Op::Identity
        | Op::Folded => Family::Shape,
        Op::Integer(integer) => match integer.function {
            IntegerFunction::Conv(_) | IntegerFunction::MatMul | IntegerFunction::Gemm { .. } => Family::Product,
            IntegerFunction::Unary(_) | IntegerFunction::Softmax { .. } => Family::Activation,
            IntegerFunction::GlobalAveragePool | IntegerFunction::AveragePool { .. } => Family::Pooling,
            IntegerFunction::Add | IntegerFunction::Mul | IntegerFunction::Concat { .. } => Family::Merge,
        },
        // A convolution with its activation is a convolution.
        Op::Chain(steps) => {
            let mut families = steps.iter().map(|step| family(&step.op));
            families.find(|&family| family != Family::Shape).unwrap_or(Family::Shape)
        }
    }
}

/// Returns the shape of a tensor in the layout of its source, without the batch axis.
fn shape(graph: &Graph, value: ValueId) -> String {
    let shape = graph.values[value].source_shape();
    let axes = match &shape[..] {
        [1, rest @ ..] if !rest.is_empty() => rest,
        axes => axes,
    };
    axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" \u{d7} ")
}
