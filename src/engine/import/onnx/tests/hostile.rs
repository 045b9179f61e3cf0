//! Bytes that mean harm, or had an accident: a clear error, no panic, and no more memory than the file is worth.

use std::sync::LazyLock;

use burn::tensor::Device;
use facts::Error;
use facts::graph::{Op, Padding2d};
use facts::model::Model;
use proptest::prelude::*;
use prost::Message;
use prost::bytes::Bytes;

use super::{IMAGE, classifier, floats, graph, ints, model, node, refusal, tensor, with_int, with_ints};
use crate::exec::{Executor, Plain};
use crate::import::onnx::import;
use crate::import::onnx::proto::*;
use crate::ops::Array;

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
            node("huge", "Add", &["a", "b"], &["y"]),
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
const OPERATORS: &str = "\
    Abs Add AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv Div \
    Dropout Elu Erf Exp Flatten Floor Gather Gelu Gemm GlobalAveragePool GlobalMaxPool Identity LRN \
    LogSoftmax MatMul Max MaxPool Min Mul Neg PRelu Pad Pow Range Reciprocal ReduceMax ReduceMean \
    ReduceMin ReduceProd ReduceSum Relu Reshape Resize Shape Sigmoid Size Slice Softmax Softplus Split \
    Sqrt Squeeze Sub Sum Swish Tanh Transpose Unsqueeze Upsample HardSigmoid";

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
        2 => (any::<prop::sample::Index>(), prop::sample::select(OPERATORS.split(' ').collect::<Vec<_>>()))
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

/// Runs a model that was imported, where that is little work: what passes import must not fail later.
fn run(model: &Model) {
    let graph = &model.graph;
    let elements = graph.values.iter().fold(0usize, |sum, value| sum.saturating_add(value.elements()));
    let padding = graph.nodes.iter().map(|node| match &node.op {
        Op::MaxPool(pool) | Op::AveragePool { pool, .. } => pool.padding,
        Op::Conv(conv) => conv.padding,
        _ => Padding2d::default(),
    });
    let padding = padding.map(|sides| sides.top + sides.left + sides.bottom + sides.right).max();
    if elements > 1 << 14 || padding > Some(64) {
        return;
    }
    let executor = Executor::new(graph.clone(), &Device::flex()).unwrap();
    let input = &graph.values[graph.inputs[0]];
    let zeros = Array::from_slice(&input.shape, &vec![0.0; input.elements()], &Device::flex());
    pollster::block_on(executor.run(&[zeros], &mut Plain)).unwrap();
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
        match import("twisted.onnx", &model.encode_to_vec()) {
            Ok(model) => run(&model),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(import("random.onnx", &bytes).is_err());
    }
}
