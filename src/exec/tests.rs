use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use proptest::prelude::*;

use super::*;
use crate::fault::{Corruption, Injector, Site, SiteSpace, Target, faulty_parameters};
use crate::graph::{Binary, Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Pool, Reduction, Unary, ValueId};
use crate::ops::Array;

/// Numbers without a pattern that could hide a mistake: a linear congruential sequence in [-1, 1).
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn conv(builder: &mut GraphBuilder, name: &str, x: ValueId, channels: usize, stride: usize) -> ValueId {
    let inputs = builder.shape(x)[1];
    let tensor = |shape: &[usize], seed| HostTensor::new(shape, numbers(shape.iter().product(), seed)).unwrap();
    let weight =
        builder.parameter(format!("{name}.weight"), tensor(&[channels, inputs, 3, 3], channels as u32)).unwrap();
    let bias = builder.parameter(format!("{name}.bias"), tensor(&[channels], 7)).unwrap();
    let padding = Padding2d { top: 1, left: 1, bottom: 1, right: 1 };
    let op = Op::Conv(Conv { strides: [stride; 2], dilations: [1; 2], padding, groups: 1 });
    builder.layer(name, "Conv", op, &[x, weight, bias]).unwrap()
}

/// A residual block, a branch that joins by concatenation, a squeeze-and-excite gate, pooling and a classifier:
/// every way in which a fault can travel.
fn graph() -> Graph {
    let mut b = GraphBuilder::new("branches");
    let image = b.input("image", [1, 3, 9, 9]).unwrap();
    let stem = conv(&mut b, "stem", image, 4, 1);
    let stem = b.layer("stem_relu", "Relu", Op::Unary(Unary::Relu), &[stem]).unwrap();
    let inner = conv(&mut b, "inner", stem, 4, 1);
    let sum = b.layer("residual", "Add", Op::Binary(Binary::Add), &[inner, stem]).unwrap();
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    let squeezed = b.layer("squeeze", "GlobalAveragePool", mean.clone(), &[sum]).unwrap();
    let gate = b.layer("gate", "Sigmoid", Op::Unary(Unary::Sigmoid), &[squeezed]).unwrap();
    let excited = b.layer("excite", "Mul", Op::Binary(Binary::Mul), &[sum, gate]).unwrap();
    let side = conv(&mut b, "side", stem, 3, 2);
    let pool = Pool {
        kernel: [3; 2],
        strides: [2; 2],
        dilations: [1; 2],
        padding: Padding2d { top: 1, left: 1, bottom: 1, right: 1 },
        ceil_mode: false,
    };
    let pooled = b.layer("pool", "MaxPool", Op::MaxPool(pool), &[excited]).unwrap();
    let joined = b.layer("join", "Concat", Op::Concat { axis: 1 }, &[pooled, side]).unwrap();
    let top = b.layer("top", "GlobalAveragePool", mean, &[joined]).unwrap();
    let flat = b.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 7] }, &[top]).unwrap();
    let weight = b.parameter("fc.weight", HostTensor::new([7, 5], numbers(35, 3)).unwrap()).unwrap();
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
    let scores = b.layer("fc", "Gemm", gemm, &[flat, weight]).unwrap();
    b.finish(&[scores]).unwrap()
}

struct Bench {
    executor: Executor,
    input: Array,
    golden: Activations,
}

fn bench() -> Bench {
    let device = Device::flex();
    let executor = Executor::new(Arc::new(graph()), &device).unwrap();
    let input = Array::from_slice(&[1, 3, 9, 9], &numbers(243, 1), &device);
    let golden = pollster::block_on(executor.run(std::slice::from_ref(&input), &mut Plain)).unwrap();
    Bench { executor, input, golden }
}

fn bits(array: &Array) -> Vec<u32> {
    pollster::block_on(array.read()).unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_hook_that_does_nothing_changes_nothing() {
    struct Watch(usize);
    impl Hook for Watch {
        async fn output(&mut self, _: usize, _: ValueId, array: Array) -> crate::Result<Array> {
            self.0 += 1;
            Ok(array)
        }
    }
    let bench = bench();
    let graph = bench.executor.graph().clone();
    let mut watch = Watch(0);
    let run = pollster::block_on(bench.executor.run(std::slice::from_ref(&bench.input), &mut watch)).unwrap();
    assert_eq!(watch.0, graph.nodes.len());
    for node in &graph.nodes {
        assert_eq!(bits(run.get(node.outputs[0]).unwrap()), bits(bench.golden.get(node.outputs[0]).unwrap()));
    }
    let nothing =
        pollster::block_on(bench.executor.rerun(&bench.golden, &BTreeMap::new(), &mut Plain, |_| true)).unwrap();
    assert!((0..graph.values.len()).all(|value| nothing.get(value).is_none()), "nothing changed, nothing runs");
}

#[test]
fn a_rerun_visits_what_lies_downstream_and_nothing_else() {
    let bench = bench();
    let graph = bench.executor.graph().clone();
    let layer = graph.find("gate").unwrap();
    let site = Site {
        target: Target::Activation,
        layer,
        tensor: graph.nodes[layer].outputs[0],
        element: 2,
        corruption: Corruption::Set(9.0),
    };
    let mut injector = Injector::new(&graph, &[site]);
    let mut trace = Trace::new(&graph, &bench.golden);
    let mut both = Both(&mut injector, &mut trace);
    pollster::block_on(bench.executor.rerun(&bench.golden, &BTreeMap::new(), &mut both, |_| false)).unwrap();
    let rows = trace.into_rows();
    let visited: Vec<_> = rows.iter().map(|row| row.layer.as_str()).collect();
    assert_eq!(visited, ["gate", "excite", "pool", "join", "top", "flat", "fc"]);
    assert_eq!((rows[0].changed, rows[0].elements), (1, 4));
    assert!(rows[1].changed <= 81, "only channel 2 of 9 x 9 is scaled by the gate");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The heart of it: what a re-run takes from the golden run is what a full faulty run computes there.
    #[test]
    fn downstream_only_equals_full_recomputation(layer in 0usize..13, index: u32, bit in 0u8..32, weight: bool) {
        let bench = bench();
        let graph = bench.executor.graph().clone();
        let space = SiteSpace::of(&graph, if weight { Target::Weight } else { Target::Activation });
        let sites = &space.layers()[layer % space.layers().len()];
        let (tensor, element) = sites.locate(&graph, index as usize % sites.elements).unwrap();
        let site =
            Site { target: space.target(), layer: sites.layer, tensor, element, corruption: Corruption::Flip(bit) };

        let (changed, _) = pollster::block_on(faulty_parameters(&bench.executor, &[site])).unwrap();
        let mut injector = Injector::new(&graph, &[site]);
        let part = pollster::block_on(bench.executor.rerun(&bench.golden, &changed, &mut injector, |_| true)).unwrap();

        let mut faulty = (*graph).clone();
        if weight {
            let mut data = faulty.parameters[&tensor].data.to_vec();
            data[element] = crate::fault::flip(data[element], bit).unwrap();
            faulty.parameters.get_mut(&tensor).unwrap().data = data.into();
        }
        let full = Executor::new(Arc::new(faulty), bench.executor.device()).unwrap();
        let mut injector = Injector::new(&graph, &[site]);
        let whole = pollster::block_on(full.run(std::slice::from_ref(&bench.input), &mut injector)).unwrap();

        for node in &graph.nodes {
            let value = node.outputs[0];
            let mine = part.get(value).or_else(|| bench.golden.get(value)).unwrap();
            prop_assert_eq!(bits(mine), bits(whole.get(value).unwrap()), "layer {}", &node.name);
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let bench = bench();
    let wrong = Array::from_slice(&[1, 3, 8, 8], &[0.0; 192], bench.executor.device());
    let error = pollster::block_on(bench.executor.run(&[wrong], &mut Plain)).unwrap_err().to_string();
    assert!(error.contains("[1, 3, 8, 8]") && error.contains("[1, 3, 9, 9]"), "{error}");
    assert!(pollster::block_on(bench.executor.run(&[], &mut Plain)).is_err());
}
