//! Resampling of images.
//!
//! The settings alone decide which input pixels an output pixel reads and with which weights. The CPU calculates them
//! here, one table for each axis, and the device gathers and mixes.

use burn::tensor::{Tensor, TensorData};
use facts::graph::{CoordinateMode, Interpolation, NearestMode, Resize};

use super::Array;
use super::shape::select;

pub(super) fn resize(resize: &Resize, x: &Array, shape: &[usize]) -> Array {
    let (channels, lengths) = x.shape().split_at(2);
    let mut y = x.tensor([channels.iter().product(), lengths[0], lengths[1]]);
    for (axis, &length) in lengths.iter().enumerate() {
        let coordinates: Vec<f32> = (0..resize.size[axis]).map(|index| of_axis(resize, axis, index, length)).collect();
        y = match resize.interpolation {
            Interpolation::Nearest(mode) => {
                let indices: Vec<usize> = coordinates.iter().map(|&place| nearest(mode, place, length)).collect();
                if indices.iter().copied().eq(0..length) { y } else { select(y, axis + 1, &indices) }
            }
            Interpolation::Linear => linear(y, axis + 1, &coordinates, length),
        };
    }
    Array::new(shape, y)
}

/// Returns the position of output pixel `index` in an input of `length` pixels, for a scale and a size: ONNX' formulas in
/// float32, the arithmetic of ONNX.
pub(crate) fn coordinate(coordinates: CoordinateMode, (scale, size): (f32, usize), index: usize, length: usize) -> f32 {
    let (place, input) = (index as f32, length as f32);
    let half_pixel = (place + 0.5) / scale - 0.5;
    // The exact output length. It is not an integer if the model states scales.
    let output = scale * input;
    match coordinates {
        CoordinateMode::HalfPixel => half_pixel,
        CoordinateMode::HalfPixelSymmetric => {
            let adjustment = size as f32 / output;
            input / 2.0 * (1.0 - adjustment) + half_pixel
        }
        CoordinateMode::PytorchHalfPixel if size > 1 => half_pixel,
        CoordinateMode::PytorchHalfPixel => 0.0,
        CoordinateMode::AlignCorners if size == 1 => 0.0,
        CoordinateMode::AlignCorners => place * (input - 1.0) / (output - 1.0),
        CoordinateMode::Asymmetric => place / scale,
    }
}

fn of_axis(resize: &Resize, axis: usize, index: usize, length: usize) -> f32 {
    coordinate(resize.coordinates, (resize.scales[axis], resize.size[axis]), index, length)
}

/// Returns the input pixel that is nearest to `place` in the sense of the mode.
pub(crate) fn nearest(mode: NearestMode, place: f32, length: usize) -> usize {
    let pixel = match mode {
        NearestMode::RoundPreferFloor => (place - 0.5).ceil(),
        NearestMode::RoundPreferCeil => (place + 0.5).floor(),
        NearestMode::Floor => place.floor(),
        NearestMode::Ceil => place.ceil(),
    };
    // A float-to-integer cast saturates, so pixels beyond the edge become the edge pixel.
    (pixel as usize).min(length - 1)
}

/// Returns for each output pixel along `axis` the input pixels that a linear interpolation mixes, with their shares.
pub(crate) fn mixed(resize: &Resize, axis: usize, length: usize) -> Vec<[(usize, f32); 2]> {
    let mix = |index| {
        let place = of_axis(resize, axis, index, length).clamp(0.0, (length - 1) as f32);
        let lower = place.floor() as usize;
        [(lower, 1.0 - place.fract()), ((lower + 1).min(length - 1), place.fract())]
    };
    (0..resize.size[axis]).map(mix).collect()
}

/// Mixes the two neighbours of each position along axis `dim`. Positions beyond the edge give the edge pixel.
fn linear(x: Tensor<3>, dim: usize, places: &[f32], length: usize) -> Tensor<3> {
    let inside: Vec<f32> = places.iter().map(|place| place.clamp(0.0, (length - 1) as f32)).collect();
    if inside.iter().copied().eq((0..length).map(|index| index as f32)) {
        return x;
    }
    let lower: Vec<usize> = inside.iter().map(|place| place.floor() as usize).collect();
    let upper: Vec<usize> = lower.iter().map(|&index| (index + 1).min(length - 1)).collect();
    let share: Vec<f32> = inside.iter().map(|place| place.fract()).collect();
    let mut shape = [1; 3];
    shape[dim] = share.len();
    let weight = |share: Vec<f32>| -> Tensor<3> { Tensor::from_data(TensorData::new(share, shape), &x.device()) };
    let (near, far) = (weight(share.iter().map(|share| 1.0 - share).collect()), weight(share));
    select(x.clone(), dim, &lower) * near + select(x, dim, &upper) * far
}
