mod batches;
mod checks;
mod faults;
mod forks;
pub(crate) mod networks;
mod ranges;
mod reference;
mod rounding;
mod waves;

use facts::fault::{Corruption, Format};
use std::sync::Arc;

use burn::tensor::Device;
use facts::graph::{Binary, Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Pool, Reduction, Unary, ValueId};

use super::*;
use crate::ops::Array;

/// Pseudo-random numbers, so that no regularity hides a mistake: a linear congruential sequence in [-1, 1).
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

/// A residual block, a branch that joins by concatenation, a squeeze-and-excite gate, pooling and a classifier.
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
    input: [Array; 1],
    golden: Activations,
}

fn bench() -> Bench {
    let device = Device::flex();
    let executor = Executor::new(Arc::new(graph()), &device).unwrap();
    let input = [Array::from_slice(&[1, 3, 9, 9], &numbers(243, 1), &device)];
    let golden = pollster::block_on(executor.run(&input, &mut Plain)).unwrap();
    Bench { executor, input, golden }
}

impl Bench {
    /// A change of an element of a layer's output.
    fn change(&self, layer: &str, element: usize, corruption: Corruption) -> Change {
        let graph = self.executor.graph();
        let layer = graph.find(layer).unwrap();
        Change { layer, tensor: graph.nodes[layer].outputs[0], element, corruption }
    }

    /// A wave of one lane.
    fn inject(&self, changes: Vec<Change>, settings: Settings) -> facts::Result<Wave> {
        let images = [Image::Golden(&self.golden)];
        pollster::block_on(self.executor.wave(&images, &[Lane { image: 0, changes, ..Lane::default() }], settings))
    }
}

fn bits(array: &Array) -> Vec<u32> {
    pollster::block_on(array.read()).unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_hook_that_does_nothing_changes_nothing() {
    struct Watch(usize);
    impl Hook for Watch {
        async fn output(&mut self, _: usize, _: ValueId, array: Array) -> facts::Result<Array> {
            self.0 += 1;
            Ok(array)
        }
    }
    let bench = bench();
    let graph = bench.executor.graph().clone();
    let mut watch = Watch(0);
    let run = pollster::block_on(bench.executor.run(&bench.input, &mut watch)).unwrap();
    assert_eq!(watch.0, graph.nodes.len());
    for node in &graph.nodes {
        assert_eq!(bits(run.get(node.outputs[0]).unwrap()), bits(bench.golden.get(node.outputs[0]).unwrap()));
    }
}

#[test]
fn a_lane_without_changes_costs_nothing() {
    let bench = bench();
    let wave = bench.inject(vec![], Settings::default()).unwrap();
    assert_eq!(wave.work, MultiplyAdds::default());
    assert_eq!(wave.lanes[0].output, None);
    let output = bench.golden.get(bench.executor.graph().outputs[0]).unwrap();
    assert_eq!(wave.golden[0], pollster::block_on(output.read()).unwrap());
}

#[test]
fn a_fault_visits_what_lies_downstream_and_nothing_else() {
    let bench = bench();
    let observe = Observe { trace: true, keep: true, ..Observe::default() };
    let wave = bench
        .inject(vec![bench.change("gate", 2, Corruption::Set(9.0))], Settings { observe, ..Settings::default() })
        .unwrap();
    let faulty = &wave.lanes[0];
    let visited: Vec<_> = faulty.trace.iter().map(|row| row.layer.as_str()).collect();
    assert_eq!(visited, ["gate", "excite", "pool", "join", "top", "flat", "fc"]);
    assert_eq!((faulty.trace[0].changed, faulty.trace[0].elements), (1, 4));
    assert!(faulty.trace[1].changed <= 81, "only channel 2 of 9 x 9 is scaled by the gate");
    let graph = bench.executor.graph();
    let kept = |layer: &str| faulty.activations.get(graph.nodes[graph.find(layer).unwrap()].outputs[0]).is_some();
    assert!(kept("gate") && kept("fc") && !kept("squeeze") && !kept("side"));
}

/// 9 x 9 x 4 elements, 3 x 3 taps: one element changes nine positions of the next convolution.
#[test]
fn a_patch_costs_what_it_covers() {
    let bench = bench();
    let work = |changes, whole| bench.inject(changes, Settings { whole, ..Settings::default() }).unwrap().work;
    let change = vec![bench.change("stem_relu", 4 * 9 + 4, Corruption::Set(3.0))];
    // Each position of "inner" costs 9 taps x 4 x 4 channels, each of "side" 9 x 4 x 3. One or four positions of
    // "side" read (4, 4), because its stride is two; with padding 1, only (2, 2) reads it. The last layer is 7 x 5.
    assert_eq!(work(change.clone(), false), MultiplyAdds { golden: 0, lanes: 9 * 144 + 108 + 35 });
    assert_eq!(work(change, true), MultiplyAdds { golden: 0, lanes: 81 * 144 + 25 * 108 + 35 });
    let layer = bench.executor.graph().find("inner").unwrap();
    let tensor = bench.executor.graph().nodes[layer].inputs[1];
    let weight = vec![Change { layer, tensor, element: 0, corruption: Corruption::flip(30).unwrap() }];
    assert_eq!(work(weight.clone(), false).lanes, 81 * 36 + 35, "one filter of four, and the last layer");
    assert_eq!(work(weight, true).lanes, 81 * 144 + 35);
    let images = [Image::Inputs(&bench.input)];
    let golden = pollster::block_on(bench.executor.wave(&images, &[], Settings::default())).unwrap().work;
    assert_eq!(golden, MultiplyAdds { golden: 81 * 108 + 81 * 144 + 25 * 108 + 35, lanes: 0 });
}

#[test]
fn a_fault_that_is_absorbed_leaves() {
    let bench = bench();
    let graph = bench.executor.graph();
    let stem = bench.golden.get(graph.nodes[graph.find("stem").unwrap()].outputs[0]).unwrap();
    let dead = pollster::block_on(stem.read()).unwrap().iter().position(|&value| value < -0.5).unwrap();
    let settings =
        Settings { observe: Observe { trace: true, keep: true, ..Observe::default() }, ..Settings::default() };
    let wave = bench.inject(vec![bench.change("stem", dead, Corruption::Set(-0.25))], settings).unwrap();
    let faulty = &wave.lanes[0];
    assert_eq!((faulty.output.as_ref(), wave.work), (None, MultiplyAdds::default()));
    assert_eq!(faulty.changed[0][1], -0.25);
    let changed: Vec<_> = faulty.trace.iter().map(|row| row.changed).collect();
    assert_eq!(changed[..2], [1, 0], "the trace goes on to the end");
    assert_eq!(faulty.trace.last().map(|row| row.layer.as_str()), Some("fc"));
}

/// IEEE 754 does not define the bits of a computed NaN, so the result of a flip must not depend on them.
#[test]
fn a_flip_takes_any_nan_for_the_same() {
    for nan in [f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), f32::from_bits(0xffff_ffff)] {
        assert_eq!(Corruption::flip(30).unwrap().apply(nan, Format::F32).to_bits(), 0x3fc0_0000);
    }
    assert_eq!(Corruption::flip(31).unwrap().apply(1.5, Format::F32), -1.5);
    assert_eq!(Corruption::Set(2.0).apply(f32::NAN, Format::F32), 2.0);
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let bench = bench();
    let wrong = [Array::from_slice(&[1, 3, 8, 8], &[0.0; 192], bench.executor.device())];
    let error = pollster::block_on(bench.executor.run(&wrong, &mut Plain)).unwrap_err().to_string();
    assert!(error.contains("[1, 3, 8, 8]") && error.contains("[1, 3, 9, 9]"), "{error}");
    assert!(pollster::block_on(bench.executor.run(&[], &mut Plain)).is_err());
    let wave = pollster::block_on(bench.executor.wave(&[Image::Inputs(&wrong)], &[], Settings::default()));
    assert_eq!(wave.unwrap_err().to_string(), error);
}

#[test]
fn lanes_that_do_not_fit_are_refused() {
    let bench = bench();
    let refusal = |change| bench.inject(vec![change], Settings::default()).unwrap_err().to_string();
    let change = bench.change("gate", 3, Corruption::flip(0).unwrap());
    assert!(bench.inject(vec![change], Settings::default()).is_ok());
    assert!(refusal(Change { element: 4, ..change }).contains("no element 4"));
    assert!(refusal(Change { layer: 99, ..change }).contains("layer 99"));
    let input = bench.executor.graph().inputs[0];
    assert!(refusal(Change { tensor: input, ..change }).contains(&format!("tensor {input}")));
    let (images, lanes) =
        ([Image::Golden(&bench.golden)], [Lane { image: 1, changes: vec![change], ..Lane::default() }]);
    let wave = pollster::block_on(bench.executor.wave(&images, &lanes, Settings::default()));
    assert!(wave.unwrap_err().to_string().contains("1 images"));
}
