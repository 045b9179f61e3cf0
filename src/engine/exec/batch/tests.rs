//! Batches with burn's kernels for the CPU, compared with our own kernels, which compute one inference at a time.

use facts::fault::Corruption;
use std::sync::Arc;

use burn::tensor::Device;
use facts::graph::{
    Binary, Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Pool, Reduction, SliceRange, Source, Step, Unary,
    ValueId,
};
use facts::outcome::top1;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::exec::gpu::GpuGraph;
use crate::exec::{Change, Executor, Image, Lane, Settings, Wave, device};
use crate::ops::Array;

struct Draw(ChaCha8Rng);

impl Draw {
    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.0.random_range(-1.0..1.0)).collect()
    }

    fn parameter(&mut self, b: &mut GraphBuilder, name: &str, shape: &[usize]) -> ValueId {
        let data = self.numbers(shape.iter().product());
        b.parameter(name, HostTensor::new(shape, data).unwrap()).unwrap()
    }
}

fn conv() -> Op {
    let padding = Padding2d { top: 1, left: 1, bottom: 1, right: 1 };
    Op::Conv(Conv { strides: [1; 2], dilations: [1; 2], padding, groups: 1 })
}

/// A graph with branches, a gate, a chain, layers that mix the axis of images with others, a constant layer, and a
/// parameter that two layers read.
fn graph(draw: &mut Draw) -> Graph {
    let mut b = GraphBuilder::new("all sorts");
    let image = b.input("image", [1, 3, 6, 6]).unwrap();
    let first = draw.parameter(&mut b, "first", &[4, 3, 3, 3]);
    let shared = draw.parameter(&mut b, "shared", &[4, 4, 3, 3]);
    let steps = vec![Step { op: conv(), inputs: 2 }, Step { op: Op::Unary(Unary::Relu), inputs: 0 }];
    let stem = b.layer("stem", "Conv", Op::Chain(steps), &[image, first]).unwrap();
    let left = b.layer("left", "Conv", conv(), &[stem, shared]).unwrap();
    let left = b.layer("left relu", "Relu", Op::Unary(Unary::Relu), &[left]).unwrap();
    let right = b.layer("right", "Conv", conv(), &[left, shared]).unwrap();
    let sum = b.layer("sum", "Add", Op::Binary(Binary::Add), &[right, stem]).unwrap();
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    let squeezed = b.layer("squeeze", "GlobalAveragePool", mean, &[sum]).unwrap();
    let gate = b.layer("gate", "Sigmoid", Op::Unary(Unary::Sigmoid), &[squeezed]).unwrap();
    let gated = b.layer("gated", "Mul", Op::Binary(Binary::Mul), &[sum, gate]).unwrap();
    let joined = b.layer("joined", "Concat", Op::Concat { axis: 1 }, &[gated, left]).unwrap();
    let pool =
        Pool { kernel: [2; 2], strides: [2; 2], dilations: [1; 2], padding: Padding2d::default(), ceil_mode: false };
    let pooled = b.layer("pooled", "MaxPool", Op::MaxPool(pool), &[joined]).unwrap();
    let away = b.layer("away", "Transpose", Op::Transpose { perm: vec![1, 0, 2, 3] }, &[pooled]).unwrap();
    let scale = draw.parameter(&mut b, "scale", &[8, 1, 1, 1]);
    let scaled = b.layer("scaled", "Mul", Op::Binary(Binary::Mul), &[away, scale]).unwrap();
    let back = b.layer("back", "Transpose", Op::Transpose { perm: vec![1, 0, 2, 3] }, &[scaled]).unwrap();
    let all = |length| SliceRange { start: 0, step: 1, length };
    let ranges = vec![all(1), SliceRange { start: 1, step: 2, length: 3 }, all(3), all(3)];
    let cut = b.layer("cut", "Slice", Op::Slice { ranges }, &[back]).unwrap();
    let flat = b.layer("flat", "Reshape", Op::Reshape { shape: vec![1, 27] }, &[cut]).unwrap();
    let weight = draw.parameter(&mut b, "weight", &[5, 27]);
    let turned = b.layer("turned", "Transpose", Op::Transpose { perm: vec![1, 0] }, &[weight]).unwrap();
    let scores = b.layer("scores", "MatMul", Op::MatMul, &[flat, turned]).unwrap();
    b.finish(&[scores]).unwrap()
}

/// Lanes with one or a few changes: of activations, of weights, and of the same weight in several images.
fn lanes(graph: &Graph, draw: &mut Draw, images: usize, count: usize) -> Vec<Lane> {
    let mut change = |weight: bool| loop {
        let layer = draw.0.random_range(0..graph.nodes.len());
        let node = &graph.nodes[layer];
        let is_parameter = |value: &&ValueId| graph.values[**value].source == Source::Parameter;
        let tensor = if weight { node.inputs.iter().find(is_parameter) } else { node.outputs.first() };
        // No fault strikes an output that does not depend on the image.
        if let Some(&tensor) = tensor.filter(|_| weight || node.name != "turned") {
            let element = draw.0.random_range(0..graph.values[tensor].elements());
            return Change {
                layer,
                tensor,
                element,
                corruption: Corruption::flip(draw.0.random_range(0..32)).unwrap(),
            };
        }
    };
    let mut lanes = Vec::new();
    for index in 0..count {
        let mut changes = match index % 4 {
            0 | 1 => vec![change(false)],
            2 => vec![change(true)],
            _ => vec![change(false), change(true), change(false)],
        };
        changes.sort_by_key(|change| change.layer);
        let image = index % images;
        let again = if index % 4 == 2 { 2 } else { 1 };
        lanes.extend((0..again).map(|next| Lane {
            image: (image + next) % images,
            changes: changes.clone(),
            ..Lane::default()
        }));
    }
    lanes
}

struct Setting {
    executor: Executor,
    gpu: GpuGraph,
    inputs: Vec<[Array; 1]>,
    lanes: Vec<Lane>,
}

fn setting() -> Setting {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(7));
    let graph = graph(&mut draw);
    let device = Device::flex();
    let inputs: Vec<[Array; 1]> =
        (0..3).map(|_| [Array::from_slice(&[1, 3, 6, 6], &draw.numbers(108), &device)]).collect();
    let lanes = lanes(&graph, &mut draw, inputs.len(), 240);
    let graph = Arc::new(graph);
    let gpu = GpuGraph::new(graph.clone(), &device);
    Setting { executor: Executor::new(graph, &device).unwrap(), gpu, inputs, lanes }
}

fn assert_same(setting: &Setting, batch: &Wave, expected: &Wave) {
    let mut differ = 0;
    for (index, lane) in setting.lanes.iter().enumerate() {
        let output = |wave: &Wave| wave.lanes[index].output.as_ref().unwrap_or(&wave.golden[lane.image]).clone();
        let (found, wanted) = (output(batch), output(expected));
        assert_eq!(top1(&found), top1(&wanted), "{lane:?}\n{found:?}\n{wanted:?}");
        assert_eq!(found.iter().any(|x| x.is_nan()), wanted.iter().any(|x| x.is_nan()), "{lane:?}");
        let largest = wanted.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
        for (a, b) in found.iter().zip(&wanted).filter(|(_, wanted)| wanted.is_finite()) {
            assert!((a - b).abs() <= 1e-4 * largest, "{lane:?}\n{found:?}\n{wanted:?}");
        }
        for (found, wanted) in batch.lanes[index].changed.iter().zip(&expected.lanes[index].changed) {
            let same = (found[0] - wanted[0]).abs() <= 1e-4 * wanted[0].abs().max(1.0) || found[0].is_nan();
            assert!(same, "{lane:?}: {found:?}, {wanted:?}");
        }
        differ += usize::from(batch.lanes[index].output.is_some());
    }
    assert!((20..setting.lanes.len() - 20).contains(&differ), "{differ} lanes differ: some, and not all");
}

#[test]
fn a_batch_answers_as_one_inference_at_a_time() {
    let setting = setting();
    let Setting { executor, gpu, inputs, lanes } = &setting;
    let images: Vec<Image<'_>> = inputs.iter().map(|inputs| Image::Inputs(inputs)).collect();
    let expected = pollster::block_on(executor.wave(&images, lanes, Settings::default())).unwrap();
    for whole in [false, true] {
        let settings = Settings { whole, ..Settings::default() };
        let batch = pollster::block_on(device::wave(gpu, &images, lanes, settings)).unwrap();
        assert_same(&setting, &batch, &expected);
    }
}

/// The result of a lane does not depend on the other lanes.
#[test]
fn a_lane_alone_answers_as_in_a_batch() {
    let setting = setting();
    let Setting { gpu, inputs, lanes, .. } = &setting;
    let images: Vec<Image<'_>> = inputs.iter().map(|inputs| Image::Inputs(inputs)).collect();
    let settings = Settings::default();
    let batch = pollster::block_on(device::wave(gpu, &images, lanes, settings)).unwrap();
    let mut alone = Wave { golden: batch.golden.clone(), ..Wave::default() };
    for lane in lanes {
        let image = [images[lane.image]];
        let lane = [Lane { image: 0, changes: lane.changes.clone(), ..Lane::default() }];
        let wave = pollster::block_on(device::wave(gpu, &image, &lane, settings)).unwrap();
        alone.lanes.extend(wave.lanes);
    }
    assert_same(&setting, &batch, &alone);
}
