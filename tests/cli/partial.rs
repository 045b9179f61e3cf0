//! Results of a part of a campaign, a shard or an interrupted one: every form says so before its numbers.

use super::*;

/// A campaign over all images of `folder`, and its output.
fn campaign(folder: &TempDir, out: &Path, more: &[&str]) -> String {
    let fixed = ["campaign", "--model", MODEL, "--data", text(folder.path()), "--out", text(out), "--faults", "4"];
    let output = faultscope(&[&fixed[..], more].concat()).code(DONE).get_output().stdout.clone();
    String::from_utf8(output).expect("UTF-8")
}

fn said(arguments: &[&str]) -> (String, String) {
    let output = faultscope(arguments).code(DONE).get_output().clone();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn a_shard_says_that_it_is_one() {
    let (images, results) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let shards = [1, 2].map(|index| results.path().join(index.to_string()));
    let sentence = "shard 1 of 2; the other shards are not counted";
    assert!(campaign(&images, &shards[0], &["--shard", "1/2"]).lines().next().expect("a line").contains(sentence));
    campaign(&images, &shards[1], &["--shard", "2/2"]);
    let (report, _) = said(&["report", text(&shards[0])]);
    assert!(report.lines().next().expect("a line").contains(sentence), "{report}");
    assert_eq!(json(&["report", "--json", text(&shards[0])])["shard"], "1/2");
    let summary = fs::read_to_string(shards[0].join("summary.json")).expect("a summary");
    assert_eq!(serde_json::from_str::<Value>(&summary).expect("JSON")["shard"], "1/2");
    let (_, notice) = said(&["report", "--format", "csv", text(&shards[0])]);
    assert!(notice.contains(sentence), "{notice}");
    let (several, _) = said(&["report", text(&shards[0]), text(&shards[1])]);
    assert!(several.starts_with("colours (1): shard 1 of 2"), "{several}");
    let whole = results.path().join("whole");
    faultscope(&["merge", text(&shards[0]), text(&shards[1]), "--out", text(&whole)]).code(DONE);
    let (report, _) = said(&["report", text(&whole)]);
    assert!(!report.contains("shard"), "{report}");
    assert!(json(&["report", "--json", text(&whole)]).get("shard").is_none());
}

#[test]
fn an_incomplete_campaign_says_so_above_its_tables() {
    let (images, results) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let out = results.path().join("out");
    campaign(&images, &out, &[]);
    let records = out.join("faults.jsonl");
    let lines = fs::read_to_string(&records).expect("records");
    let some: String = lines.split_inclusive('\n').take(10).collect();
    fs::write(&records, some).expect("a file");
    let (report, _) = said(&["report", text(&out)]);
    assert_eq!(report.lines().nth(2), Some("incomplete: 10 of 24 faults"), "{report}");
    assert_eq!(report.matches("incomplete").count(), 1, "{report}");
    let (_, notice) = said(&["report", "--format", "csv", text(&out)]);
    assert!(notice.contains("incomplete: 10 of 24 faults"), "{notice}");
}
