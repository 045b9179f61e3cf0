//! One walk over the graph for many faults in many images, on the CPU.
//!
//! The wave computes all that it needs of a layer together: the golden outputs of the images that lack them, and for
//! each lane the part that its changes can have reached. A lane joins at the layer of its first change. For each
//! tensor that later layers read, a lane holds a patch: the region that differs from the golden tensor. Changes apply
//! to the result of the step that computes a layer's output; then the protection clips the result. A patch grows with
//! the reach of the operators, and is then reduced to the actual differences. A lane without a patch and without a
//! pending change is masked and leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use facts::Result;
use facts::graph::{Graph, NodeId, ValueId};

use super::fork::{self, Forks, Stage};
use super::golden::GoldenRows;
use super::lane::{Faulty, Image, Lane, MultiplyAdds, Settings, Wave};
use super::lane_run::{Altered, Branch, Fork, LaneRun};
use super::patch::Patch;
use super::pool::Pool;
use super::program::{Input, Program, Step};
use crate::kernels::{Bounds, Job, Kernel, View, clip_all, round_all};
use crate::ops::{Array, Extent, Region};

/// A wave in progress.
pub(super) struct Walk<'a> {
    pub(super) graph: &'a Graph,
    pub(super) program: &'a Program,
    pub(super) settings: Settings,
    pub(super) images: Vec<GoldenRows>,
    pub(super) lanes: Vec<LaneRun<'a>>,
    work: MultiplyAdds,
    pub(super) pool: Pool,
    pub(super) forks: Forks<'a>,
}

/// One computation of a step.
struct Task<'k> {
    whose: Whose,
    kernel: &'k dyn Kernel,
    region: Region,
    out: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Image(usize),
    Lane(usize),
}

impl<'a> Walk<'a> {
    /// Prepares the wave. A run has at most `elements_of_a_run` elements in memory.
    pub fn new(
        graph: &'a Graph,
        program: &'a Program,
        settings: Settings,
        images: &[Image<'_>],
        lanes: &'a [Lane],
        stages: &'a [Stage],
        elements_of_a_run: usize,
    ) -> Result<Self> {
        let forking = lanes.iter().filter(|lane| lane.forks).count() * stages.len();
        let mut pool = program.pool(elements_of_a_run.saturating_mul(images.len() + lanes.len() + forking));
        let images =
            images.iter().map(|image| GoldenRows::new(graph, &program.extents, image)).collect::<Result<_>>()?;
        let images: Vec<GoldenRows> = images;
        let mut running = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let mut run = LaneRun::new(graph, program, settings, lane);
            if lane.forks && !stages.is_empty() {
                run.branch = Branch::Trunk(vec![Fork::None; stages.len()]);
            }
            if let (Some(input), Some(&value)) = (&lane.input, graph.inputs.first()) {
                let extent = program.extents[value];
                let rows = Array::upload(input, &Device::flex()).rows(extent)?.to_vec();
                let golden = images[lane.image].values[value].as_ref().map_or(&[][..], |rows| rows);
                let patch = Patch { region: extent.region(), rows };
                let is_compared = !settings.whole && !golden.is_empty();
                run.starts_with(
                    value,
                    if is_compared { patch.trimmed(extent, golden, &mut pool) } else { Some(patch) },
                );
            }
            running.push(run);
        }
        let lanes = running;
        let forks = Forks::new(stages, images.len());
        Ok(Self { graph, program, settings, images, lanes, work: MultiplyAdds::default(), pool, forks })
    }

    /// Walks from the first layer to the last.
    pub fn run(mut self) -> Result<Wave> {
        for id in 0..self.graph.nodes.len() {
            self.layer(id)?;
        }
        let output = self.graph.outputs[0];
        let extent = self.program.extents[output];
        let golden: Vec<Vec<f32>> = self
            .images
            .iter()
            .map(|image| image.values[output].as_ref().map(|rows| extent.row_major(rows)).unwrap_or_default())
            .collect();
        let (images, mut pool) = (&self.images, self.pool);
        let finish = |mut lane: LaneRun<'_>| {
            if let (Some(patch), Some(rows)) = (lane.patches.remove(&output), &images[lane.image].values[output]) {
                let patch = patch.grown(extent.region(), extent, rows, &mut pool);
                lane.answer.output = Some(extent.row_major(&patch.rows));
            }
            (Faulty { changed: lane.strikes.into_changed(), ..lane.answer }, lane.branch)
        };
        let lanes = fork::gathered(self.lanes.into_iter().map(finish).collect());
        self.program.return_pool(pool);
        let Forks { moved, alarms, .. } = self.forks;
        Ok(Wave { golden, lanes, moved, alarms, work: self.work })
    }

    fn layer(&mut self, id: NodeId) -> Result<()> {
        let node = &self.graph.nodes[id];
        if self.program.constant[id] {
            return self.constant_layer(id);
        }
        let steps = &self.program.layers[id];
        if steps.is_empty() {
            return Ok(());
        }
        let mut touched: Vec<bool> = self.lanes.iter().map(|lane| lane.is_touched(id, &node.inputs)).collect();
        let wanted = self.golden_wanted(id, &touched);
        for (nth, step) in steps.iter().enumerate() {
            self.step(id, step, &touched, &wanted);
            self.check(id, nth, step, &mut touched);
            if let Some(value) = step.struck {
                self.fork(id, value, step, &mut touched);
            }
        }
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if let Some(patch) = lane.previous.take() {
                self.pool.give(patch.rows);
            }
            if self.settings.observe.trace && (touched[index] || lane.is_reached(&node.inputs)) {
                lane.note(self.graph, self.program, id, &self.images[lane.image]);
            }
            if self.settings.observe.keep && touched[index] {
                lane.keep(self.graph, self.program, id, &self.images[lane.image]);
            }
        }
        self.forget(id);
        Ok(())
    }

    /// Computes a constant layer for the lanes whose parameters differ.
    fn constant_layer(&mut self, id: NodeId) -> Result<()> {
        for lane in &mut self.lanes {
            let inputs = &self.graph.nodes[id].inputs;
            if inputs.iter().any(|&value| lane.differs(value)) {
                let changed = lane.changed(self.graph, inputs);
                lane.made.extend(self.program.compute_constant(self.graph, id, &changed)?);
            }
        }
        Ok(())
    }

    /// Returns for each image whether the layer's golden output, or a golden intermediate result of its steps, must be
    /// computed.
    fn golden_wanted(&self, id: NodeId, touched: &[bool]) -> Vec<bool> {
        let (node, steps) = (&self.graph.nodes[id], &self.program.layers[id]);
        let unknown = |golden: &GoldenRows| node.outputs.iter().any(|&value| golden.values[value].is_none());
        let mut wanted: Vec<bool> = self.images.iter().map(unknown).collect();
        let on_the_way = steps.iter().any(|step| step.output.is_none());
        if on_the_way && self.forks.checks(id, true) {
            wanted.fill(true);
        } else if on_the_way {
            // Some steps need golden values outside the patch: a step that reads around a position or reads a second
            // tensor, a step with a changed parameter, and a change inside a chain. A kept golden run holds values
            // after the protection, which a change before the protection cannot use.
            let goes_on = |step: &&Step| step.inputs.contains(&Input::Previous);
            let reads_around =
                steps.iter().filter(goes_on).any(|step| !step.kernel.is_local() || step.inputs.len() > 1);
            let is_struck_inside =
                steps.iter().filter(goes_on).any(|step| step.struck.is_some() && step.protection.is_some());
            for (lane, _) in self.lanes.iter().zip(touched).filter(|(_, touched)| **touched) {
                let altered = steps.iter().any(|step| lane.alters(step));
                wanted[lane.image] |= reads_around || altered || is_struck_inside && lane.strikes.strikes_layer(id);
            }
        }
        wanted
    }

    fn step(&mut self, id: NodeId, step: &Step, touched: &[bool], wanted: &[bool]) {
        let mut altered: BTreeMap<usize, Altered> = BTreeMap::new();
        for (index, lane) in self.lanes.iter().enumerate().filter(|(index, _)| touched[*index]) {
            if lane.alters(step) {
                altered.insert(index, lane.altered(self.graph, self.program, id, step));
            }
        }
        let mut tasks = Vec::new();
        for index in (0..self.images.len()).filter(|&index| wanted[index]) {
            let known = step.output.is_some_and(|value| self.images[index].values[value].is_some());
            if !known {
                let (whose, kernel) = (Whose::Image(index), &*step.kernel);
                tasks.push(Task { whose, kernel, region: step.extent.region(), out: Vec::new() });
            }
        }
        for (index, lane) in self.lanes.iter().enumerate().filter(|(index, _)| touched[*index]) {
            let changed = altered.get(&index);
            let mut region = lane.reach(step, changed.is_some()).union(self.struck_again(lane, id, step));
            if self.settings.whole && !region.is_empty() {
                region = step.extent.region();
            }
            if !region.is_empty() {
                let kernel = changed.map_or(&*step.kernel, |altered| &*altered.kernel);
                tasks.push(Task { whose: Whose::Lane(index), kernel, region, out: Vec::new() });
            }
        }
        self.compute(step, &altered, &mut tasks);
        let (goldens, faulty): (Vec<_>, Vec<_>) =
            tasks.into_iter().partition(|task| matches!(task.whose, Whose::Image(_)));
        let over = self.images.iter_mut().filter_map(|image| Arc::into_inner(image.previous.take()?));
        over.for_each(|rows| self.pool.give(rows));
        let mut computed = Vec::with_capacity(goldens.len());
        for Task { whose, out, .. } in goldens {
            if let Whose::Image(index) = whose {
                computed.push(index);
                self.work.golden += step.kernel.multiply_adds() * step.extent.positions() as u64;
                let image = &mut self.images[index];
                *step.output.map_or(&mut image.previous, |value| &mut image.values[value]) = Some(Arc::new(out));
            }
        }
        for patch in self.lanes.iter_mut().filter_map(|lane| lane.previous.take()) {
            self.pool.give(patch.rows);
        }
        for Task { whose, kernel, region, out } in faulty {
            if let Whose::Lane(index) = whose {
                self.work.lanes += kernel.multiply_adds() * region.positions() as u64;
                let channel = altered.get(&index).and_then(|altered| altered.channel);
                self.receive(index, step, Patch { region, rows: out }, channel);
            }
        }
        if let Some(value) = step.struck {
            for index in (0..self.lanes.len()).filter(|&index| touched[index]) {
                self.strike(index, id, value, step);
            }
            if let Some(bounds) = &step.protection {
                self.protect(id, value, step, bounds, touched, &computed);
            }
        }
    }

    /// Clips the result of a step, after the changes: the golden runs in `computed`, and the lanes.
    fn protect(
        &mut self,
        id: NodeId,
        value: ValueId,
        step: &Step,
        bounds: &Bounds,
        touched: &[bool],
        computed: &[usize],
    ) {
        let goldens = self.images.iter_mut().enumerate().filter(|(index, _)| computed.contains(index));
        let goldens = goldens.filter_map(|(index, image)| Some((index, Arc::get_mut(image.values[value].as_mut()?)?)));
        let (indices, goldens): (Vec<usize>, Vec<&mut Vec<f32>>) = goldens.unzip();
        let extent = step.extent;
        let counts = clip_all(bounds, extent, goldens.into_iter().map(|rows| (extent.region(), rows.as_mut_slice())));
        let moved: Vec<usize> =
            indices.into_iter().zip(counts).filter(|(_, count)| *count > 0).map(|(at, _)| at).collect();
        let lanes = self.lanes.iter_mut().zip(touched).filter(|(_, touched)| **touched).map(|(lane, _)| lane);
        let mut lanes: Vec<_> =
            lanes.filter_map(|lane| lane.patches.remove(&value).map(|patch| (lane, patch))).collect();
        let counts = clip_all(bounds, extent, lanes.iter_mut().map(|(_, patch)| (patch.region, &mut patch.rows[..])));
        for ((lane, patch), count) in lanes.into_iter().zip(counts) {
            if self.settings.observe.clipped {
                lane.count_clipped(id, count);
            }
            // Clipping may restore the golden value, or move the golden value to the lane's.
            let is_clipped = count > 0 || moved.contains(&lane.image);
            let patch = match &self.images[lane.image].values[value] {
                Some(golden) if is_clipped && !self.settings.whole => {
                    patch.trimmed(step.extent, golden, &mut self.pool)
                }
                _ => Some(patch),
            };
            lane.patches.extend(patch.map(|patch| (value, patch)));
        }
    }

    /// Returns the positions to compute again because their values before the strike are unknown: a kept golden run of
    /// a protected output holds the values after clipping.
    fn struck_again(&self, lane: &LaneRun<'_>, id: NodeId, step: &Step) -> Region {
        let Some(value) = step.struck.filter(|_| step.protection.is_some()) else { return Region::EMPTY };
        if self.images[lane.image].values[value].is_none() {
            return Region::EMPTY;
        }
        let places = lane.strikes.elements(id, value).map(|element| Region::position(step.extent.locate(element).0));
        places.fold(Region::EMPTY, Region::union)
    }

    /// Computes the tasks: those with the layer's own kernel together, the others one by one.
    fn compute(&mut self, step: &Step, altered: &BTreeMap<usize, Altered>, tasks: &mut [Task<'_>]) {
        let own = |whose: Whose| match whose {
            Whose::Image(_) => None,
            Whose::Lane(index) => altered.get(&index),
        };
        for task in &mut *tasks {
            let single = own(task.whose).is_some_and(|own| own.channel.is_some());
            let channels = if single { 1 } else { step.extent.channels };
            task.out = self.pool.take(task.region.positions() * channels);
        }
        let mut together = Vec::with_capacity(tasks.len());
        for task in &mut *tasks {
            let inputs = step.inputs.iter().map(|&input| self.view(task.whose, input, step)).collect();
            let job = Job { inputs, region: task.region, out: &mut task.out };
            match own(task.whose) {
                Some(_) => task.kernel.compute(&mut [job]),
                None => together.push(job),
            }
        }
        step.kernel.compute(&mut together);
        if let Some(code) = step.rounding {
            round_all(code, tasks.iter_mut().map(|task| &mut task.out[..]));
        }
    }

    /// Returns a step's input for an image or a lane.
    fn view(&self, whose: Whose, input: Input, step: &Step) -> View<'_> {
        let lane = match whose {
            Whose::Image(_) => None,
            Whose::Lane(index) => Some(&self.lanes[index]),
        };
        let image = match whose {
            Whose::Image(index) => &self.images[index],
            Whose::Lane(index) => &self.images[self.lanes[index].image],
        };
        let (extent, golden, patch) = match input {
            Input::Value(value) => (
                self.program.extents[value],
                image.values[value].as_ref(),
                lane.and_then(|lane| lane.patches.get(&value)),
            ),
            Input::Previous => (step.previous, image.previous.as_ref(), lane.and_then(|lane| lane.previous.as_ref())),
        };
        let golden = golden.map_or(&[][..], |rows| rows);
        patch.map_or(View::new(extent, golden), |patch| patch.over(extent, golden))
    }

    /// Stores the result of a step for a lane.
    fn receive(&mut self, index: usize, step: &Step, patch: Patch, channel: Option<usize>) {
        let lane = &mut self.lanes[index];
        let image = &self.images[lane.image];
        let golden = match step.output {
            Some(value) => image.values[value].as_ref(),
            None => image.previous.as_ref(),
        };
        let patch = match (channel, golden) {
            (Some(channel), Some(golden)) => {
                let column = Extent { channels: 1, ..step.extent };
                let own: Vec<f32> = golden.chunks_exact(step.extent.channels).map(|row| row[channel]).collect();
                patch.trimmed(column, &own, &mut self.pool).map(|column| {
                    let mut rows = self.pool.take(column.region.positions() * step.extent.channels);
                    View::new(step.extent, golden).copy(column.region, &mut rows);
                    for (row, &element) in rows.chunks_exact_mut(step.extent.channels).zip(&column.rows) {
                        row[channel] = element;
                    }
                    Patch { region: column.region, rows }
                })
            }
            // Inside a chain, other lanes decide whether the golden values are known. The patch is not reduced there,
            // so that a lane's computation does not depend on other lanes.
            (_, Some(golden)) if !self.settings.whole && step.output.is_some() => {
                patch.trimmed(step.extent, golden, &mut self.pool)
            }
            _ => Some(patch),
        };
        match (step.output, patch) {
            (None, patch) => lane.previous = patch,
            (Some(value), Some(patch)) => drop(lane.patches.insert(value, patch)),
            (Some(_), None) => {}
        }
    }

    /// Makes the changes of a lane in the output `value` of layer `id`, computed by `step`.
    fn strike(&mut self, index: usize, id: NodeId, value: ValueId, step: &Step) {
        let (lane, extent) = (&mut self.lanes[index], step.extent);
        if !lane.strikes.strikes(id, value) {
            return;
        }
        let image = &self.images[lane.image];
        let (golden, patch) = match step.output {
            Some(value) => (image.values[value].as_ref(), lane.patches.remove(&value)),
            None => (image.previous.as_ref(), lane.previous.take()),
        };
        if !matches!(lane.branch, Branch::Plain) && self.forks.checks(id, false) {
            lane.before = Some(patch.clone());
        }
        let golden = golden.map_or(&[][..], |rows| rows);
        let own: Vec<_> =
            lane.strikes.take(id, value).into_iter().map(|own| (own, extent.locate(own.element()))).collect();
        let mut region = own.iter().fold(Region::EMPTY, |all, &(_, (place, _))| all.union(Region::position(place)));
        if self.settings.whole {
            region = extent.region();
        }
        let patch = patch.unwrap_or(Patch { region: Region::EMPTY, rows: Vec::new() });
        let mut patch = patch.grown(region, extent, golden, &mut self.pool);
        for (own, (place, channel)) in own {
            lane.strikes.make(own, patch.element(place, channel, extent.channels));
        }
        match step.output {
            None => lane.previous = Some(patch),
            Some(value) => {
                let whole = self.settings.whole;
                let patch = if whole { Some(patch) } else { patch.trimmed(extent, golden, &mut self.pool) };
                lane.patches.extend(patch.map(|patch| (value, patch)));
            }
        }
    }

    /// Frees tensors without further readers, and marks the lanes that have neither a patch nor a pending change as
    /// gone.
    fn forget(&mut self, id: NodeId) {
        let node = &self.graph.nodes[id];
        let over = |value: ValueId| {
            self.graph.last_readers()[value].is_none_or(|last| last == id) && self.graph.outputs[0] != value
        };
        for &value in node.inputs.iter().chain(&node.outputs).filter(|&&value| over(value)) {
            // A kept golden run holds its own reference to the rows.
            let golden = self.images.iter_mut().filter_map(|image| Arc::into_inner(image.values[value].take()?));
            let faulty = self.lanes.iter_mut().filter_map(|lane| lane.patches.remove(&value));
            golden.chain(faulty.map(|patch| patch.rows)).for_each(|rows| self.pool.give(rows));
        }
        for lane in &mut self.lanes {
            lane.gone |= lane.patches.is_empty() && lane.until <= id;
        }
    }
}
