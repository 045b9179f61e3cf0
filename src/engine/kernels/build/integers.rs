//! Operators on integers.

use facts::graph::{Conv, HostTensor, Integer, IntegerFunction, Op, Reduction, Role, Scaled, bounds};

use super::super::conv::Convolution;
use super::super::depthwise::Depthwise;
use super::super::integer::{
    Averages, Coded, Covering, Dots, Factors, Finish, Joined, Part, Reads, Shares, Shift, Sums, Table, Zero, Zipped,
};
use super::super::linear::Linear;
use super::super::matrix::Matrix;
use super::super::pool::Pooling;
use super::super::reduce::Global;
use super::super::scale::Constants;
use super::super::window::Window;
use super::super::{ConstantEdit, Extent, Form, Kernel, Operand, Order};
use super::products::{Dense, product};
use super::{build, image, is_depthwise, single, window_of_conv, window_of_pool};
use crate::ops::integer::{Product, Sum, factor, function, table};
use crate::platform::has_dots;

/// Integers up to here are float32 numbers.
const EXACT: f64 = (1 << 24) as f64;
/// Input channels of a group from which on products of bytes are quicker than loops over channels.
const LEAST_DEPTH: usize = 3;
/// The largest difference of two integers of 8 bits.
const WIDEST: f64 = 255.0;

/// Returns the kernels of the quantization that finds the scale itself.
pub(super) fn dynamic(outputs: &[Form<'_>]) -> Vec<Box<dyn Kernel>> {
    let parts = [Part::Integers, Part::Scale, Part::Zero].into_iter().zip(outputs);
    parts.map(|(part, form)| Box::new(Covering { part, output: form.extent }) as Box<dyn Kernel>).collect()
}

/// Returns the kernel from numbers to integers of the format, or back.
pub(super) fn coded(op: &Op, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let (axis, block, to) = match op {
        Op::Quantize { axis, block, format } => (*axis, *block, Some(bounds(*format))),
        Op::Dequantize { axis, block } => (*axis, *block, None),
        _ => return None,
    };
    let (&Operand::Value(x), &[Operand::Constant(scale), ref zero @ ..]) = inputs.split_first()? else { return None };
    let zero = match *zero {
        [] => None,
        [Operand::Constant(zero)] => Some(zero),
        _ => return None,
    };
    if x.extent != shape.extent || block != 1 && scale.data.len() > 1 {
        return None;
    }
    let along = |constants: &[f32]| Constants::along(axis, x, constants);
    let zeros = zero.map_or_else(|| along(&[0.0]), |zero| along(&zero.data));
    Some(Box::new(Coded { extent: x.extent, scale: along(&scale.data), zero: zeros, to }))
}

/// An operator with its inputs.
struct Given<'a> {
    integer: &'a Integer,
    inputs: &'a [Operand<'a>],
    edit: Option<ConstantEdit>,
}

impl<'a> Given<'a> {
    /// Returns a constant, which the edit may change.
    fn constant(&self, input: usize) -> Option<&'a HostTensor> {
        self.inputs.get(input)?.constant()
    }

    /// Returns element `element`, of `count` or of one for all, of a constant.
    fn element(&self, input: usize, element: usize) -> Option<f32> {
        let data = &self.constant(input)?.data;
        let element = if data.len() == 1 { 0 } else { element };
        match self.edit {
            Some(edit) if (edit.operand, edit.element) == (input, element) => Some(edit.value),
            _ => data.get(element).copied(),
        }
    }

    fn one(&self, input: Option<usize>, otherwise: f32) -> Option<f32> {
        input.map_or(Some(otherwise), |input| self.element(input, 0))
    }

    /// Returns scale and zero point of a tensor.
    fn scaled(&self, of: Scaled) -> Option<(f32, f32)> {
        Some((self.one(of.scale, 1.0)?, self.one(of.zero, 0.0)?))
    }

    fn output(&self) -> Option<(f32, f32)> {
        let input = |role| self.integer.input(role);
        Some((self.one(input(Role::OutputScale), 1.0)?, self.one(input(Role::OutputZero), 0.0)?))
    }

    /// Returns the index of an input among those that are known at run time.
    fn nth(&self, input: usize) -> usize {
        self.inputs[..input].iter().filter(|input| matches!(input, Operand::Value(_))).count()
    }

    fn value(&self, input: usize) -> Option<Form<'a>> {
        match self.inputs.get(input)? {
            Operand::Value(form) => Some(*form),
            Operand::Constant(_) => None,
        }
    }

    /// Returns the end of sums of the columns `columns`, none larger than `largest`.
    fn finish(&self, alpha: f32, columns: impl Iterator<Item = usize> + Clone, largest: f64) -> Option<Finish> {
        let operands = self.integer.operands();
        let of_bias = self.integer.input(Role::Bias);
        let bias = columns.clone().map(|column| of_bias.map_or(Some(0.0), |input| self.element(input, column)));
        let bias: Vec<f32> = bias.collect::<Option<_>>()?;
        let output = match self.integer.input(Role::OutputScale) {
            Some(input) => Some(self.element(input, 0)?),
            None => None,
        };
        let scale = match (operands[0].scale, operands[1].scale) {
            (Some(a), Some(b)) => {
                let a = self.element(a, 0)?;
                let scales = columns.map(|column| Some(factor(alpha, a, self.element(b, column)?, output)));
                Some(scales.collect::<Option<Vec<f32>>>()?)
            }
            _ => None,
        };
        let (_, zero) = self.output()?;
        Some(Finish::new(&bias, scale.as_deref(), zero, output.map(|_| self.integer.bounds()), largest))
    }

    fn zero(&self, of: Scaled) -> Option<Zero> {
        match of.zero {
            Some(input) if self.value(input).is_some() => Some(Zero::Input(self.nth(input))),
            zero => self.one(zero, 0.0).map(Zero::Constant),
        }
    }
}

/// Returns whether the operator sums up products.
fn is_product(function: &IntegerFunction) -> bool {
    matches!(function, IntegerFunction::Conv(_) | IntegerFunction::MatMul | IntegerFunction::Gemm { .. })
}

/// Returns the kernel of an operator on integers; `None` where its loops compute it.
pub(super) fn integer(integer: &Integer, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let given = Given { integer, inputs, edit: None };
    let operands = integer.operands();
    if is_product(&integer.function) {
        return sums(&given, shape, None);
    }
    let forms = operands.iter().map(|operand| given.value(operand.tensor)).collect::<Option<Vec<_>>>()?;
    let scaled = operands.iter().map(|&operand| given.scaled(operand)).collect::<Option<Vec<_>>>()?;
    let (x, from, to, bounds) = (forms[0], scaled[0], given.output()?, integer.bounds());
    let channels = shape.extent.channels;
    let same = forms.iter().all(|form| form.extent == shape.extent && form.shape == shape.shape);
    let low = bounds.0;
    Some(match &integer.function {
        IntegerFunction::Add if same => Box::new(Zipped::Sum(channels, Sum::new([from, scaled[1], to], bounds))),
        IntegerFunction::Mul if same => {
            Box::new(Zipped::Product(channels, Product::new([from, scaled[1], to], bounds)))
        }
        IntegerFunction::Unary(unary) if same => {
            Box::new(Table { channels, low, outputs: table(from, to, low, bounds, function(*unary)) })
        }
        IntegerFunction::GlobalAveragePool => {
            let Extent { height, width, .. } = image(x)?;
            let area = height * width;
            let largest = WIDEST * area as f64;
            if largest > EXACT || shape.extent.positions() != 1 {
                return None;
            }
            let scale = vec![from.0 / (to.0 * area as f32); channels];
            let finish = Finish::new(&vec![0.0; channels], Some(&scale), to.1, Some(bounds), largest);
            let sum = Global { reduction: Reduction::Sum, input: x.extent };
            let shifts = vec![Shift { input: 0, zero: Zero::Constant(from.1) }];
            Box::new(Sums { shifts, reads: Reads::Whole, parts: vec![Box::new(sum)], finish, output: shape.extent })
        }
        IntegerFunction::AveragePool { pool, count_include_pad } => {
            let means = Pooling::average(window_of_pool(pool, x, shape)?, channels, pool, *count_include_pad);
            Box::new(Averages { means: Box::new(means), from, to, bounds })
        }
        IntegerFunction::Concat { axis } => {
            let positions = |form: &Form<'_>| (form.extent.height, form.extent.width, form.extent.order);
            let rows = match shape.extent.order {
                Order::Channels => *axis == 1,
                Order::Last => axis + 1 == shape.shape.len(),
            };
            let fits = forms.iter().all(|form| positions(form) == positions(&shape));
            let total: usize = forms.iter().map(|form| form.extent.channels).sum();
            if !rows || !fits || total != channels {
                return None;
            }
            let own = |&from: &(f32, f32)| (from != to).then(|| table(from, to, low, bounds, |x| x));
            Box::new(Joined { channels, low, tables: scaled.iter().map(own).collect() })
        }
        IntegerFunction::Softmax { axis, end } => {
            let length: usize = shape.shape[*axis..*end].iter().product();
            let rows = match shape.extent.order {
                Order::Channels => *axis == 1 && *end == 2,
                Order::Last => *end == shape.shape.len() || shape.extent.positions() == 1,
            };
            if !rows || length != channels || !same {
                return None;
            }
            Box::new(Shares::new(shape.extent, from.0, to, bounds))
        }
        _ => return None,
    })
}

/// Returns the kernel of the only output channel that an edit of a constant reaches, and the channel.
pub(super) fn channel(
    integer: &Integer,
    inputs: &[Operand<'_>],
    shape: Form<'_>,
    edit: ConstantEdit,
) -> Option<(Box<dyn Kernel>, usize)> {
    if !is_product(&integer.function) {
        return None;
    }
    let given = Given { integer, inputs, edit: Some(edit) };
    let operands = integer.operands();
    let &[_, second] = &operands[..] else { return None };
    let tensor = &given.constant(edit.operand)?;
    let weight = given.constant(second.tensor)?;
    let channel = match edit.operand {
        operand if operand == second.tensor => Factor::of(&integer.function, weight)?.column(edit.element),
        operand if tensor.data.len() > 1 || Some(operand) == integer.input(Role::Bias) => {
            let is_its = [second.scale, second.zero, integer.input(Role::Bias)].contains(&Some(operand));
            is_its.then_some(edit.element)?
        }
        _ => return None,
    };
    Some((sums(&given, shape, Some(channel))?, channel))
}

/// The second factor of products as columns of elements that are summed over.
#[derive(Clone, Copy)]
struct Factor {
    columns: usize,
    inner: usize,
    /// Whether the elements of a column lie together.
    together: bool,
}

impl Factor {
    fn of(function: &IntegerFunction, weight: &HostTensor) -> Option<Self> {
        let (columns, inner, together) = match (function, &weight.shape[..]) {
            (IntegerFunction::Conv(_), &[features, ref filter @ ..]) => (features, filter.iter().product(), true),
            (IntegerFunction::Gemm { trans_b: true, .. }, &[columns, inner]) => (columns, inner, true),
            (_, &[ref batch @ .., inner, columns]) if batch.iter().all(|&axis| axis == 1) => (columns, inner, false),
            (_, &[inner]) => (1, inner, true),
            _ => return None,
        };
        Some(Self { columns, inner, together })
    }

    fn index(self, column: usize, k: usize) -> usize {
        if self.together { column * self.inner + k } else { k * self.columns + column }
    }

    fn column(self, element: usize) -> usize {
        if self.together { element / self.inner } else { element % self.columns }
    }

    fn k(self, element: usize) -> usize {
        if self.together { element % self.inner } else { element / self.columns }
    }

    /// Cuts the inner axis into parts in which no sum of 8-bit integers times `data` exceeds what float32 holds; returns the
    /// starts, and the largest sum of all.
    fn cuts(self, data: &[f32]) -> (Vec<usize>, f64) {
        let mut sums = vec![0f64; self.columns];
        let (mut starts, mut total) = (vec![0], vec![0f64; self.columns]);
        for k in 0..self.inner {
            let of = |column: usize| WIDEST * f64::from(data[self.index(column, k)].abs());
            if (0..self.columns).any(|column| sums[column] + of(column) > EXACT) {
                starts.push(k);
                sums.fill(0.0);
            }
            for column in 0..self.columns {
                sums[column] += of(column);
                total[column] += of(column);
            }
        }
        (starts, total.into_iter().fold(0.0, f64::max))
    }
}

/// Returns sums of products; of one channel only, where it is given.
fn sums(given: &Given<'_>, shape: Form<'_>, only: Option<usize>) -> Option<Box<dyn Kernel>> {
    let integer = given.integer;
    let operands = integer.operands();
    let &[first, second] = &operands[..] else { return None };
    let x = given.value(first.tensor)?;
    let zero = given.zero(first)?;
    let output = Extent { channels: if only.is_some() { 1 } else { shape.extent.channels }, ..shape.extent };
    let shift = Shift { input: given.nth(first.tensor), zero };
    let alpha = if let IntegerFunction::Gemm { alpha, .. } = integer.function { alpha } else { 1.0 };
    let Some(weight) = given.constant(second.tensor) else {
        let b = given.value(second.tensor)?;
        let largest = WIDEST * WIDEST * *x.shape.last()? as f64;
        if integer.function != IntegerFunction::MatMul || largest > EXACT {
            return None;
        }
        let kernel = product(&[Operand::Value(x), Operand::Value(b)], shape)?;
        let shifts = vec![shift, Shift { input: given.nth(second.tensor), zero: given.zero(second)? }];
        let finish = given.finish(alpha, 0..output.channels, largest)?;
        return Some(Box::new(Sums { shifts, reads: Reads::Whole, parts: vec![kernel], finish, output }));
    };
    let factor = Factor::of(&integer.function, weight)?;
    let groups = if let IntegerFunction::Conv(conv) = &integer.function { conv.groups } else { 1 };
    // Of one channel all that the kernel needs is its own column, unless there are groups.
    let own = only.filter(|_| groups == 1);
    let columns = own.map_or(0..factor.columns, |column| column..column + 1);
    let held = Factor { columns: columns.len(), ..factor };
    let mut data = vec![0.0; held.columns * held.inner];
    for (place, column) in columns.clone().enumerate() {
        let zero = second.zero.map_or(Some(0.0), |input| given.element(input, column))?;
        for k in 0..factor.inner {
            data[held.index(place, k)] = given.element(second.tensor, factor.index(column, k))? - zero;
        }
    }
    let (starts, largest) = held.cuts(&data);
    let of_columns = only.map_or(0..factor.columns, |column| column..column + 1);
    let finish = given.finish(alpha, of_columns, largest)?;
    let is_byte = |&w: &f32| (-128.0..=127.0).contains(&w);
    if has_dots()
        && (only.is_none() || own.is_some())
        && data.iter().all(is_byte)
        && let Some(window) = window_of_product(&integer.function, x, weight, shape, only)
        && x.extent.channels / groups >= LEAST_DEPTH
    {
        let taps = window.kernel[0] * window.kernel[1];
        let at = |channel: usize, tap: usize, column: usize| data[held.index(column, channel * taps + tap)] as i8;
        let factors = Factors { groups, columns: output.channels, at: &at };
        let (least, _) = bounds(integer.input);
        return Some(Box::new(Dots::new(shift, least, window, x.extent, &factors, finish)));
    }
    let tensor = |data: Vec<f32>| {
        let mut shape = weight.shape.clone();
        match integer.function {
            _ if own.is_none() => {}
            IntegerFunction::Conv(_) => shape[0] = 1,
            _ => shape = vec![held.inner, 1],
        }
        HostTensor { shape, data: data.into() }
    };
    let part = |(nth, &start): (usize, &usize)| {
        let end = starts.get(nth + 1).copied().unwrap_or(held.inner);
        let inside = |(index, &w): (usize, &f32)| if (start..end).contains(&held.k(index)) { w } else { 0.0 };
        let weight = tensor(data.iter().enumerate().map(inside).collect());
        let kernel = match &integer.function {
            IntegerFunction::Conv(conv) => convolution(conv, x, &weight, shape, only)?,
            _ => dense(&integer.function, x, &weight, shape, own)?,
        };
        Some(kernel)
    };
    let parts: Vec<(Box<dyn Kernel>, Reads)> = starts.iter().enumerate().map(part).collect::<Option<_>>()?;
    let (parts, mut reads): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Some(Box::new(Sums { shifts: vec![shift], reads: reads.pop()?, parts, finish, output }))
}

/// Returns the window of a convolution, or of a product whose rows are positions.
fn window_of_product(
    function: &IntegerFunction,
    x: Form<'_>,
    weight: &HostTensor,
    shape: Form<'_>,
    only: Option<usize>,
) -> Option<Window> {
    if let IntegerFunction::Conv(conv) = function {
        return window_of_conv(conv, x, weight, shape);
    }
    let factor = Factor::of(function, weight)?;
    let size = |extent: Extent| [extent.height, extent.width];
    let one = x.extent.positions() == 1 && shape.extent.positions() == 1;
    let alike = one || (x.extent.order, shape.extent.order) == (Order::Last, Order::Last);
    let turned = matches!(function, IntegerFunction::Gemm { trans_a: true, .. });
    let fits = x.extent.channels == factor.inner && (only.is_some() || shape.extent.channels == factor.columns);
    let is_rows = alike && fits && size(x.extent) == size(shape.extent) && (one || !turned);
    is_rows.then(|| Window::each(size(x.extent)))
}

/// Returns a convolution of numbers; of one channel only, where it is given. A weight of one filter is that channel's.
fn convolution(
    conv: &Conv,
    x: Form<'_>,
    weight: &HostTensor,
    shape: Form<'_>,
    only: Option<usize>,
) -> Option<(Box<dyn Kernel>, Reads)> {
    let window = window_of_conv(conv, x, weight, shape);
    let kernel: Box<dyn Kernel> = match (only, window) {
        (Some(_), Some(window)) if conv.groups == 1 => Box::new(Convolution::new(window, x.extent, 1, weight, None)),
        (Some(channel), Some(window)) if is_depthwise(conv, weight) => {
            Box::new(Depthwise::new(window, conv.groups, weight, None, channel..channel + 1))
        }
        (Some(channel), Some(window)) => {
            Box::new(Convolution::channel(window, x.extent, conv.groups, weight, None, channel))
        }
        (Some(_), None) => return None,
        (None, window) => {
            let (op, inputs) = (Op::Conv(conv.clone()), [Operand::Value(x), Operand::Constant(weight)]);
            return Some(match (single(&op, &inputs, shape), window) {
                (Some(kernel), Some(window)) => (kernel, Reads::Window(window)),
                _ => (build(&op, &inputs, &[shape]).pop()?, Reads::Whole),
            });
        }
    };
    Some((kernel, Reads::Window(window?)))
}

/// Returns a matrix product of numbers; a weight of one column is that of the only channel.
fn dense(
    function: &IntegerFunction,
    x: Form<'_>,
    weight: &HostTensor,
    shape: Form<'_>,
    only: Option<usize>,
) -> Option<(Box<dyn Kernel>, Reads)> {
    let op = match function {
        IntegerFunction::Gemm { trans_a, trans_b, .. } => {
            Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: *trans_a, trans_b: *trans_b && only.is_none() }
        }
        _ => Op::MatMul,
    };
    if only.is_some() {
        let rows = x.extent.positions();
        let alike = rows == 1 || (x.extent.order, shape.extent.order) == (Order::Last, Order::Last);
        let turned = matches!(op, Op::Gemm { trans_a: true, .. });
        if !alike || turned && rows != 1 || x.extent.channels != weight.shape[0] || rows != shape.extent.positions() {
            return None;
        }
        let matrix = Matrix::pack(weight.shape[0], 1, None, |k, _| weight.data[k]);
        return Some((Box::new(Linear { matrix }), Reads::Same));
    }
    if let Some(dense) = Dense::new(&op, x, &[weight], shape) {
        return Some((Box::new(Linear { matrix: dense.pack(0..dense.columns) }), Reads::Same));
    }
    let inputs = [Operand::Value(x), Operand::Constant(weight)];
    Some((build(&op, &inputs, &[shape]).pop()?, Reads::Whole))
}
