//! The executor: the only way to run a graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use facts::fault::Format;
use facts::graph::{Graph, HostTensor, Node, NodeId, Op, ValueId};
use facts::{Error, Result};

use super::gpu::GpuGraph;
use super::lane::Changed;
use super::program::Program;
use super::wave::Walk;
use super::{Activations, Checksums, Clips, Footprint, Hook, Image, Lane, Ranges, Settings, Stage, Wave, device, full};
use crate::kernels;
use crate::ops::Array;

/// A graph on a device, ready to run.
#[derive(Debug)]
pub struct Executor {
    graph: Arc<Graph>,
    device: Device,
    means: Means,
    protection: Option<Arc<Ranges>>,
    footprint: Footprint,
}

/// Images of a graph of integers whose golden runs alone are computed together: their tensors stay in the cache.
const INTEGER_IMAGES: usize = 2;

/// The implementation that computes the layers.
#[derive(Debug)]
enum Means {
    /// Our own kernels, on the CPU.
    Kernels(Program),
    /// burn, on a GPU.
    Burn(GpuGraph),
}

/// Refuses operators on integers, which only the CPU computes.
fn check_floats(graph: &Graph) -> Result<()> {
    match graph.nodes.iter().find(|node| node.op.needs_cpu()) {
        None => Ok(()),
        Some(node) => Err(Error::graph(
            &node.name,
            format_args!(
                "{} computes with integers or with places that a tensor names, which only the CPU does; use --device cpu",
                node.kind
            ),
        )),
    }
}

impl Executor {
    /// Prepares `graph` for `device`: packs its parameters, or copies them to the device.
    ///
    /// # Errors
    /// If an output that depends on parameters alone cannot be computed.
    pub fn new(graph: Arc<Graph>, device: &Device) -> Result<Self> {
        let means = if *device == Device::flex() {
            Means::Kernels(Program::new(&graph)?)
        } else {
            check_floats(&graph)?;
            Means::Burn(GpuGraph::new(graph.clone(), device))
        };
        let footprint = Footprint::of(&graph, false);
        Ok(Self { graph, device: device.clone(), means, protection: None, footprint })
    }

    /// Returns the same graph with every layer's output clipped to `ranges`, after the strike and before any layer
    /// reads it. Golden runs are clipped as well. `ranges` replace an earlier protection. The executors share kernels
    /// and parameters.
    pub fn protected_by(&self, ranges: Ranges) -> Self {
        let ranges = Arc::new(ranges);
        let means = match &self.means {
            Means::Kernels(program) => Means::Kernels(program.clipped_by(&Clips::from(&*ranges))),
            Means::Burn(gpu) => Means::Burn(gpu.protected_by(ranges.clone())),
        };
        self.clipping(means, Some(ranges))
    }

    /// The same graph computed by `means` that clip.
    fn clipping(&self, means: Means, protection: Option<Arc<Ranges>>) -> Self {
        let footprint = Footprint::of(&self.graph, true);
        Self { graph: self.graph.clone(), device: self.device.clone(), means, protection, footprint }
    }

    /// Returns the same graph with outputs clipped by `clips`, as [`Executor::protected_by`].
    ///
    /// # Errors
    /// On a GPU, if a tensor has several ranges or values beyond them become 0.
    pub fn clipped_by(&self, clips: &Clips) -> Result<Self> {
        let program = match (&self.means, clips.simple()) {
            (Means::Kernels(program), _) => program,
            (Means::Burn(_), Some(ranges)) => return Ok(self.protected_by(ranges)),
            (Means::Burn(_), None) => {
                return Err(Error::request(
                    "on a GPU values are clipped to the nearest bound of one range for each tensor only; use --device cpu",
                ));
            }
        };
        Ok(self.clipping(Means::Kernels(program.clipped_by(clips)), None))
    }

    /// Makes the checksums of all layers that can be checked.
    ///
    /// # Errors
    /// On a GPU, and if no layer can be checked or the result of one is not float32.
    pub fn checksums(&self) -> Result<Checksums> {
        Checksums::new(&self.graph, self.program()?)
    }

    /// Returns the largest difference of each layer from its checksum in a golden `run`, as a factor of the sum of the magnitudes of
    /// all products.
    ///
    /// # Errors
    /// On a GPU.
    pub fn largest_residuals(&self, checksums: &Checksums, run: &Activations) -> Result<BTreeMap<NodeId, f32>> {
        checksums.largest(&self.graph, self.program()?, run)
    }

    fn program(&self) -> Result<&Program> {
        match &self.means {
            Means::Kernels(program) => Ok(program),
            Means::Burn(_) => Err(Error::request("checksums of layers are computed on the CPU only; use --device cpu")),
        }
    }

    /// Returns the ranges of the protection.
    pub fn protection(&self) -> Option<&Ranges> {
        self.protection.as_deref()
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the memory needs of the graph and its runs.
    pub fn footprint(&self) -> &Footprint {
        &self.footprint
    }

    /// Returns the multiply-adds of a run, in convolutions and matrix products. On a GPU they are not counted: 0.
    pub fn multiply_adds(&self) -> u64 {
        match &self.means {
            Means::Kernels(program) => program.multiply_adds(),
            Means::Burn(_) => 0,
        }
    }

    /// Runs every layer and keeps every output. `inputs` are in the order of [`Graph::inputs`].
    ///
    /// # Errors
    /// If an input has the wrong shape, or the hook fails.
    pub async fn run<H: Hook>(&self, inputs: &[Array], hook: &mut H) -> Result<Activations> {
        self.run_changed(inputs, &Changed::new(), hook).await
    }

    /// Runs every layer with `changed` parameters instead of the graph's.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn run_changed<H: Hook>(&self, inputs: &[Array], changed: &Changed, hook: &mut H) -> Result<Activations> {
        self.check_inputs(inputs)?;
        let rounded = self.rounded(inputs).await?;
        let inputs = rounded.as_deref().unwrap_or(inputs);
        match &self.means {
            Means::Kernels(program) => {
                let mut constants = changed.clone();
                let graph = &*self.graph;
                full::run(graph, inputs, hook, async |id, run| program.compute(graph, id, run, &mut constants)).await
            }
            Means::Burn(gpu) => gpu.run(inputs, changed, hook).await,
        }
    }

    /// Computes many faulty inferences at once. Each lane is its image's golden run with changes; the executor
    /// computes only the parts that the changes can have reached. On the CPU the outputs equal those of full runs bit
    /// for bit.
    ///
    /// # Errors
    /// If an image's input has the wrong shape, a lane names an image or an element that does not exist, or the device
    /// fails.
    pub async fn wave(&self, images: &[Image<'_>], lanes: &[Lane], settings: Settings) -> Result<Wave> {
        self.wave_under(images, lanes, settings, &[]).await
    }

    /// As [`Executor::wave`], and tells of each lane with [`Lane::forks`] what becomes of it under each of `stages`
    /// ([`Faulty::forks`]), except in images whose golden run a clip changes ([`Wave::moved`]).
    ///
    /// # Errors
    /// As [`Executor::wave`], and on a GPU if there are stages.
    pub async fn wave_under(
        &self,
        images: &[Image<'_>],
        lanes: &[Lane],
        settings: Settings,
        stages: &[Stage],
    ) -> Result<Wave> {
        for image in images {
            if let Image::Inputs(inputs) = image {
                self.check_inputs(inputs)?;
            }
        }
        for lane in lanes {
            self.check_lane(lane, images.len())?;
        }
        let mut rounded = Vec::with_capacity(images.len());
        for image in images {
            rounded.push(match image {
                Image::Inputs(inputs) => self.rounded(inputs).await?,
                Image::Golden(_) => None,
            });
        }
        let coded = self
            .graph
            .inputs
            .iter()
            .any(|&value| self.graph.values[value].one_code().is_some_and(|code| code.format != Format::F32));
        let struck: Vec<Lane>;
        let lanes = if coded && lanes.iter().any(|lane| lane.input.is_some()) {
            let mut own = lanes.to_vec();
            for input in own.iter_mut().filter_map(|lane| lane.input.as_mut()) {
                let code = self.graph.inputs.first().and_then(|&value| self.graph.values[value].one_code());
                let mut elements = input.data.to_vec();
                kernels::round_all(code.unwrap_or_default(), [&mut elements[..]]);
                *input = HostTensor { shape: input.shape.clone(), data: elements.into() };
            }
            struck = own;
            &struck[..]
        } else {
            lanes
        };
        let own = |(&image, rounded)| -> Image<'_> {
            let rounded: &Option<Vec<Array>> = rounded;
            rounded.as_deref().map_or(image, Image::Inputs)
        };
        let images: Vec<Image<'_>> = images.iter().zip(&rounded).map(own).collect();
        let images = &images[..];
        match &self.means {
            Means::Kernels(program) => {
                let elements = usize::try_from(self.footprint.run / 4).unwrap_or(usize::MAX);
                let walk = |images| Walk::new(&self.graph, program, settings, images, lanes, stages, elements)?.run();
                let at_once = self.images_at_once();
                if !lanes.is_empty() || images.len() <= at_once {
                    return walk(images);
                }
                let mut parts = images.chunks(at_once);
                let mut whole = walk(parts.next().unwrap_or_default())?;
                parts.try_for_each(|part| walk(part).map(|part| whole.append(part)))?;
                Ok(whole)
            }
            Means::Burn(_) if !stages.is_empty() => {
                Err(Error::request("clips and checks beside unprotected runs are computed on the CPU only"))
            }
            Means::Burn(gpu) => device::wave(gpu, images, lanes, settings).await,
        }
    }

    /// Returns the images whose golden runs alone are computed together. Integers are multiplied quicker than many images' come
    /// from memory; numbers are not.
    fn images_at_once(&self) -> usize {
        let is_integer = |node: &Node| matches!(node.op, Op::Integer(_));
        if self.graph.nodes.iter().any(is_integer) { INTEGER_IMAGES } else { usize::MAX }
    }

    /// Returns the inputs in the number formats that the graph states; `None` where that changes nothing.
    async fn rounded(&self, inputs: &[Array]) -> Result<Option<Vec<Array>>> {
        let code = |value: ValueId| self.graph.values[value].one_code().filter(|code| code.format != Format::F32);
        if self.graph.inputs.iter().all(|&value| code(value).is_none()) {
            return Ok(None);
        }
        let mut rounded = Vec::with_capacity(inputs.len());
        for (&value, array) in self.graph.inputs.iter().zip(inputs) {
            rounded.push(match code(value) {
                None => array.clone(),
                Some(code) => {
                    let mut elements = array.read().await?;
                    kernels::round_all(code, [&mut elements[..]]);
                    Array::from_slice(array.shape(), &elements, &self.device)
                }
            });
        }
        Ok(Some(rounded))
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
        if let Some(input) = &lane.input {
            let expected = self.graph.inputs.first().map(|&id| &self.graph.values[id].shape);
            if expected != Some(&input.shape) {
                return Err(Error::request(format_args!(
                    "the input of a lane has shape {:?}, the model takes {expected:?}",
                    input.shape
                )));
            }
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
}
