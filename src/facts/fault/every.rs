//! All faults, one after the other: every bit of every element.

use super::{Bits, Corruption, FaultKind, FaultModel, Mode, Site, SiteSpace, Target};
use crate::graph::Graph;
use crate::{Error, Result};

/// The faults of one image, counted by layer, element and bit.
#[derive(Clone, Debug)]
pub struct EveryFault {
    /// Of each tensor: the layer, the tensor, the number of its first fault, and the bits.
    tensors: Vec<(usize, usize, u64, Bits)>,
    count: u64,
}

impl EveryFault {
    /// The flips of each of the bits of `model` in each element of `space`.
    ///
    /// # Errors
    /// If the model is not of single flips, or a tensor's number format lacks a bit.
    pub fn new(graph: &Graph, space: &SiteSpace, model: &FaultModel) -> Result<Self> {
        let (FaultKind::BitFlip { bits }, Mode::Single, 1, true) =
            (model.kind, model.mode, model.amount, model.pattern.is_single())
        else {
            return Err(Error::request(
                "--design exhaustive tries each bit of each element by itself; leave --type, --mode, --amount and --pattern away",
            ));
        };
        let plain = model.ber.is_none() && model.error_models.is_none() && model.accelerator.is_none();
        if !plain || !matches!(model.target, Target::Activation | Target::Weight) {
            return Err(Error::request(
                "--design exhaustive flips single bits of activations or weights; leave --ber, --pattern-file, --accelerator and \
                 other targets away",
            ));
        }
        let (mut tensors, mut count) = (Vec::new(), 0u64);
        for sites in space.layers() {
            for &(tensor, elements) in &sites.tensors {
                let value = &graph.values[tensor];
                let bits = bits
                    .within(value.format)
                    .map_err(|error| Error::request(format_args!("tensor \"{}\": {error}", value.name)))?;
                tensors.push((sites.layer, tensor, count, bits));
                count = count.saturating_add((elements as u64).saturating_mul(u64::from(bits.count())));
            }
        }
        if count == 0 {
            return Err(Error::request("the model has no layer in which a fault of this target can strike"));
        }
        Ok(Self { tensors, count })
    }

    /// Number of faults.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the fault of this number.
    ///
    /// # Errors
    /// If there is none.
    pub fn site(&self, space: &SiteSpace, number: u64) -> Result<Site> {
        let at = self.tensors.partition_point(|&(_, _, first, _)| first <= number).saturating_sub(1);
        let &(layer, tensor, first, bits) = self
            .tensors
            .get(at)
            .filter(|_| number < self.count)
            .ok_or_else(|| Error::request(format_args!("an image has {} faults, no fault {number}", self.count)))?;
        let (element, bit) = ((number - first) / u64::from(bits.count()), (number - first) % u64::from(bits.count()));
        let corruption = Corruption::Flip(bits.nth(bit as u32));
        Ok(Site { target: space.target(), layer, tensor, element: element as usize, corruption })
    }
}
