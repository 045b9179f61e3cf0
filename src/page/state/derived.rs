//! Values that follow from the choices and the answers. None of them is kept twice.

use std::rc::Rc;

use facts::Question;
use facts::campaign::NumberFormats;
use facts::catalogue::CatalogueEntry;
use facts::fault::{Bits, Code, Corruption, Format, Strike, Target};
use protocol::{FileRef, GoldenInfo, Injection, LayerInfo, ModelInfo, TensorInfo, TensorView, Which};

use super::asked::{ScaleKey, Want};
use super::{GoldenKey, LabKey, OWN, State};
use crate::catalogue;

/// Values that follow from the choices and the answers.
impl State {
    /// Id of the chosen model: the default one where nothing was chosen.
    pub fn model_id(&self) -> Option<String> {
        self.link.model.clone().or_else(|| Some(self.catalogue.as_ref()?.models.first()?.id.clone()))
    }

    /// The chosen model file, where it can be loaded.
    pub fn model_file(&self) -> Option<FileRef> {
        let id = self.model_id()?;
        match id.strip_prefix(OWN) {
            Some(name) => self.own_models.iter().find(|file| file.name == name).cloned(),
            None => self.site_file(&id),
        }
    }

    /// What the file of the chosen model leaves open, so that it waits.
    pub fn question(&self) -> Option<&Question> {
        let key = LabKey::wanted(self).filter(|key| self.asked.lab.failed(key))?;
        self.question.as_ref().filter(|(file, _)| *file == key.model).map(|(_, question)| question)
    }

    /// The catalogue's entry of the model `id`.
    pub(super) fn entry(&self, id: &str) -> Option<&CatalogueEntry> {
        self.catalogue.as_ref()?.models.iter().find(|entry| entry.id == id)
    }

    /// The images on offer: id, file and label. A model without samples borrows the default model's.
    pub fn images(&self) -> Vec<(String, FileRef, String)> {
        let samples = self.sampled().into_iter().flat_map(|entry| {
            entry.samples.iter().map(|sample| {
                let file = catalogue::file(entry, &sample.file);
                (file.name.clone(), file, sample.label.clone())
            })
        });
        let own = self.own_images.iter();
        samples.chain(own.map(|file| (format!("{OWN}{}", file.name), file.clone(), file.name.clone()))).collect()
    }

    /// The network whose samples are on offer.
    fn sampled(&self) -> Option<&CatalogueEntry> {
        let chosen = self.model_id().and_then(|id| self.entry(&id)).filter(|entry| !entry.samples.is_empty());
        chosen.or(self.catalogue.as_ref().and_then(|catalogue| catalogue.models.first()))
    }

    /// Id and file of the chosen image: the first one where nothing was chosen.
    pub fn image(&self) -> Option<(String, FileRef)> {
        // Every rendering asks several times, so the list of all images is not made for it.
        let wanted = self.link.image.as_deref();
        let mut samples =
            self.sampled().into_iter().flat_map(|entry| entry.samples.iter().map(move |one| (entry, one)));
        let sample = samples.find(|(_, sample)| wanted.is_none_or(|wanted| wanted == catalogue::name(&sample.file)));
        if let Some((entry, sample)) = sample {
            let file = catalogue::file(entry, &sample.file);
            return Some((file.name.clone(), file));
        }
        let own = wanted.map(|wanted| wanted.strip_prefix(OWN));
        let mut files = self.own_images.iter();
        let file = files.find(|file| own.is_none_or(|own| own == Some(&file.name)))?;
        Some((format!("{OWN}{}", file.name), file.clone()))
    }

    /// The side of the layer that is looked at: outputs or parameters.
    pub fn target(&self) -> Target {
        self.place().target()
    }

    /// The format in which the value that is looked at is stored.
    pub fn format(&self) -> Format {
        self.looked().map_or_else(Format::default, |looked| looked.tensor.format)
    }

    /// How the value that is looked at is coded.
    pub fn code(&self) -> Code {
        self.looked().map_or_else(Code::default, |looked| looked.tensor.code(looked.spot()))
    }

    /// The number formats that the network is rounded to, where it is rounded.
    pub fn numbers(&self) -> Option<NumberFormats> {
        let key = self.asked.lab.key().filter(|_| self.model().is_some())?;
        Some(key.changes.numbers).filter(|numbers| !numbers.is_float32())
    }

    /// Whether the network can be rounded to number formats: its own numbers are float32.
    pub fn emulates(&self) -> bool {
        let is_float32 = |layer: &LayerInfo| {
            layer.outputs.iter().chain(&layer.parameters).all(|tensor| tensor.format == Format::F32)
        };
        self.numbers().is_some() || self.model().is_some_and(|model| model.layers.iter().all(is_float32))
    }

    /// The bits that flip in the value that is looked at.
    pub fn bits(&self) -> Bits {
        self.bits_in(self.format())
    }

    /// The bits that flip: those of the link where `format` has them, else its first bit after the sign, which changes a
    /// value most.
    fn bits_in(&self, format: Format) -> Bits {
        let bits = self.link.bits();
        let most = Bits::one(format.width().saturating_sub(2).into()).unwrap_or_default();
        bits.within(format).map_or(most, |_| bits)
    }

    /// The change of a value that is stored in `format`.
    pub(super) fn corruption_in(&self, format: Format) -> Corruption {
        self.link.kind().exactly(self.bits_in(format), self.link.value())
    }

    /// The model, where the chosen one is loaded.
    pub fn model(&self) -> Option<&Rc<ModelInfo>> {
        let lab = &self.asked.lab;
        let key = lab.key()?;
        (Some(&key.model) == self.model_file().as_ref()).then(|| lab.latest().map(|lab| &lab.model)).flatten()
    }

    /// The layer that is looked at.
    pub fn layer(&self) -> Option<&LayerInfo> {
        self.layer_at(self.place())
    }

    /// The tensor that is looked at: the layer's first where nothing was chosen.
    pub fn tensor(&self) -> Option<&TensorInfo> {
        self.tensor_at(self.place())
    }

    /// The values of the chosen element, golden and faulty, where the view holds them.
    pub fn values(&self) -> [Option<f32>; 2] {
        let (view, spot) = (self.view_now(), self.looked().map(|looked| looked.spot()));
        [Which::Golden, Which::Faulty].map(|which| view.as_ref()?.value(which, spot?))
    }

    /// The run whose values the small maps show.
    pub fn which(&self) -> Which {
        let chosen = self.link.which.unwrap_or(Which::Difference);
        if self.runs().contains(&chosen) { chosen } else { Which::Golden }
    }

    /// The runs whose values can be shown.
    pub fn runs(&self) -> Vec<Which> {
        let mut runs = vec![Which::Golden];
        if self.injection_now().is_some() {
            runs.extend([Which::Faulty, Which::Difference]);
        }
        if self.danger_now().is_some() {
            runs.push(Which::Danger);
        }
        runs
    }

    /// The golden run of the chosen model and image, where it is there.
    pub fn golden_now(&self) -> Option<&Rc<GoldenInfo>> {
        self.now::<GoldenKey>()
    }

    /// The last faulty run, where it was of the chosen model and image and its fault is still there.
    pub fn injection_now(&self) -> Option<&Rc<Injection>> {
        self.fault_now().and(self.asked.injection.latest())
    }

    /// Largest finite absolute value of all layers, where it is known.
    pub fn network_scale(&self) -> Option<f32> {
        self.now::<ScaleKey>().copied()
    }

    /// The view, where it shows the chosen tensor and the chosen plane, of this image and of no other fault.
    pub fn view_now(&self) -> Option<Rc<TensorView>> {
        let (key, view) = (self.asked.view.key()?, self.asked.view.latest()?);
        let looked = self.looked()?;
        let planes = view.first..view.first + view.planes.sheet();
        let same = key.request.tensor == looked.tensor.id && planes.contains(&looked.plane());
        let same_run = Some(&key.golden) == GoldenKey::wanted(self).as_ref() && key.strike == self.fault_now();
        (same && same_run).then(|| view.clone())
    }

    /// The fault of the last faulty run, where it was of the chosen model and image.
    pub(super) fn fault_now(&self) -> Option<Strike> {
        let key = self.asked.injection.key()?;
        (Some(&key.golden) == GoldenKey::wanted(self).as_ref() && self.link.run).then_some(key.strike)
    }

    /// Whether the next step has failed and will not be tried again by itself.
    pub fn stuck(&self) -> bool {
        self.download_failed() || self.want_failed()
    }
}
