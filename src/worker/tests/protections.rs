//! Campaigns that compare protections on the same faults.

use std::fs;

use facts::campaign::{Goal, Provenance};
use facts::labels::{Group, Grouping};
use facts::report::Archive;
use protocol::{CampaignStart, CampaignUpdate, ImageSet, Labelling, Learnt, ProtectionCounts, Protocol, Stage};
use tempfile::TempDir;

use super::campaign::{bench, colours, finish, refused, saved, start_over, text, update};
use super::*;
use faultscope::cli::{self, Exit};

const METHODS: [&str; 4] = ["range", "secded", "nan-check", "logit-range"];

/// A campaign with `methods`.
fn begin(methods: &[&str], profile: Option<usize>, protocol: Protocol) -> CampaignRequest {
    let images = ImageSet::Files(colours().iter().map(|(name, _)| file(name)).collect());
    let CampaignRequest::Start(start) = start_over(images, Labelling::default(), protocol) else { panic!("a start") };
    let protections = methods.iter().map(|name| name.parse().expect("a protection")).collect();
    CampaignRequest::Start(Box::new(CampaignStart { protections, profile, ..*start }))
}

fn counts(update: &CampaignUpdate) -> Vec<ProtectionCounts> {
    update.profile.as_ref().expect("the end tells everything").protections.clone()
}

fn provenance(zip: &[u8]) -> Provenance {
    serde_json::from_slice(&Archive::open("campaign.zip", zip).expect("our own zip").config).expect("a configuration")
}

#[test]
fn the_page_compares_protections_as_the_command_line_does() {
    let folder = TempDir::new().expect("a folder");
    let [data, theirs, ours] = ["data", "theirs", "ours"].map(|name| folder.path().join(name));
    for path in [&data, &ours] {
        fs::create_dir(path).expect("the test can write");
    }
    for (name, bytes) in colours() {
        fs::write(data.join(name), bytes).expect("the test can write");
    }
    let mut engine = bench(Vec::new());
    let model_file = folder.path().join("colours.onnx");
    fs::write(&model_file, &engine.host.files.borrow()["colours.onnx"]).expect("the test can write");
    let campaign = |out: &std::path::Path, more: &[&str]| {
        let mut words = vec!["campaign", "--model", text(&model_file), "--data", text(&data), "--out", text(out)];
        words.extend(["--seed", "7", "--faults", "60", "--jobs", "1", "--device", "cpu", "--profile", "4"]);
        METHODS.iter().for_each(|name| words.extend(["--protect", name]));
        words.extend(more);
        cli::run(&words)
    };
    assert_eq!(campaign(&theirs, &[]), Exit::Done);

    update(&mut engine, 1, begin(&METHODS, Some(4), Protocol::Fixed { faults: 60 }));
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.faults.injections), (Stage::Complete, 360));
    let straight = fs::read(theirs.join("faults.jsonl")).expect("records");
    assert_eq!(saved(&mut engine, Export::Records), straight);
    let zip = saved(&mut engine, Export::Zip);
    let config: Provenance =
        serde_json::from_slice(&fs::read(theirs.join("config.json")).expect("a configuration")).expect("JSON");
    assert_eq!(provenance(&zip).campaign.compared, config.campaign.compared);
    let notices = &last.profile.as_ref().expect("a breakdown").notices;
    assert!(notices.iter().any(|notice| notice.starts_with("4 of the 4 images")), "{notices:?}");

    let told = counts(&last);
    assert_eq!(told.iter().map(|one| one.method.to_string()).collect::<Vec<_>>(), METHODS);
    for one in &told {
        assert_eq!(one.without, last.faults.sdc, "{one:?}");
        assert_eq!(one.coverage.of, last.faults.sdc.count);
        assert_eq!(one.coverage.count, one.effects.mended + one.effects.detected);
        assert_eq!(one.with.count, one.effects.missed + one.effects.worse);
    }
    let corrects = &told[1];
    assert_eq!(
        (corrects.effects.mended, corrects.with.count),
        (last.faults.sdc.count, 0),
        "one flipped bit is corrected"
    );

    // The command line goes on where the page has stopped.
    let Archive { config, records } = Archive::open("campaign.zip", &zip).expect("our own zip");
    fs::write(ours.join("config.json"), config).expect("the test can write");
    fs::write(ours.join("faults.jsonl"), &records[..records.len() / 2]).expect("the test can write");
    assert_eq!(campaign(&ours, &["--resume"]), Exit::Done);
    assert_eq!(fs::read(ours.join("faults.jsonl")).expect("records"), straight);

    // And the page shows what the command line has made.
    let packed = |path: &std::path::Path, name: &str| (name.to_owned(), fs::read(path.join(name)).expect("a file"));
    let mut other = bench(vec![packed(&theirs, "config.json"), packed(&theirs, "faults.jsonl")]);
    let files = vec![file("config.json"), file("faults.jsonl")];
    let imported = update(&mut other, 5, CampaignRequest::Import { files });
    assert_eq!((imported.stage, counts(&imported)), (Stage::Complete, told));
    assert_eq!(saved(&mut other, Export::Records), straight);
}

/// The golden runs that protections learn from are made one at a time: the page is told of them, and a request comes in between.
#[test]
fn learning_is_told_held_and_stopped() {
    let mut engine = bench(Vec::new());
    let protocol = Protocol::Fixed { faults: 60 };
    let first = update(&mut engine, 1, begin(&METHODS, Some(6), protocol));
    assert_eq!(
        (first.stage, first.learning, first.planned),
        (Stage::Running, Some((Learnt::Protections, [0, 6])), 360)
    );
    assert_eq!(first.naming.map(|naming| naming.classes), Some(3));
    let step = |engine: &mut Service<Bench>| pollster::block_on(engine.step());
    step(&mut engine);
    step(&mut engine);
    let held = update(&mut engine, 2, CampaignRequest::Pause);
    assert_eq!(
        (held.stage, held.learning, held.faults.injections),
        (Stage::Paused, Some((Learnt::Protections, [2, 6])), 0)
    );
    assert!(engine.campaign().is_none() && step(&mut engine).is_none(), "it rests");
    refused(&mut engine, CampaignRequest::Export(Export::Zip), "still learns");
    // Groups that are edited meanwhile are those of the campaign.
    let group =
        |name: &str, classes: &str| Group { name: name.into(), critical: name == "red", classes: classes.into() };
    let edited = Grouping::from_groups("mine", 3, vec![group("red", "0"), group("other", "1-2")]).expect("complete");
    update(&mut engine, 3, CampaignRequest::Judge { edited: Some(edited) });
    assert_eq!(update(&mut engine, 4, CampaignRequest::Resume).learning, Some((Learnt::Protections, [2, 6])));
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.learning, last.faults.injections), (Stage::Complete, None, 360));
    assert_eq!(last.profile.as_ref().and_then(|profile| profile.grouping.as_deref()), Some("mine"));
    update(&mut engine, 5, CampaignRequest::Judge { edited: None });
    let records = saved(&mut engine, Export::Records);
    update(&mut engine, 6, begin(&METHODS, Some(6), protocol));
    finish(&mut engine);
    assert_eq!(saved(&mut engine, Export::Records), records, "held or not, it is the same campaign");

    update(&mut engine, 7, begin(&METHODS, Some(6), protocol));
    step(&mut engine);
    let stopped = update(&mut engine, 8, CampaignRequest::Stop);
    assert_eq!((stopped.stage, stopped.learning, stopped.faults.injections), (Stage::Stopped, None, 0));
    assert_eq!(update(&mut engine, 9, CampaignRequest::Resume).stage, Stage::Stopped, "what is over stays over");
    // Without bounds there is nothing to learn, and the first answer has the campaign.
    assert_eq!(update(&mut engine, 10, begin(&["secded"], None, protocol)).learning, None);
}

#[test]
fn another_grouping_leaves_what_protections_do_to_sdcs() {
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, begin(&METHODS, None, Protocol::Fixed { faults: 60 }));
    let before = counts(&finish(&mut engine));
    let csv = String::from_utf8(saved(&mut engine, Export::Csv)).expect("text");
    assert!(csv.contains(",protection,") && !csv.contains("protection_scm"), "{csv}");
    let group =
        |name: &str, classes: &str| Group { name: name.into(), critical: name == "red", classes: classes.into() };
    let edited = Grouping::from_groups("colours", 3, vec![group("red", "0"), group("other", "1-2")]).expect("complete");
    let judged = update(&mut engine, 2, CampaignRequest::Judge { edited: Some(edited) });
    assert!(judged.faults.scm.is_some());
    let after = counts(&judged);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.effects, before.without, before.with), (after.effects, after.without, after.with));
    }
    let report: serde_json::Value = serde_json::from_slice(&saved(&mut engine, Export::Json)).expect("JSON");
    assert!(report["protections"][0]["scm"]["without"]["of"].is_u64(), "{report}");
}

/// In rounds an image comes again and again.
#[test]
fn a_campaign_in_rounds_names_the_lines_of_its_file() {
    let margin = "1.8pp".parse().expect("a margin");
    let goal = Goal { margin, of: Default::default(), confidence: Default::default(), max_faults: 20_000 };
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, begin(&METHODS, None, Protocol::Until(goal)));
    finish(&mut engine);
    let told: serde_json::Value = serde_json::from_slice(&saved(&mut engine, Export::Json)).expect("JSON");
    let saves = |protections: &serde_json::Value| {
        let all = protections.as_array().expect("a list").iter();
        all.flat_map(|one| one["saves"].as_array().cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    let zip = saved(&mut engine, Export::Zip);
    let mut files = zip::ZipArchive::new(std::io::Cursor::new(&zip)).expect("our own zip");
    let summary: serde_json::Value =
        serde_json::from_reader(files.by_name("summary.json").expect("a summary")).expect("JSON");
    let records: Vec<serde_json::Value> = String::from_utf8(saved(&mut engine, Export::Records))
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let listed: Vec<_> = saves(&summary["protections"]);
    assert_eq!(saves(&told["protections"]), listed);
    let listed: Vec<_> = listed.iter().flat_map(|pair| pair["listed"].as_array().expect("a list")).collect();
    assert!(!listed.is_empty());
    for fault in listed {
        let record = &records[fault["record"].as_u64().expect("a number") as usize - 1];
        assert_eq!((&record["image"], &record["faulty"]["class"]), (&fault["image"], &fault["faulty"]), "{record}");
        assert_eq!(record["fault"]["element"], fault["element"]);
    }
}

#[test]
fn several_workers_compare_protections_as_one_does() {
    let records = |mates: usize| {
        let files = bench(Vec::new()).host.files.clone();
        let mut engine = Service::new(Bench { files, mates, ..Bench::default() });
        let load = Request::Load { model: file("colours.onnx"), device: DeviceChoice::Cpu, changes: Box::default() };
        assert!(matches!(ask(&mut engine, load), Response::Loaded { .. }));
        update(&mut engine, 5, begin(&METHODS, Some(3), Protocol::Fixed { faults: 600 }));
        let told = counts(&finish(&mut engine));
        (saved(&mut engine, Export::Records), told, engine.host.parts.get())
    };
    let (alone, told, none) = records(0);
    assert_eq!(none, 0);
    let (together, the_same, parts) = records(2);
    assert!(together == alone && parts > 4, "{parts} parts");
    assert_eq!(the_same, told);
}

#[test]
fn a_protection_that_does_not_fit_is_refused_with_the_reason() {
    let mut engine = bench(Vec::new());
    let protocol = Protocol::Fixed { faults: 1 };
    refused(&mut engine, begin(&["range", "weight-clip"], None, protocol), "weight-clip is for faults in weights");
    refused(&mut engine, begin(&["range"], Some(7), protocol), "learnt from 7 images; expected 1 to 6");
    refused(&mut engine, begin(&["range"], Some(0), protocol), "learnt from 0 images");
    refused(&mut engine, begin(&["secded", "secded"], None, protocol), "given twice");
}
