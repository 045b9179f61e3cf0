//! The command line as users and scripts meet it: the real program on a tiny network (fixtures/cli/make.py), its
//! JSON keys, its files, its exit codes, and what it says to bad input.

#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_faultscope");
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/colours.onnx");

const DONE: i32 = 0;
const USAGE: i32 = 2;
const INPUT: i32 = 3;
const INCOMPLETE: i32 = 4;

fn faultscope(arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::new(PROGRAM).args(arguments).assert()
}

/// What a command that succeeds writes, as JSON.
fn json(arguments: &[&str]) -> Value {
    let output = faultscope(arguments).code(DONE).stderr(predicate::str::is_empty()).get_output().stdout.clone();
    serde_json::from_slice(&output).expect("JSON on standard output")
}

/// A command that fails says why in a sentence that contains `sentence`, and nothing of Rust.
fn refused(arguments: &[&str], code: i32, sentence: &str) {
    faultscope(arguments)
        .code(code)
        .stdout(predicate::str::is_empty())
        .stderr(contains("error: ").and(contains(sentence)).and(contains("panicked").not()).and(contains("{").not()));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("Unicode")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Writes an 8 x 8 image in which `colour` (0 red, 1 green, 2 blue) is strongest; `shade` makes it another image.
fn write_image(path: &Path, colour: usize, shade: u8) {
    let image = RgbImage::from_fn(8, 8, |x, y| {
        let mut pixel = [40 + shade, 50, 60 - shade];
        pixel[colour] = 180 + ((x + y) as u8) + shade;
        Rgb(pixel)
    });
    fs::create_dir_all(path.parent().expect("in a folder")).expect("a folder");
    image.save(path).expect("an image");
}

/// A folder with a sub-folder for each colour and two images in each.
fn image_folder() -> TempDir {
    let root = TempDir::new().expect("a temporary folder");
    for (class, name) in ["a-red", "b-green", "c-blue"].iter().enumerate() {
        for shade in [0, 20] {
            write_image(&root.path().join(name).join(format!("{shade}.png")), class, shade);
        }
    }
    root
}

fn one_image() -> (TempDir, PathBuf) {
    let root = TempDir::new().expect("a temporary folder");
    let path = root.path().join("green.png");
    write_image(&path, 1, 0);
    (root, path)
}

fn write_npy(path: &Path, kind: &str, shape: &str, data: &[u8]) {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    fs::write(path, bytes).expect("a file");
}

/// The folder of models and data beside the project, where this machine has one.
fn shared(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FAULTSCOPE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(file);
    if !path.exists() {
        eprintln!("skipped: {} is not on this machine", path.display());
        return None;
    }
    Some(path)
}

mod usage {
    use super::*;

    #[test]
    fn help_documents_commands_and_exit_codes() {
        let commands = ["inspect", "predict", "inject", "campaign", "report", "fetch", "convert"];
        let help = String::from_utf8(faultscope(&["--help"]).code(DONE).get_output().stdout.clone()).expect("UTF-8");
        for word in commands.iter().chain(&["Exit codes:", "bad input", "incomplete"]) {
            assert!(help.contains(word), "{word} in {help}");
        }
        for command in commands {
            faultscope(&[command, "--help"]).code(DONE);
        }
    }

    #[test]
    fn wrong_arguments_exit_with_2() {
        refused(&["inspect"], USAGE, "required");
        refused(&["inspect", MODEL, "--device", "tpu"], USAGE, "unexpected argument");
        refused(&["predict", MODEL, "x.png", "--device", "tpu"], USAGE, "[possible values: cpu, gpu]");
        refused(&["inject", MODEL, "x.png", "--layer", "0", "--element", "0"], USAGE, "needs --bit");
        let zero = ["inject", MODEL, "x.png", "--layer", "0", "--element", "0", "--type", "zero", "--bit", "3"];
        refused(&zero, USAGE, "--bit goes with --type bitflip");
        let percent = ["campaign", "--model", MODEL, "--data", ".", "--out", "x", "--percent", "5"];
        refused(&percent, USAGE, "--percent goes with --type zero");
    }
}

mod inspect {
    use super::*;

    #[test]
    fn layers_keep_their_names_and_order() {
        let model = json(&["inspect", MODEL, "--json"]);
        let layers = model["layers"].as_array().expect("a list");
        let names: Vec<_> = layers.iter().map(|layer| layer["name"].as_str().expect("a name")).collect();
        assert_eq!(names, ["conv1", "relu1", "conv2", "relu2", "flatten", "fc"]);
        for (index, layer) in layers.iter().enumerate() {
            for key in ["index", "name", "kind", "output_shape", "parameters", "injectable", "sampled"] {
                assert!(layer.get(key).is_some(), "{key} in {layer}");
            }
            assert_eq!(layer["index"], index);
            assert_eq!(layer["injectable"], true);
            assert_eq!(layer["sampled"], index != 5, "campaigns leave out the last layer");
        }
        assert_eq!(layers[2]["kind"], "Conv");
        assert_eq!(layers[2]["output_shape"], serde_json::json!([1, 4, 4, 4]));
        assert_eq!(layers[2]["parameters"], 4 * 4 * 9);
        assert_eq!(model["parameters"], 4 * 3 * 9 + 4 + 4 * 4 * 9 + 3 * 64 + 3);
    }

    #[test]
    fn the_table_names_every_layer_without_colour() {
        let names = ["conv1", "relu1", "conv2", "relu2", "flatten", "fc"];
        let mut assert = faultscope(&["inspect", MODEL]).code(DONE).stdout(contains("\x1b").not());
        for name in names {
            assert = assert.stdout(contains(name));
        }
    }

    #[test]
    fn damaged_files_are_refused_by_name() {
        let folder = TempDir::new().expect("a temporary folder");
        let bytes = fs::read(MODEL).expect("the fixture");
        for (name, content) in
            [("half.onnx", &bytes[..bytes.len() / 2]), ("empty.onnx", b""), ("text.onnx", b"this is no model at all")]
        {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("a file");
            refused(&["inspect", text(&path)], INPUT, name);
        }
        refused(&["inspect", "no-such-model"], INPUT, "no-such-model");
    }
}

mod predict {
    use super::*;

    #[test]
    fn json_has_the_promised_keys() {
        let (_folder, image) = one_image();
        let predictions = json(&["predict", MODEL, text(&image), text(&image), "--top", "2", "--json"]);
        assert_eq!(keys(&predictions), ["predictions"]);
        let list = predictions["predictions"].as_array().expect("a list");
        assert_eq!(list.len(), 2);
        assert_eq!(list[0], list[1]);
        assert_eq!(list[0]["image"], text(&image));
        let top = list[0]["top"].as_array().expect("a list");
        assert_eq!(top.len(), 2);
        assert_eq!(top[0]["class"], 1);
        assert_eq!(top[0]["label"], "1", "a model without labels names its classes by number");
        let logits: Vec<f64> = list[0]["logits"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|value| value.as_f64().expect("a number"))
            .collect();
        assert_eq!(logits.len(), 3);
        let softmax = logits[1].exp() / logits.iter().map(|value| value.exp()).sum::<f64>();
        assert!((top[0]["probability"].as_f64().expect("a number") - softmax).abs() < 1e-6);
    }

    #[test]
    fn preprocessing_changes_the_scores() {
        let (_folder, image) = one_image();
        let scores = |preprocess: &str| {
            let predictions = json(&["predict", MODEL, text(&image), "--preprocess", preprocess, "--json"]);
            predictions["predictions"][0]["logits"][1].as_f64().expect("a number")
        };
        assert!((scores("byte") / scores("unit") - 255.0).abs() < 0.01);
    }

    #[test]
    fn what_is_no_image_is_refused_by_name() {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("letter.png");
        fs::write(&path, "Dear Sir or Madam").expect("a file");
        refused(&["predict", MODEL, text(&path)], INPUT, "letter.png");
        refused(&["predict", MODEL, "missing.png"], INPUT, "missing.png");
    }
}

mod inject {
    use super::*;

    fn inject(image: &Path, arguments: &[&str]) -> Value {
        let mut all = vec!["inject", MODEL, text(image), "--json"];
        all.extend(arguments);
        json(&all)
    }

    #[test]
    fn an_activation_flip_is_written_out_in_full() {
        let (_folder, image) = one_image();
        let result = inject(&image, &["--layer", "relu2", "--element", "21", "--bit", "30"]);
        for key in ["golden", "faulty", "outcome", "due", "scm", "fault"] {
            assert!(result.get(key).is_some(), "{key} in {result}");
        }
        assert!(result.get("trace").is_none());
        assert_eq!(keys(&result["golden"]), ["class", "logits"]);
        assert_eq!(result["golden"]["class"], 1);
        assert_eq!(result["scm"], Value::Null, "the model has no grouping");
        let fault = &result["fault"];
        for key in ["target", "layer", "tensor", "element", "bit", "before", "after"] {
            assert!(fault.get(key).is_some(), "{key} in {fault}");
        }
        assert_eq!(fault["target"], "activation");
        assert_eq!(fault["layer"], "relu2");
        assert_eq!(fault["tensor"], "relu2.out");
        assert_eq!(fault["element"], 21);
        assert_eq!(fault["bit"], 30);
        let before = fault["before"].as_f64().expect("a number") as f32;
        let after = fault["after"].as_f64().expect("a number") as f32;
        assert_eq!(before.to_bits() ^ after.to_bits(), 1 << 30);
        let changed = result["golden"]["logits"] != result["faulty"]["logits"];
        assert!(changed, "an exponent bit of a strong activation reaches the scores");
        let same_class = result["golden"]["class"] == result["faulty"]["class"];
        assert_eq!(result["outcome"], if same_class { "masked" } else { "sdc" });
    }

    #[test]
    fn a_layer_is_found_by_index_as_by_name() {
        let (_folder, image) = one_image();
        let by_name = inject(&image, &["--layer", "relu2", "--element", "3", "--bit", "22"]);
        let by_index = inject(&image, &["--layer", "3", "--element", "3", "--bit", "22"]);
        assert_eq!(by_name, by_index);
    }

    #[test]
    fn weights_are_counted_end_to_end_or_by_tensor() {
        let (_folder, image) = one_image();
        let weight = ["--target", "weight", "--layer", "conv1", "--bit", "31"];
        let bias = inject(&image, &[&weight[..], &["--element", "110"]].concat());
        assert_eq!(bias["fault"]["tensor"], "conv1.bias");
        assert_eq!(bias["fault"]["element"], 2);
        let named = inject(&image, &[&weight[..], &["--element", "2", "--tensor", "conv1.bias"]].concat());
        assert_eq!(bias, named);
        let kernel = inject(&image, &[&weight[..], &["--element", "2"]].concat());
        assert_eq!(kernel["fault"]["tensor"], "conv1.weight");
        let negated = -kernel["fault"]["before"].as_f64().expect("a number");
        assert_eq!(kernel["fault"]["after"], negated);
    }

    #[test]
    fn values_may_be_zeroed_or_replaced() {
        let (_folder, image) = one_image();
        let zero = inject(&image, &["--layer", "conv1", "--element", "70", "--type", "zero"]);
        assert_eq!(zero["fault"]["after"], 0.0);
        assert_eq!(zero["fault"]["bit"], Value::Null);
        let random = |seed: &str| {
            let result = inject(&image, &["--layer", "conv1", "--element", "70", "--type", "random", "--seed", seed]);
            result["fault"]["after"].as_f64().expect("a number")
        };
        assert!((0.0..1.0).contains(&random("1")));
        assert_eq!(random("1"), random("1"));
        assert_ne!(random("1"), random("2"));
    }

    #[test]
    fn the_trace_follows_the_corruption_downstream() {
        let (_folder, image) = one_image();
        let result = inject(&image, &["--layer", "conv2", "--element", "20", "--bit", "30", "--trace"]);
        let trace = result["trace"].as_array().expect("a list");
        let layers: Vec<_> = trace.iter().map(|row| row["layer"].as_str().expect("a name")).collect();
        assert_eq!(layers, ["conv2", "relu2", "flatten", "fc"]);
        for key in ["layer", "changed", "max_abs_delta", "non_finite"] {
            assert!(trace[0].get(key).is_some(), "{key} in {}", trace[0]);
        }
        assert_eq!(trace[0]["changed"], 1, "only the struck element differs in the struck layer");
    }

    #[test]
    fn infinity_is_flagged_and_written_as_text() {
        let (_folder, image) = one_image();
        // What green adds to the score of green, about 0.25, becomes 2^126 and more; times a value near 200 that is
        // too much for a float32.
        let arguments = ["--target", "weight", "--layer", "fc", "--tensor", "fc.weight", "--element", "85"];
        let result = inject(&image, &[&arguments[..], &["--bit", "30", "--preprocess", "byte"]].concat());
        assert_eq!(result["faulty"]["logits"][1], "Infinity");
        assert_eq!((&result["due"], &result["outcome"]), (&true.into(), &"masked".into()));
    }

    #[test]
    fn groupings_judge_what_is_safety_critical() {
        let (folder, image) = one_image();
        let grouping = folder.path().join("colours.toml");
        let groups = |critical: &str| {
            format!(
                "name = \"colours\"\nclasses = 3\n[[group]]\nname = \"warm\"\ncritical = true\nclasses = \"0\"\n\
                 [[group]]\nname = \"cold\"\ncritical = {critical}\nclasses = \"1-2\"\n"
            )
        };
        let flip = ["--target", "weight", "--layer", "fc", "--tensor", "fc.bias", "--element", "0", "--bit", "30"];
        for (critical, expected) in [("true", true), ("false", false)] {
            fs::write(&grouping, groups(critical)).expect("a file");
            let result = inject(&image, &[&flip[..], &["--grouping", text(&grouping)]].concat());
            assert_eq!((&result["golden"]["class"], &result["faulty"]["class"]), (&1.into(), &0.into()));
            assert_eq!(result["scm"], expected);
        }
    }

    #[test]
    fn the_text_shows_the_bits_and_the_verdict() {
        let (_folder, image) = one_image();
        let arguments = ["inject", MODEL, text(&image), "--layer", "fc", "--element", "0", "--bit", "30", "--trace"];
        faultscope(&arguments)
            .code(DONE)
            .stdout(contains("bit 30").and(contains("exponent")).and(contains("golden")).and(contains("max |delta|")));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let (_folder, image) = one_image();
        let refused = |arguments: &[&str], sentence: &str| {
            let mut all = vec!["inject", MODEL, text(&image)];
            all.extend(arguments);
            super::refused(&all, INPUT, sentence);
        };
        refused(&["--layer", "relu2", "--element", "0", "--bit", "32"], "bit 32 is out of range");
        refused(&["--layer", "relu2", "--element", "0", "--bit", "999"], "bit 999 is out of range");
        refused(&["--layer", "relu2", "--element", "64", "--bit", "0"], "element 64 is out of range");
        refused(&["--layer", "relu", "--element", "0", "--bit", "0"], "did you mean \"relu1\", \"relu2\"?");
        refused(&["--layer", "6", "--element", "0", "--bit", "0"], "layer 6 is out of range");
        refused(&["--layer", "relu2", "--element", "0", "--bit", "0", "--target", "weight"], "no parameters");
        let tensor = ["--layer", "fc", "--element", "3", "--bit", "0", "--target", "weight", "--tensor"];
        refused(&[&tensor[..], &["fc.bias"]].concat(), "element 3 is out of range");
        refused(&[&tensor[..], &["fc.gain"]].concat(), "it has \"fc.weight\", \"fc.bias\"");
        refused(&["--layer", "fc", "--element", "0", "--bit", "0", "--grouping", "gtsrb"], "is for 43 classes");
        refused(&["--layer", "fc", "--element", "0", "--bit", "0", "--grouping", "nope"], "groupings are");
    }
}

mod campaign {
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
            let expected = ["image", "label", "golden", "faulty", "outcome", "due", "scm", "fault"];
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
    fn a_campaign_is_never_overwritten() {
        let images = image_folder();
        let out = images.path().join(".out");
        campaign(images.path(), &out, &["--images", "1"]).code(DONE);
        let before = fs::read(out.join("faults.jsonl")).expect("records");
        campaign(images.path(), &out, &["--images", "1", "--seed", "9"])
            .code(INPUT)
            .stderr(contains("holds a campaign already"));
        assert_eq!(fs::read(out.join("faults.jsonl")).expect("records"), before);
        let file = images.path().join(".file");
        fs::write(&file, "precious").expect("a file");
        campaign(images.path(), &file, &[]).code(INPUT).stderr(contains("a directory is expected"));
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
        refused(images.path(), &["--amount", "1000000"], "1000000 distinct elements");
        let file = empty.path().join("letter.txt");
        fs::write(&file, "Dear Sir or Madam").expect("a file");
        refused(&file, &[], "a folder of images or an .npy file");
        write_image(&images.path().join("d-black").join("0.png"), 0, 0);
        refused(images.path(), &[], "label 3 is out of range");
    }

    #[test]
    fn an_image_that_is_none_ends_the_campaign_and_keeps_what_was_done() {
        let images = image_folder();
        fs::write(images.path().join("b-green/1.png"), "this is text").expect("a file");
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
        let started = Instant::now();
        while fs::metadata(out.join("faults.jsonl")).map_or(0, |file| file.len()) == 0 {
            assert!(started.elapsed() < Duration::from_secs(60), "no record after a minute");
            std::thread::sleep(Duration::from_millis(50));
        }
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
}

mod devices {
    use super::*;

    #[test]
    fn the_gpu_gives_the_answer_of_the_cpu_or_says_that_there_is_none() {
        let (_folder, image) = one_image();
        let arguments = ["inject", MODEL, text(&image), "--layer", "relu1", "--element", "70", "--bit", "22", "--json"];
        let gpu =
            Command::new(PROGRAM).args([&arguments[..], &["--device", "gpu"]].concat()).output().expect("it runs");
        if gpu.status.code() == Some(INPUT) {
            let message = String::from_utf8(gpu.stderr).expect("UTF-8");
            assert!(message.contains("error: gpu: ") && message.contains("--device cpu"), "{message}");
            eprintln!("skipped: {message}");
            return;
        }
        assert_eq!(gpu.status.code(), Some(DONE));
        let gpu: Value = serde_json::from_slice(&gpu.stdout).expect("JSON");
        let cpu = json(&arguments);
        assert_eq!((&gpu["outcome"], &gpu["fault"]["element"]), (&cpu["outcome"], &cpu["fault"]["element"]));
        for run in ["golden", "faulty"] {
            let scores = |device: &Value| -> Vec<f64> {
                let list = device[run]["logits"].as_array().expect("a list");
                list.iter().map(|score| score.as_f64().expect("a number")).collect()
            };
            let (gpu, cpu) = (scores(&gpu), scores(&cpu));
            let largest = cpu.iter().fold(0f64, |largest, score| largest.max(score.abs()));
            for (gpu, cpu) in gpu.iter().zip(&cpu) {
                assert!((gpu - cpu).abs() <= 1e-4 * largest, "{run}: {gpu} on the GPU, {cpu} on the CPU");
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_without_a_gpu_gets_a_sentence() {
        let (_folder, image) = one_image();
        Command::new(PROGRAM)
            .args(["predict", MODEL, text(&image), "--device", "gpu"])
            .env("VK_DRIVER_FILES", "/nowhere")
            .env("VK_ICD_FILENAMES", "/nowhere")
            .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nowhere")
            .assert()
            .code(INPUT)
            .stderr(contains("error: gpu: ").and(contains("--device cpu computes on the processor")));
    }
}

mod convert {
    use super::*;

    #[test]
    fn a_converted_model_gives_the_same_answer() {
        let (folder, image) = one_image();
        let expected = json(&["predict", MODEL, text(&image), "--json"]);
        for name in ["net.bpk", "net.safetensors"] {
            let path = folder.path().join(name);
            faultscope(&["convert", MODEL, text(&path)]).code(DONE).stdout(contains(name));
            assert_eq!(json(&["predict", text(&path), text(&image), "--json"]), expected);
            refused(&["convert", MODEL, text(&path)], INPUT, "exists already");
        }
        refused(&["convert", MODEL, text(&folder.path().join("net.onnx"))], INPUT, "net.onnx");
    }
}

mod real {
    use super::*;

    #[test]
    fn a_network_for_traffic_signs_runs_a_campaign() {
        let (Some(model), Some(data)) = (shared("models/gtsrb_cnn.onnx"), shared("data/gtsrb/test_images.npy")) else {
            return;
        };
        let folder = TempDir::new().expect("a temporary folder");
        let out = folder.path().join("campaign");
        let arguments = ["--images", "20", "--faults", "3", "--grouping", "gtsrb"];
        let mut all = vec!["campaign", "--model", text(&model), "--data", text(&data), "--out", text(&out)];
        all.extend(arguments);
        faultscope(&all).code(DONE);
        let report = json(&["report", text(&out), "--json"]);
        assert_eq!(report["records"], 60);
        assert!(report["golden"]["accuracy"]["rate"].as_f64() >= Some(0.9), "{}", report["golden"]);
        assert!(report["faults"]["scm"]["of"] == 60);
    }
}
