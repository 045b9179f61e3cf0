//! Operators on all axes, where burn needs the number of axes at compile time.

use burn::tensor::Tensor;

use super::Array;

/// Runs `$body` with the constant `$rank` set to the value of `$axes`. Shape inference limits `$axes` to 8; no axis
/// counts as one.
macro_rules! with_rank {
    ($axes:expr, $rank:ident => $body:expr) => {
        with_rank!(@arms $axes, $rank, $body, 1 2 3 4 5 6 7 8)
    };
    (@arms $axes:expr, $rank:ident, $body:expr, $($literal:literal)*) => {
        match $axes.max(1) {
            $($literal => {
                const $rank: usize = $literal;
                $body
            })*
            axes => unreachable!("shape inference refuses {axes} axes"),
        }
    };
}
pub(super) use with_rank;

/// Returns two shapes of the same rank that broadcast to a third one, with as few axes as possible: neighbouring axes
/// along which the same operands are repeated become one axis.
pub(super) fn collapse_broadcast(a: &[usize], b: &[usize], output: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let length =
        |shape: &[usize], index: usize| (index + shape.len()).checked_sub(output.len()).map_or(1, |index| shape[index]);
    let (mut left, mut right): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut previous = None;
    for (index, &long) in output.iter().enumerate() {
        if long == 1 {
            continue;
        }
        let (x, y) = (length(a, index), length(b, index));
        let pattern = (x == 1, y == 1);
        match (left.last_mut(), right.last_mut()) {
            (Some(left), Some(right)) if previous == Some(pattern) => {
                *left *= x;
                *right *= y;
            }
            _ => {
                left.push(x);
                right.push(y);
            }
        }
        previous = Some(pattern);
    }
    if left.is_empty() {
        return (vec![1], vec![1]);
    }
    (left, right)
}

/// Returns `array` repeated to `shape`. The shape of `array` must broadcast to `shape`.
pub(super) fn expand(array: &Array, shape: &[usize]) -> Array {
    if array.shape() == shape {
        return array.clone();
    }
    let (from, to) = collapse_broadcast(array.shape(), shape, shape);
    with_rank!(from.len(), D => Array::new(shape, array.tensor(fixed::<D>(&from)).expand(fixed::<D>(&to))))
}

/// Returns `shape` as an array. A shorter shape (a scalar) is filled with ones.
pub(super) fn fixed<const D: usize>(shape: &[usize]) -> [usize; D] {
    std::array::from_fn(|axis| shape.get(axis).copied().unwrap_or(1))
}

/// Returns `array` with three axes; the middle one is `axis`.
pub(super) fn around(axis: usize, array: &Array) -> Tensor<3> {
    let (before, after) = array.shape().split_at(axis);
    array.tensor([before.iter().product(), after[0], after[1..].iter().product()])
}
