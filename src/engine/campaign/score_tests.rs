//! Strata of faults in parameters: what a role says beyond the gradient.

use facts::campaign::design::{Stratum, words};
use facts::fault::{Corruption, Site, Target};
use facts::graph::{GraphBuilder, HostTensor, Op, Step, Unary};
use facts::model::{Card, Model};

use super::{Lab, Scorer};

/// Two channels through a batch normalisation, alone or as the first link of a chain, and a sum of both as one of two scores.
fn lab(chained: bool) -> Lab {
    let mut builder = GraphBuilder::new("norm");
    let input = builder.input("image", [1, 2, 1, 1]).unwrap();
    let mut parameter = |name: &str, shape: &[usize], data: &[f32]| {
        builder.parameter(name, HostTensor::new(shape, data.to_vec()).unwrap()).unwrap()
    };
    let gain = parameter("gain", &[2], &[1.0, 1.0]);
    let mean = parameter("mean", &[2], &[0.5, 0.5]);
    let variance = parameter("variance", &[2], &[1.0, 2.0]);
    let weight = parameter("weight", &[2, 2], &[1.0, 0.5, 1.0, 0.5]);
    let norm = Op::BatchNorm { epsilon: 1e-3, scale: true, bias: false };
    let inputs = [input, gain, mean, variance];
    let relu = Op::Unary(Unary::Relu);
    let out = if chained {
        let steps = vec![Step { op: norm, inputs: 4 }, Step { op: relu, inputs: 0 }];
        builder.layer("norm", "BatchNormalization", Op::Chain(steps), &inputs).unwrap()
    } else {
        let norm = builder.layer("norm", "BatchNormalization", norm, &inputs).unwrap();
        builder.layer("relu", "Relu", relu, &[norm]).unwrap()
    };
    let flat = builder.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 2] }, &[out]).unwrap();
    let scores = builder.layer("fc", "MatMul", Op::MatMul, &[flat, weight]).unwrap();
    let graph = builder.finish(&[scores]).unwrap();
    Lab::cpu(Model::new(graph, Card::default()).unwrap()).unwrap()
}

/// The words for the stratum of a flip of `bit` in the first element of a parameter.
fn told(lab: &Lab, parameter: &str, bit: u8) -> String {
    let graph = lab.executor().graph();
    let tensor = graph.values.iter().position(|value| value.name == parameter).unwrap();
    let layer = graph.nodes.iter().position(|node| node.inputs.contains(&tensor)).unwrap();
    let site = Site { target: Target::Weight, layer, tensor, element: 0, corruption: Corruption::flip(bit).unwrap() };
    let input = HostTensor::new([1, 2, 1, 1], vec![2.0, 1.0]).unwrap();
    let golden = pollster::block_on(lab.golden(&input)).unwrap();
    let scorer = Scorer::new(lab, &golden, true).unwrap();
    let stratum: Stratum = scorer.stratum(&[site]);
    words(stratum, true)
}

#[test]
fn the_role_of_a_parameter_decides_the_direction() {
    for chained in [false, true] {
        let lab = lab(chained);
        // 0.5 to 1.7e38, and to -0.5.
        assert!(told(&lab, "mean", 30).starts_with("highest exponent bit, score"), "{}", told(&lab, "mean", 30));
        assert!(!told(&lab, "mean", 30).ends_with("outputs rise"), "a greater mean lowers the outputs");
        assert!(told(&lab, "mean", 31).ends_with("outputs rise"));
        assert!(!told(&lab, "gain", 31).ends_with("outputs rise"));
        assert!(told(&lab, "weight", 22).ends_with("outputs rise"), "1 to 1.5");
        // 1 to -1, to infinity, to 2^-64, and to 2^-8.
        assert_eq!(told(&lab, "variance", 31), "sign, not finite");
        assert_eq!(told(&lab, "variance", 30), "highest exponent bit, not finite");
        assert_eq!(told(&lab, "variance", 29), "upper exponent bits, variance 10000 times smaller or more");
        assert_eq!(told(&lab, "variance", 26), "upper exponent bits, variance 100 to 10000 times smaller");
        assert!(told(&lab, "variance", 23).contains("score"), "half the variance is an ordinary change");
    }
}
