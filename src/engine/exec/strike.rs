//! The strike: the stage of a layer that applies faults to elements.
//!
//! Waves on the CPU, batches and single runs on a GPU, and weight faults all change elements here.

use facts::fault::Code;
use facts::graph::{Graph, NodeId, ValueId};

use super::Change;

/// The changes of one lane.
#[derive(Clone, Debug)]
pub(super) struct Strikes<'a> {
    /// Pending changes, in the order of layers.
    coming: Vec<Strike<'a>>,
    /// The value before and after each change.
    changed: Vec<[f32; 2]>,
}

/// A change of a lane, with its index among the lane's changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike<'a> {
    number: usize,
    change: &'a Change,
    /// How the element is stored.
    code: Code,
}

impl<'a> Strikes<'a> {
    /// Prepares a lane's changes in `graph`; all are pending.
    pub fn new(graph: &Graph, changes: &'a [Change]) -> Self {
        let strike = |(number, change): (usize, &'a Change)| Strike {
            number,
            change,
            code: graph.values[change.tensor].code(change.element),
        };
        let mut coming: Vec<Strike<'a>> = changes.iter().enumerate().map(strike).collect();
        coming.sort_by_key(|strike| strike.change.layer);
        Self { coming, changed: vec![[0.0; 2]; changes.len()] }
    }

    /// Returns the layers of the pending changes, in order.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.coming.iter().map(|strike| strike.change.layer)
    }

    /// Returns whether no change is pending.
    pub fn is_over(&self) -> bool {
        self.coming.is_empty()
    }

    /// Returns whether a change in layer `layer` is pending.
    pub fn strikes_layer(&self, layer: NodeId) -> bool {
        self.coming.get(self.first_of(layer)).is_some_and(|strike| strike.change.layer == layer)
    }

    /// Returns the elements of the output `value` of layer `layer` with a pending change.
    pub fn elements(&self, layer: NodeId, value: ValueId) -> impl Iterator<Item = usize> + '_ {
        let here = self.coming[self.first_of(layer)..].iter().take_while(move |strike| strike.change.layer == layer);
        here.filter(move |strike| strike.change.tensor == value).map(Strike::element)
    }

    /// Returns whether a change in the output `value` of layer `layer` is pending.
    pub fn strikes(&self, layer: NodeId, value: ValueId) -> bool {
        self.elements(layer, value).next().is_some()
    }

    fn first_of(&self, layer: NodeId) -> usize {
        self.coming.partition_point(|strike| strike.change.layer < layer)
    }

    /// Removes and returns the pending changes in the output `value` of layer `layer`. The caller applies each with
    /// [`Strikes::make`].
    pub fn take(&mut self, layer: NodeId, value: ValueId) -> Vec<Strike<'a>> {
        let here = self.first_of(layer)..self.first_of(layer + 1);
        self.coming.extract_if(here, |strike| strike.change.tensor == value).collect()
    }

    /// Removes and returns the pending changes in the tensors for which `is_one` is true, in any layer, in the lane's
    /// order.
    pub fn take_in(&mut self, is_one: impl Fn(ValueId) -> bool) -> Vec<Strike<'a>> {
        let mut taken: Vec<_> = self.coming.extract_if(.., |strike| is_one(strike.change.tensor)).collect();
        taken.sort_by_key(|strike| strike.number);
        taken
    }

    /// Applies a change to its element and records the values.
    pub fn make(&mut self, strike: Strike<'_>, element: &mut f32) {
        let before = *element;
        *element = strike.change.corruption.apply(before, strike.code);
        self.changed[strike.number] = [before, *element];
    }

    /// Applies all changes in the output `value` of layer `layer` to its row-major `elements`.
    pub fn make_all(&mut self, layer: NodeId, value: ValueId, elements: &mut [f32]) {
        for strike in self.take(layer, value) {
            self.make(strike, &mut elements[strike.element()]);
        }
    }

    /// Returns the value before and after each change.
    pub fn into_changed(self) -> Vec<[f32; 2]> {
        self.changed
    }
}

impl Strike<'_> {
    /// Returns the tensor.
    pub fn tensor(&self) -> ValueId {
        self.change.tensor
    }

    /// Returns the row-major index into the tensor as stored.
    pub fn element(&self) -> usize {
        self.change.element
    }
}
