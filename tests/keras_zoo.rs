//! Every architecture of the zoo against Keras, with random weights that Keras made (fixtures/keras_zoo/parity.py): the
//! list of layers, elements of every layer's output, class probabilities, preprocessing, in all formats of weights.

#[path = "support/missing.rs"]
mod missing;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use faultscope::data::{Image, Preprocess, Resize};
use faultscope::exec::{Executor, Plain};
use faultscope::graph::{Graph, HostTensor};
use faultscope::import;
use faultscope::model::Model;
use faultscope::ops::Array;
use serde::{Deserialize, Serialize};

/// Largest difference of the output, relative to the largest value.
const TOLERANCE: f32 = 1e-4;
/// The same within the network: random weights amplify rounding from layer to layer, and what comes in the end is smoother.
const LAYER_TOLERANCE: f32 = 1e-3;
/// Of the preprocessing, relative to the largest value: rounding.
const ROUNDING: f32 = 1e-6;

/// `parity.json`.
#[derive(Deserialize)]
struct Parity {
    id: String,
    parameters: usize,
    files: Files,
    layers: Vec<Layer>,
    /// Whether the files are whole models of keras.applications in another size, which the zoo does not have: layers are found
    /// by name, as there are operations and nested models among them, and the preprocessing is not known.
    #[serde(default)]
    whole: bool,
}

/// The same weights, four times.
#[derive(Deserialize)]
struct Files {
    /// Weights only, as keras.applications publishes them.
    weights: String,
    /// Weights only, Keras 3.
    keras3: String,
    h5: String,
    keras: String,
}

#[derive(Deserialize)]
struct Layer {
    name: String,
    kind: String,
    shape: Vec<usize>,
    /// Places in Keras' layout, and the values there.
    elements: Vec<usize>,
    values: Vec<f32>,
    largest: f32,
}

/// What was found, on a line for the script.
#[derive(Serialize)]
struct Found {
    id: String,
    layers: usize,
    parameters: usize,
    output: f32,
    elements: f32,
}

#[test]
fn against_keras() {
    let Some(folder) = std::env::var_os("FAULTSCOPE_KERAS_ZOO") else {
        missing::may_be_missing("Keras' values", "tests/fixtures/keras_zoo/parity.py makes them, and runs this test");
        return;
    };
    let entries = std::fs::read_dir(&folder).expect("the folder FAULTSCOPE_KERAS_ZOO");
    let folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert!(!folders.is_empty(), "{} is empty", folder.display());
    for folder in folders {
        let found = compare(&folder);
        println!("parity {}", serde_json::to_string(&found).expect("JSON"));
        assert!(found.output <= TOLERANCE && found.elements <= LAYER_TOLERANCE, "{} differs", found.id);
    }
}

fn compare(folder: &Path) -> Found {
    let parity: Parity = serde_json::from_slice(&read(&folder.join("parity.json"))).expect("parity.json");
    let load = |file: &str| import::load(file, read(&folder.join(file))).expect("a model");
    let model = load(&parity.files.weights);
    if !parity.whole {
        same_layers(&model.graph, &parity);
    }
    for file in [&parity.files.keras3, &parity.files.h5, &parity.files.keras] {
        same_weights(&model.graph, &load(file).graph, file);
    }

    let side = model.input_shape()[2];
    let images: Vec<u8> = npy(&folder.join("images.npy"));
    let inputs: Vec<f32> = npy(&folder.join("inputs.npy"));
    let outputs: Vec<f32> = npy(&folder.join("output.npy"));
    let (mut output, mut elements) = (0f32, 0f32);
    let executor = Executor::new(model.graph.clone(), &Device::flex()).expect("a valid graph");
    let pixels = side * side * 3;
    let images =
        images.chunks_exact(pixels).zip(inputs.chunks_exact(pixels)).zip(outputs.chunks_exact(model.classes()));
    for (index, ((image, input), expected)) in images.enumerate() {
        let input = stored(&model, input);
        if !parity.whole {
            preprocessed(&model, image, &input);
        }
        let input = Array::from_slice(model.input_shape(), &input.data, &Device::flex());
        let run = pollster::block_on(executor.run(&[input], &mut Plain)).expect("a golden run");
        let read =
            |value| pollster::block_on(run.get(value).expect("every layer is computed").read()).expect("an array");
        output = output.max(difference(&read(model.graph.outputs[0]), expected, largest(expected)));
        if index > 0 {
            continue;
        }
        for (index, layer) in parity.layers.iter().enumerate() {
            let index = if parity.whole { model.graph.find(&layer.name).expect(&layer.name) } else { index };
            let node = &model.graph.nodes[index];
            assert_eq!(node.kind, layer.kind, "{}", layer.name);
            let value = &model.graph.values[node.outputs[0]];
            let computed = read(node.outputs[0]);
            let found: Vec<f32> = layer
                .elements
                .iter()
                .map(|&element| computed[value.layout.stored_index(&value.shape, element)])
                .collect();
            let difference = difference(&found, &layer.values, layer.largest);
            if difference > LAYER_TOLERANCE {
                eprintln!("{} {} differs by {difference:e}", layer.name, layer.kind);
            }
            elements = elements.max(difference);
        }
    }
    Found { id: parity.id, layers: parity.layers.len(), parameters: parity.parameters, output, elements }
}

/// Names, classes, order and output shapes are Keras'.
fn same_layers(graph: &Graph, parity: &Parity) {
    let shape = |value: usize| graph.values[value].source_shape()[1..].to_vec();
    let found = graph.nodes.iter().map(|node| (node.name.as_str(), node.kind.as_str(), shape(node.outputs[0])));
    let expected = parity.layers.iter().map(|layer| (layer.name.as_str(), layer.kind.as_str(), layer.shape.clone()));
    let (found, expected): (Vec<_>, Vec<_>) = (found.collect(), expected.collect());
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "{}: layer {index}", parity.id);
    }
    assert_eq!(found.len(), expected.len(), "{}", parity.id);
}

/// Both graphs compute the same from the same weights, bit for bit.
fn same_weights(graph: &Graph, other: &Graph, file: &str) {
    assert_eq!(graph.nodes.len(), other.nodes.len(), "{file}");
    for (a, b) in graph.nodes.iter().zip(&other.nodes) {
        assert_eq!((&a.name, &a.kind, &a.op, &a.inputs), (&b.name, &b.kind, &b.op, &b.inputs), "{file}");
    }
    assert!(graph.parameters == other.parameters, "{file}: other weights");
}

/// Keras' N x H x W x C as the model stores it.
fn stored(model: &Model, data: &[f32]) -> HostTensor {
    let value = &model.graph.values[model.graph.inputs[0]];
    let mut stored = vec![0.0; data.len()];
    for (element, &number) in data.iter().enumerate() {
        stored[value.layout.stored_index(&value.shape, element)] = number;
    }
    HostTensor::new(value.shape.clone(), stored).expect("a tensor")
}

/// The architecture's preprocessing makes of `image`, which has the input's size, what Keras does.
fn preprocessed(model: &Model, image: &[u8], expected: &HostTensor) {
    let side = model.input_shape()[2];
    let image = Image { width: side, height: side, rgb: image.to_vec() };
    let preprocess = Preprocess { sizing: Resize::Stretch.into(), ..model.preprocess() };
    let found = preprocess.apply(&image, model.input_shape()).expect("an input");
    let difference = difference(&found.data, &expected.data, largest(&expected.data));
    assert!(difference <= ROUNDING, "the input differs by {difference:e}");
}

/// Largest difference, relative to `scale`; infinite where one of them is not a number.
fn difference(found: &[f32], expected: &[f32], scale: f32) -> f32 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    let largest = differences.fold(
        0.0,
        |largest: f32, difference| {
            if difference.is_nan() { f32::INFINITY } else { largest.max(difference) }
        },
    );
    largest / scale.max(f32::MIN_POSITIVE)
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn npy<T: npyz::Deserialize>(path: &Path) -> Vec<T> {
    npyz::NpyFile::new(read(path).as_slice()).expect("an npy file").into_vec().expect("elements of the stated type")
}
