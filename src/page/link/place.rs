//! A place in the network: where a fault strikes, or what is looked at.

use facts::Named;
use facts::fault::Target;

use super::{name, number};

/// Names in links of the parts of a place: target, layer, tensor, element.
pub(super) type Keys = [&'static str; 4];
/// Those of the place where the fault strikes.
pub(super) const FAULT: Keys = ["target", "layer", "tensor", "element"];
/// Those of the place that is looked at.
pub(super) const LOOK: Keys = ["look-target", "look", "look-tensor", "look-element"];

/// A place in the network. What is `None` is left to the page's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The layer's output or its parameters.
    pub target: Option<Target>,
    /// Name or index of the layer.
    pub layer: Option<String>,
    /// Name of the tensor, where the layer has several.
    pub tensor: Option<String>,
    /// Index into the tensor, as the source framework counts.
    pub element: Option<usize>,
}

impl Place {
    /// The output of layer `name`.
    pub fn output(name: impl Into<String>) -> Self {
        Self { layer: Some(name.into()), ..Self::default() }
    }

    /// Takes `value` where `key` is one of `keys`, and says whether it is.
    pub(super) fn set(&mut self, keys: &Keys, key: &str, value: &str) -> Result<bool, String> {
        match keys.iter().position(|known| *known == key) {
            Some(0) => self.target = Some(Named::named(value)?),
            Some(1) => self.layer = Some(name(value)?),
            Some(2) => self.tensor = Some(name(value)?),
            Some(_) => self.element = Some(number(value, |_| true, "an element is a number from 0 on")?),
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Hands key and value of each part to `put`.
    pub(super) fn put(&self, keys: &Keys, put: &mut impl FnMut(&str, Option<String>)) {
        put(keys[0], self.target.map(|target| target.name().to_owned()));
        put(keys[1], self.layer.clone());
        put(keys[2], self.tensor.clone());
        put(keys[3], self.element.map(|element| element.to_string()));
    }
}
