//! Correction of choices that cannot be met, and the requests that are missing.

use facts::fault::Target;

use super::asked::Ground;
use super::{Effect, OWN, State};
use crate::link::Place;

impl State {
    /// Corrects choices that cannot be met, and asks for everything that is missing.
    pub(super) fn reconcile(&mut self, effects: &mut Vec<Effect>) {
        self.check_files();
        self.fetch_wanted(effects);
        if !self.worker_ready {
            return;
        }
        if self.stands_on(Ground::Lab) {
            self.check_places();
        }
        self.ask(effects);
    }

    /// Tells of a model or an image that the site does not have, and takes the default instead.
    fn check_files(&mut self) {
        if self.catalogue.is_none() {
            return;
        }
        let foreign = |id: &Option<String>| id.clone().filter(|id| !id.starts_with(OWN));
        if let Some(id) = foreign(&self.link.model)
            && self.entry(&id).is_none()
        {
            self.tell(format!("There is no model \"{id}\" here; the default one was taken."));
            self.link.model = None;
        }
        if let Some(id) = foreign(&self.link.image)
            && self.image().is_none()
        {
            self.tell(format!("There is no image \"{id}\" here; the first one was taken."));
            self.link.image = None;
        }
    }

    /// Tells of places that the model does not have, and takes the default instead.
    fn check_places(&mut self) {
        let mut fault = self.link.fault.clone();
        if !self.check_place(&mut fault) {
            self.link.run = false;
            self.link.sweep = None;
        }
        self.link.fault = fault;
        if let Some(mut look) = self.link.look.take() {
            self.check_place(&mut look);
            self.link.look = Some(look);
        }
    }

    /// Whether `place` can stay as it is.
    fn check_place(&mut self, place: &mut Place) -> bool {
        let Some(model) = self.model().cloned() else { return true };
        let target = place.target();
        let mut holds = true;
        if let Some(name) = place.layer.clone() {
            let problem = match self.layer_at(place) {
                None => Some(format!("{} has no layer \"{name}\"", model.name)),
                Some(layer) if layer.tensors(target).is_empty() => Some(match target {
                    Target::Activation => format!("The output of layer \"{name}\" does not depend on the image"),
                    Target::Weight => format!("Layer \"{name}\" has no weights"),
                    Target::Input | Target::Metadata => {
                        format!("The explorer injects no faults into {}", facts::Named::label(target).to_lowercase())
                    }
                }),
                Some(_) => None,
            };
            if let Some(problem) = problem {
                let nearest = self.nearest_layer(place);
                self.tell(format!("{problem}; {} was taken.", nearest.as_deref().unwrap_or("none")));
                *place = Place { target: place.target, layer: nearest, ..Place::default() };
                holds = false;
            }
        }
        if place.tensor.is_some() && self.tensor_at(place).is_none() {
            let name = place.tensor.take().unwrap_or_default();
            self.tell(format!("The layer has no tensor \"{name}\"; its first one was taken."));
            holds = false;
        }
        if let (Some(element), Some(tensor)) = (place.element, self.tensor_at(place))
            && element >= tensor.elements()
        {
            let text = format!(
                "Element {element} is out of range: {} has {} elements, 0 to {}.",
                tensor.name,
                tensor.elements(),
                tensor.elements().saturating_sub(1)
            );
            self.tell(text);
            place.element = None;
            holds = false;
        }
        holds
    }
}
