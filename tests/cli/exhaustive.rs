//! `campaign --design exhaustive`: every bit of every element, and the truth that estimates are held against.

use std::collections::BTreeSet;

use super::*;

const MODEL: &str = "gtsrb-resnet8";

fn arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["campaign", "--model", MODEL, "--data", "gtsrb-resnet8/samples", "--out", out, "--images", "6"];
    [&fixed[..], &["--layers", "pool"], more].concat()
}

fn summary(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path.join("summary.json")).expect("a summary")).expect("JSON")
}

#[test]
fn every_fault_is_tried_once_and_estimates_agree_with_the_truth() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let out = path("all");
    let run = faultscope(&arguments(text(&out), &["--design", "exhaustive"])).code(DONE);
    let notice = String::from_utf8(run.get_output().stderr.clone()).expect("UTF-8");
    assert!(notice.contains("18,432 faults (96 elements in 1 layer, each in 6 images)"), "{notice}");
    let lines = fs::read_to_string(out.join("faults.jsonl")).expect("records");
    let (mut faults, mut sdc) = (BTreeSet::new(), 0u32);
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let number = |value: &Value| value.as_u64().expect("a number");
        faults.insert([number(&record["image"]), number(&record["fault"]["element"]), number(&record["fault"]["bit"])]);
        sdc += u32::from(record["outcome"] == "sdc");
    }
    assert_eq!((faults.len(), lines.lines().count()), (6 * 96 * 32, 6 * 96 * 32));
    let truth = f64::from(sdc) / faults.len() as f64;
    let found = summary(&out);
    let rate = |summary: &Value, key: &str| summary["faults"]["sdc"][key].as_f64().expect("a number");
    assert_eq!(["low", "rate", "high"].map(|key| rate(&found, key)), [truth; 3], "no interval");
    let report = faultscope(&["report", text(&out)]).code(DONE).get_output().stdout.clone();
    let report = String::from_utf8(report).expect("UTF-8");
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(report.contains("exact and have no interval") && report.contains("exhaustive: every bit"), "{report}");
    let sets = report.split("Faults by the golden run").nth(1).expect("the starting sets");
    assert!(sets.contains("every fault was tried: the shares are exact and have no interval"), "{report}");

    // Of one bit no more is said than was done.
    let one = path("one");
    let words = arguments(text(&one), &["--design", "exhaustive", "--bit", "30"]);
    let run = faultscope(&words).code(DONE).get_output().stdout.clone();
    let run = String::from_utf8(run).expect("UTF-8").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(run.contains("exhaustive: bit 30 of every element, in"), "{run}");
    assert!(run.contains("bit 30 of every element was tried in each") && !run.contains("every bit"), "{run}");

    // Cut in the midst of an image and resumed.
    let keep = lines.lines().take(7_000).map(|line| line.len() + 1).sum::<usize>();
    fs::write(out.join("faults.jsonl"), &lines[..keep + 9]).expect("a file");
    faultscope(&arguments(text(&out), &["--design", "exhaustive", "--resume"])).code(DONE);
    assert_eq!(fs::read_to_string(out.join("faults.jsonl")).expect("records"), lines);

    // Estimates of the same layer and images.
    for (name, more) in [
        ("uniform", &["--faults", "200"][..]),
        ("stratified", &["--faults", "60", "--design", "stratified"]),
        ("uniform until", &["--until", "1.5pp"]),
        ("stratified until", &["--until", "1.5pp", "--design", "stratified"]),
    ] {
        let mut held = 0;
        for seed in ["1", "2", "3"] {
            let out = path(&format!("{name} {seed}"));
            faultscope(&arguments(text(&out), &[more, &["--seed", seed]].concat())).code(DONE);
            let found = summary(&out);
            held += u32::from(rate(&found, "low") <= truth && truth <= rate(&found, "high"));
            // Far apart would be wrong, and not bad luck.
            assert!((rate(&found, "rate") - truth).abs() < 0.03, "{name}: {}, truth {truth}", found["faults"]["sdc"]);
        }
        assert!(held >= 2, "{name}: {held} of 3 intervals hold {truth}");
    }
}

#[test]
fn too_many_faults_are_refused_with_their_number() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    let refusal = |more: &[&str], code, words| refused(&arguments(text(&out), more), code, words);
    let design = ["--design", "exhaustive"];
    let with = |more: &[&'static str]| [&design[..], more].concat();
    refusal(&with(&["--max-faults", "1000"]), INPUT, "18,432 faults (96 elements in 1 layer, each in 6 images)");
    refusal(&with(&["--type", "zero"]), INPUT, "tries each bit of each element by itself");
    refusal(&with(&["--until", "1pp"]), INPUT, "leave --until and --protocol away");
    refusal(&with(&["--faults", "3"]), USAGE, "tries every fault once in each image; leave --faults away");
    let file = folder.path().join("campaign.yaml");
    fs::write(&file, "faults: 3\n").expect("a file");
    refusal(&["--design", "exhaustive", "--config", text(&file)], USAGE, "leave --faults away");
    refusal(&with(&["--candidates", "9"]), USAGE, "--candidates goes with --design stratified only");
}
