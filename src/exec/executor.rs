//! The one executor.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;

use super::{Activations, Hook};
use crate::graph::{Graph, NodeId, Op, Source, ValueId};
use crate::ops::{self, Array};
use crate::{Error, Result};

/// A graph whose parameters are on a device, ready to run.
#[derive(Debug)]
pub struct Executor {
    graph: Arc<Graph>,
    device: Device,
    parameters: BTreeMap<ValueId, Array>,
    /// By value id, the last layer that reads it: a re-run lets go of a tensor after that.
    last_use: Vec<Option<NodeId>>,
}

impl Executor {
    /// Copies the parameters of `graph` to `device`.
    ///
    /// # Errors
    /// Where the graph contradicts itself ([`Graph::validate`]).
    pub fn new(graph: Arc<Graph>, device: &Device) -> Result<Self> {
        graph.validate()?;
        let parameters = graph.parameters.iter().map(|(&id, tensor)| (id, Array::upload(tensor, device))).collect();
        let mut last_use = vec![None; graph.values.len()];
        for (id, node) in graph.nodes.iter().enumerate() {
            for &input in &node.inputs {
                last_use[input] = Some(id);
            }
        }
        Ok(Self { graph, device: device.clone(), parameters, last_use })
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A parameter as it is on the device.
    pub fn parameter(&self, value: ValueId) -> Option<&Array> {
        self.parameters.get(&value)
    }

    /// Runs every layer and keeps every output. `inputs` are in the order of [`Graph::inputs`].
    ///
    /// # Errors
    /// Where an input has the wrong shape, or the hook fails.
    pub async fn run<H: Hook>(&self, inputs: &[Array], hook: &mut H) -> Result<Activations> {
        let graph = &*self.graph;
        if inputs.len() != graph.inputs.len() {
            return Err(Error::request(format_args!(
                "the model takes {} inputs, {} were given",
                graph.inputs.len(),
                inputs.len()
            )));
        }
        let mut run = Activations::new(graph.values.len());
        for (&id, array) in graph.inputs.iter().zip(inputs) {
            let expected = &graph.values[id].shape;
            if array.shape() != expected {
                return Err(Error::request(format_args!(
                    "input \"{}\" has shape {:?}, the model takes {expected:?}",
                    graph.values[id].name,
                    array.shape()
                )));
            }
            run.set(id, array.clone());
        }
        for (id, node) in graph.nodes.iter().enumerate() {
            if node.op == Op::Folded {
                continue;
            }
            let outputs = self.compute(id, |value| run.get(value).or_else(|| self.parameters.get(&value)));
            for (&value, array) in node.outputs.iter().zip(outputs) {
                run.set(value, hook.output(id, value, array).await?);
            }
        }
        Ok(run)
    }

    /// Runs again what `changed` parameters and the layers that the hook changes have touched, everything
    /// else taken from `golden`; the result holds the tensors that were computed anew.
    ///
    /// `keep` says which of them outlive their last reader; the model's outputs always do.
    ///
    /// # Errors
    /// Where the hook fails.
    pub async fn rerun<H: Hook>(
        &self,
        golden: &Activations,
        changed: &BTreeMap<ValueId, Array>,
        hook: &mut H,
        keep: impl Fn(ValueId) -> bool,
    ) -> Result<Activations> {
        let graph = &*self.graph;
        let mut run = Activations::new(graph.values.len());
        for (id, node) in graph.nodes.iter().enumerate() {
            if node.op == Op::Folded {
                continue;
            }
            let touched = node.inputs.iter().any(|value| run.get(*value).is_some() || changed.contains_key(value));
            let outputs = if touched {
                self.compute(id, |value| {
                    run.get(value)
                        .or_else(|| changed.get(&value))
                        .or_else(|| golden.get(value))
                        .or_else(|| self.parameters.get(&value))
                })
            } else if hook.changes(id) {
                node.outputs.iter().filter_map(|&value| golden.get(value).cloned()).collect()
            } else {
                continue;
            };
            for (&value, array) in node.outputs.iter().zip(outputs) {
                run.set(value, hook.output(id, value, array).await?);
            }
            for &value in &node.inputs {
                if self.last_use[value] == Some(id) && !graph.outputs.contains(&value) && !keep(value) {
                    run.forget(value);
                }
            }
        }
        Ok(run)
    }

    fn compute<'a>(&'a self, id: NodeId, read: impl Fn(ValueId) -> Option<&'a Array>) -> Vec<Array> {
        let node = &self.graph.nodes[id];
        let inputs: Vec<&Array> = node
            .inputs
            .iter()
            .map(|&value| {
                read(value).expect("a validated graph makes a value before it is read, and a golden run keeps it")
            })
            .collect();
        let shapes: Vec<&[usize]> =
            node.outputs.iter().map(|&value| self.graph.values[value].shape.as_slice()).collect();
        debug_assert!(node.inputs.iter().all(|&value| self.graph.values[value].source != Source::Folded));
        ops::apply(&node.op, &inputs, &shapes)
    }
}
