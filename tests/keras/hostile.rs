//! Files that are damaged, and models that contradict themselves: each an error that names file and layer.

use std::io::{Cursor, Write};

use faultscope::import::keras::{Weights, build};
use faultscope::import::load;
use proptest::prelude::*;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::fixtures::{ARCHIVES, unpack};

/// A file of the Keras 3 archive.
fn fixture(file: &str) -> Vec<u8> {
    unpack(ARCHIVES[0].1).remove(file).expect("a fixture")
}

/// The configuration and the weights in a `.keras` archive.
fn parts(name: &str) -> (Value, Vec<u8>) {
    let mut files = unpack(&fixture(name));
    let config = serde_json::from_slice(&files["config.json"]).expect("JSON");
    (config, files.remove("model.weights.h5").expect("weights"))
}

/// A `.keras` archive.
fn archive(config: &Value, weights: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("config.json", config.to_string().as_bytes()), ("model.weights.h5", weights)] {
        archive.start_file(name, SimpleFileOptions::default()).expect("a file begins");
        archive.write_all(bytes).expect("it is written");
    }
    archive.finish().expect("the archive is written").into_inner()
}

/// The configuration of the layer called `name`.
fn layer<'a>(config: &'a mut Value, name: &str) -> &'a mut Value {
    let layers = config["config"]["layers"].as_array_mut().expect("layers");
    layers.iter_mut().find(|layer| layer["config"]["name"] == name).expect("the layer")
}

/// Imports a model whose configuration was changed: the error names the file and has all of these words.
fn refused(name: &str, change: impl FnOnce(&mut Value), expected: &[&str]) {
    let (mut config, weights) = parts(name);
    change(&mut config);
    let error = load("bad.keras", archive(&config, &weights)).expect_err("a bad model").to_string();
    assert!(error.starts_with("bad.keras: ") && expected.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn an_archive_written_here_is_read() {
    let (config, weights) = parts("convolutions.keras");
    load("good.keras", archive(&config, &weights)).expect("nothing was changed");
}

#[test]
fn layers_that_are_not_executed_are_named() {
    let class = |class: &'static str| move |config: &mut Value| layer(config, "dilated")["class_name"] = json!(class);
    refused("convolutions.keras", class("Lambda"), &["layer \"dilated\"", "Lambda", "Python code"]);
    refused("convolutions.keras", class("LSTM"), &["layer \"dilated\"", "LSTM is not supported"]);
    refused(
        "convolutions.keras",
        |config| layer(config, "dilated")["config"]["activation"] = json!("snake"),
        &["layer \"dilated\"", "snake"],
    );
    refused(
        "convolutions.keras",
        |config| layer(config, "dilated")["config"]["padding"] = json!("causal"),
        &["layer \"dilated\"", "causal"],
    );
    refused(
        "convolutions.keras",
        |config| layer(config, "dilated")["module"] = json!("keras.src.ops.nn"),
        &["layer \"dilated\"", "outside of any layer"],
    );
    let node =
        |change: fn(&mut Value)| move |config: &mut Value| change(&mut layer(config, "dilated")["inbound_nodes"][0]);
    refused(
        "convolutions.keras",
        node(|node| node["args"].as_array_mut().expect("arguments").push(json!(2.0))),
        &["layer \"dilated\"", "called with 2 arguments"],
    );
    let keras_2 = node(|node| *node = json!([["same_strided", 0, 0, { "training": true }]]));
    refused("convolutions.keras", keras_2, &["layer \"dilated\"", "training=True"]);
    refused(
        "convolutions.keras",
        node(|node| node["kwargs"]["mask"] = node["args"][0].clone()),
        &["another layer's output as its argument \"mask\""],
    );
    refused(
        "convolutions.keras",
        |config| *config = json!({ "class_name": "MyModel", "config": { "width": 3 } }),
        &["MyModel"],
    );
}

#[test]
fn weights_must_fit_the_model() {
    refused(
        "convolutions.keras",
        |config| layer(config, "dilated")["config"]["filters"] = json!(7),
        &["layer \"dilated\"", "[3, 3, 4, 7] is expected", "[3, 3, 4, 6]"],
    );
    refused(
        "convolutions.keras",
        |config| layer(config, "dilated")["config"]["use_bias"] = json!(true),
        &["layer \"dilated\"", "weight \"bias\" is missing"],
    );
    refused(
        "convolutions.keras",
        |config| layer(config, "scores")["config"]["use_bias"] = json!(false),
        &["layer \"scores\"", "it has 1, the file 2"],
    );
    // As if a convolution had been taken out of the file, or put in.
    let turn = |name: &'static str, class: &'static str| {
        move |config: &mut Value| layer(config, name)["class_name"] = json!(class)
    };
    refused("convolutions.keras", turn("flat", "BatchNormalization"), &["layer \"flat\"", "weights are missing"]);
    refused("convolutions.keras", turn("dilated", "Dropout"), &["conv2d", "in 3 layers of this class, the file in 4"]);

    // The older format, with the weights of another model.
    let (config, _) = parts("convolutions.keras");
    let weights = |file: &str| Weights::open(file, fixture(file)).expect("weights");
    assert!(build("net", &config.to_string(), &weights("convolutions.h5")).is_ok());
    let error = build("net", &config.to_string(), &weights("sequential.h5")).expect_err("other weights").to_string();
    assert!(error.starts_with("net: layer \"dilated\"") && error.contains("1 tensors, the file in 4"), "{error}");
}

#[test]
fn connections_must_lead_somewhere() {
    let reads = |reader: &'static str, read: &'static str, call: u64| {
        move |config: &mut Value| {
            layer(config, reader)["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = json!([read, call, 0]);
        }
    };
    let file = "convolutions.keras";
    refused(file, reads("dilated", "nowhere", 0), &["layer \"dilated\"", "\"nowhere\", which the model does not have"]);
    refused(file, reads("dilated", "image", 3), &["layer \"dilated\"", "call 3 of layer \"image\", which has 1"]);
    refused(file, reads("dilated", "grouped", 0), &["round in a circle"]);
    refused(file, reads("dilated", "dilated", 0), &["layer \"dilated\"", "round in a circle"]);
    refused(
        file,
        |config| layer(config, "dilated")["inbound_nodes"] = json!([]),
        &["layer \"dilated\"", "reads nothing"],
    );
    refused(file, |config| config["config"]["output_layers"] = json!([]), &["no output"]);
    refused(
        file,
        |config| config["config"]["input_layers"] = json!([["image", 0, 0], ["flat", 0, 0]]),
        &["one input is expected, the model has 2"],
    );
}

#[test]
fn shapes_must_be_known_and_small_enough() {
    let shape = |shape: Value| move |config: &mut Value| layer(config, "image")["config"]["batch_shape"] = shape;
    let file = "convolutions.keras";
    refused(file, shape(json!([null, null, 7, 3])), &["layer \"image\"", "must be fixed"]);
    refused(file, shape(json!([null, 0, 7, 3])), &["layer \"image\"", "must be fixed"]);
    refused(file, shape(json!([null, 1_u64 << 40, 1_u64 << 40, 3])), &["too large"]);
    refused(file, shape(json!([null, 1 << 20, 1 << 20, 3])), &["too large"]);
    refused(file, shape(json!([null, 9, 7])), &["layer \"same_strided\"", "four axes"]);
    let set = |name: &'static str, key: &'static str, value: Value| {
        move |config: &mut Value| layer(config, name)["config"][key] = value
    };
    refused(file, set("dilated", "strides", json!([0, 1])), &["layer \"dilated\"", "at least 1"]);
    refused(file, set("dilated", "kernel_size", json!([u64::MAX, 1])), &["layer \"dilated\""]);
    refused(file, set("dilated", "dilation_rate", json!(u64::MAX)), &["layer \"dilated\""]);
    refused(file, set("grouped", "groups", json!(5)), &["layer \"grouped\"", "5 groups"]);
    refused(file, set("grouped", "filters", json!("six")), &["layer \"grouped\"", "\"filters\" must be a count"]);
    refused("pooling.keras", set("pad", "padding", json!([[1_u64 << 40, 0], [0, 0]])), &["layer \"pad\"", "too large"]);
    refused("pooling.keras", set("crop", "cropping", json!(50)), &["layer \"crop\""]);
    refused("shapes.keras", set("two", "target_shape", json!([7, -1])), &["layer \"two\"", "[7, -1]"]);
    refused("shapes.keras", set("permute", "dims", json!([1, 1, 2])), &["layer \"permute\"", "not a permutation"]);
}

#[test]
fn other_files_are_named_for_what_they_are() {
    let refused = |bytes: Vec<u8>, expected: &str| {
        let error = load("bad", bytes).expect_err("no model").to_string();
        assert!(error.starts_with("bad: ") && error.contains(expected), "{error}");
    };
    let (config, weights) = parts("convolutions.keras");
    refused(weights.clone(), "holds weights without a model");
    let empty = hdf5_pure::FileBuilder::new().finish().expect("an HDF5 file");
    refused(empty.clone(), "holds no Keras model");
    refused(archive(&config, b"not HDF5"), "not an HDF5 file");
    refused(archive(&json!("text"), &weights), "no \"config\"");
    refused(archive(&config, &empty), "holds no Keras model");
    let mut nothing = zip::ZipWriter::new(Cursor::new(Vec::new()));
    nothing.start_file("data.pkl", SimpleFileOptions::default()).expect("a file begins");
    refused(nothing.finish().expect("an archive").into_inner(), "no \"config.json\"");
}

#[test]
fn models_that_are_called_twice_by_models_that_are_called_twice_are_bounded() {
    // Each of 40 models calls the one inside it twice: 2^40 layers in ten thousand bytes.
    let input = json!({ "class_name": "InputLayer", "name": "in", "inbound_nodes": [],
        "config": { "name": "in", "batch_shape": [null, 8, 8, 3] } });
    let call = |from: &str, call: u64| json!([[[from, call, 0, {}]]])[0].clone();
    let mut inner = json!({ "class_name": "ReLU", "name": "inner", "config": { "name": "inner" } });
    for depth in 0..40 {
        inner["inbound_nodes"] = json!([call("in", 0), call("inner", 0)]);
        let config = json!({ "name": format!("model{depth}"), "layers": [input, inner],
            "input_layers": [["in", 0, 0]], "output_layers": [["inner", 1, 0]] });
        inner = json!({ "class_name": "Functional", "name": "inner", "config": config });
    }
    inner["config"]["name"] = json!("outer");
    let weights = Weights::made("none", |_, _| unreachable!("no layer has weights"));
    let error = build("net", &inner.to_string(), &weights).expect_err("too many layers").to_string();
    assert!(error.starts_with("net: layer \"outer\": ") && error.contains("20000 are the most"), "{error}");
}

#[test]
fn a_chunk_that_unpacks_to_more_than_its_tensor_is_refused() {
    let stored = |chunk: u64| {
        let mut builder = hdf5_pure::FileBuilder::new();
        let mut layers = builder.create_group("layers");
        let mut dense = layers.create_group("dense");
        let mut vars = dense.create_group("vars");
        vars.create_dataset("0").with_f32_data(&[1.0; 6]).with_shape(&[3, 2]);
        vars.create_dataset("1")
            .with_f32_data(&[1.0; 2])
            .with_shape(&[2])
            .with_maxshape(&[hdf5_pure::MaxExtent::Unlimited])
            .with_chunks(&[chunk])
            .with_deflate(9);
        dense.add_group(vars.finish());
        layers.add_group(dense.finish());
        builder.add_group(layers.finish());
        builder.finish().expect("an HDF5 file")
    };
    let config = json!({ "class_name": "Sequential", "config": { "name": "net", "layers": [
        { "class_name": "InputLayer", "config": { "name": "in", "batch_shape": [null, 3] } },
        { "class_name": "Dense", "config": { "name": "dense", "units": 2 } },
    ] } });
    let built = |chunk| {
        let file = stored(chunk);
        assert!(file.len() < 1 << 20, "{}", file.len());
        build("net", &config.to_string(), &Weights::open("net.h5", file).expect("weights"))
    };
    built(2).map(drop).expect("the chunk is the tensor");
    let error = built(1 << 24).expect_err("64 MiB for 8 bytes").to_string();
    assert!(
        error.contains("layer \"dense\"") && error.contains("chunks of 64 MiB, for a tensor of 8 bytes"),
        "{error}"
    );
}

#[test]
fn a_file_in_an_archive_is_unpacked_within_limits() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, size) in [("config.json", 65 << 20), ("model.weights.h5", 1)] {
        zip.start_file(name, SimpleFileOptions::default()).expect("a file begins");
        zip.write_all(&vec![b' '; size]).expect("it is written");
    }
    let bytes = zip.finish().expect("the archive is written").into_inner();
    let error = load("bomb.keras", bytes).expect_err("a bomb").to_string();
    assert!(error.starts_with("bomb.keras: \"config.json\" in the archive is unpacked to more than"), "{error}");
}

#[test]
fn truncated_files_are_refused() {
    for file in ["sequential.h5", "nested.h5", "sequential.keras"] {
        let bytes = fixture(file);
        for length in (0..bytes.len()).step_by(211) {
            let error = load(file, bytes[..length].to_vec()).expect_err("cut short").to_string();
            assert!(error.starts_with(file), "{error}");
        }
    }
}

/// All numbers in a value.
fn numbers(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Number(_) => vec![value],
        Value::Array(items) => items.iter_mut().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values_mut().flat_map(numbers).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn absurd_numbers_in_a_configuration_never_panic() {
    let odd =
        [json!(0), json!(-1), json!(7), json!(1.5), json!(u64::MAX), json!(i64::MIN), json!(u32::MAX), json!("x")];
    for file in ["convolutions", "depthwise", "pooling", "normalization", "shapes", "merging", "shared"] {
        let (config, weights) = parts(&format!("{file}.keras"));
        let weights = Weights::open(file, weights).expect("weights");
        let count = numbers(&mut config.clone()).len();
        for at in 0..count {
            for odd in &odd {
                let mut config = config.clone();
                *numbers(&mut config)[at] = odd.clone();
                let _ = build(file, &config.to_string(), &weights);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_files_never_panic(
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f)],
        length in 1..9usize,
        file in 0..4usize,
    ) {
        thread_local! {
            static FILES: std::collections::BTreeMap<String, Vec<u8>> = unpack(ARCHIVES[0].1);
        }
        let file = ["sequential.h5", "nested.h5", "sequential.keras", "shared.h5"][file];
        let mut bytes = FILES.with(|files| files[file].clone());
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        bytes[at..end].fill(byte);
        let _ = load(file, bytes);
    }
}
