//! Inputs of every shape that an image fits, and networks that scale pixel values themselves: the scores are those of
//! onnxruntime (tests/fixtures/inputs/reference.py).

use std::path::PathBuf;
use std::sync::Arc;

use faultscope::campaign::Lab;
use faultscope::data::{Color, Image, Normalise, PreprocessChoice, Resize};
use faultscope::import::{Alone, Statements, load_beside};
use faultscope::model::Model;

/// Of scores around 1: rounding.
const TOLERANCE: f32 = 2e-6;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "inputs"].iter().collect()
}

fn load(name: &str, stated: &Statements, choice: &PreprocessChoice) -> faultscope::Result<Model> {
    let file = format!("{name}.onnx");
    let bytes = std::fs::read(folder().join(&file)).expect("a file of reference.py");
    load_beside(&file, bytes, stated, Arc::new(Alone))?.preprocessed(choice)
}

/// The scores of the picture.
fn scores(model: Model) -> Vec<f32> {
    let picture = std::fs::read(folder().join("picture.png")).expect("a file of reference.py");
    let image = Image::decode("picture.png", &picture).expect("a PNG");
    let input = model.preprocess().apply(&image, model.input_shape()).expect("it fits");
    let lab = Lab::cpu(model).expect("a model that runs");
    pollster::block_on(lab.answer(&input)).expect("an answer").logits
}

fn expected(name: &str) -> Vec<f32> {
    let text = std::fs::read_to_string(folder().join("answers.json")).expect("a file of reference.py");
    let answers: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    serde_json::from_value(answers[name].clone()).expect("scores")
}

fn check(name: &str, model: Model) {
    let (found, expected) = (scores(model), expected(name));
    let most = expected.iter().fold(1.0, |most: f32, score| most.max(score.abs()));
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= TOLERANCE * most, "{name}: {found}, {expected} of onnxruntime");
    }
}

fn stated() -> Statements {
    Statements::default()
}

fn choice() -> PreprocessChoice {
    PreprocessChoice::default()
}

#[test]
fn images_fit_inputs_of_many_shapes() {
    for (name, notice) in [
        ("row", "taken for a grey image of 12 x 12, row by row"),
        ("planes", "taken for an image of 6 x 6, all of red, then green, then blue"),
        ("grey", "does not say how an image becomes the input"),
        ("alpha", "the fourth is taken for an opaque alpha channel"),
        ("last", "does not say how an image becomes the input"),
        ("batch", "does not say how an image becomes the input"),
    ] {
        let model = load(name, &stated(), &choice()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let notices = model.card.notices.join("; ");
        assert!(notices.contains(notice), "{name}: {notices}");
        check(name, model);
    }
}

#[test]
fn an_open_size_is_asked_for_and_can_be_stated() {
    let error = load("open", &stated(), &choice()).expect_err("open").to_string();
    assert_eq!(
        error,
        "open.onnx: input \"image\" leaves the length of axis 2 open; --input-size HxW states the height and width of the image, \
         or export the model with a fixed size"
    );
    let size = |text: &str| Statements { input_size: text.parse().ok(), ..stated() };
    let model = load("open", &size("10x12"), &choice()).expect("a size");
    assert_eq!(model.input_shape(), [1, 3, 10, 12]);
    check("open", model);
    let error = load("last", &size("12x10"), &choice()).expect_err("another size").to_string();
    assert!(error.contains("--input-size 12x10 does not fit the model's input"), "{error}");
}

#[test]
fn networks_that_scale_pixel_values_get_those_they_are_made_for() {
    for (name, wanted, notice) in [
        ("bytes", Normalise::Byte, "the input takes bytes (uint8): pixel values go in as 0 to 255"),
        ("normalised", Normalise::Byte, "(layer \"subtract\", Sub): they go in as 0 to 255"),
        ("unit", Normalise::Unit, "(layer \"subtract\", Sub): they go in as 0 to 1"),
    ] {
        let model = load(name, &stated(), &choice()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(model.preprocess().normalise, wanted.into(), "{name}");
        let notices = model.card.notices.join("; ");
        assert!(notices.contains(notice), "{name}: {notices}");
        check(name, model);
    }
}

#[test]
fn scaling_twice_is_said() {
    let preset = |preset| PreprocessChoice { preset: Some(preset), ..choice() };
    let said = |name, known| load(name, &stated(), &preset(known)).expect("a model").card.notices.join("; ");
    assert!(said("normalised", Normalise::Torch).contains("scaled twice"));
    assert!(said("bytes", Normalise::Unit).contains("scaled twice"));
    assert!(said("unit", Normalise::Byte).contains("is made for 0 to 1"));
    for (name, known) in [("normalised", Normalise::Byte), ("unit", Normalise::Unit), ("plain", Normalise::Torch)] {
        assert_eq!(said(name, known), "", "{name}");
    }
}

#[test]
fn numbers_of_the_users_reach_the_network() {
    let own = PreprocessChoice {
        color: Some(Color::Bgr),
        mean: "0.5".parse().ok(),
        std: "0.25".parse().ok(),
        resize: Some(Resize::Stretch),
        ..choice()
    };
    let model = load("plain", &stated(), &own).expect("a model");
    assert_eq!(model.card.notices, Vec::<String>::new());
    check("plain", model);
}
