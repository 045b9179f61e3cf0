//! The pixel values that a network's first layers are made for.

use super::{Normalise, Pixels, Preprocess, Values};
use crate::graph::{Graph, Node, NodeId, Op, Source, ValueId};

/// What the first layers make of pixel values: `x * factor + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scaling {
    factor: f64,
    offset: f64,
    /// The first layer that scales.
    layer: NodeId,
}

/// Largest value that a network computes with behind its own scaling; means and deviations of images make 5 at most.
const MOST: f64 = 20.0;

/// What the first layers of a network say about the pixel values that it wants.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstLayers {
    /// The values that fit.
    pub wanted: Normalise,
    /// A sentence for the user.
    pub notice: String,
}

impl FirstLayers {
    /// What the first layers of `graph` say; nothing where they do not scale.
    pub fn of(graph: &Graph) -> Option<Self> {
        let scaling = scaling(graph)?;
        let layer = &graph.nodes[scaling.layer];
        let bytes = scaling.bytes();
        let wanted = if bytes { Normalise::Byte } else { Normalise::Unit };
        let range = if bytes { "0 to 255" } else { "0 to 1" };
        let notice = format!(
            "the network scales pixel values itself (layer \"{}\", {}): they go in as {range}, unless stated otherwise",
            layer.name, layer.kind
        );
        Some(Self { wanted, notice })
    }

    /// A warning where `used` and the network's own scaling do not go together.
    pub fn doubt(graph: &Graph, used: &Preprocess) -> Option<String> {
        let scaling = scaling(graph)?;
        let layer = &graph.nodes[scaling.layer].name;
        let is_small = used.normalise.most() <= MOST;
        match (scaling.bytes(), is_small) {
            (true, true) => Some(format!(
                "pixel values are scaled twice: by the preprocessing, {}, and by layer \"{layer}\", which is made for 0 to 255; \
                 --preprocess byte leaves it to the network",
                used.normalise
            )),
            (false, false) => Some(format!(
                "pixel values go in as {}, but layer \"{layer}\" is made for 0 to 1; --preprocess unit fits it",
                used.normalise
            )),
            _ => None,
        }
    }
}

impl Values {
    /// Largest absolute input value.
    fn most(&self) -> f64 {
        let Pixels { scale, mean, std, .. } = self.pixels();
        let ends = [0.0, 255.0 * scale.factor()];
        let count = mean.list().len().max(std.list().len());
        let of = |list: &[f64], channel: usize| *list.get(channel).or(list.first()).unwrap_or(&0.0);
        let value = |channel: usize, end: f64| ((end - of(mean.list(), channel)) / of(std.list(), channel)).abs();
        (0..count).flat_map(|channel| ends.map(|end| value(channel, end))).fold(0.0, f64::max)
    }
}

impl Scaling {
    /// Whether it is made for values from 0 to 255 rather than 0 to 1.
    fn bytes(self) -> bool {
        let most = (255.0 * self.factor + self.offset).abs().max(self.offset.abs());
        // Means of bytes are subtracted without a division by the networks that Caffe has trained.
        most <= MOST || self.offset.abs() > MOST
    }
}

/// Follows the image until something else than scaling is done with it.
fn scaling(graph: &Graph) -> Option<Scaling> {
    let mut value = graph.inputs[0];
    let mut found: Option<Scaling> = None;
    loop {
        let mut readers = graph.nodes.iter().enumerate().filter(|(_, node)| node.inputs.contains(&value));
        let (id, node) = readers.next()?;
        if readers.next().is_some() {
            // Split by channels, for example: what is done with each is not followed.
            return found;
        }
        let Some((factor, offset)) = step(graph, node, value) else { return found };
        if (factor, offset) != (1.0, 0.0) {
            let before = found.unwrap_or(Scaling { factor: 1.0, offset: 0.0, layer: id });
            found = Some(Scaling { factor: before.factor * factor, offset: before.offset * factor + offset, ..before });
        }
        value = *node.outputs.first()?;
    }
}

/// What `node` makes of a typical element `x` of `value`: factor and offset; nothing if it is no scaling.
fn step(graph: &Graph, node: &Node, value: ValueId) -> Option<(f64, f64)> {
    match &node.op {
        Op::Identity | Op::Transpose { .. } | Op::Reshape { .. } => Some((1.0, 0.0)),
        Op::Affine { factor, offset, .. } => Some((mean(factor), mean(offset))),
        Op::BatchNorm { epsilon, scale, bias } => {
            let mut parameters = node.inputs[1..].iter().map(|&id| parameter(graph, id));
            let mut next = |given: bool, otherwise: f64| if given { parameters.next()? } else { Some(otherwise) };
            let (scale, bias) = (next(*scale, 1.0)?, next(*bias, 0.0)?);
            let (average, variance) = (next(true, 0.0)?, next(true, 1.0)?);
            let factor = scale / (variance + f64::from(*epsilon)).sqrt();
            Some((factor, bias - average * factor))
        }
        Op::Binary(binary) => {
            use crate::graph::Binary::{Add, Div, Mul, Sub};
            let first = node.inputs[0] == value;
            let constant = parameter(graph, *node.inputs.iter().find(|&&id| id != value)?)?;
            match (binary, first) {
                (Add, _) => Some((1.0, constant)),
                (Sub, true) => Some((1.0, -constant)),
                (Mul, _) => Some((constant, 0.0)),
                (Div, true) if constant != 0.0 => Some((1.0 / constant, 0.0)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The mean of a parameter with a number, or one for each channel.
fn parameter(graph: &Graph, id: ValueId) -> Option<f64> {
    const CHANNELS: usize = 4;
    let is_parameter = graph.values[id].source == Source::Parameter;
    let data = &graph.parameters.get(&id).filter(|_| is_parameter)?.data;
    (1..=CHANNELS).contains(&data.len()).then(|| mean(data))
}

fn mean(numbers: &[f32]) -> f64 {
    numbers.iter().copied().map(f64::from).sum::<f64>() / numbers.len().max(1) as f64
}
