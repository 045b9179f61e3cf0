//! Bounds of layers' outputs as nodes of an ONNX file, for any runtime.
//!
//! The file is edited as a protocol buffer: every field that is not changed is copied byte by byte, those that Faultscope does
//! not know included. The node that makes a bounded tensor gets another name for its output, and the last node after it makes
//! the tensor under its old name. So all readers, the graph's outputs and graphs within nodes see the bounded values.

mod edit;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use facts::format::Format;
use facts::graph::{Graph, Value, ValueId};
use facts::limits::{self, PROGRAM};
use facts::model::Model;
use facts::{Error, Result};
use prost::Message;

use self::edit::{Edit, File};
use self::nodes::{Beside, Nodes};
use super::node::is_standard;
use super::proto::OperatorSetIdProto;
use super::symbols::DOUBLES;
use crate::kernels::Bounds;
use crate::ops::{Extent, Order};

/// The operator set that IsNaN and Where came with.
const FIRST_OPSET: i64 = 9;
/// The operator set in which Clip takes its bounds as inputs.
const CLIP_OF_INPUTS: i64 = 11;
/// The operator set in which Clip takes integers.
const CLIP_OF_INTEGERS: i64 = 12;
/// Most bytes of a protocol buffer.
const MOST_BYTES: usize = i32::MAX as usize;

/// The bounds of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The tensor, in the graph that the file was read as.
    pub value: ValueId,
    /// The smallest values that pass.
    pub low: Vec<f32>,
    /// The largest values that pass: as many.
    pub high: Vec<f32>,
    /// How the bounds lie on the tensor: empty where there is one, or as many axes as the tensor has, each of its length or 1.
    pub shape: Vec<usize>,
    /// What becomes of a value beyond its bounds.
    pub beyond: Beyond,
}

impl Guard {
    /// The `bounds` of `tensor`, which is the tensor `value` and whose rows lie as `extent` says.
    pub fn new(value: ValueId, tensor: &Value, extent: Extent, bounds: &Bounds) -> Self {
        let ranges = bounds.ranges();
        let (low, high): (Vec<f32>, Vec<f32>) = ranges.iter().map(|range| (range.low, range.high)).unzip();
        let beyond = if bounds.is_to_zero() { Beyond::Zero } else { Beyond::Nearest };
        let length = ranges.len();
        if length == tensor.elements() && length > 1 {
            let [low, high] = [low, high].map(|rows| extent.row_major(&rows));
            return Self { value, low, high, shape: tensor.shape.clone(), beyond };
        }
        let axis = match extent.order {
            _ if length == 1 => None,
            Order::Channels => Some(1),
            Order::Last => tensor.shape.iter().rposition(|&length| length != 1),
        };
        let lies = |axis: usize| (0..tensor.shape.len()).map(|own| if own == axis { length } else { 1 }).collect();
        Self { value, low, high, shape: axis.map_or_else(Vec::new, lies), beyond }
    }

    /// Moves bounds beyond which a value becomes 0 outwards, by a share of the tensor's largest bound: a runtime that sums in another
    /// order may exceed the golden values of Faultscope by rounding, and the largest of a tensor must not become 0 for that. The
    /// nearest bound differs from such a value by no more than rounding.
    #[must_use]
    pub fn allowing_for_rounding(mut self, format: Format) -> Self {
        let share = if format == Format::F32 { 1e-3 } else { 1e-2 };
        if self.beyond == Beyond::Zero {
            let largest = self.low.iter().chain(&self.high).fold(0f32, |largest, bound| largest.max(bound.abs()));
            self.low.iter_mut().for_each(|bound| *bound -= share * largest);
            self.high.iter_mut().for_each(|bound| *bound += share * largest);
        }
        self
    }
}

/// What becomes of a value beyond its bounds. NaN becomes 0, or the bound next to 0 where 0 is beyond, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// The bound next to it.
    Nearest,
    /// 0, NaN included.
    Zero,
}

/// A file with bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Number of nodes that were added.
    pub nodes: usize,
    /// Comparisons and selections that these nodes make in one inference.
    pub operations: u64,
}

/// Adds `guards` to the ONNX file `bytes`, which is called `name` and was read as `model`. Nodes without a name, or with one
/// that another node has, get the name that Faultscope shows, so that layers keep their names. `note` is added to the file's metadata, under the key
/// `faultscope.protection`.
///
/// # Errors
/// If the file's operator set lacks an operator, a tensor is not made by a node of the file's main graph, or its type has no
/// bounds in ONNX.
pub fn guard(name: &str, bytes: &[u8], model: &Model, guards: &[Guard], note: &str) -> Result<Guarded> {
    let needed = (bytes.len() as u64).saturating_mul(4).saturating_add(PROGRAM);
    limits::allowed().check("editing the model needs", needed).map_err(|error| error.concerning(name))?;
    if model.card.notices.iter().any(|notice| notice == DOUBLES) {
        return Err(Error::input(
            name,
            "the file computes in float64 and Faultscope in float32, so that bounds which it learns are not those of the file; \
             convert the model to float32 before it is protected",
        ));
    }
    let graph = &*model.graph;
    let damaged = |problem: &str| Error::input(name, format_args!("the ONNX file cannot be edited: {problem}"));
    let scanned = scan::Model::decode(bytes).map_err(|error| damaged(&error.to_string()))?;
    let opset = scanned.opset_import.iter().find(|import| is_standard(&import.domain)).map(|import| import.version);
    let opset = opset.ok_or_else(|| damaged("it names no operator set"))?;
    if opset < FIRST_OPSET {
        return Err(Error::input(
            name,
            format_args!(
                "the model uses ONNX operator set {opset}, and IsNaN and Where, which the bounds need, came with {FIRST_OPSET}; raise \
                 it: onnx.save(onnx.version_converter.convert_version(onnx.load(\"model.onnx\"), 13), \"raised.onnx\")"
            ),
        ));
    }
    let made = scanned.graph.as_ref().map_or(&[][..], |graph| &graph.node);
    let mut nodes = Nodes::new(prefix(bytes), opset);
    let mut beside: HashMap<&str, Beside> = HashMap::new();
    let top: HashSet<&str> =
        made.iter().flat_map(|node| &node.output).map(String::as_str).filter(|output| !output.is_empty()).collect();
    for guard in guards {
        let value = &graph.values[guard.value];
        if !top.contains(value.name.as_str()) {
            return Err(Error::graph(
                maker(graph, guard.value),
                format_args!(
                    "{name}: the layer is in the body of a function, a loop or a branch, and bounds are added to the main graph only; \
                     replace functions by their nodes with onnx.inliner.inline_local_functions"
                ),
            ));
        }
        check_type(name, graph, guard, opset)?;
        beside.insert(&value.name, nodes.bound(guard, value)?);
    }
    let mut names: HashMap<&str, &str> = HashMap::new();
    for node in &graph.nodes {
        names.extend(node.outputs.iter().map(|&output| (graph.values[output].name.as_str(), node.name.as_str())));
    }
    let calls: HashSet<(&str, &str)> =
        scanned.functions.iter().map(|function| (function.domain.as_str(), function.name.as_str())).collect();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut edits = Vec::with_capacity(made.len());
    for (index, node) in made.iter().enumerate() {
        let is_call = calls.contains(&(node.domain.as_str(), node.op_type.as_str()));
        let is_named = !node.name.is_empty();
        let name = match is_named && (seen.insert(&node.name) || is_call) {
            true => None,
            // The name of a call is the beginning of the names of its layers.
            false if is_call => Some(format!("{}_{index}", node.op_type)),
            false => node.output.iter().find_map(|output| names.get(output.as_str())).map(|&name| name.to_owned()),
        };
        edits.push(Edit::new(node, name, &mut beside));
    }
    let (added, operations) = (nodes.count(), nodes.operations());
    let metadata = (!guards.is_empty()).then(|| (format!("{}.protection", nodes.prefix()), note));
    let file = File { edits, initializers: nodes.initializers(), also_inputs: scanned.ir_version < 4, metadata };
    let bytes = file.written(bytes).ok_or_else(|| damaged("a field of it is damaged, or it has several graphs"))?;
    if bytes.len() > MOST_BYTES {
        return Err(Error::input(
            name,
            format_args!(
                "with its bounds the file would have {} bytes, and an ONNX file has at most {MOST_BYTES}; one bound a channel or a \
                 tensor takes less",
                bytes.len()
            ),
        ));
    }
    Ok(Guarded { bytes, nodes: added, operations })
}

/// The name of the layer that makes a tensor.
fn maker(graph: &Graph, value: ValueId) -> &str {
    let maker = graph.nodes.iter().find(|node| node.outputs.contains(&value));
    maker.map_or(graph.values[value].name.as_str(), |maker| maker.name.as_str())
}

/// Checks that ONNX has the operators for the type of a tensor.
fn check_type(name: &str, graph: &Graph, guard: &Guard, opset: i64) -> Result<()> {
    let value = &graph.values[guard.value];
    let refused = |problem: String| {
        Err(Error::graph(
            maker(graph, guard.value),
            format_args!("{name}: its output \"{}\" holds {problem}", value.name),
        ))
    };
    match value.format {
        Format::F32 | Format::F16 | Format::Bf16 => Ok(()),
        Format::I8 | Format::U8 if guard.beyond == Beyond::Nearest && guard.low.len() == 1 => match opset {
            CLIP_OF_INTEGERS.. => Ok(()),
            _ => refused(format!(
                "{}, and Clip takes integers from operator set {CLIP_OF_INTEGERS} on, the model uses {opset}",
                value.format.name()
            )),
        },
        Format::I8 | Format::U8 => refused(format!(
            "{}, and runtimes clip such tensors to one pair of bounds only; leave out channel and neuron, or protect \
             the float32 model and quantize it afterwards",
            value.format.name()
        )),
        format => refused(format!(
            "{}, which runtimes do not clip; protect the float32 model and quantize it afterwards",
            format.name()
        )),
    }
}

/// The beginning of all new names: no text in the file begins so.
fn prefix(bytes: &[u8]) -> String {
    let taken = |prefix: &str| {
        let with_end = format!("{prefix}/");
        bytes.windows(with_end.len()).any(|window| window == with_end.as_bytes())
    };
    let mut prefix = "faultscope".to_owned();
    for number in 2.. {
        if !taken(&prefix) {
            break;
        }
        prefix = format!("faultscope{number}");
    }
    prefix
}

/// A model as far as editing must know it: the decoder skips the rest.
mod scan {
    use prost::Message;

    use super::OperatorSetIdProto;

    #[derive(Clone, PartialEq, Message)]
    pub struct Model {
        #[prost(int64, tag = "1")]
        pub ir_version: i64,
        #[prost(message, optional, tag = "7")]
        pub graph: Option<Graph>,
        #[prost(message, repeated, tag = "8")]
        pub opset_import: Vec<OperatorSetIdProto>,
        #[prost(message, repeated, tag = "25")]
        pub functions: Vec<Function>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Function {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "10")]
        pub domain: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub node: Vec<Node>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Node {
        #[prost(string, repeated, tag = "2")]
        pub output: Vec<String>,
        #[prost(string, tag = "3")]
        pub name: String,
        #[prost(string, tag = "4")]
        pub op_type: String,
        #[prost(string, tag = "7")]
        pub domain: String,
    }
}
