//! `If` with a condition that is known at import.

use prost::Message;
use prost::bytes::Bytes;

use super::super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto, data_type};
use super::{IMAGE, floats, graph, model, node, refusal, tensor};

fn branch(name: &str, nodes: Vec<NodeProto>, output: &str) -> AttributeProto {
    let output = vec![ValueInfoProto { name: output.to_owned(), r#type: None }];
    let graph = GraphProto {
        node: nodes,
        output,
        initializer: vec![floats(&format!("{name}.two"), &[1], &[2.0])],
        ..GraphProto::default()
    };
    AttributeProto { name: name.to_owned(), g: Some(Bytes::from(graph.encode_to_vec())), ..AttributeProto::default() }
}

/// A model that doubles or negates what a layer has made.
fn conditional(name: &str, condition: bool) -> ModelProto {
    let mut choice = node(name, "If", &["condition"], &["y"]);
    let double = node("double", "Mul", &["r", "then_branch.two"], &["doubled"]);
    choice.attribute = vec![
        branch("else_branch", vec![node("", "Neg", &["r"], &["negated"])], "negated"),
        branch("then_branch", vec![double, node("clip", "Relu", &["doubled"], &["clipped"])], "clipped"),
    ];
    let condition = tensor("condition", data_type::BOOL, &[], vec![u8::from(condition)]);
    model(13, &IMAGE, vec![node("relu", "Relu", &["x"], &["r"]), choice], vec![condition])
}

#[test]
fn the_branch_that_is_taken_stands_in_the_place() {
    let names = |model: &ModelProto| -> Vec<String> {
        graph(model).unwrap().nodes.iter().map(|node| format!("{} {}", node.name, node.kind)).collect()
    };
    assert_eq!(
        names(&conditional("choice", true)),
        ["relu Relu", "choice/double Mul", "choice/clip Relu", "choice Identity"]
    );
    assert_eq!(names(&conditional("", false)), ["relu Relu", "If_1/Neg_0 Neg", "If_1 Identity"]);
}

#[test]
fn a_condition_may_follow_from_shapes() {
    let mut model = conditional("choice", true);
    let graph_of = model.graph.as_mut().unwrap();
    graph_of.initializer.clear();
    graph_of.initializer.extend([super::ints("axis", &[1]), super::ints("three", &[3])]);
    let choice = graph_of.node.pop().unwrap();
    graph_of.node.extend([
        node("shape", "Shape", &["r"], &["s"]),
        node("channels", "Gather", &["s", "axis"], &["c"]),
        node("is", "Equal", &["c", "three"], &["condition"]),
        choice,
    ]);
    let graph = graph(&model).unwrap();
    assert!(graph.nodes.iter().any(|node| node.name == "choice/double"));
}

#[test]
fn other_conditions_and_branches_are_refused() {
    let mut computed = conditional("choice", true);
    computed.graph.as_mut().unwrap().node[1].input[0] = "r".to_owned();
    let mut missing = conditional("choice", true);
    missing.graph.as_mut().unwrap().node[1].attribute.pop();
    let mut damaged = conditional("choice", true);
    damaged.graph.as_mut().unwrap().node[1].attribute[1].g = Some(Bytes::from_static(&[0x0a, 0x7f]));
    let mut more = conditional("choice", true);
    more.graph.as_mut().unwrap().node[1].output.push("z".to_owned());
    // A branch in a branch in a branch: none of them ends.
    let mut deep = conditional("choice", true);
    for level in 0..20 {
        let mut outer = node("outer", "If", &["condition"], &["y"]);
        let mut inner = deep.graph.as_mut().unwrap().node.pop().unwrap();
        inner.output = vec!["inner".to_owned()];
        let own = branch(&format!("level {level}"), vec![inner], "inner");
        outer.attribute = vec![AttributeProto { name: "then_branch".to_owned(), ..own }];
        deep.graph.as_mut().unwrap().node.push(outer);
    }
    for (model, expected) in [
        (computed, "known at import"),
        (missing, "no then_branch"),
        (damaged, "damaged"),
        (more, "makes 1 outputs, 2"),
        (deep, "branches within each other"),
    ] {
        let refusal = refusal(&model);
        assert!(refusal.contains(expected), "{refusal}");
    }
}
