//! What follows from the choices and from what has arrived: nothing that is kept twice.

use std::rc::Rc;

use super::{FIRST_BIT, OWN, State};
use crate::fault::{Corruption, Site, Target};
use crate::platform::DeviceChoice;
use crate::web::catalogue;
use crate::web::link::Kind;
use crate::web::planes::Planes;
use crate::web::protocol::{FileRef, GoldenInfo, Injection, LayerInfo, ModelInfo, TensorInfo, TensorView, Which};
use crate::zoo::CatalogueEntry;

/// What follows from the choices.
impl State {
    /// Id of the chosen model: the default one where nothing was chosen.
    pub fn model_id(&self) -> Option<String> {
        self.link.model.clone().or_else(|| Some(self.catalogue.as_ref()?.models.first()?.id.clone()))
    }

    /// The chosen model file, where it is known.
    pub fn model_file(&self) -> Option<FileRef> {
        let id = self.model_id()?;
        match id.strip_prefix(OWN) {
            Some(name) => self.own_models.iter().find(|file| file.name == name).cloned(),
            None => self.entry(&id).map(catalogue::model),
        }
    }

    /// What the site says of the model `id`.
    fn entry(&self, id: &str) -> Option<&CatalogueEntry> {
        self.catalogue.as_ref()?.models.iter().find(|entry| entry.id == id)
    }

    /// The images on offer: id, file and what it shows. A model without samples borrows the default model's.
    pub fn images(&self) -> Vec<(String, FileRef, String)> {
        let mut images = Vec::new();
        let chosen = self.model_id().and_then(|id| self.entry(&id)).filter(|entry| !entry.samples.is_empty());
        let default = self.catalogue.as_ref().and_then(|catalogue| catalogue.models.first());
        if let Some(entry) = chosen.or(default) {
            images.extend(entry.samples.iter().map(|sample| {
                let file = catalogue::file(entry, &sample.file);
                (file.name.clone(), file, sample.label.clone())
            }));
        }
        let own = self.own_images.iter();
        images.extend(own.map(|file| (format!("{OWN}{}", file.name), file.clone(), file.name.clone())));
        images
    }

    /// Id and file of the chosen image: the first one where nothing was chosen.
    pub fn image(&self) -> Option<(String, FileRef)> {
        let images = self.images();
        let found = match &self.link.image {
            Some(id) => images.into_iter().find(|(known, ..)| known == id),
            None => images.into_iter().next(),
        };
        found.map(|(id, file, _)| (id, file))
    }

    /// The device that is wanted.
    pub fn device(&self) -> DeviceChoice {
        self.link.device.unwrap_or(DeviceChoice::Gpu)
    }

    /// The target.
    pub fn target(&self) -> Target {
        self.link.target.unwrap_or_default()
    }

    /// What happens to the value.
    pub fn kind(&self) -> Kind {
        self.link.kind.unwrap_or_default()
    }

    /// The bit that flips.
    pub fn bit(&self) -> u8 {
        self.link.bit.unwrap_or(FIRST_BIT)
    }

    /// The value that a random fault writes.
    pub fn value(&self) -> f32 {
        self.link.value.unwrap_or(0.5)
    }

    /// The model, where the chosen one is loaded.
    pub fn model(&self) -> Option<&Rc<ModelInfo>> {
        let key = self.lab.key()?;
        (Some(&key.model) == self.model_file().as_ref()).then(|| self.lab.latest().map(|lab| &lab.model)).flatten()
    }

    /// The chosen layer.
    pub fn layer(&self) -> Option<&LayerInfo> {
        let model = self.model()?;
        let target = self.target();
        match &self.link.layer {
            Some(layer) => {
                let named = model.layers.iter().find(|known| known.name == *layer);
                named.or_else(|| model.layers.get(layer.parse::<usize>().ok()?))
            }
            None => model.layers.iter().find(|layer| !layer.tensors(target).is_empty()),
        }
    }

    /// The chosen tensor: the layer's first where nothing was chosen.
    pub fn tensor(&self) -> Option<&TensorInfo> {
        let tensors = self.layer()?.tensors(self.target());
        match &self.link.tensor {
            Some(name) => tensors.iter().find(|tensor| tensor.name == *name),
            None => tensors.first(),
        }
    }

    /// How the chosen tensor is shown.
    pub fn planes(&self) -> Option<Planes> {
        Some(Planes::of(&self.tensor()?.shape, self.target() == Target::Weight))
    }

    /// The chosen element: the middle of the first plane where nothing was chosen.
    pub fn element(&self) -> Option<usize> {
        let (planes, tensor) = (self.planes()?, self.tensor()?);
        let middle = || planes.element(0, planes.rows() / 2, planes.columns / 2).map(|spot| tensor.element(spot));
        self.link.element.or_else(middle).or(Some(0))
    }

    /// Where the chosen element is stored, and so drawn.
    pub fn spot(&self) -> Option<usize> {
        Some(self.tensor()?.spot(self.element()?))
    }

    /// The chosen fault.
    pub fn site(&self) -> Option<Site> {
        let corruption = match self.kind() {
            Kind::BitFlip => Corruption::Flip(self.bit()),
            Kind::Zero => Corruption::Set(0.0),
            Kind::Random => Corruption::Set(self.value()),
        };
        Some(Site {
            target: self.target(),
            layer: self.layer()?.index,
            tensor: self.tensor()?.id,
            element: self.element()?,
            corruption,
        })
    }

    /// The golden value of the chosen element, where the view holds it.
    pub fn golden_value(&self) -> Option<f32> {
        let (key, view) = (self.view.key()?, self.view.latest()?);
        let same = key.request.tensor == self.tensor()?.id
            && key.request.which == Which::Golden
            && Some(&key.golden) == self.wanted_golden().as_ref();
        if same { view.value(self.spot()?) } else { None }
    }

    /// The golden run of the chosen model and image, where it is there.
    pub fn golden_now(&self) -> Option<&Rc<GoldenInfo>> {
        self.golden.get(&self.wanted_golden()?)
    }

    /// The last faulty run, where it was of the chosen model and image.
    pub fn injection_now(&self) -> Option<&Rc<Injection>> {
        let same = self.injection.key().map(|key| &key.golden) == self.wanted_golden().as_ref();
        self.injection.latest().filter(|_| same)
    }

    /// The view, where it shows the chosen tensor and the chosen plane.
    pub fn view_now(&self) -> Option<Rc<TensorView>> {
        let (key, view) = (self.view.key()?, self.view.latest()?);
        let (tensor, plane) = (self.tensor()?.id, self.planes()?.plane_of(self.spot()?));
        let planes = view.first..view.first + view.planes.sheet();
        (key.request.tensor == tensor && planes.contains(&plane)).then(|| view.clone())
    }

    /// Whether the next step has failed and will not be tried again by itself.
    pub fn stuck(&self) -> bool {
        let lab = self.wanted_lab().is_some_and(|key| self.lab.failed(&key));
        lab || self.wanted_golden().is_some_and(|key| self.golden.failed(&key))
    }
}
