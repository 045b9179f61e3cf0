//! Metadata of number formats: the scales and zero points that say what stored integers mean.
//!
//! A network that is emulated in integers keeps them with the tensor; there each tensor has a list of words: the scale and,
//! where there are zero points, the zero point of each channel in turn. A network of integers from a file has them as
//! parameters of their own.

use super::{Code, Corruption, Format, Site};
use crate::format::{Scale, Scales};
use crate::graph::{Graph, NodeId, Op, Role, Source, Value, ValueId};

/// The words that say what the integers of a tensor mean, of a network that is emulated in integers; 0 where there are none.
pub(super) fn words(value: &Value) -> usize {
    value.scales.each.len() * words_of_channel(value)
}

/// Whether zero points are stored: those of signed integers are not where all of them are 0, which is the symmetric scaling.
fn words_of_channel(Value { scales, format, .. }: &Value) -> usize {
    if *format == Format::U8 || scales.each.iter().any(|scale| scale.zero != 0) { 2 } else { 1 }
}

/// A word of the metadata of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word {
    /// Which of the scales.
    pub channel: usize,
    /// It is the zero point, not the scale.
    pub is_zero: bool,
    /// How it is stored.
    pub format: Format,
    /// The number that is stored.
    pub value: f32,
}

impl Word {
    /// The word number `index` of the tensor `value`; `None` where it has none.
    pub fn of(value: &Value, index: usize) -> Option<Self> {
        let each = words_of_channel(value);
        let (channel, is_zero) = (index / each, index % each == 1);
        let scale = value.scales.each.get(channel)?;
        // A zero point is an integer of the tensor's own format.
        let (format, number) = if is_zero { (value.format, scale.zero as f32) } else { (Format::F32, scale.scale) };
        Some(Self { channel, is_zero, format, value: number })
    }

    /// The number that a fault leaves in it.
    pub fn struck(self, corruption: Corruption) -> f32 {
        corruption.apply(self.value, Code::from(self.format))
    }

    /// The scale that readers of the tensor `value` find after the fault.
    pub fn scale_after(self, value: &Value, corruption: Corruption) -> Scale {
        let before = value.scales.each[self.channel];
        match self.is_zero {
            true => Scale { zero: self.struck(corruption) as i32, ..before },
            false => Scale { scale: self.struck(corruption), ..before },
        }
    }
}

/// The format of the word that `site` names: of its element, or of the scale or zero point.
pub fn format_at(graph: &Graph, site: &Site) -> Format {
    use super::Target;
    let value = &graph.values[site.tensor];
    match site.target {
        Target::Input => Format::U8,
        Target::Metadata => Word::of(value, site.element).map_or(value.format, |word| word.format),
        Target::Activation | Target::Weight => value.format,
    }
}

/// The elements, as stored, whose meaning the fault at `site` changes, with the change of each; `None` where the site names an
/// element itself.
pub fn reinterpreted(graph: &Graph, site: &Site) -> Option<impl Iterator<Item = (usize, Corruption)>> {
    let value = &graph.values[site.tensor];
    let word = Word::of(value, site.element).filter(|_| site.target == super::Target::Metadata)?;
    let Scale { scale, zero } = word.scale_after(value, site.corruption);
    let corruption = Corruption::Rescale { scale, zero };
    let Scales { axis, each } = &value.scales;
    let inner: usize = value.shape.iter().skip(axis + 1).product();
    let (channels, channel) = (each.len(), word.channel);
    let own = move |element: &usize| channels == 1 || element / inner.max(1) % channels == channel;
    Some((0..value.elements()).filter(own).map(move |element| (element, corruption)))
}

/// The tensors of layer `layer` whose metadata a fault can strike, with the number of words of each.
pub(super) fn of_layer(graph: &Graph, layer: NodeId) -> Vec<(ValueId, usize)> {
    let node = &graph.nodes[layer];
    let emulated = node.outputs.iter().copied().chain(graph.parameters_of(layer));
    let emulated = emulated.map(|id| (id, words(&graph.values[id])));
    // Scales and zero points that are tensors of the file.
    let is_metadata = |index: usize| match &node.op {
        Op::Quantize { .. } | Op::Dequantize { .. } => index > 0,
        Op::Integer(integer) => integer
            .roles
            .get(index)
            .is_some_and(|role| matches!(role, Role::Scale | Role::Zero | Role::OutputScale | Role::OutputZero)),
        _ => false,
    };
    let stored = node.inputs.iter().enumerate().filter(|(index, _)| is_metadata(*index)).map(|(_, &id)| id);
    let stored = stored.filter(|&id| graph.values[id].source == Source::Parameter);
    let stored = stored.map(|id| (id, graph.values[id].elements()));
    let mut found: Vec<(ValueId, usize)> = Vec::new();
    for (id, words) in emulated.chain(stored).filter(|(_, words)| *words > 0) {
        if found.iter().all(|(known, _)| *known != id) {
            found.push((id, words));
        }
    }
    found
}
