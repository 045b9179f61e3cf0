//! What an edited file keeps, and which files are refused. What its nodes compute is compared in `tests/protected_models.rs`.

use facts::format::Format;
use facts::model::{Card, Model};
use prost::Message;

use super::edit::{each, field};
use super::{Beyond, Guard, guard};
use crate::import::onnx::proto::ModelProto;
use crate::import::onnx::tests::{IMAGE, classifier, floats, graph, model, node, with_int};

/// The bytes of `proto`, with fields that Faultscope does not know in the model, the graph and the first node.
fn with_unknown_fields(proto: &ModelProto) -> Vec<u8> {
    let mut whole = vec![0x08, 8];
    field(2, b"producer", &mut whole);
    each(&proto.encode_to_vec(), |number, raw, content| {
        if number != 7 {
            whole.extend_from_slice(raw);
            return Some(());
        }
        let (mut graph, mut nodes) = (Vec::new(), 0);
        field(13, b"\x0a\x01c", &mut graph);
        each(content, |number, raw, content| {
            if number == 1 && nodes == 0 {
                let mut node = content.to_vec();
                field(6, b"what the node is for", &mut node);
                // A number of 8 bytes, a field of a later version.
                node.extend([0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8]);
                field(1, &node, &mut graph);
            } else {
                graph.extend_from_slice(raw);
            }
            nodes += u64::from(number == 1);
            Some(())
        })?;
        field(10, b"what the graph is for", &mut graph);
        field(7, &graph, &mut whole);
        Some(())
    })
    .expect("an undamaged file");
    field(14, b"\x0a\x01k\x12\x01v", &mut whole);
    whole
}

/// The fields of a message, each with its key.
fn fields(bytes: &[u8], wanted: impl Fn(u64) -> bool) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    each(bytes, |number, raw, _| {
        all.extend(wanted(number).then(|| raw.to_vec()));
        Some(())
    })
    .expect("an undamaged file");
    all
}

fn content(bytes: &[u8], wanted: u64) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    each(bytes, |number, _, content| {
        all.extend((number == wanted).then(|| content.to_vec()));
        Some(())
    })
    .expect("an undamaged file");
    all
}

/// The model in `proto`, as far as guards need it.
fn read(proto: &ModelProto) -> Model {
    // The tests' networks end in no row of scores.
    let row = crate::import::onnx::import("row.onnx", &classifier().encode_to_vec()).expect("a classifier");
    Model { graph: std::sync::Arc::new(graph(proto).expect("a graph")), card: Card::default(), ..row }
}

/// One pair of bounds for the tensor called `tensor`.
fn bounds(model: &Model, tensor: &str) -> Guard {
    let value = model.graph.values.iter().position(|value| value.name == tensor).expect("a tensor");
    Guard { value, low: vec![-1.0], high: vec![2.0], shape: Vec::new(), beyond: Beyond::Nearest }
}

fn refusal(proto: &ModelProto, change: impl FnOnce(&mut Guard)) -> String {
    let model = read(proto);
    let mut own = bounds(&model, "r");
    change(&mut own);
    guard("net.onnx", &proto.encode_to_vec(), &model, &[own], "").expect_err("the file is to be refused").to_string()
}

#[test]
fn fields_that_do_not_change_are_kept_byte_by_byte() {
    let proto = classifier();
    let bytes = with_unknown_fields(&proto);
    let model = read(&proto);
    let guarded = guard("net.onnx", &bytes, &model, &[bounds(&model, "r")], "ranger").expect("a protected file");
    assert_eq!(guarded.nodes, 3);
    assert_eq!(guarded.operations, 3 * 4);

    let [before, after] = [&bytes, &guarded.bytes].map(|bytes| fields(bytes, |number| number != 7));
    assert_eq!(after[..after.len() - 1], before);
    assert!(after[after.len() - 1].ends_with(b"\x12\x06ranger"), "{:?}", after[after.len() - 1]);
    let [before, after] = [&bytes, &guarded.bytes].map(|bytes| content(bytes, 7).remove(0));
    let others = |graph: &[u8]| fields(graph, |number| number != 1);
    assert_eq!(others(&after)[..others(&before).len()], others(&before));
    // Of the nodes the one that makes the tensor changes, three come behind it, and no other has lost a byte.
    let [before, after] = [before, after].map(|graph| fields(&graph, |number| number == 1));
    assert_eq!((&after[0], &after[5..]), (&before[0], &before[2..]));
}

#[test]
fn a_bounded_tensor_keeps_its_name_and_layers_keep_theirs() {
    let proto = classifier();
    let model = read(&proto);
    for tensor in ["c", "r", "f", "y"] {
        let guarded = guard("net.onnx", &proto.encode_to_vec(), &model, &[bounds(&model, tensor)], "").expect(tensor);
        let again = crate::import::onnx::import("net.onnx", &guarded.bytes).expect(tensor).graph;
        let names: Vec<&str> = again.nodes.iter().map(|node| node.name.as_str()).collect();
        let old = model.graph.nodes.iter().map(|node| node.name.as_str());
        assert!(old.clone().all(|name| names.contains(&name)), "{names:?}");
        assert_eq!(names.len(), old.count() + 3);
        assert_eq!(again.values[again.outputs[0]].name, "y");
        let last = again.nodes.iter().find(|node| node.name == format!("faultscope/{tensor}/clip")).expect(tensor);
        assert_eq!(again.values[last.outputs[0]].name, tensor);
    }
}

#[test]
fn layers_of_one_name_keep_what_they_are_called() {
    let nodes = ["x", "a", "b", "c"].windows(2).map(|pair| node("same", "Relu", &[pair[0]], &[pair[1]]));
    let proto = model(13, &IMAGE, nodes.chain([node("same", "Sigmoid", &["c"], &["y"])]).collect(), Vec::new());
    let model = read(&proto);
    let guarded = guard("net.onnx", &proto.encode_to_vec(), &model, &[bounds(&model, "a")], "").expect("a file");
    let again = graph(&ModelProto::decode(&guarded.bytes[..]).expect("a file")).expect("a graph");
    let names = |graph: &facts::graph::Graph| -> Vec<String> {
        graph.nodes.iter().map(|node| node.name.clone()).filter(|name| !name.starts_with("faultscope/")).collect()
    };
    assert_eq!(names(&again), names(&model.graph));
    assert_eq!(names(&again), ["same", "Relu_1", "Relu_2", "Sigmoid_3"]);
}

#[test]
fn a_protected_file_can_be_protected_again() {
    let proto = classifier();
    let model = read(&proto);
    let once = guard("net.onnx", &proto.encode_to_vec(), &model, &[bounds(&model, "r")], "").expect("a file");
    let model = crate::import::onnx::import("net.onnx", &once.bytes).expect("a model");
    let twice = guard("net.onnx", &once.bytes, &model, &[bounds(&model, "r")], "").expect("a file");
    let graph = crate::import::onnx::import("net.onnx", &twice.bytes).expect("a model").graph;
    assert!(graph.find("faultscope/r/clip").is_ok() && graph.find("faultscope2/r/clip").is_ok());
}

#[test]
fn old_files_get_max_and_min_and_list_constants_as_inputs() {
    let proto =
        model(9, &IMAGE, vec![node("", "Relu", &["x"], &["r"]), node("", "Sigmoid", &["r"], &["y"])], Vec::new());
    let read = read(&proto);
    // Version 3 of the format.
    let bytes = [&[0x08, 3][..], &proto.encode_to_vec()].concat();
    let guarded = guard("net.onnx", &bytes, &read, &[bounds(&read, "r")], "").expect("a file");
    let again = ModelProto::decode(&guarded.bytes[..]).expect("a file").graph.expect("a graph");
    let kinds: Vec<&str> = again.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(kinds, ["Relu", "IsNaN", "Where", "Max", "Min", "Sigmoid"]);
    let inputs: Vec<&str> = again.input.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["x", "faultscope/zero/float32", "faultscope/r/low", "faultscope/r/high"]);
    assert_eq!(again.initializer.len(), 3);
}

#[test]
fn files_without_the_operators_are_refused_with_a_remedy() {
    let nodes = || vec![node("a", "Relu", &["x"], &["r"]), node("b", "Sigmoid", &["r"], &["y"])];
    let old = refusal(&model(8, &IMAGE, nodes(), Vec::new()), |_| ());
    assert!(old.contains("operator set 8") && old.contains("version_converter"), "{old}");
    let proto = model(13, &IMAGE, nodes(), Vec::new());
    let wrong = refusal(&proto, |guard| guard.shape = vec![1, 2, 1, 1]);
    assert!(wrong.starts_with("layer \"r\": bounds of shape [1, 2, 1, 1]"), "{wrong}");
    let swapped = refusal(&proto, |guard| guard.low = vec![f32::NAN]);
    assert!(swapped.contains("the smaller one first"), "{swapped}");
}

#[test]
fn a_layer_in_the_body_of_a_function_is_refused() {
    use crate::import::onnx::proto::{FunctionProto, OperatorSetIdProto};
    let mut call = node("call", "Twice", &["x"], &["y"]);
    call.domain = "own".to_owned();
    let function = FunctionProto {
        name: "Twice".to_owned(),
        domain: "own".to_owned(),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        node: vec![node("first", "Relu", &["a"], &["r"]), node("second", "Sigmoid", &["r"], &["b"])],
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..FunctionProto::default()
    };
    // A call without a name: its place gives its layers their names.
    let mut first = node("", "Twice", &["x"], &["m"]);
    first.domain = "own".to_owned();
    call.input = vec!["m".to_owned()];
    let proto = ModelProto { functions: vec![function], ..model(13, &IMAGE, vec![first, call], Vec::new()) };
    let model = read(&proto);
    let bytes = proto.encode_to_vec();
    let refused = guard("net.onnx", &bytes, &model, &[bounds(&model, "call/r")], "").expect_err("no node of the graph");
    assert!(refused.to_string().starts_with("layer \"call/first\": net.onnx: the layer is in the body"), "{refused}");
    assert!(refused.to_string().contains("onnx.inliner"), "{refused}");
    // What the call itself makes is a tensor of the main graph.
    let guarded = guard("net.onnx", &bytes, &model, &[bounds(&model, "m")], "").expect("a file");
    let again = ModelProto::decode(&guarded.bytes[..]).expect("a file");
    let again = graph(&again).expect("a graph");
    let names: Vec<&str> = again.nodes.iter().map(|node| node.name.as_str()).collect();
    let added = ["is-nan", "mended", "clip"].map(|what| format!("faultscope/m/{what}"));
    let [is_nan, mended, clip] = added.each_ref().map(String::as_str);
    assert_eq!(names, ["Twice_0/first", "Twice_0/second", is_nan, mended, clip, "call/first", "call/second"]);
}

#[test]
fn rounding_moves_bounds_of_zero_only() {
    let model = read(&classifier());
    let nearest = Guard { low: vec![-4.0], ..bounds(&model, "r") };
    assert_eq!(nearest.clone().allowing_for_rounding(Format::F32), nearest);
    let zero = Guard { beyond: Beyond::Zero, ..nearest }.allowing_for_rounding(Format::F32);
    assert_eq!((zero.low[0], zero.high[0]), (-4.004, 2.004));
}

#[test]
fn bounds_of_float64_are_refused() {
    let cast =
        |name: &str, input: &str, to: i64, output: &str| with_int(node(name, "Cast", &[input], &[output]), "to", to);
    let nodes = vec![
        cast("up", "x", 11, "d"),
        node("a", "Relu", &["d"], &["r"]),
        cast("down", "r", 1, "s"),
        node("flat", "Flatten", &["s"], &["f"]),
        node("fc", "Gemm", &["f", "matrix"], &["y"]),
    ];
    let proto = model(13, &IMAGE, nodes, vec![floats("matrix", &[48, 3], &[0.5; 144])]);
    let bytes = proto.encode_to_vec();
    let model = crate::import::onnx::import("net.onnx", &bytes).expect("a model");
    let refused = guard("net.onnx", &bytes, &model, &[bounds(&model, "r")], "").expect_err("float64");
    assert!(refused.to_string().contains("convert the model to float32"), "{refused}");
}
