//! Functions of two elements, with broadcasting.

use burn::tensor::{Device, Tensor};
use facts::graph::Binary;

use super::Array;
use super::rank::{collapse_broadcast, expand, fixed, with_rank};

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
            Binary::Pow => {
                let common: Vec<usize> = left.iter().zip(&right).map(|(a, b)| *a.max(b)).collect();
                power(a.expand(fixed::<D>(&common)), b.expand(fixed::<D>(&common)))
            }
            Binary::Mod => remainder(a, b),
            Binary::Equal => a.equal(b).float(),
            Binary::Greater => a.greater(b).float(),
            Binary::GreaterOrEqual => a.greater_equal(b).float(),
            Binary::Less => a.lower(b).float(),
            Binary::LessOrEqual => a.lower_equal(b).float(),
            Binary::And => a.not_equal_scalar(0.0).bool_and(b.not_equal_scalar(0.0)).float(),
            Binary::Or => a.not_equal_scalar(0.0).bool_or(b.not_equal_scalar(0.0)).float(),
            Binary::Xor => a.not_equal_scalar(0.0).not_equal(b.not_equal_scalar(0.0)).float(),
            Binary::Max | Binary::Min => unreachable!("handled above"),
        })
    })
}

/// Returns `base` to the power `exponent`, of the same shape. NaN, infinity, 0 and 1 follow IEEE 754: shader languages
/// leave these cases to the driver.
pub(super) fn power<const D: usize>(base: Tensor<D>, exponent: Tensor<D>) -> Tensor<D> {
    if base.device() == Device::flex() {
        return base.powf(exponent);
    }
    let fraction = exponent.clone().floor().not_equal(exponent.clone());
    let endless = base.clone().equal_scalar(f32::NEG_INFINITY).bool_and(fraction);
    let y = base.clone().mask_fill(endless, f32::INFINITY).powf(exponent.clone());
    let nan = base.clone().is_nan().bool_or(exponent.clone().is_nan());
    let one = base.equal_scalar(1.0).bool_or(exponent.equal_scalar(0.0));
    y.mask_fill(nan, f32::NAN).mask_fill(one, 1.0)
}

/// Returns the greater or the smaller element; NaN if either is NaN.
fn extremum(function: Binary, a: &Array, b: &Array, shape: &[usize]) -> Array {
    let [a, b] = [a, b].map(|array| flat(&expand(array, shape)));
    let wins = match function {
        Binary::Max => a.clone().greater(b.clone()),
        _ => a.clone().lower(b.clone()),
    };
    // A NaN in b stays: no comparison with it is true.
    let takes_a = wins.bool_or(a.clone().is_nan());
    Array::new(shape, b.mask_where(takes_a, a))
}

/// Returns the remainder with the sign of `a`. The quotient is cut off, so large quotients lose digits.
fn remainder<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let sign = a.clone().sign();
    let (size, divisor) = (a.abs(), b.abs());
    let quotient = (size.clone() / divisor.clone()).floor();
    (size - quotient * divisor) * sign
}

/// Returns `a` where the condition is not 0, else `b`.
pub(super) fn choose(inputs: &[&Array], shape: &[usize]) -> Array {
    let [condition, a, b] = [inputs[0], inputs[1], inputs[2]].map(|array| flat(&expand(array, shape)));
    Array::new(shape, b.mask_where(condition.not_equal_scalar(0.0), a))
}

/// Returns `slope * x` where x is negative. A NaN is not negative.
pub(super) fn prelu(x: &Array, slope: &Array, shape: &[usize]) -> Array {
    let [x, slope] = [x, slope].map(|array| flat(&expand(array, shape)));
    let negative = x.clone().lower_scalar(0.0);
    Array::new(shape, x.clone().mask_where(negative, x * slope))
}

fn flat(array: &Array) -> Tensor<1> {
    array.tensor([array.elements()])
}
