//! The nodes and the constants that bound tensors.

use facts::format::Format;
use facts::graph::Value;
use facts::{Error, Result};
use prost::Message;
use prost::bytes::Bytes;

use super::{Beyond, CLIP_OF_INPUTS, Guard};
use crate::import::onnx::proto::{NodeProto, TensorProto, data_type};

/// What stands beside a node that makes a bounded tensor.
pub struct Beside {
    /// The new name of the node's output.
    pub inner: String,
    /// The nodes after it, encoded, in order.
    pub nodes: Vec<Vec<u8>>,
}

/// The nodes and constants of all tensors.
pub struct Nodes {
    prefix: String,
    opset: i64,
    count: usize,
    operations: u64,
    initializers: Vec<TensorProto>,
}

impl Nodes {
    /// Makes nodes of operator set `opset`, all of whose names begin with `prefix`.
    pub fn new(prefix: String, opset: i64) -> Self {
        Self { prefix, opset, count: 0, operations: 0, initializers: Vec::new() }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Number of nodes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Comparisons and selections of one inference.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// The constants.
    pub fn initializers(self) -> Vec<TensorProto> {
        self.initializers
    }

    /// Adds the nodes that bound the tensor `value`.
    ///
    /// # Errors
    /// If the bounds do not fit the tensor.
    pub fn bound(&mut self, guard: &Guard, value: &Value) -> Result<Beside> {
        check(guard, value)?;
        let inner = self.name(&value.name, "unbounded");
        let mut chain = Chain { owner: &value.name, nodes: Vec::new() };
        match (guard.beyond, value.format.is_float()) {
            (Beyond::Nearest, true) => {
                let zero = self.zero(value.format);
                let is_nan = self.node(&mut chain, "IsNaN", &[&inner], "is-nan");
                let mended = self.node(&mut chain, "Where", &[&is_nan, &zero, &inner], "mended");
                self.clip(&mut chain, guard, value, &mended);
            }
            (Beyond::Nearest, false) => self.clip(&mut chain, guard, value, &inner),
            (Beyond::Zero, _) => {
                let zero = self.zero(value.format);
                let (low, high) = self.bounds(guard, value);
                let below = self.node(&mut chain, "Less", &[&inner, &low], "below");
                let above = self.node(&mut chain, "Greater", &[&inner, &high], "above");
                let beyond = self.node(&mut chain, "Or", &[&below, &above], "beyond");
                // Whatever a runtime makes of comparisons with NaN.
                let is_nan = self.node(&mut chain, "IsNaN", &[&inner], "is-nan");
                let outside = self.node(&mut chain, "Or", &[&beyond, &is_nan], "outside");
                self.last(&mut chain, "Where", &[&outside, &zero, &inner], "zeroed");
            }
        }
        self.operations += chain.nodes.len() as u64 * value.elements() as u64;
        self.count += chain.nodes.len();
        Ok(Beside { inner, nodes: chain.nodes })
    }

    /// Adds the nodes that bring the tensor `from` to its bounds, as the last of the chain.
    fn clip(&mut self, chain: &mut Chain<'_>, guard: &Guard, value: &Value, from: &str) {
        let (low, high) = self.bounds(guard, value);
        if guard.shape.is_empty() && self.opset >= CLIP_OF_INPUTS {
            self.last(chain, "Clip", &[from, &low, &high], "clip");
        } else {
            let at_least = self.node(chain, "Max", &[from, &low], "at-least");
            self.last(chain, "Min", &[&at_least, &high], "at-most");
        }
    }

    /// The names of two new constants, the bounds.
    fn bounds(&mut self, guard: &Guard, value: &Value) -> (String, String) {
        let [low, high] = [("low", &guard.low), ("high", &guard.high)].map(|(what, bounds)| {
            let name = self.name(&value.name, what);
            self.initializers.push(tensor(name.clone(), &guard.shape, value.format, bounds));
            name
        });
        (low, high)
    }

    /// The name of the constant 0 of a format.
    fn zero(&mut self, format: Format) -> String {
        let name = format!("{}/zero/{}", self.prefix, format.name());
        if !self.initializers.iter().any(|known| known.name == name) {
            self.initializers.push(tensor(name.clone(), &[], format, &[0.0]));
        }
        name
    }

    /// Adds a node and returns the name of its output.
    fn node(&self, chain: &mut Chain<'_>, op: &str, inputs: &[&str], what: &str) -> String {
        let output = self.name(chain.owner, what);
        chain.add(op, inputs, output.clone(), output.clone());
        output
    }

    /// Adds the node that makes the bounded tensor.
    fn last(&self, chain: &mut Chain<'_>, op: &str, inputs: &[&str], what: &str) {
        chain.add(op, inputs, chain.owner.to_owned(), self.name(chain.owner, what));
    }

    fn name(&self, tensor: &str, what: &str) -> String {
        format!("{}/{tensor}/{what}", self.prefix)
    }
}

/// The nodes behind one tensor.
struct Chain<'a> {
    /// The name of the tensor.
    owner: &'a str,
    nodes: Vec<Vec<u8>>,
}

impl Chain<'_> {
    fn add(&mut self, op: &str, inputs: &[&str], output: String, name: String) {
        let node = NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output],
            name,
            op_type: op.to_owned(),
            ..NodeProto::default()
        };
        self.nodes.push(node.encode_to_vec());
    }
}

/// Checks that the bounds lie on the tensor and are numbers in order.
fn check(guard: &Guard, value: &Value) -> Result<()> {
    let refused = |problem: String| Err(Error::graph(&value.name, problem));
    let lies = guard.shape.is_empty()
        || guard.shape.len() == value.shape.len()
            && guard.shape.iter().zip(&value.shape).all(|(&own, &length)| own == length || own == 1);
    let count: usize = guard.shape.iter().product();
    if !lies || count != guard.low.len() || count != guard.high.len() {
        return refused(format!(
            "bounds of shape {:?}, {} and {} numbers, do not lie on a tensor of shape {:?}",
            guard.shape,
            guard.low.len(),
            guard.high.len(),
            value.shape
        ));
    }
    match guard
        .low
        .iter()
        .zip(&guard.high)
        .find(|(low, high)| !matches!(low.partial_cmp(high), Some(order) if order.is_le()))
    {
        Some((low, high)) => {
            refused(format!("{low} and {high} are no bounds; expected two numbers, the smaller one first"))
        }
        None => Ok(()),
    }
}

/// A constant. Numbers that `format` does not hold are rounded to it.
fn tensor(name: String, shape: &[usize], format: Format, values: &[f32]) -> TensorProto {
    let (kind, width) = match format {
        Format::F16 => (data_type::FLOAT16, 2),
        Format::Bf16 => (data_type::BFLOAT16, 2),
        Format::I8 => (data_type::INT8, 1),
        Format::U8 => (data_type::UINT8, 1),
        _ => (data_type::FLOAT, 4),
    };
    let raw: Vec<u8> =
        values.iter().flat_map(|&value| format.encode(value).to_le_bytes().into_iter().take(width)).collect();
    TensorProto {
        // A length fits i64: tensors of the graph have at most 2^30 elements.
        dims: shape.iter().map(|&length| length as i64).collect(),
        data_type: kind,
        name,
        raw_data: Some(Bytes::from(raw)),
        ..TensorProto::default()
    }
}
