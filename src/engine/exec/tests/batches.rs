//! Batches, as a GPU computes them, give the results of our own kernels: random networks, with burn's kernels for the
//! CPU.

use facts::fault::Corruption;
use std::sync::Arc;

use burn::tensor::Device;
use facts::fault::{SiteSpace, Target};
use facts::graph::Graph;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::gpu::GpuGraph;
use super::super::{Change, Executor, Image, Lane, Plain, Ranges, Settings, device};
use super::networks::recipes;
use super::numbers;
use super::rounding::formats;
use crate::ops::Array;

const IMAGES: usize = 3;

/// Draws a change of any activation or weight to a moderate number, so that the network computes no NaN and no huge
/// value from it.
fn change(graph: &Graph, target: Target, place: Index) -> Change {
    let space = SiteSpace::of(graph, target);
    let sites = &space.layers()[place.index(space.layers().len())];
    let (tensor, element) = sites.locate(graph, place.index(sites.elements)).unwrap();
    Change { layer: sites.layer, tensor, element, corruption: Corruption::Set(0.75) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_network_in_a_batch(
        recipe in recipes(),
        places in prop::collection::vec(any::<Index>(), 1..12),
        profile in 0..=IMAGES,
        formats in formats(),
    ) {
        let (graph, device) = (Arc::new(recipe.graph()), Device::flex());
        // Integers are computed on the CPU only, and a rounding error before them may become a step.
        prop_assume!(graph.nodes.iter().all(|node| !node.op.makes_integers()));
        let executor = Executor::new(graph.clone(), &device).unwrap();
        let gpu = GpuGraph::new(graph.clone(), &device);
        let input = &graph.values[graph.inputs[0]];
        let input = |seed| [Array::from_slice(&input.shape, &numbers(input.elements(), seed), &device)];
        let inputs: Vec<[Array; 1]> = (0..IMAGES as u32).map(input).collect();
        // Without learnt runs there is no protection.
        let mut ranges = Ranges::default();
        for input in &inputs[..profile] {
            let run = pollster::block_on(executor.run(input, &mut Plain)).unwrap();
            pollster::block_on(ranges.include(&graph, &run)).unwrap();
        }
        let (executor, gpu) = match profile {
            0 => (executor, gpu),
            _ => (executor.protected_by(ranges.clone()), gpu.protected_by(Arc::new(ranges))),
        };
        let images: Vec<Image<'_>> = inputs.iter().map(|inputs| Image::Inputs(inputs)).collect();
        let lane = |(index, &place): (usize, &Index)| {
            let target = if index % 3 == 2 { Target::Weight } else { Target::Activation };
            Lane { image: index % IMAGES, changes: vec![change(&graph, target, place)], ..Lane::default() }
        };
        let lanes: Vec<Lane> = places.iter().enumerate().map(lane).collect();
        let settings = Settings::default();
        let batch = pollster::block_on(device::wave(&gpu, &images, &lanes, settings)).unwrap();
        let wave = pollster::block_on(executor.wave(&images, &lanes, settings)).unwrap();
        let mut pairs: Vec<(&[f32], &[f32])> =
            batch.golden.iter().map(Vec::as_slice).zip(wave.golden.iter().map(Vec::as_slice)).collect();
        for (index, lane) in lanes.iter().enumerate() {
            let [found, expected] =
                [&batch, &wave].map(|wave| wave.lanes[index].output.as_ref().unwrap_or(&wave.golden[lane.image]));
            pairs.push((found, expected));
        }
        // A rounded network's scores are numbers of its format, also in a batch.
        let stored = Arc::new(formats.of(&graph));
        let output = &stored.values[stored.outputs[0]];
        let rounded = GpuGraph::new(stored.clone(), &device);
        let rounded = pollster::block_on(device::wave(&rounded, &images, &lanes, settings)).unwrap();
        let lanes_of = rounded.lanes.iter().filter_map(|lane| lane.output.as_ref());
        for score in rounded.golden.iter().chain(lanes_of).flatten() {
            prop_assert!(output.code(0).round(*score).to_bits() == score.to_bits() || score.is_nan(), "{score}");
        }
        for (found, expected) in pairs {
            let largest = expected.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * largest || !b.is_finite();
            prop_assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?}\n{expected:?}");
        }
    }
}
