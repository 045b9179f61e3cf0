//! Models that leave something open, and binary ones.

use engine::import::onnx;
use facts::Question;
use facts::campaign::Provenance;
use facts::fault::{FaultModel, Format};
use facts::report::Archive;
use protocol::{CampaignAnswer, CampaignStart, ImageSet, Labelling, Protocol};

use super::*;

fn fixture(folder: &str, name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder).join(name);
    std::fs::read(path).expect("a file of reference.py")
}

fn asked(engine: &mut Service<Bench>, changes: Changes) -> Response {
    ask(engine, Request::Load { model: file("net.bpk"), changes: Box::new(changes), device: DeviceChoice::Cpu })
}

#[test]
fn several_outputs_are_asked_about_and_one_is_chosen() {
    assert!(onnx::recognise(&fixture("outputs", "several.onnx")));
    let mut engine = engine_with(fixture("outputs", "several.onnx"));
    let Response::Asked { message, question: Question::Output { outputs } } = asked(&mut engine, Changes::default())
    else {
        panic!("two may be the scores")
    };
    assert!(message.starts_with("net.bpk: the model has 3 outputs, and several may be the scores"), "{message}");
    assert_eq!(
        outputs.iter().map(|output| (output.name.as_str(), output.shape.as_str())).collect::<Vec<_>>(),
        [("main", "1 x 5"), ("auxiliary", "1 x 3"), ("r", "1 x 6 x 8 x 8")]
    );
    let chosen = |name: &str| Changes { output: Some(name.to_owned()), ..Changes::default() };
    for (name, classes) in [("auxiliary", 3), ("main", 5)] {
        let Response::Loaded { model, .. } = asked(&mut engine, chosen(name)) else { panic!("{name} is chosen") };
        assert_eq!((model.classes, model.answer.output.as_str(), model.answer.threshold), (classes, name, None));
        assert_eq!(model.answer.outputs, ["main", "auxiliary", "r", "best"]);
        let golden = ask(&mut engine, Request::Golden { image: file("a.ppm") });
        assert!(matches!(golden, Response::Golden(golden) if golden.top.len() == classes));
    }
    assert!(
        matches!(asked(&mut engine, chosen("z")), Response::Failed { message } if message.contains("no output \"z\""))
    );
}

#[test]
fn an_open_size_is_asked_about() {
    let mut engine = engine_with(fixture("inputs", "open.onnx"));
    let open = asked(&mut engine, Changes::default());
    assert!(matches!(open, Response::Asked { question: Question::InputSize, .. }), "{open:?}");
    let changes = Changes { input_size: "10x12".parse().ok(), ..Changes::default() };
    assert!(matches!(asked(&mut engine, changes), Response::Loaded { model, .. } if model.input == [10, 12]));
}

#[test]
fn inputs_of_any_shape_are_described() {
    for (name, size) in [("grey", None), ("row", Some([12, 12])), ("planes", Some([6, 6])), ("last", None)] {
        let mut engine = engine_with(fixture("inputs", &format!("{name}.onnx")));
        let loaded = asked(&mut engine, Changes::default());
        let Response::Loaded { model, .. } = loaded else { panic!("{name}: {loaded:?}") };
        assert!(size.is_none_or(|size| model.input == size), "{name}: {:?}", model.input);
        assert!(model.input.iter().all(|&side| side > 4), "{name}: {:?}", model.input);
    }
}

#[test]
fn a_threshold_decides_single_faults_and_campaigns() {
    let mut engine = engine_with(fixture("outputs", "sigmoid.onnx"));
    let with = |threshold: &str| Changes { threshold: threshold.parse().ok(), ..Changes::default() };
    let mut first = |changes: Changes| {
        let Response::Loaded { model, .. } = asked(&mut engine, changes.clone()) else { panic!("a binary model") };
        assert_eq!(model.answer.threshold, Some(changes.threshold.unwrap_or_default()));
        let Response::Golden(golden) = ask(&mut engine, Request::Golden { image: file("a.ppm") }) else { panic!() };
        let p = golden.top.iter().find(|score| score.class == 1).expect("both").probability;
        (golden.top[0].class, p)
    };
    let (_, p) = first(Changes::default());
    assert_eq!(first(with(&(p * 0.9).to_string())).0, 1);
    let high = with(&(p + (1.0 - p) / 2.0).to_string());
    assert_eq!(first(high.clone()).0, 0);

    let start = CampaignStart {
        images: ImageSet::Files(vec![file("a.ppm")]),
        labelling: Labelling::default(),
        limit: None,
        protocol: Protocol::Fixed { faults: 1 },
        design: Default::default(),
        seed: 0,
        fault_model: FaultModel::default(),
        format: Format::F32,
        weight_format: Format::F32,
        protections: Vec::new(),
        profile: None,
    };
    let campaign = ask(&mut engine, Request::Campaign(CampaignRequest::Start(Box::new(start))));
    assert!(matches!(campaign, Response::Campaign(CampaignAnswer::Update(_))), "{campaign:?}");
    while let Some((_, answer)) = pollster::block_on(engine.go_on()) {
        assert!(!matches!(answer, Some(Response::Failed { .. })), "{answer:?}");
    }
    let zip = ask(&mut engine, Request::Campaign(CampaignRequest::Export(Export::Zip)));
    let Response::Campaign(CampaignAnswer::File { bytes, .. }) = zip else { panic!("{zip:?}") };
    let config = Archive::open("campaign.zip", &bytes).expect("our own zip").config;
    let config: Provenance = serde_json::from_slice(&config).expect("a configuration");
    assert_eq!(config.model.threshold, high.threshold);
    assert!(config.model.answer.is_some_and(|answer| answer.contains("class 1 where it is above 0.")));
}
