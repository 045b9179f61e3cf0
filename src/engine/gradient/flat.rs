//! Tensors in main memory, as the derivatives read them.

use std::borrow::Cow;

use facts::graph::HostTensor;
use facts::{Error, Result};

use crate::ops::{Array, Extent, Order};

/// A tensor in main memory: rows of an [`Extent`].
#[derive(Clone, Debug)]
pub(super) struct Flat<'a> {
    pub shape: Cow<'a, [usize]>,
    pub extent: Extent,
    pub data: Cow<'a, [f32]>,
}

impl<'a> Flat<'a> {
    /// Makes a tensor of row-major elements.
    pub fn new(shape: &[usize], data: Vec<f32>) -> Flat<'static> {
        Flat { shape: Cow::Owned(shape.to_vec()), extent: Extent::last(shape), data: Cow::Owned(data) }
    }

    /// Makes a tensor of the same shape and rows with other elements.
    pub fn with(&self, data: Vec<f32>) -> Flat<'static> {
        Flat { shape: Cow::Owned(self.shape.to_vec()), extent: self.extent, data: Cow::Owned(data) }
    }

    /// Borrows a tensor of a run on the CPU.
    ///
    /// # Errors
    /// If the tensor is on another device.
    pub fn of(array: &'a Array) -> Result<Self> {
        let (extent, data) = array.laid_out()?;
        Ok(Self { shape: Cow::Borrowed(array.shape()), extent, data })
    }

    /// Borrows a parameter.
    pub fn parameter(tensor: &'a HostTensor) -> Self {
        Self {
            shape: Cow::Borrowed(&tensor.shape),
            extent: Extent::last(&tensor.shape),
            data: Cow::Borrowed(&tensor.data),
        }
    }

    /// Borrows the tensor.
    pub fn borrowed(&self) -> Flat<'_> {
        Flat { shape: Cow::Borrowed(&self.shape), extent: self.extent, data: Cow::Borrowed(&self.data) }
    }

    /// Adds a tensor of the same shape.
    pub fn add(&mut self, other: &Flat<'_>) {
        let rows = other.rows(self.extent);
        self.data.to_mut().iter_mut().zip(&*rows).for_each(|(sum, value)| *sum += value);
    }

    /// Returns the elements row-major.
    pub fn elements(&self) -> Cow<'_, [f32]> {
        match self.extent.order {
            Order::Last => Cow::Borrowed(&self.data),
            Order::Channels => Cow::Owned(self.extent.row_major(&self.data)),
        }
    }

    /// Returns the elements in the rows of `extent`.
    pub fn rows(&self, extent: Extent) -> Cow<'_, [f32]> {
        let plain = |extent: Extent| extent.order == Order::Last;
        if self.extent == extent || (plain(self.extent) && plain(extent)) {
            return Cow::Borrowed(&self.data);
        }
        Cow::Owned(extent.rows(&self.elements()))
    }

    /// Returns the elements in the rows of an image, whose channels are axis 1.
    pub fn image(&self, shape: &[usize; 4]) -> Cow<'_, [f32]> {
        self.rows(Extent::of(shape))
    }
}

/// Returns the element of a row-major index.
pub(super) fn element(extent: Extent, rows: &[f32], row_major: usize) -> Option<f32> {
    let index = match extent.order {
        Order::Last => row_major,
        Order::Channels => {
            let positions = extent.positions();
            row_major % positions * extent.channels + row_major / positions
        }
    };
    rows.get(index).copied()
}

/// Returns for each element of a tensor of shape `output` the index of the element of a tensor of shape `input` that is
/// broadcast to it.
pub(super) fn broadcast(input: &[usize], output: &[usize]) -> Vec<usize> {
    let lead = output.len() - input.len();
    let mut strides = vec![0usize; output.len()];
    let mut stride = 1;
    for axis in (0..input.len()).rev() {
        strides[lead + axis] = if input[axis] == 1 { 0 } else { stride };
        stride *= input[axis];
    }
    let mut indices = vec![0usize];
    for (&length, &stride) in output.iter().zip(&strides) {
        let mut next = Vec::with_capacity(indices.len() * length);
        for &index in &indices {
            next.extend((0..length).map(|place| index + place * stride));
        }
        indices = next;
    }
    indices
}

/// Adds up the elements of `full`, a tensor of shape `output`, that come from one element of a tensor of shape `input`.
pub(super) fn unbroadcast(full: &[f32], output: &[usize], input: &[usize]) -> Flat<'static> {
    if input == output || input.iter().product::<usize>() == full.len() {
        return Flat::new(input, full.to_vec());
    }
    let mut sums = vec![0.0; input.iter().product()];
    for (&value, index) in full.iter().zip(broadcast(input, output)) {
        sums[index] += value;
    }
    Flat::new(input, sums)
}

/// Returns the product of a slope and a gradient. Nothing flows back where the gradient is 0, whatever the slope is: an
/// infinite slope, as of a root at 0, would give NaN.
#[inline(always)]
pub(super) fn flow(slope: f32, gradient: f32) -> f32 {
    if gradient == 0.0 { 0.0 } else { slope * gradient }
}

/// The error for a layer whose derivative is not known.
pub(super) fn unknown(what: &str) -> Error {
    Error::request(format_args!("{what} has no derivative here"))
}
