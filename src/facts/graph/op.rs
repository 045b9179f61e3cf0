//! What a layer computes, every attribute resolved at import: no operator reads its settings from tensors.

use serde::{Deserialize, Serialize};

use super::float;
use super::function::{Binary, Reduction, Unary};
use super::integer::Integer;
use super::resample::{Conv3, GridSample, Mix, MultiHead};
use crate::format::Format;

/// What a layer computes. Images are N x C x H x W inside Faultscope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// 2-D convolution; inputs `[x, weight (O x I/groups x KH x KW), bias?]`.
    Conv(Conv),
    /// `alpha * A' * B' + beta * C`, with A' and B' transposed where asked; inputs `[a, b, c?]`.
    Gemm {
        /// Factor of the product.
        alpha: f32,
        /// Factor of `c`.
        beta: f32,
        /// Use the transpose of `a`.
        trans_a: bool,
        /// Use the transpose of `b`.
        trans_b: bool,
    },
    /// Matrix product over the last two axes, the others broadcast, as numpy's `matmul`; inputs `[a, b]`.
    MatMul,
    /// Batch normalisation with stored statistics; inputs `[x, scale?, bias?, mean, variance]`, axis 1.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
        /// Whether `scale` is an input; without it the scale is 1.
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        scale: bool,
        /// Whether `bias` is an input; without it the bias is 0.
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        bias: bool,
    },
    /// `x * factor + offset` with constants that are settings and not parameters (Keras Rescaling); input `[x]`.
    Affine {
        /// Axis along which the constants lie, where there are several.
        axis: usize,
        /// Factors: one, or one an element of the axis.
        factor: Vec<f32>,
        /// Offsets: as many.
        offset: Vec<f32>,
    },
    /// Element by element; input `[x]`.
    Unary(Unary),
    /// Element by element with broadcasting; inputs `[a, b]`.
    Binary(Binary),
    /// `x` where it is not negative, else `slope * x`; inputs `[x, slope]`, slope broadcast to x.
    PRelu,
    /// Softmax along `axis`, or along `axis` and all axes after it together (ONNX before opset 13); input `[x]`.
    Softmax {
        /// Axis.
        axis: usize,
        /// Take the axes from `axis` to the last as one.
        to_end: bool,
        /// The logarithm of the softmax.
        log: bool,
    },
    /// Maximum of each window, padding never wins; input `[x]`.
    MaxPool(Pool),
    /// Mean of each window; input `[x]`.
    AveragePool {
        /// Window.
        pool: Pool,
        /// Count padding in the divisor.
        count_include_pad: bool,
    },
    /// Reduction over `axes`; input `[x]`. Global pooling is one, over the spatial axes.
    Reduce {
        /// How.
        reduction: Reduction,
        /// Axes, ascending.
        axes: Vec<usize>,
        /// Keep the reduced axes with length 1.
        keep_dims: bool,
    },
    /// Joined along `axis`; inputs `[x0, x1, ..]`.
    Concat {
        /// Axis.
        axis: usize,
    },
    /// Cut along `axis` into pieces of `sizes`; input `[x]`, as many outputs as sizes.
    Split {
        /// Axis.
        axis: usize,
        /// Lengths, which add up to the axis.
        sizes: Vec<usize>,
    },
    /// Part of each axis; input `[x]`.
    Slice {
        /// One range an axis.
        ranges: Vec<SliceRange>,
    },
    /// Same elements, same order, another shape (Reshape, Flatten, Squeeze, Unsqueeze); input `[x]`.
    Reshape {
        /// The new shape for one image.
        shape: Vec<usize>,
    },
    /// Axes in another order: output axis `i` is input axis `perm[i]`; input `[x]`.
    Transpose {
        /// Permutation.
        perm: Vec<usize>,
    },
    /// Entries of `axis` by index; input `[x]`. The output has `indices_shape` in the axis' place.
    Gather {
        /// Axis.
        axis: usize,
        /// Indices, in range, not negative.
        indices: Vec<usize>,
        /// Shape of the index tensor; empty for a scalar.
        indices_shape: Vec<usize>,
    },
    /// Padding; input `[x]`. Negative amounts crop.
    Pad {
        /// What the new elements are.
        mode: PadMode,
        /// Before and after, one pair an axis.
        pads: Vec<(isize, isize)>,
    },
    /// Resampling of the two spatial axes; input `[x]`.
    Resize(Resize),
    /// Normalisation by the input's own statistics (layer, RMS, instance and group normalisation); inputs
    /// `[x, scale?, bias?]`.
    Normalise(Normalise),
    /// Division by the norm of order `p` (1 or 2) along `axis`; input `[x]`.
    LpNormalise {
        /// Axis.
        axis: usize,
        /// Order of the norm.
        p: u8,
    },
    /// `a` where the condition is not 0, else `b`, with broadcasting; inputs `[condition, a, b]`.
    Where,
    /// Repeated to `shape`, as numpy's `broadcast_to`; input `[x]`.
    Expand {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// Copied side by side along each axis; input `[x]`.
    Tile {
        /// Copies along each axis.
        repeats: Vec<usize>,
    },
    /// Elements by their place in the input, row-major; inputs `[x]` or `[x, y]`, of which `y` follows `x`. Elements without
    /// a place are 0.
    Take {
        /// The place of each element of the output.
        places: Vec<Option<u32>>,
        /// Shape of the output.
        shape: Vec<usize>,
    },
    /// Sums of products along named axes; inputs `[a]` or `[a, b]`.
    Einsum(Einsum),
    /// Scaled dot-product attention: `softmax(Q K' * scale + mask) V` for each head; inputs `[q, k, v, mask?]`.
    Attention(Attention),
    /// Attention with its projections (Keras MultiHeadAttention); inputs `[q, k, v, wq, bq?, wk, bk?, wv, bv?, wo, bo?,
    /// mask?]`.
    MultiHead(MultiHead),
    /// Sums of all elements up to each one along `axis`; input `[x]`.
    CumSum {
        /// Axis.
        axis: usize,
        /// Leave the element itself out.
        exclusive: bool,
        /// From the last element to the first.
        reverse: bool,
    },
    /// Transposed 2-D convolution; inputs `[x, weight (I x O/groups x KH x KW), bias?]`.
    ConvTranspose(ConvTranspose),
    /// Convolution along three spatial axes, or its transpose; inputs `[x (N x C x D x H x W), weight, bias?]`.
    Conv3(Conv3),
    /// Entries along an axis as weighted sums of entries (resampling); input `[x]`.
    Mix(Mix),
    /// Pixels of an image at places that another tensor names; inputs `[x (N x C x H x W), grid (N x H' x W' x 2)]`.
    GridSample(GridSample),
    /// The place of the greatest or the smallest element along `axis`, as a number; input `[x]`. A NaN is both.
    Place {
        /// Axis.
        axis: usize,
        /// Keep the axis with length 1.
        keep_dims: bool,
        /// The smallest instead of the greatest.
        smallest: bool,
        /// The last of several equal elements instead of the first.
        last: bool,
    },
    /// The greatest elements along `axis`, in order, and their places; input `[x]`, outputs `[values, places]`. A NaN is
    /// greater than all numbers.
    TopK {
        /// Axis.
        axis: usize,
        /// How many.
        k: usize,
        /// The smallest instead of the greatest.
        smallest: bool,
    },
    /// `on` at the class that an element names, `off` elsewhere, along a new axis; input `[x]`. A number from -`depth` on counts
    /// from the end.
    OneHot {
        /// The new axis.
        axis: usize,
        /// Classes.
        depth: usize,
        /// Value of the class.
        #[serde(with = "float")]
        on: f32,
        /// Value of the other classes.
        #[serde(with = "float")]
        off: f32,
    },
    /// Local response normalisation across channels; input `[x]`.
    Lrn {
        /// Channels in the window.
        size: usize,
        /// Scale.
        alpha: f32,
        /// Exponent.
        beta: f32,
        /// Offset.
        bias: f32,
    },
    /// The nearest integer of `x / scale + zero` that `format` holds, halves to the even one; inputs `[x, scale, zero?]`.
    Quantize {
        /// The axis of `x` along which scales lie, where there are several.
        axis: usize,
        /// Elements of the axis that share a scale.
        block: usize,
        /// The integers.
        format: Format,
    },
    /// `(x - zero) * scale`; inputs `[x, scale, zero?]`.
    Dequantize {
        /// The axis of `x` along which scales lie, where there are several.
        axis: usize,
        /// Elements of the axis that share a scale.
        block: usize,
    },
    /// Integers from 0 to 255 with the scale and the zero point that cover `x`; input `[x]`, outputs `[y, scale, zero]`.
    DynamicQuantize,
    /// An operator on integers; inputs as its roles say.
    Integer(Integer),
    /// One after the other: a layer of the source framework that does several things, a convolution with its
    /// activation for example. The first step takes the first inputs; each later one takes what the step before
    /// made, then its own share of the inputs that are left, in order.
    Chain(Vec<Step>),
    /// The input unchanged (Identity, Dropout at inference, Cast between floats); input `[x]`.
    Identity,
    /// Known since import, not executed: constants, shape arithmetic, aliases of parameters; or needed only by
    /// outputs that are not asked for.
    Folded,
}

impl Op {
    /// Whether only the CPU computes it: operators on integers, and those that read places from a tensor.
    pub fn needs_cpu(&self) -> bool {
        match self {
            Self::GridSample(_) | Self::Place { .. } | Self::TopK { .. } | Self::OneHot { .. } => true,
            Self::Chain(steps) => steps.iter().any(|step| step.op.needs_cpu()),
            op => op.makes_integers(),
        }
    }

    /// Whether it reads or makes integers with a scale.
    pub fn makes_integers(&self) -> bool {
        matches!(self, Self::Quantize { .. } | Self::Dequantize { .. } | Self::DynamicQuantize | Self::Integer(_))
    }
}

fn yes() -> bool {
    true
}

/// A step of an [`Op::Chain`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it computes: anything with one output but another chain.
    pub op: Op,
    /// How many of the layer's inputs it takes.
    pub inputs: usize,
}

/// Settings of a 2-D convolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Step, [vertical, horizontal].
    pub strides: [usize; 2],
    /// Distance between kernel taps, [vertical, horizontal].
    pub dilations: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding2d,
    /// Groups of channels convolved apart.
    pub groups: usize,
}

/// Settings of [`Op::ConvTranspose`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvTranspose {
    /// Distance between the outputs of neighbouring inputs, [vertical, horizontal].
    pub strides: [usize; 2],
    /// Distance between kernel taps, [vertical, horizontal].
    pub dilations: [usize; 2],
    /// Rows and columns that are cut off the output.
    pub padding: Padding2d,
    /// Rows and columns that are added to the output's end, [vertical, horizontal].
    pub output_padding: [usize; 2],
    /// Groups of channels convolved apart.
    pub groups: usize,
}

/// Settings of [`Op::Normalise`]: `(x - mean) / sqrt(variance + epsilon) * scale + bias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalise {
    /// Axes whose elements are normalised together, ascending.
    pub axes: Vec<usize>,
    /// Equal parts of axis 1, each normalised by itself.
    pub groups: usize,
    /// Subtract the mean; RMS normalisation does not.
    pub centred: bool,
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether `scale` is an input; without it the scale is 1.
    pub scale: bool,
    /// Whether `bias` is an input; without it the bias is 0.
    pub bias: bool,
    /// The axis of the input along which the first axis of scale and bias lies.
    pub along: usize,
}

/// Settings of [`Op::Attention`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// Heads of the queries, and of keys and values, where the heads lie side by side in the last axis
    /// (N x tokens x heads * length). Without it the inputs are N x heads x tokens x length.
    pub heads: Option<[usize; 2]>,
    /// Factor of the products of queries and keys.
    pub scale: f32,
    /// A query sees the keys up to its own place only.
    pub causal: bool,
    /// Scores become `softcap * tanh(score / softcap)`; 0 leaves them.
    pub softcap: f32,
    /// Whether `mask` is an input. It is added to the scores, or, if `selects`, chooses the keys that are seen.
    pub mask: bool,
    /// The mask holds truth values.
    pub selects: bool,
}

/// Settings of [`Op::Einsum`]: the axes of the inputs and of the output, by number. Axes of the same number have the same
/// length, and those that the output lacks are summed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Einsum {
    /// Axes of each input.
    pub inputs: Vec<Vec<u8>>,
    /// Axes of the output.
    pub output: Vec<u8>,
}

/// Elements added around an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Padding2d {
    /// Above.
    pub top: usize,
    /// Left.
    pub left: usize,
    /// Below.
    pub bottom: usize,
    /// Right.
    pub right: usize,
}

/// A pooling window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Size, [vertical, horizontal].
    pub kernel: [usize; 2],
    /// Step, [vertical, horizontal].
    pub strides: [usize; 2],
    /// Distance between taps, [vertical, horizontal].
    pub dilations: [usize; 2],
    /// Around the input.
    pub padding: Padding2d,
    /// Keep a last window that hangs over the edge.
    pub ceil_mode: bool,
}

/// `length` elements from `start`, `step` apart; the step may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceRange {
    /// First index taken.
    pub start: usize,
    /// Step, not zero.
    pub step: isize,
    /// Number of elements.
    pub length: usize,
}

/// What [`Op::Pad`] fills with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum PadMode {
    /// This value.
    Constant(#[serde(with = "float")] f32),
    /// The nearest element of the edge.
    Edge,
    /// Mirrored, without the edge.
    Reflect,
    /// From the opposite side.
    Wrap,
}

/// Settings of [`Op::Resize`] (ONNX Resize and Upsample).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resize {
    /// Output height and width.
    pub size: [usize; 2],
    /// Scale of height and width as the model states it, which need not be exactly the ratio of the sizes.
    pub scales: [f32; 2],
    /// Nearest or linear.
    pub interpolation: Interpolation,
    /// How an output index becomes an input coordinate.
    pub coordinates: CoordinateMode,
}

/// How [`Resize`] finds a value between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interpolation {
    /// The pixel nearest in the sense of the mode.
    Nearest(NearestMode),
    /// Bilinear.
    Linear,
}

/// ONNX `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is ONNX's mode of that name")]
pub enum CoordinateMode {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

/// ONNX `nearest_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is ONNX's mode of that name")]
pub enum NearestMode {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}
