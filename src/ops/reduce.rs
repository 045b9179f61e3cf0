//! Reductions.

use burn::tensor::Tensor;

use super::Array;
use crate::graph::Reduction;

/// Neighbouring axes are reduced as one, one run of them after the other.
pub(super) fn reduce(reduction: Reduction, axes: &[usize], x: &Array, shape: &[usize]) -> Array {
    if x.elements() == 0 {
        return Array::from_slice(shape, &vec![of_nothing(reduction); shape.iter().product()], &x.device());
    }
    let mut kept = x.shape().to_vec();
    let mut reduced = x.clone();
    for run in axes.chunk_by(|a, b| a + 1 == *b) {
        let (first, last) = (run[0], run[run.len() - 1]);
        let count = |axes: &[usize]| axes.iter().product::<usize>();
        let tensor: Tensor<3> =
            reduced.tensor([count(&kept[..first]), count(&kept[first..=last]), count(&kept[last + 1..])]);
        let tensor = match reduction {
            Reduction::Sum | Reduction::Mean => tensor.sum_dim(1),
            Reduction::Max => tensor.max_dim(1),
            Reduction::Min => tensor.min_dim(1),
        };
        kept[first..=last].fill(1);
        reduced = Array::new(&kept, tensor);
    }
    if reduction == Reduction::Mean {
        let count = x.elements() / reduced.elements();
        return Array::new(shape, reduced.tensor([reduced.elements()]).div_scalar(count as f32));
    }
    reduced.reshaped(shape)
}

/// What ONNX makes of no elements at all.
fn of_nothing(reduction: Reduction) -> f32 {
    match reduction {
        Reduction::Mean => f32::NAN,
        Reduction::Sum => 0.0,
        Reduction::Max => f32::NEG_INFINITY,
        Reduction::Min => f32::INFINITY,
    }
}
