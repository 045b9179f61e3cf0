//! Normalisation by a tensor's own statistics.

use facts::Result;
use facts::graph::{Normalise, Op};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

/// LayerNormalization and RMSNormalization: over the axes from `axis` on. Their second and third outputs are statistics
/// for training.
pub(super) fn layer(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let axis = node.axis(node.int("axis", -1)?, rank)?;
    if let Some(kind) = node.stated("stash_type")?
        && kind != 1
    {
        return Err(node.unsupported(format_args!("its stash_type is {kind}; statistics are computed in float32 (1)")));
    }
    let axes: Vec<usize> = (axis..rank).collect();
    // Scale and bias broadcast from the last axis on.
    let along = match symbols.shape(node, 1)?.len() {
        own if own <= axes.len() => rank - own,
        own => return Err(node.problem(format_args!("its scale has {own} axes, {} are normalised", axes.len()))),
    };
    let bias = node.input(2).is_some();
    if bias && symbols.shape(node, 2)?.len() != symbols.shape(node, 1)?.len() {
        return Err(node.unsupported("its scale and its bias have different numbers of axes"));
    }
    let settings = Normalise {
        axes,
        groups: 1,
        centred: node.op() == "LayerNormalization",
        epsilon: node.float("epsilon", 1e-5)?,
        scale: true,
        bias,
        along,
    };
    Layer::of(node, symbols, Op::Normalise(settings), if bias { 3 } else { 2 })
}

/// InstanceNormalization and GroupNormalization: over the positions of each channel, or of each group of channels.
pub(super) fn channels(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    if rank < 3 {
        return Err(node.problem(format_args!("its input has {rank} axes, batch, channels and an image are expected")));
    }
    let (groups, first) = match node.op() {
        "InstanceNormalization" => (1, 2),
        _ => {
            let [groups] = node.amounts("num_groups", &[node.int("num_groups", 0)?])?;
            if groups == 0 {
                return Err(node.problem("num_groups is 0 or missing; at least 1 is expected"));
            }
            // One group normalises all channels together.
            (groups, 1)
        }
    };
    let settings = Normalise {
        axes: (first..rank).collect(),
        groups,
        centred: true,
        epsilon: node.float("epsilon", 1e-5)?,
        scale: true,
        bias: true,
        along: 1,
    };
    Layer::of(node, symbols, Op::Normalise(settings), 3)
}

/// MeanVarianceNormalization: channels and positions as its axes state, without scale and bias.
pub(super) fn mean_variance(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let axes = node.axes(node.ints("axes")?.unwrap_or(&[0, 2, 3]), rank)?;
    let settings = Normalise { axes, groups: 1, centred: true, epsilon: 1e-9, scale: false, bias: false, along: 0 };
    Layer::unary(node, symbols, Op::Normalise(settings))
}

/// LpNormalization.
pub(super) fn by_norm(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let axis = node.axis(node.int("axis", -1)?, symbols.shape(node, 0)?.len())?;
    let p = node.int("p", 2)?;
    let order = u8::try_from(p).ok().filter(|p| matches!(p, 1 | 2));
    let p = order.ok_or_else(|| node.problem(format_args!("p is {p}; 1 or 2 is expected")))?;
    Layer::unary(node, symbols, Op::LpNormalise { axis, p })
}
