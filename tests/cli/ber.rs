//! `campaign --ber`: bit errors all over the network, and sweeps over their rate.

use super::protect::Study;
use super::resume::assert_same;
use super::*;

#[test]
fn a_sweep_is_the_same_in_jobs_shards_and_parts() {
    let study = Study::new();
    let sweep = ["--ber", "1e-8..1e-4", "--faults", "2"];
    study
        .is_the_same_in_jobs_and_shards(&sweep)
        .stderr(contains("bits can flip in each inference"))
        .stdout(contains("By bit error rate").and(contains("each bit flips at rate 1e-8,1e-7,1e-6,1e-5,1e-4")));
    study.cut("whole");
    study.campaign("cut", &["--resume", "--ber", "1e-8..1e-3", "--faults", "2"]).code(INPUT);
    study.is_the_same_resumed("whole", &sweep);
}

#[test]
fn the_first_of_many_errors_is_known_again_whatever_its_layer_is_called() {
    let folder = TempDir::new().expect("a temporary folder");
    for (name, model) in [
        ("rate", &["--ber", "1e-4"][..]),
        ("weights", &["--ber", "1e-4", "--target", "weight"]),
        ("array", &["--accelerator", "systolic:8x8,ws", "--type", "stuck1"]),
    ] {
        // Its layers are not in the order of their names.
        let fixed = ["campaign", "--model", "gtsrb-resnet8", "--data", "gtsrb-resnet8/samples", "--images", "4"];
        let run = |out: &Path, more: &[&str]| {
            faultscope(&[&fixed[..], model, &["--faults", "5", "--out", text(out)], more].concat()).code(DONE)
        };
        let [whole, cut] = ["whole", "cut"].map(|part| folder.path().join(format!("{name}-{part}")));
        run(&whole, &[]);
        fs::create_dir(&cut).expect("a folder");
        fs::copy(whole.join("config.json"), cut.join("config.json")).expect("a copy");
        let records = fs::read(whole.join("faults.jsonl")).expect("records");
        fs::write(cut.join("faults.jsonl"), &records[..records.len() / 2]).expect("a file");
        run(&cut, &["--resume"]);
        assert_same(&whole, &cut);
    }
}

#[test]
fn records_have_few_bytes_and_what_it_takes_to_draw_the_errors_again() {
    let study = Study::new();
    study.campaign("sweep", &["--ber", "1e-9,3e-4,1e-2", "--faults", "3", "--target", "weight"]).code(DONE);
    let lines = fs::read_to_string(study.path("sweep").join("faults.jsonl")).expect("records");
    assert!(lines.lines().all(|line| line.len() < 8000), "thousands of flips do not lengthen a record");
    let records = study.records("sweep");
    assert_eq!(records.len(), 6 * 9);
    let (mut none, mut listed, mut many) = (0, 0, 0);
    for (number, record) in records.iter().enumerate() {
        let errors = &record["errors"];
        let rates = [1e-2, 3e-4, 1e-9];
        assert_eq!(errors["rate"].as_f64(), Some(rates[number % 3]), "from the highest rate on");
        let elements = errors["elements"].as_u64().expect("a number");
        assert!(errors["flips"].as_u64().expect("a number") >= elements);
        let list = record.get("faults").map_or(0, |list| list.as_array().expect("a list").len() as u64);
        match elements {
            0 => {
                assert!(record.get("fault").is_none() && list == 0);
                assert_eq!((&record["outcome"], &record["due"]), (&"masked".into(), &false.into()));
                none += 1;
            }
            1 => assert!(record["fault"]["bit"].is_u64() || record["fault"]["bits"].is_array()),
            2..=16 => {
                assert_eq!((list, &record["fault"]), (elements, &record["faults"][0]));
                listed += 1;
            }
            _ => {
                assert!(list == 0 && record["fault"].is_object());
                many += 1;
            }
        }
    }
    assert!(none > 0 && listed > 0 && many > 0, "{none} {listed} {many}");

    // A sum that is not that of the errors, and a record that is left out.
    let cut = study.path("changed");
    fs::create_dir(&cut).expect("a folder");
    fs::copy(study.path("sweep").join("config.json"), cut.join("config.json")).expect("a copy");
    let sum = records[0]["errors"]["sites"].to_string();
    let body = lines.lines().next().expect("a record").replacen(&sum, "1", 1);
    let body = &body[..body.find(",\"check\"").expect("a checksum")];
    fs::write(cut.join("faults.jsonl"), format!("{body}}}\n")).expect("a file");
    study
        .campaign("changed", &["--ber", "1e-9,3e-4,1e-2", "--faults", "3", "--target", "weight", "--resume"])
        .code(INPUT)
        .stderr(contains("bit errors at rate 1e-2").and(contains("CRC-32 00000001")));
}

#[test]
fn a_report_has_accuracy_over_the_rate() {
    let study = Study::new();
    study.campaign("sweep", &["--ber", "1e-9,1e-2", "--faults", "4"]).code(DONE);
    let records = study.records("sweep");
    let report = json(&["report", text(&study.path("sweep")), "--json"]);
    for (index, rate) in [1e-9, 1e-2].into_iter().enumerate() {
        let own: Vec<&Value> =
            records.iter().filter(|record| record["errors"]["rate"].as_f64() == Some(rate)).collect();
        let right = own.iter().filter(|record| record["label"] == record["faulty"]["class"]).count();
        let changed = own.iter().filter(|record| record["golden"]["class"] != record["faulty"]["class"]).count();
        let flips: u64 = own.iter().map(|record| record["errors"]["flips"].as_u64().expect("a number")).sum();
        let row = &report["rates"][index];
        assert_eq!(row["rate"].as_f64(), Some(rate));
        assert_eq!(row["accuracy"]["count"].as_u64(), Some(right as u64));
        assert_eq!(row["accuracy"]["of"].as_u64(), Some(24));
        assert_eq!(row["sdc"]["count"].as_u64(), Some(changed as u64));
        assert_eq!(row["flips"].as_f64(), Some(flips as f64 / 24.0));
    }
    let html = study.path("report.html");
    faultscope(&["report", text(&study.path("sweep")), "--format", "html", "-o", text(&html)]).code(DONE);
    let html = fs::read_to_string(&html).expect("a page");
    assert!(html.contains("Accuracy over bit error rate") && html.contains("rate 1e-2"));
    let log = study.path("log.txt");
    faultscope(&["export-log", text(&study.path("sweep")), "-o", text(&log)])
        .code(INPUT)
        .stderr(contains("several bit error rates"));
}

#[test]
fn rates_that_make_no_sense_are_refused() {
    let study = Study::new();
    for (arguments, code, sentence) in [
        (&["--ber", "1e-5..1e-9"][..], USAGE, "goes up in steps of ten"),
        (&["--ber", "0"], USAGE, "a bit error rate is from 1e-12 to 0.5"),
        (&["--ber", "often"], USAGE, "a bit error rate such as 1e-7"),
        (&["--ber", "1e-5", "--pattern", "row"], INPUT, "do not go with it"),
        (&["--ber", "1e-5", "--type", "zero"], INPUT, "do not go with it"),
        (&["--ber", "1e-5", "--design", "stratified"], INPUT, "chooses single faults"),
    ] {
        study.campaign("refused", arguments).code(code).stderr(contains(sentence));
    }
}
