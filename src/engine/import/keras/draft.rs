//! A layer in the making: the steps it takes, and the order of the axes between them.

use facts::Result;
use facts::graph::{Binary, GraphBuilder, HostTensor, Layout, Op, Source, Step, ValueId, infer};
use serde_json::Value;

use super::array;
use super::known::Known;
use super::settings::Settings;
use super::weights::Weights;

/// Axes of an image in Keras' usual order (N x H x W x C), as places in the stored one (N x C x H x W).
pub(super) const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// What a translation has to work with, and what it has made so far.
///
/// Every tensor of rank 4 is stored as N x C x H x W, whatever it holds, by moving Keras' last axis to place 1; a model
/// that is channels-first throughout is stored as it is, and so is every tensor of another rank. Between the steps of
/// a layer the axes may stand in any order, [`Draft::arrange`] changes it.
pub(super) struct Draft<'a> {
    /// The layer's settings.
    pub settings: Settings<'a>,
    /// Major version of the Keras that wrote the file.
    pub keras: u32,
    /// The tensors that the layer reads, parameters left out.
    pub inputs: &'a [ValueId],
    builder: &'a mut GraphBuilder,
    /// Whether tensors of rank 4 are stored in Keras' own order.
    channels_first: bool,
    parameters: Parameters<'a>,
    /// What the first step begins with.
    first: ValueId,
    steps: Vec<Step>,
    reads: Vec<ValueId>,
    shape: Vec<usize>,
    /// Keras' axis `i` is axis `order[i]` now.
    order: Vec<usize>,
    /// Number of tensors that the layer makes.
    outputs: usize,
}

/// The parameters of a layer, from the file or, in a shared layer's later calls, from the graph.
pub(super) struct Parameters<'a> {
    /// The file.
    pub weights: &'a Weights,
    /// Paths of the layer's weights in it.
    pub paths: &'a [String],
    /// Those in the graph, in order.
    pub known: Vec<ValueId>,
    /// Whether [`Parameters::known`] are those of an earlier call.
    pub shared: bool,
    /// Prefix of the parameters' names: the layer's.
    pub owner: String,
    /// How many were asked for so far.
    pub taken: usize,
    /// Tensors that are the same for every image.
    pub constants: &'a Known,
}

impl<'a> Draft<'a> {
    /// A layer that has not done anything yet.
    pub fn new(
        settings: Settings<'a>,
        keras: u32,
        channels_first: bool,
        inputs: &'a [ValueId],
        builder: &'a mut GraphBuilder,
        parameters: Parameters<'a>,
    ) -> Result<Self> {
        let Some(&first) = inputs.first() else { return Err(settings.error("the layer reads nothing")) };
        let shape = builder.shape(first).to_vec();
        let mut draft = Self {
            settings,
            keras,
            inputs,
            builder,
            channels_first,
            parameters,
            first,
            steps: Vec::new(),
            reads: Vec::new(),
            shape,
            order: Vec::new(),
            outputs: 1,
        };
        draft.order = draft.stored_order(draft.shape.len());
        Ok(draft)
    }

    /// Length of each axis as Keras has them.
    pub fn shape(&self) -> Vec<usize> {
        self.order.iter().map(|&axis| self.shape[axis]).collect()
    }

    /// Length of each axis as they stand now.
    pub fn arranged_shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Where Keras' axis `axis` stands now.
    pub fn place(&self, axis: usize) -> usize {
        self.order[axis]
    }

    /// Number of axes of each input.
    pub fn input_ranks(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().map(|&id| self.builder.shape(id).len())
    }

    /// Length of the last axis of one of the layer's tensors, which has no other order in Keras.
    pub fn last_length(&self, id: ValueId) -> usize {
        self.builder.shape(id).last().copied().unwrap_or(1)
    }

    /// Number of axes of one of the layer's tensors.
    pub fn rank_of(&self, id: ValueId) -> usize {
        self.builder.shape(id).len()
    }

    /// Length of each axis of one of the layer's tensors as Keras has them.
    pub fn shape_of(&self, id: ValueId) -> Vec<usize> {
        let stored = self.builder.shape(id);
        self.stored_order(stored.len()).into_iter().map(|axis| stored[axis]).collect()
    }

    /// Whether each of the tensors is computed, or is the model's input.
    pub fn is_input<'b>(&'b self, ids: &'b [ValueId]) -> impl Iterator<Item = bool> + 'b {
        ids.iter().map(|&id| !matches!(self.builder.source(id), Source::Parameter))
    }

    /// The elements of the layer's input, if they are the same for every image.
    pub fn known_input(&self) -> Option<Vec<f32>> {
        self.parameters.constants.elements(self.first)
    }

    /// Whether tensors of four axes are stored in Keras' own order.
    pub fn is_stored_first(&self) -> bool {
        self.channels_first
    }

    /// Begins with this one of the inputs, which has as many axes, instead of the first.
    pub fn start_with(&mut self, input: ValueId) {
        self.shape = self.builder.shape(input).to_vec();
        self.first = input;
    }

    /// Takes a step; `more` are the tensors it reads beside what the step before made.
    pub fn step(&mut self, op: Op, more: &[ValueId]) -> Result<()> {
        let first = self.steps.is_empty();
        if first {
            self.reads.push(self.first);
        }
        let shapes: Vec<&[usize]> =
            std::iter::once(self.shape.as_slice()).chain(more.iter().map(|&id| self.builder.shape(id))).collect();
        let mut made = infer(&op, &shapes).map_err(|problem| self.settings.error(problem))?;
        self.shape = made.pop().unwrap_or_default();
        self.reads.extend(more);
        self.steps.push(Step { op, inputs: usize::from(first) + more.len() });
        Ok(())
    }

    /// Takes the layer's only step, which makes several tensors with as many axes as the input.
    pub fn several(&mut self, op: Op, outputs: usize) -> Result<()> {
        self.step(op, &[])?;
        self.outputs = outputs;
        Ok(())
    }

    /// `a op b`, `b` being another of the layer's tensors.
    pub fn combine(&mut self, function: Binary, other: ValueId) -> Result<()> {
        self.step(Op::Binary(function), &[other])
    }

    /// Puts the axes in `order`: Keras' axis `i` at place `order[i]`.
    pub fn arrange(&mut self, order: &[usize]) -> Result<()> {
        let mut perm = vec![0; order.len()];
        for (&from, &to) in self.order.iter().zip(order) {
            perm[to] = from;
        }
        if !perm.iter().copied().eq(0..perm.len()) {
            self.step(Op::Transpose { perm }, &[])?;
        }
        self.order = order.to_vec();
        Ok(())
    }

    /// Puts the axes in Keras' order.
    pub fn arrange_as_keras(&mut self) -> Result<()> {
        let order: Vec<usize> = (0..self.rank()).collect();
        self.arrange(&order)
    }

    /// Puts the axes of an image in the order in which images are computed, N x C x H x W, and tells the three lengths
    /// after the first.
    pub fn arrange_image(&mut self) -> Result<[usize; 3]> {
        let first = self.is_channels_first()?;
        if self.rank() != 4 {
            let found = self.shape();
            return Err(self.settings.error(format_args!("an input of four axes is expected, found shape {found:?}")));
        }
        self.arrange(if first { &[0, 1, 2, 3] } else { &CHANNELS_LAST })?;
        Ok([self.shape[1], self.shape[2], self.shape[3]])
    }

    /// Whether the layer takes its images channels first.
    pub fn is_channels_first(&self) -> Result<bool> {
        match self.settings.text("data_format", "channels_last")? {
            "channels_first" => Ok(true),
            "channels_last" => Ok(false),
            other => Err(self.settings.error(format_args!("data_format \"{other}\" is unknown"))),
        }
    }

    /// The same elements under another shape, the axes being in Keras' order and staying so.
    pub fn reshape(&mut self, shape: Vec<usize>) -> Result<()> {
        self.order = (0..shape.len()).collect();
        self.step(Op::Reshape { shape }, &[])
    }

    /// Says that the axes stand in another order now, Keras' axis `i` at place `order[i]`.
    pub fn reordered(&mut self, order: Vec<usize>) {
        self.order = order;
    }

    /// The layer's next parameter, of this shape in Keras; stored axis `j` is Keras' axis `perm[j]`.
    pub fn parameter(&mut self, name: &str, shape: &[usize], perm: &[usize]) -> Result<ValueId> {
        self.parameter_viewed(name, shape, shape, perm)
    }

    /// As [`Draft::parameter`], the elements being taken for a tensor of shape `view` before the axes move.
    pub fn parameter_viewed(&mut self, name: &str, shape: &[usize], view: &[usize], perm: &[usize]) -> Result<ValueId> {
        let at = self.parameters.taken;
        self.parameters.taken += 1;
        if self.parameters.shared {
            // The same settings ask for the same parameters, but an input of another shape may not fit them.
            let known = self.parameters.known.get(at).copied();
            let expected: Vec<usize> = perm.iter().map(|&axis| view[axis]).collect();
            return known.filter(|&id| self.builder.shape(id) == expected).ok_or_else(|| {
                self.settings.error("the layer is called again with an input that its weights do not fit")
            });
        }
        let Some(path) = self.parameters.paths.get(at) else {
            let found = self.parameters.paths.len();
            return Err(self.settings.error(format_args!("its weight \"{name}\" is missing: the file has {found}")));
        };
        let tensor = self
            .parameters
            .weights
            .tensor(path, name, shape)
            .map_err(|error| self.settings.error(format_args!("{name}: {error}")))?;
        let tensor = permuted(HostTensor { shape: view.to_vec(), data: tensor.data }, perm);
        let id = self.builder.parameter(format!("{}/{name}", self.parameters.owner), tensor)?;
        let mut order = vec![0; perm.len()];
        for (stored, &axis) in perm.iter().enumerate() {
            order[axis] = stored;
        }
        self.builder.lay_out(id, Layout::new(&order))?;
        self.parameters.known.push(id);
        Ok(id)
    }

    /// A constant of the layer that is no weight of its own, in the stored order of its axes.
    pub fn table(&mut self, name: &str, shape: Vec<usize>, data: Vec<f32>) -> Result<ValueId> {
        let tensor = HostTensor::new(shape, data).map_err(|error| self.settings.error(error))?;
        self.builder.parameter(format!("{}/{name}", self.settings.layer), tensor)
    }

    /// The same in Keras' order of the axes.
    pub fn keras_table(&mut self, name: &str, shape: Vec<usize>, data: Vec<f32>) -> Result<ValueId> {
        let order = self.stored_order(shape.len());
        let mut perm = vec![0; order.len()];
        for (axis, &place) in order.iter().enumerate() {
            perm[place] = axis;
        }
        let HostTensor { shape, data } = permuted(HostTensor { shape, data: data.into() }, &perm);
        let id = self.table(name, shape, data.to_vec())?;
        self.builder.lay_out(id, Layout::new(&order))?;
        Ok(id)
    }

    /// Shape of an array that the configuration holds.
    pub fn array_shape(&self, value: &Value) -> Result<Vec<usize>> {
        array::shape(value).map_err(|problem| self.settings.error(problem))
    }

    /// An array that the configuration holds, with `rank` axes: those that it lacks come first and have length 1.
    pub fn array(&mut self, name: &str, value: &Value, rank: usize) -> Result<ValueId> {
        let tensor = array::read(value).map_err(|problem| self.settings.error(problem))?;
        let Some(missing) = rank.checked_sub(tensor.shape.len()) else {
            return Err(self.settings.unsupported(format_args!(
                "it reads an array of shape {:?} beside a tensor with {rank} axes",
                tensor.shape
            )));
        };
        let shape = std::iter::repeat_n(1, missing).chain(tensor.shape).collect();
        self.keras_table(name, shape, tensor.data.to_vec())
    }

    /// Passes over a weight that has no part in an inference.
    pub fn skip_parameter(&mut self) {
        self.parameters.taken += 1;
    }

    /// The finished layer: what it computes, what it reads, how Keras lays its output out, and its parameters.
    pub fn finish(mut self) -> Result<Drafted> {
        let order = self.stored_order(self.rank());
        self.arrange(&order)?;
        let stored = self.parameters.paths.len();
        if !self.parameters.shared && self.parameters.taken != stored {
            return Err(self.settings.error(format_args!(
                "the weights do not fit the layer: it has {}, the file {stored}",
                self.parameters.taken
            )));
        }
        let op = match (self.steps.len(), self.steps.pop()) {
            (0, _) | (_, None) => Op::Identity,
            (1, Some(step)) => step.op,
            (_, Some(step)) => {
                self.steps.push(step);
                Op::Chain(self.steps)
            }
        };
        let reads = if self.reads.is_empty() { vec![self.first] } else { self.reads };
        let (layout, outputs) = (Layout::new(&order), self.outputs);
        Ok(Drafted { op, reads, layout, outputs, parameters: self.parameters.known })
    }

    /// Where Keras' axes stand in a tensor between layers.
    fn stored_order(&self, rank: usize) -> Vec<usize> {
        stored_order(rank, self.channels_first)
    }
}

/// Where Keras' axes stand in a stored tensor of `rank` axes.
pub(super) fn stored_order(rank: usize, channels_first: bool) -> Vec<usize> {
    if rank == 4 && !channels_first { CHANNELS_LAST.to_vec() } else { (0..rank).collect() }
}

/// A finished [`Draft`].
pub(super) struct Drafted {
    /// What the layer computes.
    pub op: Op,
    /// What it reads, parameters included.
    pub reads: Vec<ValueId>,
    /// How Keras lays out what it makes.
    pub layout: Layout,
    /// Number of tensors that it makes.
    pub outputs: usize,
    /// Its parameters.
    pub parameters: Vec<ValueId>,
}

/// `tensor` with its axes in another order: axis `j` of the result is axis `perm[j]`.
pub(super) fn permuted(tensor: HostTensor, perm: &[usize]) -> HostTensor {
    if perm.iter().copied().eq(0..perm.len()) {
        return tensor;
    }
    let shape: Vec<usize> = perm.iter().map(|&axis| tensor.shape[axis]).collect();
    let strides: Vec<usize> = perm.iter().map(|&axis| tensor.shape[axis + 1..].iter().product()).collect();
    let mut data = Vec::with_capacity(tensor.data.len());
    gather(&tensor.data, &shape, &strides, 0, &mut data);
    HostTensor { shape, data: data.into() }
}

/// Appends the elements at `offset` plus every combination of `strides`, the last axis of `shape` running fastest.
fn gather(from: &[f32], shape: &[usize], strides: &[usize], offset: usize, to: &mut Vec<f32>) {
    let (Some((&length, shape)), Some((&stride, strides))) = (shape.split_first(), strides.split_first()) else {
        to.push(from[offset]);
        return;
    };
    let offsets = (0..length).map(|index| offset + index * stride);
    if shape.is_empty() {
        to.extend(offsets.map(|offset| from[offset]));
    } else {
        offsets.for_each(|offset| gather(from, shape, strides, offset, to));
    }
}
