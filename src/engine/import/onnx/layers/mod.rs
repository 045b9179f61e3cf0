//! From ONNX nodes to [`Op`]s: one file a family of operators.
//!
//! Each function takes one operator's attributes and inputs as the model's operator set defines them, and
//! resolves all settings.

mod attention;
mod einsum;
mod elementwise;
mod linear;
mod normalise;
mod quantize;
mod reduce;
mod resize;
mod select;
mod shape;
mod take;
pub(super) mod types;
mod volume;
mod window;

use facts::Result;
use facts::graph::{Op, ValueId};

use super::node::NodeView;
use super::symbols::Symbols;

pub(super) use reduce::reduced_axes;
pub(super) use shape::{expanded, gather, permutation, ranges, reshaped};
pub(super) use take::scattered;

/// What a node becomes.
pub(super) struct Layer {
    /// What it computes.
    pub op: Op,
    /// Tensors it reads.
    pub inputs: Vec<ValueId>,
    /// How many of the node's outputs it makes.
    pub outputs: usize,
}

impl Layer {
    /// A layer of one output that reads input 0 only.
    fn unary(node: &NodeView, symbols: &mut Symbols, op: Op) -> Result<Self> {
        Self::of(node, symbols, op, 1)
    }

    /// A layer of one output that reads the first `inputs` inputs.
    fn of(node: &NodeView, symbols: &mut Symbols, op: Op, inputs: usize) -> Result<Self> {
        let inputs = (0..inputs).map(|index| symbols.data(node, index)).collect::<Result<_>>()?;
        Ok(Self { op, inputs, outputs: 1 })
    }
}

/// The layer that `node` becomes.
pub(super) fn layer(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    match node.op() {
        "Conv" | "ConvTranspose" if volume::is_volume(node, symbols)? => volume::conv(node, symbols),
        "MaxPool" | "AveragePool" if volume::is_volume(node, symbols)? => volume::pool(node, symbols),
        "Conv" => window::conv(node, symbols),
        "MaxPool" | "AveragePool" => window::pool(node, symbols),
        "LpPool" => volume::by_norm(node, symbols),
        "Gemm" => linear::gemm(node, symbols),
        "QuantizeLinear" => quantize::quantize(node, symbols),
        "DequantizeLinear" => quantize::dequantize(node, symbols),
        "DynamicQuantizeLinear" => quantize::dynamic(node, symbols),
        "ConvInteger" | "MatMulInteger" => quantize::sums(node, symbols),
        "QLinearConv" | "QLinearMatMul" | "QGemm" => quantize::product(node, symbols),
        "QLinearAdd" | "QLinearMul" => quantize::pair(node, symbols),
        "QLinearConcat" => quantize::concat(node, symbols),
        "QLinearAveragePool"
        | "QLinearGlobalAveragePool"
        | "QLinearLeakyRelu"
        | "QLinearSigmoid"
        | "QLinearSoftmax" => quantize::of_one(node, symbols),
        "MatMul" => Layer::of(node, symbols, Op::MatMul, 2),
        "BatchNormalization" => linear::batch_norm(node, symbols),
        "LayerNormalization" | "RMSNormalization" => normalise::layer(node, symbols),
        "InstanceNormalization" | "GroupNormalization" => normalise::channels(node, symbols),
        "MeanVarianceNormalization" => normalise::mean_variance(node, symbols),
        "LpNormalization" => normalise::by_norm(node, symbols),
        "Attention" => attention::attention(node, symbols),
        "Einsum" => einsum::einsum(node, symbols),
        "Where" => elementwise::choose(node, symbols),
        "Expand" => shape::expand(node, symbols),
        "Tile" => shape::tile(node, symbols),
        "DepthToSpace" | "SpaceToDepth" => shape::blocks(node, symbols),
        "Trilu" => take::trilu(node, symbols),
        "GatherElements" => take::gather_elements(node, symbols),
        "ScatterElements" | "Scatter" => take::scatter_elements(node, symbols),
        "ReverseSequence" => take::reverse(node, symbols),
        "ArgMax" | "ArgMin" => select::place(node, symbols),
        "TopK" => select::top(node, symbols),
        "OneHot" => select::one_hot(node, symbols),
        "Hardmax" => select::hardmax(node, symbols),
        "GridSample" => select::grid(node, symbols),
        "AffineGrid" => select::affine_grid(node, symbols),
        "CenterCropPad" => select::center(node, symbols),
        "Compress" => select::compress(node, symbols),
        "GatherND" => take::gather_nd(node, symbols),
        "ScatterND" => take::scatter_nd(node, symbols),
        "CumSum" => reduce::running(node, symbols),
        "ConvTranspose" => window::conv_transpose(node, symbols),
        "LRN" => linear::lrn(node, symbols),
        "PRelu" => Layer::of(node, symbols, Op::PRelu, 2),
        "Clip" => elementwise::clip(node, symbols),
        "Dropout" => elementwise::dropout(node, symbols),
        "Identity" => Layer::unary(node, symbols, Op::Identity),
        "Cast" | "CastLike" => elementwise::cast(node, symbols),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min" | "Sum" | "Mean" | "Mod" | "Equal" | "Greater"
        | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor" => elementwise::binary(node, symbols),
        "Softmax" | "LogSoftmax" => reduce::softmax(node, symbols),
        "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceSum" | "ReduceProd" | "ReduceL1" | "ReduceL2"
        | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce::reduce(node, symbols),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => reduce::global_pool(node, symbols),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => shape::reshape(node, symbols),
        "Transpose" => shape::transpose(node, symbols),
        "Concat" => shape::concat(node, symbols),
        "Split" => shape::split(node, symbols),
        "Slice" => shape::slice(node, symbols),
        "Gather" => shape::gather_layer(node, symbols),
        "Pad" => shape::pad(node, symbols),
        "Resize" | "Upsample" => resize::resize(node, symbols),
        _ => match elementwise::unary(node)? {
            Some(unary) => Layer::unary(node, symbols, Op::Unary(unary)),
            None => Err(node.unsupported(match node.op() {
                "Scan" | "LSTM" | "GRU" | "RNN" => {
                    "it repeats a step for each entry of a tensor; export the model with the steps unrolled"
                }
                _ => "",
            })),
        },
    }
}
