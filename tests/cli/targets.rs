//! `--target input` and `--target metadata`: faults in the image's bytes, and in scales and zero points.

use super::protect::Study;
use super::resume::assert_same;
use super::*;

/// The images of a study by their names in its list, in order.
fn files(study: &Study, name: &str) -> Vec<PathBuf> {
    let list = fs::read_to_string(study.path(name).join("data.tsv")).expect("the list of images");
    let names = list.lines().filter_map(|line| line.split('\t').find(|part| part.ends_with(".png")));
    names.map(|name| study.images.path().join(name)).collect()
}

#[test]
fn faults_in_the_image_give_what_the_changed_file_gives() {
    let study = Study::new();
    study.campaign("input", &["--target", "input", "--jobs", "1"]).code(DONE).stdout(contains("input fault"));
    let files = files(&study, "input");
    let records = study.records("input");
    assert_eq!(records.len(), 54);
    let folder = TempDir::new().expect("a temporary folder");
    for record in records.iter().step_by(7) {
        let fault = &record["fault"];
        let path = &files[record["image"].as_u64().expect("an index") as usize];
        let mut image = image::open(path).expect("an image").to_rgb8();
        assert_eq!(record["pixels"], serde_json::json!([image.width(), image.height()]));
        let element = fault["element"].as_u64().expect("an index") as usize;
        let bit = fault["bit"].as_u64().expect("a bit");
        let byte = &mut image.as_flat_samples_mut().samples[element];
        assert_eq!(fault["before"].as_f64(), Some(f64::from(*byte)));
        *byte ^= 1 << bit;
        assert_eq!(fault["after"].as_f64(), Some(f64::from(*byte)));
        assert_eq!((&fault["format"], &fault["target"]), (&"uint8".into(), &"input".into()));
        let changed = folder.path().join("changed.png");
        image.save(&changed).expect("a file");
        let predicted = json(&["predict", MODEL, text(&changed), "--json"]);
        let expected = &predicted["predictions"][0]["top"][0]["class"];
        assert_eq!(&record["faulty"]["class"], expected, "{predicted}");
        let injected = json(&[
            "inject",
            MODEL,
            text(path),
            "--target",
            "input",
            "--element",
            &element.to_string(),
            "--bit",
            &bit.to_string(),
            "--json",
        ]);
        assert_eq!(injected["faulty"]["class"], record["faulty"]["class"]);
        assert_eq!(injected["fault"], *fault);
    }
    study.campaign("jobs", &["--target", "input", "--jobs", "3"]).code(DONE);
    assert_same(&study.path("input"), &study.path("jobs"));
    study.cut("input");
    study.is_the_same_resumed("input", &["--target", "input"]);
}

#[test]
fn patterns_and_bit_errors_strike_the_image_too() {
    let study = Study::new();
    study.campaign("row", &["--target", "input", "--pattern", "row", "--type", "set:255"]).code(DONE);
    for record in study.records("row") {
        let [width, _] = [0, 1].map(|axis| record["pixels"][axis].as_u64().expect("a size"));
        let struck: Vec<u64> = record["faults"]
            .as_array()
            .expect("several")
            .iter()
            .map(|fault| fault["element"].as_u64().expect("an index"))
            .collect();
        assert_eq!(struck.len() as u64, width, "one colour of a row");
        assert!(struck.windows(2).all(|two| two[1] == two[0] + 3));
    }
    let run = study.campaign("ber", &["--target", "input", "--ber", "1e-3"]).code(DONE);
    let records = study.records("ber");
    // Bytes of the image as it is read, not of the network's input.
    let first = [0, 1].map(|axis| records[0]["pixels"][axis].as_u64().expect("a size"));
    let bits =
        format!("{},{:03} bits of the first image", 24 * first[0] * first[1] / 1000, 24 * first[0] * first[1] % 1000);
    run.stderr(contains(bits).and(contains(format!("{} x {} pixels", first[0], first[1]))));
    for record in records {
        let [width, height] = [0, 1].map(|axis| record["pixels"][axis].as_f64().expect("a size"));
        let (flips, mean) = (record["errors"]["flips"].as_f64().expect("a number"), width * height * 24.0 * 1e-3);
        assert!((flips - mean).abs() < 6.0 * mean.sqrt(), "{flips} of {mean}");
    }
}

#[test]
fn a_struck_scale_changes_every_element_of_its_channel() {
    let study = Study::new();
    let int8 = ["--format", "int8", "--weight-format", "int8", "--calibrate", "3", "--target", "metadata"];
    let with = |more: &[&'static str]| [&int8[..], more].concat();
    study.campaign("scales", &with(&["--jobs", "1"])).code(DONE).stdout(contains("metadata fault"));
    study.campaign("jobs", &with(&["--jobs", "3"])).code(DONE);
    assert_same(&study.path("scales"), &study.path("jobs"));
    let report = super::report::stdout(&["report", text(&study.path("scales"))]);
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let mixed = "bits of several number formats are counted together (float32 and int8)";
    assert_eq!(report.matches(mixed).count(), 3, "by field, by bit, by layer and bit: {report}");
    let summary: Value =
        serde_json::from_slice(&fs::read(study.path("scales").join("summary.json")).expect("a file")).expect("JSON");
    assert_eq!(summary["formats"], serde_json::json!(["f32", "int8"]));
    let records = study.records("scales");
    let formats: Vec<&str> = records.iter().map(|record| record["fault"]["format"].as_str().unwrap_or("f32")).collect();
    assert!(formats.contains(&"f32") && formats.contains(&"int8"), "scales and zero points: {formats:?}");
    assert!(
        records.iter().any(|record| record["outcome"] == "sdc") && records.iter().any(|one| one["outcome"] == "masked")
    );
    let out = study.path("scales");
    let files = files(&study, "scales");
    for record in records.iter().step_by(9) {
        let fault = &record["fault"];
        let path = &files[record["image"].as_u64().expect("an index") as usize];
        let [element, bit] = ["element", "bit"].map(|key| fault[key].to_string());
        let [layer, tensor] = ["layer", "tensor"].map(|key| fault[key].as_str().expect("a name"));
        let injected = json(&[
            "inject",
            MODEL,
            text(path),
            "--target",
            "metadata",
            "--layer",
            layer,
            "--tensor",
            tensor,
            "--element",
            &element,
            "--bit",
            &bit,
            "--formats-of",
            text(&out),
            "--json",
        ]);
        assert_eq!(injected["fault"], *fault);
        assert_eq!(injected["faulty"]["class"], record["faulty"]["class"]);
    }
    let (fault, path) = (&records[0]["fault"], text(&files[0]));
    let [layer, tensor] = ["layer", "tensor"].map(|key| fault[key].as_str().expect("a name"));
    let beyond = ["inject", MODEL, path, "--target", "metadata", "--layer", layer, "--element", "9999", "--bit", "0"];
    let beyond = [&beyond[..], &["--formats-of", text(&out)]].concat();
    refused(&beyond, INPUT, "word 9999 is out of range: layer");
    refused(&[&beyond[..], &["--tensor", tensor]].concat(), INPUT, "word 9999 is out of range: tensor");
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let study = Study::new();
    for (arguments, code, sentence) in [
        (&["--target", "metadata"][..], INPUT, "no scale or zero point to corrupt"),
        (&["--target", "metadata", "--format", "fixed:4.11"], INPUT, "the place of the point is part of the hardware"),
        (&["--target", "metadata", "--format", "int8", "--pattern", "row"], INPUT, "--ber do not go with it"),
        (&["--target", "input", "--layers", "0"], INPUT, "the image is no layer"),
        (&["--target", "input", "--bit", "8"], INPUT, "uint8 has bits 0 to 7"),
        (&["--target", "input", "--design", "stratified"], INPUT, "--target activation and weight only"),
    ] {
        study.campaign("refused", arguments).code(code).stderr(contains(sentence));
    }
    let (_folder, image) = one_image();
    let inject = ["inject", MODEL, text(&image), "--target", "input", "--bit", "0", "--element"];
    refused(&[&inject[..], &["99999999"]].concat(), INPUT, "byte 99999999 is out of range: the image has");
    refused(&[&inject[..], &["0", "--layer", "0"]].concat(), USAGE, "does not go with --target input");
    refused(&["inject", MODEL, text(&image), "--element", "0", "--bit", "0"], USAGE, "--layer");
}
