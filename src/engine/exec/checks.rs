//! Checks of layers by checksums of their weights: what is compared where, and the tolerances.

use std::collections::BTreeMap;
use std::sync::Arc;

use facts::campaign::compared::{Product, abft};
use facts::graph::{Graph, NodeId, Op, ValueId};
use facts::{Error, Result};

use super::lane::Changed;
use super::program::{Input, Program};
use super::{Activations, full};
use crate::kernels::{Checked, Checksum, Job, Residual, View};
use crate::ops::Order;

/// The checksums of a network's layers, made from the parameters of its graph.
#[derive(Clone, Debug)]
pub struct Checksums {
    layers: BTreeMap<NodeId, Arc<LayerChecksum>>,
}

/// The checksum of a layer, and the step of the layer whose result it is compared with.
#[derive(Debug)]
pub(super) struct LayerChecksum {
    pub input: ValueId,
    pub step: usize,
    /// Further steps follow.
    pub is_inside: bool,
    pub checksum: Checksum,
}

/// The checks of a protection.
#[derive(Clone, Debug)]
pub struct Checks {
    layers: BTreeMap<NodeId, Check>,
    /// Whether a layer that fails is computed once more, without the changes in its output.
    pub recomputes: bool,
}

/// The check of a layer.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub layer: Arc<LayerChecksum>,
    /// The difference that passes, as a factor of the sum of magnitudes.
    pub factor: f32,
}

impl Checksums {
    /// Makes the checksums of all layers of `graph` that can be checked.
    ///
    /// # Errors
    /// If there is none, or a layer's result is not float32.
    pub(super) fn new(graph: &Graph, program: &Program) -> Result<Self> {
        let made = |(id, product): &(NodeId, Product<'_>)| {
            let checksum = checksum(graph, program, *id, product)?;
            let (input, step, is_inside) = (product.input, product.step, product.is_inside);
            Some((*id, Arc::new(LayerChecksum { input, step, is_inside, checksum })))
        };
        let layers: BTreeMap<_, _> = abft::products(graph)?.iter().filter_map(made).collect();
        if layers.is_empty() {
            return Err(Error::request(
                "the model has no product or convolution with constant weights that a checksum in float32 can check",
            ));
        }
        Ok(Self { layers })
    }

    /// Returns the layers that have a checksum, in order.
    pub fn layers(&self) -> Vec<NodeId> {
        self.layers.keys().copied().collect()
    }

    /// Returns the checks with the tolerance of each layer: `factor` makes it from the factor that rounding errors never exceed.
    pub fn checks(&self, recomputes: bool, factor: impl Fn(NodeId, f32) -> f32) -> Checks {
        let check = |(&id, layer): (&NodeId, &Arc<LayerChecksum>)| {
            (id, Check { layer: layer.clone(), factor: factor(id, layer.checksum.bound()) })
        };
        Checks { layers: self.layers.iter().map(check).collect(), recomputes }
    }

    /// Returns the largest difference of each layer in a golden `run`, as a factor of the sum of magnitudes.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub(super) fn largest(&self, graph: &Graph, program: &Program, run: &Activations) -> Result<BTreeMap<NodeId, f32>> {
        let mut largest = BTreeMap::new();
        for (&id, layer) in &self.layers {
            let residuals = layer.residuals(graph, program, id, run)?;
            // A position without inputs has no error, and one that is not finite fails whatever the tolerance is.
            let factors = residuals.iter().map(|residual| residual.difference / residual.magnitude);
            largest.insert(id, factors.filter(|factor| factor.is_finite()).fold(0.0, f32::max));
        }
        Ok(largest)
    }
}

impl LayerChecksum {
    /// Compares all positions of layer `id` in a run.
    fn residuals(&self, graph: &Graph, program: &Program, id: NodeId, run: &Activations) -> Result<Vec<Residual>> {
        let missing = || full::missing(graph, id);
        let rows = |value: ValueId| run.get(value).ok_or_else(missing)?.rows(program.extents[value]);
        let steps = &program.layers[id][..=self.step];
        let mut result: Option<Vec<f32>> = None;
        // What later steps have changed is not kept.
        for step in steps.iter().filter(|_| self.is_inside) {
            let mut held = Vec::with_capacity(step.inputs.len());
            for input in &step.inputs {
                held.push(match input {
                    Input::Value(value) => Some((program.extents[*value], rows(*value)?)),
                    Input::Previous => None,
                });
            }
            let inputs = held.iter().map(|held| match held {
                Some((extent, rows)) => View::new(*extent, rows),
                None => View::new(step.previous, result.as_deref().unwrap_or_default()),
            });
            let inputs = inputs.collect();
            let mut out = vec![0.0; step.extent.elements()];
            step.kernel.compute(&mut [Job { inputs, region: step.extent.region(), out: &mut out }]);
            result = Some(out);
        }
        let extent = steps.last().ok_or_else(missing)?.extent;
        let result = match result {
            Some(result) => Arc::new(result),
            None => rows(graph.nodes[id].outputs[0])?,
        };
        let input = rows(self.input)?;
        let input = View::new(program.extents[self.input], &input);
        Ok(self.checksum.residuals(input, View::new(extent, &result), extent.region()))
    }
}

impl Checks {
    /// Returns the check of the result of step `step` of layer `id`.
    pub(super) fn at(&self, id: NodeId, step: usize) -> Option<&Check> {
        self.of(id).filter(|check| check.layer.step == step)
    }

    /// Returns the check of layer `id`.
    pub(super) fn of(&self, id: NodeId) -> Option<&Check> {
        self.layers.get(&id)
    }
}

/// Returns the checksum of layer `id`; `None` if the rows of its tensors are no positions of the product.
fn checksum(graph: &Graph, program: &Program, id: NodeId, product: &Product<'_>) -> Option<Checksum> {
    let nothing = Changed::new();
    let constant = |value: ValueId| program.constant(graph, &nothing, value);
    let step = program.layers[id].get(product.step)?;
    let (input, output) = (program.extents[product.input], step.extent);
    let positions = output.positions();
    let lies = match product.op {
        Op::Conv(_) => input.order == Order::Channels && output.order == Order::Channels,
        _ => positions == 1 || (input.order, output.order) == (Order::Last, Order::Last),
    };
    let is_inner = matches!(product.op, Op::Conv(_)) || input.channels == product.inner;
    if !lies || !is_inner || (output.channels, positions) != (product.outer, product.positions) {
        return None;
    }
    let bias = match product.bias {
        Some(bias) => Some(constant(bias)?),
        None => None,
    };
    Checksum::new(&Checked { op: product.op, weight: constant(product.weight)?, bias, input, output })
}
