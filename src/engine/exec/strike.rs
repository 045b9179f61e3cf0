//! The strike: the stage of a layer at which faults change elements.
//!
//! Waves on the CPU, batches and single runs on a GPU, and faults in weights all change elements here.

use facts::fault::Format;
use facts::graph::{NodeId, ValueId};

use super::Change;

/// The changes of one lane.
#[derive(Debug)]
pub(super) struct Strikes<'a> {
    /// Changes that are still to come, in the order of layers.
    coming: Vec<Strike<'a>>,
    /// By change, the value before and after.
    changed: Vec<[f32; 2]>,
}

/// A change of a lane, with its place among the lane's changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike<'a> {
    number: usize,
    change: &'a Change,
}

impl<'a> Strikes<'a> {
    /// All of a lane's changes, none of them made.
    pub fn new(changes: &'a [Change]) -> Self {
        let mut coming: Vec<Strike<'a>> =
            changes.iter().enumerate().map(|(number, change)| Strike { number, change }).collect();
        coming.sort_by_key(|strike| strike.change.layer);
        Self { coming, changed: vec![[0.0; 2]; changes.len()] }
    }

    /// The layers of the changes that are still to come, in order.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.coming.iter().map(|strike| strike.change.layer)
    }

    /// Whether every change was made.
    pub fn is_over(&self) -> bool {
        self.coming.is_empty()
    }

    /// Whether a change in layer `layer` is still to come.
    pub fn strikes_layer(&self, layer: NodeId) -> bool {
        self.coming.get(self.first_of(layer)).is_some_and(|strike| strike.change.layer == layer)
    }

    /// The elements of the output `value` of layer `layer` that are still to be changed.
    pub fn elements(&self, layer: NodeId, value: ValueId) -> impl Iterator<Item = usize> + '_ {
        let here = self.coming[self.first_of(layer)..].iter().take_while(move |strike| strike.change.layer == layer);
        here.filter(move |strike| strike.change.tensor == value).map(Strike::element)
    }

    /// Whether a change in the output `value` of layer `layer` is still to come.
    pub fn strikes(&self, layer: NodeId, value: ValueId) -> bool {
        self.elements(layer, value).next().is_some()
    }

    fn first_of(&self, layer: NodeId) -> usize {
        self.coming.partition_point(|strike| strike.change.layer < layer)
    }

    /// Takes the changes in the output `value` of layer `layer`, each to be made with [`Strikes::make`].
    pub fn take(&mut self, layer: NodeId, value: ValueId) -> Vec<Strike<'a>> {
        let here = self.first_of(layer)..self.first_of(layer + 1);
        self.coming.extract_if(here, |strike| strike.change.tensor == value).collect()
    }

    /// Takes the changes in the tensors that `is_one` names, whatever the layer, in the lane's order.
    pub fn take_in(&mut self, is_one: impl Fn(ValueId) -> bool) -> Vec<Strike<'a>> {
        let mut taken: Vec<_> = self.coming.extract_if(.., |strike| is_one(strike.change.tensor)).collect();
        taken.sort_by_key(|strike| strike.number);
        taken
    }

    /// Makes a change in its element, and writes down the values.
    pub fn make(&mut self, strike: Strike<'_>, element: &mut f32) {
        let before = *element;
        *element = strike.change.corruption.apply(before, Format::F32);
        self.changed[strike.number] = [before, *element];
    }

    /// Makes all changes in the output `value` of layer `layer`, whose row-major elements are `elements`.
    pub fn make_all(&mut self, layer: NodeId, value: ValueId, elements: &mut [f32]) {
        for strike in self.take(layer, value) {
            self.make(strike, &mut elements[strike.element()]);
        }
    }

    /// By change, the value before and after.
    pub fn into_changed(self) -> Vec<[f32; 2]> {
        self.changed
    }
}

impl Strike<'_> {
    /// The tensor.
    pub fn tensor(&self) -> ValueId {
        self.change.tensor
    }

    /// Index into the tensor, row-major, as it is stored.
    pub fn element(&self) -> usize {
        self.change.element
    }
}
