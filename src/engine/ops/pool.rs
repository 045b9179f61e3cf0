//! Pooling.
//!
//! burn's pooling equals ONNX for symmetric padding in floor mode. In all other cases the input is padded here until
//! each window of the output is complete, and an average is corrected by the number of elements that count.

use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Device, Slice, Tensor, TensorData, s};
use facts::graph::{Pool, as_image};

use super::Array;
use super::conv::image;

/// Computes the maximum of each window. An element of the padding is never the maximum.
pub(super) fn max(pool: &Pool, x: &Array, shape: &[usize]) -> Array {
    let options = |padding| {
        MaxPoolOptions::new(pool.kernel).with_stride(pool.strides).with_padding(padding).with_dilation(pool.dilations)
    };
    let greatest = |x: Tensor<4>| match even_padding(pool) {
        Some(padding) => max_pool2d(x, options(padding)),
        None => max_pool2d(padded(pool, x, shape, f32::NEG_INFINITY), options([0, 0])),
    };
    let y = greatest(image(x));
    if x.device() == Device::flex() {
        return Array::new(shape, y);
    }
    // burn's GPU kernel starts from the lowest finite number, and the shader language's `max` may lose a NaN. A second
    // pooling operation finds the windows with a NaN.
    let nan = greatest(image(x).is_nan().float()).greater_scalar(0.5);
    let nothing = y.clone().lower_equal_scalar(f32::MIN);
    Array::new(shape, y.mask_fill(nothing, f32::NEG_INFINITY).mask_fill(nan, f32::NAN))
}

/// Computes the mean of each window. The divisor includes the padding if `count_include_pad` is set, but no elements
/// beyond the padding.
pub(super) fn average(pool: &Pool, count_include_pad: bool, x: &Array, shape: &[usize]) -> Array {
    let options = |padding, count_include_pad| {
        AvgPoolOptions::new(pool.kernel)
            .with_stride(pool.strides)
            .with_padding(padding)
            .with_count_include_pad(count_include_pad)
    };
    let dilated = pool.dilations != [1, 1];
    if let (Some(padding), false) = (even_padding(pool), dilated) {
        return Array::new(shape, avg_pool2d(image(x), options(padding, count_include_pad)));
    }
    let input = padded(pool, image(x), shape, 0.0);
    let sum = if dilated {
        dilated_sum(pool, input, shape)
    } else {
        avg_pool2d(input, options([0, 0], true)).mul_scalar(pool.kernel.iter().product::<usize>() as f32)
    };
    Array::new(shape, sum / counts(pool, count_include_pad, x, shape, &x.device()))
}

/// Returns the padding if burn supports it.
fn even_padding(pool: &Pool) -> Option<[usize; 2]> {
    let padding = pool.padding;
    let even = padding.top == padding.bottom && padding.left == padding.right && !pool.ceil_mode;
    even.then_some([padding.top, padding.left])
}

/// Returns `x`, padded with `value` or cropped at the end, with exactly the size that the windows of the output cover.
fn padded(pool: &Pool, x: Tensor<4>, shape: &[usize], value: f32) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let ([top, bottom], crop_rows) = reach(pool, 0, height, spatial(shape)[0]);
    let ([left, right], crop_columns) = reach(pool, 1, width, spatial(shape)[1]);
    let x = x.slice(s![.., .., ..crop_rows, ..crop_columns]);
    x.pad([(top, bottom), (left, right)], PadMode::Constant(value))
}

/// Returns the padding before and after `axis`, and the number of its elements that windows read.
fn reach(pool: &Pool, axis: usize, length: usize, positions: usize) -> ([usize; 2], usize) {
    let before = before(pool, axis);
    let needed = (positions - 1) * pool.strides[axis] + (pool.kernel[axis] - 1) * pool.dilations[axis] + 1;
    // The padding before is smaller than a window, so every window extends past it.
    let read = length.min(needed - before);
    ([before, needed - before - read], read)
}

/// Adds the taps of each window of a padded input, tap by tap.
fn dilated_sum(pool: &Pool, x: Tensor<4>, shape: &[usize]) -> Tensor<4> {
    let range = |axis: usize, tap: usize| {
        let start = tap * pool.dilations[axis];
        let end = start + (spatial(shape)[axis] - 1) * pool.strides[axis] + 1;
        // For a window with a single position, any step gives the same result.
        let step = pool.strides[axis].min(end - start);
        Slice::new(start as isize, Some(end as isize), step as isize)
    };
    let taps = (0..pool.kernel[0]).flat_map(|row| (0..pool.kernel[1]).map(move |column| (row, column)));
    taps.map(|(row, column)| x.clone().slice(s![.., .., range(0, row), range(1, column)]))
        .reduce(|sum, tap| sum + tap)
        .expect("a window has at least one tap")
}

/// Returns the divisor of each window's sum.
fn counts(pool: &Pool, count_include_pad: bool, x: &Array, shape: &[usize], device: &Device) -> Tensor<4> {
    let [_, _, height, width] = as_image(x.shape()).expect("shape inference lets only images and rows through");
    let after = [pool.padding.bottom, pool.padding.right];
    let taps = |axis: usize, length: usize| -> Vec<usize> {
        let before = before(pool, axis);
        let counted = if count_include_pad { 0..before + length + after[axis] } else { before..before + length };
        (0..spatial(shape)[axis])
            .map(|position| {
                let start = position * pool.strides[axis];
                let tap = |tap: &usize| counted.contains(&(start + tap * pool.dilations[axis]));
                (0..pool.kernel[axis]).filter(tap).count()
            })
            .collect()
    };
    let (rows, columns) = (taps(0, height), taps(1, width));
    let table: Vec<f32> =
        rows.iter().flat_map(|rows| columns.iter().map(move |columns| (rows * columns) as f32)).collect();
    Tensor::from_data(TensorData::new(table, [1, 1, rows.len(), columns.len()]), device)
}

fn before(pool: &Pool, axis: usize) -> usize {
    [pool.padding.top, pool.padding.left][axis]
}

fn spatial(shape: &[usize]) -> [usize; 2] {
    let [_, _, height, width] = as_image(shape).expect("shape inference lets only images and rows through");
    [height, width]
}
