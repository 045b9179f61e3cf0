//! Campaigns on several workers.

use std::cell::Cell;
use std::rc::Rc;

use super::campaign::{bench, colours, finish, saved, start_over, update};
use super::*;
use facts::campaign::{DesignKind, Goal};
use facts::labels::{Group, Grouping};
use protocol::{CampaignStart, DangerRequest, ImageSet, Labelling, Protocol, Stage};

/// What becomes of the workers beside this one.
#[derive(Clone, Default)]
struct Fate {
    mates: usize,
    mortal: Option<usize>,
    mute: Option<usize>,
    /// Workers that campaigns have lost.
    lost: Rc<Cell<usize>>,
}

impl Fate {
    fn of(mates: usize) -> Self {
        Self { mates, ..Self::default() }
    }

    /// An engine with the files of `engine` and workers of this fate.
    fn given_to(&self, engine: &Service<Bench>) -> Service<Bench> {
        let &Self { mates, mortal, mute, .. } = self;
        Service::new(Bench { files: engine.host.files.clone(), mates, mortal, mute, ..Bench::default() })
    }
}

/// The records of a campaign, and the number of parts that other workers were given.
fn records(protocol: Protocol, design: DesignKind, fate: Fate) -> (Vec<u8>, usize) {
    let images = ImageSet::Files(colours().iter().map(|(name, _)| file(name)).collect());
    let CampaignRequest::Start(start) = start_over(images, Labelling::default(), protocol) else { panic!("a start") };
    records_of(CampaignStart { design, ..*start }, fate)
}

fn records_of(start: CampaignStart, fate: Fate) -> (Vec<u8>, usize) {
    let mut engine = fate.given_to(&bench(Vec::new()));
    let loaded = Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() };
    assert!(matches!(ask(&mut engine, loaded), Response::Loaded { .. }));
    update(&mut engine, 5, CampaignRequest::Start(Box::new(start)));
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.planned), (Stage::Complete, last.faults.injections));
    // A worker that is doomed may be given too few parts for that.
    let doomed = fate.mortal.is_some() || fate.mute.is_some();
    assert!(last.lost <= usize::from(doomed), "{} lost", last.lost);
    fate.lost.set(fate.lost.get() + last.lost);
    (saved(&mut engine, Export::Records), engine.host.parts.get())
}

#[test]
fn several_workers_make_the_records_of_one() {
    let goal = |margin: &str| Goal {
        margin: margin.parse().expect("a margin"),
        of: Default::default(),
        confidence: Default::default(),
        max_faults: 20_000,
    };
    let study = Protocol::Study { correct: 400, misclassified: 700 };
    let (fixed, until) = (Protocol::Fixed { faults: 900 }, Protocol::Until(goal("1.8pp")));
    let (uniform, stratified) = (DesignKind::Uniform, DesignKind::Stratified);
    let doomed = [Fate { mortal: Some(0), ..Fate::of(2) }, Fate { mute: Some(0), ..Fate::of(2) }];
    for (protocol, design) in
        [(fixed, uniform), (study, uniform), (until, uniform), (fixed, stratified), (until, stratified)]
    {
        let (alone, none) = records(protocol, design, Fate::default());
        assert_eq!(none, 0);
        assert!(!alone.is_empty());
        for mates in 1..=3 {
            let (together, parts) = records(protocol, design, Fate::of(mates));
            assert!(together == alone, "{protocol:?}, {design:?} with {mates} workers beside");
            assert!(parts > 4, "{parts} parts");
        }
        for fate in &doomed {
            let (bereft, parts) = records(protocol, design, fate.clone());
            assert!(bereft == alone, "{protocol:?}, {design:?}, and one of the workers has died or fallen silent");
            assert!(parts > 2, "{parts} parts");
        }
    }
    assert!(doomed.iter().all(|fate| fate.lost.get() > 2), "they were lost");
}

/// A worker beside the first one learns the same scales from the same images, and the accuracies are no business of its.
#[test]
fn several_workers_have_the_same_scales() {
    let images = ImageSet::Files(colours().iter().map(|(name, _)| file(name)).collect());
    let fixed = Protocol::Fixed { faults: 900 };
    let CampaignRequest::Start(start) = start_over(images, Labelling::default(), fixed) else { panic!("a start") };
    let format = "int8".parse().expect("a format");
    let plain = CampaignStart { format, weight_format: format, ..*start };
    let stratified = CampaignStart { design: DesignKind::Stratified, ..plain.clone() };
    let protections = vec!["range".parse().expect("a protection")];
    for start in [plain.clone(), stratified, CampaignStart { protections, ..plain }] {
        let (alone, none) = records_of(start.clone(), Fate::default());
        assert_eq!(none, 0);
        let (together, parts) = records_of(start, Fate::of(2));
        assert!(together == alone && parts > 4, "{parts} parts");
    }
}

#[test]
fn a_campaign_that_ends_leaves_nothing_to_the_next() {
    let mut engine = Fate::of(2).given_to(&bench(Vec::new()));
    let loaded = Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() };
    ask(&mut engine, loaded.clone());
    let images = || ImageSet::Files(colours().iter().map(|(name, _)| file(name)).collect());
    let start = |faults| start_over(images(), Labelling::default(), Protocol::Fixed { faults });
    update(&mut engine, 5, start(2000));
    for _ in 0..40 {
        pollster::block_on(engine.step());
    }
    assert!(engine.host.parts.get() > 0, "others are at work");
    update(&mut engine, 6, start(900));
    finish(&mut engine);
    assert!(
        saved(&mut engine, Export::Records)
            == records(Protocol::Fixed { faults: 900 }, DesignKind::Uniform, Fate::default()).0
    );
    // The workers go with the model.
    ask(&mut engine, loaded);
    assert!(engine.host.running.borrow().is_empty());
}

/// The whole of `found`, as text: NaN is the same as NaN here.
fn text(found: &impl std::fmt::Debug) -> String {
    format!("{found:?}")
}

/// The trials of sweeps around a fault, with the number of parts that other workers were given.
fn swept(fate: Fate, groups: Option<Grouping>) -> (Vec<String>, usize) {
    let mut engine = fate.given_to(&super::engine());
    let model = load(&mut engine);
    if groups.is_some() {
        ask(&mut engine, Request::Campaign(CampaignRequest::Judge { edited: groups }));
    }
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let is_map = |shape: &[usize]| matches!(shape, [_, _, height, width] if height * width > 1);
    let layer = model.layers.iter().find(|layer| layer.outputs.iter().any(|output| is_map(&output.shape)));
    let layer = layer.expect("a network of images has feature maps");
    let tensor = &layer.outputs[0];
    let corruption = Corruption::flip(30).expect("a bit");
    let site = Site { target: Target::Activation, layer: layer.index, tensor: tensor.id, element: 5, corruption };
    let images = ["a.ppm", "no.png", "b.ppm"].iter().cycle().take(40).map(|name| file(name)).collect();
    let requests = [
        SweepRequest::Map { strike: site.into(), first: 0, count: tensor.shape[2] * tensor.shape[3] },
        SweepRequest::Bits { strike: site.into(), width: 32 },
        SweepRequest::Images { strike: site.into(), images },
    ];
    let trials = requests.map(|request| text(&sweep(&mut engine, request))).to_vec();
    (trials, engine.host.parts.get())
}

#[test]
fn several_workers_make_the_trials_of_one() {
    // By a grouping of the user's, which the workers are told, every change of the class is critical.
    let each = |class: usize| Group { name: class.to_string(), critical: true, classes: class.to_string() };
    let edited = Grouping::from_groups("each", 43, (0..43).map(each).collect()).expect("a grouping");
    for groups in [None, Some(edited)] {
        let (alone, none) = swept(Fate::default(), groups.clone());
        assert_eq!(none, 0);
        for fate in
            [Fate::of(1), Fate::of(3), Fate { mortal: Some(1), ..Fate::of(2) }, Fate { mute: Some(0), ..Fate::of(2) }]
        {
            let (together, parts) = swept(fate, groups.clone());
            assert!(together == alone);
            assert!(parts > 4, "{parts} parts");
        }
    }
}

#[test]
fn a_sweep_that_ends_leaves_nothing_to_the_next() {
    let mut engine = Fate::of(2).given_to(&super::engine());
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let layer = model.layers.iter().find(|layer| !layer.outputs.is_empty()).expect("a layer");
    let corruption = Corruption::flip(30).expect("a bit");
    let tensor = layer.outputs[0].id;
    let site = |element| Site { target: Target::Activation, layer: layer.index, tensor, element, corruption };
    let request = |element, first| SweepRequest::Map { strike: site(element).into(), first, count: 200 };
    ask(&mut engine, Request::Sweep(request(5, 0)));
    for _ in 0..30 {
        pollster::block_on(engine.sweep_on());
    }
    let parts = engine.host.parts.get();
    assert!(parts > 0, "others are at work");
    // Another image, and another part of the map.
    ask(&mut engine, Request::Golden { image: file("b.ppm") });
    let together = sweep(&mut engine, request(5, 300));
    assert!(engine.host.parts.get() > parts);
    let mut alone = super::engine();
    load(&mut alone);
    ask(&mut alone, Request::Golden { image: file("b.ppm") });
    assert_eq!(text(&together), text(&sweep(&mut alone, request(5, 300))));
}

/// The injections of a prediction are shared as those of a sweep are.
#[test]
fn several_workers_make_the_prediction_of_one() {
    let found = |fate: Fate| {
        let mut engine = fate.given_to(&super::engine());
        load(&mut engine);
        ask(&mut engine, Request::Golden { image: file("a.ppm") });
        let request = DangerRequest { target: Target::Activation, corruption: Corruption::flip(30).expect("a bit") };
        ask(&mut engine, Request::Danger(request));
        loop {
            match pollster::block_on(engine.step_danger()) {
                Some(Response::Danger(Some(danger))) => return (text(&danger.tensors), engine.host.parts.get()),
                Some(Response::Predicting { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let (alone, none) = found(Fate::default());
    assert_eq!(none, 0);
    for fate in [Fate::of(2), Fate { mortal: Some(0), ..Fate::of(2) }, Fate { mute: Some(1), ..Fate::of(2) }] {
        let (together, parts) = found(fate);
        assert!(together == alone);
        assert!(parts > 2, "{parts} parts");
    }
}
