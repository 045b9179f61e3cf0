//! Convolution.
//!
//! As in onnxruntime and PyTorch, the kernel decides whether a weight multiplies the zeros of the padding or skips
//! them. The choice has an effect only for an infinite or NaN weight, at the edge of the image. Kernels that multiply
//! give NaN there (burn's matrix product on the CPU). Kernels that skip do not (burn's depthwise kernels, and the
//! GPU's kernels).

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use facts::graph::{Conv, as_image};

use super::Array;

pub(super) fn conv(conv: &Conv, inputs: &[&Array], shape: &[usize]) -> Array {
    let padding = conv.padding;
    let options = ConvOptions::new_with_padding(
        conv.strides,
        [(padding.top, padding.bottom), (padding.left, padding.right)],
        conv.dilations,
        conv.groups,
    );
    let bias = inputs.get(2).map(|bias| bias.tensor([bias.elements()]));
    Array::new(shape, conv2d(image(inputs[0]), image(inputs[1]), bias, options))
}

/// Returns the array as a tensor with two spatial axes.
pub(super) fn image(array: &Array) -> burn::tensor::Tensor<4> {
    array.tensor(as_image(array.shape()).expect("shape inference lets only images and rows through"))
}
