//! The share of time in which bits are live.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::Target;
use crate::{Error, Result};

/// The share of time, from 0 to 1, in which a flip of a bit can matter: the bit holds a value that is still to be read. An
/// assumption of the user; 1 without one, which is the worst case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Residency {
    /// Of parameters.
    pub weights: f64,
    /// Of layers' outputs.
    pub activations: f64,
    /// Of the layers that are named; it replaces the share of the memory.
    pub layers: BTreeMap<String, f64>,
}

impl Default for Residency {
    fn default() -> Self {
        Self { weights: 1.0, activations: 1.0, layers: BTreeMap::new() }
    }
}

impl Residency {
    /// The share of a layer.
    pub fn of(&self, target: Target, layer: &str) -> f64 {
        let usual = match target {
            Target::Weight => self.weights,
            // A budget is for the memories of weights and activations.
            Target::Input | Target::Metadata => 0.0,
            Target::Activation => self.activations,
        };
        self.layers.get(layer).copied().unwrap_or(usual)
    }

    /// Checks the shares, and that every layer is one of `known`.
    ///
    /// # Errors
    /// For the first share that is not from 0 to 1, or layer that is not known.
    pub fn check<'a>(&self, known: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
        let named = self.layers.iter().map(|(layer, share)| (layer.as_str(), *share));
        for (name, share) in [("weights", self.weights), ("activations", self.activations)].into_iter().chain(named) {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::request(format_args!(
                    "a residency is a share of time from 0 to 1; that of \"{name}\" is {share}"
                )));
            }
        }
        match self.layers.keys().find(|layer| known.clone().all(|known| known != *layer)) {
            Some(layer) => Err(Error::request(format_args!(
                "the residency names a layer that no campaign has struck: \"{layer}\""
            ))),
            None => Ok(()),
        }
    }
}
