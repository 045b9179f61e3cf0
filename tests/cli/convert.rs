//! `convert`: the same model in another file.

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
