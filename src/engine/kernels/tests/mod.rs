//! The kernels compared with burn, and parts of an output compared with the whole.

mod dense;
mod functions;
mod integers;
mod non_finite;
mod regions;
mod tokens;

use burn::tensor::Device;
use facts::graph::{HostTensor, Op, infer};

use super::{Extent, Form, Job, Kernel, Operand, Region, View, build};
use crate::ops::{self, Array};

/// An input of an operator in a test: row-major.
#[derive(Clone, Debug)]
enum Input {
    Value(HostTensor),
    Constant(HostTensor),
}

impl Input {
    fn tensor(&self) -> &HostTensor {
        match self {
            Self::Value(tensor) | Self::Constant(tensor) => tensor,
        }
    }

    fn operand(&self) -> Operand<'_> {
        match self {
            Self::Value(tensor) => Operand::Value(Form::of(&tensor.shape)),
            Self::Constant(tensor) => Operand::Constant(tensor),
        }
    }
}

fn tensor(shape: &[usize], data: impl IntoIterator<Item = f32>) -> HostTensor {
    let data: Vec<f32> = data.into_iter().take(shape.iter().product()).collect();
    HostTensor::new(shape, data).expect("as many numbers as the shape has")
}

/// Returns pseudo-random numbers from -2 to 2 for `seed`.
fn noise(seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 4.0 - 2.0
    })
}

fn value(shape: &[usize], seed: u32) -> Input {
    Input::Value(tensor(shape, noise(seed)))
}

fn constant(shape: &[usize], seed: u32) -> Input {
    Input::Constant(tensor(shape, noise(seed)))
}

fn shapes(op: &Op, inputs: &[Input]) -> Vec<Vec<usize>> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.tensor().shape.as_slice()).collect();
    infer(op, &shapes).unwrap_or_else(|problem| panic!("{op:?} on {shapes:?}: {problem}"))
}

fn kernels(op: &Op, inputs: &[Input]) -> Vec<Box<dyn Kernel>> {
    let operands: Vec<Operand<'_>> = inputs.iter().map(Input::operand).collect();
    let shapes = shapes(op, inputs);
    build(op, &operands, &shapes.iter().map(|shape| Form::of(shape)).collect::<Vec<_>>())
}

/// Returns the non-constant tensors of `inputs`, as rows.
fn rows(inputs: &[Input]) -> Vec<(Extent, Vec<f32>)> {
    let values = inputs.iter().filter_map(|input| match input {
        Input::Value(tensor) => Some((Extent::of(&tensor.shape), Extent::of(&tensor.shape).rows(&tensor.data))),
        Input::Constant(_) => None,
    });
    values.collect()
}

/// Computes a region of a kernel's output, which has `channels`, from views.
fn compute(kernel: &dyn Kernel, inputs: Vec<View<'_>>, region: Region, channels: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; region.positions() * channels];
    kernel.compute(&mut [Job { inputs, region, out: &mut out }]);
    out
}

/// Computes all outputs of an operator, as rows.
fn whole(op: &Op, inputs: &[Input]) -> Vec<Vec<f32>> {
    let rows = rows(inputs);
    let kernels = kernels(op, inputs);
    let outputs = shapes(op, inputs);
    assert_eq!(kernels.len(), outputs.len(), "{op:?}");
    let output = |kernel: &dyn Kernel, shape: &[usize]| {
        let views = rows.iter().map(|(extent, rows)| View::new(*extent, rows)).collect();
        compute(kernel, views, Extent::of(shape).region(), Extent::of(shape).channels)
    };
    kernels.iter().zip(&outputs).map(|(kernel, shape)| output(kernel.as_ref(), shape)).collect()
}

/// Computes all outputs on burn.
fn by_burn(op: &Op, inputs: &[Input]) -> Vec<Vec<f32>> {
    let arrays: Vec<Array> = inputs.iter().map(|input| Array::upload(input.tensor(), &Device::flex())).collect();
    let arrays: Vec<&Array> = arrays.iter().collect();
    let outputs = shapes(op, inputs);
    let outputs: Vec<&[usize]> = outputs.iter().map(Vec::as_slice).collect();
    let rows = |array: &Array| array.rows(Extent::of(array.shape())).unwrap().to_vec();
    ops::apply(op, &arrays, &outputs).iter().map(rows).collect()
}

/// Compares the kernels of `op` with burn.
fn check(op: &Op, inputs: &[Input]) {
    for (found, expected) in whole(op, inputs).iter().zip(by_burn(op, inputs)) {
        assert_eq!(found.len(), expected.len(), "{op:?}");
        for (index, (&found, expected)) in found.iter().zip(expected).enumerate() {
            let same = if expected.is_finite() {
                (found - expected).abs() <= 2e-5 * expected.abs().max(1.0)
            } else {
                found == expected || (found.is_nan() && expected.is_nan())
            };
            assert!(same, "{op:?}, element {index}: {found}, by burn {expected}");
        }
    }
}

/// Returns whether an operator has a kernel of our own for these inputs.
fn is_own(op: &Op, inputs: &[Input]) -> bool {
    kernels(op, inputs).iter().all(|kernel| !format!("{kernel:?}").starts_with("Generic"))
}
