//! Binary models at any threshold, and models with several outputs: scores and classes are those of onnxruntime, numpy and
//! Keras (tests/fixtures/outputs).

use std::path::PathBuf;
use std::sync::Arc;

use faultscope::answer::{Answer, Threshold};
use faultscope::campaign::{Lab, Observe, Trial};
use faultscope::fault::{Bits, Corruption, Site, Target};
use faultscope::graph::{HostTensor, Op};
use faultscope::import::{Alone, Format, Statements, load, load_beside};
use faultscope::model::Model;
use faultscope::outcome::{self, Outcome};
use serde_json::Value;

const SIDE: usize = 8;
const IMAGES: usize = 16;
const THRESHOLDS: [&str; 5] = ["0.05", "0.3", "0.5", "0.7", "0.95"];

fn read(file: &str) -> Vec<u8> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "outputs"].iter().collect();
    std::fs::read(folder.join(file)).expect("a file of the scripts")
}

fn answers(file: &str) -> Value {
    serde_json::from_slice(&read(file)).expect("JSON")
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("numbers")
}

/// The images as the scripts give them to the models.
fn inputs() -> Vec<HostTensor> {
    let bytes = read("images.npy");
    let pixels = &bytes[bytes.len() - IMAGES * SIDE * SIDE * 3..];
    let image = |pixels: &[u8]| {
        let channel = |channel: usize| pixels.iter().skip(channel).step_by(3);
        let values: Vec<f32> = (0..3).flat_map(channel).map(|&pixel| f32::from(pixel) * (1.0 / 255.0)).collect();
        HostTensor::new([1, 3, SIDE, SIDE], values).expect("an image")
    };
    pixels.chunks(SIDE * SIDE * 3).map(image).collect()
}

fn model(file: &str, stated: &Statements) -> faultscope::Result<Model> {
    load_beside(file, read(file), stated, Arc::new(Alone))
}

fn output(name: &str) -> Statements {
    Statements { output: Some(name.to_owned()), ..Statements::default() }
}

/// The image without a fault, and with the sign of the first element of `layer` inverted.
fn trial(lab: &Lab, input: &HostTensor, layer: &str) -> (usize, Vec<f32>, Trial) {
    let golden = pollster::block_on(lab.golden(input)).expect("a golden run");
    let graph = &lab.model().graph;
    let sign = Corruption::Flip(Bits::one(31).expect("a bit"));
    let site = Site::find(graph, Target::Activation, layer, 0, sign).expect("a site");
    let trial = pollster::block_on(lab.trial(&golden, &[site], Observe::default())).expect("a trial");
    (golden.class, golden.logits, trial)
}

fn close(found: f32, expected: f32) -> bool {
    (found - expected).abs() <= 2e-5 * expected.abs().max(1.0)
}

#[test]
fn a_threshold_decides_golden_and_faulty_classes_as_numpy_does() {
    let answers = answers("answers.json");
    for name in ["sigmoid", "logit"] {
        let answer = &answers[name];
        let [golden, faulty] = ["golden", "faulty"].map(|key| list::<Vec<f32>>(&answer[key]));
        for threshold in THRESHOLDS {
            let stated = Statements { threshold: threshold.parse().ok(), ..Statements::default() };
            let lab = Lab::cpu(model(&format!("{name}.onnx"), &stated).expect("binary")).expect("it runs");
            let classes: [Vec<usize>; 2] = list(&answer["classes"][threshold]);
            for (image, input) in inputs().iter().enumerate() {
                let (class, scores, trial) = trial(&lab, input, "pool");
                let place = format!("{name}, threshold {threshold}, image {image}");
                // A logit is shared between the two classes.
                let score = |scores: &[f32]| if name == "logit" { 2.0 * scores[1] } else { scores[1] };
                assert!(close(score(&scores), golden[image]), "{place}: {scores:?}");
                assert!(close(score(&trial.logits), faulty[image]), "{place}: {:?}", trial.logits);
                let expected = [classes[0][image], classes[1][image]];
                assert_eq!([class, trial.class], expected, "{place}");
                let sdc = expected[0] != expected[1];
                assert_eq!(trial.verdict.outcome == Outcome::Sdc, sdc, "{place}");
                // Who is asked for the best class gets the decision.
                let first = lab.model().answer.top(&scores, 1)[0];
                assert_eq!(first.class, class, "{place}");
                let probability = outcome::probabilities(&scores)[class];
                assert_eq!(first.probability, probability, "{place}");
            }
        }
    }
}

#[test]
fn at_the_threshold_the_answer_is_class_0() {
    let input = &inputs()[2];
    let score = |stated: &Statements| {
        let lab = Lab::cpu(model("sigmoid.onnx", stated).expect("binary")).expect("it runs");
        let golden = pollster::block_on(lab.answer(input)).expect("an answer");
        (golden.class, golden.logits[1])
    };
    let (_, p) = score(&Statements::default());
    let at = |p: f32| Statements { threshold: Threshold::new(f64::from(p)).ok(), ..Statements::default() };
    assert_eq!(score(&at(p)).0, 0);
    assert_eq!(score(&at(f32::from_bits(p.to_bits() - 1))).0, 1);
}

#[test]
fn a_threshold_for_class_scores_is_refused_in_every_format() {
    let stated = Statements { threshold: "0.9".parse().ok(), ..Statements::default() };
    let expected = "--threshold 0.9 is for a model with one score, and this one has 5, of which the highest is the answer; \
                    leave it out";
    for file in ["main.onnx", "several.h5", "several.keras"] {
        let error = model(file, &stated).expect_err("class scores").to_string();
        assert_eq!(error, format!("{file}: {expected}"));
    }
    let bytes = Format::Burnpack.write(&load("main.onnx", read("main.onnx")).expect("a model")).expect("bytes");
    let error = load_beside("main.bpk", bytes, &stated, Arc::new(Alone)).expect_err("class scores").to_string();
    assert_eq!(error, format!("main.bpk: {expected}"));
}

/// Scores and what a fault does to them are bit for bit those of a file that has only this output.
#[test]
fn one_of_several_outputs_is_as_if_it_were_alone() {
    let answers = answers("answers.json");
    for name in ["main", "auxiliary"] {
        let chosen = Lab::cpu(model("several.onnx", &output(name)).expect("an output")).expect("it runs");
        let alone = Lab::cpu(load(name, read(&format!("{name}.onnx"))).expect("a model")).expect("it runs");
        let expected: Vec<Vec<f32>> = list(&answers["several"][name]);
        for (input, expected) in inputs().iter().zip(expected) {
            let [(class, scores, faulty), (class_alone, scores_alone, faulty_alone)] =
                [&chosen, &alone].map(|lab| trial(lab, input, "conv"));
            let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
            assert_eq!((class, bits(&scores)), (class_alone, bits(&scores_alone)));
            assert_eq!(bits(&faulty.logits), bits(&faulty_alone.logits));
            assert!(scores.iter().zip(expected).all(|(&found, expected)| close(found, expected)), "{name}");
        }
    }
}

#[test]
fn outputs_of_a_keras_model_are_found_chosen_and_said() {
    let answers = answers("keras.json");
    for file in ["several.h5", "several.keras"] {
        let taken = model(file, &Statements::default()).expect("only one ends in a softmax");
        assert_eq!(taken.answer, Answer::Scores { classes: 5, probabilities: true }, "{file}");
        assert_eq!(taken.outputs.len(), 3, "{file}: {:?}", taken.outputs);
        let notices = taken.card.notices.join("; ");
        assert!(notices.contains("of 3 outputs") && notices.contains("not used"), "{file}: {notices}");
        let squash = taken.graph.find("squash").expect("it keeps its place");
        assert_eq!(taken.graph.nodes[squash].op, Op::Folded, "{file}");
        for (index, name) in [("2", "main"), ("1", "auxiliary")] {
            let by_index = model(file, &output(index)).expect("an index");
            let by_name = model(file, &output(&taken.outputs[index.parse::<usize>().expect("a number")]));
            assert_eq!(by_index.graph, by_name.expect("a name").graph, "{file}");
            let lab = Lab::cpu(by_index).expect("it runs");
            let expected: Vec<Vec<f32>> = list(&answers[name]);
            for (input, expected) in inputs().iter().zip(expected) {
                let found = pollster::block_on(lab.answer(input)).expect("an answer").logits;
                assert!(
                    found.iter().zip(&expected).all(|(&found, &expected)| close(found, expected)),
                    "{file}, {name}"
                );
            }
        }
        let error = model(file, &output("0")).expect_err("a map").to_string();
        assert!(error.starts_with(&format!("{file}: output ")) && error.contains("a map"), "{error}");
    }
}

/// The file that is written has the chosen output only, and the layers that are not reached in their places.
#[test]
fn a_converted_model_has_the_chosen_output() {
    for file in ["several.onnx", "several.keras"] {
        let chosen = model(file, &output("1")).expect("an output");
        for format in [Format::Burnpack, Format::Safetensors] {
            let bytes = format.write(&chosen).expect("bytes");
            let again = load("converted", bytes).expect("a model");
            assert_eq!((again.output(), &again.graph, again.answer), (chosen.output(), &chosen.graph, chosen.answer));
            assert_eq!(again.outputs, [chosen.output()]);
        }
    }
}
