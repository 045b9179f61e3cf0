//! Reductions.

use burn::tensor::Tensor;
use facts::graph::{Binary, Reduction, Unary};

use super::Array;
use super::binary::binary;
use super::rank::around;
use super::unary::unary;

/// Reduces runs of neighbouring axes, each run as one axis, one after the other.
pub(super) fn reduce(reduction: Reduction, axes: &[usize], x: &Array, shape: &[usize]) -> Array {
    if x.elements() == 0 {
        return Array::from_slice(shape, &vec![of_nothing(reduction); shape.iter().product()], &x.device());
    }
    // The other reductions are sums.
    let (before, reduction, after) = parts(reduction);
    let greatest = (reduction == Reduction::LogSumExp).then(|| {
        let mut each = x.shape().to_vec();
        axes.iter().for_each(|&axis| each[axis] = 1);
        let greatest = reduce(Reduction::Max, axes, x, &each);
        // An infinity is not subtracted: the sum has it anyway.
        finite(&greatest)
    });
    if let Some(greatest) = greatest {
        let powers = unary(Unary::Exp, &binary(Binary::Sub, x, &greatest, x.shape()));
        let sum = reduce(Reduction::LogSum, axes, &powers, greatest.shape());
        return binary(Binary::Add, &sum, &greatest, greatest.shape()).reshaped(shape);
    }
    let mut kept = x.shape().to_vec();
    let mut reduced = match before {
        Some(Before::Square) => binary(Binary::Mul, x, x, x.shape()),
        Some(Before::Abs) => unary(Unary::Abs, x),
        None => x.clone(),
    };
    for run in axes.chunk_by(|a, b| a + 1 == *b) {
        let (first, last) = (run[0], run[run.len() - 1]);
        let count = |axes: &[usize]| axes.iter().product::<usize>();
        let sizes = [count(&kept[..first]), count(&kept[first..=last]), count(&kept[last + 1..])];
        kept[first..=last].fill(1);
        // burn's kernels are fastest and most accurate for the last axis.
        reduced = match sizes {
            [before, along, 1] => Array::new(&kept, along_axis_1(reduction, reduced.tensor([before, along]))),
            _ => Array::new(&kept, along_axis_1(reduction, reduced.tensor(sizes))),
        };
    }
    if reduction == Reduction::Mean {
        let count = x.elements() / reduced.elements();
        return Array::new(shape, reduced.tensor([reduced.elements()]).div_scalar(count as f32));
    }
    let reduced = reduced.reshaped(shape);
    after.map_or(reduced.clone(), |after| unary(after, &reduced))
}

enum Before {
    Square,
    Abs,
}

/// The function of each element, the reduction of its results, and the function of those.
fn parts(reduction: Reduction) -> (Option<Before>, Reduction, Option<Unary>) {
    match reduction {
        Reduction::L1 => (Some(Before::Abs), Reduction::Sum, None),
        Reduction::L2 => (Some(Before::Square), Reduction::Sum, Some(Unary::Sqrt)),
        Reduction::SumSquare => (Some(Before::Square), Reduction::Sum, None),
        Reduction::LogSum => (None, Reduction::Sum, Some(Unary::Log)),
        other => (None, other, None),
    }
}

/// Replaces infinities and NaN by 0.
fn finite(x: &Array) -> Array {
    let tensor = x.tensor::<1>([x.elements()]);
    let infinite = tensor.clone().is_finite().bool_not();
    Array::new(x.shape(), tensor.mask_fill(infinite, 0.0))
}

/// Returns the sums of all elements up to each one.
pub(super) fn running(axis: usize, exclusive: bool, reverse: bool, x: &Array) -> Array {
    let tensor = around(axis, x);
    let tensor = if reverse { tensor.flip([1]) } else { tensor };
    let mut sums = tensor.clone().cumsum(1);
    if exclusive {
        let [before, length, after] = sums.dims();
        let none = Tensor::zeros([before, 1, after], &x.device());
        sums = Tensor::cat(vec![none, sums.narrow(1, 0, length - 1)], 1);
    }
    Array::new(x.shape(), if reverse { sums.flip([1]) } else { sums })
}

/// The mean uses the sum until all axes are reduced.
fn along_axis_1<const D: usize>(reduction: Reduction, x: Tensor<D>) -> Tensor<D> {
    match reduction {
        Reduction::Sum | Reduction::Mean => x.sum_dim(1),
        Reduction::Max => x.max_dim(1),
        Reduction::Min => x.min_dim(1),
        Reduction::Prod => x.prod_dim(1),
        _ => unreachable!("`parts` makes sums of the others"),
    }
}

/// Returns ONNX' result for no elements.
fn of_nothing(reduction: Reduction) -> f32 {
    match reduction {
        Reduction::Mean => f32::NAN,
        Reduction::Sum | Reduction::L1 | Reduction::L2 | Reduction::SumSquare => 0.0,
        Reduction::Prod => 1.0,
        Reduction::LogSum | Reduction::LogSumExp => f32::NEG_INFINITY,
        Reduction::Max => f32::NEG_INFINITY,
        Reduction::Min => f32::INFINITY,
    }
}
