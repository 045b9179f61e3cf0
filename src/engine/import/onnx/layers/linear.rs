//! Matrix products and normalisation.

use facts::Result;
use facts::graph::Op;

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

pub(super) fn gemm(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let op = Op::Gemm {
        alpha: node.float("alpha", 1.0)?,
        beta: node.float("beta", 1.0)?,
        trans_a: node.flag("transA", false)?,
        trans_b: node.flag("transB", false)?,
    };
    let mut layer = Layer::of(node, symbols, op, 2)?;
    layer.inputs.extend(symbols.optional_data(node, 2)?);
    Ok(layer)
}

/// Batch normalisation with the stored statistics. Outputs after the first belong to training; some exporters
/// name them before opset 14, where they are absent at inference.
pub(super) fn batch_norm(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    if node.flag("training_mode", false)? {
        return Err(node.unsupported("it is in training mode; export the model for inference"));
    }
    if node.opset < 9 && !node.flag("spatial", true)? {
        return Err(node.unsupported("it has statistics for each pixel (spatial is 0)"));
    }
    Layer::of(node, symbols, Op::BatchNorm { epsilon: node.float("epsilon", 1e-5)?, scale: true, bias: true }, 5)
}

pub(super) fn lrn(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let size = node.int("size", 0)?;
    let [size] = node.amounts("size", &[size])?;
    if size == 0 {
        return Err(node.problem("its size is 0 or missing, a window of at least 1 channel is expected"));
    }
    let op = Op::Lrn {
        size,
        alpha: node.float("alpha", 1e-4)?,
        beta: node.float("beta", 0.75)?,
        bias: node.float("bias", 1.0)?,
    };
    Layer::unary(node, symbols, op)
}
