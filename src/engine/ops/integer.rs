//! Operators on integers, on the CPU.
//!
//! The formulas are those of onnxruntime: its integers come out of them exactly. An element of a tensor is a float32 that
//! holds the integer; sums are made in 64 bits and wrap at 32. The [`kernels`](crate::kernels) compute the same faster, and
//! are compared with these loops.

use burn::tensor::Device;
use facts::graph::{Conv, Integer, IntegerFunction, Pool, Role, Scaled, Unary, as_image, bounds};
use futures_util::FutureExt;

use super::Array;

/// Returns the nearest integer of `v + zero` within `bounds`, halves to the even one before `zero` is added. NaN becomes the
/// smallest integer, as on x86-64.
#[inline(always)]
pub fn nearest(v: f32, zero: f32, bounds: (f32, f32)) -> f32 {
    let (least, most) = (bounds.0 - zero, bounds.1 - zero);
    let v = if v > least { v } else { least };
    let v = if v < most { v } else { most };
    v.round_ties_even() + zero
}

/// Returns `a * b + c`, rounded once. Without a fused instruction float64 gives the same for numbers of few bits.
#[inline(always)]
pub fn fused(fma: bool, a: f32, b: f32, c: f32) -> f32 {
    if fma { a.mul_add(b, c) } else { (f64::from(a) * f64::from(b) + f64::from(c)) as f32 }
}

/// The sum of two tensors of integers as one formula.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    ratios: [f32; 2],
    fixed: f32,
    bounds: (f32, f32),
}

impl Sum {
    /// Makes the sum from scale and zero point of both tensors and of the output.
    pub fn new([a, b, output]: [(f32, f32); 3], bounds: (f32, f32)) -> Self {
        let ratios = [a.0 / output.0, b.0 / output.0];
        Self { ratios, fixed: output.1 - fused(false, ratios[0], a.1, ratios[1] * b.1), bounds }
    }

    /// Adds two elements.
    #[inline(always)]
    pub fn of(&self, fma: bool, a: f32, b: f32) -> f32 {
        nearest(fused(fma, a, self.ratios[0], fused(fma, b, self.ratios[1], self.fixed)), 0.0, self.bounds)
    }
}

/// The product of two tensors of integers as one formula.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    zeros: [f32; 3],
    ratio: f32,
    bounds: (f32, f32),
}

impl Product {
    /// Makes the product from scale and zero point of both tensors and of the output.
    pub fn new([a, b, output]: [(f32, f32); 3], bounds: (f32, f32)) -> Self {
        Self { zeros: [a.1, b.1, output.1], ratio: a.0 * b.0 / output.0, bounds }
    }

    /// Multiplies two elements.
    #[inline(always)]
    pub fn of(&self, a: f32, b: f32) -> f32 {
        let product = (a - self.zeros[0]) * (b - self.zeros[1]);
        nearest(product * self.ratio + self.zeros[2], 0.0, self.bounds)
    }
}

/// Returns the output of each integer from the smallest to the largest of 8 bits, under `function` of the number that it
/// means.
pub fn table(
    from: (f32, f32),
    to: (f32, f32),
    low: f32,
    bounds: (f32, f32),
    function: impl Fn(f32) -> f32,
) -> Vec<f32> {
    let of = |index: u16| {
        let x = (low + f32::from(index) - from.1) * from.0;
        nearest(function(x) / to.0, to.1, bounds)
    };
    (0..256).map(of).collect()
}

/// The functions of one element that operators on integers know.
pub fn function(unary: Unary) -> impl Fn(f32) -> f32 {
    move |x: f32| match unary {
        Unary::Sigmoid => (1.0 / (1.0 + (-f64::from(x)).exp())) as f32,
        Unary::LeakyRelu { alpha } => {
            if x < 0.0 {
                x * alpha
            } else {
                x
            }
        }
        _ => x,
    }
}

/// Returns the exponentials of a softmax over `length` elements, as integers: entry `i` is that of `i - 255` steps.
pub fn exponentials(scale: f32, length: usize) -> Vec<u64> {
    let largest = (f64::from(u32::MAX) / length as f64).min(f64::from(0x7f_ffff));
    (0..256).map(|index| (largest * (f64::from(index - 255) * f64::from(scale)).exp()) as u64).collect()
}

/// Computes the softmax of one row of integers; `steps` are [`exponentials`].
pub fn softmax(steps: &[u64], x: &[f32], output: (f32, f32), bounds: (f32, f32), out: &mut [f32]) {
    let most = x.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x));
    let of = |x: f32| steps[(255.0 - (most - x)).clamp(0.0, 255.0) as usize];
    let sum: u64 = x.iter().map(|&x| of(x)).sum();
    let whole = (1.0 / output.0) as u64;
    for (out, &x) in out.iter_mut().zip(x) {
        let share = of(x).saturating_mul(whole).saturating_add(sum / 2) / sum.max(1);
        *out = (share as f32 + output.1).clamp(bounds.0, bounds.1);
    }
}

/// Adds the bias to a sum in 32 bits, and returns what the output holds of it. `scale` is that of the sum in units of the
/// output, or without `bounds` its own.
#[inline(always)]
pub fn finished(sum: i64, bias: f32, scale: Option<f32>, zero: f32, bounds: Option<(f32, f32)>) -> f32 {
    // A bias of 2^31 - 1 is 2^31 as a float32.
    let sum = (sum + (bias as i64).min(i64::from(i32::MAX))) as i32 as f32;
    match (scale, bounds) {
        (None, _) => sum,
        (Some(scale), None) => sum * scale,
        (Some(scale), Some(bounds)) => nearest(sum * scale, zero, bounds),
    }
}

/// Returns the factor of the sums: that of the two scales, or of their product in units of the output's.
pub fn factor(alpha: f32, a: f32, b: f32, output: Option<f32>) -> f32 {
    match output {
        Some(output) => alpha * a * b / output,
        None => alpha * a * b,
    }
}

fn host(array: &Array) -> Vec<f32> {
    array.read().now_or_never().and_then(Result::ok).expect("graphs with integers run on the CPU")
}

fn made(shape: &[usize], data: &[f32]) -> Array {
    Array::from_slice(shape, data, &Device::flex())
}

/// The place of the scale of each element.
fn places(axis: usize, block: usize, shape: &[usize], scales: usize) -> impl Fn(usize) -> usize {
    let inner: usize = shape.iter().skip(axis + 1).product();
    let length = shape.get(axis).copied().unwrap_or(1).max(1);
    move |element: usize| match scales {
        1 => 0,
        _ if block == 1 => element / inner % length,
        _ => {
            element / (inner * length) * length.div_ceil(block) * inner
                + element / inner % length / block * inner
                + element % inner
        }
    }
}

pub(super) fn quantize(
    axis: usize,
    block: usize,
    format: facts::format::Format,
    inputs: &[&Array],
    shape: &[usize],
) -> Array {
    let tensors: Vec<Vec<f32>> = inputs.iter().map(|&input| host(input)).collect();
    let place = places(axis, block, shape, tensors[1].len());
    let of = |(index, &x): (usize, &f32)| {
        let at = place(index);
        nearest(x / tensors[1][at], tensors.get(2).map_or(0.0, |zeros| zeros[at]), bounds(format))
    };
    made(shape, &tensors[0].iter().enumerate().map(of).collect::<Vec<_>>())
}

pub(super) fn dequantize(axis: usize, block: usize, inputs: &[&Array], shape: &[usize]) -> Array {
    let tensors: Vec<Vec<f32>> = inputs.iter().map(|&input| host(input)).collect();
    let place = places(axis, block, shape, tensors[1].len());
    let of = |(index, &x): (usize, &f32)| {
        let at = place(index);
        (x - tensors.get(2).map_or(0.0, |zeros| zeros[at])) * tensors[1][at]
    };
    made(shape, &tensors[0].iter().enumerate().map(of).collect::<Vec<_>>())
}

/// Returns scale and zero point that cover numbers from `low` to `high`. NaN is covered by no scale: the scale is NaN, too.
pub fn covering(low: f32, high: f32) -> (f32, f32) {
    if low.is_nan() {
        return (f32::NAN, 0.0);
    }
    let (low, high) = (low.min(0.0), high.max(0.0));
    let scale = if high == low { 1.0 } else { (high - low) / 255.0 };
    (scale, nearest(-low / scale, 0.0, (0.0, 255.0)))
}

/// Returns the smallest and the largest element; NaN for both if an element is NaN.
pub fn range<'a>(elements: impl IntoIterator<Item = &'a f32>) -> (f32, f32) {
    let start = (f32::INFINITY, f32::NEG_INFINITY, false);
    let widen = |(low, high, nan): (f32, f32, bool), &x: &f32| (low.min(x), high.max(x), nan | x.is_nan());
    let (low, high, nan) = elements.into_iter().fold(start, widen);
    if nan { (f32::NAN, f32::NAN) } else { (low, high) }
}

pub(super) fn dynamic(x: &Array) -> Vec<Array> {
    let data = host(x);
    let (low, high) = range(&data);
    let (scale, zero) = covering(low, high);
    let y: Vec<f32> = data.iter().map(|&x| nearest(x / scale, zero, (0.0, 255.0))).collect();
    vec![made(x.shape(), &y), made(&[], &[scale]), made(&[], &[zero])]
}

/// The inputs of an operator in main memory.
struct Given<'a> {
    integer: &'a Integer,
    data: Vec<Vec<f32>>,
    shapes: Vec<&'a [usize]>,
}

impl Given<'_> {
    fn one(&self, index: Option<usize>, otherwise: f32) -> f32 {
        index.and_then(|index| self.data[index].first().copied()).unwrap_or(otherwise)
    }

    /// Scale and zero point of a tensor, or of the output.
    fn scaled(&self, of: Scaled) -> (f32, f32) {
        (self.one(of.scale, 1.0), self.one(of.zero, 0.0))
    }

    fn output(&self) -> (f32, f32) {
        let input = |role| self.integer.input(role);
        (self.one(input(Role::OutputScale), 1.0), self.one(input(Role::OutputZero), 0.0))
    }

    /// The elements of a tensor without its zero point, which may differ by column.
    fn shifted(&self, of: Scaled, column: impl Fn(usize) -> usize) -> Vec<i64> {
        let zeros: &[f32] = of.zero.map_or(&[0.0], |zero| &self.data[zero]);
        let elements = self.data[of.tensor].iter().enumerate();
        elements.map(|(index, &x)| (x - zeros[column(index) % zeros.len()]) as i64).collect()
    }

    /// What the sum of an output element becomes.
    fn finish(&self, alpha: f32, column: usize, sum: i64) -> f32 {
        let operands = self.integer.operands();
        let at = |index: usize| self.data[index][column % self.data[index].len()];
        let bias = self.integer.input(Role::Bias).map_or(0.0, at);
        let (_, zero) = self.output();
        let output = self.integer.input(Role::OutputScale).map(|scale| self.data[scale][0]);
        let scale = match (operands[0].scale, operands[1].scale) {
            (Some(a), Some(b)) => Some(factor(alpha, self.data[a][0], at(b), output)),
            _ => None,
        };
        finished(sum, bias, scale, zero, output.map(|_| self.integer.bounds()))
    }
}

pub(super) fn integer(integer: &Integer, inputs: &[&Array], shape: &[usize]) -> Array {
    let given = Given {
        integer,
        data: inputs.iter().map(|&input| host(input)).collect(),
        shapes: inputs.iter().map(|input| input.shape()).collect(),
    };
    let operands = integer.operands();
    let (bounds, output) = (integer.bounds(), given.output());
    let scaled: Vec<(f32, f32)> = operands.iter().map(|&operand| given.scaled(operand)).collect();
    let x = &given.data[operands[0].tensor];
    let x_shape = given.shapes[operands[0].tensor];
    let dequantized = |nth: usize| -> Vec<f32> {
        given.data[operands[nth].tensor].iter().map(|&x| (x - scaled[nth].1) * scaled[nth].0).collect()
    };
    let again = |x: f32| nearest(x / output.0, output.1, bounds);
    let data: Vec<f32> = match &integer.function {
        IntegerFunction::Conv(conv) => convolved(conv, &given, &operands, shape),
        IntegerFunction::MatMul => multiplied(&given, &operands, shape),
        IntegerFunction::Gemm { alpha, trans_a, trans_b } => gemm(*alpha, *trans_a, *trans_b, &given, &operands, shape),
        IntegerFunction::Add | IntegerFunction::Mul => {
            let settings = [scaled[0], scaled[1], output];
            let (sum, product) = (Sum::new(settings, bounds), Product::new(settings, bounds));
            let y = &given.data[operands[1].tensor];
            let y_shape = given.shapes[operands[1].tensor];
            let of = |index: usize| {
                let (a, b) = (x[broadcast(index, shape, x_shape)], y[broadcast(index, shape, y_shape)]);
                if integer.function == IntegerFunction::Add { sum.of(false, a, b) } else { product.of(a, b) }
            };
            (0..shape.iter().product()).map(of).collect()
        }
        IntegerFunction::Unary(unary) => {
            let function = function(*unary);
            dequantized(0).into_iter().map(|x| again(function(x))).collect()
        }
        IntegerFunction::GlobalAveragePool => {
            let area: usize = x_shape[2] * x_shape[3];
            let scale = scaled[0].0 / (output.0 * area as f32);
            let mean = |plane: &[f32]| {
                let sum: i64 = plane.iter().map(|&x| (x - scaled[0].1) as i64).sum();
                finished(sum, 0.0, Some(scale), output.1, Some(bounds))
            };
            x.chunks_exact(area).map(mean).collect()
        }
        IntegerFunction::AveragePool { pool, count_include_pad } => {
            averages(pool, *count_include_pad, &dequantized(0), x_shape, shape).into_iter().map(again).collect()
        }
        IntegerFunction::Concat { axis } => {
            let inner: usize = shape[axis + 1..].iter().product();
            let outer: usize = shape[..*axis].iter().product();
            let parts: Vec<Vec<f32>> = (0..operands.len())
                .map(|nth| match scaled[nth] == output {
                    true => given.data[operands[nth].tensor].clone(),
                    false => dequantized(nth).into_iter().map(again).collect(),
                })
                .collect();
            let mut joined = Vec::with_capacity(shape.iter().product());
            for block in 0..outer {
                for (part, operand) in parts.iter().zip(&operands) {
                    let length = given.shapes[operand.tensor][*axis] * inner;
                    joined.extend_from_slice(&part[block * length..][..length]);
                }
            }
            joined
        }
        IntegerFunction::Softmax { axis, end } => {
            let length: usize = shape[*axis..*end].iter().product();
            let inner: usize = shape[*end..].iter().product();
            let steps = exponentials(scaled[0].0, length);
            let mut out = vec![0.0; x.len()];
            for first in (0..x.len() / length.max(1)).map(|row| row / inner * inner * length + row % inner) {
                let row: Vec<f32> = (0..length).map(|at| x[first + at * inner]).collect();
                let mut shares = vec![0.0; length];
                softmax(&steps, &row, output, bounds, &mut shares);
                shares.iter().enumerate().for_each(|(at, &share)| out[first + at * inner] = share);
            }
            out
        }
    };
    made(shape, &data)
}

/// The place in a tensor of shape `own` of element `index` of a tensor of shape `shape`.
fn broadcast(index: usize, shape: &[usize], own: &[usize]) -> usize {
    let (mut rest, mut place, mut step) = (index, 0, 1);
    for (axis, &length) in shape.iter().enumerate().rev() {
        let at = rest % length;
        rest /= length;
        if let Some(own) = (axis + own.len()).checked_sub(shape.len()).map(|axis| own[axis]) {
            place += if own == 1 { 0 } else { at * step };
            step *= own;
        }
    }
    place
}

fn convolved(conv: &Conv, given: &Given<'_>, operands: &[Scaled], shape: &[usize]) -> Vec<f32> {
    let image = |shape: &[usize]| as_image(shape).expect("shape inference lets only images and rows through");
    let [_, channels, height, width] = image(given.shapes[operands[0].tensor]);
    let [_, depth, rows, columns] = image(given.shapes[operands[1].tensor]);
    let [batch, features, down, right] = image(shape);
    let filter = depth * rows * columns;
    let x = given.shifted(operands[0], |_| 0);
    let w = given.shifted(operands[1], |index| index / filter);
    let wide = features / conv.groups;
    let mut out = Vec::with_capacity(batch * features * down * right);
    for (image, feature) in (0..batch).flat_map(|image| (0..features).map(move |feature| (image, feature))) {
        for (y, x_at) in (0..down).flat_map(|y| (0..right).map(move |x| (y, x))) {
            let mut sum = 0;
            for tap in 0..filter {
                let (channel, ky, kx) = (tap / (rows * columns), tap / columns % rows, tap % columns);
                let at = |place: usize, stride: usize, tap: usize, dilation: usize, before: usize, length: usize| {
                    (place * stride + tap * dilation).checked_sub(before).filter(|&at| at < length)
                };
                let source = at(y, conv.strides[0], ky, conv.dilations[0], conv.padding.top, height).zip(at(
                    x_at,
                    conv.strides[1],
                    kx,
                    conv.dilations[1],
                    conv.padding.left,
                    width,
                ));
                if let Some((y, x_at)) = source {
                    let plane = image * channels + feature / wide * depth + channel;
                    sum += x[(plane * height + y) * width + x_at] * w[feature * filter + tap];
                }
            }
            out.push(given.finish(1.0, feature, sum));
        }
    }
    out
}

fn multiplied(given: &Given<'_>, operands: &[Scaled], shape: &[usize]) -> Vec<f32> {
    let (of_a, of_b) = (given.shapes[operands[0].tensor], given.shapes[operands[1].tensor]);
    let inner = of_a[of_a.len() - 1];
    let (rows, columns) =
        (if of_a.len() > 1 { of_a[of_a.len() - 2] } else { 1 }, if of_b.len() > 1 { of_b[of_b.len() - 1] } else { 1 });
    let a = given.shifted(operands[0], |_| 0);
    let b = given.shifted(operands[1], |index| index % columns);
    // The axes before the matrices, as the output has them.
    let lost = usize::from(of_a.len() == 1) + usize::from(of_b.len() == 1);
    let batch = &shape[..shape.len() + lost - 2];
    let axes = |shape: &[usize]| shape[..shape.len().saturating_sub(2)].to_vec();
    let (batch_a, batch_b) = (axes(of_a), axes(of_b));
    let mut out = Vec::with_capacity(shape.iter().product());
    for matrix in 0..batch.iter().product() {
        let (first_a, first_b) =
            (broadcast(matrix, batch, &batch_a) * rows * inner, broadcast(matrix, batch, &batch_b) * inner * columns);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let sum = (0..inner).map(|k| a[first_a + row * inner + k] * b[first_b + k * columns + column]).sum();
            out.push(given.finish(1.0, column, sum));
        }
    }
    out
}

fn gemm(alpha: f32, trans_a: bool, trans_b: bool, given: &Given<'_>, operands: &[Scaled], shape: &[usize]) -> Vec<f32> {
    let (rows, columns) = (shape[0], shape[1]);
    let of_a = given.shapes[operands[0].tensor];
    let inner = of_a[usize::from(!trans_a)];
    let a = given.shifted(operands[0], |_| 0);
    let b = given.shifted(operands[1], |index| if trans_b { index / inner } else { index % columns });
    let mut out = Vec::with_capacity(rows * columns);
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let left = |k: usize| if trans_a { a[k * rows + row] } else { a[row * inner + k] };
        let right = |k: usize| if trans_b { b[column * inner + k] } else { b[k * columns + column] };
        out.push(given.finish(alpha, column, (0..inner).map(|k| left(k) * right(k)).sum()));
    }
    out
}

/// The means of windows, which add row by row from the first element on.
fn averages(pool: &Pool, count_include_pad: bool, x: &[f32], of_x: &[usize], shape: &[usize]) -> Vec<f32> {
    let image = |shape: &[usize]| as_image(shape).expect("shape inference lets only images and rows through");
    let [_, _, height, width] = image(of_x);
    let [batch, channels, down, right] = image(shape);
    let mut out = Vec::with_capacity(batch * channels * down * right);
    for plane in x.chunks_exact(height * width) {
        for (y, x_at) in (0..down).flat_map(|y| (0..right).map(move |x| (y, x))) {
            let (mut sum, mut count) = (0.0, 0);
            for (ky, kx) in (0..pool.kernel[0]).flat_map(|ky| (0..pool.kernel[1]).map(move |kx| (ky, kx))) {
                let padded =
                    [y * pool.strides[0] + ky * pool.dilations[0], x_at * pool.strides[1] + kx * pool.dilations[1]];
                let source = padded[0].checked_sub(pool.padding.top).zip(padded[1].checked_sub(pool.padding.left));
                let inside = source.filter(|&(y, x)| y < height && x < width);
                if let Some((y, x_at)) = inside {
                    sum += plane[y * width + x_at];
                }
                let within = padded[0] < pool.padding.top + height + pool.padding.bottom
                    && padded[1] < pool.padding.left + width + pool.padding.right;
                count += usize::from(inside.is_some() || count_include_pad && within);
            }
            out.push(sum / count as f32);
        }
    }
    out
}
