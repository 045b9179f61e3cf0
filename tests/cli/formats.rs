//! Number formats, kinds of faults, and patterns: `--format`, `--type`, `--pattern`.

use super::protect::Study;
use super::resume::assert_same;
use super::*;

#[test]
fn a_campaign_in_int8_is_the_same_in_jobs_shards_and_parts() {
    let study = Study::new();
    let formats = ["--format", "int8", "--weight-format", "int8", "--calibrate", "3"];
    study
        .is_the_same_in_jobs_and_shards(&formats)
        .stdout(contains("layers' outputs in int8, parameters in int8, scales learnt from 3 images (min-max), mixed"))
        .stdout(contains("% rounded,").and(contains("% in float32")));
    let config = study.config("whole");
    assert_eq!(config["campaign"]["format"], "int8");
    assert_eq!(config["campaign"]["calibration"]["images"], 3);
    assert!(config["scales"][0]["scale"].as_f64().expect("a scale") > 0.0);
    for record in study.records("whole") {
        assert_eq!(record["fault"]["format"], "int8");
        assert!(record["fault"]["bit"].as_u64().expect("a bit") < 8);
    }
    study.cut("whole");
    study.campaign("cut", &["--resume"]).code(INPUT).stderr(contains("campaign."));
    study.is_the_same_resumed("whole", &formats);
}

/// A record names layer, element, bit and format; with the campaign's scales `inject` gives its values again.
#[test]
fn a_record_can_be_injected_again() {
    let study = Study::new();
    let out = study.path("int8");
    study.campaign("int8", &["--format", "int8", "--calibrate", "3"]).code(DONE);
    let record = study.records("int8").swap_remove(0);
    let images = fs::read_to_string(out.join("data.tsv")).expect("the list of images");
    let name = images.lines().find(|line| line.contains(".png")).expect("an image");
    let file = name.split('\t').find(|part| part.ends_with(".png")).expect("a name");
    let image = study.images.path().join(file);
    let fault = &record["fault"];
    let [element, bit] = ["element", "bit"].map(|key| fault[key].to_string());
    let layer = fault["layer"].as_str().expect("a layer");
    let injected = json(&[
        "inject",
        MODEL,
        text(&image),
        "--layer",
        layer,
        "--element",
        &element,
        "--bit",
        &bit,
        "--formats-of",
        text(&out),
        "--json",
    ]);
    for key in ["before", "after", "format", "type"] {
        assert_eq!(injected["fault"][key], fault[key], "{key}");
    }
    assert_eq!(injected["faulty"]["class"], record["faulty"]["class"]);
}

#[test]
fn bits_are_those_of_the_format() {
    let study = Study::new();
    study.campaign("exponent", &["--format", "bf16", "--bit", "exponent"]).code(DONE);
    let bits: Vec<u64> =
        study.records("exponent").iter().map(|record| record["fault"]["bit"].as_u64().expect("a bit")).collect();
    assert!(bits.iter().all(|bit| (7..15).contains(bit)), "{bits:?}");
    study.campaign("bit", &["--format", "int8", "--bit", "20"]).code(INPUT).stderr(contains("int8 has bits 0 to 7"));
    let (_folder, image) = one_image();
    let inject = |more: &[&'static str]| {
        let place = ["inject", MODEL, text(&image), "--layer", "0", "--element", "0", "--json"];
        [&place[..], more].concat().iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()
    };
    let words = inject(&["--format", "bf16", "--bit", "15"]);
    let injected = json(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(injected["fault"]["format"], "bf16");
    let (before, after) = (&injected["fault"]["before"], &injected["fault"]["after"]);
    assert_eq!(before.as_f64().map(|value| -value), after.as_f64(), "bit 15 is the sign");
    let words = inject(&["--format", "int8", "--bit", "7"]);
    refused(
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
        INPUT,
        "--formats-of DIR takes them from a campaign",
    );
}

#[test]
fn what_goes_with_nothing_is_refused() {
    let study = Study::new();
    for (arguments, sentence) in [
        (&["--calibrate", "5"][..], "--calibrate goes with --format int8"),
        (&["--format", "bf16", "--scaling", "symmetric"], "--scaling goes with int8"),
        (&["--format", "int8", "--calibrate", "1000"], "golden runs of 1000 images"),
        (&["--format", "int8", "--calibrate", "0"], "at least one image"),
        (&["--format", "int32"], "int32 holds sums"),
        (&["--pattern", "row", "--amount", "2"], "--amount and --percent do not go with it"),
        (&["--pattern", "bullet-wake:1000"], "takes 1000 channels"),
        (
            &["--pattern", "block:3x3"],
            "; --layers chooses layers that it fits, for example --layers kind:Conv,kind:Relu",
        ),
        (&["--amount", "100000"], "choose a smaller --amount, or other --layers"),
        (&["--burst", "40"], "1 to 32 bits of a word"),
    ] {
        study.campaign("refused", arguments).code(INPUT).stderr(contains(sentence));
    }
    for (arguments, sentence) in [
        (&["--type", "zero", "--burst", "2"][..], "go with --type bitflip only"),
        (&["--type", "set"], "set:NUMBER is expected"),
        (&["--format", "fp16"], "a number format is expected"),
        (&["--pattern", "star"], "a pattern is expected"),
    ] {
        study.campaign("refused", arguments).code(USAGE).stderr(contains(sentence));
    }
}

#[test]
fn a_permanent_fault_is_the_same_for_every_image() {
    let study = Study::new();
    study.campaign("stuck", &["--type", "stuck1"]).code(DONE).stdout(contains("stuck at 1, the same for every image"));
    let records = study.records("stuck");
    let place = |record: &Value| ["layer", "element", "bit"].map(|key| record["fault"][key].to_string());
    for (record, first) in records[9..].iter().zip(records[..9].iter().cycle()) {
        assert_eq!(place(record), place(first));
    }
    assert!(records.iter().all(|record| record["fault"]["type"] == "stuck1"));
}

#[test]
fn a_pattern_strikes_several_elements_in_one_record() {
    let study = Study::new();
    study.campaign("wake", &["--pattern", "random:3"]).code(DONE).stdout(contains("pattern random:3"));
    let records = study.records("wake");
    assert!(records.iter().all(|record| record["faults"].as_array().expect("several").len() == 3));
    study.campaign("jobs", &["--pattern", "random:3", "--jobs", "3"]).code(DONE);
    assert_same(&study.path("wake"), &study.path("jobs"));
}
