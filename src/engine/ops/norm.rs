//! Normalisation.

use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::{AvgPoolOptions, PadMode};
use burn::tensor::{Tensor, TensorData};

use super::Array;
use super::binary::power;
use super::rank::around;

/// Computes `x * k + (bias - mean * k)` with `k = scale / sqrt(variance + epsilon)`. This is the order of operations
/// in onnxruntime and TensorFlow; it reads the image twice instead of five times.
pub(super) fn batch_norm(epsilon: f32, scale: bool, bias: bool, inputs: &[&Array]) -> Array {
    let x = inputs[0];
    let mut channels = inputs[1..].iter().map(|input| -> Tensor<3> { input.tensor([1, x.shape()[1], 1]) });
    let scale = scale.then(|| channels.next()).flatten();
    let bias = bias.then(|| channels.next()).flatten();
    let (Some(mean), Some(variance)) = (channels.next(), channels.next()) else {
        unreachable!("shape inference counts the inputs");
    };
    let deviation = variance.add_scalar(epsilon).sqrt();
    let factor = scale.map_or_else(|| deviation.clone().recip(), |scale| scale / deviation.clone());
    let shift = mean * factor.clone();
    let offset = bias.map_or_else(|| shift.clone().neg(), |bias| bias - shift.clone());
    Array::new(x.shape(), around(1, x) * factor + offset)
}

/// Computes `x * factor + offset` with constants along `axis`. An empty offset is not added, which keeps the sign of
/// zero.
pub(super) fn affine(axis: usize, factor: &[f32], offset: &[f32], x: &Array) -> Array {
    let device = x.device();
    let constant = |values: &[f32]| -> Tensor<3> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len(), 1]), &device)
    };
    let y = around(axis, x) * constant(factor);
    let zero = offset.iter().all(|&offset| offset == 0.0);
    Array::new(x.shape(), if zero { y } else { y + constant(offset) })
}

/// Computes `x / (bias + alpha / size * sum)^beta`, where the sum adds the squares of `size` neighbouring channels.
pub(super) fn lrn(size: usize, alpha: f32, beta: f32, bias: f32, x: &Array) -> Array {
    let tensor = around(1, x);
    let [batch, channels, space] = tensor.dims();
    let (before, after) = ((size - 1) / 2, size / 2);
    let squares = tensor.clone().square().pad([(before, after), (0, 0)], PadMode::Constant(0.0));
    let mean = avg_pool2d(
        squares.reshape([batch, 1, channels + size - 1, space]),
        AvgPoolOptions::new([size, 1]).with_stride([1, 1]),
    );
    let base = mean.reshape([batch, channels, space]).mul_scalar(alpha).add_scalar(bias);
    let exponent = base.full_like(beta);
    Array::new(x.shape(), tensor / power(base, exponent))
}
