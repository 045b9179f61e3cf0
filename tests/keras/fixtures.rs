//! Every layer and option, in tiny models that Keras 2 and 3 wrote: see `fixtures/keras/make.py`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use faultscope::graph::{Graph, Op};
use faultscope::import::keras::{self, Weights, build};
use serde::Deserialize;
use serde_json::Value;

use super::common::{Runner, compare, layers, npy};

pub const ARCHIVES: [(&str, &[u8]); 2] = [
    ("Keras 3", include_bytes!("../fixtures/keras/models_3.zip")),
    ("Keras 2", include_bytes!("../fixtures/keras/models_2.zip")),
];

/// Layers of transformers, and operations outside of layers.
const LATER: (&str, &[u8]) = ("Keras 3, later layers", include_bytes!("../fixtures/keras/models_3_later.zip"));

/// Attention, products, windows along one and three axes, further operations.
const NEWEST: (&str, &[u8]) = ("Keras 3, newest layers", include_bytes!("../fixtures/keras/models_3_newest.zip"));

/// Masks, arrays that a file holds, tables, indices, choices, pooling to a stated size.
const ARRAYS: (&str, &[u8]) = ("Keras 3, arrays", include_bytes!("../fixtures/keras/models_3_arrays.zip"));

/// What Keras knows of a model.
#[derive(Deserialize)]
struct Known {
    /// Whether every layer is called once and is no model.
    flat: bool,
    layers: Vec<(String, String)>,
    shapes: Vec<Vec<usize>>,
}

/// The files of a zip archive by name.
pub fn unpack(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
    let count = archive.len();
    let read = |at| {
        let mut file = archive.by_index(at).expect("a file");
        let name = file.name().expect("its name").into_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("its bytes");
        (name, bytes)
    };
    (0..count).map(read).collect()
}

/// Compares the outputs of all layers, or of the model.
fn check(file: &str, bytes: &[u8], known: &Known, numbers: &[f32]) -> Result<(), String> {
    let graph = Arc::new(keras::graph(file, bytes.to_vec()).map_err(|error| error.to_string())?);
    let graph = &graph;
    let values: Vec<usize> = match known.flat {
        true => graph.nodes.iter().map(|node| node.outputs[0]).collect(),
        false => graph.outputs.clone(),
    };
    // The older format has the layer's class, the newer one the name that Keras registers.
    let found: Vec<(String, String)> = layers(graph)
        .into_iter()
        .map(|(name, class)| (name, class.replace("GroupedQueryAttention", "GroupQueryAttention")))
        .collect();
    if known.flat && found != known.layers {
        return Err(format!("layers {:?}, Keras has {:?}", layers(graph), known.layers));
    }
    let runner = Runner::of(graph.clone());
    let (image, mut rest) = numbers.split_at(graph.values[graph.inputs[0]].elements());
    let run = runner.run(image);
    for (value, shape) in values.into_iter().zip(&known.shapes) {
        let name = &graph.values[value].name;
        if graph.values[value].source_shape() != *shape {
            return Err(format!("{name} has shape {:?}, in Keras {shape:?}", graph.values[value].source_shape()));
        }
        let (expected, later) = rest.split_at(shape.iter().product());
        compare(&runner.read(&run, value), expected, 1e-5).map_err(|problem| format!("{name}: {problem}"))?;
        rest = later;
    }
    assert!(rest.is_empty(), "{file}: {} numbers are left", rest.len());
    Ok(())
}

#[test]
fn every_layer_computes_what_keras_does() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (version, archive) in ARCHIVES.into_iter().chain([LATER, NEWEST, ARRAYS]) {
        let files = unpack(archive);
        for name in files.keys().filter_map(|file| file.strip_suffix(".json")) {
            let known: Known = serde_json::from_slice(&files[&format!("{name}.json")]).expect("what Keras knows");
            let numbers: Vec<f32> = npy(&files[&format!("{name}.npy")]);
            for extension in ["h5", "keras"] {
                let file = format!("{name}.{extension}");
                count += 1;
                if let Err(problem) = check(&file, &files[&file], &known, &numbers) {
                    wrong.push(format!("{version}, {file}: {problem}"));
                }
            }
        }
    }
    assert_eq!(count, 104, "models");
    assert!(wrong.is_empty(), "{} of {count} models differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The graphs of a model in all archives and formats.
fn graphs(name: &str) -> Vec<Graph> {
    let mut graphs = Vec::new();
    for (_, archive) in ARCHIVES {
        let files = unpack(archive);
        for extension in ["h5", "keras"] {
            let file = format!("{name}.{extension}");
            graphs.push(keras::graph(&file, files[&file].clone()).expect("the model imports"));
        }
    }
    graphs
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn models_inside_a_model_stand_in_its_place() {
    for graph in graphs("nested") {
        let expected = "image block/entry block/conv block/norm block/relu block/last between frozen/entry frozen/conv \
                        frozen/norm frozen/relu frozen/last tail/norm tail/flat tail/dense scores";
        assert_eq!(names(&graph), expected.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn a_shared_layer_is_a_layer_for_each_call() {
    for graph in graphs("shared") {
        let expected = "image conv inner/entry inner/mix inner/prelu conv_1 relu inner_1/entry inner_1/mix \
                        inner_1/prelu sum flat scores";
        assert_eq!(names(&graph), expected.split_whitespace().collect::<Vec<_>>());
        let parameters = |name: &str| -> Vec<_> { graph.parameters_of(graph.find(name).expect("a layer")).collect() };
        assert_eq!(parameters("conv"), parameters("conv_1"));
        assert_eq!(parameters("inner/prelu"), parameters("inner_1/prelu"));
    }
}

#[test]
fn a_layer_is_one_node_and_its_weights_are_keras_own() {
    for graph in graphs("convolutions") {
        let node = &graph.nodes[graph.find("same_strided").expect("a layer")];
        assert!(matches!(&node.op, Op::Chain(steps) if steps.len() == 2), "{:?}", node.op);
        let weights: Vec<_> = node.inputs[1..]
            .iter()
            .map(|&id| (graph.values[id].name.as_str(), graph.values[id].source_shape()))
            .collect();
        assert_eq!(weights, [("same_strided/kernel", vec![3, 2, 3, 4]), ("same_strided/bias", vec![4])]);
    }
}

/// Older versions write the same in other ways.
#[test]
fn older_configurations_are_read() {
    let files = unpack(ARCHIVES[1].1);
    let weights = Weights::open("sequential.h5", files["sequential.h5"].clone()).expect("weights");
    let archive = unpack(&files["sequential.keras"]);
    let mut config: Value = serde_json::from_slice(&archive["config.json"]).expect("JSON");
    let graph = build("net", &config.to_string(), &weights).expect("the model as it is");

    // Keras 2.2: the input's shape in the first layer.
    let layers = config["config"]["layers"].as_array_mut().expect("layers");
    let input = layers.remove(0);
    layers[0]["config"]["batch_input_shape"] = input["config"]["batch_input_shape"].clone();
    assert!(layers[0]["config"]["batch_input_shape"].is_array(), "{input}");
    let older = build("net", &config.to_string(), &weights).expect("without an input layer");
    assert_eq!((&older.nodes, older.parameters.len()), (&graph.nodes, graph.parameters.len()));

    // Keras 2.0: a list of layers, and nothing else.
    config["config"] = config["config"]["layers"].clone();
    let oldest = build("net", &config.to_string(), &weights).expect("a list of layers");
    assert_eq!(oldest.nodes, graph.nodes);
}

/// The k-th layer with weights of the file is the k-th of the model, whatever they are called.
#[test]
fn weights_are_matched_by_order() {
    let files = unpack(ARCHIVES[0].1);
    let weights = Weights::open("sequential.h5", files["sequential.h5"].clone()).expect("weights");
    let shapes = weights.layers().expect("its layers");
    let names: Vec<_> = shapes.iter().map(|(name, shapes)| (name.as_str(), shapes.len())).collect();
    assert_eq!(names, [("conv", 2), ("norm", 4), ("scores", 2)]);
    assert_eq!(shapes[0].1, [vec![3, 3, 3, 4], vec![4]]);
    let archive = unpack(&files["sequential.keras"]);
    let config = String::from_utf8(archive["config.json"].clone()).expect("JSON");
    let renamed = config.replace("\"conv\"", "\"another\"");
    assert_ne!(config, renamed);
    let (graph, other) = (build("net", &config, &weights), build("net", &renamed, &weights));
    let (graph, other) = (graph.expect("a graph"), other.expect("the same graph"));
    assert_eq!(other.nodes[0].name, "another");
    assert!(graph.parameters.values().eq(other.parameters.values()));
    let counted = Weights::open("model.weights.h5", archive["model.weights.h5"].clone()).expect("weights");
    let graph_3 = build("net", &config, &counted).expect("the same graph");
    assert!(graph.parameters.values().eq(graph_3.parameters.values()));
    let names: Vec<_> = counted.layers().expect("its layers").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["batch_normalization", "conv2d", "dense"]);
}
