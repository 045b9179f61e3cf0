//! `inspect`: layers as they are in the file.

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
