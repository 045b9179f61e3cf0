//! Normalisation.

use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::{AvgPoolOptions, PadMode};

use super::Array;
use super::binary::power;
use super::rank::around;

/// `x * k + (bias - mean * k)` with `k = scale / sqrt(variance + epsilon)`: onnxruntime's and TensorFlow's own
/// order of operations, which reads the image twice and not five times.
pub(super) fn batch_norm(epsilon: f32, inputs: &[&Array]) -> Array {
    let x = inputs[0];
    let channels: [Tensor<3>; 4] = std::array::from_fn(|index| inputs[index + 1].tensor([1, x.shape()[1], 1]));
    let [scale, bias, mean, variance] = channels;
    let factor = scale / variance.add_scalar(epsilon).sqrt();
    let offset = bias - mean * factor.clone();
    Array::new(x.shape(), around(1, x) * factor + offset)
}

/// `x / (bias + alpha / size * sum)^beta`, the sum taken over the squares of `size` neighbouring channels.
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
