//! Softmax and its logarithm.

use burn::tensor::activation;

use super::Array;

/// Computes the softmax along `axis`, or along all axes from `axis` on as one. Subtracting the maximum keeps the
/// exponential of a finite input from overflowing.
pub(super) fn softmax(axis: usize, to_end: bool, log: bool, x: &Array) -> Array {
    let (before, rest) = x.shape().split_at(axis);
    let (along, after) = if to_end { (rest, &[][..]) } else { rest.split_at(1) };
    let tensor = x.tensor::<3>([before, along, after].map(|axes| axes.iter().product()));
    let y = if log { activation::log_softmax(tensor, 1) } else { activation::softmax(tensor, 1) };
    Array::new(x.shape(), y)
}
