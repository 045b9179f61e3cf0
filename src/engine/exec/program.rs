//! A graph prepared for the CPU: a kernel for each step of each layer.
//!
//! A layer consists of compute steps, the rounding, the strike, and the protection. Only the compute steps are a
//! [`Step`]. [`Step::struck`] marks the step that computes the values to change, [`Step::rounding`] is their number
//! format, and [`Step::protection`] are the bounds that clip them afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use facts::fault::{Code, Format};
use facts::graph::{Graph, HostTensor, Node, NodeId, Op, Step as ChainStep, ValueId};
use facts::{Error, Result};
use futures_util::FutureExt;

use super::lane::Changed;
use super::pool::Pool;
use super::{Activations, Clips, forms, full};
use crate::kernels::{self, Bounds, ConstantEdit, Form, Job, Kernel, Operand, View};
use crate::ops::{self, Array, Extent};

/// The kernels of all layers, in order.
#[derive(Debug)]
pub(super) struct Program {
    /// The steps of each layer: one for each link of a chain, one for each output of another layer, and none for a
    /// constant layer.
    pub layers: Vec<Vec<Step>>,
    /// For each layer, whether its output depends on parameters alone. Such a constant layer is computed once, before
    /// any run.
    pub constant: Vec<bool>,
    /// Outputs of the constant layers.
    made: BTreeMap<ValueId, HostTensor>,
    /// The size of each value.
    pub extents: Vec<Extent>,
    /// Buffers of finished waves.
    pools: Mutex<Vec<Pool>>,
}

/// A kernel and its position in a layer.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub kernel: Arc<dyn Kernel>,
    /// The inputs, without the constants.
    pub inputs: Vec<Input>,
    /// The constants in the kernel.
    pub constants: Vec<ValueId>,
    /// The output that faults change, if this step computes it.
    pub struck: Option<ValueId>,
    /// The number format that the result is rounded to in place, before the changes.
    pub rounding: Option<Code>,
    /// The bounds that clip the result in place, after the changes.
    pub protection: Option<Arc<Bounds>>,
    /// The value that holds the result; `None` if the next step reads it.
    pub output: Option<ValueId>,
    pub extent: Extent,
    /// Size of the previous step's result.
    pub previous: Extent,
    recipe: Recipe,
}

/// An input of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Value(ValueId),
    /// The result of the previous step.
    Previous,
}

/// The data for rebuilding a step's kernel.
#[derive(Clone, Debug)]
struct Recipe {
    /// Index of the step in the chain, if the layer is a chain.
    link: Option<usize>,
    /// Index of the layer's output.
    nth: usize,
    operands: Vec<Argument>,
    outputs: Vec<(Vec<usize>, Extent)>,
}

/// An input of an operator, constant or not.
#[derive(Clone, Debug)]
enum Argument {
    Constant(ValueId),
    /// An input that is known at run time, of this shape and extent.
    Runtime(Vec<usize>, Extent),
}

impl Program {
    /// Builds all kernels.
    ///
    /// # Errors
    /// If a constant layer cannot be computed.
    pub fn new(graph: &Graph) -> Result<Self> {
        let depends = graph.depends_on_input();
        let constant: Vec<bool> =
            graph.nodes.iter().zip(depends).map(|(node, depends)| !depends && node.op != Op::Folded).collect();
        let mut program = Self {
            layers: Vec::with_capacity(graph.nodes.len()),
            constant,
            made: BTreeMap::new(),
            extents: forms::extents(graph),
            pools: Mutex::default(),
        };
        for (id, &depends) in depends.iter().enumerate() {
            if program.constant[id] {
                let made = program.compute_constant(graph, id, &Changed::new())?;
                program.made.extend(made);
            }
            let steps = if depends { program.steps(graph, id) } else { Vec::new() };
            program.layers.push(steps);
        }
        Ok(program)
    }

    /// Returns the same program with the outputs clipped by `clips` after the strike. `clips` replace an earlier
    /// protection. The programs share the kernels.
    pub fn clipped_by(&self, clips: &Clips) -> Self {
        let protected =
            |step: &Step| Step { protection: step.struck.and_then(|value| clips.get(value)).cloned(), ..step.clone() };
        let layer = |steps: &Vec<Step>| steps.iter().map(protected).collect();
        Self {
            layers: self.layers.iter().map(layer).collect(),
            constant: self.constant.clone(),
            made: self.made.clone(),
            extents: self.extents.clone(),
            pools: Mutex::default(),
        }
    }

    /// Returns buffers for a wave with at most `most` elements in use.
    pub fn pool(&self, most: usize) -> Pool {
        let mut pool = self.pools().pop().unwrap_or_default();
        pool.begin(most);
        pool
    }

    /// Takes back the buffers of a wave.
    pub fn return_pool(&self, pool: Pool) {
        self.pools().push(pool);
    }

    fn pools(&self) -> MutexGuard<'_, Vec<Pool>> {
        // A panic in another thread leaves the buffers usable.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the multiply-adds of a run.
    pub fn multiply_adds(&self) -> u64 {
        let steps = self.layers.iter().flatten();
        steps.map(|step| step.kernel.multiply_adds() * step.extent.positions() as u64).sum()
    }

    /// Returns a parameter or the output of a constant layer. Values in `changed` take precedence.
    pub fn constant<'a>(&'a self, graph: &'a Graph, changed: &'a Changed, value: ValueId) -> Option<&'a HostTensor> {
        changed.get(&value).or_else(|| graph.parameters.get(&value)).or_else(|| self.made.get(&value))
    }

    /// Computes a constant layer with `changed` parameters.
    ///
    /// # Errors
    /// If the device fails.
    pub fn compute_constant(&self, graph: &Graph, id: NodeId, changed: &Changed) -> Result<Changed> {
        let node = &graph.nodes[id];
        let inputs: Vec<Array> = node
            .inputs
            .iter()
            .filter_map(|&value| self.constant(graph, changed, value))
            .map(|tensor| Array::upload(tensor, &Device::flex()))
            .collect();
        let inputs: Vec<&Array> = inputs.iter().collect();
        let shapes: Vec<&[usize]> = node.outputs.iter().map(|&value| graph.values[value].shape.as_slice()).collect();
        let outputs = ops::layer(&node.op, &inputs, graph.links(id), &shapes);
        let read = |(&value, array): (&ValueId, Array)| {
            let data = array.read().now_or_never().ok_or_else(|| Error::device("cpu", "a tensor is not ready"))??;
            Ok((value, HostTensor::new(array.shape(), data)?))
        };
        node.outputs.iter().zip(outputs).map(read).collect()
    }

    /// Computes the outputs of layer `id` for one image. `run` holds the layer's inputs. `constants` hold the
    /// parameters that differ from the graph's, and outputs of constant layers.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn compute(&self, graph: &Graph, id: NodeId, run: &Activations, constants: &mut Changed) -> Result<Vec<Array>> {
        let node = &graph.nodes[id];
        if self.constant[id] {
            let made = self.compute_constant(graph, id, constants)?;
            let arrays = made.values().map(|tensor| Array::upload(tensor, &Device::flex())).collect();
            if node.inputs.iter().any(|value| constants.contains_key(value)) {
                constants.extend(made);
            }
            return Ok(arrays);
        }
        let mut outputs = Vec::new();
        let mut previous: Vec<f32> = Vec::new();
        for step in &self.layers[id] {
            let differs = step.constants.iter().any(|value| constants.contains_key(value));
            let altered = differs.then(|| self.altered(graph, id, step, constants));
            let kernel = altered.as_ref().unwrap_or(&step.kernel);
            let mut rows = Vec::with_capacity(step.inputs.len());
            for input in &step.inputs {
                rows.push(match input {
                    Input::Value(value) => {
                        let array = run.get(*value).ok_or_else(|| full::missing(graph, id))?;
                        Some((self.extents[*value], array.rows(self.extents[*value])?))
                    }
                    Input::Previous => None,
                });
            }
            let inputs = rows.iter().map(|rows| match rows {
                Some((extent, rows)) => View::new(*extent, rows),
                None => View::new(step.previous, &previous),
            });
            let inputs = inputs.collect();
            let mut out = vec![0.0; step.extent.elements()];
            kernel.compute(&mut [Job { inputs, region: step.extent.region(), out: &mut out }]);
            if let Some(code) = step.rounding {
                kernels::round_all(code, [&mut out[..]]);
            }
            if let Some(bounds) = &step.protection {
                kernels::clip_all(bounds, step.extent, [(step.extent.region(), &mut out[..])]);
            }
            match step.output {
                Some(value) => outputs.push(Array::from_rows(&graph.values[value].shape, step.extent, out)),
                None => previous = out,
            }
        }
        Ok(outputs)
    }

    fn steps(&self, graph: &Graph, id: NodeId) -> Vec<Step> {
        let node = &graph.nodes[id];
        let links = match &node.op {
            Op::Chain(links) => links.as_slice(),
            _ => return self.link(graph, id, None, &node.inputs, None),
        };
        let mut rest = node.inputs.as_slice();
        let mut steps: Vec<Step> = Vec::with_capacity(links.len());
        let mut made: Option<(Vec<usize>, Extent)> = None;
        for (index, link) in links.iter().enumerate() {
            let (own, later) = rest.split_at(link.inputs);
            rest = later;
            steps.extend(self.link(graph, id, Some((index, link)), own, made.as_ref()));
            made = steps.last().and_then(|step| step.recipe.outputs.last().cloned());
        }
        if let Some(last) = steps.last_mut() {
            (last.struck, last.output) = (Some(node.outputs[0]), Some(node.outputs[0]));
            last.rounding = rounding(graph, node.outputs[0]);
        }
        steps
    }

    /// Makes the steps of a layer, or of a link of a chain that reads `own` and the result of the previous link.
    fn link(
        &self,
        graph: &Graph,
        id: NodeId,
        link: Option<(usize, &ChainStep)>,
        own: &[ValueId],
        previous: Option<&(Vec<usize>, Extent)>,
    ) -> Vec<Step> {
        let (node, nothing) = (&graph.nodes[id], Changed::new());
        let is_constant = |value: ValueId| self.constant(graph, &nothing, value).is_some();
        let shape = |value: ValueId| graph.values[value].shape.as_slice();
        let op = link.map_or(&node.op, |(_, link)| &link.op);
        let outputs: Vec<(Vec<usize>, Extent)> = match link {
            Some((at, _)) => {
                // The result of a step has the rows of the output that it becomes, if it has its shape.
                let (made, output) = (graph.links(id)[at].clone(), node.outputs[0]);
                let extent = if made == shape(output) { self.extents[output] } else { Extent::of(&made) };
                vec![(made, extent)]
            }
            None => node.outputs.iter().map(|&value| (shape(value).to_vec(), self.extents[value])).collect(),
        };
        let operands = || -> Vec<Argument> {
            let own = own.iter().map(|&value| match is_constant(value) {
                true => Argument::Constant(value),
                false => Argument::Runtime(shape(value).to_vec(), self.extents[value]),
            });
            previous.map(|(shape, extent)| Argument::Runtime(shape.clone(), *extent)).into_iter().chain(own).collect()
        };
        let runtime = own.iter().filter(|&&value| !is_constant(value)).map(|&value| Input::Value(value));
        let inputs: Vec<Input> = previous.map(|_| Input::Previous).into_iter().chain(runtime).collect();
        let constants: Vec<ValueId> = own.iter().copied().filter(|&value| is_constant(value)).collect();
        let recipe = |nth| Recipe { link: link.map(|(at, _)| at), nth, operands: operands(), outputs: outputs.clone() };
        let made = kernels::build(op, &self.operands(graph, &recipe(0), &nothing), &recipe(0).forms());
        let output = |nth: usize| link.is_none().then(|| node.outputs[nth]);
        let step = |(nth, kernel): (usize, Box<dyn Kernel>)| Step {
            kernel: kernel.into(),
            inputs: inputs.clone(),
            constants: constants.clone(),
            struck: output(nth),
            rounding: output(nth).and_then(|value| rounding(graph, value)),
            output: output(nth),
            extent: outputs[nth].1,
            previous: previous.map_or(Extent::of(&[]), |(_, extent)| *extent),
            protection: None,
            recipe: recipe(nth),
        };
        made.into_iter().enumerate().map(step).collect()
    }

    fn operands<'a>(&'a self, graph: &'a Graph, recipe: &'a Recipe, changed: &'a Changed) -> Vec<Operand<'a>> {
        let operand = |argument: &'a Argument| match argument {
            Argument::Constant(value) => {
                Operand::Constant(self.constant(graph, changed, *value).expect("it was one when the step was made"))
            }
            Argument::Runtime(shape, extent) => Operand::Value(Form { shape, extent: *extent }),
        };
        recipe.operands.iter().map(operand).collect()
    }

    /// Builds the kernel of a step of layer `id` with `changed` parameters.
    pub fn altered(&self, graph: &Graph, id: NodeId, step: &Step, changed: &Changed) -> Arc<dyn Kernel> {
        let recipe = &step.recipe;
        let operands = self.operands(graph, recipe, changed);
        kernels::build(recipe.op(&graph.nodes[id]), &operands, &recipe.forms()).swap_remove(recipe.nth).into()
    }

    /// Builds a kernel for the only channel that changes in a step of layer `id` if `element` of a parameter is
    /// `value`. Returns the kernel and the channel; `None` if more than one channel may change.
    pub fn altered_channel(
        &self,
        graph: &Graph,
        id: NodeId,
        step: &Step,
        (parameter, element, value): (ValueId, usize, f32),
    ) -> Option<(Arc<dyn Kernel>, usize)> {
        let recipe = &step.recipe;
        let is_it = |argument: &Argument| matches!(argument, Argument::Constant(own) if *own == parameter);
        let mut places = recipe.operands.iter().enumerate().filter(|(_, argument)| is_it(argument));
        let (Some((operand, _)), None) = (places.next(), places.next()) else { return None };
        let nothing = Changed::new();
        let operands = self.operands(graph, recipe, &nothing);
        let edit = ConstantEdit { operand, element, value };
        let (kernel, channel) = kernels::build_channel(recipe.op(&graph.nodes[id]), &operands, &recipe.forms(), edit)?;
        Some((kernel.into(), channel))
    }
}

/// Returns the number format that the output `value` of a layer is rounded to. Integers without a scale are what the layer
/// itself makes.
pub(super) fn rounding(graph: &Graph, value: ValueId) -> Option<Code> {
    let value = &graph.values[value];
    let is_made = value.format.is_scaled() && value.scales.is_empty();
    value.one_code().filter(|code| code.format != Format::F32 && !is_made)
}

impl Recipe {
    fn forms(&self) -> Vec<Form<'_>> {
        self.outputs.iter().map(|(shape, extent)| Form { shape, extent: *extent }).collect()
    }

    fn op<'a>(&self, node: &'a Node) -> &'a Op {
        match (&node.op, self.link) {
            (Op::Chain(links), Some(link)) => &links[link].op,
            (op, _) => op,
        }
    }
}
