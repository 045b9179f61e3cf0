//! One walk over the graph for a batch of golden runs and lanes, on a GPU.
//!
//! A tensor of the batch is a [`Stack`]: the golden rows of all images, and a row for each lane that a change can have
//! reached there. The batch computes golden rows along the way and drops them after their last reader. One dispatch
//! computes a layer for the images and for the lanes with a row in one of its inputs. If such a lane has no row in
//! another input, it reads its image's row. A lane joins at the layer of its first change. Lanes with the same weight
//! faults are computed together where their parameters differ, and with all other lanes elsewhere.
//!
//! The batch reads data back at most once a layer. It reads the elements that changes strike, because a flip needs the
//! bits. It also compares lanes with their golden runs, but only after a function that may absorb a difference, and at
//! most [`LOOKS`] times for each lane: a difference that survives longer has spread. A lane leaves if it equals its
//! golden run in all tensors that later layers read; its output is then the golden output. (The comparison takes zeros
//! of both signs as equal; only a division by zero could tell them apart.) The outputs are read once, at the end.

mod compute;
mod stack;

use std::collections::{BTreeMap, BTreeSet};

use facts::Result;
use facts::graph::{Binary, Graph, NodeId, Op, Unary, ValueId};

use super::gpu::GpuGraph;
use super::strike::{Strike, Strikes};
use super::weights::Weights;
use super::{Faulty, Image, Lane};
use crate::ops::Array;
use stack::{Stack, Whose};

/// Most comparisons of a lane with its golden run.
const LOOKS: usize = 4;

/// A batch in progress.
pub(super) struct Batch<'a> {
    gpu: &'a GpuGraph,
    graph: &'a Graph,
    images: usize,
    lanes: Vec<BatchLane<'a>>,
    variants: Vec<Variant>,
    /// Outputs of the layers that depend on parameters alone.
    constants: BTreeMap<ValueId, Array>,
    stacks: Vec<Option<Stack>>,
    whole: bool,
}

/// A lane in progress.
struct BatchLane<'a> {
    image: usize,
    strikes: Strikes<'a>,
    /// The variant of its parameters, if they differ.
    variant: Option<usize>,
    /// The last layer that a change strikes or whose parameters differ.
    until: NodeId,
    looks: usize,
    /// The lane equals its golden run from here on.
    gone: bool,
}

/// Parameters shared by the lanes with the same weight faults.
struct Variant {
    weights: Weights,
    /// Outputs of constant layers, computed from these parameters.
    constants: BTreeMap<ValueId, Array>,
}

impl<'a> Batch<'a> {
    /// Prepares `lanes`, each with the index of its image among `images`.
    pub fn new(gpu: &'a GpuGraph, images: &[&Image<'_>], lanes: Vec<(usize, &'a Lane)>, whole: bool) -> Self {
        let graph = &*gpu.graph;
        let mut batch = Self {
            gpu,
            graph,
            images: images.len(),
            lanes: Vec::with_capacity(lanes.len()),
            variants: Vec::new(),
            constants: BTreeMap::new(),
            stacks: vec![None; graph.values.len()],
            whole,
        };
        for (nth, &value) in graph.inputs.iter().enumerate() {
            let mut rows = Vec::with_capacity(images.len());
            for image in images {
                let array = match image {
                    Image::Inputs(inputs) => Some(&inputs[nth]),
                    Image::Golden(golden) => golden.get(value),
                };
                rows.extend(array.map(|array| array.reshaped(&[1, array.elements()])));
            }
            let images = rows.len();
            let mut struck = Vec::new();
            // Faults may have struck the image of a lane.
            for (index, (_, lane)) in lanes.iter().enumerate().filter(|_| nth == 0) {
                if let Some(input) = &lane.input {
                    let array = Array::upload(input, &gpu.device);
                    rows.push(array.reshaped(&[1, array.elements()]));
                    struck.push(index);
                }
            }
            batch.stacks[value] = Some(Stack { rows: Array::joined(&rows), images, lanes: struck });
        }
        for (image, lane) in lanes {
            let lane = batch.lane(image, lane);
            batch.lanes.push(lane);
        }
        batch
    }

    fn lane(&mut self, image: usize, lane: &'a Lane) -> BatchLane<'a> {
        let mut strikes = Strikes::new(self.graph, &lane.changes);
        let weights = Weights::struck(self.graph, &mut strikes);
        let mut until = strikes.layers().next_back().unwrap_or(0);
        for id in weights.readers(self.graph) {
            // A layer that depends on parameters alone passes the change on to its readers.
            until = until.max(if self.graph.depends_on_input()[id] { id } else { self.graph.nodes.len() });
        }
        let differs = weights.parameters().next().is_some();
        let variant = differs.then(|| {
            let known = self.variants.iter().position(|variant| variant.weights == weights);
            known.unwrap_or_else(|| {
                self.variants.push(Variant { weights, constants: BTreeMap::new() });
                self.variants.len() - 1
            })
        });
        let looks = if self.whole { 0 } else { LOOKS };
        BatchLane { image, strikes, variant, until, looks, gone: false }
    }

    /// Walks from the first layer to the last. Returns the golden output of each image and the result of each lane.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn run(mut self) -> Result<(Vec<Vec<f32>>, Vec<Faulty>)> {
        for id in 0..self.graph.nodes.len() {
            if self.graph.depends_on_input()[id] {
                self.layer(id).await?;
            } else if self.graph.nodes[id].op != Op::Folded {
                self.constant_layer(id)?;
            }
        }
        let output = self.stacks[self.graph.outputs[0]].take();
        let (golden, outputs) = match &output {
            Some(stack) => {
                let elements = stack.rows.read().await?;
                let mut rows = elements.chunks(elements.len() / stack.rows.shape()[0]).map(<[f32]>::to_vec);
                let golden: Vec<_> = rows.by_ref().take(self.images).collect();
                (golden, stack.lanes.iter().copied().zip(rows).collect())
            }
            None => (vec![Vec::new(); self.images], Vec::new()),
        };
        let mut differing: Vec<Option<Vec<f32>>> = vec![None; self.lanes.len()];
        for (index, output) in outputs {
            let (lane, bits) = (&self.lanes[index], |value: &f32| value.to_bits());
            if !lane.gone && !output.iter().map(bits).eq(golden[lane.image].iter().map(bits)) {
                differing[index] = Some(output);
            }
        }
        let end = |(lane, output): (BatchLane<'_>, Option<Vec<f32>>)| Faulty {
            output,
            changed: lane.strikes.into_changed(),
            ..Faulty::default()
        };
        Ok((golden, self.lanes.into_iter().zip(differing).map(end).collect()))
    }

    async fn layer(&mut self, id: NodeId) -> Result<()> {
        let lanes = self.touched(id);
        let outputs = self.compute(id, &lanes)?;
        for (&value, rows) in self.graph.nodes[id].outputs.iter().zip(outputs) {
            let rows = self.gpu.round(value, rows).await?;
            self.stacks[value] = Some(Stack { rows, images: self.images, lanes: lanes.clone() });
        }
        let looked_at = self.looked_at(id, &lanes);
        for &value in &self.graph.nodes[id].outputs {
            self.strike(id, value, &looked_at).await?;
            if let Some(stack) = &mut self.stacks[value] {
                stack.rows = self.gpu.protect(value, stack.rows.clone());
            }
        }
        for &value in self.graph.nodes[id].inputs.iter().chain(&self.graph.nodes[id].outputs) {
            if !self.gpu.is_read_after(id, value) {
                self.stacks[value] = None;
            }
        }
        Ok(())
    }

    /// Returns the lanes that layer `id` is computed for. Lanes with the same parameters are adjacent.
    fn touched(&self, id: NodeId) -> Vec<usize> {
        let mut is_in: Vec<bool> = self.lanes.iter().map(|lane| lane.gone).collect();
        let stacks = self.graph.nodes[id].inputs.iter().filter_map(|&value| self.stacks[value].as_ref());
        // The order is that of an input, so that most rows need no copy.
        let reached = stacks.flat_map(|stack| &stack.lanes).copied();
        let altered = (0..self.lanes.len()).filter(|&lane| self.variant(lane, id).is_some());
        let mut lanes: Vec<usize> =
            reached.chain(altered).filter(|&lane| !std::mem::replace(&mut is_in[lane], true)).collect();
        lanes.sort_by_key(|&lane| self.variant(lane, id));
        lanes
    }

    /// Returns the lanes, among those just computed in layer `id`, that may equal their golden run from here on.
    fn looked_at(&mut self, id: NodeId, lanes: &[usize]) -> Vec<usize> {
        let outputs = &self.graph.nodes[id].outputs;
        if outputs.len() != 1 || !may_absorb(&self.graph.nodes[id].op) {
            return Vec::new();
        }
        let others = self.stacks.iter().enumerate().filter_map(|(value, stack)| Some((value, stack.as_ref()?)));
        let others = others.filter(|(value, _)| !outputs.contains(value) && self.gpu.is_read_after(id, *value));
        let elsewhere: BTreeSet<usize> = others.flat_map(|(_, stack)| &stack.lanes).copied().collect();
        let mut looked_at = Vec::new();
        for &lane in lanes {
            let own = &mut self.lanes[lane];
            if own.looks > 0 && own.until <= id && own.strikes.is_over() && !elsewhere.contains(&lane) {
                own.looks -= 1;
                looked_at.push(lane);
            }
        }
        looked_at
    }

    /// Makes the changes in the output `value` of layer `id`. Marks the lanes in `looked_at` that equal their golden
    /// run there as gone.
    async fn strike(&mut self, id: NodeId, value: ValueId, looked_at: &[usize]) -> Result<()> {
        let Some(mut stack) = self.stacks[value].take() else { return Ok(()) };
        let struck: Vec<usize> =
            (0..self.lanes.len()).filter(|&lane| self.lanes[lane].strikes.strikes(id, value)).collect();
        let joining: Vec<usize> = struck.iter().copied().filter(|lane| !stack.lanes.contains(lane)).collect();
        if !joining.is_empty() {
            let lanes = stack.lanes.iter().chain(&joining).map(|&lane| self.whose(lane));
            let whose: Vec<Whose> = (0..self.images).map(Whose::Image).chain(lanes).collect();
            stack.rows = stack.select(&whose);
            stack.lanes.extend(joining);
        }
        let (total, count) = (stack.rows.elements(), self.images + stack.lanes.len());
        // For each change: the lane, the change, and the element's index among all rows of the batch.
        let mut strikes: Vec<(usize, Strike<'_>, usize)> = Vec::new();
        for (row, &lane) in stack.lanes.iter().enumerate() {
            let first = (self.images + row) * (total / count);
            let own = self.lanes[lane].strikes.take(id, value);
            strikes.extend(own.into_iter().map(|strike| (lane, strike, first + strike.element())));
        }
        let places: Vec<usize> =
            strikes.iter().map(|&(.., place)| place).collect::<BTreeSet<_>>().into_iter().collect();
        let mut wanted = Vec::new();
        if !places.is_empty() {
            wanted.push(stack.rows.reshaped(&[total]).entries(&places));
        }
        if !looked_at.is_empty() {
            let lanes: Vec<Whose> = looked_at.iter().map(|&lane| self.whose(lane)).collect();
            let images: Vec<Whose> = looked_at.iter().map(|&lane| Whose::Image(self.lanes[lane].image)).collect();
            wanted.push(stack.select(&lanes).differences(&stack.select(&images)));
        }
        if !wanted.is_empty() {
            let read = Array::joined(&wanted).read().await?;
            let (elements, differences) = read.split_at(places.len());
            let mut elements: BTreeMap<usize, f32> = places.into_iter().zip(elements.iter().copied()).collect();
            for (lane, strike, place) in strikes {
                if let Some(element) = elements.get_mut(&place) {
                    self.lanes[lane].strikes.make(strike, element);
                }
            }
            for (&lane, &differences) in looked_at.iter().zip(differences) {
                self.lanes[lane].gone = differences == 0.0;
            }
            if !elements.is_empty() {
                stack.rows = stack.rows.with(&elements);
            }
        }
        self.stacks[value] = Some(stack);
        Ok(())
    }
}

/// Returns whether different inputs may give the same output, apart from rounding.
fn may_absorb(op: &Op) -> bool {
    match op {
        Op::Unary(function) => matches!(
            function,
            Unary::Relu
                | Unary::ClippedRelu { .. }
                | Unary::ThresholdedRelu { .. }
                | Unary::Clip { .. }
                | Unary::HardSigmoid { .. }
                | Unary::HardSwish
                | Unary::Floor
                | Unary::Ceil
                | Unary::Trunc
                | Unary::Round
                | Unary::Sign
                | Unary::Shrink { .. }
                | Unary::SparsePlus
                | Unary::IsNan
                | Unary::IsInf { .. }
                | Unary::Not
        ),
        Op::Binary(function) => {
            !matches!(function, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Pow | Binary::Mod)
        }
        Op::MaxPool(_) | Op::Where => true,
        Op::Chain(steps) => steps.iter().any(|step| may_absorb(&step.op)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
