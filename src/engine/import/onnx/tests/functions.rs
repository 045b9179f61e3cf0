//! Functions that a model defines.

use super::super::proto::{AttributeProto, FunctionProto, ModelProto, NodeProto, OperatorSetIdProto};
use super::{IMAGE, graph, model, node, refusal, with_int};

fn in_domain(mut node: NodeProto, domain: &str) -> NodeProto {
    node.domain = domain.to_owned();
    node
}

fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    FunctionProto {
        name: name.to_owned(),
        domain: "own".to_owned(),
        input: texts(inputs),
        output: texts(outputs),
        node: nodes,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..FunctionProto::default()
    }
}

/// Two calls of a function that calls another, with an attribute of its own.
fn calls() -> ModelProto {
    let mut soft = node("", "Softmax", &["v"], &["w"]);
    soft.attribute.push(AttributeProto { name: "axis".into(), ref_attr_name: "which".into(), ..Default::default() });
    let mut inner = function("Inner", &["v"], &["w"], vec![soft]);
    inner.attribute_proto = with_int(node("", "", &[], &[]), "which", 1).attribute;
    let call = with_int(in_domain(node("call", "Inner", &["t"], &["b"]), "own"), "which", 3);
    let outer = function("Outer", &["a"], &["b"], vec![node("r", "Relu", &["a"], &["t"]), call]);
    let nodes = vec![
        in_domain(node("first", "Outer", &["x"], &["m"]), "own"),
        in_domain(node("", "Inner", &["m"], &["n"]), "own"),
        in_domain(node("last", "Outer", &["n"], &["y"]), "own"),
    ];
    ModelProto { functions: vec![outer, inner], ..model(13, &IMAGE, nodes, Vec::new()) }
}

#[test]
fn a_call_becomes_the_nodes_of_the_body() {
    let graph = graph(&calls()).unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["first/r", "first/call/Softmax_0", "Inner_1/Softmax_0", "last/r", "last/call/Softmax_0"]);
    let axes: Vec<String> = graph.nodes.iter().map(|node| format!("{:?}", node.op)).collect();
    // The call's attribute, the function's default.
    assert!(axes[1].contains("axis: 3") && axes[2].contains("axis: 1") && axes[4].contains("axis: 3"), "{axes:?}");
}

#[test]
fn bad_functions_are_refused_with_the_call() {
    let mut endless = calls();
    endless.functions[1].node[0] = in_domain(node("again", "Outer", &["v"], &["w"]), "own");
    let mut doubling = calls();
    doubling.functions = (0..40)
        .map(|level| {
            let next = format!("F{}", level + 1);
            let call = |from: &str, to: &str| in_domain(node("", &next, &[from], &[to]), "own");
            function(&format!("F{level}"), &["a"], &["b"], vec![call("a", "t"), call("t", "b")])
        })
        .collect();
    doubling.graph.as_mut().unwrap().node = vec![in_domain(node("first", "F0", &["x"], &["y"]), "own")];
    let mut older = calls();
    older.functions[0].opset_import[0].version = 11;
    let mut greedy = calls();
    greedy.graph.as_mut().unwrap().node[0].input.push("x".to_owned());
    let mut missing = calls();
    missing.functions.remove(1);
    for (model, expected) in [
        (endless, "has no end"),
        (doubling, "has no end"),
        (older, "operator set 11"),
        (greedy, "at most 1 inputs and 1 outputs"),
        (missing, "own.Inner"),
    ] {
        let refusal = refusal(&model);
        assert!(refusal.contains("first") && refusal.contains(expected), "{refusal}");
    }
}
