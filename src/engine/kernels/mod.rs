//! Kernels of our own for the CPU: what an operator computes, for any part of its output.
//!
//! Fault injection asks for something no tensor library offers: the same arithmetic on a whole map and on the few
//! positions that a fault has touched, so that what it has not touched keeps its bits. A [`Kernel`] therefore computes
//! [`Job`]s: a [`Region`] of one image's output, from inputs seen through [`View`]s, which lay the rows that a fault has
//! changed over the golden ones. A dense run is the job whose region is everything. Each element of an output is one
//! fixed chain of operations, whatever the region, the other jobs, the tile or the thread it is computed with.
//!
//! Images lie channels-last: all channels of a position are one contiguous *row*, which is what convolutions read and
//! what vector instructions like. Any other tensor is a single row, row-major ([`Extent::of`]).
//!
//! Operators without a kernel of their own run on burn.

mod band;
mod build;
mod channels;
mod conv;
mod depthwise;
mod generic;
mod linear;
mod matrix;
mod pool;
mod rearrange;
mod reduce;
mod scale;
mod unary;
mod view;
mod window;
mod zip;

#[cfg(test)]
mod tests;

pub use crate::ops::{Extent, Region};
pub use build::{build, build_channel};
pub use view::{Job, View};

use std::fmt::Debug;

use facts::graph::HostTensor;

/// What an operator computes, its parameters packed.
///
/// Inputs are counted without the constant ones, in the operator's order.
pub trait Kernel: Debug + Send + Sync {
    /// The positions of the output that read any of `changed` of input `input`.
    fn reach(&self, input: usize, changed: Region) -> Region;

    /// Whether a position of the output reads nothing but the same position of the inputs.
    fn is_local(&self) -> bool;

    /// Computes the jobs, using the cores of the thread pool it is called in.
    fn compute(&self, jobs: &mut [Job<'_>]);

    /// Multiplications with addition that one position of the output costs; 0 where it is not a matter of products.
    fn multiply_adds(&self) -> u64 {
        0
    }
}

/// An input of an operator.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// Known when it runs: a tensor of this shape.
    Value(&'a [usize]),
    /// Known now.
    Constant(&'a HostTensor),
}

/// An element of a constant input that is another than the constant says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantEdit {
    /// Which input of the operator.
    pub operand: usize,
    /// Index into it, row-major.
    pub element: usize,
    /// What the element is.
    pub value: f32,
}
