//! From what the choices need and what is there to what has to be asked for.

use facts::fault::Target;
use protocol::{Request, ViewRequest};

use super::{Effect, GoldenKey, InjectionKey, LabKey, OWN, State, ViewKey};
use crate::link::{Place, Scale};

impl State {
    /// Asks for the first thing that is missing in each chain: model, golden run, then view and faulty run.
    pub(super) fn reconcile(&mut self, effects: &mut Vec<Effect>) {
        self.check_files();
        self.fetch_wanted(effects);
        self.give_up_protection();
        if !self.worker_ready {
            return;
        }
        let Some(lab) = self.wanted_lab() else { return };
        if self.lab.wants(&lab) {
            let request = Request::Load { model: lab.model.clone(), changes: lab.changes.clone(), device: lab.device };
            let id = self.send(request, effects);
            self.lab.ask(id, lab.clone());
            // The worker ends it when it takes another model.
            self.campaign.abandon();
        }
        if self.lab.get(&lab).is_none() {
            return;
        }
        self.check_places();
        self.reconcile_grouping(effects);
        let Some(golden) = self.wanted_golden() else { return };
        if self.golden.wants(&golden) {
            let id = self.send(Request::Golden { image: golden.image.clone() }, effects);
            self.golden.ask(id, golden.clone());
        }
        if self.golden.get(&golden).is_none() {
            return;
        }
        if let Some(injection) = self.wanted_injection()
            && self.injection.wants(&injection)
        {
            let id = self.send(Request::Inject { site: injection.site }, effects);
            self.injection.ask(id, injection);
        }
        if let Some(view) = self.wanted_view()
            && self.view.wants(&view)
        {
            let id = self.send(Request::View(view.request), effects);
            self.view.ask(id, view);
        }
        if self.link.scale == Scale::Network && self.scale.wants(&golden) {
            let id = self.send(Request::Scale, effects);
            self.scale.ask(id, golden.clone());
        }
        self.reconcile_protection(effects);
        self.reconcile_sweep(&golden, effects);
    }

    pub(super) fn wanted_lab(&self) -> Option<LabKey> {
        Some(LabKey { model: self.model_file()?, changes: self.changes(), device: self.device() })
    }

    pub(super) fn wanted_golden(&self) -> Option<GoldenKey> {
        Some(GoldenKey { lab: self.wanted_lab()?, image: self.image()?.1 })
    }

    pub(super) fn wanted_injection(&self) -> Option<InjectionKey> {
        let (golden, site) = (self.wanted_golden()?, self.site()?);
        self.link.run.then_some(InjectionKey { golden, site })
    }

    fn wanted_view(&self) -> Option<ViewKey> {
        let (golden, looked) = (self.wanted_golden()?, self.looked()?);
        let first = looked.planes().sheet_of(looked.plane());
        let site = self.site_now();
        let request = ViewRequest { tensor: looked.tensor.id, first, faulty: site.is_some() };
        Some(ViewKey { golden, site, request })
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
        let target = place.target.unwrap_or_default();
        let mut holds = true;
        if let Some(name) = place.layer.clone() {
            let problem = match self.layer_at(place) {
                None => Some(format!("{} has no layer \"{name}\"", model.name)),
                Some(layer) if layer.tensors(target).is_empty() => Some(match target {
                    Target::Activation => format!("The output of layer \"{name}\" does not depend on the image"),
                    Target::Weight => format!("Layer \"{name}\" has no weights"),
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
