//! Our own kernels for the CPU: they compute any part of an operator's output.
//!
//! Fault injection needs a feature that no tensor library offers. The arithmetic must be the same on a whole map and
//! on the few positions that a fault has reached, so that all other positions keep their bits. Therefore a [`Kernel`]
//! computes [`Job`]s. A job is a [`Region`] of one image's output; its inputs are [`View`]s, which lay the rows
//! changed by a fault over the golden rows. A dense run is a job with all positions. Each output element is one fixed
//! sequence of operations, independent of the region, the other jobs, the tile and the thread.
//!
//! Images are channels-last: all channels of a position form one contiguous *row*. Convolutions read rows, and vector
//! instructions work best on contiguous data. The rows of any other tensor lie along its last axis, so a token is a position
//! ([`Extent`]). Whoever builds a kernel says for each tensor how its rows lie ([`Form`]).
//!
//! Operators without one of these kernels run on burn.

mod attend;
mod band;
mod build;
mod channels;
mod checksum;
mod clip;
mod concat;
mod conv;
mod depthwise;
mod functions;
mod generic;
mod integer;
mod linear;
mod matrix;
mod mix;
mod normalise;
mod pool;
mod product;
mod rearrange;
mod reduce;
mod round;
mod scale;
mod unary;
mod view;
mod window;
mod zip;

#[cfg(test)]
mod tests;

pub use crate::ops::{Extent, Order, Region};
pub use build::{build, build_channel};
pub use checksum::{Checked, Checksum, Residual};
pub use clip::{Bounds, clip_all};
pub(crate) use matrix::{Matrix, Rows};
pub use round::round_all;
pub use view::{Job, View};

use std::fmt::Debug;

use facts::graph::HostTensor;

/// The computation of an operator with packed parameters.
///
/// Input indices follow the operator's order and skip the constants.
pub trait Kernel: Debug + Send + Sync {
    /// Returns the positions of the output that read any position in `changed` of input `input`.
    fn reach(&self, input: usize, changed: Region) -> Region;

    /// Returns whether each position of the output reads only the same position of the inputs.
    fn is_local(&self) -> bool;

    /// Computes the jobs on the threads of the calling thread pool.
    fn compute(&self, jobs: &mut [Job<'_>]);

    /// Returns the multiply-adds of one position of the output; 0 for operators without products.
    fn multiply_adds(&self) -> u64 {
        0
    }
}

/// The shape of a tensor, and how its rows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form<'a> {
    /// Length of each axis.
    pub shape: &'a [usize],
    /// Positions and rows.
    pub extent: Extent,
}

impl<'a> Form<'a> {
    /// Returns the form of a tensor of `shape` that [`Extent::of`] gives it.
    pub fn of(shape: &'a [usize]) -> Self {
        Self { shape, extent: Extent::of(shape) }
    }
}

/// An input of an operator.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A tensor that is known at run time.
    Value(Form<'a>),
    /// A constant, known when the kernel is built.
    Constant(&'a HostTensor),
}

/// A changed element of a constant input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantEdit {
    /// Index of the operator's input.
    pub operand: usize,
    /// Row-major index of the element.
    pub element: usize,
    /// The new value.
    pub value: f32,
}
