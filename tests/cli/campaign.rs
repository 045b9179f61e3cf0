//! `campaign` and `report`: files, repeatability, data of all kinds, interruption.

use super::*;

/// Runs a campaign over `data` into a new folder.
fn campaign(data: &Path, out: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut all = vec!["campaign", "--model", MODEL, "--data", text(data), "--out", text(out)];
    all.extend(arguments);
    faultscope(&all)
}

fn refused(data: &Path, arguments: &[&str], sentence: &str) {
    let out = TempDir::new().expect("a temporary folder");
    let out = out.path().join("campaign");
    let mut all = vec!["campaign", "--model", MODEL, "--data", text(data), "--out", text(&out)];
    all.extend(arguments);
    super::refused(&all, INPUT, sentence);
    assert!(!out.exists(), "nothing is written where nothing is done");
}

fn records(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(directory.join("faults.jsonl")).expect("records");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn a_campaign_is_written_down_and_reported() {
    let images = image_folder();
    let out = images.path().join(".out");
    campaign(images.path(), &out, &["--seed", "3", "--faults", "20"])
        .code(DONE)
        .stdout(contains("sampling layer").and(contains("95 % Wilson interval")).and(contains("SDC")));

    let records = records(&out);
    assert_eq!(records.len(), 6 * 20);
    for (index, record) in records.iter().enumerate() {
        let expected = ["image", "label", "golden", "faulty", "outcome", "due", "scm", "fault", "scores", "check"];
        assert_eq!(keys(record).len(), expected.len(), "{record}");
        assert!(expected.iter().all(|key| record.get(key).is_some()), "{record}");
        assert_eq!(record["image"], index / 20);
        assert_eq!(record["label"], index / 40);
        assert_eq!(record["golden"]["class"], index / 40);
        assert_ne!(record["fault"]["layer"], "fc", "the last layer is not sampled");
        let sdc = record["golden"]["class"] != record["faulty"]["class"];
        assert_eq!(record["outcome"], if sdc { "sdc" } else { "masked" });
    }

    let config = read(&out.join("config.json"));
    assert_eq!(config["campaign"]["seed"], 3);
    assert_eq!(config["campaign"]["type"], "bitflip");
    assert_eq!(config["campaign"]["sampling"], "layer");
    assert_eq!(config["model"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(config["data"]["images"], 6);
    assert_eq!(config["faultscope"], env!("CARGO_PKG_VERSION"));

    let summary = read(&out.join("summary.json"));
    let report = json(&["report", text(&out), "--json"]);
    for (key, value) in summary.as_object().expect("an object") {
        assert_eq!(&report[key], value, "{key}");
    }
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["golden"]["accuracy"]["count"], 6);
    let sdc = records.iter().filter(|record| record["outcome"] == "sdc").count();
    assert_eq!(summary["faults"]["sdc"]["count"], sdc);
    assert!(sdc > 0, "120 flips with high exponent bits among them change some answer");
    let by_bit: u64 = summary["bits"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["injections"].as_u64().expect("a count"))
        .sum();
    assert_eq!(by_bit, 120);
    faultscope(&["report", text(&out)]).code(DONE).stdout(contains("incomplete").not());
}

#[test]
fn one_seed_makes_the_same_records_byte_for_byte() {
    let images = image_folder();
    for arguments in [
        &["--seed", "11"][..],
        &["--seed", "11", "--target", "weight", "--sampling", "element"],
        &["--seed", "11", "--mode", "multiple", "--type", "zero", "--percent", "1.5"],
        &["--seed", "11", "--type", "random", "--amount", "3"],
    ] {
        let [one, two] = ["one", "two"].map(|name| {
            let out = TempDir::new().expect("a temporary folder");
            campaign(images.path(), &out.path().join(name), arguments).code(DONE);
            fs::read(out.path().join(name).join("faults.jsonl")).expect("records")
        });
        assert!(one == two && !one.is_empty(), "{arguments:?}");
    }
}

#[test]
fn several_faults_at_once_are_all_listed() {
    let images = image_folder();
    let out = images.path().join(".out");
    campaign(images.path(), &out, &["--amount", "3", "--images", "1"]).code(DONE);
    for record in records(&out) {
        let faults = record["faults"].as_array().expect("a list");
        assert_eq!(faults.len(), 3);
        assert_eq!(record["fault"], faults[0]);
    }
}

#[test]
fn arrays_bring_their_labels_along() {
    let folder = TempDir::new().expect("a temporary folder");
    let images = folder.path().join("test_images.npy");
    let pixels: Vec<u8> =
        (0..2 * 8 * 8).flat_map(|pixel| if pixel < 64 { [10, 20, 200] } else { [210, 9, 30] }).collect();
    write_npy(&images, "|u1", "(2, 8, 8, 3)", &pixels);
    refused(&images, &[], "test_labels.npy");

    let bare = folder.path().join("bare");
    campaign(&images, &bare, &["--labels", "none"]).code(DONE);
    let (summary, config) = (read(&bare.join("summary.json")), read(&bare.join("config.json")));
    assert_eq!((&summary["golden"]["accuracy"], &config["data"]["labelled"]), (&Value::Null, &"without labels".into()));

    let labels: Vec<u8> = [2i64, 0].iter().flat_map(|label| label.to_le_bytes()).collect();
    write_npy(&folder.path().join("test_labels.npy"), "<i8", "(2,)", &labels);
    let out = folder.path().join("out");
    campaign(&images, &out, &[]).code(DONE);
    assert_eq!(read(&out.join("summary.json"))["golden"]["accuracy"]["count"], 2);

    let other = folder.path().join("other.npy");
    write_npy(&other, "<i8", "(1,)", &labels[..8]);
    refused(&images, &["--labels", text(&other)], "1 labels for the 2 images");
    let wrong: Vec<u8> = [2i64, 3].iter().flat_map(|label| label.to_le_bytes()).collect();
    write_npy(&other, "<i8", "(2,)", &wrong);
    refused(&images, &["--labels", text(&other)], "label 3 is out of range");
    fs::write(&other, b"\x93NUMPY").expect("a file");
    refused(&images, &["--labels", text(&other)], "other.npy");
}

#[test]
fn names_carry_labels_in_a_flat_folder() {
    let folder = TempDir::new().expect("a temporary folder");
    write_image(&folder.path().join("photo_00_2.png"), 2, 0);
    write_image(&folder.path().join("photo_01_0.png"), 1, 0);
    let out = folder.path().join(".out");
    campaign(folder.path(), &out, &["--faults", "2"]).code(DONE);
    let labels: Vec<_> = records(&out).iter().map(|record| record["label"].clone()).collect();
    assert_eq!(labels, [2, 2, 0, 0]);
    assert_eq!(read(&out.join("summary.json"))["golden"]["accuracy"]["count"], 1);
}

#[test]
fn a_grouping_makes_scm_rates() {
    let images = image_folder();
    let grouping = images.path().join(".grouping.toml");
    let groups = "name = \"colours\"\nclasses = 3\n[[group]]\nname = \"all\"\ncritical = true\nclasses = \"0-1\"\n\
                  [[group]]\nname = \"blue\"\ncritical = false\nclasses = \"2\"\n";
    fs::write(&grouping, groups).expect("a file");
    let out = images.path().join(".out");
    campaign(images.path(), &out, &["--grouping", text(&grouping), "--faults", "30"]).code(DONE);
    let summary = read(&out.join("summary.json"));
    let scm = records(&out).iter().filter(|record| record["scm"] == true).count();
    assert_eq!(summary["faults"]["scm"]["count"], scm);
    assert_eq!(summary["config"]["grouping"], "colours");
    for record in records(&out) {
        let (from, to) = (record["golden"]["class"].as_u64(), record["faulty"]["class"].as_u64());
        assert_eq!(record["scm"], from < Some(2) && to == Some(2), "{record}");
    }
}

#[test]
fn bits_and_layers_are_chosen() {
    let images = image_folder();
    let out = images.path().join(".out");
    // The last layer is struck where it is asked for; layers may be counted.
    campaign(images.path(), &out, &["--layers", "fc, 3", "--bit", "sign,0-2", "--faults", "40"])
        .code(DONE)
        .stdout(contains("one of bits 0-2,31 flipped").and(contains("each of layers relu2, fc equally likely")));
    let config = read(&out.join("config.json"));
    assert_eq!(config["campaign"]["layers"], serde_json::json!(["relu2", "fc"]));
    assert_eq!(config["campaign"]["bit"], serde_json::json!([0, 1, 2, 31]));
    let drawn = |key: &str| {
        let values = records(&out).into_iter().map(|record| record["fault"][key].to_string());
        values.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(drawn("layer"), ["\"fc\"", "\"relu2\""]);
    assert_eq!(drawn("bit"), ["0", "1", "2", "31"]);
    faultscope(&["report", text(&out)]).code(DONE).stdout(contains("each of layers relu2, fc"));
    // A kind is all of its layers, and the option may be repeated.
    let kinds = images.path().join(".kinds");
    campaign(images.path(), &kinds, &["--layers", "kind:conv", "--layers", "\"fc\",4", "--faults", "1"]).code(DONE);
    let config = read(&kinds.join("config.json"));
    assert_eq!(config["campaign"]["layers"], serde_json::json!(["conv1", "conv2", "flatten", "fc"]));
    refused(images.path(), &["--layers", "kind:Softmax"], "the kinds that have are Conv, Flatten, Gemm, Relu");
    refused(images.path(), &["--layers", "\"a,b\""], "no layer \"a,b\"");
    refused(images.path(), &["--layers", "relux"], "no layer \"relux\"");
    refused(images.path(), &["--layers", "relu2", "--target", "weight"], "no parameters");
    refused(images.path(), &["--bit", "exponents"], "sign, exponent or mantissa is expected");
}

#[test]
fn a_campaign_is_never_overwritten() {
    let images = image_folder();
    let out = images.path().join(".out");
    campaign(images.path(), &out, &["--images", "1"]).code(DONE);
    let before = fs::read(out.join("faults.jsonl")).expect("records");
    campaign(images.path(), &out, &["--images", "1", "--seed", "9"])
        .code(INPUT)
        .stderr(contains("already holds a campaign"));
    assert_eq!(fs::read(out.join("faults.jsonl")).expect("records"), before);
    let file = images.path().join(".file");
    fs::write(&file, "precious").expect("a file");
    campaign(images.path(), &file, &[]).code(INPUT).stderr(contains("expected a directory, found a file"));
    assert_eq!(fs::read(&file).expect("a file"), b"precious");
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let empty = TempDir::new().expect("a temporary folder");
    refused(empty.path(), &[], "holds no images");
    refused(&empty.path().join("missing"), &[], "missing");
    let images = image_folder();
    refused(images.path(), &["--images", "7"], "the data has 6");
    refused(images.path(), &["--images", "0"], "at least one image");
    refused(images.path(), &["--faults", "0"], "at least one fault");
    refused(images.path(), &["--bit", "32"], "bit 32 is out of range");
    refused(images.path(), &["--type", "zero", "--percent", "101"], "up to 100");
    refused(images.path(), &["--amount", "0"], "at least one element");
    // The smallest layer that may be drawn decides, not the one that is drawn first.
    for seed in ["0", "1", "2", "3"] {
        refused(images.path(), &["--amount", "65", "--seed", seed], "layer \"conv2\" has 64");
    }
    let file = empty.path().join("letter.txt");
    fs::write(&file, "Dear Sir or Madam").expect("a file");
    refused(&file, &[], "a folder of images, an array (.npy, .npz)");
    fs::write(images.path().join("a-red/0.png"), "this is text").expect("a file");
    refused(images.path(), &[], "0.png");
    write_image(&images.path().join("d-black").join("0.png"), 0, 0);
    refused(images.path(), &[], "4 sub-folders (a-red, b-green, c-blue, d-black) for a model of 3 classes");
}

#[test]
fn an_image_that_breaks_off_ends_the_campaign_and_keeps_what_was_done() {
    let images = image_folder();
    let whole = fs::read(images.path().join("b-green/0.png")).expect("a file");
    fs::write(images.path().join("b-green/1.png"), &whole[..whole.len() - 20]).expect("a file");
    let out = images.path().join(".out");
    campaign(images.path(), &out, &["--faults", "4"]).code(INPUT).stderr(contains("1.png"));
    assert_eq!(records(&out).len(), 3 * 4);
    assert_eq!(read(&out.join("summary.json"))["complete"], false);
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_keeps_what_was_done_and_says_so() {
    let images = image_folder();
    let out = images.path().join(".out");
    let mut child = std::process::Command::new(PROGRAM)
        .args(["campaign", "--model", MODEL, "--data", text(images.path()), "--out", text(&out)])
        .args(["--faults", "100000000"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    wait_for_a_record(&mut child, &out);
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(INCOMPLETE));
    let done = records(&out).len();
    assert!(done > 0);
    let summary = read(&out.join("summary.json"));
    assert_eq!((&summary["complete"], &summary["faults"]["injections"]), (&false.into(), &done.into()));
    faultscope(&["report", text(&out)]).code(DONE).stdout(contains("incomplete"));
}

#[test]
fn a_report_survives_a_torn_last_line() {
    let images = image_folder();
    let out = images.path().join(".out");
    campaign(images.path(), &out, &["--images", "2"]).code(DONE);
    let path = out.join("faults.jsonl");
    let records = fs::read(&path).expect("records");
    fs::write(&path, &records[..records.len() - 20]).expect("records");
    let report = json(&["report", text(&out), "--json"]);
    assert_eq!((&report["truncated"], &report["complete"]), (&true.into(), &false.into()));
    assert_eq!(report["records"], 9);
    faultscope(&["report", text(&out)]).code(DONE).stdout(contains("the last line breaks off"));
    super::refused(&["report", text(images.path())], INPUT, "no campaign");
    fs::write(out.join("config.json"), "{}").expect("a file");
    super::refused(&["report", text(&out)], INPUT, "not the configuration of a campaign");
}
