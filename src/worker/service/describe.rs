//! What the page is told of a model and of an answer.

use engine::campaign::Lab;
use facts::answer::Answer;
use facts::data::InputShape;
use facts::fault::{SiteSpace, Target};
use facts::graph::{Graph, NodeId, Op, Source, ValueId};
use facts::model::Card;
use facts::report::diagram::{Role, family};
use protocol::planes::Planes;
use protocol::{AnswerInfo, ClassInfo, LayerInfo, ModelInfo, PreprocessInfo, Score, TensorInfo};

/// Classes in a list of the most probable ones.
const TOP: usize = 5;

/// How a tensor is drawn, which may be an attention map.
pub(super) fn planes(graph: &Graph, id: ValueId, is_attention: bool) -> Planes {
    let value = &graph.values[id];
    if is_attention {
        Planes::of_attention(&value.shape)
    } else {
        Planes::of(&value.shape, value.source == Source::Parameter)
    }
}

/// What the page is told of the model in `lab`, whose file has `card`.
pub(super) fn describe(lab: &Lab, card: &Card) -> ModelInfo {
    let (model, graph) = (lab.model(), lab.executor().graph());
    let (activations, weights) = (SiteSpace::of(graph, Target::Activation), SiteSpace::of(graph, Target::Weight));
    let sampled = SiteSpace::sampled(graph, Target::Activation);
    let (paths, attention) = (graph.paths(), graph.attention_maps());
    let tensors = |space: &SiteSpace, layer: usize| -> Vec<TensorInfo> {
        let sites = space.layers().iter().find(|sites| sites.layer == layer);
        let ids = sites.into_iter().flat_map(|sites| &sites.tensors).map(|&(id, _)| id);
        let tensor = |id: ValueId| {
            let value = &graph.values[id];
            TensorInfo {
                id,
                name: value.name.clone(),
                shape: value.shape.clone(),
                layout: value.layout.clone(),
                format: value.format,
                scales: value.scales.clone(),
                planes: planes(graph, id, attention[id]),
            }
        };
        ids.map(tensor).collect()
    };
    let layers = graph.nodes.iter().enumerate().map(|(index, node)| LayerInfo {
        index,
        name: node.name.clone(),
        kind: node.kind.clone(),
        outputs: tensors(&activations, index),
        parameters: tensors(&weights, index),
        inputs: producers(graph, &node.inputs),
        family: (node.op != Op::Folded).then(|| family(&node.op)),
        role: Role::of(&paths, index),
        sampled: sampled.layers().iter().any(|sites| sites.layer == index),
        shape: node.outputs.first().map(|&id| graph.values[id].source_shape()).unwrap_or_default(),
    });
    let input = InputShape::of(model.input_shape()).map_or([0, 0], |shape| [shape.height, shape.width]);
    ModelInfo {
        name: model.card.name.clone(),
        classes: model.classes(),
        parameters: graph.parameters.values().map(|parameter| parameter.data.len()).sum(),
        input,
        answer: AnswerInfo {
            outputs: model.outputs.clone(),
            output: model.output().to_owned(),
            meaning: model.answer.to_string(),
            threshold: match model.answer {
                Answer::Binary { threshold, .. } => Some(threshold),
                Answer::Scores { .. } => None,
            },
        },
        preprocess: PreprocessInfo { used: model.preprocess(), stated: card.preprocess.clone() },
        notices: card.notices.clone(),
        grouping: lab.grouping().map(|grouping| grouping.name().to_owned()),
        layers: layers.collect(),
    }
}

/// The layers whose outputs are among `values`, in ascending order.
fn producers(graph: &Graph, values: &[ValueId]) -> Vec<NodeId> {
    let makes = |id: &NodeId| graph.nodes[*id].outputs.iter().any(|output| values.contains(output));
    (0..graph.nodes.len()).filter(makes).collect()
}

pub(super) fn scores(lab: &Lab, logits: &[f32]) -> Vec<Score> {
    let top = lab.model().answer.top(logits, TOP);
    top.into_iter()
        .map(|rank| Score {
            class: rank.class,
            label: lab.model().label(rank.class),
            logit: logits[rank.class],
            probability: rank.probability,
        })
        .collect()
}

pub(super) fn class(lab: &Lab, class: usize) -> ClassInfo {
    let group = lab.grouping().and_then(|grouping| grouping.group_of(class));
    ClassInfo {
        class,
        label: lab.model().label(class),
        group: group.map(|group| group.name.clone()),
        critical: group.is_some_and(|group| group.critical),
    }
}
