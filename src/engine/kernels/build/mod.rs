//! Building the kernels of an operator.

mod integers;
mod pairs;
mod products;

use facts::graph::{Conv, HostTensor, Interpolation, Op, Padding2d, Pool, Reduction, Resize};

use super::channels::{Lrn, Softmax};
use super::conv::Convolution;
use super::depthwise::Depthwise;
use super::generic::Generic;
use super::linear::Linear;
use super::matrix::Matrix;
use super::mix::Mixing;
use super::normalise::Normalise;
use super::pool::Pooling;
use super::rearrange::{Copy, rearrange};
use super::reduce::{Each, Global};
use super::scale::{Constants, Scale};
use super::unary::Elementwise;
use super::window::Window;
use super::zip::Function;
use super::{ConstantEdit, Extent, Form, Kernel, Operand, Order};
use pairs::{concat, zip};
use products::{Dense, attend, einsum_product, product};

/// Builds the kernels of an operator, one for each output; `outputs` are their forms. Without a kernel of our
/// own for these settings and shapes, the result runs on burn.
///
/// The caller splits chains into their steps.
pub fn build(op: &Op, inputs: &[Operand<'_>], outputs: &[Form<'_>]) -> Vec<Box<dyn Kernel>> {
    let generic = |output| -> Box<dyn Kernel> { Box::new(Generic::new(op, inputs, outputs, output)) };
    own(op, inputs, outputs).unwrap_or_else(|| (0..outputs.len()).map(generic).collect())
}

fn own(op: &Op, inputs: &[Operand<'_>], outputs: &[Form<'_>]) -> Option<Vec<Box<dyn Kernel>>> {
    let shapes = inputs.iter().map(Operand::shape).chain(outputs.iter().map(|form| form.shape));
    if shapes.into_iter().any(|shape| shape.contains(&0)) {
        return None;
    }
    if let (true, [Operand::Value(x)]) = (moves(op), inputs) {
        return rearrange(op, *x, outputs);
    }
    if *op == Op::DynamicQuantize && matches!(inputs, [Operand::Value(_)]) {
        return Some(integers::dynamic(outputs));
    }
    Some(vec![single(op, inputs, *outputs.first()?)?])
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

/// Returns whether the operator's kernels read and write the same positions.
fn is_local(op: &Op) -> bool {
    matches!(op, Op::BatchNorm { .. } | Op::Affine { .. } | Op::Unary(_) | Op::Softmax { .. } | Op::Lrn { .. })
        || matches!(op, Op::Normalise(_) | Op::Identity)
}

/// Builds the kernel of an operator with one output.
fn single(op: &Op, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    match op {
        Op::Binary(function) => return zip(Function::Binary(*function), inputs, shape),
        Op::PRelu if matches!(inputs, [Operand::Value(_), Operand::Constant(_)]) => {
            return zip(Function::PRelu, inputs, shape);
        }
        Op::Concat { axis } => return concat(*axis, inputs, shape),
        Op::MatMul if matches!(inputs, [Operand::Value(_), Operand::Value(_)]) => return product(inputs, shape),
        Op::Einsum(einsum) => return einsum_product(einsum, inputs, shape),
        Op::Attention(attention) => return attend(attention, inputs, shape),
        Op::Integer(settings) => return integers::integer(settings, inputs, shape),
        Op::Quantize { .. } | Op::Dequantize { .. } => return integers::coded(op, inputs, shape),
        _ => {}
    }
    let (&Operand::Value(x), constants) = inputs.split_first()? else { return None };
    let constants: Vec<&HostTensor> = constants.iter().map(Operand::constant).collect::<Option<_>>()?;
    let (channels, positions) = (x.extent.channels, x.extent.positions());
    if is_local(op) && x.extent != shape.extent {
        return None;
    }
    Some(match op {
        Op::Conv(conv) => {
            let window = window_of_conv(conv, x, constants[0], shape)?;
            let (weight, bias) = (constants[0], constants.get(1).copied());
            if is_depthwise(conv, weight) {
                Box::new(Depthwise::new(window, conv.groups, weight, bias, 0..weight.shape[0]))
            } else {
                Box::new(Convolution::new(window, x.extent, conv.groups, weight, bias))
            }
        }
        Op::Gemm { .. } | Op::MatMul => {
            let dense = Dense::new(op, x, &constants, shape)?;
            Box::new(Linear { matrix: dense.pack(0..dense.columns) })
        }
        Op::BatchNorm { epsilon, scale, bias } => {
            let (factor, offset) = batch_norm(*epsilon, *scale, *bias, &constants);
            let along = |constants: &[f32]| Constants::along(1, x, constants);
            Box::new(Scale::new(x.extent, along(&factor), Some(along(&offset))))
        }
        Op::Affine { axis, factor, offset } => {
            let zero = offset.iter().all(|&offset| offset == 0.0);
            let along = |constants: &[f32]| Constants::along(*axis, x, constants);
            Box::new(Scale::new(x.extent, along(factor), (!zero).then(|| along(offset))))
        }
        Op::Unary(function) => Box::new(Elementwise { function: *function, channels }),
        Op::Softmax { axis, to_end, log } => {
            let lengths = if *to_end { &x.shape[*axis..] } else { &x.shape[*axis..=*axis] };
            let after: usize = x.shape[*axis + 1..].iter().product();
            let rows = match x.extent.order {
                _ if positions == 1 => lengths.iter().product::<usize>() == channels,
                Order::Channels => *axis == 1 && !to_end,
                Order::Last => after == 1 && x.shape[*axis] == channels,
            };
            rows.then(|| Box::new(Softmax { channels, log: *log }))?
        }
        Op::MaxPool(pool) => Box::new(Pooling::max(window_of_pool(pool, x, shape)?, channels)),
        Op::AveragePool { pool, count_include_pad } => {
            Box::new(Pooling::average(window_of_pool(pool, x, shape)?, channels, pool, *count_include_pad))
        }
        Op::Reduce { reduction, axes, .. } => return reduce(*reduction, axes, x, shape),
        Op::Lrn { size, alpha, beta, bias } => {
            let (size, alpha, beta, bias) = (*size, *alpha, *beta, *bias);
            let rows = image(x).is_some() || positions == 1 && x.shape[1] == channels;
            rows.then(|| Box::new(Lrn { channels, size, alpha, beta, bias }))?
        }
        Op::Mix(mix) => Box::new(Mixing::new(mix, x, shape)?),
        Op::Normalise(settings) => Box::new(normalise(settings, x, &constants)?),
        Op::Identity => Box::new(Copy { channels }),
        _ => return None,
    })
}

fn reduce(reduction: Reduction, axes: &[usize], x: Form<'_>, shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let last = x.shape.len().checked_sub(1)?;
    let Extent { height, width, channels, order } = x.extent;
    let all = match order {
        Order::Channels => axes == [2, 3],
        // All axes but the last; those of length 1 do not count.
        Order::Last => {
            x.shape[last] == channels
                && !axes.contains(&last)
                && (0..last).all(|axis| axes.contains(&axis) || x.shape[axis] == 1)
        }
    };
    let joins = matches!(reduction, Reduction::Sum | Reduction::Mean | Reduction::Max | Reduction::Min);
    if all && joins && shape.extent.positions() == 1 {
        return Some(Box::new(Global { reduction, input: x.extent }));
    }
    let rows = match order {
        Order::Channels => axes == [1],
        Order::Last => axes == [last] && x.shape[last] == channels,
    };
    let one = Extent { height, width, channels: 1, order: shape.extent.order };
    (rows && shape.extent == one).then(|| Box::new(Each { reduction, channels }) as Box<dyn Kernel>)
}

/// Returns the size of a tensor that is an image.
fn image(x: Form<'_>) -> Option<Extent> {
    (x.extent.order == Order::Channels).then_some(x.extent)
}

fn window(
    [kernel, strides, dilations]: [[usize; 2]; 3],
    padding: Padding2d,
    input: Form<'_>,
    output: Form<'_>,
) -> Option<Window> {
    let size = |extent: Extent| [extent.height, extent.width];
    let (input, output) = (size(image(input)?), size(image(output)?));
    Some(Window { kernel, strides, dilations, before: [padding.top, padding.left], input, output })
}

fn window_of_conv(conv: &Conv, x: Form<'_>, weight: &HostTensor, shape: Form<'_>) -> Option<Window> {
    let [_, _, rows, columns] = *weight.shape else { return None };
    window([[rows, columns], conv.strides, conv.dilations], conv.padding, x, shape)
}

fn window_of_pool(pool: &Pool, x: Form<'_>, shape: Form<'_>) -> Option<Window> {
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

/// Returns the normalisation of each row; `None` if other elements are normalised together.
fn normalise(settings: &facts::graph::Normalise, x: Form<'_>, constants: &[&HostTensor]) -> Option<Normalise> {
    let facts::graph::Normalise { axes, groups, centred, epsilon, scale, bias, along } = settings;
    let Form { shape, extent } = x;
    let rows = match extent.order {
        Order::Channels => axes[..] == [1],
        Order::Last => axes[..] == [shape.len() - 1] && shape[shape.len() - 1] == extent.channels,
    };
    let axis = axes[0];
    let own = |tensor: &&HostTensor| -> Option<Vec<f32>> {
        match (tensor.shape.as_slice(), tensor.data.as_ref()) {
            (&[] | &[1], &[one]) => Some(vec![one; extent.channels]),
            (&[length], data) => (*along == axis && length == extent.channels).then(|| data.to_vec()),
            _ => None,
        }
    };
    if !rows || *groups != 1 {
        return None;
    }
    let mut constants = constants.iter();
    let scale = if *scale { Some(own(constants.next()?)?) } else { None };
    let bias = if *bias { Some(own(constants.next()?)?) } else { None };
    Some(Normalise { channels: extent.channels, centred: *centred, epsilon: *epsilon, scale, bias })
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
    outputs: &[Form<'_>],
    edit: ConstantEdit,
) -> Option<(Box<dyn Kernel>, usize)> {
    if let Op::Integer(settings) = op {
        return integers::channel(settings, inputs, *outputs.first()?, edit);
    }
    let (&Operand::Value(x), constants) = inputs.split_first()? else { return None };
    let constants: Vec<&HostTensor> = constants.iter().map(Operand::constant).collect::<Option<_>>()?;
    let shape = *outputs.first()?;
    if inputs.iter().any(|input| input.shape().contains(&0)) || shape.shape.contains(&0) {
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
            Box::new(Convolution::new(window, x.extent, 1, &weight, bias.as_ref()))
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
                Box::new(Convolution::channel(window, x.extent, conv.groups, &weight, bias.as_ref(), channel))
            }
        }
        Op::Gemm { .. } | Op::MatMul => {
            let dense = Dense::new(op, x, &constants, shape)?;
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
            Box::new(Linear { matrix })
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
    pub(super) fn shape(&self) -> &'a [usize] {
        match *self {
            Self::Value(form) => form.shape,
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
