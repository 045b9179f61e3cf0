//! Convolution.
//!
//! As in onnxruntime and PyTorch, the kernel decides whether a weight multiplies the zeros of the padding or skips
//! them. The choice has an effect only for an infinite or NaN weight, at the edge of the image. Kernels that multiply
//! give NaN there (burn's matrix product on the CPU). Kernels that skip do not (burn's depthwise kernels, and the
//! GPU's kernels).

use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use facts::graph::{Conv, ConvTranspose, SliceRange, as_image};

use super::Array;
use super::shape::slice;

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

/// Computes the whole output and cuts the padding off.
pub(super) fn transposed(conv: &ConvTranspose, inputs: &[&Array], shape: &[usize]) -> Array {
    let options = ConvTransposeOptions::new(conv.strides, [0, 0], conv.output_padding, conv.dilations, conv.groups);
    let bias = inputs.get(2).map(|bias| bias.tensor([bias.elements()]));
    let whole = conv_transpose2d(image(inputs[0]), image(inputs[1]), bias, options);
    let all = whole.dims();
    let starts = [0, 0, conv.padding.top, conv.padding.left];
    let lengths = as_image(shape).expect("shape inference lets only images and rows through");
    let ranges: Vec<_> =
        starts.into_iter().zip(lengths).map(|(start, length)| SliceRange { start, step: 1, length }).collect();
    slice(&ranges, &Array::new(&all, whole)).reshaped(shape)
}

/// Returns the array as a tensor with two spatial axes.
pub(super) fn image(array: &Array) -> burn::tensor::Tensor<4> {
    array.tensor(as_image(array.shape()).expect("shape inference lets only images and rows through"))
}
