//! Gradients of the margin, compared with PyTorch's autograd: `fixtures/gradients/make.py` made the numbers.

use std::collections::BTreeMap;

use faultscope::campaign::design::Score;
use faultscope::campaign::{Lab, Scorer, Settings, Subject};
use faultscope::fault::{FaultModel, SiteSpace, Target, sampler};
use faultscope::graph::HostTensor;

use super::networks::{Images, Network};

/// For each tensor the sum of the sizes of its gradient, and one element with its gradient.
fn expected(network: &str) -> BTreeMap<String, (f64, usize, f64)> {
    let mut reader = csv::Reader::from_reader(&include_bytes!("../fixtures/gradients/gradients.csv")[..]);
    let mut found = BTreeMap::new();
    for row in reader.records() {
        let row = row.expect("a row");
        let number = |column: usize| row[column].parse::<f64>().expect("a number");
        if row[0] == *network {
            found.insert(row[1].to_owned(), (number(2), row[3].parse().expect("an index"), number(4)));
        }
    }
    assert!(!found.is_empty(), "the fixture holds {network}");
    found
}

fn compare(name: &str, lab: &Lab, image: &HostTensor) {
    let golden = pollster::block_on(lab.golden(image)).expect("a golden run");
    let gradients = lab.derivative().expect("a derivative").of(&golden.activations, &lab.margin(&golden), true);
    let gradients = gradients.expect("gradients");
    let graph = lab.executor().graph();
    let mut compared = 0;
    for (tensor, (sum, element, gradient)) in expected(name) {
        let Some(value) = graph.values.iter().position(|value| value.name == tensor) else { continue };
        let Some(found) = gradients.tensor(value) else { continue };
        // Where the true gradient is 0, both are rounding.
        let size: f64 = found.iter().map(|&gradient| f64::from(gradient.abs())).sum();
        assert!((size - sum).abs() <= 1e-4 * sum + 1e-6, "{name}, {tensor}: sum {size}, PyTorch {sum}");
        // The element is that of the greatest gradient.
        let one = f64::from(found[element]);
        assert!((one - gradient).abs() <= 1e-4 * gradient.abs() + 1e-6, "{name}, {tensor}: {one}, PyTorch {gradient}");
        compared += 1;
    }
    println!("{name}: {compared} tensors");
    assert!(compared >= graph.nodes.len() / 4, "{name}: {compared} of {} layers", graph.nodes.len());
}

#[test]
fn gradients_of_transformers_and_convolutions_are_those_of_autograd() {
    for name in ["vit", "swin", "convnext", "maxvit", "deit-distilled", "mixer"] {
        let name = format!("{name}-dynamo");
        let (network, input) = Network::torch_with_input(&name);
        compare(&format!("{name}.onnx"), &network.lab, &input);
    }
}

#[test]
fn gradients_of_the_real_networks_are_those_of_autograd() {
    for (file, images) in [("gtsrb_cnn.onnx", Images::Gtsrb), ("cifar100_resnet20.onnx", Images::Cifar100)] {
        let Some(network) = Network::shared(file, images) else { return };
        compare(file, &network.lab, &numbered(&network));
    }
}

/// The image that the script makes, too.
fn numbered(network: &Network) -> HostTensor {
    let shape = network.lab.model().input_shape().to_vec();
    let count: usize = shape.iter().product();
    let data: Vec<f32> = (0..count).map(|index| (index * 7919 % 256) as f32 / 256.0).collect();
    HostTensor::new(shape, data).expect("an image")
}

#[test]
fn gradients_of_samples_and_greatest_elements_are_those_of_autograd() {
    let bytes = include_bytes!("../fixtures/gradients/places.onnx").to_vec();
    let network = Network::read("places.onnx", bytes, Images::Gtsrb);
    compare("places.onnx", &network.lab, &numbered(&network));
}

/// No fault that is proved masked changes a score, bit for bit; and a third of all faults are.
#[test]
fn no_fault_that_is_proved_masked_changes_a_score() {
    let bytes = include_bytes!("../../models/gtsrb-resnet8/gtsrb-resnet8.bpk");
    let network = Network::read("gtsrb-resnet8.bpk", bytes.to_vec(), Images::Gtsrb);
    let graph = network.lab.executor().graph().clone();
    let (space, model) = (SiteSpace::sampled(&graph, Target::Activation), FaultModel::default());
    const FAULTS: u64 = 2000;
    let mut all = 0;
    for (number, image) in network.images.iter().enumerate() {
        let golden = pollster::block_on(network.lab.golden(image)).expect("a golden run");
        let scorer = Scorer::new(&network.lab, &golden, false).expect("scores");
        let drawn =
            (0..FAULTS).map(|fault| sampler::draw(&graph, &space, &model, 5, number as u64, fault).expect("a fault"));
        let proved: Vec<_> = drawn.filter(|sites| scorer.score(sites) == Score::Proved).collect();
        all += proved.len() as u64;
        let subject = Subject::new(&golden, proved);
        let tried = pollster::block_on(network.lab.trials(&[subject], Settings { whole: true, ..Settings::default() }));
        for trial in tried.expect("trials").only().expect("trials").trials {
            let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&trial.logits), bits(&golden.logits), "{:?}", trial.faults);
        }
    }
    let share = all as f64 / (FAULTS * network.images.len() as u64) as f64;
    assert!(share > 0.2, "{share} of the faults are proved masked");
}
