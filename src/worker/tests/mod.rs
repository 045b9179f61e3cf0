mod answer;
mod campaign;
mod crew;
mod danger;
mod goals;
mod labelling;
mod numbers;
mod patterns;
mod protect;
mod protections;
mod written;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use burn::tensor::Device;
use facts::DeviceChoice;
use facts::campaign::compared::Method;
use facts::fault::{Corruption, Site, Target};
use facts::{Error, Result};
use protocol::{
    CampaignRequest, Changes, Envelope, Export, FileRef, ModelInfo, ProtectRequest, Request, Response, SweepRequest,
    SweepTrial, ViewRequest, Which,
};

use super::{Host, Service};

/// Files in memory and a computer without a GPU. The workers beside it are served when somebody waits for their answers.
#[derive(Default)]
struct Bench {
    files: RefCell<BTreeMap<String, Vec<u8>>>,
    /// Number of workers that may run beside this one.
    mates: usize,
    /// A clock, which runs where there are such workers.
    clock: Cell<f64>,
    running: RefCell<BTreeMap<usize, Service<Bench>>>,
    waiting: RefCell<VecDeque<(usize, Envelope<Request>)>>,
    answered: RefCell<Vec<(usize, Envelope<Response>)>>,
    /// A worker that dies when it is given the third part, or a later one.
    mortal: Option<usize>,
    /// A worker that never answers to the third part, or a later one.
    mute: Option<usize>,
    parts: Cell<usize>,
}

impl Bench {
    /// Lets the worker that was asked first answer.
    fn serve_one(&self) {
        let Some((mate, Envelope { id, body, .. })) = self.waiting.borrow_mut().pop_front() else { return };
        let mut running = self.running.borrow_mut();
        let service = running
            .entry(mate)
            .or_insert_with(|| Service::new(Bench { files: self.files.clone(), ..Bench::default() }));
        let is_part = matches!(body, Request::Campaign(CampaignRequest::Part(_)) | Request::Try(_));
        self.parts.set(self.parts.get() + usize::from(is_part));
        if self.mute == Some(mate) && is_part && self.parts.get() >= 3 {
            return;
        }
        let answer = if self.mortal == Some(mate) && is_part && self.parts.get() >= 3 {
            Response::Died { message: "out of memory".to_owned() }
        } else {
            pollster::block_on(service.handle(id, body, &|_, _| ()))
        };
        self.answered.borrow_mut().push((mate, Envelope::new(id, answer)));
    }
}

impl Host for Bench {
    async fn fetch(&self, file: &FileRef, progress: &dyn Fn(u64, Option<u64>)) -> Result<Vec<u8>> {
        let bytes = self.files.borrow().get(&file.url).cloned();
        let bytes = bytes.ok_or_else(|| Error::input(&file.name, "there is no such file"))?;
        progress(bytes.len() as u64, Some(bytes.len() as u64));
        Ok(bytes)
    }

    async fn open(&self, choice: DeviceChoice) -> Result<(Device, String)> {
        match choice {
            DeviceChoice::Cpu => Ok((Device::flex(), String::new())),
            DeviceChoice::Gpu => Err(Error::device("WebGPU", "this computer has none")),
        }
    }

    fn now(&self) -> f64 {
        // Long enough for a campaign to be shared after a few waves.
        self.clock.set(self.clock.get() + if self.mates > 0 { 250.0 } else { 0.0 });
        self.clock.get()
    }

    fn mates(&self) -> usize {
        self.mates
    }

    fn send(&self, mate: usize, request: Envelope<Request>) {
        self.waiting.borrow_mut().push_back((mate, request));
    }

    fn dismiss(&self, mate: usize) {
        self.running.borrow_mut().remove(&mate);
        self.waiting.borrow_mut().retain(|(other, _)| *other != mate);
    }

    fn answers(&self) -> Vec<(usize, Envelope<Response>)> {
        self.serve_one();
        self.answered.take()
    }

    async fn answered(&self) {
        self.serve_one();
    }
}

fn file(name: &str) -> FileRef {
    FileRef { name: name.to_owned(), url: name.to_owned() }
}

/// A 2 x 2 image in the plainest format there is.
fn picture(level: u8) -> Vec<u8> {
    let mut bytes = b"P6 2 2 255\n".to_vec();
    bytes.extend([level, 40, 90, 10, level, 60, 200, 7, level, level, level, level]);
    bytes
}

/// An engine with the network of the repository and two images.
fn engine() -> Service<Bench> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/gtsrb-resnet8/gtsrb-resnet8.bpk");
    engine_with(std::fs::read(path).expect("the model of the repository"))
}

/// An engine with a network of Keras' layout: channels come last in the source, and first in memory.
fn keras_engine() -> Service<Bench> {
    let network = engine::zoo::Architecture::of("googlenet-32x32").and_then(|known| known.random(43, 1));
    let model = network.and_then(|model| engine::import::burnpack::write(&model));
    engine_with(model.expect("a network with random weights"))
}

fn engine_with(model: Vec<u8>) -> Service<Bench> {
    let cut = model[..model.len() / 2].to_vec();
    let images = [("a.ppm", picture(250)), ("b.ppm", picture(5)), ("no.png", b"not a picture".to_vec())];
    let files = [("net.bpk", model), ("cut.bpk", cut)].into_iter().chain(images);
    let files: BTreeMap<_, _> = files.map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    Service::new(Bench { files: files.into(), ..Bench::default() })
}

fn ask(engine: &mut Service<Bench>, request: Request) -> Response {
    pollster::block_on(engine.handle(1, request, &|_, _| ()))
}

fn load(engine: &mut Service<Bench>) -> ModelInfo {
    match ask(engine, Request::Load { model: file("net.bpk"), changes: Box::default(), device: DeviceChoice::Gpu }) {
        Response::Loaded { model, device } => {
            assert_eq!(device.choice, DeviceChoice::Cpu);
            assert!(device.note.is_some_and(|note| note.contains("has none")));
            *model
        }
        other => panic!("{other:?}"),
    }
}

fn view(engine: &mut Service<Bench>, tensor: usize, which: Which) -> Vec<f32> {
    match ask(engine, Request::View(ViewRequest { tensor, first: 0, faulty: which != Which::Golden, danger: None })) {
        Response::View(view) => view.slice(which, 0, usize::MAX),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fault_shows_in_the_values_and_in_the_trace() {
    a_fault_shows(engine());
    a_fault_shows(keras_engine());
}

fn a_fault_shows(mut engine: Service<Bench>) {
    let model = load(&mut engine);
    assert!(
        matches!(ask(&mut engine, Request::Golden { image: file("a.ppm") }), Response::Golden(golden) if golden.top.len() == 5)
    );
    for target in [Target::Activation, Target::Weight] {
        let layer =
            model.layers.iter().find(|layer| !layer.tensors(target).is_empty()).expect("a network has such a layer");
        let tensor = &layer.tensors(target)[0];
        let spot = tensor.spot(2);
        assert_eq!(spot == 2, tensor.layout.is_stored());
        let tensor = tensor.id;
        let site = Site { target, layer: layer.index, tensor, element: 2, corruption: Corruption::Set(1000.0) };
        let before = view(&mut engine, tensor, Which::Golden);
        let Response::Injected(injection) = ask(&mut engine, Request::Inject { strike: site.into() }) else {
            panic!("no answer")
        };
        assert_eq!((injection.faults[0].before, injection.faults[0].after), (before[spot], 1000.0));
        assert!(injection.trace.iter().any(|row| row.changed > 0));
        let after = view(&mut engine, tensor, Which::Faulty);
        let difference = view(&mut engine, tensor, Which::Difference);
        assert_eq!((after[spot], difference[spot]), (1000.0, 1000.0 - before[spot]));
        let others = |values: &[f32]| values.iter().enumerate().filter(|(i, v)| *i != spot && **v != 0.0).count();
        assert_eq!(others(&difference), 0, "nothing else of this tensor changes");
    }
}

/// Every trial of a sweep is the trial that is made when its fault is injected alone.
#[test]
fn a_sweep_gives_what_single_faults_give() {
    let mut engine = engine();
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let is_map = |shape: &[usize]| matches!(shape, [_, _, height, width] if height * width > 1);
    let layer = model.layers.iter().rfind(|layer| layer.outputs.iter().any(|output| is_map(&output.shape)));
    let tensor = &layer.expect("a network of images has feature maps").outputs[0];
    let layer = layer.expect("it was there").index;
    let per_plane = tensor.shape[2] * tensor.shape[3];
    let site = |element, bit| Site {
        target: Target::Activation,
        layer,
        tensor: tensor.id,
        element,
        corruption: Corruption::flip(bit).unwrap(),
    };
    let map: Vec<Site> = (per_plane..2 * per_plane).map(|spot| site(tensor.element(spot), 30)).collect();
    let bits: Vec<Site> = (0..32).map(|bit| site(5, bit)).collect();
    for (request, sites) in [
        (SweepRequest::Bits { strike: site(5, 0).into(), width: 32 }, bits),
        (SweepRequest::Map { strike: site(0, 30).into(), first: per_plane, count: per_plane }, map),
    ] {
        let trials = sweep(&mut engine, request);
        assert_eq!(trials.len(), sites.len());
        for (trial, site) in trials.into_iter().zip(sites) {
            let trial = trial.expect("it was made");
            let Response::Injected(injection) = ask(&mut engine, Request::Inject { strike: site.into() }) else {
                panic!("no answer")
            };
            assert_eq!((trial.verdict, trial.faulty), (injection.verdict, injection.faulty.label));
            assert_eq!((trial.fault.element, trial.fault.bit), (injection.faults[0].element, injection.faults[0].bit));
        }
    }
    let images = ["a.ppm", "no.png", "b.ppm"].map(file).to_vec();
    let trials = sweep(&mut engine, SweepRequest::Images { strike: site(5, 30).into(), images });
    assert!(trials[0].is_ok() && trials[2].is_ok());
    assert!(trials[1].as_ref().is_err_and(|problem| problem.contains("no.png")));
}

fn sweep(engine: &mut Service<Bench>, request: SweepRequest) -> Vec<Result<SweepTrial, String>> {
    assert!(matches!(ask(engine, Request::Sweep(request)), Response::Swept(_)));
    let mut all = Vec::new();
    while engine.sweep().is_some() {
        match pollster::block_on(engine.sweep_on()) {
            Some(Response::Swept(part)) => {
                assert_eq!(part.first, all.len());
                all.extend(part.trials);
            }
            // It waits for other workers.
            None if engine.host.mates > 0 => {}
            other => panic!("{other:?}"),
        }
    }
    all
}

#[test]
fn what_cannot_be_answered_is_told_in_a_sentence() {
    let mut engine = engine();
    let told = |engine: &mut Service<Bench>, request: Request, part: &str| match ask(engine, request) {
        Response::Failed { message } => {
            assert!(message.contains(part) && message.ends_with('.') && !message.ends_with(".."), "{message}");
        }
        other => panic!("{other:?}"),
    };
    let golden = |name: &str| Request::Golden { image: file(name) };
    let site = |element| Site {
        target: Target::Activation,
        layer: 0,
        tensor: 0,
        element,
        corruption: Corruption::flip(1).unwrap(),
    };
    told(&mut engine, golden("a.ppm"), "no model");
    told(
        &mut engine,
        Request::Load { model: file("cut.bpk"), changes: Box::default(), device: DeviceChoice::Cpu },
        "cut.bpk",
    );
    told(
        &mut engine,
        Request::Load { model: file("gone.bpk"), changes: Box::default(), device: DeviceChoice::Cpu },
        "gone.bpk",
    );
    load(&mut engine);
    told(&mut engine, Request::Inject { strike: site(0).into() }, "golden run");
    let method: Method = "range".parse().expect("a protection");
    let protect = |element| {
        Request::Protect(ProtectRequest { strike: site(element).into(), method: method.clone(), images: Vec::new() })
    };
    told(&mut engine, protect(0), "");
    told(&mut engine, golden("no.png"), "no.png");
    told(
        &mut engine,
        Request::View(ViewRequest { tensor: usize::MAX, first: 0, faulty: false, danger: None }),
        "tensor",
    );
    told(&mut engine, Request::Campaign(CampaignRequest::Stop), "no campaign");
    told(&mut engine, Request::Campaign(CampaignRequest::Export(Export::Zip)), "no campaign");
    assert!(matches!(ask(&mut engine, golden("a.ppm")), Response::Golden(_)));
    told(&mut engine, Request::Inject { strike: site(usize::MAX).into() }, "");
    told(&mut engine, Request::View(ViewRequest { tensor: 0, first: 0, faulty: true, danger: None }), "");
}
