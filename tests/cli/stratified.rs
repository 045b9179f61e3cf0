//! `campaign --design stratified`: resumed, merged, reported and refused as others are.

use super::*;

/// The network of the project with its sample images.
const MODEL: &str = "gtsrb-resnet8";

fn arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["campaign", "--model", MODEL, "--data", "gtsrb-resnet8/samples", "--out", out, "--seed", "3"];
    let design = ["--faults", "6", "--design", "stratified", "--candidates", "300"];
    [&fixed[..], &design, more].concat()
}

#[test]
fn a_stratified_campaign_is_resumed_merged_and_reported() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let (whole, cut, merged) = (path("whole"), path("cut"), path("merged"));
    faultscope(&arguments(text(&whole), &["--jobs", "2"])).code(DONE);
    let records = |path: &Path| fs::read_to_string(path.join("faults.jsonl")).expect("records");
    let lines = records(&whole);
    let first: Value = serde_json::from_str(lines.lines().next().expect("a record")).expect("JSON");
    let counts = first["drawn"]["candidates"].as_array().expect("the strata of the candidates");
    assert_eq!(counts.iter().map(|pair| pair[1].as_u64().expect("a number")).sum::<u64>(), 300);
    assert!(first["drawn"]["weight"].as_f64().expect("a weight") >= 1.0);

    faultscope(&arguments(text(&cut), &["--jobs", "1"])).code(DONE);
    assert_eq!(records(&cut), lines, "threads do not matter");
    let keep = lines.lines().take(lines.lines().count() / 2).map(str::len).sum::<usize>() + lines.lines().count() / 2;
    fs::write(cut.join("faults.jsonl"), &lines[..keep + 30]).expect("a file");
    faultscope(&arguments(text(&cut), &["--resume"])).code(DONE);
    assert_eq!(records(&cut), lines, "a resumed campaign is the same");

    let shards: Vec<PathBuf> = (1..=2).map(|part| path(&format!("shard{part}"))).collect();
    for (shard, part) in shards.iter().zip(["1/2", "2/2"]) {
        faultscope(&arguments(text(shard), &["--shard", part])).code(DONE);
    }
    faultscope(&["merge", text(&shards[0]), text(&shards[1]), "--out", text(&merged)]).code(DONE);
    assert_eq!(records(&merged), lines, "shards are parts of the whole");

    let summary: Value =
        serde_json::from_slice(&fs::read(whole.join("summary.json")).expect("a summary")).expect("JSON");
    let sdc = &summary["faults"]["sdc"];
    let [low, rate, high] = ["low", "rate", "high"].map(|key| sdc[key].as_f64().expect("a number"));
    assert!(low < rate && rate < high && sdc["effective"].as_f64().expect("a number") > 0.0);
    assert!(summary["design"]["proved"].as_f64().expect("a share") > 0.01);
    let report = faultscope(&["report", text(&whole)]).code(DONE).get_output().stdout.clone();
    let report = String::from_utf8(report).expect("UTF-8");
    assert!(report.contains("design stratified") && report.contains("proved masked"), "{report}");
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let alone = joined(&report);
    let words = "shares are estimated with the faults' weights (Horvitz and Thompson); low, high: 95 % interval by the variance of";
    assert!(alone.contains(words) && !alone.contains("Wilson interval"), "{alone}");
    assert!(alone.contains("of the SDC rate the number is the one above"), "{alone}");
    // One number of uniform faults, and not two.
    let number = |before: &str, after: &str| {
        let rest = alone.split(before).nth(1).unwrap_or_else(|| panic!("{before}: {alone}"));
        rest.split(after).next().expect("a part").rsplit(['(', ' ']).next().expect("a word").to_owned()
    };
    assert_eq!(
        number("the SDC rate is as sure as with ", " faults drawn"),
        number("images together: SDC ", " effective of")
    );
    // Beside a uniform campaign its rows have a mark.
    let uniform = path("uniform");
    let fixed = ["campaign", "--model", MODEL, "--data", "gtsrb-resnet8/samples", "--out", text(&uniform)];
    faultscope(&[&fixed[..], &["--faults", "5"]].concat()).code(DONE);
    let both = faultscope(&["report", text(&whole), text(&uniform)]).code(DONE).get_output().stdout.clone();
    let both = String::from_utf8(both).expect("UTF-8");
    let of_sets: Vec<&str> = both.split("Faults in images").skip(1).collect();
    let rows = |name: &str| {
        let named = |line: &&str| line.contains(&format!("({name})"));
        of_sets.iter().filter_map(|table| table.lines().find(named)).collect::<Vec<_>>()
    };
    assert!(
        rows("whole").iter().all(|row| row.trim_end().ends_with("weighted")) && !rows("whole").is_empty(),
        "{both}"
    );
    assert!(rows("uniform").iter().all(|row| !row.contains("weighted")) && !rows("uniform").is_empty(), "{both}");
    let both = joined(&both);
    assert!(both.contains("95 % Wilson interval, except in rows with a mark"), "{both}");
    assert!(both.contains("weighted: shares are estimated with the faults' weights"), "{both}");

    let log = path("study.log");
    refused(&["export-log", text(&whole), "-o", text(&log)], INPUT, "faults with weights");
    refused(&["report", text(&whole), "--study-sample", "9"], INPUT, "faults of equal weight");
    fs::write(whole.join("faults.jsonl"), lines.replacen("\"drawn\"", "\"other\"", 1)).expect("a file");
    refused(&["report", text(&whole)], INPUT, "");
}

#[test]
fn what_does_not_go_with_a_stratified_design_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    let fixed = ["campaign", "--model", MODEL, "--data", "gtsrb-resnet8/samples", "--out", text(&out)];
    let refusal = |more: &[&str], code, words| refused(&[&fixed[..], more].concat(), code, words);
    refusal(&["--candidates", "300"], USAGE, "--candidates goes with --design stratified only");
    refusal(&["--design", "stratified", "--protocol", "study"], INPUT, "the same number of faults");
    refusal(&["--design", "stratified", "--candidates", "2"], INPUT, "2 were asked for");
}
