//! What a file may hold and what becomes of it: names, constants, batches, refusals, hostile bytes. The values
//! that operators compute are compared with other implementations in `tests/onnx_conformance.rs`.

mod branches;
mod external;
mod functions;
mod hostile;
mod loops;
mod outputs;
mod pruned;
mod quantized;

use facts::Result;
use facts::graph::{Graph, Op, Source};
use prost::Message;
use prost::bytes::Bytes;

use super::proto::*;
use super::{Importer, import};

pub(super) fn tensor(name: &str, data_type: i32, dims: &[i64], raw: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type,
        dims: dims.to_vec(),
        raw_data: Some(Bytes::from(raw)),
        ..TensorProto::default()
    }
}

pub(super) fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    tensor(name, data_type::FLOAT, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, data_type::INT64, &[values.len() as i64], raw)
}

pub(super) fn node(name: &str, op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        name: name.to_owned(),
        op_type: op.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: outputs.iter().map(|&name| name.to_owned()).collect(),
        ..NodeProto::default()
    }
}

fn with_ints(mut node: NodeProto, name: &str, values: &[i64]) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        kind: attribute::INTS,
        ints: values.to_vec(),
        ..AttributeProto::default()
    });
    node
}

pub(super) fn with_int(mut node: NodeProto, name: &str, value: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        kind: attribute::INT,
        i: Some(value),
        ..AttributeProto::default()
    });
    node
}

fn value(name: &str, elem_type: i32, dims: &[Option<i64>]) -> ValueInfoProto {
    let dim = dims.iter().map(|&dim_value| DimensionProto { dim_value }).collect();
    let tensor_type = TensorTypeProto { elem_type, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

pub(super) fn model(
    opset: i64,
    input: &[Option<i64>],
    nodes: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        name: "test".to_owned(),
        initializer,
        input: vec![value("x", data_type::FLOAT, input)],
        output: vec![ValueInfoProto { name: "y".to_owned(), r#type: None }],
        sparse_initializer: Vec::new(),
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
    ModelProto { graph: Some(graph), opset_import, functions: Vec::new() }
}

pub(super) const IMAGE: [Option<i64>; 4] = [None, Some(3), Some(4), Some(4)];

pub(super) fn graph(model: &ModelProto) -> Result<Graph> {
    Importer::new().graph("test.onnx", &model.encode_to_vec())
}

fn refusal(model: &ModelProto) -> String {
    graph(model).expect_err("the model is to be refused").to_string()
}

/// A small classifier: convolution, a reshape whose shape is computed, a matrix product with a shared bias.
pub(super) fn classifier() -> ModelProto {
    let nodes = vec![
        node("first", "Conv", &["x", "weight"], &["c"]),
        node("", "Relu", &["c"], &["r"]),
        node("shape", "Shape", &["r"], &["s"]),
        node("batch", "Gather", &["s", "zero"], &["n"]),
        with_int(node("wanted", "Concat", &["n", "rest"], &["v"]), "axis", 0),
        node("view", "Reshape", &["r", "v"], &["f"]),
        node("alias", "Identity", &["bias"], &["same"]),
        node("scores", "Gemm", &["f", "matrix", "same"], &["y"]),
    ];
    let initializers = vec![
        floats("weight", &[1, 3, 3, 3], &[0.5; 27]),
        ints("zero", &[0]),
        ints("rest", &[-1]),
        floats("bias", &[3], &[1.0, 2.0, 3.0]),
        floats("matrix", &[4, 3], &[0.25; 12]),
    ];
    model(13, &IMAGE, nodes, initializers)
}

#[test]
fn one_layer_a_node() {
    let graph = graph(&classifier()).unwrap();
    let layers: Vec<_> = graph.nodes.iter().map(|node| (node.name.as_str(), node.kind.as_str())).collect();
    assert_eq!(
        layers,
        [
            ("first", "Conv"),
            ("Relu_1", "Relu"),
            ("shape", "Shape"),
            ("batch", "Gather"),
            ("wanted", "Concat"),
            ("view", "Reshape"),
            ("alias", "Identity"),
            ("scores", "Gemm")
        ]
    );
    let folded: Vec<_> =
        graph.nodes.iter().filter(|node| node.op == Op::Folded).map(|node| node.name.as_str()).collect();
    assert_eq!(folded, ["shape", "batch", "wanted", "alias"]);
    assert_eq!(graph.nodes[5].op, Op::Reshape { shape: vec![1, 4] });
}

#[test]
fn parameters_are_what_layers_read_as_data() {
    let graph = graph(&classifier()).unwrap();
    let parameters: Vec<_> = graph
        .values
        .iter()
        .filter(|value| value.source == Source::Parameter)
        .map(|value| value.name.as_str())
        .collect();
    assert_eq!(parameters, ["weight", "matrix", "bias"]);
}

#[test]
fn model_is_named_after_its_file() {
    let model = import("folder/cat.onnx", &classifier().encode_to_vec()).unwrap();
    assert_eq!((model.card.name.as_str(), model.graph.name.as_str(), model.classes()), ("cat", "test", 3));
}

#[test]
fn a_fixed_batch_becomes_one_image() {
    let mut batch = classifier();
    batch.graph.as_mut().unwrap().input[0] = value("x", data_type::FLOAT, &[Some(8), Some(3), Some(4), Some(4)]);
    assert_eq!(graph(&batch).unwrap().values[0].shape, [1, 3, 4, 4]);

    let baked = model(
        13,
        &[Some(8), Some(2)],
        vec![node("view", "Reshape", &["x", "shape"], &["y"])],
        vec![ints("shape", &[4, 4])],
    );
    let refusal = refusal(&baked);
    assert!(refusal.contains("batches of 8") && refusal.contains("view"), "{refusal}");
}

#[test]
fn a_batch_written_into_a_reshape_becomes_one_image() {
    let mut baked = model(
        13,
        &[Some(8), Some(8)],
        vec![node("view", "Reshape", &["x", "shape"], &["y"])],
        vec![ints("shape", &[8, -1])],
    );
    baked.graph.as_mut().unwrap().output[0] = value("y", data_type::FLOAT, &[Some(8), Some(8)]);
    assert_eq!(graph(&baked).unwrap().values[1].shape, [1, 8]);
    // A length that only looks like the batch: the elements fit as they are.
    let shape = |lengths: &[i64]| vec![ints("shape", lengths)];
    let view = || vec![node("view", "Reshape", &["x", "shape"], &["y"])];
    let mut rows = model(13, &[Some(8), Some(16)], view(), shape(&[8, 2]));
    rows.graph.as_mut().unwrap().output[0] = value("y", data_type::FLOAT, &[None, Some(2)]);
    let refusal = refusal(&rows);
    assert!(refusal.contains("batches of 8") && refusal.contains("[8, 2]"), "{refusal}");
}

#[test]
fn a_fixed_batch_that_is_mixed_is_refused() {
    let made = |made: NodeProto, stored: Vec<TensorProto>| {
        let mut batch = model(17, &[Some(2), Some(3), Some(4)], vec![made], stored);
        batch.graph.as_mut().unwrap().output[0] = value("y", data_type::FLOAT, &[None, Some(3), Some(4)]);
        batch
    };
    let along = |op: &str, axis: i64| with_int(node("mixing", op, &["x"], &["y"]), "axis", axis);
    for op in ["Softmax", "LpNormalization"] {
        let refusal = refusal(&made(along(op, 0), Vec::new()));
        assert!(refusal.contains("batches of 2") && refusal.contains("mixing"), "{refusal}");
        assert!(graph(&made(along(op, 1), Vec::new())).is_ok(), "{op} along another axis");
    }
    let sum = made(node("mixing", "ReduceSum", &["x", "axes"], &["y"]), vec![ints("axes", &[0])]);
    assert!(refusal(&sum).contains("mixing"), "{}", refusal(&sum));
    let size = made(node("mixing", "Size", &["x"], &["y"]), Vec::new());
    assert!(refusal(&size).contains("mixing"), "{}", refusal(&size));
    let flat = made(along("Flatten", 0), Vec::new());
    assert!(refusal(&flat).contains("mixing"), "{}", refusal(&flat));
}

#[test]
fn an_open_image_size_is_asked_for() {
    for length in [None, Some(0), Some(-1)] {
        let relu = node("r", "Relu", &["x"], &["y"]);
        let open = model(13, &[None, Some(3), length, length], vec![relu], Vec::new());
        let refusal = refusal(&open);
        assert!(refusal.contains("input \"x\"") && refusal.contains("axis 2"), "{refusal}");
        let importer = Importer::new().input_shape("x", [1, 3, 5, 6]);
        let given = importer.graph("test.onnx", &open.encode_to_vec()).unwrap();
        assert_eq!(given.values[given.outputs[0]].shape, [1, 3, 5, 6]);
    }
}

#[test]
fn refusals_name_operator_node_and_opset() {
    let relu = |domain: &str| {
        let mut node = node("n", "Relu", &["x"], &["y"]);
        node.domain = domain.to_owned();
        model(13, &IMAGE, vec![node], Vec::new())
    };
    for (model, expected) in [
        (model(13, &IMAGE, vec![node("n", "Det", &["x"], &["y"])], Vec::new()), ["\"n\"", "Det", "opset 13"]),
        (model(13, &IMAGE, vec![node("", "If", &["x"], &["y"])], Vec::new()), ["\"If_0\"", "If", "opset 13"]),
        (relu("com.microsoft"), ["\"n\"", "com.microsoft.Relu", "opset 13"]),
    ] {
        let refusal = refusal(&model);
        assert!(expected.iter().all(|part| refusal.contains(part)), "{refusal}");
    }
    assert!(graph(&relu("ai.onnx")).is_ok());
}

#[test]
fn refusals_say_why() {
    let n = |op: &str, inputs: &[&str], outputs: &[&str]| vec![node("n", op, inputs, outputs)];
    let unary = |node: NodeProto, initializers| model(13, &IMAGE, vec![node], initializers);
    let half = tensor("w", 10, &[2], vec![0; 4]);
    let mut external = floats("w", &[1], &[1.0]);
    external.data_location = 1;
    let mut sparse = classifier();
    sparse.graph.as_mut().unwrap().sparse_initializer.push(Bytes::new());
    let mut bytes = classifier();
    bytes.graph.as_mut().unwrap().input[0] = value("x", 2, &IMAGE);
    let mut training = vec![node("d", "Dropout", &["x", "", "on"], &["y"])];
    training[0].input[1] = "ratio".to_owned();
    let on = tensor("on", data_type::BOOL, &[], vec![1]);
    let pool = with_ints(node("m", "MaxPool", &["x"], &["m", "indices"]), "kernel_shape", &[2, 2]);
    for (model, expected) in [
        (model(6, &IMAGE, Vec::new(), Vec::new()), "operator set 6"),
        (model(27, &IMAGE, Vec::new(), Vec::new()), "operator set 27"),
        (model(13, &IMAGE, n("Add", &["x", "w"], &["y"]), vec![half]), "float16"),
        (model(13, &IMAGE, n("Add", &["x", "w"], &["y"]), vec![external]), "another file"),
        (model(13, &IMAGE, n("Add", &["x", "w"], &["y"]), vec![ints("w", &[1])]), "integer"),
        (model(13, &IMAGE, n("Reshape", &["x", "x"], &["y"]), Vec::new()), "must be known at import"),
        (model(13, &IMAGE, n("Max", &[], &["y"]), Vec::new()), "found 0"),
        (model(13, &IMAGE, training, vec![floats("ratio", &[], &[0.5]), on]), "training"),
        (model(13, &IMAGE, vec![pool, node("r", "Relu", &["indices"], &["y"])], Vec::new()), "output 1 of MaxPool"),
        (unary(with_int(node("n", "Cast", &["x"], &["y"]), "to", 3), Vec::new()), "cast to int8"),
        (sparse, "sparse"),
        (bytes, "uint8"),
    ] {
        let refusal = refusal(&model);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn contradictions_are_named() {
    let relu = |name: &str, input: &str, output: &str| node(name, "Relu", &[input], &[output]);
    for (model, expected) in [
        (model(13, &IMAGE, vec![relu("a", "b", "y"), relu("c", "y", "b")], Vec::new()), "reads \"b\""),
        (model(13, &IMAGE, vec![relu("a", "lost", "y")], Vec::new()), "reads \"lost\""),
        (model(13, &IMAGE, vec![relu("a", "x", "z")], Vec::new()), "no node makes the output \"y\""),
        (model(13, &IMAGE, vec![relu("a", "x", "y"), relu("b", "x", "y")], Vec::new()), "made twice"),
        (model(13, &IMAGE, vec![relu("a", "x", "x")], Vec::new()), "made twice"),
        (
            model(13, &IMAGE, vec![relu("a", "x", "y")], vec![floats("w", &[1], &[1.0]), floats("w", &[1], &[1.0])]),
            "made twice",
        ),
        (
            model(13, &IMAGE, vec![with_int(with_int(relu("a", "x", "y"), "alpha", 1), "alpha", 1)], Vec::new()),
            "given twice",
        ),
        (
            model(
                13,
                &IMAGE,
                vec![with_ints(node("n", "Transpose", &["x"], &["y"]), "perm", &[0, 1, 1, 2])],
                Vec::new(),
            ),
            "twice",
        ),
    ] {
        let refusal = refusal(&model);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn layers_of_one_name_are_told_apart() {
    let nodes = vec![node("n", "Relu", &["x"], &["a"]), node("n", "Relu", &["a"], &["y"])];
    let graph = graph(&model(13, &IMAGE, nodes, Vec::new())).unwrap();
    assert_eq!((graph.nodes[0].name.as_str(), graph.nodes[1].name.as_str()), ("n", "Relu_1"));
}
