//! Campaigns on several workers.

use super::campaign::{bench, colours, finish, saved, start_over, update};
use super::*;
use facts::campaign::{DesignKind, Goal};
use protocol::{CampaignStart, ImageSet, Labelling, Protocol, Stage};

/// The records of a campaign with `mates` workers beside this one, and the number of parts that they were given.
fn records(protocol: Protocol, design: DesignKind, mates: usize, mortal: Option<usize>) -> (Vec<u8>, usize) {
    let images = ImageSet::Files(colours().iter().map(|(name, _)| file(name)).collect());
    let CampaignRequest::Start(start) = start_over(images, Labelling::default(), protocol) else { panic!("a start") };
    records_of(CampaignStart { design, ..*start }, mates, mortal)
}

fn records_of(start: CampaignStart, mates: usize, mortal: Option<usize>) -> (Vec<u8>, usize) {
    let mut engine = bench(Vec::new());
    let host = Bench { files: engine.host.files.clone(), mates, mortal, ..Bench::default() };
    engine = Service::new(host);
    let loaded = Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() };
    assert!(matches!(ask(&mut engine, loaded), Response::Loaded { .. }));
    update(&mut engine, 5, CampaignRequest::Start(Box::new(start)));
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.planned), (Stage::Complete, last.faults.injections));
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
    for (protocol, design) in
        [(fixed, uniform), (study, uniform), (until, uniform), (fixed, stratified), (until, stratified)]
    {
        let (alone, none) = records(protocol, design, 0, None);
        assert_eq!(none, 0);
        assert!(!alone.is_empty());
        for mates in 1..=3 {
            let (together, parts) = records(protocol, design, mates, None);
            assert!(together == alone, "{protocol:?}, {design:?} with {mates} workers beside");
            assert!(parts > 4, "{parts} parts");
        }
        let (bereft, parts) = records(protocol, design, 2, Some(1));
        assert!(bereft == alone, "{protocol:?}, {design:?}, and one of the workers has died");
        assert!(parts > 4, "{parts} parts");
    }
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
        let (alone, none) = records_of(start.clone(), 0, None);
        assert_eq!(none, 0);
        let (together, parts) = records_of(start, 2, None);
        assert!(together == alone && parts > 4, "{parts} parts");
    }
}

#[test]
fn a_campaign_that_ends_leaves_nothing_to_the_next() {
    let mut engine = bench(Vec::new());
    engine = Service::new(Bench { files: engine.host.files.clone(), mates: 2, ..Bench::default() });
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
        saved(&mut engine, Export::Records) == records(Protocol::Fixed { faults: 900 }, DesignKind::Uniform, 0, None).0
    );
    // The workers go with the model.
    ask(&mut engine, loaded);
    assert!(engine.host.running.borrow().is_empty());
}
