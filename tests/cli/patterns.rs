//! `--pattern-file`, `--accelerator`, values inside and outside the golden range, and patterns of very many elements.

use super::protect::Study;
use super::*;

/// The same campaign in one piece, in jobs, in shards and resumed.
fn is_the_same_in_parts(study: &Study, arguments: &[&str]) {
    study.is_the_same_in_jobs_and_shards(arguments);
    study.cut("whole");
    study.is_the_same_resumed("whole", arguments);
}

const MODEL_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/facts/fault/fixtures/error_model.json");

#[test]
fn an_error_model_is_drawn_from() {
    let study = Study::new();
    is_the_same_in_parts(&study, &["--pattern-file", MODEL_FILE, "--profile", "4"]);
    let config = study.config("whole");
    assert_eq!(config["campaign"]["error_models"][""]["single"]["frequency"], 0.5);
    assert_eq!(config["campaign"]["ranges_of"], 4);
    let ranges: std::collections::HashMap<&str, [f64; 2]> = config["golden_ranges"]
        .as_array()
        .expect("ranges")
        .iter()
        .map(|range| {
            let bound = |key: &str| range[key].as_f64().expect("a number");
            (range["tensor"].as_str().expect("a name"), [bound("low"), bound("high")])
        })
        .collect();
    let (mut inside, mut outside) = (0, 0);
    for record in study.records("whole") {
        // One element has a random value, by the file.
        let fault = &record["fault"];
        if record.get("faults").is_none() && fault["after"].is_number() {
            let [low, high] = ranges[fault["tensor"].as_str().expect("a name")];
            let after = fault["after"].as_f64().expect("a number");
            if (low..=high).contains(&after) { inside += 1 } else { outside += 1 }
        }
    }
    assert!(inside > outside && outside > 0, "{inside} inside, {outside} outside");
    let by_kind = format!("Conv={MODEL_FILE}");
    study.campaign("kind", &["--pattern-file", &by_kind, "--layers", "kind:Conv"]).code(DONE);
    study
        .campaign("other", &["--pattern-file", &by_kind])
        .code(INPUT)
        .stderr(contains("and the error models are for conv"));
    study
        .campaign("twice", &["--pattern-file", &by_kind, "--pattern-file", &by_kind])
        .code(INPUT)
        .stderr(contains("second error model"));
    let bad = study.path("bad.json");
    fs::write(&bad, fs::read_to_string(MODEL_FILE).expect("a model").replace("0.5,", "0.6,")).expect("a file");
    study.campaign("bad", &["--pattern-file", text(&bad)]).code(INPUT).stderr(contains("and 1 is expected"));
    for (content, sentence) in [
        ("{}", "bad.json: the file has no patterns; one or more of"),
        (
            r#"{"bullet_wake": {"frequency": 1.0, "domain_classes": [], "parameters": []}}"#,
            "pattern \"bullet_wake\": the frequencies of its sizes are missing: the list is empty",
        ),
    ] {
        fs::write(&bad, content).expect("a file");
        study.campaign("bad", &["--pattern-file", text(&bad)]).code(INPUT).stderr(contains(sentence));
    }
}

#[test]
fn values_are_inside_or_outside_the_golden_range() {
    let study = Study::new();
    is_the_same_in_parts(&study, &["--type", "in-range", "--profile", "3"]);
    for kind in ["in-range", "out-of-range"] {
        study.campaign(kind, &["--type", kind]).code(DONE);
        let config = study.config(kind);
        assert_eq!(config["campaign"]["ranges_of"], 6, "all six images");
        for record in study.records(kind) {
            let fault = &record["fault"];
            let ranges = config["golden_ranges"].as_array().expect("ranges");
            let range = ranges.iter().find(|range| range["tensor"] == fault["tensor"]).expect("a range");
            let bound = |key: &str| range[key].as_f64().expect("a number");
            let after = fault["after"].as_f64().expect("a number");
            assert_eq!((bound("low")..=bound("high")).contains(&after), kind == "in-range", "{record} {range}");
        }
    }
    study.campaign("weights", &["--type", "out-of-range", "--target", "weight"]).code(DONE);
    assert!(study.config("weights").get("golden_ranges").is_none(), "a parameter has a range of its own");
    study
        .campaign("refused", &["--type", "in-range", "--target", "input"])
        .code(INPUT)
        .stderr(contains("activation and weight"));
}

#[test]
fn a_faulty_processing_element_is_the_same_for_every_image() {
    let study = Study::new();
    let array = ["--accelerator", "systolic:2x2,ws", "--type", "stuck1", "--bit", "20-25"];
    is_the_same_in_parts(&study, &array);
    let records = study.records("whole");
    let sum = |record: &Value| record["errors"]["sites"].to_string();
    for (record, first) in records[9..].iter().zip(records[..9].iter().cycle()) {
        assert_eq!(sum(record), sum(first));
    }
    for record in &records {
        assert_eq!(record["fault"]["target"], "weight");
        assert!(record["errors"]["elements"].as_u64().expect("a number") > 16 && record.get("faults").is_none());
        assert!(record["errors"]["layers"].as_u64().expect("a number") > 1);
    }
    study
        .campaign("os", &["--accelerator", "systolic:8x4,os", "--pe", "3,2", "--type", "stuck0"])
        .code(DONE)
        .stdout(contains("output-stationary 8x4 array (row 3, column 2)"));
    for (arguments, code, sentence) in [
        (&["--accelerator", "systolic:8x4"][..], USAGE, "such as systolic:16x16,ws"),
        (&["--accelerator", "systolic:8x4,ws"], INPUT, "goes with --type stuck0 or stuck1"),
        (&["--accelerator", "systolic:8x4,ws", "--type", "stuck0", "--pe", "8,0"], INPUT, "rows 0 to 7"),
        (
            &["--accelerator", "systolic:8x4,os", "--type", "stuck0", "--target", "weight"],
            INPUT,
            "choose --target activation",
        ),
        (&["--accelerator", "systolic:8x4,os", "--type", "stuck0", "--pattern", "row"], INPUT, "do not go with them"),
        (&["--pe", "1,1"], USAGE, "--accelerator"),
    ] {
        study.campaign("refused", arguments).code(code).stderr(contains(sentence));
    }
}

#[test]
fn a_pattern_of_very_many_elements_is_recorded_in_ranges() {
    let study = Study::new();
    let channel = ["--pattern", "full-channels:2", "--layers", "0,relu1"];
    is_the_same_in_parts(&study, &channel);
    let mut many = 0;
    for record in study.records("whole") {
        let Some(ranges) = record.get("elements").and_then(Value::as_array) else { continue };
        many += 1;
        let of = |range: &Value| range[1].as_u64().expect("an index") - range[0].as_u64().expect("an index") + 1;
        let elements: u64 = ranges.iter().map(of).sum();
        assert_eq!(Some(elements), record["errors"]["elements"].as_u64());
        assert!(elements == 128 && ranges.len() <= 2, "a channel of an ONNX model is one range");
        assert_eq!(record["fault"]["element"], ranges[0][0]);
    }
    assert_eq!(many, 54);
    let report = json(&["report", text(&study.path("whole")), "--json"]);
    assert!(report["bits"].as_array().expect("bits").len() > 20, "the bits of all elements count");
    let layers: u64 = report["layers"]
        .as_array()
        .expect("layers")
        .iter()
        .map(|row| row["injections"].as_u64().expect("a number"))
        .sum();
    assert_eq!(layers, 54, "each fault is of its layer");
    // A pattern that fits some layers only is refused before the first fault.
    study.campaign("small", &["--pattern", "block:9x9"]).code(INPUT).stderr(contains("columns and"));
}
