use std::fs;
use std::path::{Path, PathBuf};

use facts::campaign::{Criterion, DesignKind, Summary};
use facts::fault::{FaultModel, Format};
use facts::labels::{Group, Grouping};
use facts::outcome::Rate;
use facts::report::{Archive, pack};
use protocol::{
    CampaignAnswer, CampaignStart, CampaignUpdate, ImageSet, Labelling, Picture, Protocol, RequestId, Severity, Stage,
};
use tempfile::TempDir;

use super::*;
use faultscope::cli::{self, Exit};

/// Images of the three colours that the small network tells apart, two of each, as files of the page.
pub(super) fn colours() -> Vec<(String, Vec<u8>)> {
    let picture = |rgb: [u8; 3]| [b"P6 2 2 255\n".as_slice(), &rgb.repeat(4)].concat();
    let names = (0..6).map(|index| format!("colour_{index}_{}.ppm", index / 2));
    let levels = (0..6u8).map(|index| {
        let mut rgb = [20, 30, 25];
        rgb[usize::from(index / 2)] = 180 + 10 * index;
        picture(rgb)
    });
    names.zip(levels).collect()
}

pub(super) fn model() -> Vec<u8> {
    network("colours.onnx")
}

/// One of the small networks.
fn network(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/cli").join(name)).expect("a fixture")
}

/// An engine with the small network and `more` files.
pub(super) fn bench(more: Vec<(String, Vec<u8>)>) -> Service<Bench> {
    let networks = ["colours.onnx", "colours-10.onnx"].map(|name| (name.to_owned(), network(name)));
    let files: BTreeMap<_, _> = colours().into_iter().chain(more).chain(networks).collect();
    let mut engine = Service::new(Bench { files: files.into(), ..Bench::default() });
    load_network(&mut engine, "colours.onnx");
    engine
}

fn load_network(engine: &mut Service<Bench>, name: &str) {
    let loaded = ask(engine, Request::Load { model: file(name), device: DeviceChoice::Cpu, changes: Box::default() });
    assert!(matches!(loaded, Response::Loaded { .. }), "{loaded:?}");
}

fn images() -> ImageSet {
    // In no order: it is that of the names.
    ImageSet::Files(colours().iter().rev().map(|(name, _)| file(name)).collect())
}

pub(super) fn start(protocol: Protocol) -> CampaignRequest {
    start_over(images(), Labelling::default(), protocol)
}

pub(super) fn start_over(images: ImageSet, labelling: Labelling, protocol: Protocol) -> CampaignRequest {
    let fault_model = FaultModel::default();
    CampaignRequest::Start(Box::new(CampaignStart {
        images,
        labelling,
        limit: None,
        protocol,
        design: Default::default(),
        seed: 7,
        fault_model,
        format: Format::F32,
        weight_format: Format::F32,
        protections: Vec::new(),
        profile: None,
    }))
}

fn picture(image: usize, images: ImageSet) -> CampaignRequest {
    CampaignRequest::Picture { image, images, labelling: Labelling::default() }
}

/// The answer to request number `id`.
fn numbered(engine: &mut Service<Bench>, id: RequestId, request: CampaignRequest) -> CampaignAnswer {
    match pollster::block_on(engine.handle(id, Request::Campaign(request), &|_, _| ())) {
        Response::Campaign(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub(super) fn update(engine: &mut Service<Bench>, id: RequestId, request: CampaignRequest) -> CampaignUpdate {
    match numbered(engine, id, request) {
        CampaignAnswer::Update(update) => *update,
        other => panic!("{other:?}"),
    }
}

pub(super) fn step(engine: &mut Service<Bench>) -> Option<CampaignUpdate> {
    match pollster::block_on(engine.step())? {
        Response::Campaign(CampaignAnswer::Update(update)) => Some(*update),
        other => panic!("{other:?}"),
    }
}

/// Lets the campaign run to its end.
pub(super) fn finish(engine: &mut Service<Bench>) -> CampaignUpdate {
    let mut last = None;
    while engine.campaign().is_some() {
        last = step(engine).or(last);
    }
    last.expect("a campaign tells of its end")
}

pub(super) fn saved(engine: &mut Service<Bench>, what: Export) -> Vec<u8> {
    match numbered(engine, 9, CampaignRequest::Export(what)) {
        CampaignAnswer::File { bytes, .. } => bytes.into_vec(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn refused(engine: &mut Service<Bench>, request: CampaignRequest, part: &str) {
    match ask(engine, Request::Campaign(request)) {
        Response::Failed { message } => {
            assert!(message.contains(part) && message.ends_with('.') && !message.ends_with(".."), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

/// One of its two groups is critical.
pub(super) fn grouping(critical: &str) -> Grouping {
    let group =
        |name: &str, classes: &str| Group { name: name.into(), critical: name == critical, classes: classes.into() };
    Grouping::from_groups("colours", 3, vec![group("red", "0"), group("other", "1-2")]).expect("it is complete")
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_campaign_is_held_and_goes_on_where_it_was() {
    let mut engine = bench(Vec::new());
    let first = update(&mut engine, 5, start(Protocol::Fixed { faults: 40 }));
    assert_eq!((first.campaign, first.stage, first.planned), (5, Stage::Running, 240));
    assert_eq!(first.naming.map(|naming| naming.classes), Some(3));
    step(&mut engine);
    let held = update(&mut engine, 6, CampaignRequest::Pause);
    assert_eq!((held.campaign, held.stage), (5, Stage::Paused));
    assert!(engine.campaign().is_none() && step(&mut engine).is_none(), "it rests");
    let done = held.faults.injections;
    assert!(done > 0 && done < 240, "{done}");
    assert_eq!(update(&mut engine, 7, CampaignRequest::Resume).faults.injections, done);
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.faults.injections, last.planned), (Stage::Complete, 240, 240));
    assert_eq!(update(&mut engine, 8, CampaignRequest::Resume).stage, Stage::Complete, "what is over stays over");

    // Held or not, it is the same campaign.
    let records = saved(&mut engine, Export::Records);
    update(&mut engine, 10, start(Protocol::Fixed { faults: 40 }));
    finish(&mut engine);
    assert_eq!(saved(&mut engine, Export::Records), records);
}

#[test]
fn what_is_stopped_keeps_its_results_also_when_another_model_comes() {
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, start(Protocol::Fixed { faults: 40 }));
    step(&mut engine);
    let stopped = update(&mut engine, 2, CampaignRequest::Stop);
    assert_eq!(stopped.stage, Stage::Stopped);
    let records = saved(&mut engine, Export::Records);
    assert_eq!(records.iter().filter(|&&byte| byte == b'\n').count() as u64, stopped.faults.injections);
    ask(&mut engine, Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() });
    assert_eq!(saved(&mut engine, Export::Records), records);
    assert_eq!(update(&mut engine, 3, CampaignRequest::Resume).stage, Stage::Stopped);
}

#[test]
fn the_breakdown_adds_up() {
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, start(Protocol::Fixed { faults: 200 }));
    let last = finish(&mut engine);
    let profile = last.profile.expect("the end tells everything");
    // Three classes have no SDC-5, and without a grouping there is no SCM.
    assert_eq!(profile.criteria, [Criterion::Sdc, Criterion::Sdc10, Criterion::Sdc20]);
    for (place, criterion) in profile.criteria.iter().enumerate() {
        let all = criterion.rate(&last.faults).expect("it is known").count;
        let sum = |rates: &mut dyn Iterator<Item = Rate>| rates.map(|rate| rate.count).sum::<u64>();
        assert_eq!(sum(&mut profile.layers.iter().map(|layer| layer.rates[place])), all, "{criterion:?}");
        assert_eq!(sum(&mut profile.bits.iter().map(|(_, rates)| rates[place])), all, "{criterion:?}");
        let cells = (0..profile.layers.len()).flat_map(|layer| (0..32).map(move |bit| (layer, bit)));
        assert_eq!(
            sum(&mut cells.filter_map(|(layer, bit)| profile.cell(layer, bit, *criterion))),
            all,
            "{criterion:?}"
        );
        assert!(all > 0, "{criterion:?}");
    }
    assert_eq!(profile.layer(0, Criterion::Sdc5).of, 0, "what is not known has no trials");
    assert_eq!(profile.layers.iter().map(|layer| layer.rates[0].of).sum::<u64>(), 1200);
    let cells = (0..profile.layers.len()).flat_map(|layer| (0..32).map(move |bit| (layer, bit)));
    let cells: Vec<_> = cells.filter_map(|(layer, bit)| profile.cell(layer, bit, Criterion::Sdc)).collect();
    assert_eq!(cells.iter().map(|rate| rate.of).sum::<u64>(), 1200);
    assert_eq!(cells.iter().map(|rate| rate.count).sum::<u64>(), last.faults.sdc.count);
    assert_eq!(profile.bits.iter().map(|(_, rates)| rates[0].count).sum::<u64>(), last.faults.sdc.count);
    let now = profile.history.last().expect("a point");
    assert_eq!((now.faults(), now.sdc), (1200, last.faults.sdc));
    assert!(profile.confusion.is_none() && profile.worst.len() <= 50);
    let changed = profile.worst.iter().filter(|fault| fault.severity == Severity::Sdc);
    assert_eq!(changed.count() as u64, last.faults.sdc.count.min(50));
    assert!(profile.worst.iter().all(|fault| fault.golden != fault.faulty || fault.due));
    let drops: Vec<f32> =
        profile.worst.iter().filter_map(|fault| fault.confidence).map(|[before, after]| before - after).collect();
    assert!(!drops.is_empty() && drops.is_sorted_by(|a, b| a >= b), "{drops:?}");
    let csv = String::from_utf8(saved(&mut engine, Export::Csv)).expect("text");
    assert!(csv.lines().count() > 50 && csv.contains("layer_bit"));
    let report: serde_json::Value = serde_json::from_slice(&saved(&mut engine, Export::Json)).expect("JSON");
    assert_eq!(report["faults"]["sdc"]["count"], last.faults.sdc.count);
}

#[test]
fn another_grouping_judges_what_was_done_and_single_faults() {
    let mut engine = bench(Vec::new());
    let classes = numbered(&mut engine, 1, CampaignRequest::Classes);
    assert!(matches!(classes, CampaignAnswer::Classes(naming) if naming.classes == 3 && naming.grouping.is_none()));
    update(&mut engine, 1, start(Protocol::Fixed { faults: 100 }));
    let plain = finish(&mut engine);
    assert!(plain.faults.scm.is_none());
    let mut counts = Vec::new();
    for critical in ["red", "other"] {
        let judged = update(&mut engine, 2, CampaignRequest::Judge { edited: Some(grouping(critical)) });
        assert_eq!(judged.faults.sdc, plain.faults.sdc, "predictions are what they are");
        let profile = judged.profile.expect("everything is told again");
        let confusion = profile.confusion.as_ref().expect("there are groups");
        let scm = judged.faults.scm.expect("it is judged").count;
        assert_eq!(scm, if critical == "red" { confusion.faults[1] } else { confusion.faults[2] });
        assert_eq!(profile.history.last().map(|now| now.scm.count), Some(scm));
        let worst = profile.worst.iter().filter(|fault| fault.severity == Severity::Scm).count() as u64;
        assert_eq!(worst, scm.min(50));
        counts.push(scm);
    }
    assert!(counts[0] > 0 && counts[0] != counts[1], "{counts:?}");
    assert_eq!(update(&mut engine, 3, CampaignRequest::Judge { edited: None }).faults, plain.faults);

    // The single fault follows.
    update(&mut engine, 4, CampaignRequest::Judge { edited: Some(grouping("red")) });
    let Response::Loaded { model, .. } = ask(
        &mut engine,
        Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() },
    ) else {
        panic!("no model")
    };
    let tensor = model.layers.iter().find_map(|layer| Some((layer.index, layer.outputs.first()?.id)));
    let (layer, tensor) = tensor.expect("a network has such a layer");
    let site = Site { target: Target::Activation, layer, tensor, element: 0, corruption: Corruption::Set(0.5) };
    let verdict = |engine: &mut Service<Bench>| match ask(engine, Request::Inject { strike: site.into() }) {
        Response::Injected(injection) => (injection.verdict.scm.is_some(), injection.golden.group),
        other => panic!("{other:?}"),
    };
    update(&mut engine, 5, CampaignRequest::Judge { edited: Some(grouping("red")) });
    ask(&mut engine, Request::Golden { image: file(&colours()[0].0) });
    assert_eq!(verdict(&mut engine), (true, Some("red".to_owned())));
    update(&mut engine, 6, CampaignRequest::Judge { edited: None });
    assert_eq!(verdict(&mut engine), (false, None));
}

/// A folder with the images, an empty folder for the page's campaign, the place of the command line's, and the network.
pub(super) fn laid_out() -> (TempDir, [PathBuf; 3], PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let [data, ours, theirs] = ["data", "ours", "theirs"].map(|name| folder.path().join(name));
    for path in [&data, &ours] {
        fs::create_dir(path).expect("the test can write");
    }
    for (name, bytes) in colours() {
        fs::write(data.join(name), bytes).expect("the test can write");
    }
    let model_file = folder.path().join("colours.onnx");
    fs::write(&model_file, model()).expect("the test can write");
    (folder, [data, ours, theirs], model_file)
}

/// The directory that the page saves is the command line's: it is reported on, resumed to the end that the command line
/// reaches by itself, and read by the page again.
#[test]
fn the_command_line_goes_on_where_the_page_stopped() {
    let (folder, [data, ours, theirs], model_file) = laid_out();
    let campaign = |out: &Path, more: &[&str]| {
        let mut words = vec!["campaign", "--model", text(&model_file), "--data", text(&data), "--out", text(out)];
        words.extend(["--seed", "7", "--faults", "40", "--jobs", "1", "--device", "cpu"]);
        words.extend(more);
        cli::run(&words)
    };
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, start(Protocol::Fixed { faults: 40 }));
    step(&mut engine);
    let stopped = update(&mut engine, 2, CampaignRequest::Stop);
    assert!(stopped.faults.injections < 240);
    let zip = saved(&mut engine, Export::Zip);
    let Archive { config, records } = Archive::open("campaign.zip", &zip).expect("our own zip");
    for (name, bytes) in [("config.json", &config), ("faults.jsonl", &records)] {
        fs::write(ours.join(name), bytes).expect("the test can write");
    }
    let zipped = folder.path().join("campaign.zip");
    fs::write(&zipped, &zip).expect("the test can write");
    for results in [&ours, &zipped] {
        let out = results.with_extension("json");
        assert_eq!(cli::run(["report", text(results), "--format", "json", "-o", text(&out)]), Exit::Done);
        let report: Summary = serde_json::from_slice(&fs::read(&out).expect("a report")).expect("a summary");
        assert_eq!(report.faults, stopped.faults);
        fs::remove_file(out).expect("the test can write");
    }

    assert_eq!(campaign(&ours, &["--resume"]), Exit::Done);
    assert_eq!(campaign(&theirs, &[]), Exit::Done);
    let [resumed, straight] = [&ours, &theirs].map(|path| fs::read(path.join("faults.jsonl")).expect("records"));
    assert_eq!(resumed, straight);

    let files = ["config.json", "faults.jsonl"].map(|name| (format!("theirs/{name}"), name));
    let files = files.map(|(name, file)| (name, fs::read(theirs.join(file)).expect("a campaign")));
    let names = files.iter().map(|(name, _)| file(name)).collect();
    let mut engine = bench(files.to_vec());
    let imported = update(&mut engine, 3, CampaignRequest::Import { files: names });
    assert_eq!((imported.stage, imported.faults.injections, imported.planned), (Stage::Complete, 240, 240));
    assert_eq!(saved(&mut engine, Export::Records), straight);
    // A fault of it can be followed, for the images are those on the page.
    match numbered(&mut engine, 4, picture(2, images())) {
        CampaignAnswer::Picture { picture: Picture::File(found), .. } => assert_eq!(found.name, colours()[2].0),
        other => panic!("{other:?}"),
    }
    let fewer = ImageSet::Files(colours().iter().skip(1).map(|(name, _)| file(name)).collect());
    refused(&mut engine, picture(2, fewer), "other images than those on the page");
}

/// An image that cannot be read is skipped and told, here and by the command line, and the directory says which images were
/// used.
#[test]
fn a_bad_image_is_skipped_and_told() {
    let folder = TempDir::new().expect("a folder");
    let [data, ours] = ["data", "ours"].map(|name| folder.path().join(name));
    for path in [&data, &ours] {
        fs::create_dir(path).expect("the test can write");
    }
    let mut files = colours();
    files[2].1.truncate(20);
    for (name, bytes) in &files {
        fs::write(data.join(name), bytes).expect("the test can write");
    }
    let model_file = folder.path().join("colours.onnx");
    fs::write(&model_file, model()).expect("the test can write");
    files.push(("colours.onnx".to_owned(), model()));
    let mut engine =
        Service::new(Bench { files: files.into_iter().collect::<BTreeMap<_, _>>().into(), ..Bench::default() });
    let load = Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() };
    assert!(matches!(ask(&mut engine, load), Response::Loaded { .. }));
    update(&mut engine, 1, start(Protocol::Fixed { faults: 40 }));
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.faults.injections, last.planned, last.golden.images), (Stage::Complete, 200, 200, 5));
    let sentence = last.skipped.expect("it is told");
    assert!(sentence.starts_with("1 of 6 images was skipped: colour_2_1.ppm (the PNM is "), "{sentence}");
    let judged = update(&mut engine, 2, CampaignRequest::Judge { edited: Some(grouping("red")) });
    assert_eq!(judged.skipped.as_ref(), Some(&sentence), "another grouping changes nothing of it");
    update(&mut engine, 2, CampaignRequest::Judge { edited: None });

    // The command line makes the same of the same files, and has nothing to add to the page's directory.
    let campaign = |out: &Path, more: &[&str]| {
        let mut words = vec!["campaign", "--model", text(&model_file), "--data", text(&data), "--out", text(out)];
        words.extend(["--seed", "7", "--faults", "40", "--jobs", "1", "--device", "cpu"]);
        words.extend(more);
        cli::run(&words)
    };
    let theirs = folder.path().join("theirs");
    assert_eq!(campaign(&theirs, &["--on-bad-image", "skip"]), Exit::Done);
    let straight = fs::read(theirs.join("faults.jsonl")).expect("records");
    assert_eq!(saved(&mut engine, Export::Records), straight);
    let zip = saved(&mut engine, Export::Zip);
    let Archive { config, records } = Archive::open("campaign.zip", &zip).expect("our own zip");
    fs::write(ours.join("config.json"), config).expect("the test can write");
    fs::write(ours.join("faults.jsonl"), &records[..records.len() / 2]).expect("the test can write");
    assert_eq!(campaign(&ours, &["--resume"]), Exit::Done);
    assert_eq!(fs::read(ours.join("faults.jsonl")).expect("records"), straight);

    let mut other = bench(vec![("c.zip".to_owned(), zip)]);
    let imported = update(&mut other, 5, CampaignRequest::Import { files: vec![file("c.zip")] });
    assert_eq!((imported.stage, imported.skipped), (Stage::Complete, Some(sentence)));
    assert_eq!(saved(&mut other, Export::Records), straight);
    let csv = String::from_utf8(saved(&mut other, Export::Csv)).expect("text");
    assert!(csv.contains(",skipped,1,6,"), "{csv}");
}

/// The images that were used stand in the directory with their contents, so that the command line knows them.
#[test]
fn the_command_line_refuses_other_images_than_the_page_has_used() {
    let folder = TempDir::new().expect("a folder");
    let [data, ours] = ["data", "ours"].map(|name| folder.path().join(name));
    for path in [&data, &ours] {
        fs::create_dir(path).expect("the test can write");
    }
    let model_file = folder.path().join("colours.onnx");
    fs::write(&model_file, model()).expect("the test can write");
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, start(Protocol::Fixed { faults: 40 }));
    step(&mut engine);
    update(&mut engine, 2, CampaignRequest::Stop);
    let zip = saved(&mut engine, Export::Zip);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).expect("our own zip");
    archive.extract(&ours).expect("it can be unpacked");
    let resume = || {
        let words = ["campaign", "--model", text(&model_file), "--data", text(&data), "--out", text(&ours)];
        cli::run(
            [&words[..], &["--seed", "7", "--faults", "40", "--jobs", "1", "--device", "cpu", "--resume"]].concat(),
        )
    };
    for (name, mut bytes) in colours() {
        // Of the same size.
        *bytes.last_mut().expect("a byte") ^= 1;
        fs::write(data.join(name), bytes).expect("the test can write");
    }
    assert_eq!(resume(), Exit::Input);
    for (name, bytes) in colours() {
        fs::write(data.join(name), bytes).expect("the test can write");
    }
    assert_eq!(resume(), Exit::Done);
}

/// A zip may hold a campaign, or images: its content says which.
#[test]
fn a_zip_of_images_is_a_data_set() {
    let colours = colours();
    let entries: Vec<(&str, &[u8])> = colours.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let zip = pack(&entries).expect("a zip");
    let mut engine = bench(vec![("colours.zip".to_owned(), zip)]);
    let files = || vec![file("colours.zip")];
    match numbered(&mut engine, 1, CampaignRequest::Import { files: files() }) {
        CampaignAnswer::Images(found) => assert_eq!(found, file("colours.zip")),
        other => panic!("{other:?}"),
    }
    let CampaignRequest::Start(start) = start(Protocol::Fixed { faults: 2 }) else { panic!("a start") };
    let start = CampaignStart { images: ImageSet::Set(files()), ..*start };
    update(&mut engine, 2, CampaignRequest::Start(Box::new(start)));
    assert_eq!(finish(&mut engine).golden.images, 6);
}

#[test]
fn a_hostile_campaign_is_refused_in_a_sentence_and_nothing_is_lost() {
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, start(Protocol::Fixed { faults: 2 }));
    finish(&mut engine);
    let records = saved(&mut engine, Export::Records);
    let archive = Archive::open("ours.zip", &saved(&mut engine, Export::Zip)).expect("our own zip");
    let packed =
        |config: &[u8], records: &[u8]| pack(&[("config.json", config), ("faults.jsonl", records)]).expect("a zip");
    let twice = [&archive.records[..], &archive.records].concat();
    let hostile: [(&str, Vec<u8>, &str); 6] = [
        ("noise.zip", vec![0xa5; 1000], "noise.zip"),
        ("no.zip", packed(b"[]", b""), "not the configuration of a campaign"),
        ("half.zip", packed(&archive.config, b"{\"image\":\n"), "line 1"),
        ("twice.zip", packed(&archive.config, &twice), "faults.jsonl: line"),
        ("text.json", b"{}".to_vec(), "config.json is missing"),
        ("config.json", archive.config.clone(), "faults.jsonl is missing"),
    ];
    engine.host.files.borrow_mut().extend(hostile.iter().map(|(name, bytes, _)| ((*name).to_owned(), bytes.clone())));
    for (name, _, part) in hostile {
        refused(&mut engine, CampaignRequest::Import { files: vec![file(name)] }, part);
    }
    refused(&mut engine, CampaignRequest::Import { files: vec![file("gone.zip")] }, "gone.zip");
    assert_eq!(saved(&mut engine, Export::Records), records, "what was there is there");
}

/// The bytes of an array file.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut head = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    head += &" ".repeat(63 - (10 + head.len()) % 64);
    head.push('\n');
    let length = (head.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, head.as_bytes(), data].concat()
}

#[test]
fn data_sets_are_told_by_their_files() {
    let pixels: Vec<u8> = (0..4 * 2 * 2 * 3).map(|at| if at % 3 == (at / 12) % 3 { 200 } else { 10 }).collect();
    let labels: Vec<u8> = [0u64, 1, 2, 0].iter().flat_map(|label| label.to_le_bytes()).collect();
    let mut cifar = vec![0; 2 * 3073];
    (cifar[0], cifar[3073]) = (1, 2);
    let mut engine = bench(vec![
        ("images.npy".to_owned(), npy("|u1", "(4, 2, 2, 3)", &pixels)),
        ("labels.npy".to_owned(), npy("<i8", "(4,)", &labels)),
        ("test_batch.bin".to_owned(), cifar),
        ("odd.bin".to_owned(), vec![0; 100]),
    ]);
    let begin = |names: &[&str]| {
        let images = ImageSet::Set(names.iter().map(|name| file(name)).collect());
        let protocol = Protocol::Study { correct: 2, misclassified: 3 };
        let fault_model = FaultModel::default();
        let labelling = Labelling::default();
        CampaignRequest::Start(Box::new(CampaignStart {
            images,
            labelling,
            limit: Some(2),
            protocol,
            design: DesignKind::Uniform,
            seed: 1,
            fault_model,
            format: Format::F32,
            weight_format: Format::F32,
            protections: Vec::new(),
            profile: None,
        }))
    };
    for names in [["images.npy", "labels.npy"], ["labels.npy", "images.npy"]] {
        update(&mut engine, 1, begin(&names));
        let last = finish(&mut engine);
        assert_eq!((last.golden.images, last.faults.injections), (2, 4), "both are correct");
    }
    load_network(&mut engine, "colours-10.onnx");
    update(&mut engine, 2, begin(&["test_batch.bin"]));
    assert_eq!(finish(&mut engine).golden.images, 2);
    let set = ImageSet::Set(vec![file("test_batch.bin")]);
    match numbered(&mut engine, 3, picture(1, set)) {
        CampaignAnswer::Picture { picture: Picture::Made { name, png }, .. } => {
            assert_eq!(name, "test_batch.bin[1].png");
            let image = facts::data::Image::decode(&name, &png).expect("a PNG");
            assert_eq!((image.width, image.height), (32, 32));
        }
        other => panic!("{other:?}"),
    }
    for (names, part) in [
        (&["images.npy"][..], "labels"),
        (&["odd.bin"], "odd.bin"),
        (&["colours.onnx"], "a data set is expected"),
        (&["images.npy", "images.npy"], "labels are expected"),
        (&["images.npy", "labels.npy", "odd.bin"], "data set is one file"),
    ] {
        refused(&mut engine, begin(names), part);
    }
}

/// The weights of an ONNX model may be in a file of their own; the saved campaign names it with its hash.
#[test]
fn weights_come_beside_the_model() {
    let fixture = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/cli");
        fs::read(folder.join(name)).expect("a fixture")
    };
    let [model, weights] = ["external.onnx", "external.onnx.data"];
    let mut engine = bench(vec![(model.to_owned(), fixture(model)), (weights.to_owned(), fixture(weights))]);
    let load = |beside: &[&str]| Request::Load {
        model: file(model),
        device: DeviceChoice::Cpu,
        changes: Box::new(Changes { beside: beside.iter().map(|name| file(name)).collect(), ..Changes::default() }),
    };
    match ask(&mut engine, load(&["colours.onnx"])) {
        Response::Failed { message } => assert!(
            message.contains("the file \"external.onnx.data\", which was not given with the model; give both files"),
            "{message}"
        ),
        other => panic!("{other:?}"),
    }
    assert!(matches!(ask(&mut engine, load(&["colours.onnx", weights])), Response::Loaded { .. }));
    update(&mut engine, 1, start(Protocol::Fixed { faults: 1 }));
    while step(&mut engine).is_some() {}
    let zip = saved(&mut engine, Export::Zip);
    let config = Archive::open("campaign.zip", &zip).expect("our own zip").config;
    let config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
    assert_eq!(config["model"]["external"][weights], facts::data::sha256(&fixture(weights)));
    assert_eq!(config["model"]["sha256"], facts::data::sha256(&fixture(model)));
}
