//! Building the kernels of an operator.

use facts::graph::{Conv, HostTensor, Interpolation, Op, Padding2d, Pool, Reduction, Resize};

use super::channels::{Concat, Lrn, Softmax};
use super::conv::Convolution;
use super::depthwise::Depthwise;
use super::generic::Generic;
use super::linear::Linear;
use super::matrix::Matrix;
use super::pool::Pooling;
use super::rearrange::{Copy, rearrange};
use super::reduce::Global;
use super::scale::{Scale, along, repeated};
use super::unary::Elementwise;
use super::window::Window;
use super::zip::{Function, Other, Zip};
use super::{ConstantEdit, Extent, Kernel, Operand};

/// Builds the kernels of an operator, one for each output; `outputs` are the outputs' shapes. Without a kernel of our
/// own for these settings and shapes, the result runs on burn.
///
/// The caller splits chains into their steps.
pub fn build(op: &Op, inputs: &[Operand<'_>], outputs: &[Vec<usize>]) -> Vec<Box<dyn Kernel>> {
    let generic = |output| -> Box<dyn Kernel> { Box::new(Generic::new(op, inputs, outputs, output)) };
    own(op, inputs, outputs).unwrap_or_else(|| (0..outputs.len()).map(generic).collect())
}

fn own(op: &Op, inputs: &[Operand<'_>], outputs: &[Vec<usize>]) -> Option<Vec<Box<dyn Kernel>>> {
    let shapes = inputs.iter().map(Operand::shape).chain(outputs.iter().map(Vec::as_slice));
    if shapes.into_iter().any(|shape| shape.contains(&0)) {
        return None;
    }
    if let (true, [Operand::Value(x)]) = (moves(op), inputs) {
        return rearrange(op, x, outputs);
    }
    Some(vec![single(op, inputs, outputs.first()?)?])
}

/// Returns whether the operator only moves elements.
fn moves(op: &Op) -> bool {
    match op {
        Op::Transpose { .. } | Op::Slice { .. } | Op::Gather { .. } | Op::Split { .. } | Op::Pad { .. } => true,
        Op::Reshape { .. } | Op::Expand { .. } | Op::Tile { .. } | Op::Take { .. } => true,
        Op::Resize(Resize { interpolation, .. }) => matches!(interpolation, Interpolation::Nearest(_)),
        _ => false,
    }
}

/// Builds the kernel of an operator with one output.
fn single(op: &Op, inputs: &[Operand<'_>], shape: &[usize]) -> Option<Box<dyn Kernel>> {
    match op {
        Op::Binary(function) => return zip(Function::Binary(*function), inputs, shape),
        Op::PRelu if matches!(inputs, [Operand::Value(_), Operand::Constant(_)]) => {
            return zip(Function::PRelu, inputs, shape);
        }
        Op::Concat { axis } => return concat(*axis, inputs, shape),
        _ => {}
    }
    let (&Operand::Value(x), constants) = inputs.split_first()? else { return None };
    let constants: Vec<&HostTensor> = constants.iter().map(Operand::constant).collect::<Option<_>>()?;
    let channels = Extent::of(x).channels;
    Some(match op {
        Op::Conv(conv) => {
            let window = window_of_conv(conv, x, constants[0], shape)?;
            let (weight, bias) = (constants[0], constants.get(1).copied());
            if is_depthwise(conv, weight) {
                Box::new(Depthwise::new(window, conv.groups, weight, bias, 0..weight.shape[0]))
            } else {
                Box::new(Convolution::new(window, Extent::of(x), conv.groups, weight, bias))
            }
        }
        Op::Gemm { .. } | Op::MatMul => {
            let dense = Dense::new(op, x, &constants, shape)?;
            Box::new(Linear { matrix: dense.pack(0..dense.columns), rows: dense.rows })
        }
        Op::BatchNorm { epsilon, scale, bias } => {
            let (factor, offset) = batch_norm(*epsilon, *scale, *bias, &constants);
            Box::new(Scale::new(&along(1, x, &factor)?, Some(&along(1, x, &offset)?)))
        }
        Op::Affine { axis, factor, offset } => {
            let zero = offset.iter().all(|&offset| offset == 0.0);
            let (factor, offset) = (along(*axis, x, factor)?, along(*axis, x, offset)?);
            Box::new(Scale::new(&factor, (!zero).then_some(&offset)))
        }
        Op::Unary(function) => Box::new(Elementwise { function: *function, channels }),
        Op::Softmax { axis, to_end, log } => {
            let along: usize = if *to_end { x[*axis..].iter().product() } else { x[*axis] };
            let rows = if Extent::of(x).positions() == 1 { along == channels } else { *axis == 1 && !to_end };
            rows.then(|| Box::new(Softmax { channels, log: *log }))?
        }
        Op::MaxPool(pool) => Box::new(Pooling::max(window_of_pool(pool, x, shape)?, channels)),
        Op::AveragePool { pool, count_include_pad } => {
            Box::new(Pooling::average(window_of_pool(pool, x, shape)?, channels, pool, *count_include_pad))
        }
        Op::Reduce { reduction, axes, .. } => {
            let input = image(x)?;
            let joins = matches!(reduction, Reduction::Sum | Reduction::Mean | Reduction::Max | Reduction::Min);
            (axes == &[2, 3] && joins).then(|| Box::new(Global { reduction: *reduction, input }))?
        }
        Op::Lrn { size, alpha, beta, bias } => {
            let (size, alpha, beta, bias) = (*size, *alpha, *beta, *bias);
            (image(x).is_some() || x[1] == channels).then(|| Box::new(Lrn { channels, size, alpha, beta, bias }))?
        }
        Op::Identity => Box::new(Copy { channels }),
        _ => return None,
    })
}

/// Returns the size of a tensor that is an image.
fn image(shape: &[usize]) -> Option<Extent> {
    matches!(shape, [1, _, _, _]).then(|| Extent::of(shape))
}

fn window(
    [kernel, strides, dilations]: [[usize; 2]; 3],
    padding: Padding2d,
    input: &[usize],
    output: &[usize],
) -> Option<Window> {
    let size = |extent: Extent| [extent.height, extent.width];
    let (input, output) = (size(image(input)?), size(image(output)?));
    Some(Window { kernel, strides, dilations, before: [padding.top, padding.left], input, output })
}

fn window_of_conv(conv: &Conv, x: &[usize], weight: &HostTensor, shape: &[usize]) -> Option<Window> {
    let [_, _, rows, columns] = *weight.shape else { return None };
    window([[rows, columns], conv.strides, conv.dilations], conv.padding, x, shape)
}

fn window_of_pool(pool: &Pool, x: &[usize], shape: &[usize]) -> Option<Window> {
    window([pool.kernel, pool.strides, pool.dilations], pool.padding, x, shape)
}

fn is_depthwise(conv: &Conv, weight: &HostTensor) -> bool {
    conv.groups > 1 && weight.shape[1] == 1
}

/// Returns factor and offset of batch normalisation as `x * factor + offset`, calculated as in [`ops`](crate::ops).
fn batch_norm(epsilon: f32, scale: bool, bias: bool, constants: &[&HostTensor]) -> (Vec<f32>, Vec<f32>) {
    let mut given = constants.iter();
    let scale = scale.then(|| given.next()).flatten();
    let bias = bias.then(|| given.next()).flatten();
    let (Some(mean), Some(variance)) = (given.next(), given.next()) else {
        unreachable!("shape inference counts the inputs");
    };
    let factor: Vec<f32> = (variance.data.iter().enumerate())
        .map(|(channel, variance)| scale.map_or(1.0, |scale| scale.data[channel]) / (variance + epsilon).sqrt())
        .collect();
    let offset = (mean.data.iter().zip(&factor).enumerate())
        .map(|(channel, (mean, factor))| {
            let shift = mean * factor;
            bias.map_or(-shift, |bias| bias.data[channel] - shift)
        })
        .collect();
    (factor, offset)
}

/// A matrix product with a constant right operand.
struct Dense<'a> {
    rows: usize,
    inner: usize,
    columns: usize,
    transposed: bool,
    weight: &'a HostTensor,
    /// One number for each column.
    bias: Option<Vec<f32>>,
}

impl<'a> Dense<'a> {
    fn new(op: &Op, x: &[usize], constants: &[&'a HostTensor], shape: &[usize]) -> Option<Self> {
        let (weight, matrix) = (constants[0], constants[0].shape.as_slice());
        if Extent::of(x).positions() != 1 || Extent::of(shape).positions() != 1 {
            return None;
        }
        let (transposed, [inner, columns]) = match (op, matrix) {
            (Op::Gemm { trans_b: true, .. }, &[columns, inner]) => (true, [inner, columns]),
            (_, &[ref batch @ .., inner, columns]) if batch.iter().all(|&axis| axis == 1) => (false, [inner, columns]),
            (_, &[inner]) => (false, [inner, 1]),
            _ => return None,
        };
        let rows = x.iter().product::<usize>() / inner;
        let bias = match op {
            Op::Gemm { alpha, beta, trans_a, .. } => {
                // A column of A' is a row of A only if there is one row. A factor other than 1 is too rare for a
                // kernel.
                if (*trans_a && rows != 1) || *alpha != 1.0 {
                    return None;
                }
                match constants.get(1).filter(|_| *beta != 0.0) {
                    Some(bias) => Some(expanded(bias, &[1, columns])?.iter().map(|x| x * beta).collect()),
                    None => None,
                }
            }
            _ => None,
        };
        Some(Self { rows, inner, columns, transposed, weight, bias })
    }

    /// Packs the columns in a range.
    fn pack(&self, columns: std::ops::Range<usize>) -> Matrix {
        let bias = self.bias.as_deref().map(|bias| &bias[columns.clone()]);
        Matrix::pack(self.inner, columns.len(), bias, |k, column| self.at(k, columns.start + column))
    }

    fn at(&self, k: usize, column: usize) -> f32 {
        let (down, right) = if self.transposed { (1, self.inner) } else { (self.columns, 1) };
        self.weight.data[k * down + column * right]
    }
}

/// Returns the elements of `tensor` repeated to `shape`, row-major; `None` if the shapes do not broadcast.
fn expanded(tensor: &HostTensor, shape: &[usize]) -> Option<Vec<f32>> {
    let missing = shape.len().checked_sub(tensor.shape.len())?;
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for (axis, &length) in tensor.shape.iter().enumerate().rev() {
        if length != 1 {
            if length != shape[missing + axis] {
                return None;
            }
            strides[missing + axis] = stride;
        }
        stride *= length;
    }
    let place = |mut index: usize| {
        let mut at = 0;
        for (&length, &stride) in shape.iter().zip(&strides).rev() {
            at += index % length * stride;
            index /= length;
        }
        tensor.data[at]
    };
    Some((0..shape.iter().product()).map(place).collect())
}

fn zip(function: Function, inputs: &[Operand<'_>], shape: &[usize]) -> Option<Box<dyn Kernel>> {
    let extent = Extent::of(shape);
    let full = |x: &[usize]| Extent::of(x) == extent;
    let kernel = |other, swapped| Some(Box::new(Zip { function, extent, other, swapped }) as Box<dyn Kernel>);
    match *inputs {
        [Operand::Value(a), Operand::Value(b)] if full(a) && full(b) => kernel(Other::Map, false),
        [Operand::Value(a), Operand::Value(b)] => {
            let gates = |x: &[usize]| x == [1, extent.channels, 1, 1];
            match (full(a) && gates(b), gates(a) && full(b)) {
                (true, _) => kernel(Other::Gate, false),
                (_, true) => kernel(Other::Gate, true),
                _ => None,
            }
        }
        [Operand::Value(x), Operand::Constant(constant)] if full(x) => kernel(constant_rows(constant, shape)?, false),
        [Operand::Constant(constant), Operand::Value(x)] if full(x) => kernel(constant_rows(constant, shape)?, true),
        _ => None,
    }
}

/// Returns a constant that broadcasts to `shape`.
fn constant_rows(constant: &HostTensor, shape: &[usize]) -> Option<Other> {
    let extent = Extent::of(shape);
    if let [1, channels, _, _] = *shape
        && let Some(row) = expanded(constant, &[1, channels, 1, 1])
    {
        return Some(Other::Row(repeated(&row)));
    }
    let rows = extent.rows(&expanded(constant, shape)?);
    Some(if extent.positions() == 1 { Other::Row(repeated(&rows)) } else { Other::Rows(rows) })
}

fn concat(axis: usize, inputs: &[Operand<'_>], shape: &[usize]) -> Option<Box<dyn Kernel>> {
    let extent = Extent::of(shape);
    let values = inputs.iter().all(|input| matches!(input, Operand::Value(_)));
    // The rows of an image lie along axis 1. Any other tensor is a single row, which ends with the axes from `axis`
    // on.
    let rows = if image(shape).is_some() { axis == 1 } else { shape[..axis].iter().product::<usize>() == 1 };
    (values && rows).then(|| Box::new(Concat { channels: extent.channels }) as Box<dyn Kernel>)
}

/// Returns the only output channel that depends on element `element`, row-major, of constant input `input`; `None` if
/// several channels may depend on it.
fn channel_of(op: &Op, input: usize, element: usize, inputs: &[Operand<'_>]) -> Option<usize> {
    let shape = inputs.get(input)?.constant()?.shape.as_slice();
    match (op, input, shape) {
        (Op::Conv(_), 1, &[_, ref filter @ ..]) => Some(element / filter.iter().product::<usize>()),
        (Op::Conv(_), 2, _) => Some(element),
        (Op::Gemm { trans_b: true, .. }, 1, &[_, inner]) => Some(element / inner),
        (Op::Gemm { .. } | Op::MatMul, 1, &[.., _, columns]) => Some(element % columns),
        (Op::MatMul, 1, &[_]) => Some(0),
        // A bias of one number is added to all columns.
        (Op::Gemm { .. }, 2, &[.., columns]) if columns > 1 => Some(element % columns),
        _ => None,
    }
}

/// Builds a kernel that computes only the output channel that an edit reaches, with one element a row. Returns the
/// kernel and the channel; `None` if there is no such kernel. The results equal, bit for bit, those of a kernel that
/// [`build`] makes from the edited constant.
pub fn build_channel(
    op: &Op,
    inputs: &[Operand<'_>],
    outputs: &[Vec<usize>],
    edit: ConstantEdit,
) -> Option<(Box<dyn Kernel>, usize)> {
    let (&Operand::Value(x), constants) = inputs.split_first()? else { return None };
    let constants: Vec<&HostTensor> = constants.iter().map(Operand::constant).collect::<Option<_>>()?;
    let shape = outputs.first()?;
    if inputs.iter().any(|input| input.shape().contains(&0)) || shape.contains(&0) {
        return None;
    }
    let channel = channel_of(op, edit.operand, edit.element, inputs)?;
    // Only the channel's own weights are copied: a layer may have a hundred million weights.
    let kernel: Box<dyn Kernel> = match op {
        Op::Conv(conv) if conv.groups == 1 => {
            let filter = constants[0].data.len() / constants[0].shape[0];
            let weight =
                part(constants[0], 1, edit, channel * filter..(channel + 1) * filter, &constants[0].shape[1..]);
            let bias = constants.get(1).map(|bias| part(bias, 2, edit, channel..channel + 1, &[]));
            let window = window_of_conv(conv, x, &weight, shape)?;
            Box::new(Convolution::new(window, Extent::of(x), 1, &weight, bias.as_ref()))
        }
        Op::Conv(conv) => {
            let edited = |constant: &&HostTensor, operand| {
                part(constant, operand, edit, 0..constant.data.len(), &constant.shape[1..])
            };
            let (weight, bias) = (edited(&constants[0], 1), constants.get(1).map(|bias| edited(bias, 2)));
            let window = window_of_conv(conv, x, &weight, shape)?;
            if is_depthwise(conv, &weight) {
                Box::new(Depthwise::new(window, conv.groups, &weight, bias.as_ref(), channel..channel + 1))
            } else {
                Box::new(Convolution::channel(window, Extent::of(x), conv.groups, &weight, bias.as_ref(), channel))
            }
        }
        Op::Gemm { .. } | Op::MatMul => {
            let dense = Dense::new(op, x, &constants, shape).filter(|dense| dense.rows == 1)?;
            let mut column: Vec<f32> = (0..dense.inner).map(|k| dense.at(k, channel)).collect();
            let mut bias = dense.bias.as_ref().map(|bias| bias[channel]);
            match (op, edit.operand) {
                (_, 1) if dense.transposed => column[edit.element % dense.inner] = edit.value,
                (_, 1) => column[edit.element / dense.columns] = edit.value,
                (Op::Gemm { beta, .. }, _) => bias = bias.map(|_| edit.value * beta),
                _ => return None,
            }
            let bias = bias.as_slice();
            let matrix = Matrix::pack(dense.inner, 1, (!bias.is_empty()).then_some(bias), |k, _| column[k]);
            Box::new(Linear { matrix, rows: 1 })
        }
        _ => return None,
    };
    Some((kernel, channel))
}

/// Returns the elements `range` of constant input `operand`, with the edit, as entries of shape `entry`.
fn part(
    tensor: &HostTensor,
    operand: usize,
    edit: ConstantEdit,
    range: std::ops::Range<usize>,
    entry: &[usize],
) -> HostTensor {
    let mut data = tensor.data[range.clone()].to_vec();
    if edit.operand == operand && range.contains(&edit.element) {
        data[edit.element - range.start] = edit.value;
    }
    let entries = data.len() / entry.iter().product::<usize>();
    HostTensor { shape: [&[entries], entry].concat(), data: data.into() }
}

impl<'a> Operand<'a> {
    fn shape(&self) -> &'a [usize] {
        match *self {
            Self::Value(shape) => shape,
            Self::Constant(tensor) => &tensor.shape,
        }
    }

    fn constant(&self) -> Option<&'a HostTensor> {
        match *self {
            Self::Value(_) => None,
            Self::Constant(tensor) => Some(tensor),
        }
    }
}
