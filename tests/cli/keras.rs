//! Keras models: layers and elements as Keras counts them, and files that are none.

use std::io::{Cursor, Read};

use super::*;

/// A model of `../fixtures/keras/make.py` in a file of its own.
fn model(folder: &TempDir, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let models = include_bytes!("../fixtures/keras/models_3.zip");
    let mut archive = zip::ZipArchive::new(Cursor::new(models)).expect("a ZIP archive");
    let mut bytes = Vec::new();
    archive.by_name(name).expect("the model").read_to_end(&mut bytes).expect("its bytes");
    change(&mut bytes);
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

#[test]
fn layers_are_those_of_model_layers() {
    let folder = TempDir::new().expect("a temporary folder");
    let sequential = json(&["inspect", text(&model(&folder, "sequential.h5", |_| ())), "--json"]);
    assert_eq!(sequential["input_shape"], serde_json::json!([1, 9, 7, 3]));
    let layers = sequential["layers"].as_array().expect("a list");
    let names: Vec<_> = layers.iter().map(|layer| layer["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["conv", "norm", "pool", "flat", "scores"]);
    assert_eq!(layers[2]["output_shape"], serde_json::json!([1, 3, 2, 4]));
    let sampled: Vec<_> = layers.iter().map(|layer| layer["sampled"] == true).collect();
    assert_eq!(sampled, [false, true, true, true, false]);
    assert!(layers.iter().all(|layer| layer["injectable"] == true));

    let functional = json(&["inspect", text(&model(&folder, "training_only.keras", |_| ())), "--json"]);
    let layers = functional["layers"].as_array().expect("a list");
    assert_eq!((&layers[0]["kind"], &layers[0]["sampled"]), (&"InputLayer".into(), &false.into()));
    assert_eq!((&layers[1]["kind"], &layers[1]["sampled"]), (&"GaussianNoise".into(), &true.into()));
}

#[test]
fn elements_count_rows_columns_and_channels() {
    let (folder, image) = one_image();
    let model = model(&folder, "sequential.keras", |_| ());
    let place = ["inject", text(&model), text(&image), "--layer", "pool", "--element", "17", "--bit", "30"];
    faultscope(&place).code(DONE).stdout(contains("1 x 3 x 2 x 4").and(contains("element  17 = [0, 2, 0, 1]")));
    let kernel = ["--target", "weight", "--layer", "conv", "--tensor", "conv/kernel", "--element", "106", "--bit", "3"];
    let kernel = [&["inject", text(&model), text(&image)][..], &kernel[..]].concat();
    faultscope(&kernel).code(DONE).stdout(contains("3 x 3 x 3 x 4").and(contains("element  106 = [2, 2, 2, 2]")));
}

#[test]
fn a_converted_model_is_the_same() {
    let (folder, image) = one_image();
    let model = model(&folder, "nested.h5", |_| ());
    let converted = folder.path().join("nested.bpk");
    faultscope(&["convert", text(&model), text(&converted)]).code(DONE);
    let inject = |model: &Path| {
        json(&["inject", text(model), text(&image), "--layer", "block/relu", "--element", "9", "--bit", "30", "--json"])
    };
    assert_eq!(inject(&model), inject(&converted));
}

#[test]
fn bad_files_are_refused_by_name() {
    let folder = TempDir::new().expect("a temporary folder");
    let cut = model(&folder, "sequential.h5", |bytes| bytes.truncate(bytes.len() / 2));
    refused(&["inspect", text(&cut)], INPUT, "sequential.h5: ");
    let cut = model(&folder, "sequential.keras", |bytes| bytes.truncate(bytes.len() / 2));
    refused(&["inspect", text(&cut)], INPUT, "sequential.keras: ");
    // A class name of the same length, so that nothing else in the file moves.
    let unknown = model(&folder, "sequential.h5", |bytes| {
        let known = b"\"Flatten\"";
        let at = bytes.windows(known.len()).position(|part| part == known).expect("the layer's class");
        bytes[at..at + known.len()].copy_from_slice(b"\"Flutter\"");
    });
    refused(&["inspect", text(&unknown)], INPUT, "sequential.h5: layer \"flat\": Keras layer Flutter is not supported");
}
