//! What the worker does for each request; knows nothing of browsers, so that it is tested natively.

mod begin;
mod campaign;
mod card;
mod danger;
mod describe;
mod preparing;
mod protect;
mod share;
mod sweep;
mod team;
mod view;
mod written;

use std::rc::Rc;
use std::sync::Arc;

use burn::tensor::Device;
use engine::campaign::{Golden, Lab, Observe, Trial};
use engine::exec::Footprint;
use engine::import::{self, Statements};
use facts::DeviceChoice;
use facts::data::{Classes, Image};
use facts::fault::{BitErrors, Site, Strike};
use facts::graph::{HostTensor, ValueId};
use facts::labels::Grouping;
use facts::limits;
use facts::model::{Card, Model};
use facts::outcome::confidences;
use facts::{Error, Result};
use protocol::{
    Changes, DangerRequest, DeviceInfo, Envelope, FileRef, GoldenInfo, ImageSet, Injection, Labelling, Request,
    RequestId, Response, Which,
};

use crate::campaign::Opened;
use campaign::Campaign;
pub use card::class_names;
use danger::{Effects, Endangering};
use describe::{class, describe, scores};
use protect::{Learnt, Protecting};
use share::Share;
use sweep::Sweeping;
use team::{Job, Team};
use written::Bounding;

/// What the engine needs from the world around it.
#[allow(async_fn_in_trait, reason = "the worker has one thread; nothing here needs Send")]
pub trait Host {
    /// The bytes at `url`; `progress` hears of those received and those expected.
    ///
    /// # Errors
    /// Where they cannot be had.
    async fn fetch(&self, file: &FileRef, progress: &dyn Fn(u64, Option<u64>)) -> Result<Vec<u8>>;

    /// Opens a device and tells its name.
    ///
    /// # Errors
    /// Where there is none.
    async fn open(&self, choice: DeviceChoice) -> Result<(Device, String)>;

    /// Time in milliseconds since some fixed moment.
    fn now(&self) -> f64;

    /// Number of workers that may run beside this one.
    fn mates(&self) -> usize {
        0
    }

    /// Sends `request` to a worker beside this one, which is started if it does not run.
    fn send(&self, _mate: usize, _request: Envelope<Request>) {}

    /// Ends a worker beside this one.
    fn dismiss(&self, _mate: usize) {}

    /// Takes the answers of the workers beside this one, in the order in which they came.
    fn answers(&self) -> Vec<(usize, Envelope<Response>)> {
        Vec::new()
    }

    /// Waits until there is such an answer, or some time has passed.
    async fn answered(&self) {}
}

/// The model, image and campaign at hand.
pub struct Service<H: Host> {
    pub(super) host: Rc<H>,
    team: Rc<Team<H>>,
    lab: Option<Loaded>,
    golden: Option<Golden>,
    /// The image of the golden run.
    golden_of: Option<FileRef>,
    /// The last faulty run, with the sites that were struck.
    trial: Option<(Strike, Vec<Site>, Trial)>,
    read: Vec<(ReadKey, Rc<[f32]>)>,
    /// The predicted effects of the corruption that was asked for last, in the golden run.
    effects: Option<(DangerRequest, Effects)>,
    sweep: Option<Sweeping>,
    danger: Option<Endangering>,
    campaign: Option<Campaign<H>>,
    /// The campaign of another worker that this one computes parts of.
    share: Option<Share>,
    /// Where the model computes.
    device: DeviceChoice,
    /// The images of a campaign that were opened last, with their labels, for a model of these classes.
    images: Option<((ImageSet, Labelling, Classes), Opened)>,
    learnt: Learnt,
    protecting: Option<Protecting>,
    /// A protected network that is made for a file.
    bounding: Option<Bounding>,
}

/// A model on its device.
struct Loaded {
    file: FileRef,
    /// The user's statements about it.
    changes: Changes,
    /// The files that came with it.
    beside: Vec<FileRef>,
    /// Those of them that its weights are in, by their place below the folder of the model.
    weights: Vec<(String, FileRef)>,
    /// Whether the file is an ONNX file.
    is_onnx: bool,
    /// What the user says about what it leaves open.
    stated: Statements,
    /// What the file says beside the graph; the user may have said otherwise.
    card: Card,
    /// The model before its numbers are rounded.
    plain: Model,
    lab: Rc<Lab>,
}

impl Loaded {
    /// Single faults are judged by `edited` from now on, or by the model's own grouping.
    fn judge_by(&mut self, edited: Option<Grouping>) -> Result<()> {
        let lab = Lab::clone(&self.lab);
        let grouping = edited.or_else(|| lab.model().card.grouping.clone());
        self.lab = Rc::new(lab.judged_by(grouping)?);
        Ok(())
    }
}

/// Which tensors were read last: of one tensor the golden and the faulty values. Runs replace one another, so whoever makes a
/// new one forgets these.
type ReadKey = (ValueId, Which);

impl<H: Host> Service<H> {
    /// An engine with nothing loaded.
    pub fn new(host: H) -> Self {
        let host = Rc::new(host);
        Self {
            team: Rc::new(Team::new(host.clone())),
            host,
            lab: None,
            golden: None,
            golden_of: None,
            trial: None,
            read: Vec::new(),
            effects: None,
            sweep: None,
            danger: None,
            campaign: None,
            share: None,
            device: DeviceChoice::Cpu,
            images: None,
            learnt: Learnt::default(),
            protecting: None,
            bounding: None,
        }
    }

    /// Answers `request`; `progress` hears of a model file on its way.
    pub async fn handle(&mut self, id: RequestId, request: Request, progress: &dyn Fn(u64, Option<u64>)) -> Response {
        let answer = match request {
            Request::Load { model, changes, device } => self.load(model, *changes, device, progress).await,
            Request::Golden { image } => self.golden(&image).await,
            Request::View(request) => self.view(request).await,
            Request::Inject { strike } => self.inject(strike).await,
            Request::Sweep(request) => self.start_sweep(id, request),
            Request::Try(span) => self.try_span(span, progress).await,
            Request::EndSweep => Ok(self.end_sweep()),
            Request::Scale => self.scale().await,
            Request::Danger(request) => self.start_danger(id, request),
            Request::EndDanger => Ok(self.end_danger()),
            Request::Protect(request) => self.protect(id, request),
            Request::Campaign(request) => self.ask_campaign(id, request, progress).await,
        };
        answer.unwrap_or_else(|error| {
            let message = format!("{error}.");
            match error {
                Error::Question { question, .. } => Response::Asked { message, question },
                _ => Response::Failed { message },
            }
        })
    }

    /// Does the next piece of what is under way, and tells whose it is; `None` where nothing is.
    pub async fn go_on(&mut self) -> Option<(RequestId, Option<Response>)> {
        // Who sweeps or protects looks at it; a campaign can wait.
        if let Some(id) = self.sweep() {
            return Some((id, self.sweep_on().await));
        }
        if let Some(id) = self.protecting() {
            return Some((id, self.step_protection().await));
        }
        if let Some(id) = self.endangering() {
            return Some((id, self.step_danger().await));
        }
        if let Some(id) = self.bounding() {
            return Some((id, self.step_bounding().await));
        }
        Some((self.campaign()?, self.step().await))
    }

    async fn load(
        &mut self,
        file: FileRef,
        changes: Changes,
        choice: DeviceChoice,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Response> {
        let beside = &changes.beside;
        let Changes { output, input_size, threshold, .. } = &changes;
        let stated = Statements { output: output.clone(), input_size: *input_size, threshold: *threshold };
        let (plain, card, weights, is_onnx) = match &self.lab {
            Some(loaded) if loaded.file == file && loaded.beside == *beside && loaded.stated == stated => {
                (loaded.plain.clone(), loaded.card.clone(), loaded.weights.clone(), loaded.is_onnx)
            }
            _ => {
                let bytes = self.host.fetch(&file, progress).await?;
                let (weights, is_onnx) = (weights(&bytes, beside), import::is_onnx(&bytes));
                let mut files = Vec::with_capacity(weights.len());
                for (_, file) in &weights {
                    files.push((file.name.clone(), self.host.fetch(file, progress).await?));
                }
                let files = Arc::new(import::InMemory::new(files));
                let model = import::load_beside(&file.name, bytes, &stated, files)
                    .map_err(|error| error.in_file(&file.name))?;
                let card = model.card.clone();
                (model, card, weights, is_onnx)
            }
        };
        let plain = self.change(&plain, &card, &changes).await?;
        let model = self.rounded(&plain, &changes).await?;
        let (device, info) = self.open(choice).await?;
        // Two models need not fit side by side.
        (self.golden, self.trial) = (None, None);
        self.leave_image();
        self.effects = None;
        self.read.clear();
        (self.learnt, self.protecting, self.bounding) = (Learnt::default(), None, None);
        self.end_campaign();
        self.share = None;
        self.team.disband();
        // The golden run is kept as a whole, and of a faulty run every tensor that differs.
        let footprint = Footprint::of(&model.graph, false);
        let needed = footprint.with_runs(1).saturating_add(footprint.kept.saturating_mul(2));
        let what = "one image and one fault, with all tensors kept, need";
        limits::allowed().check(what, needed).map_err(|error| error.in_file(&file.name))?;
        let lab = Rc::new(Lab::on(model, &device)?);
        let model = describe(&lab, &card);
        let beside = changes.beside.clone();
        self.lab = Some(Loaded { file, changes, beside, stated, weights, is_onnx, card, plain, lab });
        self.device = info.choice;
        Ok(Response::Loaded { model: Box::new(model), device: info })
    }

    /// The device that was asked for; without a GPU the CPU, which says so.
    async fn open(&self, choice: DeviceChoice) -> Result<(Device, DeviceInfo)> {
        let (device, name, choice, note) = match self.host.open(choice).await {
            Ok((device, name)) => (device, name, choice, None),
            Err(error) if choice == DeviceChoice::Gpu => {
                let (device, name) = self.host.open(DeviceChoice::Cpu).await?;
                (device, name, DeviceChoice::Cpu, Some(error.to_string()))
            }
            Err(error) => return Err(error),
        };
        Ok((device, DeviceInfo { choice, name, note }))
    }

    fn loaded(&self) -> Result<&Loaded> {
        self.lab.as_ref().ok_or_else(|| Error::request("no model is loaded yet"))
    }

    fn lab(&self) -> Result<Rc<Lab>> {
        Ok(self.loaded()?.lab.clone())
    }

    /// What the model is given for an image.
    async fn input(&self, lab: &Lab, image: &FileRef) -> Result<HostTensor> {
        let bytes = self.host.fetch(image, &|_, _| ()).await?;
        let model = lab.model();
        model.preprocess().apply(&Image::decode(&image.name, &bytes)?, model.input_shape())
    }

    async fn golden(&mut self, image: &FileRef) -> Result<Response> {
        let lab = self.lab()?;
        let input = self.input(&lab, image).await?;
        (self.golden, self.trial, self.protecting) = (None, None, None);
        self.leave_image();
        self.learnt.leave_image();
        self.effects = None;
        self.read.clear();
        let started = self.host.now();
        let golden = lab.golden(&input).await?;
        let milliseconds = self.host.now() - started;
        let top = scores(&lab, &golden.logits);
        (self.golden, self.golden_of) = (Some(golden), Some(image.clone()));
        Ok(Response::Golden(GoldenInfo { top, milliseconds }))
    }

    /// What is tried around the image at hand ends, here and in other workers.
    fn leave_image(&mut self) {
        self.end_sweep();
        self.end_danger();
        self.team.forget(Job::Explore);
    }

    async fn inject(&mut self, strike: Strike) -> Result<Response> {
        let lab = self.lab()?;
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        self.trial = None;
        self.read.clear();
        let sites = strike.sites(lab.executor().graph())?;
        let started = self.host.now();
        let trial = lab.trial(golden, &sites, Observe { trace: true, keep: true, ..Observe::default() }).await?;
        let milliseconds = self.host.now() - started;
        let injection = Injection {
            verdict: trial.verdict,
            golden: class(&lab, golden.class),
            faulty: class(&lab, trial.class),
            confidence: confidences(&golden.logits, &trial.logits, golden.class),
            nan_wins: trial.logits.iter().any(|score| score.is_nan()),
            before: scores(&lab, &golden.logits),
            after: scores(&lab, &trial.logits),
            faults: trial.faults.iter().take(BitErrors::LISTED).cloned().collect(),
            struck: trial.faults.len(),
            trace: trial.trace.clone(),
            milliseconds,
        };
        self.trial = Some((strike, sites, trial));
        Ok(Response::Injected(injection))
    }
}

/// The files among `beside` that hold weights of the model in `bytes`, by the place that the model gives them. Which folder
/// they were in is unknown, so names decide.
fn weights(bytes: &[u8], beside: &[FileRef]) -> Vec<(String, FileRef)> {
    if beside.is_empty() {
        return Vec::new();
    }
    let file = |location: String| {
        let name = location.rsplit('/').next().unwrap_or(&location);
        let file = beside.iter().find(|file| file.name == name)?.clone();
        Some((location, file))
    };
    import::onnx::external_files(bytes).into_iter().filter_map(file).collect()
}
