//! A lane under a clip beside it gives what a full run gives that a hook clips.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use facts::Result;
use facts::graph::{Graph, NodeId, ValueId};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::*;
use super::networks::recipes;
use super::numbers;
use super::reference::{elements, same};
use super::waves::{Draw, draws, forking};
use crate::ops::Array;

const IMAGES: usize = 3;

/// Bounds for each row-major element of each tensor, and whether an element beyond them becomes 0.
struct Oracle {
    bounds: BTreeMap<ValueId, Vec<[f32; 2]>>,
    to_zero: bool,
}

/// Clips after the hook `inner`, element by element.
struct Clipped<'a, H> {
    oracle: &'a Oracle,
    inner: H,
    count: u64,
}

impl<H: Hook> Hook for Clipped<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let array = self.inner.output(node, value, array).await?;
        let Some(bounds) = self.oracle.bounds.get(&value) else { return Ok(array) };
        let mut elements = array.read().await?;
        for (element, [low, high]) in elements.iter_mut().zip(bounds) {
            let clipped = match *element {
                inside if inside >= *low && inside <= *high => inside,
                _ if self.oracle.to_zero => 0.0,
                nan if nan.is_nan() => 0f32.max(*low).min(*high),
                below if below < *low => *low,
                _ => *high,
            };
            self.count += u64::from(clipped.to_bits() != element.to_bits());
            *element = clipped;
        }
        Ok(Array::from_slice(array.shape(), &elements, &array.device()))
    }
}

/// Clips of every kind, learnt from `runs`: bounds for each tensor, channel and element, of all tensors or of every other one.
fn clips(graph: &Graph, runs: &[Activations]) -> Vec<(Clips, Oracle)> {
    let extents = extents(graph);
    let depends = graph.depends_on_input();
    let nodes = graph.nodes.iter().zip(depends).filter(|(_, depends)| **depends).map(|(node, _)| node);
    let values: Vec<ValueId> = nodes.flat_map(|node| node.outputs.iter().copied()).collect();
    let kinds = [(0, false, 1), (0, true, 2), (1, false, 1), (2, true, 1), (1, true, 2)];
    kinds
        .map(|(kind, to_zero, step)| {
            let mut bounds = BTreeMap::new();
            let mut clips = Vec::new();
            for &value in values.iter().step_by(step) {
                let extent = extents[value];
                let group = |at: usize| match kind {
                    0 => 0,
                    1 => extent.locate(at).1,
                    _ => {
                        let ([y, x], channel) = extent.locate(at);
                        (y * extent.width + x) * extent.channels + channel
                    }
                };
                let count = [1, extent.channels, extent.elements()][kind];
                let mut ranges = vec![Range::NONE; count];
                for run in runs {
                    for (at, &element) in elements(run, value).iter().enumerate() {
                        ranges[group(at)].widen(element);
                    }
                }
                let of_element = |at| [ranges[group(at)].low, ranges[group(at)].high];
                bounds.insert(value, (0..extent.elements()).map(of_element).collect());
                clips.push((value, Bounds::new(ranges, to_zero)));
            }
            (clips.into_iter().collect(), Oracle { bounds, to_zero })
        })
        .into()
}

fn forks_give_what_clipped_runs_give(graph: Graph, draws: &[Draw], profile: usize) -> Result<(), TestCaseError> {
    let (graph, device) = (Arc::new(graph), Device::flex());
    let executor = Executor::new(graph.clone(), &device).unwrap();
    let shape = &graph.values[graph.inputs[0]].shape;
    let input = |seed| [Array::from_slice(shape, &numbers(shape.iter().product(), 40 + seed as u32), &device)];
    let inputs: Vec<[Array; 1]> = (0..IMAGES).map(input).collect();
    let golden = |input: &[Array; 1]| pollster::block_on(executor.run(input, &mut Plain)).unwrap();
    let goldens: Vec<Activations> = inputs.iter().map(golden).collect();
    let (clips, oracles): (Vec<Stage>, Vec<Oracle>) =
        clips(&graph, &goldens[..profile]).into_iter().map(|(clips, oracle)| (Stage::Clip(clips), oracle)).unzip();
    let (drawn, lanes) = forking(&graph, draws, IMAGES);
    let images = |kept: bool| -> Vec<Image<'_>> {
        let image = |at: usize| if kept { Image::Golden(&goldens[at]) } else { Image::Inputs(&inputs[at]) };
        (0..IMAGES).map(image).collect()
    };
    let output = graph.outputs[0];
    let plain = pollster::block_on(executor.wave(&images(false), &lanes, Settings::default())).unwrap();
    for (kept, whole) in [(false, false), (true, false), (true, true)] {
        let settings = Settings { whole, ..Settings::default() };
        let wave = pollster::block_on(executor.wave_under(&images(kept), &lanes, settings, &clips)).unwrap();
        prop_assert_eq!(wave.lanes.len(), lanes.len());
        for (image, moved) in wave.moved.iter().enumerate() {
            for (oracle, moved) in oracles.iter().zip(moved) {
                let mut hook = Clipped { oracle, inner: Plain, count: 0 };
                pollster::block_on(executor.run(&inputs[image], &mut hook)).unwrap();
                prop_assert_eq!(*moved, hook.count > 0, "image {}", image);
            }
        }
        for (((image, sites), faulty), without) in drawn.iter().zip(&wave.lanes).zip(&plain.lanes) {
            let golden = elements(&goldens[*image], output);
            let trunk = faulty.output.as_deref().unwrap_or(&golden);
            prop_assert!(same(trunk, without.output.as_deref().unwrap_or(&golden)), "clips change the unprotected run");
            for (at, oracle) in oracles.iter().enumerate().filter(|(at, _)| !wave.moved[*image][*at]) {
                let (parameters, _) = faulty_parameters(&graph, sites);
                let mut hook = Clipped { oracle, inner: Injector::new(&graph, sites), count: 0 };
                let run = executor.run_changed(&inputs[*image], &parameters, &mut hook);
                let expected = elements(&pollster::block_on(run).unwrap(), output);
                let found = match faulty.forks.get(at) {
                    Some(Some(fork)) => fork.output.as_deref().unwrap_or(&golden),
                    _ => trunk,
                };
                prop_assert!(same(found, &expected), "clip {at}: {found:?}, a whole run has {expected:?}");
                prop_assert_eq!(hook.count > 0, matches!(faulty.forks.get(at), Some(Some(_))), "clip {}", at);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn forks_of_waves_give_what_clipped_runs_give(recipe in recipes(), draws in draws(), profile in 1..=IMAGES) {
        forks_give_what_clipped_runs_give(recipe.graph(), &draws, profile)?;
    }
}
