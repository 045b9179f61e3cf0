//! What the worker does for each request; knows nothing of browsers, so that it is tested natively.

mod campaign;
mod describe;

use std::rc::Rc;

use burn::tensor::Device;
use serde_bytes::ByteBuf;

use campaign::Running;
use describe::{class, describe, scores};

use crate::campaign::{Golden, Lab, Observe};
use crate::data::Image;
use crate::exec::Activations;
use crate::fault::{Site, Target};
use crate::graph::{Graph, Source, ValueId};
use crate::outcome::probabilities;
use crate::platform::DeviceChoice;
use crate::web::planes::Planes;
use crate::web::protocol::{
    DeviceInfo, FileRef, GoldenInfo, Injection, Request, RequestId, Response, TensorView, ViewRequest, Which,
};
use crate::{Error, Result, import};

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
}

/// The model, image and campaign at hand.
pub struct Engine<H> {
    host: H,
    lab: Option<(FileRef, Rc<Lab>)>,
    golden: Option<Golden>,
    trial: Option<(Site, Activations)>,
    read: Option<(ReadKey, Rc<[f32]>)>,
    campaign: Option<Running>,
}

/// Which tensor was read last. Runs replace one another, so whoever makes a new one forgets this.
type ReadKey = (ValueId, Which);

impl<H: Host> Engine<H> {
    /// An engine with nothing loaded.
    pub fn new(host: H) -> Self {
        Self { host, lab: None, golden: None, trial: None, read: None, campaign: None }
    }

    /// Answers `request`; `progress` hears of a model file on its way.
    pub async fn handle(&mut self, id: RequestId, request: Request, progress: &dyn Fn(u64, Option<u64>)) -> Response {
        let answer = match request {
            Request::Load { model, device } => self.load(model, device, progress).await,
            Request::Golden { image } => self.golden(&image).await,
            Request::View(request) => self.view(request).await,
            Request::Inject { site } => self.inject(site).await,
            Request::Campaign(request) => self.start(id, request).await,
            Request::Stop => return self.stop(),
        };
        answer.unwrap_or_else(|error| Response::Failed { message: format!("{error}.") })
    }

    async fn load(
        &mut self,
        file: FileRef,
        choice: DeviceChoice,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Response> {
        let model = match &self.lab {
            Some((loaded, lab)) if *loaded == file => lab.model().clone(),
            _ => {
                let bytes = self.host.fetch(&file, progress).await?;
                import::load(&file.name, bytes)?
            }
        };
        let (device, info) = self.open(choice).await?;
        // Two models need not fit side by side.
        (self.golden, self.trial, self.read, self.campaign) = (None, None, None, None);
        let lab = Rc::new(Lab::new(model, &device)?);
        let model = describe(&lab);
        self.lab = Some((file, lab));
        Ok(Response::Loaded { model, device: info })
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

    fn lab(&self) -> Result<Rc<Lab>> {
        let lab = self.lab.as_ref().map(|(_, lab)| lab.clone());
        lab.ok_or_else(|| Error::request("no model is loaded yet"))
    }

    async fn golden(&mut self, image: &FileRef) -> Result<Response> {
        let lab = self.lab()?;
        let bytes = self.host.fetch(image, &|_, _| ()).await?;
        let model = lab.model();
        let input = model.preprocess().apply(&Image::decode(&image.name, &bytes)?, model.input_shape())?;
        (self.golden, self.trial, self.read) = (None, None, None);
        let started = self.host.now();
        let golden = lab.golden(&input).await?;
        let milliseconds = self.host.now() - started;
        let top = scores(&lab, &golden.logits);
        self.golden = Some(golden);
        Ok(Response::Golden(GoldenInfo { top, milliseconds }))
    }

    async fn inject(&mut self, site: Site) -> Result<Response> {
        let lab = self.lab()?;
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        (self.trial, self.read) = (None, None);
        let started = self.host.now();
        let trial = lab.trial(golden, &[site], Observe { trace: true, keep: true }).await?;
        let milliseconds = self.host.now() - started;
        let confidence = |logits: &[f32]| probabilities(logits).get(golden.class).copied().unwrap_or(f32::NAN);
        let injection = Injection {
            verdict: trial.verdict,
            golden: class(&lab, golden.class),
            faulty: class(&lab, trial.class),
            confidence: [confidence(&golden.logits), confidence(&trial.logits)],
            nan_wins: trial.logits.iter().any(|score| score.is_nan()),
            before: scores(&lab, &golden.logits),
            after: scores(&lab, &trial.logits),
            faults: trial.faults,
            trace: trial.trace,
            milliseconds,
        };
        self.trial = Some((site, trial.activations));
        Ok(Response::Injected(injection))
    }

    async fn view(&mut self, request: ViewRequest) -> Result<Response> {
        let lab = self.lab()?;
        let graph = lab.executor().graph();
        let value = graph
            .values
            .get(request.tensor)
            .ok_or_else(|| Error::request(format_args!("the model has no tensor {}", request.tensor)))?;
        let planes = Planes::of(&value.shape, value.source == Source::Parameter);
        let key = (request.tensor, request.which);
        let values = match &self.read {
            Some((read, values)) if *read == key => values.clone(),
            _ => {
                let values = self.read(graph, request).await?;
                self.read = Some((key, values.clone()));
                values
            }
        };
        let first = planes.sheet_of(request.first.min(planes.count.saturating_sub(1)));
        let count = planes.sheet().min(planes.count - first.min(planes.count));
        let part = &values[first * planes.per_plane..(first + count) * planes.per_plane];
        let finite = values.iter().map(|value| value.abs()).filter(|value| value.is_finite());
        Ok(Response::View(TensorView {
            planes,
            first,
            bytes: ByteBuf::from(part.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()),
            max_abs: finite.fold(0.0, f32::max),
        }))
    }

    async fn read(&self, graph: &Graph, request: ViewRequest) -> Result<Rc<[f32]>> {
        let id = request.tensor;
        let golden: Rc<[f32]> = match graph.parameters.get(&id) {
            Some(parameter) => Rc::from(&*parameter.data),
            None => {
                let run = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
                let name = &graph.values[id].name;
                let array = run.activations.get(id);
                array
                    .ok_or_else(|| Error::request(format_args!("tensor \"{name}\" is not computed by any layer")))?
                    .read()
                    .await?
                    .into()
            }
        };
        if request.which == Which::Golden {
            return Ok(golden);
        }
        let (site, trial) = self.trial.as_ref().ok_or_else(|| Error::request("there is no faulty run yet"))?;
        let mut faulty = match trial.get(id) {
            Some(array) => array.read().await?,
            None => golden.to_vec(),
        };
        if site.target == Target::Weight
            && site.tensor == id
            && let value = &graph.values[id]
            && let Some(element) = faulty.get_mut(value.layout.stored_index(&value.shape, site.element))
        {
            *element = site.corruption.apply(*element)?;
        }
        if request.which == Which::Difference {
            for (faulty, &golden) in faulty.iter_mut().zip(&*golden) {
                // The difference of two equal infinities is none.
                *faulty = if faulty.to_bits() == golden.to_bits() { 0.0 } else { *faulty - golden };
            }
        }
        Ok(faulty.into())
    }
}
