use std::io::{Cursor, Read};

use burn::tensor::Device;
use facts::data::{Normalise, Resize};
use facts::graph::{Graph, HostTensor};
use serde::Deserialize;
use serde_json::Value;
use zip::ZipArchive;

use super::Architecture;
use crate::exec::{Executor, Plain};
use crate::import;
use crate::import::keras::{self, Weights};
use crate::ops::Array;
use crate::zoo::Application;

/// A file of the archive that Keras filled, tests/fixtures/keras_zoo/fixtures.py.
fn fixture(name: &str) -> Vec<u8> {
    let bytes = include_bytes!("../../../../tests/fixtures/keras_zoo/fixtures.zip");
    let mut archive = ZipArchive::new(Cursor::new(bytes.as_slice())).expect("an archive");
    let mut content = Vec::new();
    archive.by_name(name).expect(name).read_to_end(&mut content).expect("a file");
    content
}

#[test]
fn every_architecture_has_the_layers_of_keras() {
    for architecture in Architecture::all() {
        let (id, classes) = (architecture.id, architecture.classes());
        let zeros = |_: &str, shape: &[usize]| HostTensor::new(shape, vec![0.0; shape.iter().product()]);
        let graph = keras::build(id, &architecture.config(classes).expect(id), &Weights::made(id, zeros)).expect(id);
        // A whole model file is known by its name and layers; those for small images go by what the file says.
        let like = Application::like(&graph).map(|known| known.name);
        assert_eq!(like, (!architecture.any_classes()).then_some(architecture.name));
        let model = architecture.model(graph, classes).expect(id);
        let graph = &model.graph;
        let found: Vec<String> = graph
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let shape = graph.values[node.outputs[0]].source_shape();
                let shape: Vec<_> = shape[1..].iter().map(usize::to_string).collect();
                format!("{} {} {} {}", node.name, node.kind, shape.join("x"), graph.parameter_elements(index))
            })
            .collect();
        let expected = String::from_utf8(fixture(&format!("layers/{id}.txt"))).expect("text");
        for (found, expected) in found.iter().zip(expected.lines()) {
            // Keras counts the sample count among the parameters of an adapted normalisation layer.
            let expected =
                if id.starts_with("efficientnetb") { expected.replace("x3 7", "x3 6") } else { expected.into() };
            assert_eq!(*found, expected, "{id}");
        }
        assert_eq!(found.len(), expected.lines().count(), "{id}");
        assert_eq!(model.input_shape(), [1, 3, architecture.side, architecture.side], "{id}");
        assert_eq!(model.classes(), architecture.classes(), "{id}");
        let preprocess = model.preprocess();
        assert_eq!(preprocess.normalise, architecture.normalise.into(), "{id}");
        let is_imagenet = architecture.classes() == 1000;
        assert_eq!(preprocess.sizing.resize, if is_imagenet { Resize::ShorterSide } else { Resize::Stretch }, "{id}");
        let grouping = model.card.grouping.expect("a grouping");
        assert_eq!(grouping.name(), if is_imagenet { "imagenet" } else { "cifar100" }, "{id}");
        assert_eq!(model.card.labels[0], if is_imagenet { "tench" } else { "apple" }, "{id}");
    }
}

#[test]
fn weights_are_recognised_by_their_files_names() {
    for architecture in Architecture::all() {
        assert_eq!(Architecture::of(architecture.id).expect("an id"), architecture);
        let keras_3 = format!("some/folder/{}.weights.h5", architecture.id);
        for name in [architecture.file, &architecture.file.to_uppercase(), &keras_3] {
            assert_eq!(Architecture::of_file(name).expect(name), architecture);
        }
    }
    for (name, id) in [
        ("NASNet-mobile.h5", "nasnetmobile"),
        ("C:\\weights\\NASNet-large.h5", "nasnetlarge"),
        ("resnet50_weights_tf_dim_ordering_tf_kernels (1).h5", "resnet50"),
        ("resnet50-32x32-gtsrb.weights.h5", "resnet50-32x32"),
        ("mobilenet_v3_small.h5", "mobilenetv3small"),
    ] {
        assert_eq!(Architecture::of_file(name).expect(name).id, id);
    }
    for name in
        ["resnet50v3_weights_tf_dim_ordering_tf_kernels.h5", "mobilenet_v3.h5", "model.h5", "", "v2", "weights_"]
    {
        let error = Architecture::of_file(name).expect_err(name).to_string();
        assert!(error.contains("--architecture") && error.contains("densenet201"), "{error}");
    }
    for name in ["vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "nasnet_mobile_no_top.h5"] {
        let error = Architecture::of_file(name).expect_err(name).to_string();
        assert!(error.contains("without the layers that classify"), "{error}");
    }
}

#[test]
fn small_networks_have_as_many_classes_as_are_asked_for() {
    let vgg = Architecture::of("resnet18-32x32").expect("an id");
    for (classes, label) in [(43, Some("speed limit 20")), (10, Some("airplane")), (7, None)] {
        let model = vgg.random(classes, 1).expect("a model");
        assert_eq!(model.classes(), classes);
        assert_eq!(model.card.labels.first().map(String::as_str), label);
    }
    assert!(vgg.random(0, 0).is_err());
    let error = Architecture::of("mobilenetv2").expect("an id").random(10, 0).expect_err("ImageNet's").to_string();
    assert!(error.contains("mobilenetv2 is for 1000 classes, 10 are asked for"), "{error}");
}

#[test]
fn random_weights_follow_from_the_seed() {
    let net = Architecture::of("mobilenetv2").expect("an id");
    let draw = |seed| net.random(1000, seed).expect("a model").graph;
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_eq!(net.normalise, Normalise::Tf);
}

/// Keras' results for a network with fewer filters.
#[derive(Deserialize)]
struct Narrow {
    factor: u64,
    side: usize,
    output: Vec<f32>,
    /// The largest magnitude, then two elements.
    layers: Vec<(f32, Element, Element)>,
}

/// Index in Keras' layout, and value.
type Element = (usize, f32);

/// The architectures with a thin version.
const NARROW: [&str; 7] =
    ["resnet50", "xception", "nasnetmobile", "mobilenet", "inceptionresnetv2", "densenet121", "efficientnetb0"];

impl Narrow {
    fn of(id: &str) -> Self {
        serde_json::from_slice(&fixture(&format!("narrow/{id}.json"))).expect("JSON")
    }

    /// The configuration of `id` with fewer filters, a smaller image and ten classes.
    fn config(&self, id: &str) -> String {
        let architecture = Architecture::of(id).expect("an id");
        let text = architecture.config(architecture.classes()).expect("a configuration");
        let mut config: Value = serde_json::from_str(&text).expect("JSON");
        let thin = |number: &Value| match number.as_u64().expect("a count") {
            1000 => 10,
            number => ((2 * number + self.factor) / (2 * self.factor)).max(1),
        };
        for layer in config["config"]["layers"].as_array_mut().expect("layers") {
            let settings = layer["config"].as_object_mut().expect("settings");
            if let Some(shape) = settings.get_mut("batch_shape") {
                *shape = serde_json::json!([null, self.side, self.side, 3]);
            }
            for key in ["filters", "units"] {
                if let Some(count) = settings.get_mut(key) {
                    *count = thin(count).into();
                }
            }
            if let Some(last) = settings.get_mut("target_shape").and_then(|shape| shape.as_array_mut()?.last_mut()) {
                *last = thin(last).into();
            }
        }
        config.to_string()
    }

    /// The network with the weights of the archive.
    fn graph(&self, id: &str) -> Graph {
        let bytes = fixture(&format!("narrow/{id}.bin"));
        let numbers: Vec<f32> =
            bytes.chunks_exact(4).map(|number| f32::from_le_bytes(number.try_into().expect("four bytes"))).collect();
        let mut numbers = numbers.into_iter();
        let weights = Weights::made(id, move |_, shape| {
            HostTensor::new(shape, numbers.by_ref().take(shape.iter().product()).collect::<Vec<_>>())
        });
        keras::build(id, &self.config(id), &weights).expect("a network")
    }

    /// Returns the image, N x C x H x W: the script's `picture`.
    fn image(&self) -> Vec<f32> {
        let side = self.side;
        let pixel = |channel: usize, y: usize, x: usize| {
            ((x * (3 + channel) + y * (5 - channel) + x * y / 7) % 64) as f32 / 63.0
        };
        (0..3 * side * side).map(|index| pixel(index / (side * side), index / side % side, index % side)).collect()
    }
}

#[test]
fn thin_networks_compute_what_keras_does() {
    for id in NARROW {
        let narrow = Narrow::of(id);
        let graph = std::sync::Arc::new(narrow.graph(id));
        let executor = Executor::new(graph.clone(), &Device::flex()).expect("a valid graph");
        let image = Array::from_slice(&graph.values[graph.inputs[0]].shape, &narrow.image(), &Device::flex());
        let run = pollster::block_on(executor.run(&[image], &mut Plain)).expect("a run");
        let read = |value| pollster::block_on(run.get(value).expect("computed").read()).expect("an array");
        assert_eq!(graph.nodes.len(), narrow.layers.len(), "{id}");
        for (node, &(largest, first, second)) in graph.nodes.iter().zip(&narrow.layers) {
            let value = &graph.values[node.outputs[0]];
            let found = read(node.outputs[0]);
            for (element, expected) in [first, second] {
                let found = found[value.layout.stored_index(&value.shape, element)];
                assert!(
                    (found - expected).abs() <= 1e-4 * largest,
                    "{id}, {}, element {element}: {found}, Keras has {expected}",
                    node.name
                );
            }
        }
        let output = read(graph.outputs[0]);
        let largest = narrow.output.iter().fold(0f32, |largest, &value| largest.max(value));
        for (class, (found, expected)) in output.iter().zip(&narrow.output).enumerate() {
            assert!((found - expected).abs() <= 1e-4 * largest, "{id}, class {class}: {found}, Keras has {expected}");
        }
    }
}

#[test]
fn weights_only_files_of_both_formats_hold_the_same() {
    let narrow = Narrow::of("mobilenet");
    let expected = narrow.graph("mobilenet");
    for file in ["mobilenet.h5", "mobilenet.weights.h5"] {
        let weights = Weights::open(file, fixture(&format!("narrow/{file}"))).expect("weights");
        assert_eq!(keras::build(file, &narrow.config("mobilenet"), &weights).expect("a network"), expected);
    }
}

#[test]
fn weights_of_another_network_are_refused() {
    let bytes = fixture("narrow/mobilenet.h5");
    for (name, sentence) in [
        (
            "mobilenet_1_0_224_tf.h5",
            "not weights of mobilenet: layer \"conv1\": kernel: a weight of shape [3, 3, 3, 32]",
        ),
        ("vgg16-32x32.h5", "not weights of vgg16-32x32: layer "),
        ("weights.h5", "its name does not tell the architecture"),
        ("mobilenet_1_0_224_tf_no_top.h5", "without the layers that classify"),
    ] {
        let error = import::load(name, bytes.clone()).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: ")) && error.contains(sentence), "{error}");
    }
    let mobilenet = Architecture::of("mobilenet").expect("an id");
    for bytes in [&b""[..], b"PK\x03\x04 is no HDF5", &bytes[..bytes.len() / 2], &bytes[..100]] {
        let error = mobilenet.load("cut.h5", bytes.to_vec()).expect_err("damaged").to_string();
        assert!(error.starts_with("cut.h5: "), "{error}");
    }
}
