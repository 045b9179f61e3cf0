//! A place in the network: where a fault strikes, or the element that is looked at.

use facts::fault::Target;

use super::Anew;
use super::fields::{choice, fields, number, text};

fields! {
    /// A place in the network. The page has a default for what is `None`.
    #[derive(Eq)]
    pub struct Place {
        /// The layer's output or its parameters.
        target: Option<Target> = choice::<Target>("target").kept(&[Anew::Model]), else Target = Target::default();
        /// Name or index of the layer.
        layer: Option<String> = text("layer");
        /// Name of the tensor, where the layer has several.
        tensor: Option<String> = text("tensor");
        /// Index into the tensor, as the source framework counts.
        element: Option<usize> = number::<usize>("element", |_| true, "an element is a number from 0 on");
    }
}

impl Place {
    /// The output of layer `name`.
    pub fn output(name: impl Into<String>) -> Self {
        Self { layer: Some(name.into()), ..Self::default() }
    }
}

/// Keys of the place that is looked at.
pub(super) fn look(key: &'static str) -> &'static str {
    match key {
        "target" => "look-target",
        "layer" => "look",
        "tensor" => "look-tensor",
        "element" => "look-element",
        other => other,
    }
}
