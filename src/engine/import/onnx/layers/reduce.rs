//! Reductions, global pooling and softmax.

use facts::Result;
use facts::graph::{Op, Reduction};

use super::{Layer, volume};
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::resample::chained;

/// The axes that a Reduce operator reduces; none where it is told to do nothing.
///
/// They are an attribute before opset 18 (ReduceSum: 13) and an input since.
pub(in crate::import::onnx) fn reduced_axes(node: &NodeView, symbols: &Symbols) -> Result<Vec<usize>> {
    let rank = symbols.shape(node, 0)?.len();
    let since = if node.op() == "ReduceSum" { 13 } else { 18 };
    let axes = if node.opset < since {
        node.ints("axes")?.unwrap_or_default().into()
    } else {
        symbols.ints(node, 1, "axes")?.unwrap_or_default()
    };
    if !axes.is_empty() {
        return node.axes(&axes, rank);
    }
    let noop = node.opset >= since && node.flag("noop_with_empty_axes", false)?;
    Ok(if noop { Vec::new() } else { (0..rank).collect() })
}

pub(super) fn reduce(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let axes = reduced_axes(node, symbols)?;
    // Over no axes a sum or an extremum is its only element; the other reductions compute something of it.
    let alone = matches!(node.op(), "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceSum" | "ReduceProd");
    let op = if axes.is_empty() && alone {
        Op::Identity
    } else {
        let reduction = match node.op() {
            "ReduceMean" => Reduction::Mean,
            "ReduceMax" => Reduction::Max,
            "ReduceMin" => Reduction::Min,
            "ReduceProd" => Reduction::Prod,
            "ReduceL1" => Reduction::L1,
            "ReduceL2" => Reduction::L2,
            "ReduceSumSquare" => Reduction::SumSquare,
            "ReduceLogSum" => Reduction::LogSum,
            "ReduceLogSumExp" => Reduction::LogSumExp,
            _ => Reduction::Sum,
        };
        Op::Reduce { reduction, axes, keep_dims: node.flag("keepdims", true)? }
    };
    Layer::unary(node, symbols, op)
}

/// Global pooling: a reduction over the spatial axes.
pub(super) fn global_pool(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    if rank < 3 {
        return Err(node.problem(format_args!("its input has {rank} axes, batch, channels and an image are expected")));
    }
    if node.op() == "GlobalLpPool" {
        let p = volume::exponent(node)?;
        let sum = |reduction| Op::Reduce { reduction, axes: (2..rank).collect(), keep_dims: true };
        let op = match p {
            1 => sum(Reduction::L1),
            2 => sum(Reduction::L2),
            _ => {
                let (before, after) = volume::powers(p);
                chained(before.into_iter().chain([sum(Reduction::Sum)]).chain(after).collect())
            }
        };
        return Layer::unary(node, symbols, op);
    }
    let reduction = if node.op() == "GlobalMaxPool" { Reduction::Max } else { Reduction::Mean };
    Layer::unary(node, symbols, Op::Reduce { reduction, axes: (2..rank).collect(), keep_dims: true })
}

/// Softmax and LogSoftmax: along one axis since opset 13; before, along that axis and all after it together.
pub(super) fn softmax(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let to_end = node.opset < 13;
    let rank = symbols.shape(node, 0)?.len();
    let axis = node.axis(node.int("axis", if to_end { 1 } else { -1 })?, rank)?;
    Layer::unary(node, symbols, Op::Softmax { axis, to_end, log: node.op() == "LogSoftmax" })
}

/// CumSum: the axis is an input.
pub(super) fn running(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let axis = match symbols.ints(node, 1, "axis")?.as_deref() {
        Some(&[axis]) => node.axis(axis, rank)?,
        _ => return Err(node.problem("its axis must be one number")),
    };
    let (exclusive, reverse) = (node.flag("exclusive", false)?, node.flag("reverse", false)?);
    Layer::unary(node, symbols, Op::CumSum { axis, exclusive, reverse })
}
