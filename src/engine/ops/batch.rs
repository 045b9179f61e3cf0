//! Operators on several images at once.
//!
//! A graph describes one image: its batch axis has length 1. Most operators do not mix elements along that axis. They
//! compute a longer batch axis without change: all images with one kernel.

use std::borrow::Cow;
use std::collections::BTreeMap;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use facts::graph::{Einsum, Op, SliceRange, Step, infer};

use super::Array;
use super::shape::{concat, select};

/// An input of an operator on several images.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// The shape for one image.
    pub shape: &'a [usize],
    /// Whether each image has its own tensor. Otherwise all images share one, for example a parameter.
    pub per_image: bool,
}

/// Returns `op` for `count` images. The images are stacked along axis 0 of all inputs that are `per_image` and of all
/// outputs. Returns `None` if axis 0 of such a tensor is not the batch axis, or is mixed with other axes; the images
/// are then computed one by one.
pub fn batched<'a>(op: &'a Op, inputs: &[Operand<'_>], outputs: &[&[usize]], count: usize) -> Option<Cow<'a, Op>> {
    let own = || inputs.iter().filter(|input| input.per_image).map(|input| input.shape);
    if !own().chain(outputs.iter().copied()).all(|shape| shape.first() == Some(&1)) {
        return None;
    }
    let rank = outputs.first()?.len();
    let only_first = inputs[0].per_image && inputs[1..].iter().all(|input| !input.per_image);
    let apart = match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::BatchNorm { .. } => only_first,
        Op::MaxPool(_) | Op::AveragePool { .. } | Op::Lrn { .. } => only_first,
        Op::Normalise(settings) => only_first && !settings.axes.contains(&0) && settings.along > 0,
        Op::Resize(_) | Op::Unary(_) | Op::Identity => true,
        Op::Affine { axis, factor, .. } => *axis > 0 || factor.len() == 1,
        Op::Gemm { trans_a, .. } => {
            !trans_a && inputs[0].per_image && !inputs[1].per_image && own().all(|shape| shape.len() == 2)
        }
        // A matrix with one row is a row of each image. Otherwise the batch axis comes before the axes of the
        // matrices.
        Op::MatMul => own().all(|shape| shape.len() == rank) && (rank >= 3 || only_first),
        Op::Binary(_) | Op::PRelu | Op::Where => own().all(|shape| shape.len() == rank),
        Op::Concat { axis } => *axis > 0 && inputs.iter().all(|input| input.per_image),
        Op::Softmax { axis, .. } | Op::Split { axis, .. } | Op::Gather { axis, .. } => *axis > 0,
        Op::LpNormalise { axis, .. } | Op::CumSum { axis, .. } => *axis > 0,
        Op::Conv3(_) => only_first,
        Op::MultiHead(_) => {
            inputs[..3].iter().all(|input| input.per_image) && inputs[3..].iter().all(|input| !input.per_image)
        }
        Op::Mix(mix) => mix.axis > 0,
        // Only the CPU computes these.
        Op::GridSample(_) | Op::Place { .. } | Op::TopK { .. } | Op::OneHot { .. } => false,
        Op::Tile { repeats } => repeats.first() == Some(&1),
        Op::Expand { shape } if own().all(|own| own.len() == shape.len()) => {
            let shape = [&[count], &shape[1..]].concat();
            return Some(Cow::Owned(Op::Expand { shape }));
        }
        Op::Attention(_) => inputs[..3].iter().all(|input| input.per_image),
        Op::Einsum(einsum) => is_batch(einsum, inputs),
        Op::Expand { .. } | Op::Take { .. } => false,
        Op::Reduce { axes, .. } => !axes.contains(&0),
        Op::Transpose { perm } => perm.first() == Some(&0),
        Op::Pad { pads, .. } => pads.first() == Some(&(0, 0)),
        Op::Reshape { shape } => {
            let shape = [&[count], &shape[1..]].concat();
            return Some(Cow::Owned(Op::Reshape { shape }));
        }
        Op::Slice { ranges } => {
            let (first, rest) = ranges.split_first()?;
            let all = SliceRange { start: 0, step: 1, length: count };
            let ranges = [&[all], rest].concat();
            return (*first == SliceRange { length: 1, ..all }).then_some(Cow::Owned(Op::Slice { ranges }));
        }
        Op::Chain(steps) => return chain(steps, inputs, count).map(Cow::Owned),
        // Integers are computed on the CPU.
        Op::Quantize { .. } | Op::Dequantize { .. } | Op::DynamicQuantize | Op::Integer(_) => false,
        Op::Folded => false,
    };
    apart.then_some(Cow::Borrowed(op))
}

/// Returns whether all inputs that differ between images, and the output, begin with the same axis.
fn is_batch(einsum: &Einsum, inputs: &[Operand<'_>]) -> bool {
    let own = einsum.inputs.iter().zip(inputs).filter(|(_, input)| input.per_image);
    let shared = einsum.inputs.iter().zip(inputs).filter(|(_, input)| !input.per_image);
    let Some(first) = einsum.output.first() else { return false };
    own.into_iter().all(|(names, _)| names.first() == Some(first))
        && shared.into_iter().all(|(names, _)| !names.contains(first))
}

fn chain(steps: &[Step], inputs: &[Operand<'_>], count: usize) -> Option<Op> {
    let mut rest = inputs;
    let mut made: Option<(Vec<usize>, bool)> = None;
    let mut batched_steps = Vec::with_capacity(steps.len());
    for step in steps {
        let (own, later) = rest.split_at(step.inputs);
        rest = later;
        let previous = made.as_ref().map(|(shape, per_image)| Operand { shape, per_image: *per_image });
        let taken: Vec<Operand<'_>> = previous.into_iter().chain(own.iter().copied()).collect();
        let shapes: Vec<&[usize]> = taken.iter().map(|operand| operand.shape).collect();
        let shape = infer(&step.op, &shapes).ok()?.pop()?;
        let per_image = taken.iter().any(|operand| operand.per_image);
        let op = if per_image { batched(&step.op, &taken, &[&shape], count)?.into_owned() } else { step.op.clone() };
        batched_steps.push(Step { op, inputs: step.inputs });
        made = Some((shape, per_image));
    }
    Some(Op::Chain(batched_steps))
}

/// Arrays with entries along axis 0: the rows of a batch, or the elements of a tensor with one axis.
impl Array {
    /// Returns the entries with these indices, in the order of `numbers`.
    pub fn entries(&self, numbers: &[usize]) -> Self {
        let [count, elements] = self.as_entries();
        if numbers.iter().copied().eq(0..count) {
            return self.clone();
        }
        let shape = [&[numbers.len()], &self.shape()[1..]].concat();
        Self::new(&shape, select(self.tensor([count, elements]), 0, numbers))
    }

    /// Joins the entries of all `parts`, which differ only in their number of entries.
    ///
    /// # Panics
    /// If there are no parts.
    pub fn joined(parts: &[Self]) -> Self {
        if let [part] = parts {
            return part.clone();
        }
        let shape = [&[parts.iter().map(|part| part.shape()[0]).sum()], &parts[0].shape()[1..]].concat();
        concat(0, &parts.iter().collect::<Vec<_>>(), &shape)
    }

    /// Replaces the elements at these row-major indices by these values.
    pub fn with(self, elements: &BTreeMap<usize, f32>) -> Self {
        let (device, count) = (self.device(), elements.len());
        let places: Vec<i32> = elements.keys().map(|&place| place as i32).collect();
        let places = Tensor::<2, Int>::from_data(TensorData::new(places, [count, 1]), &device);
        let values: Vec<f32> = elements.values().copied().collect();
        let values = Tensor::<1>::from_data(TensorData::new(values, [count]), &device);
        let (shape, flat) = (self.shape().to_vec(), self.tensor([self.elements()]));
        drop(self); // so that the device may write in place
        Self::new(&shape, flat.scatter_nd(places, values, IndexingUpdateOp::Assign))
    }

    /// Counts for each entry the elements that are NaN or differ from those of `other`. Zeros of both signs are equal.
    pub fn differences(&self, other: &Self) -> Self {
        let [count, elements] = self.as_entries();
        let [a, b] = [self, other].map(|array| array.tensor::<2>([count, elements]));
        // A shader may return either result for a comparison with NaN.
        let different = a.clone().not_equal(b).bool_or(a.is_nan());
        Self::new(&[count], different.float().sum_dim(1))
    }

    fn as_entries(&self) -> [usize; 2] {
        [self.shape()[0], self.shape()[1..].iter().product()]
    }
}
