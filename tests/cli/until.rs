//! `campaign --until`: rounds, resumed and on several threads, and an interval that says that it was looked at.

use super::*;

const MODEL: &str = "gtsrb-resnet8";

fn arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["campaign", "--model", MODEL, "--data", "gtsrb-resnet8/samples", "--out", out, "--seed", "3"];
    [&fixed[..], more].concat()
}

fn records(path: &Path) -> String {
    fs::read_to_string(path.join("faults.jsonl")).expect("records")
}

fn summary(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path.join("summary.json")).expect("a summary")).expect("JSON")
}

/// Cuts the records after `bytes`, in the midst of a line, and resumes.
fn resume_after(out: &Path, lines: &str, share: f64, more: &[&str]) {
    let count = (lines.lines().count() as f64 * share) as usize;
    let keep = lines.lines().take(count).map(|line| line.len() + 1).sum::<usize>();
    fs::write(out.join("faults.jsonl"), &lines[..keep + 20]).expect("a file");
    faultscope(&arguments(text(out), &[more, &["--resume"]].concat())).code(DONE);
    assert_eq!(records(out), lines, "resumed after {share}");
}

#[test]
fn a_campaign_ends_when_the_rate_is_known() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let designs: [(&str, &[&str]); 2] = [
        ("uniform", &["--faults", "2", "--until", "3pp", "--confidence", "90"]),
        ("stratified", &["--faults", "2", "--until", "2pp", "--design", "stratified", "--candidates", "32"]),
    ];
    for (name, more) in designs {
        let (out, other) = (path(name), path(&format!("{name} by one")));
        faultscope(&arguments(text(&out), &[more, &["--jobs", "2"]].concat())).code(DONE);
        let (lines, found) = (records(&out), summary(&out));
        assert_eq!(found["complete"], true);
        let aim = &found["aim"];
        assert_eq!(aim["reached"], true, "{aim}");
        let [low, estimate, high] = ["low", "estimate", "high"].map(|key| aim[key].as_f64().expect("a number"));
        let margin = if name == "uniform" { 0.03 } else { 0.02 };
        assert!(low <= estimate && estimate <= high && (high - low) / 2.0 <= margin, "{aim}");
        assert_eq!(found["faults"]["sdc"]["low"].as_f64(), Some(low), "the interval of the rate is the one that holds");
        let images = found["golden"]["images"].as_u64().expect("a number");
        assert!(lines.lines().count() as u64 > 2 * images, "{name}: one round is not enough");

        faultscope(&arguments(text(&other), &[more, &["--jobs", "1"]].concat())).code(DONE);
        assert_eq!(records(&other), lines, "{name}: threads do not matter");
        assert_eq!(summary(&other), found);
        for share in [0.02, 0.5, 0.97, 1.0] {
            if share < 1.0 {
                resume_after(&other, &lines, share, more);
            } else {
                faultscope(&arguments(text(&other), &[more, &["--resume"]].concat())).code(DONE);
                assert_eq!(records(&other), lines, "a campaign at its end stays as it is");
            }
            assert_eq!(summary(&other), found);
        }
        let report = faultscope(&["report", text(&out)]).code(DONE).get_output().stdout.clone();
        let report = String::from_utf8(report).expect("UTF-8");
        assert!(report.contains("anytime-valid") && report.contains("reached: the SDC rate is"), "{report}");
        let joined = report.split_whitespace().collect::<Vec<_>>().join(" ");
        // Of the tables of the starting sets.
        assert!(joined.contains(", which is for a fixed number of faults"), "{joined}");
        let weighted = "the number above takes each fault by itself";
        assert_eq!(joined.contains(weighted), name == "stratified", "{joined}");
        let json = faultscope(&["report", text(&out), "--json"]).code(DONE).get_output().stdout.clone();
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json["aim"], *aim, "{json}");
        assert_eq!(json["complete"], true);

        // Without its last record the campaign is not complete, and says so.
        let cut = &lines[..lines.trim_end().rfind('\n').expect("lines") + 1];
        fs::write(other.join("faults.jsonl"), cut).expect("a file");
        let json = faultscope(&["report", text(&other), "--json"]).code(DONE).get_output().stdout.clone();
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json["complete"], false);
        refused(&["export-log", text(&out), "-o", text(&path("log"))], INPUT, "");
    }
}

#[test]
fn a_campaign_with_a_goal_ends_at_its_largest_number_of_faults() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    let more = ["--faults", "3", "--until", "1%", "--max-faults", "100"];
    let run = faultscope(&arguments(text(&out), &more)).code(DONE);
    let notice = String::from_utf8(run.get_output().stderr.clone()).expect("UTF-8");
    assert!(notice.contains("ended at --max-faults 100 before its aim of 1%"), "{notice}");
    let found = summary(&out);
    assert_eq!((&found["complete"], &found["aim"]["reached"]), (&Value::Bool(true), &Value::Bool(false)));
    let count = records(&out).lines().count();
    assert!(count <= 100 && count > 70, "{count}");
    let json = faultscope(&["report", text(&out), "--json"]).code(DONE).get_output().stdout.clone();
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["complete"], true, "it has made all that it may");
}

#[test]
fn what_a_goal_does_not_go_with_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    let refusal = |more: &[&str], code, words| refused(&arguments(text(&out), more), code, words);
    refusal(&["--until", "0.1"], USAGE, "0.1pp for 0.1 percentage points");
    refusal(&["--of", "scm"], USAGE, "go with --until only");
    refusal(&["--max-faults", "9"], USAGE, "go with --until only");
    refusal(&["--until", "1pp", "--shard", "1/2"], USAGE, "--until decides by the records of all images");
    refusal(&["--until", "1pp", "--max-faults", "9"], INPUT, "--max-faults is 9");
    refusal(&["--until", "1pp", "--protocol", "study"], INPUT, "leave --protocol or --until away");
    refusal(&["--until", "1pp", "--type", "stuck1", "--bit", "30"], INPUT, "permanent faults are the same");
    refusal(&["--until", "1pp", "--of", "ratio"], INPUT, "a ratio has no percentage points");
}
