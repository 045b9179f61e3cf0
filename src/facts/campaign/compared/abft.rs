//! Algorithm-based fault tolerance: layers whose outputs a checksum of their weights can check, and the cost of the check.
//!
//! The sum of the outputs of one position over all output channels equals the product with the sum of all filters (Huang and
//! Abraham, 1984; of convolutions Zhao et al., FT-CNN, 2021). docs/PROTECTIONS.md has the definition.

use super::Cost;
use crate::format::Format;
use crate::graph::{Binary, Graph, NodeId, Op, Source, Step, ValueId};
use crate::{Error, Result};

/// The options of the protection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abft {
    /// Whether a layer that fails its check is computed once more before the inference stops.
    pub recomputes: bool,
    /// The differences that pass.
    pub tolerance: Tolerance,
}

/// The difference between the sum of the outputs and the checksum that still passes, as a factor of the sum of the magnitudes of
/// all products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// The bound of the rounding errors of float32: no golden run fails a check.
    Bound,
    /// This factor.
    Factor(f64),
    /// This multiple of the largest factor of a layer in golden runs.
    Learnt(f64),
}

/// A matrix product or a convolution with constant weights, and the step of its layer that holds the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product<'a> {
    /// The operator.
    pub op: &'a Op,
    /// The input that depends on the image.
    pub input: ValueId,
    /// The weights.
    pub weight: ValueId,
    /// The constants that are added to each position.
    pub bias: Option<ValueId>,
    /// The step whose result is checked: 0, or 1 where the bias is a step of its own.
    pub step: usize,
    /// Whether further steps of the layer follow, so that the result is no output.
    pub is_inside: bool,
    /// Inputs of the checksum: products of one position, of all groups together.
    pub inner: usize,
    /// Output channels.
    pub outer: usize,
    /// Positions.
    pub positions: usize,
}

impl<'a> Product<'a> {
    /// Returns the product that layer `id` begins with; `None` where it begins with something else, has a second product, or where
    /// the product is one of two tensors that both depend on the image.
    pub fn of(graph: &'a Graph, id: NodeId) -> Option<Self> {
        let node = &graph.nodes[id];
        if !graph.depends_on_input()[id] {
            return None;
        }
        let (op, own, rest, result): (&Op, &[ValueId], &[Step], &[usize]) = match &node.op {
            Op::Chain(steps) => {
                let (first, rest) = steps.split_first()?;
                let own = node.inputs.get(..first.inputs)?;
                (&first.op, own, rest, graph.links(id).first()?)
            }
            op => (op, &node.inputs, &[], &graph.values[*node.outputs.first()?].shape),
        };
        if rest.iter().any(|step| is_product(&step.op)) {
            return None;
        }
        let (&input, constants) = own.split_first()?;
        let shape = |value: ValueId| graph.values[value].shape.as_slice();
        if is_constant(graph, input) || !constants.iter().all(|&value| is_constant(graph, value)) {
            return None;
        }
        let weight = *constants.first()?;
        let (inner, outer, positions) = match (op, shape(weight)) {
            (Op::Conv(_), &[outer, _, height, width]) => {
                let (&[1, channels, _, _], &[1, _, down, right]) = (shape(input), result) else { return None };
                (channels * height * width, outer, down * right)
            }
            (Op::Gemm { trans_a: false, trans_b, .. }, &[first, second]) => {
                let (inner, outer) = if *trans_b { (second, first) } else { (first, second) };
                (inner, outer, *result.first()?)
            }
            (Op::MatMul, &[inner, outer]) if shape(input).len() > 1 => {
                (inner, outer, result.iter().product::<usize>() / outer.max(1))
            }
            _ => return None,
        };
        let mut bias = constants.get(1).copied().filter(|_| !matches!(op, Op::Gemm { beta: 0.0, .. }));
        let mut after = rest;
        let mut step = 0;
        if let [Step { op: Op::Binary(Binary::Add), inputs: 1 }, later @ ..] = rest {
            let added = *node.inputs.get(own.len())?;
            if bias.is_none() && is_constant(graph, added) && shape(added) == [outer] && *op == Op::MatMul {
                (bias, after, step) = (Some(added), later, 1);
            }
        }
        // One number for each channel, or one for all of them.
        let fits = |value: ValueId| {
            let (&last, before) = shape(value).split_last().unwrap_or((&1, &[]));
            before.iter().all(|&length| length == 1) && [1, outer].contains(&last)
        };
        let is_whole = inner > 0 && outer > 0 && positions > 0 && bias.is_none_or(fits);
        let is_inside = !after.is_empty();
        is_whole.then_some(Self { op, input, weight, bias, step, is_inside, inner, outer, positions })
    }

    /// Operations, numbers and bytes of the check. Two products of each position, one of them of magnitudes; the sum of the outputs;
    /// the difference, the tolerance (a multiply-add) and the comparison. The numbers are the filters of both products, the sums of
    /// both biases and a factor.
    pub fn cost(&self) -> Cost {
        let [inner, outer, positions] = [self.inner, self.outer, self.positions].map(|count| count as u64);
        let parameters = 2 * inner + 3;
        Cost { operations: positions.saturating_mul(4 * inner + outer + 4), parameters, bytes: 4 * parameters }
    }
}

/// Returns the products of `graph` that are checked, with their layers, in order.
///
/// # Errors
/// If the result of one is not float32.
pub fn products(graph: &Graph) -> Result<Vec<(NodeId, Product<'_>)>> {
    let found: Vec<_> = (0..graph.nodes.len()).filter_map(|id| Some((id, Product::of(graph, id)?))).collect();
    for (id, _) in &found {
        let node = &graph.nodes[*id];
        let mut formats = node.outputs.iter().map(|&value| graph.values[value].format);
        if let Some(format) = formats.find(|format| *format != Format::F32) {
            return Err(Error::request(format_args!(
                "a checksum is compared in float32, and the output of layer \"{}\" is rounded to {format}, by the file or by \
                 --format; leave the protection away, or that --format",
                node.name
            )));
        }
    }
    Ok(found)
}

/// Whether a value is the same for every image.
fn is_constant(graph: &Graph, value: ValueId) -> bool {
    match graph.values[value].source {
        Source::Parameter => true,
        Source::Node(layer) => !graph.depends_on_input()[layer] && graph.nodes[layer].op != Op::Folded,
        Source::Input | Source::Folded => false,
    }
}

/// Whether an operator multiplies by weights that a fault may strike.
fn is_product(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv(_)
            | Op::Gemm { .. }
            | Op::MatMul
            | Op::ConvTranspose(_)
            | Op::Conv3(_)
            | Op::Einsum(_)
            | Op::Attention(_)
            | Op::MultiHead(_)
    )
}
