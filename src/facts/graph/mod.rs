//! The model as a graph of named layers with known shapes.
//!
//! A [`Graph`] is checked data: importers and builders make it, the engine runs it. It keeps every
//! node of the source file under its own name and in its own order, because fault injection addresses layers
//! the way the source framework counts them.

mod attention;
mod build;
mod float;
mod function;
mod infer;
mod integer;
mod layout;
mod op;
mod paths;
mod resample;
mod stored;
mod touched;
mod truth;

pub use build::GraphBuilder;
pub use function::{Binary, Reduction, Unary};
pub use infer::as_image;
pub use infer::{infer, links};
pub use integer::{Integer, IntegerFunction, Role, Scaled, bounds};
pub use layout::Layout;
pub use op::{
    Attention, Conv, ConvTranspose, CoordinateMode, Einsum, Interpolation, NearestMode, Normalise, Op, PadMode,
    Padding2d, Pool, Resize, SliceRange, Step,
};
pub use paths::Paths;
pub use resample::{Conv3, GridMode, GridSample, Mix, MultiHead, Outside};
pub use touched::multiply_adds;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::format::{Code, Format, Scales};
use crate::limits::NAME;
use crate::{Error, Result};

/// Position of a layer in [`Graph::nodes`]: its index as the source framework counts layers.
pub type NodeId = usize;
/// Position of a tensor in [`Graph::values`].
pub type ValueId = usize;

/// A float32 tensor in main memory, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` elements.
    pub data: Arc<[f32]>,
}

impl HostTensor {
    /// A tensor of `shape` over `data`.
    ///
    /// # Errors
    /// Where the number of elements is not the product of `shape`.
    pub fn new(shape: impl Into<Vec<usize>>, data: impl Into<Arc<[f32]>>) -> Result<Self> {
        let (shape, data) = (shape.into(), data.into());
        if elements(&shape) != Some(data.len()) {
            return Err(Error::request(format_args!(
                "a tensor of shape {shape:?} cannot hold {} elements",
                data.len()
            )));
        }
        Ok(Self { shape, data })
    }
}

/// Number of elements of `shape`, or `None` where it does not fit the address space.
pub fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))
}

/// A network as a file or a builder states it: layers, the tensors between them, and the parameters.
///
/// Shapes are those of one image: the batch axis, where there is one, has length 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphDraft {
    /// The model's own name for itself; may be empty.
    pub name: String,
    /// Every tensor: inputs, parameters and the layers' outputs.
    pub values: Vec<Value>,
    /// The layers, in source order, which is also a topological order.
    pub nodes: Vec<Node>,
    /// Tensors the caller supplies; a classifier has one, the image.
    pub inputs: Vec<ValueId>,
    /// Tensors the caller gets; a [`Model`](crate::model::Model) has one, its class scores.
    pub outputs: Vec<ValueId>,
    /// Which layers campaigns draw activation faults from.
    #[serde(default, skip_serializing_if = "SampledLayers::is_default")]
    pub sampled: SampledLayers,
    /// The data of every value whose source is [`Source::Parameter`].
    #[serde(skip)]
    pub parameters: BTreeMap<ValueId, HostTensor>,
}

/// A tensor of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Name in the source file.
    pub name: String,
    /// Length of each axis, for one image, as Faultscope stores it.
    pub shape: Vec<usize>,
    /// Where it comes from.
    pub source: Source,
    /// How the source framework lays it out, where that differs. Indices that users see and state count in that
    /// layout.
    #[serde(default, skip_serializing_if = "Layout::is_stored")]
    pub layout: Layout,
    /// The number format of the elements. The executor rounds the output of a layer to it, and faults strike its bits.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// The scales of integers; none where the tensor holds the integers themselves.
    #[serde(default, skip_serializing_if = "Scales::is_empty")]
    pub scales: Scales,
}

/// The layers from which campaigns draw activation faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SampledLayers {
    /// Every layer whose output depends on the image, but the last such layer.
    #[default]
    ButLast,
    /// The layers 1 to n - 2 of n, of whatever kind, as the study counts a Keras model's `layers`: all but the first
    /// (the input layer, where there is one) and the last.
    Inner,
}

impl SampledLayers {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a [`Value`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The caller.
    Input,
    /// The model file; data in [`Graph::parameters`].
    Parameter,
    /// A layer computes it.
    Node(NodeId),
    /// Known since import (shape arithmetic, an alias of a parameter) and read by nobody at run time.
    Folded,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique name: the source file's, or `KIND_INDEX` where it has none.
    pub name: String,
    /// Operator as the source framework calls it, `Conv` or `BatchNormalization`.
    pub kind: String,
    /// What it computes.
    pub op: Op,
    /// Tensors it reads, parameters included, in the operator's order.
    pub inputs: Vec<ValueId>,
    /// Tensors it makes.
    pub outputs: Vec<ValueId>,
}

/// A network that fits together: ids are in range, every tensor is made once and before it is read, names of layers are
/// unique, and the stated shapes are those of [`infer`]. [`GraphBuilder::finish`] and [`GraphDraft::check`] make one.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    draft: GraphDraft,
    /// By layer: whether its output depends on the caller's input.
    depends: Vec<bool>,
    /// By value: the last layer that reads it.
    last_readers: Vec<Option<NodeId>>,
    /// By layer: the shapes that the links of a chain make; empty for other operators.
    links: Vec<Vec<Vec<usize>>>,
}

impl Deref for Graph {
    type Target = GraphDraft;

    fn deref(&self) -> &GraphDraft {
        &self.draft
    }
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.draft.serialize(serializer)
    }
}

impl GraphDraft {
    /// The graph, checked.
    ///
    /// # Errors
    /// An [`Error::Graph`] that names the first layer at fault.
    pub fn check(self) -> Result<Graph> {
        self.check_names()?;
        let links = build::check(&self)?;
        let mut last_readers = vec![None; self.values.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            for &input in &node.inputs {
                last_readers[input] = Some(id);
            }
        }
        Ok(Graph { depends: self.dependent(), last_readers, links, draft: self })
    }

    /// Checks that no name is longer than a record can hold.
    fn check_names(&self) -> Result<()> {
        let names = self.nodes.iter().map(|node| &node.name).chain(self.values.iter().map(|value| &value.name));
        match names.into_iter().find(|name| name.len() > NAME) {
            None => Ok(()),
            Some(name) => {
                let start: String = name.chars().take(40).collect();
                let problem = format_args!("the name has {} bytes; {NAME} are the most", name.len());
                Err(Error::graph(format!("{start}…"), problem))
            }
        }
    }

    fn dependent(&self) -> Vec<bool> {
        let mut value = vec![false; self.values.len()];
        for &input in &self.inputs {
            value[input] = true;
        }
        let depends = |node: &Node| {
            let depends = node.op != Op::Folded && node.inputs.iter().any(|&input| value[input]);
            for &output in &node.outputs {
                value[output] |= depends;
            }
            depends
        };
        self.nodes.iter().map(depends).collect()
    }
}

impl Graph {
    /// The layer called `layer`, or at that index.
    ///
    /// A name wins over an index, so that a layer that is called "7" can be reached.
    ///
    /// # Errors
    /// Where there is neither; the message offers the names that come closest.
    pub fn find(&self, layer: &str) -> Result<NodeId> {
        if let Some(id) = self.nodes.iter().position(|node| node.name == layer) {
            return Ok(id);
        }
        match layer.parse::<usize>() {
            Ok(index) if index < self.nodes.len() => Ok(index),
            Ok(index) => Err(Error::request(format_args!(
                "layer {index} is out of range: the model has {} layers, 0 to {}",
                self.nodes.len(),
                self.nodes.len().saturating_sub(1)
            ))),
            Err(_) => {
                let wanted = layer.to_lowercase();
                let near: Vec<_> = self
                    .nodes
                    .iter()
                    .filter(|node| node.name.to_lowercase().contains(&wanted))
                    .take(3)
                    .map(|node| format!("\"{}\"", node.name))
                    .collect();
                let hint = if near.is_empty() {
                    "`faultscope inspect` lists them".to_owned()
                } else {
                    format!("did you mean {}?", near.join(", "))
                };
                Err(Error::request(format_args!("the model has no layer \"{layer}\"; {hint}")))
            }
        }
    }

    /// By layer, whether its output depends on the caller's input, and so differs between images.
    pub fn depends_on_input(&self) -> &[bool] {
        &self.depends
    }

    /// By tensor, the last layer that reads it.
    pub fn last_readers(&self) -> &[Option<NodeId>] {
        &self.last_readers
    }

    /// The shapes that the links of layer `node` make, where it is a chain.
    pub fn links(&self, node: NodeId) -> &[Vec<usize>] {
        &self.links[node]
    }

    /// The parameters that layer `node` reads, in input order.
    pub fn parameters_of(&self, node: NodeId) -> impl Iterator<Item = ValueId> + '_ {
        self.nodes[node].inputs.iter().copied().filter(|&id| self.values[id].source == Source::Parameter)
    }

    /// Number of elements of layer `node`'s outputs together, for one image.
    pub fn output_elements(&self, node: NodeId) -> usize {
        self.nodes[node].outputs.iter().map(|&id| self.values[id].elements()).sum()
    }

    /// Number of parameters of layer `node`.
    pub fn parameter_elements(&self, node: NodeId) -> usize {
        self.parameters_of(node).map(|id| self.values[id].elements()).sum()
    }
}

impl Value {
    /// Number of elements for one image. A checked graph's shapes never overflow.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// How the row-major element `element`, as stored, is coded.
    pub fn code(&self, element: usize) -> Code {
        Code::new(self.format, self.scales.of(&self.shape, element))
    }

    /// How all elements are coded, where they are coded alike.
    pub fn one_code(&self) -> Option<Code> {
        (self.scales.each.len() < 2).then(|| self.code(0))
    }

    /// Length of each axis as the source framework lays the tensor out.
    pub fn source_shape(&self) -> Vec<usize> {
        self.layout.shape(&self.shape)
    }
}
