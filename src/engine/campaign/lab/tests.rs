//! Trials of a protected network, with expected values calculated by hand.

use facts::fault::{Corruption, Target};
use facts::graph::{GraphBuilder, HostTensor, Op, Unary};
use facts::model::{Card, Model};
use facts::outcome::Outcome;

use super::*;
use crate::campaign::Observe;
use crate::exec::Ranges;

/// A network with three scores, each half the mean of one colour.
fn lab() -> Lab {
    let mut builder = GraphBuilder::new("means");
    let input = builder.input("image", [1, 3, 2, 2]).unwrap();
    let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[input]).unwrap();
    let flat = builder.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 12] }, &[relu]).unwrap();
    let weight: Vec<f32> = (0..12 * 3).map(|i| if i / 3 / 4 == i % 3 { 0.125 } else { 0.0 }).collect();
    let weight = builder.parameter("fc.weight", HostTensor::new([12, 3], weight).unwrap()).unwrap();
    let scores = builder.layer("fc", "MatMul", Op::MatMul, &[flat, weight]).unwrap();
    let graph = builder.finish(&[scores]).unwrap();
    Lab::cpu(Model::new(graph, Card::default()).unwrap()).unwrap()
}

fn image(colours: [f32; 3]) -> HostTensor {
    HostTensor::new([1, 3, 2, 2], colours.iter().flat_map(|&colour| [colour; 4]).collect::<Vec<_>>()).unwrap()
}

fn site(lab: &Lab, target: Target, layer: &str, element: usize, corruption: Corruption) -> Site {
    let graph = lab.executor().graph();
    let layer = graph.find(layer).unwrap();
    let tensor = match target {
        Target::Activation => graph.nodes[layer].outputs[0],
        Target::Weight => graph.parameters_of(layer).next().unwrap(),
        Target::Input | Target::Metadata => unreachable!("the tests here strike activations and weights"),
    };
    Site { target, layer, tensor, element, corruption }
}

fn ranges(lab: &Lab, images: &[[f32; 3]]) -> Ranges {
    let mut ranges = Ranges::default();
    for &colours in images {
        let golden = golden(lab, colours);
        pollster::block_on(ranges.include(lab.executor().graph(), &golden.activations)).unwrap();
    }
    ranges
}

fn golden(lab: &Lab, colours: [f32; 3]) -> Golden {
    pollster::block_on(lab.golden(&image(colours))).unwrap()
}

/// The protected network's answer to an image and its faults.
struct Protected {
    trial: Trial,
    clipped: Vec<(String, u64)>,
}

fn protected(lab: &Lab, golden: &Golden, sites: &[Site], ranges: &Ranges) -> Protected {
    let lab = lab.protected_by(ranges.clone());
    let image = pollster::block_on(golden.activations.get(lab.executor().graph().inputs[0]).unwrap().read()).unwrap();
    let image = HostTensor::new([1, 3, 2, 2], image).unwrap();
    let golden = pollster::block_on(lab.golden(&image)).unwrap();
    let observe = Observe { clipped: true, ..Observe::default() };
    let trial = pollster::block_on(lab.trial(&golden, sites, observe)).unwrap();
    // A wave that makes the golden run itself gives the same result.
    let subject = Subject::new(&image, vec![sites.to_vec()]);
    let together = pollster::block_on(lab.trials(&[subject], Settings::default())).unwrap().only().unwrap();
    assert_eq!((&together.logits, &together.trials[0].logits), (&golden.logits, &trial.logits));
    // The comparison uses text because NaN is not equal to itself.
    assert_eq!(format!("{:?}", together.trials[0].faults), format!("{:?}", trial.faults));
    Protected { clipped: trial.clipped.clone(), trial }
}

/// The expected values are calculated by hand. The pixels are 1, 0.5 and -2, or 3, 0 and 0 in the other image. After
/// the ReLU the range is 0 to 3. The scores are 4 x 0.125 x colour: 0.5, 0.25 and 0, or 1.5, 0 and 0.
#[test]
fn what_is_clipped_is_what_a_hand_would_clip() {
    let lab = lab();
    let golden = golden(&lab, [1.0, 0.5, -2.0]);
    let ranges = ranges(&lab, &[[1.0, 0.5, -2.0], [3.0, 0.0, 0.0]]);
    let graph = lab.executor().graph();
    let range = |layer: &str| {
        let range = ranges.get(graph.nodes[graph.find(layer).unwrap()].outputs[0]).unwrap();
        [range.low, range.high]
    };
    assert_eq!([range("relu"), range("flat"), range("fc")], [[0.0, 3.0], [0.0, 3.0], [0.0, 1.5]]);
    assert_eq!(ranges.runs(), 2);

    // A pixel of the second colour becomes 1000, a score of 125: SDC. Clipped to 3 it is (3 x 0.5 + 3) x 0.125.
    let huge = [site(&lab, Target::Activation, "relu", 4, Corruption::Set(1000.0))];
    let bare = pollster::block_on(lab.trial(&golden, &huge, Observe::default())).unwrap();
    assert_eq!(bare.verdict.outcome, Outcome::Sdc);
    let kept = protected(&lab, &golden, &huge, &ranges);
    assert_eq!(kept.trial.logits, [0.5, 0.5625, 0.0]);
    assert_eq!(kept.trial.verdict.outcome, Outcome::Sdc, "a value within the range may still be a wrong one");
    assert_eq!(kept.clipped, [("relu".to_owned(), 1)]);
    assert_eq!(kept.trial.faults, bare.faults);

    // The third colour has a smaller score: (0 + 0 + 0 + 3) x 0.125.
    let third = [site(&lab, Target::Activation, "relu", 8, Corruption::Set(1e30))];
    let kept = protected(&lab, &golden, &third, &ranges);
    assert_eq!((kept.trial.logits, kept.trial.verdict.outcome), (vec![0.5, 0.25, 0.375], Outcome::Masked));

    // NaN becomes 0, which is not a DUE.
    let nan = [site(&lab, Target::Activation, "relu", 0, Corruption::Set(f32::NAN))];
    let bare = pollster::block_on(lab.trial(&golden, &nan, Observe::default())).unwrap();
    assert!(bare.verdict.due);
    let kept = protected(&lab, &golden, &nan, &ranges);
    assert_eq!((kept.trial.logits, kept.trial.verdict.due), (vec![0.375, 0.25, 0.0], false));

    // A weight is not clipped, but the layer's output is: row 3, column 2, 2^127 x 1; the largest score is 1.5.
    let weight = [site(&lab, Target::Weight, "fc", 1, Corruption::flip(30).unwrap())];
    let kept = protected(&lab, &golden, &weight, &ranges);
    assert_eq!((kept.trial.logits, kept.clipped), (vec![0.5, 1.5, 0.0], vec![("fc".to_owned(), 1)]));
}

#[test]
fn without_a_fault_nothing_is_clipped() {
    let lab = lab();
    let ranges = ranges(&lab, &[[1.0, 0.5, -2.0]]);
    let own = golden(&lab, [1.0, 0.5, -2.0]);
    let kept = protected(&lab, &own, &[], &ranges);
    assert_eq!((kept.trial.logits, kept.clipped.len()), (own.logits.clone(), 0));
    // An image outside the learnt ranges is clipped without a fault.
    let other = golden(&lab, [4.0, 0.5, -2.0]);
    assert_eq!(protected(&lab, &other, &[], &ranges).trial.logits, [0.5, 0.25, 0.0]);
}
