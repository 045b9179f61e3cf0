//! `Loop` with a number of rounds that is known at import.

use prost::Message;
use prost::bytes::Bytes;

use super::super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto, data_type};
use super::{IMAGE, floats, graph, ints, model, node, refusal, tensor};

fn named(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: name.to_owned(), r#type: None }
}

/// A model that doubles what a layer has made in each round.
fn repeated(rounds: i64, body: Vec<NodeProto>, condition: &str) -> ModelProto {
    let graph = GraphProto {
        node: body,
        input: vec![named("number"), named("on"), named("before")],
        output: vec![named(condition), named("after")],
        initializer: vec![floats("two", &[1], &[2.0]), ints("three", &[3])],
        ..GraphProto::default()
    };
    let mut turns = node("again", "Loop", &["rounds", "start", "r"], &["y"]);
    turns.attribute = vec![AttributeProto {
        name: "body".to_owned(),
        g: Some(Bytes::from(graph.encode_to_vec())),
        ..AttributeProto::default()
    }];
    let start = tensor("start", data_type::BOOL, &[], vec![1]);
    let nodes = vec![node("relu", "Relu", &["x"], &["r"]), turns];
    model(13, &IMAGE, nodes, vec![ints("rounds", &[rounds]), start])
}

fn double() -> NodeProto {
    node("double", "Mul", &["before", "two"], &["after"])
}

#[test]
fn each_round_has_layers_of_its_own() {
    let graph = graph(&repeated(2, vec![double()], "on")).unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["relu", "again/0/double", "again/1/double", "again"]);
}

#[test]
fn a_condition_may_follow_from_the_round() {
    let body = vec![double(), node("less", "Less", &["number", "three"], &["goes"])];
    let graph = graph(&repeated(100, body, "goes")).unwrap();
    let doubled = graph.nodes.iter().filter(|node| node.kind == "Mul").count();
    assert_eq!(doubled, 4, "rounds 0 to 3");
}

#[test]
fn loops_without_a_known_end_are_refused() {
    let endless = repeated(1 << 40, vec![double()], "on");
    let mut open = repeated(2, vec![double()], "on");
    open.graph.as_mut().unwrap().node[1].input[0] = "r".to_owned();
    let computed = repeated(2, vec![double(), node("", "Greater", &["after", "two"], &["goes"])], "goes");
    let mut bodiless = repeated(2, vec![double()], "on");
    bodiless.graph.as_mut().unwrap().node[1].attribute.clear();
    let mut misfit = repeated(2, vec![double()], "on");
    misfit.graph.as_mut().unwrap().node[1].input.push("r".to_owned());
    for (model, expected) in [
        (endless, "has not ended after 1024 rounds"),
        (open, "must be known at import"),
        (computed, "computed from the image"),
        (bodiless, "no body"),
        (misfit, "do not fit its 2 carried tensors"),
    ] {
        let refusal = refusal(&model);
        assert!(refusal.contains("again") && refusal.contains(expected), "{refusal}");
    }
}
