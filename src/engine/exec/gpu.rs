//! A graph on a GPU: the data that runs share.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use facts::Result;
use facts::graph::{Graph, NodeId, ValueId};

use super::lane::Changed;
use super::{Activations, Hook, Ranges, full};
use crate::kernels;
use crate::ops::{self, Array};

/// A graph that burn computes. Clones share the parameters.
#[derive(Clone, Debug)]
pub(super) struct GpuGraph {
    pub graph: Arc<Graph>,
    pub device: Device,
    parameters: Arc<BTreeMap<ValueId, Array>>,
    /// The ranges of the protection, applied after the strike.
    ranges: Option<Arc<Ranges>>,
}

impl GpuGraph {
    /// Copies the parameters of `graph` to `device`.
    pub fn new(graph: Arc<Graph>, device: &Device) -> Self {
        let upload = |(&id, tensor)| (id, Array::upload(tensor, device));
        let parameters = Arc::new(graph.parameters.iter().map(upload).collect());
        Self { graph, device: device.clone(), parameters, ranges: None }
    }

    /// Returns the same graph with every output clipped to `ranges` after the strike. `ranges` replace an earlier
    /// protection.
    pub fn protected_by(&self, ranges: Arc<Ranges>) -> Self {
        Self { ranges: Some(ranges), ..self.clone() }
    }

    /// A parameter.
    pub fn parameter(&self, value: ValueId) -> Option<&Array> {
        self.parameters.get(&value)
    }

    /// Returns whether a layer after `id`, or the caller, reads `value`.
    pub fn is_read_after(&self, id: NodeId, value: ValueId) -> bool {
        self.graph.last_readers()[value].is_some_and(|last| last > id) || self.graph.outputs.contains(&value)
    }

    /// Returns whether `value` is clipped after the strike.
    pub fn is_protected(&self, value: ValueId) -> bool {
        self.ranges.as_ref().is_some_and(|ranges| ranges.get(value).is_some())
    }

    /// Applies the protection to `array`, which holds the tensor `value` of one or more inferences. Without a
    /// protection, returns `array`.
    pub fn protect(&self, value: ValueId, array: Array) -> Array {
        match self.ranges.as_ref().and_then(|ranges| ranges.get(value)) {
            Some(range) => array.clipped(range),
            None => array,
        }
    }

    /// Returns the outputs of layer `id` before the strike.
    ///
    /// # Errors
    /// If `read` has no value for an input.
    pub fn compute<'a>(&'a self, id: NodeId, read: impl Fn(ValueId) -> Option<&'a Array>) -> Result<Vec<Array>> {
        let node = &self.graph.nodes[id];
        let input = |&value: &ValueId| read(value).or_else(|| self.parameter(value));
        let inputs: Option<Vec<&Array>> = node.inputs.iter().map(input).collect();
        let inputs = inputs.ok_or_else(|| full::missing(&self.graph, id))?;
        Ok(ops::layer(&node.op, &inputs, self.graph.links(id), &self.shapes(id)))
    }

    /// Returns the outputs of layer `id` in the number formats of their tensors, before the strike.
    ///
    /// # Errors
    /// As [`GpuGraph::compute`], or if the device fails.
    pub async fn compute_rounded<'a>(
        &'a self,
        id: NodeId,
        read: impl Fn(ValueId) -> Option<&'a Array>,
    ) -> Result<Vec<Array>> {
        let mut outputs = Vec::new();
        for (&value, array) in self.graph.nodes[id].outputs.iter().zip(self.compute(id, read)?) {
            outputs.push(self.round(value, array).await?);
        }
        Ok(outputs)
    }

    /// Rounds the output `value` of a layer to its number format. A shader may round as it likes, so the elements come to
    /// main memory and go back.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn round(&self, value: ValueId, array: Array) -> Result<Array> {
        let Some(code) = super::program::rounding(&self.graph, value) else { return Ok(array) };
        let mut elements = array.read().await?;
        kernels::round_all(code, [&mut elements[..]]);
        Ok(Array::from_slice(array.shape(), &elements, &self.device))
    }

    /// Returns the shapes of the outputs of layer `id`, for one image.
    pub fn shapes(&self, id: NodeId) -> Vec<&[usize]> {
        self.graph.nodes[id].outputs.iter().map(|&value| self.graph.values[value].shape.as_slice()).collect()
    }

    /// Runs every layer. Parameters in `changed` replace the graph's.
    ///
    /// # Errors
    /// If the hook fails.
    pub async fn run<H: Hook>(&self, inputs: &[Array], changed: &Changed, hook: &mut H) -> Result<Activations> {
        let changed: BTreeMap<ValueId, Array> =
            changed.iter().map(|(&id, tensor)| (id, Array::upload(tensor, &self.device))).collect();
        let layer = async |id: NodeId, run: &Activations| {
            let outputs = self.compute_rounded(id, |value| run.get(value).or_else(|| changed.get(&value))).await?;
            let values = self.graph.nodes[id].outputs.iter();
            Ok(values.zip(outputs).map(|(&value, array)| self.protect(value, array)).collect())
        };
        full::run(&self.graph, inputs, hook, layer).await
    }
}
