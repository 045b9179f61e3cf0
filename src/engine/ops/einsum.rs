//! Sums of products along named axes, as one batched matrix product.

use facts::graph::{Einsum, Reduction};

use super::Array;
use super::linear::matmul;
use super::reduce::reduce;
use super::shape::transpose;

/// An operand with the names of its axes.
struct Named {
    names: Vec<u8>,
    array: Array,
}

impl Named {
    /// Sums over the axes that `keep` refuses.
    fn summed(self, keep: impl Fn(u8) -> bool) -> Self {
        let axes: Vec<usize> = (0..self.names.len()).filter(|&axis| !keep(self.names[axis])).collect();
        if axes.is_empty() {
            return self;
        }
        let names: Vec<u8> = self.names.iter().copied().filter(|&name| keep(name)).collect();
        let shape: Vec<usize> = names.iter().map(|&name| self.length(name)).collect();
        Self { array: reduce(Reduction::Sum, &axes, &self.array, &shape), names }
    }

    /// Brings the axes into this order.
    fn ordered(&self, names: &[u8]) -> Array {
        let place = |name: &u8| self.names.iter().position(|own| own == name).expect("inference has checked the names");
        let perm: Vec<usize> = names.iter().map(place).collect();
        let shape: Vec<usize> = perm.iter().map(|&axis| self.array.shape()[axis]).collect();
        transpose(&perm, &self.array, &shape)
    }

    fn length(&self, name: u8) -> usize {
        self.names.iter().position(|&own| own == name).map_or(1, |axis| self.array.shape()[axis])
    }
}

/// Axes of both operands that the output keeps are batches; those that it lacks are summed over by the product.
pub(super) fn einsum(einsum: &Einsum, inputs: &[&Array], shape: &[usize]) -> Array {
    let operand = |index: usize| Named { names: einsum.inputs[index].clone(), array: inputs[index].clone() };
    let kept = |name: u8| einsum.output.contains(&name);
    if inputs.len() == 1 {
        return operand(0).summed(kept).ordered(&einsum.output);
    }
    let in_other = |other: usize, name: u8| einsum.inputs[other].contains(&name);
    let a = operand(0).summed(|name| kept(name) || in_other(1, name));
    let b = operand(1).summed(|name| kept(name) || in_other(0, name));
    let only = |of: &Named, other: &Named| -> Vec<u8> {
        of.names.iter().copied().filter(|name| !other.names.contains(name)).collect()
    };
    let both = |keep: bool| -> Vec<u8> {
        a.names.iter().copied().filter(|&name| b.names.contains(&name) && kept(name) == keep).collect()
    };
    let (batch, inner, left, right) = (both(true), both(false), only(&a, &b), only(&b, &a));
    let count = |names: &[u8]| -> usize { names.iter().map(|&name| a.length(name) * b.length(name)).product() };
    let shared = |names: &[u8]| -> usize { names.iter().map(|&name| a.length(name)).product() };
    let (batches, sums, rows, columns) = (shared(&batch), shared(&inner), count(&left), count(&right));
    let a = a.ordered(&[&batch[..], &left, &inner].concat()).reshaped(&[batches, rows, sums]);
    let b = b.ordered(&[&batch[..], &inner, &right].concat()).reshaped(&[batches, sums, columns]);
    let product = matmul(&a, &b, &[batches, rows, columns]);
    let names = [batch, left, right].concat();
    // The axes of the product, back from three.
    let lengths: Vec<usize> = names
        .iter()
        .map(|name| {
            let place = einsum.output.iter().position(|own| own == name).expect("inference has checked the names");
            shape[place]
        })
        .collect();
    Named { array: product.reshaped(&lengths), names }.ordered(&einsum.output)
}
