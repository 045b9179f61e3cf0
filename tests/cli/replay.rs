//! `campaign --replay`: any fault of a campaign is made again from the arguments of the campaign.

use super::protect::Study;
use super::*;

#[test]
fn faults_of_every_kind_are_made_again() {
    let study = Study::new();
    for (name, arguments) in [
        ("flips", &["--faults", "3"][..]),
        ("weights", &["--faults", "2", "--target", "weight", "--mode", "multiple"]),
        ("bytes", &["--faults", "2", "--target", "input"]),
        ("rates", &["--faults", "2", "--ber", "1e-4,1e-2"]),
        ("array", &["--faults", "2", "--accelerator", "systolic:4x4,ws", "--type", "stuck1"]),
        ("pattern", &["--faults", "2", "--pattern", "full-channels"]),
        ("int8", &["--faults", "2", "--format", "int8", "--weight-format", "int8", "--calibrate", "4"]),
        ("strata", &["--faults", "4", "--design", "stratified"]),
        ("goal", &["--until", "20pp", "--design", "stratified"]),
        ("compared", &["--faults", "2", "--protect", "ranger", "--protect", "secded"]),
    ] {
        study.campaign(name, arguments).code(DONE);
        let mut numbers = std::collections::BTreeMap::new();
        for record in study.records(name).iter().take(9) {
            let image = record["image"].as_u64().expect("a number");
            let fault = numbers.entry(image).and_modify(|number| *number += 1).or_insert(0);
            let at = format!("{image}:{fault}");
            let replay = [arguments, &["--replay", &at, "--trace"]].concat();
            let class = format!("faulty   class {}", record["faulty"]["class"]);
            study.campaign(name, &replay).code(DONE).stdout(contains("record   the same").and(contains(class)));
        }
    }
}

#[test]
fn every_struck_element_is_printed_and_a_stuck_bit_is_not_flipped() {
    let study = Study::new();
    for (name, arguments, word) in [
        ("channels", &["--faults", "1", "--pattern", "full-channels:2", "--layers", "conv1"][..], "flipped"),
        (
            "zeros",
            &["--faults", "1", "--pattern", "full-channels:2", "--layers", "conv1", "--type", "zero"],
            "replaced",
        ),
        ("rate", &["--faults", "1", "--ber", "3e-2"], "flipped"),
        (
            "array",
            &["--faults", "1", "--accelerator", "systolic:2x2,ws", "--type", "stuck0", "--bit", "30"],
            "stuck at 0",
        ),
    ] {
        study.campaign(name, arguments).code(DONE);
        let record = study.records(name).swap_remove(0);
        let at = format!("{}:0", record["image"]);
        let run = study.campaign(name, &[arguments, &["--replay", &at]].concat()).code(DONE);
        let text = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
        let rows = text.lines().skip_while(|line| !line.starts_with("layer")).skip(1);
        // "2060" or "2060-2063", as --element takes it; a name of a layer has no space in this network.
        let listed = rows.map(|row| {
            let element = row.split_whitespace().nth(2).expect("an element");
            let (first, last) = element.split_once('-').unwrap_or((element, element));
            let [first, last] = [first, last].map(|end| end.parse::<u64>().expect("an index"));
            last + 1 - first
        });
        let elements = record["errors"]["elements"].as_u64().expect("a number");
        assert_eq!(listed.sum::<u64>(), elements, "{text}");
        let fault = text.lines().find(|line| line.starts_with("fault")).expect("a line");
        assert!(elements > 16 && fault.contains(word), "{fault}");
        // In float32 bit 30 of a number below 2 is 0 already.
        assert_eq!(fault.ends_with("no value changes"), name == "array", "{fault}");
    }
}

#[test]
fn what_is_not_there_or_differs_is_said() {
    let study = Study::new();
    let arguments = ["--faults", "2", "--ber", "1e-3"];
    let replay = |at: &str, more: &[&str]| study.campaign("run", &[&arguments, more, &["--replay", at]].concat());
    replay("0:0", &[]).code(INPUT).stderr(contains("there is no campaign whose faults --replay could make again"));
    study.campaign("run", &arguments).code(DONE);
    replay("0", &[]).code(USAGE).stderr(contains("expected IMAGE:FAULT"));
    replay("0:2", &[]).code(INPUT).stderr(contains("image 0 has records of 2 faults, 0 to 1; there is no fault 2"));
    replay("99:0", &[]).code(INPUT).stderr(contains("there is no record of a fault in image 99"));
    replay("0:0", &["--seed", "7"]).code(INPUT).stderr(contains("campaign.seed is 0 there and 7 here"));
    study.campaign("run", &["--trace", "--faults", "2", "--ber", "1e-3"]).code(USAGE);

    let records = study.path("run").join("faults.jsonl");
    let lines = fs::read_to_string(&records).expect("records");
    // A version that wrote no checksums wrote another class.
    let changed: Vec<String> = lines
        .lines()
        .map(|line| super::resume::without_check(line).replacen("\"faulty\":{\"class\":", "\"faulty\":{\"class\":1", 1))
        .collect();
    fs::write(&records, changed.join("\n") + "\n").expect("a file");
    replay("0:0", &[]).code(INPUT).stderr(contains("differs from its record in the class after the fault"));
    assert!(study.path("run").join("summary.json").exists(), "a replay changes no file");
}
