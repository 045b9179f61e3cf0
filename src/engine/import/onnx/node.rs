//! One node of the file: its name for messages, its attributes, and the errors about it.

use std::collections::HashSet;
use std::fmt::Display;

use facts::{Error, Result};

use super::proto::{AttributeProto, NodeProto, attribute};
use super::tensor::Tensor;

/// Largest kernel, stride, dilation or amount of padding that is believed: with it no product of two of them
/// overflows, on wasm32 either.
const MAX_EXTENT: i64 = 1 << 15;

/// Whether this is ONNX's default domain.
pub(super) fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Whether this is an operator of onnxruntime that its quantizer writes.
pub(super) fn is_quantizer(domain: &str, op: &str) -> bool {
    domain == "com.microsoft"
        && matches!(
            op,
            "DequantizeLinear"
                | "QGemm"
                | "QLinearAdd"
                | "QLinearAveragePool"
                | "QLinearConcat"
                | "QLinearGlobalAveragePool"
                | "QLinearLeakyRelu"
                | "QLinearMul"
                | "QLinearSigmoid"
                | "QLinearSoftmax"
                | "QuantizeLinear"
        )
}

/// A node, with what is needed to talk about it.
pub(super) struct NodeView<'a> {
    proto: &'a NodeProto,
    /// Its name, or the operator and its position where it has none, as the graph's builder names it.
    pub label: String,
    /// Version of the default operator set that the model declares.
    pub opset: i64,
}

impl<'a> NodeView<'a> {
    /// Node number `index` of the file.
    pub fn new(proto: &'a NodeProto, index: usize, opset: i64) -> Result<Self> {
        let label = if proto.name.is_empty() { format!("{}_{index}", proto.op_type) } else { proto.name.clone() };
        let node = Self { proto, label, opset };
        if !is_standard(&proto.domain) && !is_quantizer(&proto.domain, &proto.op_type) {
            return Err(node.unsupported(
                "only operators of ONNX's default domain are known, and those of com.microsoft that onnxruntime's quantizer writes",
            ));
        }
        let mut names = HashSet::new();
        for attribute in &proto.attribute {
            if !names.insert(attribute.name.as_str()) {
                return Err(node.problem(format_args!("attribute {} is given twice", attribute.name)));
            }
            if !attribute.ref_attr_name.is_empty() {
                return Err(node.unsupported(format_args!("attribute {} refers to a function's", attribute.name)));
            }
        }
        Ok(node)
    }

    /// Operator.
    pub fn op(&self) -> &'a str {
        &self.proto.op_type
    }

    /// Name of input `index`, where it is given.
    pub fn input(&self, index: usize) -> Option<&'a str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Number of inputs, trailing ones that are left out not counted.
    pub fn inputs(&self) -> usize {
        self.proto.input.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)
    }

    /// Names of the outputs; empty where one is left out.
    pub fn outputs(&self) -> &'a [String] {
        &self.proto.output
    }

    /// An error that says the operator, or this use of it, is not executed; `reason` may be empty.
    pub fn unsupported(&self, reason: impl Display) -> Error {
        let operator = match self.proto.domain.as_str() {
            domain if is_standard(domain) => self.op().to_owned(),
            domain => format!("{domain}.{}", self.op()),
        };
        Error::Unsupported { operator, node: self.label.clone(), opset: self.opset, reason: reason.to_string() }
    }

    /// An error that says the node contradicts ONNX's specification.
    pub fn problem(&self, problem: impl Display) -> Error {
        Error::graph(&self.label, format_args!("{}: {problem}", self.op()))
    }

    /// An integer attribute.
    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        let attribute = self.attribute(name, attribute::INT)?;
        Ok(attribute.map_or(default, |attribute| attribute.i.unwrap_or_default()))
    }

    /// An integer attribute that means yes or no.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.int(name, i64::from(default))? != 0)
    }

    /// An integer attribute, where it is given.
    pub fn stated(&self, name: &str) -> Result<Option<i64>> {
        self.has(name).then(|| self.int(name, 0)).transpose()
    }

    /// A number attribute.
    pub fn float(&self, name: &str, default: f32) -> Result<f32> {
        let attribute = self.attribute(name, attribute::FLOAT)?;
        Ok(attribute.map_or(default, |attribute| attribute.f.unwrap_or_default()))
    }

    /// A text attribute.
    pub fn string(&self, name: &str, default: &'static str) -> Result<&'a str> {
        match self.attribute(name, attribute::STRING)? {
            None => Ok(default),
            Some(attribute) => std::str::from_utf8(attribute.s.as_deref().unwrap_or_default())
                .map_err(|_| self.problem(format_args!("attribute {name} is not text"))),
        }
    }

    /// A list of integers, where the attribute is given.
    pub fn ints(&self, name: &str) -> Result<Option<&'a [i64]>> {
        Ok(self.attribute(name, attribute::INTS)?.map(|attribute| attribute.ints.as_slice()))
    }

    /// A list of numbers, where the attribute is given.
    pub fn floats(&self, name: &str) -> Result<Option<&'a [f32]>> {
        Ok(self.attribute(name, attribute::FLOATS)?.map(|attribute| attribute.floats.as_slice()))
    }

    /// A tensor, where the attribute is given.
    pub fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        let Some(attribute) = self.attribute(name, attribute::TENSOR)? else { return Ok(None) };
        let proto = attribute.t.as_ref().ok_or_else(|| self.problem(format_args!("attribute {name} is empty")))?;
        Tensor::from_proto(proto)
            .map(Some)
            .map_err(|problem| self.unsupported(format_args!("the tensor of attribute {name}: {problem}")))
    }

    /// Whether the attribute is given.
    pub fn has(&self, name: &str) -> bool {
        self.proto.attribute.iter().any(|attribute| attribute.name == name)
    }

    /// `axis` of a tensor of `rank` axes, counted from the end where it is negative.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let counted = if axis < 0 { axis.checked_add_unsigned(rank as u64) } else { Some(axis) };
        counted.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank).ok_or_else(|| {
            let range = match rank {
                0 => "none is".to_owned(),
                _ => format!("one of -{rank} to {} is", rank - 1),
            };
            self.problem(format_args!("axis {axis} of a tensor of {rank} axes; {range} expected"))
        })
    }

    /// `axes` of a tensor of `rank` axes, ascending.
    pub fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>> {
        let mut counted = axes.iter().map(|&axis| self.axis(axis, rank)).collect::<Result<Vec<_>>>()?;
        counted.sort_unstable();
        if counted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.problem(format_args!("axes {axes:?} name one axis twice")));
        }
        Ok(counted)
    }

    /// Two positive extents, vertical and horizontal: a kernel, strides or dilations. One alone is horizontal.
    pub fn extents(&self, name: &str, values: &[i64]) -> Result<[usize; 2]> {
        let [vertical, horizontal] = match *values {
            [vertical, horizontal] => [vertical, horizontal],
            // A row is an image one row high.
            [horizontal] => [1, horizontal],
            _ => {
                return Err(self.unsupported(format_args!("{name} {values:?}: one or two spatial axes are expected")));
            }
        };
        if values.iter().any(|value| !(1..=MAX_EXTENT).contains(value)) {
            return Err(self.problem(format_args!("{name} {values:?}: each is expected in 1..={MAX_EXTENT}")));
        }
        Ok([vertical as usize, horizontal as usize])
    }

    /// Amounts of padding, none negative.
    pub fn amounts<const N: usize>(&self, name: &str, values: &[i64]) -> Result<[usize; N]> {
        if values.len() != N || values.iter().any(|value| !(0..=MAX_EXTENT).contains(value)) {
            return Err(self.problem(format_args!("{name} {values:?}: {N} amounts in 0..={MAX_EXTENT} are expected")));
        }
        let mut amounts = [0; N];
        for (amount, &value) in amounts.iter_mut().zip(values) {
            *amount = value as usize;
        }
        Ok(amounts)
    }

    fn attribute(&self, name: &str, kind: i32) -> Result<Option<&'a AttributeProto>> {
        let attribute = self.proto.attribute.iter().find(|attribute| attribute.name == name);
        match attribute {
            Some(found) if found.kind != kind && found.kind != attribute::UNDEFINED => {
                Err(self.problem(format_args!("attribute {name} has the wrong type")))
            }
            attribute => Ok(attribute),
        }
    }
}
