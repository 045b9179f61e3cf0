//! Waves on the GPU, many lanes in one batch: each answers as it does alone, and as on the CPU.

use std::sync::Arc;

use burn::tensor::Device;
use faultscope::exec::{Change, Executor, Image, Lane, Settings, Wave};
use faultscope::fault::{FaultModel, SiteSpace, Target, sampler};
use faultscope::graph::Graph;
use faultscope::import;
use faultscope::ops::Array;
use faultscope::outcome::top1;

use super::gpu;
use super::shared::shared;

/// A network on a device, with images made by a formula.
struct Bench {
    executor: Executor,
    inputs: Vec<[Array; 1]>,
}

impl Bench {
    fn new(graph: &Arc<Graph>, images: usize, device: &Device) -> Self {
        let shape = &graph.values[graph.inputs[0]].shape;
        let pixel = |image: usize, element: usize| (((element * (7 + image)) as f32 * 0.013).sin() + 1.0) / 2.0;
        let image = |image| (0..shape.iter().product()).map(|element| pixel(image, element)).collect::<Vec<f32>>();
        let inputs = (0..images).map(|index| [Array::from_slice(shape, &image(index), device)]).collect();
        Self { executor: Executor::new(graph.clone(), device).expect("a model that runs"), inputs }
    }

    fn wave(&self, lanes: &[Lane], whole: bool) -> Wave {
        let images: Vec<Image<'_>> = self.inputs.iter().map(|inputs| Image::Inputs(inputs)).collect();
        let settings = Settings { whole, ..Settings::default() };
        pollster::block_on(self.executor.wave(&images, lanes, settings)).expect("it runs")
    }
}

/// Random bit flips, `count` an image.
fn faults(graph: &Graph, target: Target, images: usize, count: usize) -> Vec<Lane> {
    let space = SiteSpace::sampled(graph, target);
    let model = FaultModel { target, ..FaultModel::default() };
    let pairs = (0..images).flat_map(|image| (0..count).map(move |fault| (image, fault)));
    let lane = |(image, fault)| {
        let sites = sampler::draw(graph, &space, &model, 4, image as u64, fault as u64).expect("a fault");
        Lane { image, changes: sites.iter().map(|site| Change::of(graph, site)).collect(), ..Lane::default() }
    };
    pairs.map(lane).collect()
}

fn output<'a>(wave: &'a Wave, lanes: &[Lane], index: usize) -> &'a [f32] {
    wave.lanes[index].output.as_ref().unwrap_or(&wave.golden[lanes[index].image])
}

/// The same classes, the same finite outputs to rounding, the same bits struck.
fn assert_same(found: &Wave, expected: &Wave, lanes: &[Lane]) {
    for (index, lane) in lanes.iter().enumerate() {
        let (a, b) = (output(found, lanes, index), output(expected, lanes, index));
        assert_eq!(top1(a), top1(b), "{lane:?}\n{a:?}\n{b:?}");
        assert_eq!(a.iter().any(|x| x.is_nan()), b.iter().any(|x| x.is_nan()), "{lane:?}");
        let largest = b.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * largest || !b.is_finite();
        assert!(a.iter().zip(b).all(near), "{lane:?}\n{a:?}\n{b:?}");
        for (a, b) in found.lanes[index].changed.iter().zip(&expected.lanes[index].changed) {
            assert!((a[0] - b[0]).abs() <= 1e-4 * (1.0 + b[0].abs()), "{lane:?}: {a:?}, {b:?}");
        }
    }
}

fn compare(network: &str, target: Target, images: usize, count: usize) {
    let Some(gpu) = gpu() else { return };
    let Some(file) = shared(network) else { return };
    let model = import::load(network, std::fs::read(file).expect("a file that is there")).expect("the model");
    let graph = model.graph.clone();
    let lanes = faults(&graph, target, images, count);
    let on_gpu = Bench::new(&graph, images, &gpu);
    let batch = on_gpu.wave(&lanes, false);
    assert_same(&batch, &Bench::new(&graph, images, &Device::flex()).wave(&lanes, false), &lanes);
    assert_same(&batch, &on_gpu.wave(&lanes, true), &lanes);
    // Waves of one lane each, as the page makes them.
    let some: Vec<Lane> = lanes.into_iter().step_by(count).collect();
    let batch = on_gpu.wave(&some, false);
    let mut alone = Wave { golden: batch.golden.clone(), ..Wave::default() };
    for lane in &some {
        let lane_alone = [Lane { image: 0, changes: lane.changes.clone(), ..Lane::default() }];
        let image = [Image::Inputs(&on_gpu.inputs[lane.image])];
        let wave = pollster::block_on(on_gpu.executor.wave(&image, &lane_alone, Settings::default())).expect("it runs");
        alone.lanes.extend(wave.lanes);
    }
    assert_same(&batch, &alone, &some);
}

#[test]
fn a_wave_of_activation_faults_answers_as_the_cpu() {
    compare("models/gtsrb_cnn.onnx", Target::Activation, 4, 40);
}

#[test]
fn a_wave_of_faults_in_a_residual_network_answers_as_the_cpu() {
    compare("models/cifar100_resnet20.onnx", Target::Activation, 3, 20);
}

#[test]
fn a_wave_of_weight_faults_answers_as_the_cpu() {
    compare("models/gtsrb_cnn.onnx", Target::Weight, 4, 10);
}
