//! The operators on burn tensors, one file for each family.
//!
//! The operators follow ONNX exactly, including NaN and infinity, because faults produce both often. A result computed
//! from a NaN is NaN, as in onnxruntime, PyTorch and numpy. No operator removes values by multiplying with a mask. A
//! window, a row of a softmax or a sum that contains a NaN is NaN; `Relu`, `Clip`, `Max` and `ThresholdedRelu` of a
//! NaN are NaN.
//!
//! GPUs run these operators. The CPU has its own kernels for most of them ([`kernels`](crate::kernels)). Tests compare
//! those kernels with these operators, and the CPU uses these operators where it has no kernel. On the CPU the same
//! inputs give the same bits each time.
//!
//! GPUs guarantee less: WGSL lets a driver assume that there are no NaN and no infinities. Some of burn's kernels lose
//! them (maximum pooling, powers). There the operator restores them, so that `tests/devices` finds the same NaN and
//! infinities on both devices (Mesa's llvmpipe). A driver that uses the assumption elsewhere may still differ. A GPU
//! never guarantees the last bits of a number or the payload of a NaN, and it may replace numbers below 2^-126 by
//! zero.

mod array;
mod attention;
mod batch;
mod binary;
mod conv;
mod einsum;
mod extent;
pub mod integer;
mod linear;
mod mix;
mod norm;
mod normalise;
mod places;
mod pool;
mod range;
mod rank;
mod reduce;
mod resize;
mod shape;
mod softmax;
mod unary;

#[cfg(test)]
mod tests;

pub use array::Array;
pub use batch::{Operand, batched};
pub(crate) use extent::transposed;
pub use extent::{Extent, Order, Region};
pub(crate) use places::taps;
pub use range::Range;
pub(crate) use resize::{coordinate, mixed, nearest};

use facts::graph::Op;

/// Computes `op` on `inputs`; `shapes` are the shapes of the outputs, from [`infer`](facts::graph::infer).
///
/// The inputs fit the operator, as in a checked graph. [`layer`] computes chains.
pub fn apply(op: &Op, inputs: &[&Array], shapes: &[&[usize]]) -> Vec<Array> {
    if shapes.iter().all(|shape| shape.contains(&0)) {
        let empty = |shape: &&[usize]| Array::from_slice(shape, &[], &inputs[0].device());
        return shapes.iter().map(empty).collect();
    }
    let (x, shape) = (inputs[0], shapes[0]);
    let output = match op {
        Op::Conv(settings) => conv::conv(settings, inputs, shape),
        Op::Gemm { alpha, beta, trans_a, trans_b } => linear::gemm(*alpha, *beta, *trans_a, *trans_b, inputs, shape),
        Op::MatMul => linear::matmul(x, inputs[1], shape),
        Op::BatchNorm { epsilon, scale, bias } => norm::batch_norm(*epsilon, *scale, *bias, inputs),
        Op::Affine { axis, factor, offset } => norm::affine(*axis, factor, offset, x),
        Op::Unary(function) => unary::unary(*function, x),
        Op::Binary(function) => binary::binary(*function, x, inputs[1], shape),
        Op::PRelu => binary::prelu(x, inputs[1], shape),
        Op::Softmax { axis, to_end, log } => softmax::softmax(*axis, *to_end, *log, x),
        Op::MaxPool(settings) => pool::max(settings, x, shape),
        Op::AveragePool { pool, count_include_pad } => pool::average(pool, *count_include_pad, x, shape),
        Op::Reduce { reduction, axes, .. } => reduce::reduce(*reduction, axes, x, shape),
        Op::Concat { axis } => shape::concat(*axis, inputs, shape),
        Op::Split { axis, sizes } => return shape::split(*axis, sizes, x, shapes),
        Op::Slice { ranges } => shape::slice(ranges, x),
        Op::Reshape { .. } => x.reshaped(shape),
        Op::Transpose { perm } => shape::transpose(perm, x, shape),
        Op::Gather { axis, indices, .. } => shape::gather(*axis, indices, x, shape),
        Op::Pad { mode, pads } => shape::pad(*mode, pads, x, shape),
        Op::Resize(settings) => resize::resize(settings, x, shape),
        Op::Normalise(settings) => normalise::normalise(settings, inputs),
        Op::LpNormalise { axis, p } => normalise::by_norm(*axis, *p, x),
        Op::Where => binary::choose(inputs, shape),
        Op::Expand { .. } => rank::expand(x, shape),
        Op::Tile { repeats } => shape::tile(repeats, x),
        Op::Take { places, .. } => shape::take(places, inputs, shape),
        Op::Einsum(einsum) => einsum::einsum(einsum, inputs, shape),
        Op::Attention(settings) => attention::attention(settings, inputs, shape),
        Op::CumSum { axis, exclusive, reverse } => reduce::running(*axis, *exclusive, *reverse, x),
        Op::ConvTranspose(settings) => conv::transposed(settings, inputs, shape),
        Op::MultiHead(settings) => attention::multi_head(settings, inputs, shape),
        Op::Conv3(settings) => conv::conv3(settings, inputs, shape),
        Op::Mix(settings) => mix::mix(settings, x, shape),
        Op::GridSample(settings) => places::grid(*settings, x, inputs[1], shape),
        Op::Place { axis, smallest, last, .. } => places::place(*axis, *smallest, *last, x, shape),
        Op::TopK { axis, smallest, .. } => return places::top(*axis, *smallest, x, shape),
        Op::OneHot { axis, depth, on, off } => places::one_hot(*axis, *depth, [*on, *off], x, shape),
        Op::Lrn { size, alpha, beta, bias } => norm::lrn(*size, *alpha, *beta, *bias, x),
        Op::Quantize { axis, block, format } => integer::quantize(*axis, *block, *format, inputs, shape),
        Op::Dequantize { axis, block } => integer::dequantize(*axis, *block, inputs, shape),
        Op::DynamicQuantize => return integer::dynamic(x),
        Op::Integer(settings) => integer::integer(settings, inputs, shape),
        Op::Identity => x.clone(),
        Op::Chain(_) => unreachable!("chains are taken apart by `layer`"),
        Op::Folded => unreachable!("the executor computes no folded layer"),
    };
    vec![output]
}

/// Computes `op`, which may be a chain; `links` are the shapes of the results of its steps.
pub fn layer(op: &Op, inputs: &[&Array], links: &[Vec<usize>], shapes: &[&[usize]]) -> Vec<Array> {
    let Op::Chain(steps) = op else { return apply(op, inputs, shapes) };
    let mut rest = inputs;
    let mut made: Vec<Array> = Vec::new();
    for (step, shape) in steps.iter().zip(links) {
        let (own, later) = rest.split_at(step.inputs);
        rest = later;
        let taken: Vec<&Array> = made.iter().chain(own.iter().copied()).collect();
        made = apply(&step.op, &taken, &[shape]);
    }
    made
}
