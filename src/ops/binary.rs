//! Functions of two elements, with broadcasting.

use burn::tensor::Tensor;

use super::Array;
use super::rank::{collapse_broadcast, expand, fixed, with_rank};
use crate::graph::Binary;

pub(super) fn binary(function: Binary, a: &Array, b: &Array, shape: &[usize]) -> Array {
    if matches!(function, Binary::Max | Binary::Min) {
        return extremum(function, a, b, shape);
    }
    let (left, right) = collapse_broadcast(a.shape(), b.shape(), shape);
    with_rank!(left.len(), D => {
        let (a, b) = (a.tensor(fixed::<D>(&left)), b.tensor(fixed::<D>(&right)));
        Array::new(shape, match function {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Pow => a.powf(b),
            Binary::Max | Binary::Min => unreachable!("handled above"),
        })
    })
}

/// The greater or the smaller one; NaN where either is.
fn extremum(function: Binary, a: &Array, b: &Array, shape: &[usize]) -> Array {
    let [a, b] = [a, b].map(|array| flat(&expand(array, shape)));
    let wins = match function {
        Binary::Max => a.clone().greater(b.clone()),
        _ => a.clone().lower(b.clone()),
    };
    // A NaN in b stays because nothing is greater or smaller.
    let takes_a = wins.bool_or(a.clone().is_nan());
    Array::new(shape, b.mask_where(takes_a, a))
}

/// `slope * x` where x is negative; a NaN is not.
pub(super) fn prelu(x: &Array, slope: &Array, shape: &[usize]) -> Array {
    let [x, slope] = [x, slope].map(|array| flat(&expand(array, shape)));
    let negative = x.clone().lower_scalar(0.0);
    Array::new(shape, x.clone().mask_where(negative, x * slope))
}

fn flat(array: &Array) -> Tensor<1> {
    array.tensor([array.elements()])
}
