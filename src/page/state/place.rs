//! From places in the link to layers, tensors and elements of the model.

use facts::fault::{Site, Strike, Target};
use protocol::planes::Planes;
use protocol::{LayerInfo, TensorInfo};

use super::State;
use crate::link::Place;

/// A place that the model has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolved<'a> {
    /// The layer's output or its parameters.
    pub target: Target,
    /// The layer.
    pub layer: &'a LayerInfo,
    /// The tensor: the layer's first where none was chosen.
    pub tensor: &'a TensorInfo,
    /// The element: the middle of the first plane where none was chosen.
    pub element: usize,
}

impl Resolved<'_> {
    /// How the tensor is shown.
    pub fn planes(&self) -> Planes {
        self.tensor.planes
    }

    /// Where the element is stored, and so drawn.
    pub fn spot(&self) -> usize {
        self.tensor.spot(self.element)
    }

    /// The plane that holds the element.
    pub fn plane(&self) -> usize {
        self.planes().plane_of(self.spot())
    }

    /// The same in words that a link understands, whatever the defaults.
    pub fn spelled_out(&self) -> Place {
        let several = self.layer.tensors(self.target).len() > 1;
        Place {
            target: Some(self.target),
            layer: Some(self.layer.name.clone()),
            tensor: several.then(|| self.tensor.name.clone()),
            element: Some(self.element),
        }
    }
}

impl State {
    /// The place that is looked at.
    pub fn looked(&self) -> Option<Resolved<'_>> {
        self.resolve(self.place())
    }

    /// The place where the fault strikes.
    pub fn struck(&self) -> Option<Resolved<'_>> {
        self.resolve(&self.link.fault)
    }

    /// The place that is looked at as the link has it: the fault's, unless the link names another one.
    pub(super) fn place(&self) -> &Place {
        self.link.look.as_ref().unwrap_or(&self.link.fault)
    }

    /// The place that a choice changes. Once a fault was injected it stays where it is, and only the look moves on.
    pub(super) fn place_mut(&mut self) -> &mut Place {
        if self.link.run { self.link.look.get_or_insert_with(|| self.link.fault.clone()) } else { &mut self.link.fault }
    }

    pub(super) fn layer_at(&self, place: &Place) -> Option<&LayerInfo> {
        let model = self.model()?;
        match &place.layer {
            Some(layer) => {
                let named = model.layers.iter().find(|known| known.name == *layer);
                named.or_else(|| model.layers.get(layer.parse::<usize>().ok()?))
            }
            None => {
                let target = place.target();
                model.layers.iter().find(|layer| !layer.tensors(target).is_empty())
            }
        }
    }

    pub(super) fn tensor_at(&self, place: &Place) -> Option<&TensorInfo> {
        let tensors = self.layer_at(place)?.tensors(place.target());
        match &place.tensor {
            Some(name) => tensors.iter().find(|tensor| tensor.name == *name),
            None => tensors.first(),
        }
    }

    fn resolve(&self, place: &Place) -> Option<Resolved<'_>> {
        let target = place.target();
        let (layer, tensor) = (self.layer_at(place)?, self.tensor_at(place)?);
        let planes = tensor.planes;
        let middle = || planes.element(0, planes.rows() / 2, planes.columns / 2).map(|spot| tensor.element(spot));
        let element = place.element.or_else(middle).unwrap_or(0);
        Some(Resolved { target, layer, tensor, element })
    }

    /// The element of the chosen fault, and its change.
    pub fn site(&self) -> Option<Site> {
        Some(self.fault()?.site)
    }

    /// The chosen fault.
    pub fn fault(&self) -> Option<Strike> {
        Some(self.fault_at(&self.struck()?))
    }

    /// The fault of the chosen kind and pattern at `place`.
    pub(super) fn fault_at(&self, place: &Resolved) -> Strike {
        let site = Site {
            target: place.target,
            layer: place.layer.index,
            tensor: place.tensor.id,
            element: place.element,
            corruption: self.corruption_in(place.tensor.format),
        };
        Strike { site, pattern: self.link.pattern(), seed: self.link.draw() }
    }

    /// Name of the neighbour of `place` where its target can strike.
    pub(super) fn nearest_layer(&self, place: &Place) -> Option<String> {
        let model = self.model()?;
        let at = self.layer_at(place).map_or(0, |layer| layer.index);
        let target = place.target();
        let fits = model.layers.iter().filter(|layer| !layer.tensors(target).is_empty());
        fits.min_by_key(|layer| layer.index.abs_diff(at)).map(|layer| layer.name.clone())
    }
}
