//! Convolution.
//!
//! As in onnxruntime and PyTorch, the kernel decides whether a weight multiplies the zeros of the padding or skips
//! them. The choice has an effect only for an infinite or NaN weight, at the edge of the image. Kernels that multiply
//! give NaN there (burn's matrix product on the CPU). Kernels that skip do not (burn's depthwise kernels, and the
//! GPU's kernels).

use burn::tensor::module::{conv_transpose2d, conv_transpose3d, conv2d, conv3d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use facts::graph::{Conv, Conv3, ConvTranspose, PadMode, SliceRange, as_image};

use super::Array;
use super::shape::{pad, slice};

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

/// Pads first, or cuts the padding off afterwards.
pub(super) fn conv3(conv: &Conv3, inputs: &[&Array], shape: &[usize]) -> Array {
    let bias = inputs.get(2).map(|bias| bias.tensor([bias.elements()]));
    let volume = |array: &Array| -> burn::tensor::Tensor<5> {
        array.tensor(array.shape().try_into().expect("shape inference lets only five axes through"))
    };
    let (strides, dilations, groups) = (conv.strides, conv.dilations, conv.groups);
    if let Some(extra) = conv.transposed {
        let options = ConvTransposeOptions::new(strides, [0; 3], extra, dilations, groups);
        let whole = conv_transpose3d(volume(inputs[0]), volume(inputs[1]), bias, options);
        let all = whole.dims();
        let starts = [0, 0, conv.padding[0].0, conv.padding[1].0, conv.padding[2].0];
        let range = |(start, &length): (usize, &usize)| SliceRange { start, step: 1, length };
        let ranges: Vec<_> = starts.into_iter().zip(shape).map(range).collect();
        return slice(&ranges, &Array::new(&all, whole)).reshaped(shape);
    }
    let pads: Vec<(isize, isize)> =
        [(0, 0); 2].iter().chain(&conv.padding).map(|&(a, b)| (a as isize, b as isize)).collect();
    let longer: Vec<usize> =
        inputs[0].shape().iter().zip(&pads).map(|(length, (a, b))| length.saturating_add_signed(a + b)).collect();
    let x = pad(PadMode::Constant(0.0), &pads, inputs[0], &longer);
    let options = ConvOptions::new(strides, [0; 3], dilations, groups);
    Array::new(shape, conv3d(volume(&x), volume(inputs[1]), bias, options))
}

/// Returns the array as a tensor with two spatial axes.
pub(super) fn image(array: &Array) -> burn::tensor::Tensor<4> {
    array.tensor(as_image(array.shape()).expect("shape inference lets only images and rows through"))
}
