//! Weights in files beside the model.

use std::sync::Arc;

use facts::Result;
use facts::graph::Graph;
use prost::Message;

use super::{IMAGE, classifier, graph, ints, model, node};
use crate::import::InMemory;
use crate::import::onnx::proto::*;
use crate::import::onnx::{Importer, external_files};

fn entries(entries: &[(&str, &str)]) -> Vec<EntryProto> {
    entries.iter().map(|&(key, value)| EntryProto { key: key.to_owned(), value: value.to_owned() }).collect()
}

/// `model` with all initializers in the file "weights/w.data", and that file. Between two of them are 5 bytes of padding.
fn moved(mut model: ModelProto) -> (ModelProto, Vec<u8>) {
    let mut file = vec![0xaa; 5];
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        let raw = tensor.raw_data.take().unwrap();
        let (offset, length) = (file.len().to_string(), raw.len().to_string());
        tensor.external_data = entries(&[("location", "weights/w.data"), ("offset", &offset), ("length", &length)]);
        tensor.data_location = 1;
        file.extend(&raw);
        file.extend([0xaa; 5]);
    }
    (model, file)
}

fn load(model: &ModelProto, file: &[u8]) -> Result<Graph> {
    let beside = InMemory::new([("w.data".to_owned(), file.to_vec())]);
    Importer::new().beside(Arc::new(beside)).graph("test.onnx", &model.encode_to_vec())
}

#[test]
fn weights_in_another_file_are_those_of_one_file() {
    let (model, file) = moved(classifier());
    assert_eq!(load(&model, &file).unwrap(), graph(&classifier()).unwrap());
    assert_eq!(external_files(&model.encode_to_vec()), ["weights/w.data".to_owned()].into());
    assert!(external_files(&classifier().encode_to_vec()).is_empty());
    assert!(external_files(b"no model").is_empty());
}

#[test]
fn a_constant_may_be_in_another_file() {
    let attribute = |tensor: TensorProto| AttributeProto {
        name: "value".to_owned(),
        kind: attribute::TENSOR,
        t: Some(tensor),
        ..AttributeProto::default()
    };
    let with = |tensor: TensorProto| {
        let mut constant = node("c", "Constant", &[], &["shape"]);
        constant.attribute.push(attribute(tensor));
        model(13, &IMAGE, vec![constant, node("r", "Reshape", &["x", "shape"], &["y"])], Vec::new())
    };
    let mut outside = ints("", &[1, 48]);
    let raw = outside.raw_data.take().unwrap();
    outside.external_data = entries(&[("location", "./w.data")]);
    outside.data_location = 1;
    assert_eq!(load(&with(outside.clone()), &raw).unwrap(), graph(&with(ints("", &[1, 48]))).unwrap());
    let error = load(&with(outside), &raw[..12]).unwrap_err().to_string();
    assert!(error.starts_with("layer \"c\": the tensor of attribute value: its 16 bytes begin at byte 0"), "{error}");
}

#[test]
fn a_place_that_is_none_is_refused() {
    let (good, file) = moved(classifier());
    let refusal = |changed: &[(&str, &str)], file: &[u8]| {
        let mut model = good.clone();
        model.graph.as_mut().unwrap().initializer[0].external_data = entries(changed);
        let error = load(&model, file).unwrap_err().to_string();
        assert!(error.starts_with("test.onnx: initializer \"weight\": its "), "{error}");
        error
    };
    for location in ["../w.data", "a/../../w.data", "/etc/passwd", "C:\\..\\w.data", "\\\\host\\w.data", "", "."] {
        let error = refusal(&[("location", location), ("length", "108")], &file);
        assert!(error.contains("which is not in the folder of the model; only files there are read"), "{error}");
    }
    for (entries, expected) in [
        (&[("location", "other.data")][..], "the file \"other.data\", which was not given with the model; give both"),
        (&[("offset", "0")], "the file is not named"),
        (
            &[("location", "w.data"), ("length", "71")],
            "[1, 3, 3, 3] takes 108 bytes, but 71 bytes in the file \"w.data\"",
        ),
        (&[("location", "w.data"), ("offset", "-1")], "the offset in it is \"-1\"; a number is expected"),
        (&[("location", "w.data"), ("offset", "18446744073709551615")], "which has "),
        (&[("location", "w.data"), ("offset", "9999")], "the file is cut short, or belongs to another model"),
    ] {
        let error = refusal(entries, &file);
        assert!(error.contains(expected), "{error}");
    }
    let mut huge = good.clone();
    huge.graph.as_mut().unwrap().initializer[0].dims = vec![i64::MAX, 3, 3, 3];
    assert!(load(&huge, &file).unwrap_err().to_string().contains("absurdly large"));
}
