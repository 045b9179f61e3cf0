//! From what the choices need and what is there to what has to be asked for.

use super::{Effect, GoldenKey, InjectionKey, LabKey, OWN, State, ViewKey};
use crate::fault::Target;
use crate::web::protocol::{Request, ViewRequest, Which};

impl State {
    /// Asks for the first thing that is missing in each chain: model, golden run, then view and faulty run.
    pub(super) fn reconcile(&mut self, effects: &mut Vec<Effect>) {
        self.check_files();
        if !self.worker_ready {
            return;
        }
        let Some(lab) = self.wanted_lab() else { return };
        if self.lab.wants(&lab) {
            let request = Request::Load { model: lab.model.clone(), device: lab.device };
            let id = self.send(request, effects);
            self.lab.ask(id, lab.clone());
        }
        if self.lab.get(&lab).is_none() {
            return;
        }
        self.check_site();
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
    }

    pub(super) fn wanted_lab(&self) -> Option<LabKey> {
        Some(LabKey { model: self.model_file()?, device: self.device() })
    }

    pub(super) fn wanted_golden(&self) -> Option<GoldenKey> {
        Some(GoldenKey { lab: self.wanted_lab()?, image: self.image()?.1 })
    }

    fn wanted_injection(&self) -> Option<InjectionKey> {
        let (golden, site) = (self.wanted_golden()?, self.site()?);
        self.link.run.then_some(InjectionKey { golden, site })
    }

    fn wanted_view(&self) -> Option<ViewKey> {
        let golden = self.wanted_golden()?;
        let (planes, tensor) = (self.planes()?, self.tensor()?.id);
        let first = planes.sheet_of(planes.plane_of(self.spot()?));
        let site = match self.which {
            Which::Golden => None,
            // The faulty values are those of the last faulty run; without one there is nothing to show.
            Which::Faulty | Which::Difference => {
                let done = self.injection.key().filter(|key| key.golden == golden)?;
                Some(done.site)
            }
        };
        Some(ViewKey { golden, site, request: ViewRequest { tensor, which: self.which, first } })
    }

    /// Tells of a model or an image that the site does not have, and takes the default instead.
    fn check_files(&mut self) {
        if self.catalogue.is_none() {
            return;
        }
        let foreign = |id: &Option<String>| id.clone().filter(|id| !id.starts_with(OWN));
        if let Some(id) = foreign(&self.link.model)
            && self.model_file().is_none()
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

    /// Tells of a layer, tensor or element that the model does not have, and takes the default instead.
    fn check_site(&mut self) {
        let Some(model) = self.model().cloned() else { return };
        let target = self.target();
        if let Some(name) = self.link.layer.clone() {
            let problem = match self.layer() {
                None => Some(format!("{} has no layer \"{name}\"", model.name)),
                Some(layer) if layer.tensors(target).is_empty() => Some(match target {
                    Target::Activation => format!("The output of layer \"{name}\" does not depend on the image"),
                    Target::Weight => format!("Layer \"{name}\" has no weights"),
                }),
                Some(_) => None,
            };
            if let Some(problem) = problem {
                let nearest = self.nearest_layer();
                self.tell(format!("{problem}; {} was taken.", nearest.as_deref().unwrap_or("none")));
                self.link.layer = nearest;
                self.link.tensor = None;
                self.link.element = None;
                self.link.run = false;
            }
        }
        if let Some(name) = self.link.tensor.clone()
            && self.tensor().is_none()
        {
            self.tell(format!("The layer has no tensor \"{name}\"; its first one was taken."));
            self.link.tensor = None;
            self.link.run = false;
        }
        if let (Some(element), Some(tensor)) = (self.link.element, self.tensor())
            && element >= tensor.elements()
        {
            let text = format!(
                "Element {element} is out of range: {} has {} elements, 0 to {}.",
                tensor.name,
                tensor.elements(),
                tensor.elements().saturating_sub(1)
            );
            self.tell(text);
            self.link.element = None;
            self.link.run = false;
        }
    }

    /// Name of the struck layer's neighbour where the target can strike.
    pub(super) fn nearest_layer(&self) -> Option<String> {
        let model = self.model()?;
        let at = self.layer().map_or(0, |layer| layer.index);
        let fits = model.layers.iter().filter(|layer| !layer.tensors(self.target()).is_empty());
        fits.min_by_key(|layer| layer.index.abs_diff(at)).map(|layer| layer.name.clone())
    }
}
