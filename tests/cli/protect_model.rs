//! `protect`: a protected model as a file, and reports on parameters.
//!
//! `fixtures/protect/reference.zip` holds small networks, and what onnxruntime computes with the files that this command makes
//! of them; `reference.py` made it.

use std::io::Read;

use burn::tensor::Device;
use faultscope::exec::{Executor, Plain};
use faultscope::import;
use faultscope::ops::Array;

use super::*;

const EXTERNAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/external.onnx");
const PROTECTIONS: [&str; 5] = ["range", "ranger:channel", "range:neuron", "clip-to-zero", "clip-to-zero:channel"];

/// Files of the archive.
fn member(name: &str) -> Vec<u8> {
    let bytes: &[u8] = include_bytes!("../fixtures/protect/reference.zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    let mut bytes = Vec::new();
    archive.by_name(name).expect(name).read_to_end(&mut bytes).expect(name);
    bytes
}

fn numbers(name: &str) -> Vec<f32> {
    npyz::NpyFile::new(&member(name)[..]).expect("an npy file").into_vec().expect("float32")
}

/// The file `name` with its first 16 of 24 entries, which bounds are learnt from: those of `golden.npy`. An entry has so many
/// `bytes`.
fn first(name: &str, bytes: usize) -> Vec<u8> {
    let mut file = member(name);
    let shape = file.windows(4).position(|four| four == b"(24,").expect("the shape");
    file[shape + 1..shape + 3].copy_from_slice(b"16");
    file.truncate(file.len() - 8 * bytes);
    file
}

/// A folder with the network `name` and the images.
fn folder(name: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for file in [&format!("{name}.onnx")[..], "images.npy", "labels.npy"] {
        fs::write(folder.path().join(file), member(file)).expect("a file");
    }
    folder
}

/// The outputs that Faultscope computes with the model file `path` of `inputs`.
fn outputs(path: &Path, inputs: &[f32]) -> Vec<f32> {
    let model = import::load(text(path), fs::read(path).expect("a file")).expect("a model");
    let executor = Executor::new(model.graph.clone(), &Device::flex()).expect("a valid graph");
    let run = |input: &[f32]| {
        let input = Array::from_slice(model.input_shape(), input, &Device::flex());
        let run = pollster::block_on(executor.run(&[input], &mut Plain)).expect("a run");
        pollster::block_on(run.get(model.graph.outputs[0]).expect("an output").read()).expect("numbers")
    };
    inputs.chunks_exact(3 * 8 * 8).flat_map(run).collect()
}

fn assert_near(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-4 * largest, "{what}: {found}, onnxruntime gives {expected}");
    }
}

#[test]
fn a_protected_file_gives_the_outputs_of_onnxruntime_far_beyond_its_bounds() {
    let (golden, wild) = (numbers("golden.npy"), numbers("wild.npy"));
    for name in ["branched", "old", "binary"] {
        let folder = folder(name);
        let [model, profile] = [&format!("{name}.onnx"), "profile_images.npy"].map(|file| folder.path().join(file));
        fs::write(&profile, first("images.npy", 8 * 8 * 3)).expect("a file");
        fs::write(folder.path().join("profile_labels.npy"), first("labels.npy", 8)).expect("a file");
        let plain = outputs(&model, &golden);
        assert_near(&plain, &numbers(&format!("{name}.plain.npy")), name);
        for protection in PROTECTIONS {
            let what = format!("{name} with {protection}");
            let path = folder.path().join("protected.onnx");
            let words = ["protect", text(&model), "--with", protection, "--profile", text(&profile)];
            faultscope(&[&words[..], &["-o", text(&path), "--force"]].concat())
                .code(DONE)
                .stdout(contains("is written"));
            assert_eq!(outputs(&path, &golden), plain, "{what}: nothing is beyond the bounds");
            let file = format!("{name}.{}.wild.npy", protection.replace(':', "-"));
            assert_near(&outputs(&path, &wild), &numbers(&file), &what);
        }
    }
}

#[test]
fn an_array_to_learn_from_needs_no_labels() {
    let folder = folder("branched");
    let at = |name: &str| folder.path().join(name);
    let (model, images, path) = (at("branched.onnx"), at("train.npy"), at("protected.onnx"));
    fs::copy(at("images.npy"), &images).expect("a copy");
    let words = ["protect", text(&model), "--with", "ranger", "--profile", text(&images), "-o", text(&path)];
    faultscope(&words).code(DONE).stdout(contains("golden accuracy   not known: the images have no labels"));
    let labelled = at("labelled.onnx");
    let profile = at("images.npy");
    faultscope(&["protect", text(&model), "--with", "ranger", "--profile", text(&profile), "-o", text(&labelled)])
        .code(DONE);
    // The note in the file names the images.
    let read = |path: &Path| fs::read(path).expect("a file");
    assert_eq!(read(&path).len(), read(&labelled).len() - "images.npy".len() + "train.npy".len());
}

#[test]
fn the_command_says_what_it_has_added() {
    let folder = folder("branched");
    let at = |name: &str| folder.path().join(name);
    let (model, images, path) = (at("branched.onnx"), at("images.npy"), at("protected.onnx"));
    let words = ["protect", text(&model), "--with", "ranger", "--profile", text(&images), "--images", "16"];
    let words = [&words[..], &["-o", text(&path)]].concat();
    faultscope(&words).code(DONE).stdout(
        contains("branched with ranger\n")
            .and(contains("learnt from       16 images of"))
            .and(contains("layers protected  6 of 11\n"))
            .and(contains("nodes added       18\n"))
            .and(contains("of 8 images that no bound was learnt from")),
    );
    // The file stays, and so does that of the model.
    refused(&words, INPUT, "exists already");
    let output = json(&[&words[..], &["--force", "--json"]].concat());
    assert_eq!(output["protected"].as_array().map(Vec::len), Some(6));
    // Three nodes for each element of each tensor.
    let elements = 6 * 64 * 2 + 6 * 16 * 2 + 12 * 16 + 12;
    assert_eq!(output["operations_added"], 3 * elements);
    assert_eq!(output["accuracy"]["images"], 8);
    assert_eq!(output["accuracy"]["before"], output["accuracy"]["after"]);
    let inspected = json(&["inspect", text(&path), "--json"]);
    assert_eq!(inspected["layers"].as_array().map(Vec::len), Some(11 + 18));
    assert_eq!(inspected["answer"], json(&["inspect", text(&model), "--json"])["answer"]);
}

#[test]
fn a_protected_file_can_be_protected_again_without_a_bound_of_truth_values() {
    let folder = folder("branched");
    let at = |name: &str| folder.path().join(name);
    let (model, images, once, twice) = (at("branched.onnx"), at("images.npy"), at("once.onnx"), at("twice.onnx"));
    let protect = |model: &Path, method: &str, output: &Path| {
        let words =
            ["protect", text(model), "--with", method, "--profile", text(&images), "-o", text(output), "--force"];
        faultscope(&words).code(DONE);
    };
    protect(&model, "range", &once);
    let values = numbers("golden.npy");
    for method in ["range", "ranger", "clip-to-zero"] {
        protect(&once, method, &twice);
        assert_eq!(outputs(&twice, &values), outputs(&model, &values), "{method}");
        let graph = import::load(text(&twice), fs::read(&twice).expect("a file")).expect("a model").graph;
        let truth = graph.truth_values();
        // ONNX has IsNaN, Less and Clip of numbers only.
        let wrong = graph.nodes.iter().find(|node| {
            matches!(&node.kind[..], "IsNaN" | "Less" | "Greater" | "Clip" | "Max")
                && node.inputs.iter().any(|&id| truth[id])
        });
        assert_eq!(wrong.map(|node| node.name.as_str()), None, "{method}");
    }
}

#[test]
fn a_model_with_weights_beside_it_stays_beside_them() {
    let folder = TempDir::new().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    fs::copy(EXTERNAL, at("external.onnx")).expect("a copy");
    fs::copy(format!("{EXTERNAL}.data"), at("external.onnx.data")).expect("a copy");
    let images = image_folder();
    let (model, path) = (at("external.onnx"), at("protected.onnx"));
    let words = |output: &Path| {
        let words = ["protect", text(&model), "--with", "ranger", "--profile", text(images.path()), "-o", text(output)];
        words.map(str::to_owned)
    };
    let elsewhere = TempDir::new().expect("a temporary folder");
    let far = words(&elsewhere.path().join("protected.onnx"));
    refused(&far.each_ref().map(String::as_str), INPUT, "write it to the folder of the model");
    let near = words(&path);
    faultscope(&near.each_ref().map(String::as_str)).code(DONE);
    let (image_folder, image) = one_image();
    let expected = json(&["predict", text(&model), text(&image), "--json"]);
    assert_eq!(json(&["predict", text(&path), text(&image), "--json"])["top"], expected["top"]);
    drop(image_folder);
}

#[test]
fn what_a_graph_cannot_hold_is_refused_with_what_it_can() {
    let images = image_folder();
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("protected.onnx");
    let protect = |model: &str, method: &str, output: &Path, code: i32, sentence: &str| {
        let words = ["protect", model, "--with", method, "--profile", text(images.path()), "-o", text(output)];
        refused(&words, code, sentence);
    };
    for method in ["tmr:auto:20%", "nan-check", "lsb-parity", "in-place-ecc"] {
        protect(
            MODEL,
            method,
            &path,
            INPUT,
            "a protected model is written with range, ranger, clip-to-zero, a report with",
        );
    }
    protect(MODEL, "ranger", &folder.path().join("net.bpk"), INPUT, "ends in .onnx");
    protect(MODEL, "secded", &path, INPUT, "ends in .json");
    protect(MODEL, "weight-clip", &folder.path().join("net.json"), INPUT, "leave out --profile");
    protect("gtsrb-resnet8", "ranger", &path, INPUT, "export the network to ONNX");
    protect("zoo:resnet18-32x32", "ranger", &path, INPUT, "export the network to ONNX");
    refused(&["protect", MODEL, "--with", "ranger", "-o", text(&path)], INPUT, "--profile DATA");
    let words = ["protect", MODEL, "--with", "ranger", "--profile", text(images.path()), "-o", text(&path)];
    refused(&[&words[..], &["--images", "7"]].concat(), INPUT, "--images 7 is more than the data has: 6 images");
    faultscope(&["protect", MODEL, "--with", "rangr", "-o", text(&path)])
        .code(USAGE)
        .stderr(contains("known: range, ranger"));
    assert!(!path.exists());
}

#[test]
fn a_report_has_ranges_checksums_and_check_bits() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("ranges.json");
    let report = |method: &str| -> Value {
        faultscope(&["protect", MODEL, "--with", method, "-o", text(&path), "--force"]).code(DONE);
        serde_json::from_slice(&fs::read(&path).expect("a report")).expect("JSON")
    };
    let ranges = report("weight-clip");
    let tensors = ranges["tensors"].as_array().expect("tensors");
    let names: Vec<&str> = tensors.iter().filter_map(|tensor| tensor["name"].as_str()).collect();
    assert_eq!(names, ["conv1.weight", "conv1.bias", "conv2.weight", "fc.weight", "fc.bias"]);
    // From Python: numpy and zlib over the initializer's raw bytes (fixtures/cli/make.py).
    assert_eq!(tensors[1]["crc32"], "ecbb4b55");
    assert_eq!((&tensors[1]["min"], &tensors[1]["max"]), (&serde_json::json!(0.0), &serde_json::json!(0.0)));
    assert_eq!(tensors[0]["crc32"], "93a359a1");
    assert_eq!(tensors[0]["sha256"], "25e99c74149aa398a9df404a0bbe9adefc09c3459368ad23b47322b046a7086f");
    assert_eq!((&tensors[0]["bytes"], &tensors[0]["check_bits"]), (&serde_json::json!(432), &serde_json::json!(0)));
    let secded = report("secded");
    assert_eq!(secded["tensors"][0]["check_bits"], 432 / 8 * 8);
    assert_eq!(report("parity-zero")["tensors"][0]["check_bits"], 108);
    refused(&["protect", MODEL, "--with", "secded", "-o", text(&path)], INPUT, "exists already");
}
