//! Operators on known tensors that move elements or choose between them.

use facts::Result;
use facts::graph::elements;

use super::arithmetic::common;
use crate::import::onnx::layers;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::onnx::tensor::{Data, Tensor};

/// `tensor` repeated to `shape`, to which it broadcasts.
pub(super) fn spread(node: &NodeView, symbols: &mut Symbols, tensor: &Tensor, shape: Vec<usize>) -> Result<Tensor> {
    let count = elements(&shape).unwrap_or(usize::MAX);
    symbols.spend(node, count)?;
    let rank = shape.len();
    let own = |axis: usize| (axis + tensor.shape.len()).checked_sub(rank).map_or(1, |axis| tensor.shape[axis]);
    let source = |mut index: usize| {
        let (mut offset, mut stride) = (0, 1);
        for axis in (0..rank).rev() {
            offset += (index % shape[axis]).min(own(axis) - 1) * stride;
            stride *= own(axis);
            index /= shape[axis];
        }
        offset
    };
    let data = tensor.data.take(&(0..count).map(source).collect::<Vec<_>>());
    Ok(Tensor { shape, data })
}

pub(super) fn tile(node: &NodeView, symbols: &mut Symbols, tensor: &Tensor, repeats: &[i64]) -> Result<Tensor> {
    if repeats.len() != tensor.shape.len() {
        return Err(node.problem(format_args!("{repeats:?} does not give copies for each axis of {:?}", tensor.shape)));
    }
    let long = |(&length, &copies): (&usize, &i64)| usize::try_from(copies).ok()?.checked_mul(length);
    let shape: Option<Vec<usize>> = tensor.shape.iter().zip(repeats).map(long).collect();
    let shape = shape.ok_or_else(|| node.problem(format_args!("{repeats:?} copies are impossible")))?;
    let count = elements(&shape).unwrap_or(usize::MAX);
    symbols.spend(node, count)?;
    let source = |mut index: usize| {
        let (mut offset, mut stride) = (0, 1);
        for (&long, &own) in shape.iter().zip(&tensor.shape).rev() {
            offset += index % long % own * stride;
            stride *= own;
            index /= long;
        }
        offset
    };
    Ok(Tensor { data: tensor.data.take(&(0..count).map(source).collect::<Vec<_>>()), shape })
}

pub(super) fn transposed(node: &NodeView, symbols: &mut Symbols, tensor: &Tensor, perm: &[usize]) -> Result<Tensor> {
    let shape: Vec<usize> = perm.iter().map(|&axis| tensor.shape[axis]).collect();
    symbols.spend(node, tensor.data.len())?;
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len()).rev().skip(1) {
        strides[axis] = strides[axis + 1] * tensor.shape[axis + 1];
    }
    let source = |mut index: usize| {
        let mut offset = 0;
        for (axis, &length) in shape.iter().enumerate().rev() {
            offset += index % length * strides[perm[axis]];
            index /= length;
        }
        offset
    };
    let data = tensor.data.take(&(0..tensor.data.len()).map(source).collect::<Vec<_>>());
    Ok(Tensor { shape, data })
}

pub(super) fn choose(node: &NodeView, symbols: &mut Symbols, [condition, a, b]: [&Tensor; 3]) -> Result<Tensor> {
    let shape = common(node, &common(node, &condition.shape, &a.shape)?, &b.shape)?;
    let Data::Int(holds) = spread(node, symbols, condition, shape.clone())?.data else {
        return Err(node.problem("its condition is of numbers; truth values are expected"));
    };
    let (a, b) = (spread(node, symbols, a, shape.clone())?.data, spread(node, symbols, b, shape.clone())?.data);
    macro_rules! pick {
        ($kind:ident, $a:ident, $b:ident) => {
            Data::$kind(
                holds
                    .iter()
                    .zip($a.iter().zip(&*$b))
                    .map(|(&holds, (&a, &b))| if holds != 0 { a } else { b })
                    .collect(),
            )
        };
    }
    let data = match (a, b) {
        (Data::Float(a), Data::Float(b)) => pick!(Float, a, b),
        (Data::Double(a), Data::Double(b)) => pick!(Double, a, b),
        (Data::Int(a), Data::Int(b)) => pick!(Int, a, b),
        (a, b) => return Err(node.problem(format_args!("{} and {} do not mix", a.kind(), b.kind()))),
    };
    Ok(Tensor { shape, data })
}

/// ScatterND: `data` with `updates` written to the slices that `indices` name.
pub(super) fn scatter(
    node: &NodeView,
    symbols: &mut Symbols,
    [data, indices, updates]: [&Tensor; 3],
) -> Result<Tensor> {
    if node.string("reduction", "none")? != "none" {
        return Err(node.unsupported("it combines the updates with what is there"));
    }
    let Data::Int(places) = &indices.data else { return Err(node.problem("its indices are no integers")) };
    symbols.spend(node, data.data.len())?;
    let sources = layers::scattered(node, &data.shape, &indices.shape, places, &updates.shape)?;
    let both = match (&data.data, &updates.data) {
        (Data::Float(a), Data::Float(b)) => Data::Float([&**a, b].concat().into()),
        (Data::Double(a), Data::Double(b)) => Data::Double([&**a, b].concat().into()),
        (Data::Int(a), Data::Int(b)) => Data::Int([&**a, b].concat().into()),
        (a, b) => return Err(node.problem(format_args!("{} and {} do not mix", a.kind(), b.kind()))),
    };
    Ok(Tensor { shape: data.shape.clone(), data: both.take(&sources) })
}
