//! Every step on the real network: what it says holds, and what it asks for can be found.

mod hardware;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use engine::campaign::{Golden, Lab, Subject};
use engine::exec::Settings;
use engine::import;
use facts::DeviceChoice;
use facts::campaign::compared::Effect as Protected;
use facts::catalogue::{Catalogue, CatalogueEntry, CatalogueSample};
use facts::data::Image;
use facts::fault::{BitField, Corruption, Format, Site, Target};
use facts::outcome::Outcome;
use facts::{Error, Result};
use protocol::{Envelope, FileRef, Injection, Request, Response, Stage};
use worker::{Host, Service};

use super::*;
use crate::link::{CampaignLink, Sweep};
use crate::state::{Action, CampaignAction, Effect, LessonAction, State};

/// The site's folder on the disk.
struct Disk;

impl Host for Disk {
    async fn fetch(&self, file: &FileRef, _: &dyn Fn(u64, Option<u64>)) -> Result<Vec<u8>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&file.url);
        std::fs::read(path).map_err(|error| Error::input(&file.name, error))
    }

    async fn open(&self, _: DeviceChoice) -> Result<(Device, String)> {
        Ok((Device::flex(), String::new()))
    }

    fn now(&self) -> f64 {
        0.0
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(MODEL)
}

/// The images that come with the network.
fn samples() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder().join("samples"))
        .expect("the network's images lie in the repository")
        .map(|entry| entry.expect("it can be listed").file_name().into_string().expect("a plain name"))
        .collect();
    names.sort();
    names
}

/// A page and its worker, at one desk.
struct Desk {
    state: State,
    engine: Service<Disk>,
    open: VecDeque<Envelope<Request>>,
}

impl Desk {
    fn open(hash: &str) -> Self {
        let mut desk = Self { state: State::teaching(&COURSE), engine: Service::new(Disk), open: VecDeque::new() };
        desk.act(Action::Navigated(hash.to_owned()));
        desk.hear(0, Response::Ready);
        let samples =
            samples().into_iter().map(|name| CatalogueSample { file: format!("samples/{name}"), label: String::new() });
        let entry = CatalogueEntry {
            id: MODEL.to_owned(),
            name: "GTSRB ResNet-8".to_owned(),
            file: format!("{MODEL}.bpk"),
            description: String::new(),
            bytes: None,
            sha256: None,
            samples: samples.collect(),
        };
        desk.act(Action::Catalogue(Ok(Catalogue { models: vec![entry] })));
        desk
    }

    /// A page on which this step has just been set up.
    fn at(step: usize) -> Self {
        let desk = Self::open(&format!("#lesson={}", step + 1));
        assert_eq!(desk.state.step().map(|(number, _)| number), Some(step));
        assert!(desk.state.notices.is_empty(), "step {step}: {:?}", desk.state.notices);
        desk
    }

    /// Does it and waits until nothing more comes of it.
    fn act(&mut self, action: Action) {
        self.take(action);
        loop {
            if let Some(Envelope { id, body, .. }) = self.open.pop_front() {
                let answer = pollster::block_on(self.engine.handle(id, body, &|_, _| ()));
                self.hear(id, answer);
            } else if let Some((id, answer)) = pollster::block_on(self.engine.go_on()) {
                if let Some(answer) = answer {
                    self.hear(id, answer);
                }
            } else {
                return;
            }
        }
    }

    fn take(&mut self, action: Action) {
        for effect in self.state.update(action) {
            if let Effect::Send(request) = effect {
                self.open.push_back(request);
            }
        }
    }

    fn hear(&mut self, id: u32, body: Response) {
        self.take(Action::Worker(Box::new(Envelope::new(id, body))));
    }

    fn injection(&self) -> &Injection {
        self.state.injection_now().expect("a fault was injected")
    }

    fn fault(&self) -> &facts::fault::InjectedFault {
        &self.injection().faults[0]
    }

    /// Runs a campaign with this many faults in each image.
    fn count(&mut self, faults: usize) {
        let link = CampaignLink { faults: Some(faults), ..self.state.link.campaign.clone() };
        self.act(Action::Campaign(CampaignAction::Choose(Box::new(link))));
        self.act(Action::Campaign(CampaignAction::Start));
    }

    /// Chooses the protection of this name, as the list on the page does.
    fn protect(&mut self, name: &str) {
        let choices = self.state.protections_of_one_fault();
        let choice = choices.into_iter().find(|choice| choice.method.to_string() == name).expect("it is on offer");
        self.act(Action::choose(move |link| (link.protect, link.protection) = (true, Some(choice.method.clone()))));
    }

    fn protection(&self) -> &protocol::Protection {
        self.state.protection_now().expect("a run under a protection")
    }

    /// The number of a layer.
    fn layer(&self, name: &str) -> usize {
        let layers = &self.state.model().expect("the network is loaded").layers;
        layers.iter().position(|layer| layer.name == name).expect("a layer of the network")
    }

    /// Flips `bit` of elements of `layer`, one after the other, until the task is done.
    fn search(&mut self, step: usize, task: usize, layer: &str, bits: &[u8]) -> bool {
        let index = self.layer(layer);
        self.act(Action::ChooseLayer(index));
        let elements = self.state.tensor().expect("a layer with an output").elements();
        for element in (0..elements).step_by(1 + elements / 256) {
            for &bit in bits {
                self.act(Action::ChooseLayer(index));
                self.act(Action::ChooseElement(element));
                self.act(Action::Strike(bit));
                if self.state.lesson.is_done(step, task) {
                    return true;
                }
            }
        }
        false
    }
}

/// The network and its images, without a page.
struct Bench {
    lab: Lab,
    goldens: BTreeMap<usize, Golden>,
}

impl Bench {
    fn new() -> Self {
        let bytes = std::fs::read(folder().join(format!("{MODEL}.bpk"))).expect("the network comes with the project");
        let lab = Lab::cpu(import::load("net.bpk", bytes).unwrap()).unwrap();
        let golden = |name: String| {
            let bytes = std::fs::read(folder().join("samples").join(&name)).unwrap();
            let model = lab.model();
            let input = model.preprocess().apply(&Image::decode(&name, &bytes).unwrap(), model.input_shape()).unwrap();
            (facts::data::class_in_name(&name).expect("a label"), pollster::block_on(lab.golden(&input)).unwrap())
        };
        let goldens = samples().into_iter().map(golden).collect();
        Self { lab, goldens }
    }

    /// Share of zeros in the golden output of a layer, over all images.
    fn zeros(&self, layer: &str) -> f64 {
        let graph = self.lab.executor().graph();
        let output = graph.nodes[graph.find(layer).unwrap()].outputs[0];
        let arrays = self.goldens.values().map(|golden| golden.activations.get(output).unwrap());
        let values: Vec<f32> = arrays.flat_map(|array| pollster::block_on(array.read()).unwrap()).collect();
        values.iter().filter(|value| **value == 0.0).count() as f64 / values.len() as f64
    }

    /// Share of elements of a layer whose flipped bit 30 changes the answer, over all images.
    fn harmed(&self, layer: &str) -> f64 {
        let graph = self.lab.executor().graph();
        let layer = graph.find(layer).unwrap();
        let tensor = graph.nodes[layer].outputs[0];
        let site = |element| Site {
            target: Target::Activation,
            layer,
            tensor,
            element,
            corruption: Corruption::flip(30).unwrap(),
        };
        let elements = graph.values[tensor].elements();
        // An odd step meets every row and column of a map.
        let faults: Vec<Vec<Site>> = (0..elements).step_by((elements / 200) | 1).map(|e| vec![site(e)]).collect();
        let mut changed = 0;
        for golden in self.goldens.values() {
            let subject = Subject::new(golden, faults.clone());
            let tried = pollster::block_on(self.lab.trials(&[subject], Settings::default())).unwrap().only().unwrap();
            changed += tried.trials.iter().filter(|trial| trial.verdict.outcome == Outcome::Sdc).count();
        }
        changed as f64 / (faults.len() * self.goldens.len()) as f64
    }
}

#[test]
fn a_step_can_be_read_in_a_minute() {
    for step in STEPS {
        let words: usize = step.text.iter().map(|paragraph| paragraph.split_whitespace().count()).sum();
        assert!((60..=120).contains(&words), "{}: {words} words", step.title);
        assert!(!step.tasks.is_empty() && !step.hint.is_empty() && !step.seen.is_empty());
    }
}

#[test]
fn every_step_sets_the_page_up_and_leaves_the_work_to_the_learner() {
    for (number, step) in STEPS.iter().enumerate() {
        let desk = Desk::at(number);
        let golden = desk.state.golden_now().expect("a golden run");
        assert_eq!(golden.top[0].class, step.scene.sign, "{}: the network reads the sign", step.title);
        assert_eq!(desk.state.injection_now().is_some(), step.scene.run, "{}", step.title);
        let struck = desk.state.struck().expect("a place in the network");
        assert_eq!((struck.layer.name.as_str(), struck.element), (step.scene.layer, step.scene.element));
        assert!((0..step.tasks.len()).all(|task| !desk.state.lesson.is_done(number, task)), "{}", step.title);
    }
}

#[test]
fn a_soft_error_in_one_number_changes_the_answer() {
    let mut desk = Desk::at(0);
    assert_eq!(desk.state.tensor().map(|tensor| tensor.elements()), Some(3072));
    desk.act(Action::Inject);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Sdc);
    assert!(desk.state.lesson.is_complete(0));
}

#[test]
fn a_bit_does_what_its_field_says() {
    let mut desk = Desk::at(1);
    desk.act(Action::Strike(3));
    let before = desk.fault().before;
    for bit in 0..32 {
        let after = Corruption::flip(bit).unwrap().apply(before, Format::F32);
        match Format::F32.field(bit).unwrap() {
            BitField::Mantissa => assert!((after - before).abs() <= before.abs() / 2.0),
            BitField::Sign => assert_eq!(after, -before),
            BitField::Exponent => {
                let factor = 2f64.powi(1 << (bit - 23));
                let ratio = f64::from(after) / f64::from(before);
                assert!(ratio == factor || ratio == 1.0 / factor, "bit {bit}: {before} becomes {after}");
            }
            field => panic!("a float32 has no {}", field.name()),
        }
    }
    assert!(desk.state.lesson.is_done(1, 0) && !desk.state.lesson.is_done(1, 1));
    desk.act(Action::Strike(30));
    assert!(desk.state.lesson.is_complete(1));
}

#[test]
fn most_faults_are_masked() {
    let mut desk = Desk::at(2);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Masked);
    assert!(desk.injection().trace.last().expect("a way").changed > 0, "the scores did change");
    desk.act(Action::Strike(23));
    assert!(desk.state.lesson.is_complete(2));

    desk.count(200);
    let update = desk.state.campaign.update.clone().expect("a campaign");
    assert!(update.stage == Stage::Complete && update.faults.injections >= 2000);
    assert!(update.faults.sdc.high < 0.1, "{:?}", update.faults.sdc);
}

#[test]
fn a_relu_swallows_what_stays_negative() {
    let mut desk = Desk::at(3);
    let injection = desk.injection();
    assert!(injection.verdict.outcome == Outcome::Masked && desk.fault().before > 0.0);
    assert!(injection.trace.last().expect("a way").changed > 0, "it reaches the scores");
    let model = desk.state.model().expect("the network is loaded");
    let after = &model.layers[desk.layer("stem.norm") + 1];
    assert_eq!((after.kind.as_str(), &after.inputs[..]), ("ReLU", &[after.index - 1][..]));

    assert!(desk.search(3, 0, "stem.norm", &[10]));
    assert!(desk.fault().before < 0.0 && desk.fault().after < 0.0);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Masked);
}

#[test]
fn a_high_bit_makes_a_silent_corruption() {
    let mut desk = Desk::at(4);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Masked);
    assert_eq!(desk.fault().after * 4.0, desk.fault().before);
    desk.act(Action::Strike(30));
    assert!(desk.state.lesson.is_complete(4));
    assert!(!desk.injection().verdict.due, "it is silent");
}

#[test]
fn a_mistake_is_critical_where_a_critical_group_is_lost() {
    let mut desk = Desk::at(5);
    let Injection { verdict, golden, faulty, .. } = desk.injection();
    assert_eq!((verdict.outcome, verdict.scm), (Outcome::Sdc, Some(false)));
    assert!(golden.critical && golden.group == faulty.group);
    assert!(faulty.label.starts_with("speed limit"), "{}", faulty.label);
    assert!(desk.search(5, 0, "block1.relu", &[30]));
    assert_ne!(desk.injection().golden.group, desk.injection().faulty.group);
}

#[test]
fn an_exponent_of_ones_is_noticed_at_the_output() {
    let mut desk = Desk::at(6);
    desk.act(Action::Inject);
    assert!((1.0..2.0).contains(&desk.fault().before));
    assert!(!desk.state.lesson.is_complete(6));
    desk.act(Action::Strike(30));
    assert!(desk.fault().after.is_nan() && desk.injection().nan_wins);
    assert!(desk.state.lesson.is_complete(6));
}

#[test]
fn the_first_layers_and_the_last_have_few_zeros_and_do_most_harm() {
    let mut desk = Desk::at(7);
    assert_eq!((desk.fault().before, desk.fault().after), (0.0, 2.0));
    assert_eq!(desk.injection().verdict.outcome, Outcome::Masked);
    assert!(desk.search(7, 0, "stem.relu", &[30]));
    assert!(desk.search(7, 1, "pool", &[30]));
    assert!(desk.state.lesson.is_complete(7));

    let bench = Bench::new();
    let inner = ["down1.relu", "block1.first.relu", "block1.relu", "down2.relu", "block2.first.relu"];
    for end in ["stem.relu", "pool"] {
        for layer in inner {
            assert!(bench.zeros(end) < bench.zeros(layer), "zeros of {end} and {layer}");
            assert!(bench.harmed(end) > bench.harmed(layer), "harm of {end} and {layer}");
        }
    }
    assert!(inner.iter().all(|layer| bench.zeros(layer) > 0.5), "most numbers in the middle are 0");
    assert!(bench.zeros("pool") < 0.1);
}

#[test]
fn a_wrong_weight_harms_every_image() {
    let mut desk = Desk::at(8);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Sdc);
    let other = desk.state.images().into_iter().find(|(id, ..)| !id.contains("_14.")).expect("another sign");
    desk.act(Action::ChooseImage(other.0));
    assert!(desk.state.lesson.is_done(8, 0));
    desk.act(Action::Sweep(Some(Sweep::Images)));
    assert!(desk.state.lesson.is_complete(8));
    let made = desk.state.trials().iter().flatten().flatten();
    let masked = made.clone().filter(|trial| trial.verdict.outcome == Outcome::Masked).count();
    assert!(masked * 10 <= made.count(), "hardly an answer is right");
}

#[test]
fn clipping_mends_a_huge_error_and_not_every_small_one() {
    let mut desk = Desk::at(9);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Sdc);
    assert!(desk.state.protection_now().is_none());
    desk.act(Action::choose(|link| link.protect = true));
    assert!(desk.state.lesson.is_done(9, 0), "{:?}", desk.state.protection_now());
    assert_eq!((desk.protection().method.to_string().as_str(), desk.protection().images), ("range", samples().len()));
    desk.protect("clip-to-zero");
    assert_eq!((desk.protection().effect, desk.protection().clipped.len()), (Protected::Mended, 1));
    desk.act(Action::choose(|link| link.protection = None));
    // What survives here are faults in weights.
    desk.act(Action::ChooseTarget(Target::Weight));
    assert!(desk.search(9, 1, "classifier", &[30]));
    assert!(desk.state.lesson.is_complete(9));
}

#[test]
fn a_code_puts_a_wrong_weight_right_for_an_eighth_more_memory() {
    let mut desk = Desk::at(10);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Sdc);
    desk.protect("parity-zero");
    assert!(desk.state.lesson.is_done(10, 0), "{:?}", desk.protection());
    assert!(!desk.state.lesson.is_done(10, 1));
    desk.protect("secded");
    assert!(desk.state.lesson.is_complete(10), "{:?}", desk.protection());
    let protection = desk.protection();
    assert_eq!((protection.operations.0, protection.images), (0, 0));
    assert!(protection.bytes.1.is_some_and(|share| (0.125..0.126).contains(&share)), "{:?}", protection.bytes);
    assert_eq!(protection.confidence, desk.injection().confidence[0], "the run is the golden one");
    let rows = protection.beside(&desk.injection().trace);
    assert!(rows.len() > 5 && rows.iter().all(|row| row.with == Some(0.0)) && rows.iter().any(|row| row.without > 0.5));

    // Clipping is no help here, as the text has it of wrong weights.
    desk.protect("range");
    assert_ne!(desk.protection().trace.iter().filter(|row| row.changed > 0).count(), 0);
}

#[test]
fn a_layer_that_is_computed_again_notices_or_outvotes_and_no_other_does() {
    let mut desk = Desk::at(11);
    assert_eq!(desk.injection().verdict.outcome, Outcome::Sdc);
    desk.protect("duplicate:block1.relu");
    assert!(desk.state.lesson.is_done(11, 0), "{:?}", desk.protection());
    let twice = desk.protection().operations.0;
    let rows = desk.protection().beside(&desk.injection().trace);
    assert!(rows[0].with.is_some_and(|share| share > 0.0) && rows[1..].iter().all(|row| row.with.is_none()));
    desk.protect("tmr:block1.relu");
    assert!(desk.state.lesson.is_done(11, 1), "{:?}", desk.protection());
    assert_eq!(desk.protection().operations.0, 2 * twice);
    assert!(desk.search(11, 2, "stem.relu", &[30]));
    assert_eq!(desk.protection().layers, ["block1.relu"]);
    assert!(desk.state.lesson.is_complete(11));
}

#[test]
fn a_campaign_measures() {
    let mut desk = Desk::at(12);
    let images = desk.state.images().len();
    desk.count(300 / images);
    let first = desk.state.campaign.update.clone().expect("a campaign").faults.sdc;
    desk.count(4 * (300 / images) + 4);
    assert!(desk.state.lesson.is_complete(12));
    let second = desk.state.campaign.update.clone().expect("a campaign").faults.sdc;
    let width = |rate: &facts::outcome::Rate| rate.high - rate.low;
    assert!(width(&second) < 0.7 * width(&first), "{first:?} {second:?}");
}

#[test]
fn the_lesson_is_left_and_found_again() {
    let mut desk = Desk::open("");
    assert!(desk.state.step().is_none());
    desk.act(Action::Lesson(LessonAction::Go(4)));
    desk.act(Action::Strike(30));
    assert!(desk.state.lesson.is_complete(4));
    desk.act(Action::Lesson(LessonAction::Close));
    assert!(desk.state.step().is_none() && desk.state.injection_now().is_some(), "what is on the page stays");

    // A link that tells more than the step is not set up again; going on and coming back sets up, and keeps what was done.
    desk.act(Action::Lesson(LessonAction::Go(4)));
    assert_eq!((desk.state.link.bits().single(), desk.state.lesson.is_complete(4)), (Some(24), true));
    desk.act(Action::Strike(29));
    let hash = desk.state.link.to_hash();
    assert!(hash.contains("lesson=5"), "{hash}");
    let again = Desk::open(&format!("#{hash}"));
    assert_eq!((again.state.link.clone(), again.state.link.bits().single()), (desk.state.link.clone(), Some(29)));
    desk.act(Action::Lesson(LessonAction::SetUp));
    assert_eq!(desk.state.link.bits().single(), Some(24));
}

#[test]
fn without_its_network_the_lesson_says_so() {
    let mut state = State::teaching(&COURSE);
    state.update(Action::Navigated("#lesson=2".to_owned()));
    state.update(Action::Catalogue(Ok(Catalogue::default())));
    assert!(state.notices.iter().any(|notice| notice.text.contains(MODEL)), "{:?}", state.notices);
}

#[test]
fn a_step_beyond_the_last_is_left_out() {
    let mut state = State::teaching(&COURSE);
    state.update(Action::Navigated(format!("#lesson={}", STEPS.len() + 1)));
    assert_eq!(state.link.lesson, None);
    assert!(state.notices[0].text.contains(&format!("steps 1 to {}", STEPS.len())), "{:?}", state.notices);
}
