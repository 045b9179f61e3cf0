//! Files with several outputs, and with one score.

use facts::answer::{Answer, Threshold};
use facts::fault::{Bits, Corruption, Site, Target};
use facts::graph::{HostTensor, Op};
use facts::outcome::Outcome;

use super::*;
use crate::campaign::Lab;
use crate::exec::Observe;
use crate::import::onnx::import_beside;
use crate::import::{Alone, Statements};

/// Scores in "y", features in "f", the index of the best class in "best".
fn import_output(name: &str, bytes: &[u8], output: Option<&str>) -> facts::Result<facts::model::Model> {
    let stated = Statements { output: output.map(str::to_owned), ..Statements::default() };
    import_beside(name, bytes, &stated, std::sync::Arc::new(Alone))
}

fn three() -> ModelProto {
    let mut model = classifier();
    let graph = model.graph.as_mut().unwrap();
    graph.node.push(node("argmax", "ArgMax", &["y"], &["best"]));
    graph.output = vec![
        value("best", data_type::INT64, &[Some(1)]),
        value("f", data_type::FLOAT, &[Some(1), Some(4)]),
        value("y", data_type::FLOAT, &[Some(1), Some(3)]),
    ];
    model
}

#[test]
fn the_scores_are_found_among_features_and_an_index() {
    let bytes = three().encode_to_vec();
    let model = import("three.onnx", &bytes).unwrap();
    assert_eq!((model.output(), model.classes()), ("y", 3));
    let argmax = model.graph.find("argmax").unwrap();
    assert_eq!((argmax, &model.graph.nodes[argmax].op), (8, &Op::Folded));
    let notices = model.card.notices.join("; ");
    assert!(notices.contains("not used: \"best\"") && notices.contains("not used: \"f\" (1 x 4)"), "{notices}");

    let only = import("only.onnx", &classifier().encode_to_vec()).unwrap();
    assert_eq!(only.card.notices, Vec::<String>::new());
}

#[test]
fn an_output_is_chosen_by_name_or_index() {
    let bytes = three().encode_to_vec();
    for wanted in ["f", "1"] {
        let model = import_output("three.onnx", &bytes, Some(wanted)).unwrap();
        assert_eq!((model.output(), model.classes()), ("f", 4));
        assert_eq!(model.graph.nodes[model.graph.find("scores").unwrap()].op, Op::Folded);
    }
    let error = import_output("three.onnx", &bytes, Some("z")).unwrap_err().to_string();
    assert_eq!(error, "three.onnx: the model has no output \"z\"; its outputs are 0 \"best\", 1 \"f\", 2 \"y\"");
    assert!(import_output("three.onnx", &bytes, Some("best")).unwrap_err().to_string().contains("int64"));
}

#[test]
fn a_class_index_alone_is_no_answer_and_one_that_nobody_asks_for_is_ignored() {
    let mut index = three();
    index.graph.as_mut().unwrap().output.truncate(1);
    let error = import("index.onnx", &index.encode_to_vec()).unwrap_err().to_string();
    assert!(error.starts_with("index.onnx: output \"best\" has elements of type int64"), "{error}");

    let mut dangling = three();
    dangling.graph.as_mut().unwrap().output.drain(..2);
    let model = import("dangling.onnx", &dangling.encode_to_vec()).unwrap();
    assert_eq!((model.output(), model.graph.nodes.len()), ("y", 9));
}

/// One sigmoid of `weight` times the sum of the image.
fn sigmoid(weight: f32) -> Lab {
    let nodes = vec![
        node("flat", "Flatten", &["x"], &["f"]),
        node("sum", "MatMul", &["f", "weights"], &["z"]),
        node("score", "Sigmoid", &["z"], &["y"]),
    ];
    let model = model(13, &IMAGE, nodes, vec![floats("weights", &[48, 1], &[weight; 48])]);
    Lab::cpu(import("sigmoid.onnx", &model.encode_to_vec()).unwrap()).unwrap()
}

#[test]
fn one_sigmoid_is_an_answer_of_two_classes_that_a_flip_can_change() {
    let image = HostTensor::new([1, 3, 4, 4], vec![1.0 / 12.0; 48]).unwrap();
    for (weight, class, score) in [(1.0, 1, 1.0 / (1.0 + (-4f32).exp())), (-1.0, 0, 1.0 / (1.0 + 4f32.exp()))] {
        let lab = sigmoid(weight);
        assert_eq!(lab.model().answer, Answer::Binary { probability: true, threshold: Threshold::default() });
        assert_eq!(lab.model().classes(), 2);
        let golden = pollster::block_on(lab.golden(&image)).unwrap();
        assert_eq!(golden.class, class);
        assert!((golden.logits[1] - score).abs() < 1e-6 && (golden.logits[0] + golden.logits[1] - 1.0).abs() < 1e-6);
        // The sign of the sum.
        let graph = &lab.model().graph;
        let flip = Corruption::Flip(Bits::one(31).unwrap());
        let site = Site::find(graph, Target::Activation, "sum", 0, flip).unwrap();
        let trial = pollster::block_on(lab.trial(&golden, &[site], Observe::default())).unwrap();
        assert_eq!((trial.verdict.outcome, trial.verdict.due, trial.class), (Outcome::Sdc, false, 1 - class));
    }
}
