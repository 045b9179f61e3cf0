use std::collections::HashMap;

use facts::data::{Normalise, Preprocess, Resize};
use facts::graph::{
    Conv, Graph, GraphBuilder, HostTensor, Layout, Op, PadMode, Padding2d, Reduction, SampledLayers, Source, Step,
    Unary,
};
use facts::labels::Grouping;
use facts::model::{Card, Model};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Format, document, load};

const FORMATS: [(Format, &str); 2] = [(Format::Burnpack, "net.bpk"), (Format::Safetensors, "net.safetensors")];

fn tensor(shape: &[usize], values: impl FnMut(usize) -> f32) -> HostTensor {
    HostTensor::new(shape, (0..shape.iter().product()).map(values).collect::<Vec<_>>()).expect("the length fits")
}

/// A classifier of two classes with an attribute of every kind that JSON could spoil.
fn model(names: [&str; 3], mut values: impl FnMut(usize) -> f32) -> Model {
    let mut builder = GraphBuilder::new("small");
    let image = builder.input("image", [1, 3, 4, 4]).expect("an input");
    let weight = builder.parameter(names[0], tensor(&[2, 3, 3, 3], &mut values)).expect("a parameter");
    let conv = Op::Conv(Conv {
        strides: [2, 1],
        dilations: [1, 1],
        padding: Padding2d { top: 1, ..Padding2d::default() },
        groups: 1,
    });
    let x = builder.layer("conv", "Conv", conv, &[image, weight]).expect("fits");
    let pad = Op::Pad { mode: PadMode::Constant(f32::NEG_INFINITY), pads: vec![(0, 0), (0, 0), (-1, 1), (0, 0)] };
    let x = builder.layer("pad", "Pad", pad, &[x]).expect("fits");
    let clip = Op::Unary(Unary::Clip { min: f32::NEG_INFINITY, max: 0.1 });
    let x = builder.layer("clip", "Clip", clip, &[x]).expect("fits");
    // As Keras would have it: several steps, and the axes in another order.
    let steps = vec![
        Step { op: Op::Unary(Unary::ClippedRelu { max: f32::INFINITY, slope: 0.1, threshold: 0.2 }), inputs: 1 },
        Step { op: Op::Affine { axis: 1, factor: vec![0.1, 2.0], offset: vec![0.0, -0.3] }, inputs: 0 },
    ];
    let x = builder.layer("chain", "Keras", Op::Chain(steps), &[x]).expect("fits");
    builder.lay_out(x, Layout::new(&[0, 2, 3, 1])).expect("fits");
    builder.sample(SampledLayers::Inner);
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: false };
    let x = builder.layer("mean", "ReduceMean", mean, &[x]).expect("fits");
    builder.folded("constant", "Constant", &[("seven", vec![7])]).expect("fits");
    let dense = builder.parameter(names[1], tensor(&[2, 2], &mut values)).expect("a parameter");
    let bias = builder.parameter(names[2], tensor(&[2], &mut values)).expect("a parameter");
    let gemm = Op::Gemm { alpha: 1.0, beta: 0.3, trans_a: false, trans_b: true };
    let x = builder.layer("dense", "Gemm", gemm, &[x, dense, bias]).expect("fits");
    let graph = builder.finish(&[x]).expect("a valid graph");
    let grouping = "name = \"two\"\nclasses = 2\n[[group]]\nname = \"all\"\ncritical = true\nclasses = \"0-1\"\n";
    let card = Card {
        name: "Small net".to_owned(),
        preprocess: Some(Preprocess::known(Normalise::Lite, Resize::ShorterSide)),
        labels: vec!["cat \"Tom\"".to_owned(), "Hündchen".to_owned()],
        grouping: Some(Grouping::from_toml("two", grouping).expect("a grouping")),
        notices: Vec::new(),
    };
    Model::new(graph, card).expect("a classifier")
}

fn plain() -> Model {
    model(["conv.weight", "dense.weight", "dense.bias"], |index| index as f32 - 0.5)
}

/// Equal, and the parameters bit for bit.
fn assert_same(read: &Model, written: &Model) {
    assert_eq!(read.card, written.card);
    assert_eq!(read.graph.nodes, written.graph.nodes);
    assert_eq!(read.graph.values, written.graph.values);
    assert_eq!(read.graph.sampled, written.graph.sampled);
    assert_eq!((&read.graph.inputs, &read.graph.outputs), (&written.graph.inputs, &written.graph.outputs));
    assert_eq!(read.graph.parameters.len(), written.graph.parameters.len());
    for (id, tensor) in &written.graph.parameters {
        let other = &read.graph.parameters[id];
        assert_eq!(other.shape, tensor.shape);
        assert!(other.data.iter().map(|x| x.to_bits()).eq(tensor.data.iter().map(|x| x.to_bits())));
    }
}

proptest! {
    #[test]
    fn a_round_trip_keeps_every_bit(
        bits in prop::collection::vec(any::<u32>(), 60),
        names in prop::array::uniform3(prop_oneof![Just("w".to_owned()), Just(String::new()), Just("w.1".to_owned()), Just("__metadata__".to_owned()), any::<String>()]),
    ) {
        let mut bits = bits.into_iter().cycle();
        let written = model(names.each_ref().map(String::as_str), |_| bits.next().map_or(0.0, f32::from_bits));
        for (format, name) in FORMATS {
            let bytes = format.write(&written).expect("can be written");
            assert_same(&load(name, bytes).expect("can be read"), &written);
        }
    }

    #[test]
    fn damaged_files_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (format, name) in FORMATS {
            let mut bytes = format.write(&plain()).expect("can be written");
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = load(name, bytes);
        }
    }

    #[test]
    fn absurd_numbers_in_a_description_never_panic(at in any::<prop::sample::Index>(), odd in 0..6usize) {
        let odd = [json!(0), json!(-1), json!(7), json!(u64::MAX), json!(i64::MIN), json!(u32::MAX)][odd].clone();
        let mut description = description(&plain());
        let count = numbers(&mut description).len();
        *numbers(&mut description)[at.index(count)] = odd;
        let _ = document::read("net", &description.to_string(), tensors(&plain()));
    }
}

fn description(model: &Model) -> Value {
    serde_json::from_str(&document::write(model).expect("can be written")).expect("JSON")
}

fn tensors(model: &Model) -> std::collections::BTreeMap<String, HostTensor> {
    document::tensor_names(&model.graph)
        .into_iter()
        .map(|(id, name)| (name, model.graph.parameters[&id].clone()))
        .collect()
}

fn numbers(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Number(_) => vec![value],
        Value::Array(items) => items.iter_mut().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values_mut().flat_map(numbers).collect(),
        _ => Vec::new(),
    }
}

fn refused(name: &str, bytes: Vec<u8>, expected: &str) {
    let error = load(name, bytes).expect_err(expected).to_string();
    assert!(error.starts_with(name) && error.contains(expected), "{error}");
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    for (format, _) in FORMATS {
        assert_eq!(format.write(&plain()).expect("written"), format.write(&plain()).expect("written"));
    }
}

#[test]
fn truncated_files_are_refused() {
    for (format, name) in FORMATS {
        let bytes = format.write(&plain()).expect("can be written");
        for length in 0..bytes.len() {
            let error = load(name, bytes[..length].to_vec()).expect_err("cut short").to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}

#[test]
fn other_files_are_named_for_what_they_are() {
    refused("a.h5", b"\x89HDF\r\n\x1a\n".to_vec(), "not an HDF5 file, or a damaged one");
    refused("a.pth", b"PK\x03\x04....".to_vec(), "this ZIP archive is cut short or damaged");
    refused("a.bpk", Vec::new(), "empty");
    refused("a.txt", b"hello, world".to_vec(), "not a model file");
    let tensors_only: [(&str, safetensors::tensor::TensorView); 0] = [];
    let foreign = safetensors::serialize(tensors_only, None).expect("an empty file");
    refused("a.safetensors", foreign, "tensors without a graph");
    let foreign = burn_store::burn_pack::Writer::new(Vec::new()).into_bytes().expect("an empty file").to_vec();
    refused("a.bpk", foreign, "tensors without a graph");
}

#[test]
fn descriptions_and_tensors_must_agree() {
    let read = |description: &Value, tensors| {
        document::read("net", &description.to_string(), tensors).expect_err("does not fit").to_string()
    };
    let good = description(&plain());
    assert_same(&document::read("net", &good.to_string(), tensors(&plain())).expect("fits"), &plain());

    let mut newer = good.clone();
    newer["version"] = json!(2);
    assert!(read(&newer, tensors(&plain())).contains("format version 2"));

    let mut missing = tensors(&plain());
    missing.remove("dense.bias");
    assert!(read(&good, missing).contains("\"dense.bias\" is missing"));

    let mut extra = tensors(&plain());
    extra.insert("more".to_owned(), tensor(&[1], |_| 0.0));
    assert!(read(&good, extra).contains("no layer knows the tensor \"more\""));

    let mut reshaped = tensors(&plain());
    reshaped.insert("dense.bias".to_owned(), tensor(&[3], |_| 0.0));
    assert!(read(&good, reshaped).contains("shape [2] is expected"));

    let mut labels = good.clone();
    labels["card"]["labels"] = json!(["only one"]);
    assert!(read(&labels, tensors(&plain())).contains("2 class scores, but 1 labels"));

    let mut cyclic = good.clone();
    cyclic["graph"]["nodes"].as_array_mut().expect("layers").reverse();
    assert!(read(&cyclic, tensors(&plain())).starts_with("net: layer "));

    let mut disorderly = good.clone();
    let laid_out = disorderly["graph"]["values"].as_array_mut().expect("values").iter_mut();
    for value in laid_out.filter(|value| value.get("layout").is_some()) {
        value["layout"] = json!([0, 1, 1, 3]);
    }
    assert!(read(&disorderly, tensors(&plain())).contains("does not order the axes"));

    let mut huge = good;
    huge["graph"]["values"][0]["shape"] = json!([1, 3, 1_u64 << 40, 1_u64 << 40]);
    assert!(read(&huge, tensors(&plain())).contains("too large"));
    assert!(document::read("net", &"[".repeat(1 << 20), tensors(&plain())).is_err());
}

#[test]
fn a_model_without_a_name_takes_its_files() {
    let mut unnamed = plain();
    unnamed.card.name.clear();
    for (format, _) in FORMATS {
        let bytes = format.write(&unnamed).expect("can be written");
        assert_eq!(load("folder/my.net.bpk", bytes).expect("can be read").card.name, "my.net");
    }
}

#[test]
fn other_number_types_are_refused() {
    let document = description(&plain()).to_string();
    let mut views = Vec::new();
    for (id, name) in document::tensor_names(&plain().graph) {
        let shape = plain().graph.parameters[&id].shape.clone();
        let halves = vec![0; shape.iter().product::<usize>() * 2];
        views.push((name, shape, halves));
    }
    let views = views.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F16, shape.clone(), bytes);
        (name, view.expect("the length fits"))
    });
    let metadata = HashMap::from([(document::KEY.to_owned(), document)]);
    let bytes = safetensors::serialize(views, Some(metadata)).expect("can be written");
    refused("half.safetensors", bytes, "float32 is expected, found F16");
}

/// Burnpack metadata is CBOR; three of its kinds are enough to forge some.
fn cbor(kind: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![kind << 5 | 27];
    bytes.extend(length.to_be_bytes());
    bytes
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = cbor(3, text.len() as u64);
    bytes.extend(text.as_bytes());
    bytes
}

/// A burnpack whose tensors all claim the same bytes.
fn overlapping(count: u64, length: u64) -> Vec<u8> {
    const MAP: u8 = 5;
    const ARRAY: u8 = 4;
    const UNSIGNED: u8 = 0;
    let mut metadata = cbor(MAP, 2);
    metadata.extend(text("tensors"));
    metadata.extend(cbor(MAP, count));
    for index in 0..count {
        metadata.extend([text(&format!("tensor {index}")), cbor(MAP, 3)].concat());
        metadata
            .extend([text("dtype"), text("F32"), text("shape"), cbor(ARRAY, 1), cbor(UNSIGNED, length / 4)].concat());
        metadata.extend([text("data_offsets"), cbor(ARRAY, 2), cbor(UNSIGNED, 0), cbor(UNSIGNED, length)].concat());
    }
    metadata.extend([text("metadata"), cbor(MAP, 1), text(document::KEY), text("{}")].concat());
    let mut bytes = b"NRUB\x01\0".to_vec();
    bytes.extend((metadata.len() as u32).to_le_bytes());
    bytes.extend(metadata);
    bytes.resize(bytes.len().next_multiple_of(256) + length as usize, 0);
    bytes
}

#[test]
fn tensors_that_share_their_bytes_are_refused() {
    refused("one.bpk", overlapping(1, 4096), "cannot be read: missing field `version`");
    refused("many.bpk", overlapping(50, 1 << 20), "overlap");
}

#[test]
fn every_parameter_has_a_name_of_its_own() {
    let graph: Graph = (*model(["", "", ".1"], |_| 0.0).graph).clone();
    let names: Vec<_> = document::tensor_names(&graph).into_iter().map(|(_, name)| name).collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    let parameters = graph.values.iter().filter(|value| value.source == Source::Parameter).count();
    assert_eq!((names.len(), distinct.len()), (parameters, parameters));
    assert!(names.iter().all(|name| !name.is_empty()));
}
