//! Models whose weights are in a file beside them (../fixtures/cli/external.py).

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use super::*;

const EXTERNAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/external.onnx");

/// A folder with copies of the model and its weights.
fn copied() -> (TempDir, PathBuf, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let (model, weights) = (folder.path().join("external.onnx"), folder.path().join("external.onnx.data"));
    fs::copy(EXTERNAL, &model).expect("a copy");
    fs::copy(format!("{EXTERNAL}.data"), &weights).expect("a copy");
    (folder, model, weights)
}

#[test]
fn weights_beside_the_model_are_read() {
    let (_folder, image) = one_image();
    let answer = |model: &str| json(&["predict", model, text(&image), "--json"]);
    assert_eq!(answer(EXTERNAL), answer(MODEL));
}

#[test]
fn weights_that_are_not_there_are_named() {
    let (folder, image) = one_image();
    let (_copies, model, weights) = copied();
    let predict = [&["predict", text(&model), text(&image)][..]].concat();
    fs::write(&weights, b"short").expect("the test can write");
    refused(&predict, INPUT, "the file is cut short, or belongs to another model");
    fs::remove_file(&weights).expect("the test can remove");
    refused(&predict, INPUT, "the file \"external.onnx.data\", which is not in the folder of the model");
    refused(&predict, INPUT, "put it there; or save the model as one file");
    fs::create_dir(&weights).expect("the test can write");
    refused(&predict, INPUT, "which is no plain file");
    #[cfg(unix)]
    {
        let outside = folder.path().join("outside.data");
        fs::copy(format!("{EXTERNAL}.data"), &outside).expect("a copy");
        fs::remove_dir(&weights).expect("the test can remove");
        std::os::unix::fs::symlink(&outside, &weights).expect("a link");
        refused(&predict, INPUT, "which is a link out of the folder of the model");
    }
}

/// The hash of the weights stands in config.json; a campaign on other weights is another campaign.
#[test]
fn changed_weights_are_noticed_at_resume() {
    let (_copies, model, weights) = copied();
    let (images, out) = (image_folder(), TempDir::new().expect("a folder"));
    let out = out.path().join("run");
    let campaign = ["campaign", "--model", text(&model), "--data", text(images.path()), "--out", text(&out)];
    let campaign = [&campaign[..], &["--faults", "3"]].concat();
    faultscope(&campaign).code(DONE);
    let config: Value = serde_json::from_slice(&fs::read(out.join("config.json")).expect("a file")).expect("JSON");
    let hash = faultscope::data::sha256(&fs::read(&weights).expect("a file"));
    assert_eq!(config["model"]["external"]["external.onnx.data"], hash);
    let resumed = [&campaign[..], &["--resume"]].concat();
    faultscope(&resumed).code(DONE);
    let mut file = fs::read(&weights).expect("a file");
    file[0] ^= 1;
    fs::write(&weights, file).expect("the test can write");
    refused(&resumed, INPUT, "model.external.external.onnx.data");
}

/// Only the ranges of the tensors are read, so a file of weights may be larger than protocol buffers, and than memory.
#[cfg(unix)]
#[test]
fn weights_may_lie_beyond_two_gigabytes() {
    let (images, (folder, model, weights)) = (one_image(), copied());
    let far = folder.path().join("far.onnx");
    fs::copy(Path::new(EXTERNAL).with_file_name("far.onnx"), &far).expect("a copy");
    let mut file = File::create(folder.path().join("far.data")).expect("the test can write");
    // Files have holes: this one takes a few kilobytes of the disk.
    file.seek(SeekFrom::Start(9_000_000_000)).expect("a place");
    file.write_all(&fs::read(&weights).expect("a file")).expect("the test can write");
    let answer = |model: &Path| json(&["predict", text(model), text(&images.1), "--json"]);
    assert_eq!(answer(&far), answer(&model));
}
