//! The tensors of one run.

use facts::graph::ValueId;

use crate::ops::Array;

/// The tensors that a run has computed, by value id.
///
/// A full run holds every layer's output. A faulty run of a wave holds the tensors that differ from the golden run.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    arrays: Vec<Option<Array>>,
}

impl Activations {
    pub(super) fn new(values: usize) -> Self {
        Self { arrays: vec![None; values] }
    }

    pub(super) fn set(&mut self, value: ValueId, array: Array) {
        if value >= self.arrays.len() {
            self.arrays.resize(value + 1, None);
        }
        self.arrays[value] = Some(array);
    }

    pub(super) fn forget(&mut self, value: ValueId) {
        self.arrays[value] = None;
    }

    /// Returns the tensor `value`, if this run computed it.
    pub fn get(&self, value: ValueId) -> Option<&Array> {
        self.arrays.get(value)?.as_ref()
    }
}
