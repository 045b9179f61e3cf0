//! Reductions.

use burn::tensor::Tensor;
use facts::graph::Reduction;

use super::Array;

/// Reduces runs of neighbouring axes, each run as one axis, one after the other.
pub(super) fn reduce(reduction: Reduction, axes: &[usize], x: &Array, shape: &[usize]) -> Array {
    if x.elements() == 0 {
        return Array::from_slice(shape, &vec![of_nothing(reduction); shape.iter().product()], &x.device());
    }
    let mut kept = x.shape().to_vec();
    let mut reduced = x.clone();
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
    reduced.reshaped(shape)
}

/// The mean uses the sum until all axes are reduced.
fn along_axis_1<const D: usize>(reduction: Reduction, x: Tensor<D>) -> Tensor<D> {
    match reduction {
        Reduction::Sum | Reduction::Mean => x.sum_dim(1),
        Reduction::Max => x.max_dim(1),
        Reduction::Min => x.min_dim(1),
    }
}

/// Returns ONNX' result for no elements.
fn of_nothing(reduction: Reduction) -> f32 {
    match reduction {
        Reduction::Mean => f32::NAN,
        Reduction::Sum => 0.0,
        Reduction::Max => f32::NEG_INFINITY,
        Reduction::Min => f32::INFINITY,
    }
}
