//! A lane in progress.

use std::collections::BTreeMap;
use std::sync::Arc;

use facts::graph::{Graph, NodeId, ValueId};

use super::TraceRow;
use super::golden::GoldenRows;
use super::lane::{Changed, Faulty, Lane, Settings};
use super::patch::Patch;
use super::program::{Input, Program, Step};
use super::strike::Strikes;
use super::weights::Weights;
use crate::kernels::{Kernel, View};
use crate::ops::{Array, Extent, Region};

/// A lane in progress.
#[derive(Clone)]
pub(super) struct LaneRun<'a> {
    pub image: usize,
    pub strikes: Strikes<'a>,
    pub weights: Weights,
    /// Outputs of the constant layers that read changed parameters.
    pub made: Changed,
    /// Its weight faults may be computed a channel at a time.
    pub channels: bool,
    /// The last layer that a change is still to come in, and the first.
    pub until: NodeId,
    pub from: NodeId,
    pub patches: BTreeMap<ValueId, Patch>,
    pub previous: Option<Patch>,
    /// The patch of a result before its changes, where the result is checked and changes were made.
    pub before: Option<Option<Patch>>,
    pub answer: Faulty,
    /// For each value, whether a change can have reached it; used only for traces.
    pub reached: Vec<bool>,
    pub gone: bool,
    /// Which run it is, where the wave has stages.
    pub branch: Branch,
}

/// What a lane has to do with the stages of its wave.
#[derive(Clone, Debug)]
pub(super) enum Branch {
    /// It does not fork.
    Plain,
    /// For each stage, what became of the run under it.
    Trunk(Vec<Fork>),
    /// It forked off, and is the run under the stage of this index.
    Fork(usize),
}

/// What became of a lane under a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fork {
    /// The stage had nothing to do.
    None,
    /// The lane of this index has forked off.
    Lane(usize),
    /// The stage has stopped the run at this layer.
    Stopped(NodeId),
}

/// A kernel for changed parameters.
pub(super) struct Altered {
    pub kernel: Arc<dyn Kernel>,
    /// The only channel that the kernel computes, if the other channels are unchanged.
    pub channel: Option<usize>,
}

impl<'a> LaneRun<'a> {
    pub fn new(graph: &Graph, program: &Program, settings: Settings, lane: &'a Lane) -> Self {
        let mut strikes = Strikes::new(graph, &lane.changes);
        let weights = Weights::struck(graph, &mut strikes);
        let readers = weights.readers(graph);
        let layers = || readers.iter().copied().chain(strikes.layers());
        let (from, until) = (layers().min().unwrap_or(NodeId::MAX), layers().max().unwrap_or(0));
        // A layer that depends on parameters alone passes the change on to its readers.
        let handed_on = readers.iter().any(|&id| program.constant[id]);
        let until = if handed_on { graph.nodes.len() } else { until };
        let reached = if settings.observe.trace { vec![false; graph.values.len()] } else { Vec::new() };
        Self {
            image: lane.image,
            strikes,
            weights,
            made: Changed::new(),
            channels: !settings.whole,
            until,
            from,
            patches: BTreeMap::new(),
            previous: None,
            before: None,
            answer: Faulty::default(),
            reached,
            gone: false,
            branch: Branch::Plain,
        }
    }

    /// Begins with a patch of the graph's input `value`, if it differs.
    pub fn starts_with(&mut self, value: ValueId, patch: Option<Patch>) {
        self.from = 0;
        if let Some(reached) = self.reached.get_mut(value) {
            *reached = true;
        }
        self.patches.extend(patch.map(|patch| (value, patch)));
    }

    /// Returns whether layer `id`, which reads `inputs`, may have a different output.
    pub fn is_touched(&self, id: NodeId, inputs: &[ValueId]) -> bool {
        !self.gone
            && id >= self.from
            && (self.strikes.strikes_layer(id)
                || inputs.iter().any(|value| self.patches.contains_key(value) || self.differs(*value)))
    }

    /// Returns whether a change can have reached one of `inputs`, ignoring absorption.
    pub fn is_reached(&self, inputs: &[ValueId]) -> bool {
        inputs.iter().any(|&value| self.reached.get(value).is_some_and(|reached| *reached))
    }

    /// Returns whether the step's kernel contains a changed parameter.
    pub fn alters(&self, step: &Step) -> bool {
        step.constants.iter().any(|&value| self.differs(value))
    }

    /// Returns whether this constant differs.
    pub fn differs(&self, value: ValueId) -> bool {
        self.weights.contains(value) || self.made.contains_key(&value)
    }

    /// Returns the tensors of `constants` that differ.
    pub fn changed(&self, graph: &Graph, constants: &[ValueId]) -> Changed {
        let mut changed = self.weights.changed(graph, constants.iter().copied());
        changed.extend(constants.iter().filter_map(|value| Some((*value, self.made.get(value)?.clone()))));
        changed
    }

    /// Returns the step's kernel with the parameters of this lane.
    pub fn altered(&self, graph: &Graph, program: &Program, id: NodeId, step: &Step) -> Altered {
        // The other channels come from the golden run. Behind a protection it may not tell the values before a strike.
        let is_hidden = |value| step.protection.is_some() && self.strikes.strikes(id, value);
        let known = !self.touches(step) && !step.struck.is_some_and(is_hidden);
        let single = self.weights.single().filter(|_| self.channels && self.made.is_empty() && known);
        match single.and_then(|edit| program.altered_channel(graph, id, step, edit)) {
            Some((kernel, channel)) => Altered { kernel, channel: Some(channel) },
            None => {
                let changed = self.changed(graph, &step.constants);
                Altered { kernel: program.altered(graph, id, step, &changed), channel: None }
            }
        }
    }

    /// Returns whether an input of the step differs.
    pub fn touches(&self, step: &Step) -> bool {
        step.inputs.iter().any(|&input| self.patch(input).is_some())
    }

    pub fn patch(&self, input: Input) -> Option<&Patch> {
        match input {
            Input::Value(value) => self.patches.get(&value),
            Input::Previous => self.previous.as_ref(),
        }
    }

    /// Returns the part of a step's output that may differ.
    pub fn reach(&self, step: &Step, altered: bool) -> Region {
        if altered {
            return step.extent.region();
        }
        let patches = step.inputs.iter().enumerate().filter_map(|(index, &input)| Some((index, self.patch(input)?)));
        patches.fold(Region::EMPTY, |all, (index, patch)| all.union(step.kernel.reach(index, patch.region)))
    }

    /// Compares the layer's output with the golden run.
    pub fn note(&mut self, graph: &Graph, program: &Program, id: NodeId, golden: &GoldenRows) {
        let mut row = TraceRow::new(&graph.nodes[id].name);
        for &value in &graph.nodes[id].outputs {
            self.reached[value] = true;
            if let Some(golden) = &golden.values[value] {
                let extent = program.extents[value];
                let faulty =
                    self.patches.get(&value).map_or(View::new(extent, golden), |patch| patch.over(extent, golden));
                compare(&mut row, &graph.values[value].shape, View::new(extent, golden), faulty);
            }
        }
        self.answer.trace.push(row);
    }

    /// Counts the elements that the protection clipped in an output of layer `id`.
    pub fn count_clipped(&mut self, id: NodeId, count: u64) {
        match self.answer.clipped.last_mut() {
            _ if count == 0 => {}
            Some((layer, total)) if *layer == id => *total += count,
            _ => self.answer.clipped.push((id, count)),
        }
    }

    pub fn keep(&mut self, graph: &Graph, program: &Program, id: NodeId, golden: &GoldenRows) {
        for &value in &graph.nodes[id].outputs {
            if let (Some(patch), Some(golden)) = (self.patches.get(&value), &golden.values[value]) {
                let extent = program.extents[value];
                let mut rows = vec![0.0; extent.elements()];
                patch.over(extent, golden).copy(extent.region(), &mut rows);
                self.answer.activations.set(value, Array::from_rows(&graph.values[value].shape, extent, rows));
            }
        }
    }
}

/// Counts the differences in a tensor of `shape`.
fn compare(row: &mut TraceRow, shape: &[usize], golden: View<'_>, faulty: View<'_>) {
    let (extent, own) = (golden.extent(), Extent::of(shape));
    if extent != own {
        // The executor's rows are not those that a reader knows as positions.
        let elements = |view: View<'_>| {
            let mut rows = vec![0.0; extent.elements()];
            view.copy(extent.region(), &mut rows);
            own.rows(&extent.row_major(&rows))
        };
        return row.compare(&elements(golden), &elements(faulty), own.channels);
    }
    for y in 0..extent.height {
        let mut golden = golden.line(y, 0..extent.width).next().unwrap_or(&[]);
        for run in faulty.line(y, 0..extent.width) {
            let (same_place, rest) = golden.split_at(run.len());
            row.compare(same_place, run, extent.channels);
            golden = rest;
        }
    }
}
