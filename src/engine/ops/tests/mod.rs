//! The operators compared with onnxruntime and with their own inverses, and their results for NaN.

mod layers;
mod non_finite;
mod properties;
mod reference;

use burn::tensor::Device;
use facts::graph::{Op, infer, links};

use super::{Array, layer};

/// Makes a tensor of `shape` from `data`, on the CPU.
fn array(shape: &[usize], data: &[f32]) -> Array {
    Array::from_slice(shape, data, &Device::flex())
}

/// Makes a tensor of `shape` with elements that count up from 0.
fn counting(shape: &[usize]) -> Array {
    let data: Vec<f32> = (0..shape.iter().product::<usize>()).map(|index| index as f32).collect();
    array(shape, &data)
}

fn read(array: &Array) -> Vec<f32> {
    pollster::block_on(array.read()).expect("the CPU can be read")
}

/// Runs `op` as the executor does: shape inference, then the operator.
fn run(op: &Op, inputs: &[&Array]) -> Vec<Array> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    let inferred = infer(op, &shapes).unwrap_or_else(|problem| panic!("{op:?} on {shapes:?}: {problem}"));
    let links = match op {
        Op::Chain(steps) => links(steps, &shapes).expect("it was inferred"),
        _ => Vec::new(),
    };
    let shapes: Vec<&[usize]> = inferred.iter().map(Vec::as_slice).collect();
    let outputs = layer(op, inputs, &links, &shapes);
    assert_eq!(outputs.iter().map(Array::shape).collect::<Vec<_>>(), shapes, "{op:?}");
    for output in &outputs {
        assert_eq!(read(output).len(), output.elements(), "{op:?}");
    }
    outputs
}

/// Computes the elements of the only output of `op`.
fn values(op: &Op, inputs: &[&Array]) -> Vec<f32> {
    let outputs = run(op, inputs);
    assert_eq!(outputs.len(), 1, "{op:?}");
    read(&outputs[0])
}
