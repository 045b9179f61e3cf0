//! The one executor.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use facts::graph::{Graph, NodeId, Op, Source, ValueId};
use facts::{Error, Result};

use super::lane::Changed;
use super::program::Program;
use super::wave::Walk;
use super::{Activations, Hook, Image, Lane, Settings, Wave, device, live};
use crate::ops::{self, Array};

/// A graph on a device, ready to run.
#[derive(Debug)]
pub struct Executor {
    graph: Arc<Graph>,
    device: Device,
    means: Means,
    live_bytes: usize,
}

/// What computes the layers.
#[derive(Debug)]
enum Means {
    /// Our own kernels, on the CPU.
    Kernels(Program),
    /// burn, on a GPU, which holds the parameters.
    Burn(BTreeMap<ValueId, Array>),
}

impl Executor {
    /// Makes `graph` ready for `device`: packs its parameters, or copies them there.
    ///
    /// # Errors
    /// Where the graph contradicts itself ([`Graph::validate`]).
    pub fn new(graph: Arc<Graph>, device: &Device) -> Result<Self> {
        graph.validate()?;
        let means = if *device == Device::flex() {
            Means::Kernels(Program::new(&graph)?)
        } else {
            let upload = |(&id, tensor)| (id, Array::upload(tensor, device));
            Means::Burn(graph.parameters.iter().map(upload).collect())
        };
        let live_bytes = live::bytes(&graph);
        Ok(Self { graph, device: device.clone(), means, live_bytes })
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Most bytes that the tensors of one image take at any layer, those that are not read any more let go of.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// Multiplications with addition of a run, in convolutions and matrix products. On a GPU nobody counts them: 0.
    pub fn multiply_adds(&self) -> u64 {
        match &self.means {
            Means::Kernels(program) => program.multiply_adds(),
            Means::Burn(_) => 0,
        }
    }

    /// Runs every layer and keeps every output. `inputs` are in the order of [`Graph::inputs`].
    ///
    /// # Errors
    /// Where an input has the wrong shape, or the hook fails.
    pub async fn run<H: Hook>(&self, inputs: &[Array], hook: &mut H) -> Result<Activations> {
        self.run_changed(inputs, &Changed::new(), hook).await
    }

    /// The same with other parameters than the graph's.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn run_changed<H: Hook>(&self, inputs: &[Array], changed: &Changed, hook: &mut H) -> Result<Activations> {
        let graph = &*self.graph;
        self.check_inputs(inputs)?;
        let uploaded: BTreeMap<ValueId, Array> =
            changed.iter().map(|(&id, tensor)| (id, Array::upload(tensor, &self.device))).collect();
        let mut constants = changed.clone();
        let mut run = Activations::new(graph.values.len());
        for (&id, array) in graph.inputs.iter().zip(inputs) {
            run.set(id, array.clone());
        }
        for (id, node) in graph.nodes.iter().enumerate() {
            if node.op == Op::Folded {
                continue;
            }
            let outputs = match &self.means {
                Means::Kernels(program) => program.compute(graph, id, &run, &mut constants)?,
                Means::Burn(parameters) => {
                    let read =
                        |value| run.get(value).or_else(|| uploaded.get(&value)).or_else(|| parameters.get(&value));
                    self.compute(id, read)
                }
            };
            for (&value, array) in node.outputs.iter().zip(outputs) {
                run.set(value, hook.output(id, value, array).await?);
            }
        }
        Ok(run)
    }

    /// Runs many faulty inferences at once, each the image's golden run with its changes, and computes of them what the
    /// changes can have reached. The outputs are those of full runs: on the CPU bit for bit.
    ///
    /// # Errors
    /// Where an image's input has the wrong shape, a lane names an image or an element that is not there, or the device
    /// fails.
    pub async fn wave(&self, images: &[Image<'_>], lanes: &[Lane], settings: Settings) -> Result<Wave> {
        for image in images {
            if let Image::Inputs(inputs) = image {
                self.check_inputs(inputs)?;
            }
        }
        for lane in lanes {
            self.check_lane(lane, images.len())?;
        }
        match &self.means {
            Means::Kernels(program) => Walk::new(&self.graph, program, settings, images, lanes)?.run(),
            Means::Burn(parameters) => device::wave(self, parameters, images, lanes, settings).await,
        }
    }

    fn check_inputs(&self, inputs: &[Array]) -> Result<()> {
        let graph = &*self.graph;
        if inputs.len() != graph.inputs.len() {
            return Err(Error::request(format_args!(
                "the model takes {} inputs, {} were given",
                graph.inputs.len(),
                inputs.len()
            )));
        }
        for (&id, array) in graph.inputs.iter().zip(inputs) {
            let expected = &graph.values[id].shape;
            if array.shape() != expected {
                return Err(Error::request(format_args!(
                    "input \"{}\" has shape {:?}, the model takes {expected:?}",
                    graph.values[id].name,
                    array.shape()
                )));
            }
        }
        Ok(())
    }

    fn check_lane(&self, lane: &Lane, images: usize) -> Result<()> {
        if lane.image >= images {
            return Err(Error::request(format_args!(
                "the wave has {images} images, a lane asks for image {}",
                lane.image
            )));
        }
        for change in &lane.changes {
            let fits = self.graph.nodes.get(change.layer).is_some_and(|node| {
                node.outputs.contains(&change.tensor)
                    || node.inputs.contains(&change.tensor) && self.graph.parameters.contains_key(&change.tensor)
            });
            if !fits || change.element >= self.graph.values[change.tensor].elements() {
                return Err(Error::request(format_args!(
                    "the model has no element {} in a tensor {} of a layer {}",
                    change.element, change.tensor, change.layer
                )));
            }
        }
        Ok(())
    }

    /// What layer `id` makes, on burn.
    pub(super) fn compute<'a>(&self, id: NodeId, read: impl Fn(ValueId) -> Option<&'a Array>) -> Vec<Array> {
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
