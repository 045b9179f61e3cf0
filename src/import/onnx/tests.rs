//! What a file may hold and what becomes of it: names, constants, batches, refusals, hostile bytes. The values
//! that operators compute are compared with other implementations in `tests/onnx_conformance.rs`.

use std::sync::LazyLock;

use proptest::prelude::*;
use prost::Message;
use prost::bytes::Bytes;

use super::proto::*;
use super::{Importer, import};
use crate::graph::{Graph, Op, Source};
use crate::{Error, Result};

fn tensor(name: &str, data_type: i32, dims: &[i64], raw: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type,
        dims: dims.to_vec(),
        raw_data: Some(Bytes::from(raw)),
        ..TensorProto::default()
    }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    tensor(name, data_type::FLOAT, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, data_type::INT64, &[values.len() as i64], raw)
}

fn node(name: &str, op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
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

fn with_int(mut node: NodeProto, name: &str, value: i64) -> NodeProto {
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

fn model(opset: i64, input: &[Option<i64>], nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        name: "test".to_owned(),
        initializer,
        input: vec![value("x", data_type::FLOAT, input)],
        output: vec![ValueInfoProto { name: "y".to_owned(), r#type: None }],
        sparse_initializer: Vec::new(),
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
    ModelProto { graph: Some(graph), opset_import }
}

const IMAGE: [Option<i64>; 4] = [None, Some(2), Some(4), Some(4)];

fn graph(model: &ModelProto) -> Result<Graph> {
    Importer::new().graph("test.onnx", &model.encode_to_vec())
}

fn refusal(model: &ModelProto) -> String {
    graph(model).expect_err("the model is to be refused").to_string()
}

/// A small classifier: convolution, a reshape whose shape is computed, a matrix product with a shared bias.
fn classifier() -> ModelProto {
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
        floats("weight", &[1, 2, 3, 3], &[0.5; 18]),
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
    batch.graph.as_mut().unwrap().input[0] = value("x", data_type::FLOAT, &[Some(8), Some(2), Some(4), Some(4)]);
    assert_eq!(graph(&batch).unwrap().values[0].shape, [1, 2, 4, 4]);

    let baked = model(
        13,
        &[Some(8), Some(2)],
        vec![node("view", "Reshape", &["x", "shape"], &["y"])],
        vec![ints("shape", &[8, 2])],
    );
    let refusal = refusal(&baked);
    assert!(refusal.contains("batches of 8") && refusal.contains("view"), "{refusal}");
}

#[test]
fn a_batch_hidden_in_a_reshape_is_noticed() {
    let mut baked = model(
        13,
        &[Some(8), Some(8)],
        vec![node("view", "Reshape", &["x", "shape"], &["y"])],
        vec![ints("shape", &[8, -1])],
    );
    baked.graph.as_mut().unwrap().output[0] = value("y", data_type::FLOAT, &[Some(8), Some(8)]);
    let refusal = refusal(&baked);
    assert!(refusal.contains("batches of 8") && refusal.contains("[8, 1]"), "{refusal}");
}

#[test]
fn an_open_image_size_is_asked_for() {
    let open = model(13, &[None, Some(3), None, None], vec![node("r", "Relu", &["x"], &["y"])], Vec::new());
    let refusal = refusal(&open);
    assert!(refusal.contains("input \"x\"") && refusal.contains("axis 2"), "{refusal}");
    let given = Importer::new().input_shape("x", [1, 3, 5, 6]).graph("test.onnx", &open.encode_to_vec()).unwrap();
    assert_eq!(given.values[given.outputs[0]].shape, [1, 3, 5, 6]);
}

#[test]
fn refusals_name_operator_node_and_opset() {
    let relu = |domain: &str| {
        let mut node = node("n", "Relu", &["x"], &["y"]);
        node.domain = domain.to_owned();
        model(13, &IMAGE, vec![node], Vec::new())
    };
    for (model, expected) in [
        (model(13, &IMAGE, vec![node("n", "Einsum", &["x"], &["y"])], Vec::new()), ["\"n\"", "Einsum", "opset 13"]),
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
        (model(13, &IMAGE, n("Max", &["x", "x", "x"], &["y"]), Vec::new()), "3 inputs"),
        (model(13, &IMAGE, training, vec![floats("ratio", &[], &[0.5]), on]), "training"),
        (model(13, &IMAGE, vec![pool, node("r", "Relu", &["indices"], &["y"])], Vec::new()), "output 1 of MaxPool"),
        (unary(with_int(node("n", "Cast", &["x"], &["y"]), "to", 10), Vec::new()), "cast to float16"),
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

#[test]
fn data_must_fit_their_shape() {
    for (dims, raw) in [
        (vec![2i64], vec![0u8; 4]),
        (vec![-1], vec![0; 4]),
        (vec![i64::MAX, i64::MAX], vec![0; 4]),
        (vec![1 << 40], Vec::new()),
        (vec![1], vec![0; 5]),
    ] {
        let model = model(
            13,
            &IMAGE,
            vec![node("n", "Add", &["x", "w"], &["y"])],
            vec![tensor("w", data_type::FLOAT, &dims, raw)],
        );
        let refusal = refusal(&model);
        assert!(refusal.contains("initializer \"w\""), "{refusal}");
    }
}

#[test]
fn constants_cannot_be_made_huge() {
    for nodes in [
        vec![node("huge", "ConstantOfShape", &["dims"], &["y"])],
        vec![node("huge", "Range", &["zero", "many", "one"], &["y"])],
        vec![
            node("big", "ConstantOfShape", &["thousand"], &["a"]),
            with_ints(node("column", "Unsqueeze", &["a"], &["b"]), "axes", &[1]),
            node("huge", "Equal", &["a", "b"], &["y"]),
        ],
    ] {
        let scalar = |name: &str, value: i64| tensor(name, data_type::INT64, &[], value.to_le_bytes().to_vec());
        let mut thousand = ints("thousand", &[3000]);
        thousand.name = "thousand".to_owned();
        let initializers = vec![
            ints("dims", &[1 << 31, 1 << 31]),
            thousand,
            scalar("zero", 0),
            scalar("many", i64::MAX),
            scalar("one", 1),
        ];
        let mut model = model(12, &IMAGE, nodes, initializers);
        let fill = AttributeProto {
            name: "value".to_owned(),
            kind: attribute::TENSOR,
            t: Some(ints("", &[1])),
            ..AttributeProto::default()
        };
        let nodes = &mut model.graph.as_mut().unwrap().node;
        nodes.iter_mut().filter(|node| node.op_type == "ConstantOfShape").for_each(|node| {
            node.attribute.push(fill.clone());
        });
        let refusal = refusal(&model);
        assert!(refusal.contains("huge") && refusal.contains("computed at import"), "{refusal}");
    }
}

#[test]
fn axes_without_elements_cost_nothing() {
    let empty = tensor("e", data_type::INT64, &[1 << 50, 0], Vec::new());
    for nodes in [
        vec![with_int(node("n", "Concat", &["e", "e"], &["z"]), "axis", 1), node("r", "Relu", &["x"], &["y"])],
        vec![with_int(node("n", "Gather", &["e", "none"], &["z"]), "axis", 1), node("r", "Relu", &["x"], &["y"])],
    ] {
        let none = ints("none", &[]);
        assert!(graph(&model(13, &IMAGE, nodes, vec![empty.clone(), none])).is_ok());
    }
}

#[test]
fn bytes_that_are_no_model() {
    for bytes in [&b""[..], b"not a model", &[0xff; 100], &[0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
        let error = import("cat.onnx", bytes).unwrap_err();
        assert!(matches!(error, Error::Input { .. }) && error.to_string().starts_with("cat.onnx: "), "{error}");
    }
}

/// A model with every kind of node that import evaluates or resolves settings for.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut model = classifier();
    let graph = model.graph.as_mut().unwrap();
    let scores = graph.node.pop().unwrap();
    graph.node.extend([
        with_ints(node("slice", "Slice", &["r", "zero", "two", "axes", "step"], &["sl"]), "unused", &[1]),
        node("pad", "Pad", &["sl", "pads"], &["p"]),
        node("resize", "Resize", &["p", "", "scales"], &["rs"]),
        with_int(node("split", "Split", &["rs", "sizes"], &["s1", "s2"]), "axis", 3),
        with_int(node("softmax", "Softmax", &["s1"], &["so"]), "axis", -1),
        with_ints(with_ints(node("pool", "MaxPool", &["x"], &["mp"]), "kernel_shape", &[2, 2]), "pads", &[0, 1, 0, 1]),
        with_int(node("cast", "Cast", &["s"], &["ca"]), "to", 1),
        node("product", "Mul", &["ca", "scales"], &["pr"]),
        node("squeeze", "Squeeze", &["so", "axes"], &["sq"]),
        scores,
    ]);
    graph.initializer.extend([
        ints("two", &[2]),
        ints("axes", &[1]),
        ints("step", &[1]),
        ints("pads", &[0, 0, 1, 1, 0, 0, 1, 1]),
        floats("scales", &[4], &[1.0, 1.0, 2.0, 1.5]),
        ints("sizes", &[2, 4]),
    ]);
    model.encode_to_vec()
});

#[test]
fn the_sample_is_a_model() {
    assert_eq!(import("sample.onnx", &SAMPLE).unwrap().graph.nodes.len(), 17);
}

/// Every operator that import knows, for tests that put one in another's place.
const OPERATORS: [&str; 64] = [
    "Abs",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Flatten",
    "Floor",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Identity",
    "LRN",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Sigmoid",
    "Size",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Swish",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "HardSigmoid",
];

/// A change that leaves the file well-formed.
#[derive(Clone, Debug)]
enum Twist {
    /// One of the file's integers (attributes, lengths of axes, elements of integer tensors) becomes another.
    Integer(prop::sample::Index, i64),
    /// A node becomes another operator.
    Operator(prop::sample::Index, &'static str),
    /// A node reads another node's output.
    Input(prop::sample::Index, prop::sample::Index, prop::sample::Index),
    /// Another operator set.
    Opset(i64),
}

fn twist() -> impl Strategy<Value = Twist> {
    let extreme = prop::sample::select(vec![i64::MIN, i64::MIN + 1, -(1 << 31), 1 << 20, 1 << 31, 1 << 62, i64::MAX]);
    let integer = prop_oneof![-9..9i64, extreme];
    prop_oneof![
        4 => (any::<prop::sample::Index>(), integer).prop_map(|(which, value)| Twist::Integer(which, value)),
        2 => (any::<prop::sample::Index>(), prop::sample::select(OPERATORS.to_vec()))
            .prop_map(|(which, operator)| Twist::Operator(which, operator)),
        2 => any::<[prop::sample::Index; 3]>().prop_map(|[node, input, name]| Twist::Input(node, input, name)),
        1 => (7..27i64).prop_map(Twist::Opset),
    ]
}

fn apply(model: &mut ModelProto, twist: &Twist) {
    let graph = model.graph.as_mut().unwrap();
    match twist {
        Twist::Opset(version) => model.opset_import[0].version = *version,
        Twist::Operator(which, operator) => which.get_mut(&mut graph.node).op_type = (*operator).to_owned(),
        Twist::Input(node, input, name) => {
            let names: Vec<_> = graph.node.iter().flat_map(|node| &node.input).cloned().collect();
            let node = node.get_mut(&mut graph.node);
            let end = node.input.len();
            node.input.push(String::new());
            node.input[input.index(end + 1)] = name.get(&names).clone();
        }
        Twist::Integer(which, value) => {
            let mut elements: Vec<Vec<i64>> = Vec::new();
            for tensor in graph.initializer.iter().filter(|tensor| tensor.data_type == data_type::INT64) {
                let (chunks, _) = tensor.raw_data.as_deref().unwrap_or_default().as_chunks::<8>();
                elements.push(chunks.iter().map(|&chunk| i64::from_le_bytes(chunk)).collect());
            }
            let mut integers: Vec<&mut i64> = elements.iter_mut().flatten().collect();
            integers.extend(graph.initializer.iter_mut().flat_map(|tensor| &mut tensor.dims));
            for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
                integers.extend(&mut attribute.ints);
                integers.extend(&mut attribute.i);
            }
            **which.get_mut(&mut integers) = *value;
            let tensors = graph.initializer.iter_mut().filter(|tensor| tensor.data_type == data_type::INT64);
            for (tensor, elements) in tensors.zip(elements) {
                tensor.raw_data =
                    Some(Bytes::from_owner(elements.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_models_are_refused_or_imported(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = SAMPLE.clone();
        for (index, byte) in edits {
            *index.get_mut(&mut bytes) = byte;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        // Either way is right; what counts is that it returns.
        if let Err(error) = import("damaged.onnx", &bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn twisted_models_are_refused_or_imported(twists in prop::collection::vec(twist(), 1..6)) {
        let mut model = ModelProto::decode(SAMPLE.as_slice()).unwrap();
        twists.iter().for_each(|twist| apply(&mut model, twist));
        if let Err(error) = import("twisted.onnx", &model.encode_to_vec()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(import("random.onnx", &bytes).is_err());
    }
}
