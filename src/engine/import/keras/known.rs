//! Tensors that are the same for every image: those that Embedding looks rows up with.

use std::collections::HashMap;

use burn::tensor::Device;
use facts::graph::{Op, Step, ValueId, infer};
use futures_util::FutureExt;

use crate::ops::{self, Array};

/// Most elements of a tensor that is worked out at import.
const MOST: usize = 1 << 16;

/// Tensors of a model that are known at import, as they are stored.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<ValueId, Array>);

impl Known {
    /// The elements of `value`, if they are known.
    pub fn elements(&self, value: ValueId) -> Option<Vec<f32>> {
        self.0.get(&value)?.read().now_or_never()?.ok()
    }

    /// Takes note of the output `made`, of `shape`, of a layer that computes `op` of `reads`, if it is known.
    pub fn note(&mut self, op: &Op, reads: &[ValueId], shapes: &[&[usize]], made: ValueId, shape: &[usize]) {
        if shape.iter().product::<usize>() > MOST || shapes.iter().any(|shape| shape.iter().product::<usize>() > MOST) {
            return;
        }
        let zeros = |shape: &[usize]| Array::from_slice(shape, &vec![0.0; shape.iter().product()], &Device::flex());
        let inputs: Option<Vec<Array>> = match op {
            // One number, whatever is read.
            Op::Chain(steps) if is_filled(steps) => Some(shapes.iter().map(|shape| zeros(shape)).collect()),
            _ => reads.iter().map(|value| self.0.get(value).cloned()).collect(),
        };
        let made_of = inputs.and_then(|inputs| computed(op, &inputs));
        if let Some(array) = made_of.filter(|array| array.shape() == shape) {
            self.0.insert(made, array);
        }
    }
}

/// Whether the steps make one number of every element.
fn is_filled(steps: &[Step]) -> bool {
    use facts::graph::Unary;
    matches!(
        steps,
        [Step { op: Op::Unary(Unary::IsNan), .. }, Step { op: Op::Unary(Unary::Clip { min, max }), .. }] if min == max
    )
}

fn computed(op: &Op, inputs: &[Array]) -> Option<Array> {
    let one = |op: &Op, inputs: &[&Array]| {
        let shapes: Vec<&[usize]> = inputs.iter().map(|array| array.shape()).collect();
        let made = infer(op, &shapes).ok()?;
        match &made[..] {
            [shape] => ops::apply(op, inputs, &[shape]).pop(),
            _ => None,
        }
    };
    let Op::Chain(steps) = op else { return one(op, &inputs.iter().collect::<Vec<_>>()) };
    let mut rest = inputs;
    let mut made: Option<Array> = None;
    for step in steps {
        let (own, later) = rest.split_at_checked(step.inputs)?;
        rest = later;
        let taken: Vec<&Array> = made.iter().chain(own).collect();
        made = Some(one(&step.op, &taken)?);
    }
    made
}
