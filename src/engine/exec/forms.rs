//! How the rows of each tensor lie on the CPU.
//!
//! A tensor of four axes is an image, whose rows are its channels (axis 1), or holds tokens: the heads of an attention, or
//! an image with its channels last. Which one, its readers and its maker tell. Elementwise operators work on either, but all
//! their tensors must lie in one way.

use facts::graph::{Graph, Integer, IntegerFunction, Node, Normalise, Op, Step, ValueId};

use crate::ops::Extent;

/// Returns the extent of each value of `graph`.
pub fn extents(graph: &Graph) -> Vec<Extent> {
    let mut sets = Sets::new(graph.values.len());
    for node in &graph.nodes {
        for pair in alike(graph, node).windows(2) {
            sets.join(pair[0], pair[1]);
        }
    }
    let mut demanded = vec![[false; 3]; graph.values.len()];
    for node in &graph.nodes {
        for (value, rows) in demands(graph, node) {
            demanded[sets.of(value)][rows as usize] = true;
        }
    }
    // The inputs come as images.
    for &value in &graph.inputs {
        demanded[sets.of(value)][Rows::Channels as usize] = true;
    }
    let extent = |(id, value): (ValueId, &facts::graph::Value)| {
        let [channels, last, one] = demanded[sets.of(id)];
        match value.shape.len() {
            4 if channels => Extent::of(&value.shape),
            2.. if one && value.shape.last() == Some(&1) => Extent::column(&value.shape),
            4 if last => Extent::last(&value.shape),
            _ => Extent::of(&value.shape),
        }
    };
    graph.values.iter().enumerate().map(extent).collect()
}

/// How rows lie.
#[derive(Clone, Copy)]
enum Rows {
    Channels,
    Last,
    /// One number a row.
    One,
}

/// Values whose rows must lie alike.
fn alike(graph: &Graph, node: &Node) -> Vec<ValueId> {
    let all = |holds: fn(&Op) -> bool| match &node.op {
        Op::Chain(steps) => steps.iter().all(|step| holds(&step.op)),
        op => holds(op),
    };
    let shape = |value: ValueId| &graph.values[value].shape;
    let values = node.outputs.iter().chain(&node.inputs).copied();
    let values = values.filter(|value| !graph.parameters.contains_key(value));
    if all(is_elementwise) {
        values.filter(|&value| shape(value) == shape(node.outputs[0])).collect()
    } else if all(is_cut) {
        values.filter(|&value| shape(value).len() == 4).collect()
    } else {
        Vec::new()
    }
}

/// Whether the operator joins or cuts along an axis.
fn is_cut(op: &Op) -> bool {
    matches!(op, Op::Concat { .. } | Op::Split { .. } | Op::Slice { .. } | Op::Pad { .. })
        || matches!(op, Op::Integer(Integer { function: IntegerFunction::Concat { .. }, .. }))
}

fn is_elementwise(op: &Op) -> bool {
    matches!(op, Op::Unary(_) | Op::Binary(_) | Op::PRelu | Op::Identity | Op::Where)
        || matches!(op, Op::Affine { factor, .. } if factor.len() == 1)
        || matches!(op, Op::Quantize { .. } | Op::Dequantize { .. } | Op::DynamicQuantize)
        || matches!(op, Op::Integer(Integer { function, .. }) if is_each(function))
}

/// Whether the operator on integers works element by element.
fn is_each(function: &IntegerFunction) -> bool {
    matches!(function, IntegerFunction::Add | IntegerFunction::Mul | IntegerFunction::Unary(_))
}

/// What a layer asks of its tensors with four axes.
fn demands(graph: &Graph, node: &Node) -> Vec<(ValueId, Rows)> {
    let values = || node.inputs.iter().chain(&node.outputs).copied();
    let steps: &[Step] = match &node.op {
        Op::Chain(steps) => steps,
        _ => &[],
    };
    let ops: Vec<&Op> = if steps.is_empty() { vec![&node.op] } else { steps.iter().map(|step| &step.op).collect() };
    let rank = |value: ValueId| graph.values[value].shape.len();
    let last = |value: ValueId| rank(value).saturating_sub(1);
    let mut found = Vec::new();
    for op in ops {
        let rows = match op {
            Op::MatMul | Op::Einsum(_) | Op::Attention(_) => Rows::Last,
            Op::Integer(Integer { function: IntegerFunction::MatMul, .. }) => Rows::Last,
            Op::Integer(Integer { function: IntegerFunction::Softmax { end, .. }, .. })
                if *end == rank(node.outputs[0]) =>
            {
                Rows::Last
            }
            Op::Softmax { axis, .. } if *axis == last(node.inputs[0]) => Rows::Last,
            Op::Normalise(Normalise { axes, groups: 1, .. }) if axes[..] == [last(node.inputs[0])] => Rows::Last,
            Op::LpNormalise { axis, .. } if *axis == last(node.inputs[0]) => Rows::Last,
            Op::Reduce { axes, .. } if axes[..] == [1] => Rows::Channels,
            Op::Reduce { axes, keep_dims, .. } if axes[..] != [2, 3] => {
                if *keep_dims && axes[..] == [last(node.inputs[0])] {
                    found.push((node.outputs[0], Rows::One));
                }
                Rows::Last
            }
            // What rearranges takes and gives any rows.
            Op::Transpose { .. } | Op::Reshape { .. } | Op::Gather { .. } | Op::Expand { .. } | Op::Tile { .. } => {
                found.extend(values().map(|value| (value, Rows::Last)));
                continue;
            }
            op if is_elementwise(op) => continue,
            op if is_cut(op) => continue,
            Op::Take { .. } | Op::Folded => continue,
            _ => Rows::Channels,
        };
        match rows {
            Rows::Channels => {
                // The output of a global pooling is one row either way.
                let is_image = |value: &ValueId| rank(*value) == 4 && !graph.parameters.contains_key(value);
                found.extend(values().filter(is_image).map(|value| (value, Rows::Channels)));
            }
            rows => found.extend(values().map(|value| (value, rows))),
        }
    }
    found
}

/// Sets of values, joined step by step.
struct Sets(Vec<ValueId>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn of(&self, mut value: ValueId) -> ValueId {
        while self.0[value] != value {
            value = self.0[value];
        }
        value
    }

    fn join(&mut self, a: ValueId, b: ValueId) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }
}
