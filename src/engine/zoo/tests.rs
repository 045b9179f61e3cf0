use facts::fault::{SiteSpace, Target};
use facts::graph::{Graph, HostTensor};

use super::{Architecture, EfficientNetLite, Manifest, Origin, SampleFile, efficientnet_lite};

fn zeros(_: &str, shape: &[usize]) -> facts::Result<HostTensor> {
    HostTensor::new(shape, vec![0.0; shape.iter().product()])
}

fn parameters(graph: &Graph) -> usize {
    graph.parameters.values().map(|tensor| tensor.data.len()).sum()
}

#[test]
fn the_variants_have_the_published_sizes() {
    // Parameters and running statistics of the checkpoints, without the batch counters.
    for (variant, blocks, count) in [
        (EfficientNetLite::Lite0, 16, 4_694_024),
        (EfficientNetLite::Lite1, 21, 5_470_344),
        (EfficientNetLite::Lite2, 21, 6_150_168),
    ] {
        let graph = efficientnet_lite(variant, zeros).expect("builds");
        assert_eq!(parameters(&graph), count, "{variant:?}");
        let depthwise = graph.nodes.iter().filter(|node| node.name.ends_with(".depthwise_conv")).count();
        assert_eq!(depthwise, blocks, "{variant:?}");
        let side = variant.resolution();
        assert_eq!(graph.values[graph.inputs[0]].shape, [1, 3, side, side]);
        assert_eq!(graph.values[graph.outputs[0]].shape, [1, 1000]);
    }
}

#[test]
fn layers_are_named_after_the_checkpoints_modules() {
    let graph = efficientnet_lite(EfficientNetLite::Lite0, zeros).expect("builds");
    let names: Vec<_> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names[..6], ["conv_stem", "bn0", "relu0", "blocks.0.depthwise_conv", "blocks.0.bn1", "blocks.0.relu1"]);
    assert_eq!(names[names.len() - 4..], ["avg_pooling", "flatten", "dropout", "fc"]);
    assert_eq!(names.iter().filter(|name| name.ends_with(".add")).count(), 9);
    let layer = graph.find("blocks.3.bn1").expect("a layer");
    let parameters: Vec<_> = graph.parameters_of(layer).map(|id| graph.values[id].name.as_str()).collect();
    assert_eq!(
        parameters,
        ["_blocks.3._bn1.weight", "_blocks.3._bn1.bias", "_blocks.3._bn1.running_mean", "_blocks.3._bn1.running_var"]
    );
}

#[test]
fn a_parameter_of_another_shape_is_refused() {
    let wrong = |name: &str, shape: &[usize]| if name == "_fc.bias" { zeros(name, &[999]) } else { zeros(name, shape) };
    let error = efficientnet_lite(EfficientNetLite::Lite0, wrong).expect_err("does not fit").to_string();
    assert!(error.contains("\"_fc.bias\"") && error.contains("[1000]") && error.contains("[999]"), "{error}");
}

#[test]
fn the_manifests_that_ship_are_sound() {
    let is_digest = |digest: &str| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    for id in Manifest::builtin_ids() {
        let manifest = Manifest::builtin(id).expect("a manifest");
        assert_eq!(manifest.id, id);
        let labels = facts::labels::builtin(&manifest.labels).expect("class names");
        let grouping = facts::labels::Grouping::builtin(&manifest.grouping).expect("a grouping");
        assert_eq!(grouping.classes(), labels.len());
        match &manifest.origin {
            Origin::Checkpoint(checkpoint) => {
                assert_eq!(serde_json::json!(checkpoint.architecture), id);
                assert!(is_digest(&checkpoint.archive.sha256));
                assert_eq!(manifest.samples.as_ref().map(|samples| samples.images.len()), Some(20));
            }
            Origin::Trained(trained) => {
                assert!(is_digest(&trained.sha256));
                assert!(trained.test.correct <= trained.test.images, "{:?}", trained.test);
                let owner = match &manifest.samples_of {
                    Some(other) => Manifest::builtin(other).expect("a manifest"),
                    None => manifest.clone(),
                };
                assert!(owner.samples.is_some_and(|samples| samples.archive.is_none()), "images come along");
            }
        }
        if let Some(other) = &manifest.samples_of {
            assert_eq!(Some(other.as_str()), Manifest::builtin_ids().next(), "the model whose images the page shows");
            assert_eq!(manifest.labels, Manifest::builtin(other).expect("a manifest").labels);
        }
        let Some(samples) = &manifest.samples else { continue };
        assert!(manifest.samples_of.is_none(), "images of its own or of another model");
        assert!(samples.archive.iter().all(|archive| is_digest(&archive.sha256)));
        for image in &samples.images {
            assert!(image.class().is_some_and(|class| class < labels.len()), "{}", image.file);
            assert!(is_digest(&image.sha256), "{}", image.sha256);
        }
    }
    assert!(Manifest::builtin("resnet50").expect_err("unknown").to_string().contains("efficientnet-lite0"));
}

#[test]
fn a_manifest_cannot_reach_outside_its_folder() {
    let text = include_str!("../../../models/efficientnet-lite0/manifest.toml");
    for (from, to) in [
        ("file = \"efficientnet-lite0.bpk\"", "file = \"../efficientnet-lite0.bpk\""),
        ("folder = \"samples\"", "folder = \"/etc\""),
        ("file = \"imagenet_03_990.jpg\"", "file = \"..\""),
        ("id = \"efficientnet-lite0\"", "id = \"C:\\\\x\""),
        ("default = \"imagenet_00_243.jpg\"", "default = \"other.jpg\""),
        ("licence", "license"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Manifest::from_toml("m.toml", &text.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.starts_with("m.toml: "), "{error}");
    }
}

#[test]
fn the_class_stands_at_the_end_of_a_samples_name() {
    let class = |file: &str| SampleFile { file: file.to_owned(), sha256: String::new() }.class();
    assert_eq!(class("imagenet_17_22.jpg"), Some(22));
    assert_eq!(class("cat.jpg"), None);
    assert_eq!(class("cat_dog"), None);
}

/// Calculates how much less a fault's patches cost than an inference, with layers drawn uniformly. The tolerance
/// covers the rounding of the figures in the targets of docs/PERFORMANCE.md, and the choice of nodes that count as
/// layers.
#[test]
fn faults_touch_as_much_of_a_network_as_is_known() {
    for (id, expected) in [("densenet121", 6.4), ("mobilenetv2", 4.3)] {
        let architecture = Architecture::of(id).unwrap();
        let graph = architecture.random(architecture.classes(), 0).unwrap().graph;
        let space = SiteSpace::sampled(&graph, Target::Activation);
        let dense: u64 = (0..graph.nodes.len()).map(|node| graph.multiply_adds(node)).sum();
        let touched: f64 = space.layers().iter().map(|sites| graph.touched_multiply_adds(sites.layer)).sum();
        let gain = dense as f64 * space.layers().len() as f64 / touched;
        assert!((gain / expected - 1.0).abs() < 0.03, "{id}: {gain}");
    }
}
