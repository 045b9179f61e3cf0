//! The answer that the user states: a threshold for a binary model, an output of several, in every command that reads a model.

use super::*;

fn fixture(name: &str) -> String {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "outputs"].iter().collect();
    text(&folder.join(name)).to_owned()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn a_threshold_is_part_of_every_result() {
    let answers = read(Path::new(&fixture("answers.json")));
    let folder = TempDir::new().expect("a temporary folder");
    let data = fixture("images.npy");
    for (name, meaning) in [("sigmoid", "above 0.95"), ("logit", "above 2.944439 (a probability of 0.95)")] {
        let model = fixture(&format!("{name}.onnx"));
        let out = folder.path().join(name);
        let campaign = ["campaign", "--model", &model, "--data", &data, "--out", text(&out), "--faults", "3"];
        let with = |more: &[&'static str]| [&campaign[..], more].concat();
        faultscope(&with(&["--threshold", "0.95"])).code(DONE).stdout(contains(meaning));

        let config = read(&out.join("config.json"));
        assert_eq!(config["model"]["threshold"], 0.95);
        assert!(config["model"]["answer"].as_str().is_some_and(|answer| answer.ends_with(meaning)), "{config}");
        faultscope(&["report", text(&out)]).code(DONE).stdout(contains(meaning));
        faultscope(&["report", text(&out), "--format", "html"]).code(DONE).stdout(contains(meaning));
        let summary = read(&out.join("summary.json"));
        assert_eq!(summary["answer"], config["model"]["answer"]);
        assert_eq!(json(&["report", text(&out), "--format", "json"])["answer"], summary["answer"]);
        let records = fs::read_to_string(out.join("faults.jsonl")).expect("records");
        let golden: Vec<usize> = serde_json::from_value(answers[name]["classes"]["0.95"][0].clone()).expect("classes");
        for record in records.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")) {
            let image = record["image"].as_u64().expect("a number") as usize;
            assert_eq!(record["golden"]["class"], golden[image], "{record}");
            let sdc = record["golden"]["class"] != record["faulty"]["class"];
            assert_eq!(record["outcome"], if sdc { "sdc" } else { "masked" });
        }

        super::refused(&with(&["--resume"]), INPUT, "model.answer is ");
        super::refused(&with(&["--resume", "--threshold", "0.94"]), INPUT, "0.94");
        faultscope(&with(&["--resume", "--threshold", "0.95"])).code(DONE);
        let inspected = json(&["inspect", &model, "--threshold", "0.95", "--json"]);
        assert!(inspected["answer"].as_str().is_some_and(|answer| answer.ends_with(meaning)), "{inspected}");
    }
}

#[test]
fn predict_puts_the_class_of_the_decision_first() {
    let folder = TempDir::new().expect("a temporary folder");
    let image = folder.path().join("2.png");
    let bytes = fs::read(fixture("images.npy")).expect("a file");
    let pixels = &bytes[bytes.len() - 14 * 8 * 8 * 3..][..8 * 8 * 3];
    RgbImage::from_raw(8, 8, pixels.to_vec()).expect("its size").save(&image).expect("an image");
    let answers = read(Path::new(&fixture("answers.json")));
    let model = fixture("sigmoid.onnx");
    let first = |threshold: &str| {
        let found = json(&["predict", &model, text(&image), "--threshold", threshold, "--json"]);
        let prediction = &found["predictions"][0];
        let number = |value: &Value| value.as_f64().expect("a number");
        (
            prediction["top"][0]["class"].clone(),
            number(&prediction["top"][0]["probability"]),
            number(&prediction["logits"][1]),
        )
    };
    let (_, _, p) = first("0.5");
    assert!((p - answers["sigmoid"]["golden"][2].as_f64().expect("a number")).abs() < 1e-5, "{p}");
    let (class, probability, _) = first(&format!("{}", p * 0.9));
    assert_eq!(class, 1);
    assert!((probability - p).abs() < 1e-6);
    let (class, probability, _) = first(&format!("{}", p + (1.0 - p) * 0.5));
    assert_eq!(class, 0);
    assert!((probability - (1.0 - p)).abs() < 1e-6, "the class of the decision, with its own probability");
}

#[test]
fn a_threshold_that_decides_nothing_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let image = folder.path().join("0.png");
    write_image(&image, 0, 0);
    let model = fixture("sigmoid.onnx");
    for bad in ["0", "1", "-0.5", "50", "x", "NaN", "0.999999999"] {
        let bad = format!("--threshold={bad}");
        super::refused(
            &["predict", &model, text(&image), &bad],
            USAGE,
            "a probability above 0 and below 1 is expected",
        );
    }
    let predict = ["predict", MODEL, text(&image), "--threshold", "0.9"];
    super::refused(&predict, INPUT, "--threshold 0.9 is for a model with one score, and this one has 3");
    let inject = ["inject", MODEL, text(&image), "--layer", "0", "--element", "0", "--bit", "30", "--threshold", "0.9"];
    super::refused(&inject, INPUT, "leave it out");
}

#[test]
fn every_command_that_reads_a_model_takes_its_output() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| text(&folder.path().join(name)).to_owned();
    let (model, data) = (fixture("several.onnx"), fixture("images.npy"));
    let (bpk, svg, sample, prepared) = (path("net.bpk"), path("net.svg"), path("sample.json"), path("prepared"));
    let commands: [(&str, Vec<&str>); 5] = [
        ("--output", vec!["inspect", &model]),
        ("--output", vec!["convert", &model, &bpk]),
        ("--model-output", vec!["graph", &model, "-o", &svg]),
        ("--model-output", vec!["sample", &data, "--model", &model, "--count", "3", "-o", &sample]),
        ("--model-output", vec!["prepare", &data, "--model", &model, "--size", "8", "-o", &prepared]),
    ];
    for (option, command) in &commands {
        let asked =
            "\"main\" (1 x 5), \"auxiliary\" (1 x 3), \"r\" (1 x 6 x 8 x 8); `--output NAME` (`--model-output NAME` of";
        super::refused(command, INPUT, asked);
        super::refused(
            &[&command[..], &[option, "z"]].concat(),
            INPUT,
            "the model has no output \"z\"; its outputs are 0 \"main\"",
        );
        faultscope(&[&command[..], &[option, "auxiliary"]].concat()).code(DONE);
    }
    // One name goes with all commands.
    faultscope(&["inspect", &model, "--model-output", "1"]).code(DONE);
    let inspected = json(&["inspect", &bpk, "--json"]);
    assert_eq!((&inspected["output"], &inspected["classes"]), (&"auxiliary".into(), &3.into()));
    super::refused(
        &["sample", &data, "--count", "3", "-o", &path("s"), "--model-output", "1"],
        INPUT,
        "--model is missing",
    );
}
