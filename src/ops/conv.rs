//! Convolution.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use super::Array;
use crate::graph::{Conv, as_image};

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
