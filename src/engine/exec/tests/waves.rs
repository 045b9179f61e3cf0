//! Waves are exact: any faults in any network give the results of full runs.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use burn::tensor::Device;
use facts::fault::{Corruption, Site, SiteSpace, Target};
use facts::graph::{Graph, ValueId};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::super::{Activations, Change, Executor, Faulty, Image, Lane, Observe, Plain, Ranges, Settings, Wave};
use super::networks::{Recipe, recipes};
use super::numbers;
use super::reference::{Full, elements, full, same, trace};
use super::rounding::{Formats, Rounds, fitting, formats, unrounded};
use crate::ops::Array;

const IMAGES: usize = 3;
const EVERYTHING: Observe = Observe { trace: true, keep: true, clipped: true };

/// A fault drawn for any network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    weight: bool,
    layer: u32,
    element: u32,
    corruption: Corruption,
}

/// An image and the faults that strike together.
pub(super) type Draw = (u32, Vec<Fault>);

fn faults() -> impl Strategy<Value = Fault> {
    let corruption = prop_oneof![
        12 => (0u8..32).prop_map(|bit| Corruption::flip(bit).unwrap()),
        2 => Just(Corruption::Set(0.0)),
        3 => (-2.0f32..2.0).prop_map(Corruption::Set),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0]).prop_map(Corruption::Set),
    ];
    (prop::bool::weighted(0.25), any::<u32>(), any::<u32>(), corruption)
        .prop_map(|(weight, layer, element, corruption)| Fault { weight, layer, element, corruption })
}

/// Draws mostly single faults, as campaigns do.
pub(super) fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let together = prop_oneof![
        6 => prop::collection::vec(faults(), 1),
        2 => prop::collection::vec(faults(), 2..5),
        1 => same_layer(),
    ];
    prop::collection::vec((any::<u32>(), together), 20..50)
}

/// Draws several faults in one layer, possibly with equal elements.
fn same_layer() -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec(faults(), 2..6).prop_map(|mut faults| {
        let first = faults[0];
        faults.iter_mut().for_each(|fault| (fault.weight, fault.layer) = (first.weight, first.layer));
        faults
    })
}

fn site(graph: &Graph, fault: Fault) -> Site {
    let weights = SiteSpace::of(graph, Target::Weight);
    let space = if fault.weight { weights } else { SiteSpace::of(graph, Target::Activation) };
    let sites = &space.layers()[fault.layer as usize % space.layers().len()];
    let (tensor, element) = sites.locate(graph, fault.element as usize % sites.elements).unwrap();
    Site { target: space.target(), layer: sites.layer, tensor, element, corruption: fault.corruption }
}

/// Returns the image and the sites of each lane, in the order of layers.
fn drawn(draws: &[Draw], images: usize, site: impl Fn(Fault) -> Site) -> Vec<(usize, Vec<Site>)> {
    let lane = |(image, faults): &Draw| {
        let mut sites: Vec<Site> = faults.iter().map(|&fault| site(fault)).collect();
        sites.sort_by_key(|site| site.layer);
        (*image as usize % images, sites)
    };
    draws.iter().map(lane).collect()
}

/// Returns the image and the sites of each lane, and the lanes, which fork.
pub(super) fn forking(graph: &Graph, draws: &[Draw], images: usize) -> (Vec<(usize, Vec<Site>)>, Vec<Lane>) {
    let drawn = drawn(draws, images, |fault| site(graph, fault));
    let lane = |(image, sites): &(usize, Vec<Site>)| Lane {
        image: *image,
        changes: sites.iter().map(|site| Change::of(graph, site)).collect(),
        forks: true,
        ..Lane::default()
    };
    let lanes = drawn.iter().map(lane).collect();
    (drawn, lanes)
}

/// A network with images, their golden runs, and faults: the image and the sites of each lane.
struct Bench {
    /// The executor with the protection, if there is one.
    executor: Executor,
    /// The executor without protection and with outputs in float32.
    bare: Executor,
    ranges: Ranges,
    inputs: Vec<[Array; 1]>,
    goldens: Vec<Activations>,
    lanes: Vec<(usize, Vec<Site>)>,
}

impl Bench {
    fn new(recipe: &Recipe, draws: &[Draw]) -> Self {
        Self::protected(recipe, draws, 0..0)
    }

    /// Makes a network as [`Bench::protected`], with tensors in other number formats.
    fn stored(recipe: &Recipe, draws: &[Draw], formats: Formats, profile: Range<usize>) -> Self {
        Self::of(formats.of(&recipe.graph()), draws, profile)
    }

    /// Makes a network with outputs clipped to the ranges of the golden runs of the images `profile`.
    fn protected(recipe: &Recipe, draws: &[Draw], profile: Range<usize>) -> Self {
        Self::of(recipe.graph(), draws, profile)
    }

    fn of(graph: Graph, draws: &[Draw], profile: Range<usize>) -> Self {
        let graph = Arc::new(graph);
        let device = Device::flex();
        let bare = Executor::new(Arc::new(unrounded(&graph)), &device).unwrap();
        let input = &graph.values[graph.inputs[0]];
        let input = |seed| [Array::from_slice(&input.shape, &numbers(input.elements(), 40 + seed as u32), &device)];
        let inputs: Vec<_> = (0..IMAGES).map(input).collect();
        let mut ranges = Ranges::default();
        for input in &inputs[profile.clone()] {
            let run = pollster::block_on(bare.run(input, &mut Rounds { graph: &graph, inner: Plain })).unwrap();
            pollster::block_on(ranges.include(&graph, &run)).unwrap();
        }
        let plain = Executor::new(graph.clone(), &device).unwrap();
        let executor = if profile.is_empty() { plain } else { plain.protected_by(ranges.clone()) };
        let golden = |input: &[Array; 1]| pollster::block_on(executor.run(input, &mut Plain)).unwrap();
        let goldens = inputs.iter().map(golden).collect();
        let lanes = drawn(draws, IMAGES, |fault| fitting(&graph, site(&graph, fault)));
        Self { executor, bare, ranges, inputs, goldens, lanes }
    }

    fn graph(&self) -> &Graph {
        self.executor.graph()
    }

    /// Runs a wave of these lanes over these images. Every other image is given as its golden run.
    fn wave(&self, images: &[usize], lanes: &[usize], settings: Settings) -> Wave {
        let image = |&image: &usize| match image % 2 {
            0 => Image::Inputs(&self.inputs[image]),
            _ => Image::Golden(&self.goldens[image]),
        };
        let lane = |&lane: &usize| {
            let (image, sites) = &self.lanes[lane];
            let image = images.iter().position(|other| other == image).expect("the lane's image is in the wave");
            Lane {
                image,
                changes: sites.iter().map(|site| Change::of(self.graph(), site)).collect(),
                ..Lane::default()
            }
        };
        let (images, lanes): (Vec<_>, Vec<_>) = (images.iter().map(image).collect(), lanes.iter().map(lane).collect());
        pollster::block_on(self.executor.wave(&images, &lanes, settings)).unwrap()
    }

    fn all(&self, settings: Settings) -> Wave {
        self.wave(&Vec::from_iter(0..IMAGES), &Vec::from_iter(0..self.lanes.len()), settings)
    }

    /// Checks the wave against full runs.
    fn gives_what_whole_runs_give(&self) -> Result<(), TestCaseError> {
        let settings = Settings { observe: EVERYTHING, whole: false };
        let (wave, whole) = (self.all(settings), self.all(Settings { whole: true, ..settings }));
        let output = self.graph().outputs[0];
        for (image, golden) in self.goldens.iter().enumerate() {
            let clean = full(&self.bare, self.graph(), &self.ranges, &self.inputs[image][0], &[]).run;
            for &value in self.graph().nodes.iter().flat_map(|node| &node.outputs) {
                prop_assert!(same(&elements(golden, value), &elements(&clean, value)), "golden tensor {value}");
            }
            let golden = elements(golden, output);
            prop_assert!(same(&wave.golden[image], &golden) && same(&whole.golden[image], &golden), "image {image}");
        }
        for (lane, (image, sites)) in self.lanes.iter().enumerate() {
            let full = full(&self.bare, self.graph(), &self.ranges, &self.inputs[*image][0], sites);
            self.is(lane, &wave.lanes[lane], &full, settings)?;
            self.is(lane, &whole.lanes[lane], &full, Settings { whole: true, ..settings })?;
        }
        prop_assert!(wave.work.lanes <= whole.work.lanes, "patches are parts of layers");
        // A lane that has left needs no golden run. For a kept golden run, the steps inside a chain are computed
        // again.
        prop_assert!(wave.work.golden <= whole.work.golden);
        Ok(())
    }

    /// Checks that a lane's results and observations equal those of a full run.
    fn is(&self, lane: usize, found: &Faulty, full: &Full, settings: Settings) -> Result<(), TestCaseError> {
        let (graph, (image, sites)) = (self.graph(), &self.lanes[lane]);
        let golden = &self.goldens[*image];
        for (found, expected) in found.changed.iter().zip(&full.changed) {
            prop_assert!(same(found, expected), "values before and after {found:?}, a whole run has {expected:?}");
        }
        let output = graph.outputs[0];
        let (before, after) = (elements(golden, output), elements(&full.run, output));
        let output = found.output.as_deref().unwrap_or(&before);
        prop_assert!(same(output, &after), "output {output:?}, a whole run's is {after:?}");
        // Ranges that do not include the golden run clip elements that no fault has reached.
        if settings.observe.clipped && self.ranges.runs() == IMAGES {
            prop_assert_eq!(&found.clipped, &full.clipped);
        }
        let finite = graph.nodes.iter().flat_map(|node| &node.outputs).all(|&value| is_finite(golden, value));
        if finite && !settings.whole {
            prop_assert_eq!(found.output.is_none(), same(&before, &after), "a golden output is not told again");
        }
        if settings.observe.keep {
            self.kept(found, golden, &full.run)?;
        }
        if settings.observe.trace && finite {
            prop_assert_eq!(&found.trace, &trace(graph, golden, &full.run, sites));
        }
        Ok(())
    }

    /// Checks that the tensors kept by a lane equal a full run's, and that all other tensors are golden.
    fn kept(&self, found: &Faulty, golden: &Activations, full: &Activations) -> Result<(), TestCaseError> {
        let graph = self.graph();
        let depends = graph.depends_on_input();
        for (_, node) in graph.nodes.iter().enumerate().filter(|(id, _)| depends[*id]) {
            for &value in &node.outputs {
                let kept = found.activations.get(value).map(|_| elements(&found.activations, value));
                let kept = kept.unwrap_or_else(|| elements(golden, value));
                prop_assert!(same(&kept, &elements(full, value)), "layer {} ({})", node.name, node.kind);
            }
        }
        Ok(())
    }
}

fn is_finite(run: &Activations, value: ValueId) -> bool {
    elements(run, value).iter().all(|element| element.is_finite())
}

/// Pools of one thread and of two.
fn pool(threads: usize) -> &'static ThreadPool {
    static POOLS: LazyLock<[ThreadPool; 2]> =
        LazyLock::new(|| [1, 2].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap()));
    &POOLS[threads - 1]
}

/// Checks that two waves give the same results for a lane.
fn told_alike(graph: &Graph, a: &Faulty, b: &Faulty) -> Result<(), TestCaseError> {
    let alike = |a: &Option<Vec<f32>>, b: &Option<Vec<f32>>| match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    prop_assert!(alike(&a.output, &b.output), "outputs {:?} and {:?}", a.output, b.output);
    prop_assert!(same(a.changed.as_flattened(), b.changed.as_flattened()), "values before and after");
    for value in 0..graph.values.len() {
        let kept = |faulty: &Faulty| faulty.activations.get(value).map(|_| elements(&faulty.activations, value));
        prop_assert!(alike(&kept(a), &kept(b)), "tensor {value}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn waves_give_what_whole_runs_give(recipe in recipes(), draws in draws()) {
        Bench::new(&recipe, &draws).gives_what_whole_runs_give()?;
    }

    /// In a protected network, golden runs and lanes equal clipped full runs, also if golden values lie outside the
    /// ranges.
    #[test]
    fn protected_waves_give_what_clipped_runs_give(recipe in recipes(), draws in draws(), images in 1..=IMAGES) {
        Bench::protected(&recipe, &draws, 0..images).gives_what_whole_runs_give()?;
    }

    /// In a network of any number formats, golden runs and lanes equal full runs that a hook rounds.
    #[test]
    fn rounded_waves_give_what_rounded_runs_give(
        recipe in recipes(), draws in draws(), formats in formats(), images in 0..=IMAGES,
    ) {
        Bench::stored(&recipe, &draws, formats, 0..images).gives_what_whole_runs_give()?;
    }

    /// The result of a lane depends on that lane alone.
    #[test]
    fn lanes_do_not_depend_on_their_company(
        recipe in recipes(), draws in draws(), order: Vec<u32>, profile in 0..=IMAGES,
    ) {
        let bench = Bench::protected(&recipe, &draws, 0..profile);
        let settings = Settings { observe: EVERYTHING, whole: false };
        let together = pool(2).install(|| bench.all(settings));

        let mut shuffled: Vec<usize> = (0..bench.lanes.len()).collect();
        order.iter().enumerate().for_each(|(place, other)| {
            let (count, place) = (shuffled.len(), place % shuffled.len());
            shuffled.swap(place, *other as usize % count);
        });
        let images: Vec<usize> = (0..IMAGES).rev().collect();
        let other = pool(1).install(|| bench.wave(&images, &shuffled, settings));
        for (&lane, found) in shuffled.iter().zip(&other.lanes) {
            told_alike(bench.graph(), &together.lanes[lane], found)?;
        }
        prop_assert_eq!(together.work, other.work);

        let mut work = 0;
        for lane in 0..bench.lanes.len() {
            let alone = pool(1 + lane % 2).install(|| bench.wave(&[bench.lanes[lane].0], &[lane], settings));
            told_alike(bench.graph(), &together.lanes[lane], &alone.lanes[0])?;
            work += alone.work.lanes;
        }
        // Golden tensors computed for one lane can only save work for another.
        prop_assert!(together.work.lanes <= work);

        // Without observations the outputs are the same.
        let blind = bench.all(Settings::default());
        for (a, b) in blind.lanes.iter().zip(&together.lanes) {
            told_alike(bench.graph(), a, &Faulty { activations: Activations::default(), ..b.clone() })?;
        }
    }
}
