//! Campaigns on several workers.

use super::campaign::{bench, colours, finish, saved, start_over, update};
use super::*;
use facts::campaign::{Confidence, Until};
use protocol::{ImageSet, Labelling, Protocol, Stage};

/// The records of a campaign with `mates` workers beside this one, and the number of parts that they were given.
fn records(protocol: Protocol, mates: usize, mortal: Option<usize>) -> (Vec<u8>, usize) {
    let mut engine = bench(Vec::new());
    let host = Bench { files: engine.host.files.clone(), mates, mortal, ..Bench::default() };
    engine = Service::new(host);
    let loaded = Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() };
    assert!(matches!(ask(&mut engine, loaded), Response::Loaded { .. }));
    let images = ImageSet::Files(colours().iter().map(|(name, _)| file(name)).collect());
    update(&mut engine, 5, start_over(images, Labelling::default(), protocol));
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.planned), (Stage::Complete, last.faults.injections));
    (saved(&mut engine, Export::Records), engine.host.parts.get())
}

#[test]
fn several_workers_make_the_records_of_one() {
    let until = Until { margin: 0.012, confidence: Confidence::NinetyFive };
    let study = Protocol::Study { correct: 400, misclassified: 700 };
    for protocol in [Protocol::Fixed { faults: 900 }, study, Protocol::Until(until)] {
        let (alone, none) = records(protocol, 0, None);
        assert_eq!(none, 0);
        assert!(!alone.is_empty());
        for mates in 1..=3 {
            let (together, parts) = records(protocol, mates, None);
            assert!(together == alone, "{protocol:?} with {mates} workers beside");
            assert!(parts > 4, "{parts} parts");
        }
        let (bereft, parts) = records(protocol, 2, Some(1));
        assert!(bereft == alone, "{protocol:?}, and one of the workers has died");
        assert!(parts > 4, "{parts} parts");
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
    assert!(saved(&mut engine, Export::Records) == records(Protocol::Fixed { faults: 900 }, 0, None).0);
    // The workers go with the model.
    ask(&mut engine, loaded);
    assert!(engine.host.running.borrow().is_empty());
}
