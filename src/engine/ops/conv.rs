//! Convolution.
//!
//! One thing is left to the kernel, here as in onnxruntime and PyTorch: whether a weight meets the zeros of the
//! padding or skips them. It shows only where that weight is infinite or NaN, at the edge of the image: kernels
//! that multiply make a NaN there (burn's matrix product on the CPU), kernels that skip do not (its depthwise
//! ones, and the GPU's).

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

/// As a tensor with two spatial axes.
pub(super) fn image(array: &Array) -> burn::tensor::Tensor<4> {
    array.tensor(as_image(array.shape()).expect("shape inference lets only images and rows through"))
}
