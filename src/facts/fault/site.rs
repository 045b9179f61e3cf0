//! Where a fault strikes, and the space of all places where one can.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Corruption, FaultModel, Target, metadata};
use crate::graph::{Graph, NodeId, Op, SampledLayers, ValueId};
use crate::named::Named;
use crate::{Error, Result};

/// One corruption of one element: of a tensor, of the image's bytes, or of a list of scales and zero points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Activation or weight.
    pub target: Target,
    /// The layer.
    pub layer: NodeId,
    /// The tensor: one of the layer's outputs, or of its parameters.
    pub tensor: ValueId,
    /// Index into the tensor as the source framework lays it out ([`Value::layout`](crate::graph::Value::layout)),
    /// row-major, for one image.
    pub element: usize,
    /// What happens to it.
    pub corruption: Corruption,
}

impl Site {
    /// The site of element `element` of the layer called `layer`: of its outputs, or of its parameters, laid end to end.
    ///
    /// # Errors
    /// Where there is no such layer or element, or a fault of this target cannot strike the layer.
    pub fn find(graph: &Graph, target: Target, layer: &str, element: usize, corruption: Corruption) -> Result<Self> {
        let space = SiteSpace::of(graph, target);
        let sites = space.layer(graph, graph.find(layer)?)?;
        let (tensor, element) = sites.locate(graph, element)?;
        Ok(Self { target, layer: sites.layer, tensor, element, corruption })
    }

    /// The refusal of the element `index` of `owner`, which has so many `elements`: of metadata these are scales and zero points.
    pub fn out_of_range(target: Target, index: usize, owner: &str, elements: usize) -> Error {
        let last = elements.saturating_sub(1);
        Error::request(match (target, elements) {
            (Target::Metadata, 1) => {
                format!("word {index} is out of range: {owner} has one, word 0, a scale or a zero point")
            }
            (Target::Metadata, _) => format!(
                "word {index} is out of range: {owner} has {elements} words, 0 to {last}, which are scales and zero points"
            ),
            _ => format!("element {index} is out of range: {owner} has {elements} elements, 0 to {last}"),
        })
    }
}

/// The tensors of a layer in which a fault of some target can strike, laid end to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSites {
    /// What faults strike.
    target: Target,
    /// The layer.
    pub layer: NodeId,
    /// Its tensors with their lengths.
    pub tensors: Vec<(ValueId, usize)>,
    /// Sum of the lengths.
    pub elements: usize,
}

impl LayerSites {
    /// The tensor, and the index into it, of the `index`th element of the layer.
    ///
    /// # Errors
    /// Where the layer has no such element.
    pub fn locate(&self, graph: &Graph, index: usize) -> Result<(ValueId, usize)> {
        let mut rest = index;
        for &(tensor, length) in &self.tensors {
            if rest < length {
                return Ok((tensor, rest));
            }
            rest -= length;
        }
        let owner = format!("layer \"{}\"", graph.nodes[self.layer].name);
        Err(Site::out_of_range(self.target, index, &owner, self.elements))
    }
}

/// All places where a fault of one target can strike.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteSpace {
    target: Target,
    layers: Vec<LayerSites>,
    /// Width and height of the image, where faults strike its bytes.
    pixels: Option<[usize; 2]>,
    /// The smallest and the largest golden value of tensors.
    ranges: BTreeMap<ValueId, [f32; 2]>,
}

/// Before the kind of layers that are named together.
const KIND: &str = "kind:";

impl SiteSpace {
    /// Every place in `graph`.
    ///
    /// Activations: the layers whose output depends on the image and holds numbers, not truth values. Weights: the layers
    /// that read parameters. The image: the first layer that reads it; its bytes are those of an image as large as the input until
    /// [`SiteSpace::of_image`] says how large it is. Metadata: the layers with a scale.
    pub fn of(graph: &Graph, target: Target) -> Self {
        let (depends, truth) = (graph.depends_on_input(), graph.truth_values());
        let reads_image = |layer: &NodeId| {
            let node = &graph.nodes[*layer];
            node.op != Op::Folded && graph.inputs.first().is_some_and(|input| node.inputs.contains(input))
        };
        let reader = (0..graph.nodes.len()).find(reads_image);
        let layers = (0..graph.nodes.len())
            .filter_map(|layer| {
                let tensors: Vec<ValueId> = match target {
                    Target::Input | Target::Metadata => Vec::new(),
                    Target::Activation if depends[layer] => {
                        graph.nodes[layer].outputs.iter().copied().filter(|&output| !truth[output]).collect()
                    }
                    Target::Activation => Vec::new(),
                    Target::Weight => graph.parameters_of(layer).collect(),
                };
                let tensors: Vec<_> = match target {
                    Target::Metadata => metadata::of_layer(graph, layer),
                    Target::Input if Some(layer) == reader => {
                        graph.inputs.first().map(|&input| (input, graph.values[input].elements())).into_iter().collect()
                    }
                    _ => tensors.into_iter().map(|id| (id, graph.values[id].elements())).collect(),
                };
                let elements = tensors.iter().map(|&(_, length)| length).sum();
                (elements > 0).then_some(LayerSites { target, layer, tensors, elements })
            })
            .collect();
        Self { target, layers, pixels: None, ranges: BTreeMap::new() }
    }

    /// The same where faults strike the bytes of an image of `width` and `height`: row by row, red, green and blue of each pixel.
    pub fn of_image(&self, [width, height]: [usize; 2]) -> Self {
        let bytes = width.saturating_mul(height).saturating_mul(3);
        let mut space = Self { pixels: Some([width, height]), ..self.clone() };
        for sites in space.layers.iter_mut().filter(|_| self.target == Target::Input) {
            sites.elements = bytes;
            sites.tensors.iter_mut().for_each(|(_, elements)| *elements = bytes);
        }
        space
    }

    /// The same with the ranges of golden values of tensors, by their name.
    ///
    /// # Errors
    /// Where the graph has no such tensor.
    pub fn with_ranges<'a>(mut self, graph: &Graph, ranges: impl Iterator<Item = (&'a str, [f32; 2])>) -> Result<Self> {
        let known: BTreeMap<&str, ValueId> =
            graph.values.iter().enumerate().map(|(id, value)| (value.name.as_str(), id)).collect();
        for (tensor, range) in ranges {
            let id = known.get(tensor).ok_or_else(|| {
                Error::request(format_args!("a range is for tensor \"{tensor}\", which the model does not have"))
            })?;
            self.ranges.insert(*id, range);
        }
        Ok(self)
    }

    /// The places in `layer` alone.
    pub(crate) fn only(&self, layer: NodeId) -> Self {
        let mut space = self.clone();
        space.layers.retain(|sites| sites.layer == layer);
        space
    }

    /// The range of golden values of a tensor: that of a parameter is its own.
    pub(super) fn range(&self, graph: &Graph, tensor: ValueId) -> Option<[f32; 2]> {
        if let Some(parameter) = graph.parameters.get(&tensor) {
            let finite = || parameter.data.iter().copied().filter(|value| value.is_finite());
            return Some([finite().reduce(f32::min)?, finite().reduce(f32::max)?]);
        }
        self.ranges.get(&tensor).copied()
    }

    /// Width and height of the image, where faults strike its bytes and they are known.
    pub(super) fn pixels(&self) -> Option<[usize; 2]> {
        self.pixels
    }

    /// The places that campaigns draw from: for activations the layers that the graph names
    /// ([`SampledLayers`]), for weights all.
    pub fn sampled(graph: &Graph, target: Target) -> Self {
        let mut space = Self::of(graph, target);
        match graph.sampled {
            _ if target != Target::Activation => {}
            SampledLayers::ButLast => {
                if space.layers.len() > 1 {
                    space.layers.pop();
                }
            }
            SampledLayers::Inner => {
                let last = graph.nodes.len().saturating_sub(1);
                space.layers.retain(|sites| (1..last).contains(&sites.layer));
            }
        }
        space
    }

    /// The places that `model` draws from: those in the layers it names, by name, index or `kind:KIND`, else those of [`SiteSpace::sampled`].
    ///
    /// # Errors
    /// Where there is no such layer, or a fault of the model's target cannot strike there.
    pub fn drawn_from(graph: &Graph, model: &FaultModel) -> Result<Self> {
        let Some(named) = &model.layers else { return Ok(Self::sampled(graph, model.target)) };
        let all = Self::of(graph, model.target);
        let mut layers = BTreeMap::new();
        for name in named {
            match name.strip_prefix(KIND).filter(|_| graph.nodes.iter().all(|node| node.name != *name)) {
                Some(kind) => layers.extend(all.of_kind(graph, kind)?.map(|sites| (sites.layer, sites.clone()))),
                None => {
                    let layer = graph.find(name)?;
                    layers.insert(layer, all.layer(graph, layer)?.clone());
                }
            }
        }
        Ok(Self { target: model.target, layers: layers.into_values().collect(), pixels: None, ranges: BTreeMap::new() })
    }

    /// The places in the layers of a kind, whose case does not matter.
    fn of_kind<'a>(&'a self, graph: &'a Graph, kind: &'a str) -> Result<impl Iterator<Item = &'a LayerSites>> {
        let kind_of = |sites: &LayerSites| &graph.nodes[sites.layer].kind;
        let of_kind = self.layers.iter().filter(move |sites| kind_of(sites).eq_ignore_ascii_case(kind));
        if of_kind.clone().next().is_none() {
            let kinds: BTreeSet<&str> = self.layers.iter().map(|sites| kind_of(sites).as_str()).collect();
            let kinds: Vec<_> = kinds.into_iter().collect();
            return Err(Error::request(format_args!(
                "no layer of kind \"{kind}\" has a place for {} faults; the kinds that have are {}",
                self.target.name(),
                kinds.join(", ")
            )));
        }
        Ok(of_kind)
    }

    /// The target.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[LayerSites] {
        &self.layers
    }

    /// The places in `layer`.
    ///
    /// # Errors
    /// Where a fault of this target cannot strike there; the message says why.
    pub fn layer(&self, graph: &Graph, layer: NodeId) -> Result<&LayerSites> {
        self.layers.iter().find(|sites| sites.layer == layer).ok_or_else(|| {
            let node = &graph.nodes[layer];
            let is_truth = node.outputs.first().is_some_and(|&output| graph.truth_values()[output]);
            Error::request(match self.target {
                Target::Activation if is_truth => format!(
                    "layer \"{}\" ({}) gives truth values, which are no float32 numbers whose bits could flip",
                    node.name, node.kind
                ),
                Target::Activation => format!(
                    "layer \"{}\" ({}) does not depend on the image, so it has no activation to corrupt",
                    node.name, node.kind
                ),
                Target::Weight => format!("layer \"{}\" ({}) has no parameters to corrupt", node.name, node.kind),
                Target::Input => format!("layer \"{}\" ({}) is not the first that reads the image", node.name, node.kind),
                Target::Metadata => format!(
                    "layer \"{}\" ({}) has no scale to corrupt: formats of integers have scales, int8 for example (--format, --weight-format), \
                     and so have networks of integers",
                    node.name, node.kind
                ),
            })
        })
    }
}
