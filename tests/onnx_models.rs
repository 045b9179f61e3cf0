//! Real networks from real exporters: the models beside the project (`../shared`, or FAULTSCOPE_SHARED), against
//! the logits that onnxruntime gives for the same images.

#[path = "support/missing.rs"]
mod missing;
#[path = "support/shared.rs"]
mod shared;

use burn::tensor::Device;
use faultscope::exec::{Executor, Plain};
use faultscope::graph::{Op, Source};
use faultscope::import::load;
use faultscope::import::onnx::import;
use faultscope::model::Model;
use faultscope::ops::Array;
use faultscope::outcome::top1;

/// Images compared: as many as take a few seconds on the CPU.
const IMAGES: usize = 32;

/// Bytes of a file beside the project; `None`, with a word, where it is absent.
fn shared(path: &str) -> Option<Vec<u8>> {
    shared::shared(path).map(|path| std::fs::read(path).expect("the file can be read"))
}

fn npy<T: npyz::Deserialize>(bytes: &[u8]) -> Vec<T> {
    npyz::NpyFile::new(bytes).expect("an npy file").into_vec().expect("elements of the stated type")
}

/// Compares `model` with `expected`, rows of onnxruntime's logits; `image` gives the pixels of an image, CHW.
fn agrees(model: &Model, expected: &[f32], image: impl Fn(usize) -> Vec<u8>) {
    let executor = Executor::new(model.graph.clone(), &Device::flex()).expect("a valid graph");
    let shape = &model.graph.values[model.graph.inputs[0]].shape;
    for (index, expected) in expected.chunks_exact(model.classes()).take(IMAGES).enumerate() {
        let pixels: Vec<f32> = image(index).into_iter().map(|pixel| f32::from(pixel) / 255.0).collect();
        let input = Array::from_slice(shape, &pixels, &Device::flex());
        let run = pollster::block_on(executor.run(&[input], &mut Plain)).expect("a golden run");
        let output = run.get(model.graph.outputs[0]).expect("a run computes the output");
        let logits = pollster::block_on(output.read()).expect("the CPU can be read");
        let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        for (class, (&found, &expected)) in logits.iter().zip(expected).enumerate() {
            assert!(
                (found - expected).abs() <= 1e-4 * largest,
                "image {index}, class {class}: {found}, onnxruntime gives {expected}"
            );
        }
        assert_eq!(top1(&logits), top1(expected), "image {index}");
    }
}

/// Names and operators of the layers, in order, are those of the file's nodes.
fn has_layers_of(model: &Model, name: &str) {
    let listed: serde_json::Value =
        serde_json::from_str(include_str!("fixtures/onnx/layers.json")).expect("layers.json");
    let expected: Vec<(String, String)> = serde_json::from_value(listed[name].clone()).expect("pairs");
    let found: Vec<_> = model.graph.nodes.iter().map(|node| (node.name.clone(), node.kind.clone())).collect();
    assert_eq!(found, expected);
}

#[test]
fn gtsrb_cnn() {
    let Some(bytes) = shared("models/gtsrb_cnn.onnx") else { return };
    let Some(expected) = shared("models/gtsrb_cnn.expected.npy") else { return };
    let Some(images) = shared("data/gtsrb/test_images.npy") else { return };
    let model = load("gtsrb_cnn.onnx", bytes).expect("the model imports");
    assert_eq!((model.card.name.as_str(), model.classes()), ("gtsrb_cnn", 43));
    assert_eq!(model.graph.values[model.graph.inputs[0]].shape, [1, 3, 32, 32]);
    has_layers_of(&model, "gtsrb_cnn");
    let images: Vec<u8> = npy(&images);
    agrees(&model, &npy(&expected), |index| {
        let interleaved = &images[index * 3072..(index + 1) * 3072];
        (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect()
    });
}

#[test]
fn cifar100_resnet20() {
    let Some(bytes) = shared("models/cifar100_resnet20.onnx") else { return };
    let Some(expected) = shared("models/cifar100_resnet20.expected.npy") else { return };
    let Some(images) = shared("data/cifar100/test.bin") else { return };
    let model = import("cifar100_resnet20.onnx", &bytes).expect("the model imports");
    has_layers_of(&model, "cifar100_resnet20");
    agrees(&model, &npy(&expected), |index| images[index * 3074 + 2..(index + 1) * 3074].to_vec());

    // PyTorch shares one bias between two layers through an Identity: both read one parameter.
    let graph = &model.graph;
    let identity = &graph.nodes[graph.find("Identity_0").expect("the layer is kept")];
    assert_eq!((&identity.op, identity.inputs.len()), (&Op::Folded, 0));
    let readers: Vec<_> = (0..graph.nodes.len())
        .filter(|&node| graph.parameters_of(node).any(|id| graph.values[id].name == "B.6.b2.bias"))
        .collect();
    assert_eq!(readers.len(), 2);
    assert!(!graph.values.iter().any(|value| value.name == "B.6.sc.1.bias" && value.source == Source::Parameter));
}

/// A model that was cut off is refused with a sentence.
#[test]
fn truncated_model() {
    let Some(bytes) = shared("models/gtsrb_cnn.onnx") else { return };
    for step in 1..40 {
        let error = import("cut.onnx", &bytes[..bytes.len() * step / 40]).expect_err("a part is no model");
        assert!(!error.to_string().is_empty());
    }
}
