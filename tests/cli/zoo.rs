//! Architectures by name: the list, random weights, and files of weights that do not fit.

use std::io::{Cursor, Read};

use super::*;

/// A weights-only file of a network like MobileNet with fewer filters.
fn thin_mobilenet() -> Vec<u8> {
    let bytes = include_bytes!("../fixtures/keras_zoo/fixtures.zip");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes.as_slice())).expect("an archive");
    let mut content = Vec::new();
    archive.by_name("narrow/mobilenet.h5").expect("a file").read_to_end(&mut content).expect("its content");
    content
}

#[test]
fn architectures_are_listed() {
    let list = json(&["architectures", "--json"]);
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 53);
    for entry in list {
        assert_eq!(keys(entry), ["classes", "file", "id", "name", "preprocess", "side"]);
    }
    assert_eq!(list[0]["id"], "resnet50");
    assert_eq!(list[0]["file"], "resnet50_weights_tf_dim_ordering_tf_kernels.h5");
    assert_eq!(list[0]["preprocess"], "caffe");
    assert_eq!(list[52]["classes"], Value::Null, "as many as the weights have");
    faultscope(&["architectures"]).code(DONE).stdout(contains("nasnet_large.h5").and(contains("inceptionv4-32x32")));
}

#[test]
fn an_architecture_runs_with_random_weights_and_says_so() {
    let (folder, image) = one_image();
    let net = "zoo:googlenet-32x32:43";
    let inspect = faultscope(&["inspect", net, "--json"]).code(DONE).stderr(contains("weights are random"));
    let model: Value = serde_json::from_slice(&inspect.get_output().stdout).expect("JSON");
    assert_eq!(model["classes"], 43);
    assert_eq!(model["layers"].as_array().expect("a list").len(), 222);
    assert_eq!(model["layers"][1]["output_shape"], serde_json::json!([1, 32, 32, 64]));
    let predict = |model: &str| {
        let output = faultscope(&["predict", model, text(&image), "--json"]).code(DONE).get_output().stdout.clone();
        String::from_utf8(output).expect("UTF-8")
    };
    let stored = folder.path().join("net.bpk");
    faultscope(&["convert", net, text(&stored)]).code(DONE);
    assert_eq!(predict(net), predict(text(&stored)), "the same weights every time");

    refused(&["inspect", "zoo:googlenet"], INPUT, "there are resnet50, resnet101");
    refused(&["inspect", "zoo:resnet50:10"], INPUT, "resnet50 is for 1000 classes");
    refused(&["inspect", "zoo:googlenet-32x32:many"], INPUT, "a number of classes is expected");
    refused(&["inspect", net, "--architecture", "resnet50"], INPUT, "leave out --architecture");
}

#[test]
fn weights_that_do_not_fit_are_refused_with_the_layer() {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    let weights = thin_mobilenet();
    let (own, named) = (write("own.h5", &weights), write("mobilenet_1_0_224_tf.h5", &weights));
    refused(&["inspect", text(&own)], INPUT, "its name does not tell the architecture");
    refused(&["inspect", text(&own), "--architecture", "mobilenet"], INPUT, "own.h5: not weights of mobilenet: layer");
    refused(&["inspect", text(&named)], INPUT, "a weight of shape [3, 3, 3, 32] is expected");
    refused(&["inspect", text(&named), "--architecture", "vgg16"], INPUT, "not weights of vgg16");
    refused(&["inspect", text(&write("vgg16_notop.h5", &weights))], INPUT, "without the layers that classify");
    refused(&["inspect", MODEL, "--architecture", "vgg16"], INPUT, "are read from an HDF5 file");
    let cut = write("resnet50.h5", &weights[..weights.len() / 2]);
    refused(&["inspect", text(&cut), "--architecture", "resnet50"], INPUT, "resnet50.h5");
}
