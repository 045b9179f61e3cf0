//! The tensors of one run.

use crate::graph::ValueId;
use crate::ops::Array;

/// The tensors a run has computed, by value id.
///
/// A full run holds every layer's output. A re-run holds only what differs from the golden run, because only
/// that was computed.
#[derive(Clone, Debug)]
pub struct Activations {
    arrays: Vec<Option<Array>>,
}

impl Activations {
    pub(super) fn new(values: usize) -> Self {
        Self { arrays: vec![None; values] }
    }

    pub(super) fn set(&mut self, value: ValueId, array: Array) {
        self.arrays[value] = Some(array);
    }

    pub(super) fn forget(&mut self, value: ValueId) {
        self.arrays[value] = None;
    }

    /// The tensor `value`, where this run computed it.
    pub fn get(&self, value: ValueId) -> Option<&Array> {
        self.arrays.get(value)?.as_ref()
    }
}
