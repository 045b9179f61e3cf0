//! Networks that are rounded to number formats: the worker gives what the engine gives.

use engine::campaign::{Budget, CampaignEvent, Golden, Lab, Observe, Runner, rounded};
use engine::import;
use facts::campaign::{NumberFormats, OnBadImage, Provenance};
use facts::data::Image;
use facts::fault::{FaultModel, Format, SiteSpace};
use facts::report::Archive;
use protocol::{CampaignStart, CampaignUpdate, ImageSet, Labelling, Learnt, Protocol, Stage};

use super::goals::twice;
use super::*;
use crate::images::Encoded;

const NETWORK: &str = "../../models/gtsrb-resnet8/gtsrb-resnet8.bpk";

fn numbers(format: &str) -> NumberFormats {
    let format: Format = format.parse().expect("a format");
    NumberFormats::usual(format, format, 2)
}

/// The lab that the engine makes of the same network, and its golden run of `a.ppm`.
pub(super) fn direct(numbers: &NumberFormats) -> (Lab, Golden) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(NETWORK);
    let plain = import::load("net.bpk", std::fs::read(path).expect("it is there")).expect("a network");
    let mut images = Encoded::default();
    images.push("a.ppm".to_owned(), None, picture(250));
    images.push("b.ppm".to_owned(), None, picture(5));
    let model =
        pollster::block_on(rounded(&plain, numbers, &images, OnBadImage::Stop)).expect("it can be rounded").model;
    let lab = Lab::cpu(model).expect("a sound graph");
    let image = Image::decode("a.ppm", &picture(250)).expect("a picture");
    let input = lab.model().preprocess().apply(&image, lab.model().input_shape()).expect("an input");
    let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
    (lab, golden)
}

fn load(worker: &mut Service<Bench>, numbers: NumberFormats, images: &[&str]) -> Response {
    let calibrate = images.iter().map(|name| file(name)).collect();
    let changes = Box::new(Changes { numbers, calibrate, ..Changes::default() });
    ask(worker, Request::Load { model: file("net.bpk"), changes, device: DeviceChoice::Cpu })
}

#[test]
fn a_fault_in_a_rounded_network_is_that_of_the_engine() {
    let mut worker = engine();
    for format in ["bf16", "f16", "fixed:7.8", "int8", "f32"] {
        let numbers = numbers(format);
        let images: &[&str] = if numbers.learns() { &["a.ppm", "b.ppm"] } else { &[] };
        let Response::Loaded { model, .. } = load(&mut worker, numbers, images) else { panic!("{format}") };
        assert!(matches!(ask(&mut worker, Request::Golden { image: file("a.ppm") }), Response::Golden(_)), "{format}");
        let (lab, golden) = direct(&numbers);
        let graph = lab.executor().graph();
        for target in [Target::Activation, Target::Weight] {
            let sites = &SiteSpace::of(graph, target).layers()[1].clone();
            let (tensor, _) = sites.tensors[0];
            let told = model.layers[sites.layer].tensors(target)[0].clone();
            assert_eq!((told.id, told.format), (tensor, graph.values[tensor].format));
            for bit in [0, told.format.width() - 2, told.format.width() - 1] {
                let corruption = Corruption::flip(bit).expect("a bit");
                let site = Site { target, layer: sites.layer, tensor, element: 7, corruption };
                let Response::Injected(injection) = ask(&mut worker, Request::Inject { strike: site.into() }) else {
                    panic!("{format}")
                };
                let observe = Observe { trace: true, ..Observe::default() };
                let trial = pollster::block_on(lab.trial(&golden, &[site], observe)).expect("a trial");
                // As text, where NaN is equal to itself.
                let words = |faults, verdict, trace| format!("{faults:?} {verdict:?} {trace:?}");
                let [page, direct] = [
                    words(&injection.faults, injection.verdict, &injection.trace),
                    words(&trial.faults, trial.verdict, &trial.trace),
                ];
                assert_eq!(page, direct, "{format}, bit {bit}");
                // The preview on the page is what happens.
                let fault = &injection.faults[0];
                assert_eq!(corruption.apply(fault.before, told.code(told.spot(7))).to_bits(), fault.after.to_bits());
            }
        }
    }
}

#[test]
fn every_bit_of_a_narrow_format_is_tried() {
    let mut worker = engine();
    let Response::Loaded { model, .. } = load(&mut worker, numbers("e5m2"), &[]) else { panic!("not loaded") };
    ask(&mut worker, Request::Golden { image: file("a.ppm") });
    let layer = &model.layers[2];
    let site = Site {
        target: Target::Activation,
        layer: layer.index,
        tensor: layer.outputs[0].id,
        element: 0,
        corruption: Corruption::flip(0).expect("a bit"),
    };
    let trials = sweep(&mut worker, SweepRequest::Bits { strike: site.into(), width: 8 });
    assert_eq!(trials.iter().filter(|trial| trial.is_ok()).count(), 8);
}

#[test]
fn a_format_that_cannot_be_emulated_is_told_in_a_sentence() {
    let mut worker = engine();
    for (numbers, images, part) in [
        (numbers("int8"), &[][..], "golden runs of 2 images; expected 1 to 0"),
        (numbers("int8"), &["gone.png", "a.ppm"][..], "gone.png"),
        (NumberFormats { calibration: None, ..numbers("int8") }, &["a.ppm"][..], "needs a calibration"),
    ] {
        match load(&mut worker, numbers, images) {
            Response::Failed { message } => assert!(message.contains(part) && message.ends_with('.'), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}

/// The records of the worker's campaign are those of the engine's runner, and config.json says formats and scales.
#[test]
fn a_campaign_in_a_format_and_a_pattern_is_that_of_the_engine() {
    for (format, pattern) in [("bf16", "bullet-wake"), ("int8", "channel"), ("f32", "row")] {
        let mut worker = engine();
        // The explorer's formats are not the campaign's.
        let Response::Loaded { .. } = load(&mut worker, numbers("f16"), &[]) else { panic!("not loaded") };
        let numbers = numbers(format);
        let images = ImageSet::Files(vec![file("a.ppm"), file("b.ppm")]);
        let CampaignRequest::Start(start) =
            campaign::start_over(images, Labelling::default(), Protocol::Fixed { faults: 8 })
        else {
            panic!("a start");
        };
        let fault_model = FaultModel { pattern: pattern.parse().expect("a pattern"), ..FaultModel::default() };
        let start = CampaignStart { format: numbers.outputs, weight_format: numbers.weights, fault_model, ..*start };
        campaign::update(&mut worker, 1, CampaignRequest::Start(Box::new(start)));
        let profile = campaign::finish(&mut worker).profile.expect("the end tells everything");
        assert_eq!((profile.numbers, profile.format), (numbers, numbers.outputs));
        let bytes = campaign::saved(&mut worker, Export::Zip);
        let archive = Archive::open("campaign.zip", &bytes).expect("our own zip");
        let provenance: Provenance = serde_json::from_slice(&archive.config).expect("a configuration");
        assert_eq!(provenance.campaign.numbers, numbers);
        assert_eq!(provenance.campaign.fault_model.pattern.to_string(), pattern);
        assert_eq!(provenance.scales.is_empty(), !numbers.learns());

        let (lab, _) = direct(&numbers);
        let mut images = Encoded::default();
        images.push("a.ppm".to_owned(), None, picture(250));
        images.push("b.ppm".to_owned(), None, picture(5));
        let mut runner = Runner::new(&lab, provenance.campaign, images, Budget::default()).expect("a campaign");
        let mut expected = Vec::new();
        while let Some(event) = pollster::block_on(runner.next()).expect("it runs") {
            if let CampaignEvent::Injection(record) = event {
                // Through text, as the worker's: a float32 of a file has fewer digits.
                let text = serde_json::to_string(&record).expect("plain data");
                expected.push(serde_json::from_str::<serde_json::Value>(&text).expect("a record"));
            }
        }
        let records = campaign::saved(&mut worker, Export::Records);
        let records = records.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let records: Vec<serde_json::Value> = records
            .map(|line| {
                let mut record: serde_json::Value = serde_json::from_slice(line).expect("a record");
                record.as_object_mut().expect("an object").remove("check");
                record
            })
            .collect();
        assert_eq!(records, expected, "{format}, {pattern}");
        assert!(pattern != "channel" || records.iter().any(|record| record.get("elements").is_some()));
    }
}

/// The start of a campaign over the six images of the small network, in a number format.
fn in_format(format: &str, faults: usize) -> CampaignStart {
    let CampaignRequest::Start(start) = campaign::start(Protocol::Fixed { faults }) else { panic!("a start") };
    let format: Format = format.parse().expect("a format");
    CampaignStart { format, weight_format: format, ..*start }
}

fn begin(worker: &mut Service<Bench>, id: u32, start: &CampaignStart) -> CampaignUpdate {
    campaign::update(worker, id, CampaignRequest::Start(Box::new(start.clone())))
}

#[test]
fn a_rounded_campaign_says_what_the_command_line_says() {
    for (format, protections, options) in [
        ("bf16", &[][..], &[][..]),
        ("int8", &[], &[]),
        ("int8", &["range", "secded"], &["--protect", "range", "--protect", "secded"]),
        ("fixed:0.2", &[], &["--design", "stratified"]),
    ] {
        let protections = protections.iter().map(|text: &&str| text.parse().expect("a protection")).collect();
        let mut start = CampaignStart { protections, ..in_format(format, 40) };
        if options.contains(&"stratified") {
            start.design = facts::campaign::DesignKind::Stratified;
        }
        let options = [&["--faults", "40", "--format", format, "--weight-format", format], options].concat();
        let (_, last, _) = twice(CampaignRequest::Start(Box::new(start)), &options);
        let rounded = last.rounded.expect("it is known");
        assert_eq!((rounded.images, rounded.float32), (6, 6), "{format}");
        assert_eq!(last.golden.accuracy.map(|rate| rate.count), Some(rounded.rounded), "{format}");
    }
    let mut worker = campaign::bench(Vec::new());
    begin(&mut worker, 1, &in_format("f32", 1));
    assert_eq!(campaign::finish(&mut worker).rounded, None, "nothing is rounded");
}

/// Where the format cannot hold the network, the alarm says so.
#[test]
fn the_alarm_names_the_number_format() {
    let mut worker = campaign::bench(Vec::new());
    begin(&mut worker, 1, &in_format("fixed:0.1", 4));
    let last = campaign::finish(&mut worker);
    let (alarm, rounded) = (last.golden.alarm.expect("an alarm"), last.rounded.expect("it is known"));
    assert!(rounded.rounded < rounded.float32, "{rounded}");
    assert!(alarm.ends_with(&format!("; or the number format cannot hold the network ({rounded})")), "{alarm}");
}

/// Scales, accuracies and protections are learnt one after the other, and requests come in between.
#[test]
fn what_a_rounded_campaign_learns_is_told_held_and_stopped() {
    let mut worker = campaign::bench(Vec::new());
    let protections = vec!["range".parse().expect("a protection")];
    let start = CampaignStart { protections, profile: Some(4), ..in_format("int8", 10) };
    let first = begin(&mut worker, 1, &start);
    assert_eq!((first.stage, first.planned, first.learning), (Stage::Running, 60, Some((Learnt::Scales, [0, 6]))));
    assert_eq!(first.naming.map(|naming| naming.classes), Some(3));
    let mut told = Vec::new();
    let mut id = 1;
    loop {
        campaign::step(&mut worker);
        // Whoever looks at the explorer meanwhile is answered.
        assert!(matches!(ask(&mut worker, Request::Golden { image: file("colour_3_1.ppm") }), Response::Golden(_)));
        id += 2;
        let held = campaign::update(&mut worker, id, CampaignRequest::Pause);
        assert_eq!((held.stage, held.faults.injections), (Stage::Paused, 0));
        assert!(campaign::step(&mut worker).is_none(), "it rests");
        let Some(learning) = held.learning else { break };
        told.push(learning);
        campaign::refused(&mut worker, CampaignRequest::Export(Export::Zip), "still learns");
        campaign::update(&mut worker, id + 1, CampaignRequest::Resume);
    }
    let scales = (1..=6).map(|done| (Learnt::Scales, [done, 6]));
    let accuracy = [0, 6, 12].map(|done| (Learnt::Accuracy, [done, 12]));
    let protections = (0..=4).map(|done| (Learnt::Protections, [done, 4]));
    assert_eq!(told, scales.chain(accuracy).chain(protections).collect::<Vec<_>>());
    campaign::update(&mut worker, id + 1, CampaignRequest::Resume);
    let last = campaign::finish(&mut worker);
    assert_eq!((last.stage, last.faults.injections), (Stage::Complete, 60));
    let records = campaign::saved(&mut worker, Export::Records);
    begin(&mut worker, 50, &start);
    campaign::finish(&mut worker);
    assert_eq!(campaign::saved(&mut worker, Export::Records), records, "held or not, it is the same campaign");

    begin(&mut worker, 60, &start);
    campaign::step(&mut worker);
    let stopped = campaign::update(&mut worker, 61, CampaignRequest::Stop);
    assert_eq!((stopped.stage, stopped.learning, stopped.faults.injections), (Stage::Stopped, None, 0));
    assert_eq!(campaign::update(&mut worker, 62, CampaignRequest::Resume).stage, Stage::Stopped);
}

/// What cannot be done is refused before golden runs are made.
#[test]
fn what_does_not_fit_a_rounded_campaign_is_refused_at_once() {
    let mut worker = campaign::bench(Vec::new());
    let start = in_format("int8", 1);
    let mut refused = |start: CampaignStart, part: &str| {
        campaign::refused(&mut worker, CampaignRequest::Start(Box::new(start)), part);
    };
    let protections = |method: &str| vec![method.parse().expect("a protection")];
    refused(CampaignStart { protections: protections("weight-clip"), ..start.clone() }, "for faults in weights");
    refused(CampaignStart { protections: protections("range"), profile: Some(7), ..start.clone() }, "from 7 images");
    let kind = facts::fault::FaultKind::BitFlip { bits: facts::fault::Bits::one(20).expect("a bit") };
    let fault_model = FaultModel { kind, ..FaultModel::default() };
    refused(CampaignStart { fault_model, ..start }, "int8 has bits 0 to 7");
}

/// A network that the explorer has rounded is the float32 one for the comparison.
#[test]
fn the_accuracy_beside_is_that_of_the_network_before_the_explorer_rounds_it() {
    let rounded = |numbers: NumberFormats| {
        let mut worker = campaign::bench(Vec::new());
        let changes = Box::new(Changes { numbers, ..Changes::default() });
        let load = Request::Load { model: file("colours.onnx"), changes, device: DeviceChoice::Cpu };
        assert!(matches!(ask(&mut worker, load), Response::Loaded { .. }));
        begin(&mut worker, 1, &in_format("fixed:0.1", 4));
        (campaign::finish(&mut worker).rounded, campaign::saved(&mut worker, Export::Records))
    };
    let alone = rounded(NumberFormats::default());
    assert_eq!(alone.0.map(|rounded| rounded.float32), Some(6));
    assert!(rounded(numbers("bf16")) == alone && rounded(numbers("fixed:0.1")) == alone);
}
