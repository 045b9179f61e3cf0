//! A network of which one output is chosen computes, and can be struck, as the network that has only this output.

use facts::fault::{Bits, Corruption, Site, SiteSpace, Target};
use facts::graph::{HostTensor, Op};
use facts::model::{Card, Model};
use proptest::prelude::*;

use super::*;
use crate::campaign::Lab;
use crate::exec::Observe;
use crate::import::onnx::import_beside;
use crate::import::{Alone, Statements};

/// A random network: layers that read earlier ones, and outputs that read any of them.
#[derive(Clone, Debug)]
struct Recipe {
    /// What a layer computes, and its two inputs.
    layers: Vec<(u8, usize, usize)>,
    /// The layer that an output is made of, and its number of classes.
    outputs: Vec<(usize, usize)>,
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let layers = prop::collection::vec((0u8..6, any::<usize>(), any::<usize>()), 1..12);
    let outputs = prop::collection::vec((any::<usize>(), 1usize..5), 2..5);
    (layers, outputs).prop_map(|(layers, outputs)| Recipe { layers, outputs })
}

/// Numbers that look random, between -1 and 1.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let number = |index: usize| (index * 7919 + seed * 104_729 + 13) * 2_654_435_761 % 65_521;
    (0..count).map(|index| number(index) as f32 / 32_760.0 - 1.0).collect()
}

impl Recipe {
    /// Layers that layer `layer` reads; the image is none.
    fn inputs(&self, layer: usize) -> Vec<Option<usize>> {
        let (kind, a, b) = self.layers[layer];
        let earlier = |from: usize| (from % (layer + 1)).checked_sub(1);
        if kind < 2 { vec![earlier(a), earlier(b)] } else { vec![earlier(a)] }
    }

    fn source(&self, output: usize) -> Option<usize> {
        (self.outputs[output].0 % (self.layers.len() + 1)).checked_sub(1)
    }

    /// Whether one of `outputs` is computed from `layer`.
    fn needs(&self, outputs: &[usize], layer: usize) -> bool {
        let reads = |from: usize| self.inputs(from).contains(&Some(layer)) && self.needs(outputs, from);
        outputs.iter().any(|&output| self.source(output) == Some(layer)) || (layer + 1..self.layers.len()).any(reads)
    }

    /// A file with `outputs`, and the layers that they need, or every layer.
    fn file(&self, outputs: &[usize], every: bool) -> Vec<u8> {
        let name = |layer: Option<usize>| layer.map_or_else(|| "x".to_owned(), |layer| format!("t{layer}"));
        let (mut nodes, mut parameters) = (Vec::new(), vec![floats("shared", &[1, 3, 1, 1], &[0.5, -0.25, 0.125])]);
        for layer in (0..self.layers.len()).filter(|&layer| every || self.needs(outputs, layer)) {
            let mut inputs: Vec<String> = self.inputs(layer).into_iter().map(name).collect();
            let op = ["Add", "Mul", "Conv", "Relu", "Sigmoid", "Add"][usize::from(self.layers[layer].0)];
            match self.layers[layer].0 {
                2 => {
                    inputs.push(format!("w{layer}"));
                    parameters.push(floats(&format!("w{layer}"), &[3, 3, 1, 1], &numbers(9, layer)));
                }
                5 => inputs.push("shared".to_owned()),
                _ => {}
            }
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            nodes.push(node(&format!("layer{layer}"), op, &inputs, &[&format!("t{layer}")]));
        }
        for &output in outputs {
            let [pooled, flat, weight, scores] = ["p", "f", "v", "o"].map(|letter| format!("{letter}{output}"));
            let classes = self.outputs[output].1;
            nodes.push(node(&pooled, "GlobalAveragePool", &[&name(self.source(output))], &[&pooled]));
            nodes.push(node(&flat, "Flatten", &[&pooled], &[&flat]));
            nodes.push(node(&scores, "MatMul", &[&flat, &weight], &[&scores]));
            parameters.push(floats(&weight, &[3, classes as i64], &numbers(3 * classes, 100 + output)));
        }
        let mut file = model(13, &IMAGE, nodes, parameters);
        let names = outputs.iter().map(|&output| ValueInfoProto { name: format!("o{output}"), r#type: None });
        file.graph.as_mut().unwrap().output = names.collect();
        file.encode_to_vec()
    }
}

/// Names of the layers in `space`, with the elements of each.
fn places(graph: &Graph, space: &SiteSpace) -> Vec<(String, usize)> {
    space.layers().iter().map(|sites| (graph.nodes[sites.layer].name.clone(), sites.elements)).collect()
}

fn bits(scores: &[f32]) -> Vec<u32> {
    scores.iter().map(|score| score.to_bits()).collect()
}

fn check(pruned: Model, alone: &Lab) {
    let (graph, graph_alone) = (pruned.graph.clone(), alone.model().graph.clone());
    for target in [Target::Activation, Target::Weight] {
        for space in [SiteSpace::of, SiteSpace::sampled] {
            assert_eq!(
                places(&graph, &space(&graph, target)),
                places(&graph_alone, &space(&graph_alone, target)),
                "{target:?}"
            );
        }
    }
    assert_eq!(pruned.answer, alone.model().answer);
    let lab = Lab::cpu(pruned).unwrap();
    let image = HostTensor::new([1, 3, 4, 4], numbers(48, 77)).unwrap();
    let [golden, golden_alone] = [&lab, alone].map(|lab| pollster::block_on(lab.golden(&image)).unwrap());
    assert_eq!((golden.class, bits(&golden.logits)), (golden_alone.class, bits(&golden_alone.logits)));
    let flip = Corruption::Flip(Bits::one(30).unwrap());
    for (layer, elements) in places(&graph, &SiteSpace::of(&graph, Target::Activation)) {
        let element = elements / 2;
        let [struck, struck_alone] = [(&lab, &golden), (alone, &golden_alone)].map(|(lab, golden)| {
            let site = Site::find(&lab.model().graph, Target::Activation, &layer, element, flip).unwrap();
            pollster::block_on(lab.trial(golden, &[site], Observe::default())).unwrap()
        });
        assert_eq!((struck.class, struck.verdict), (struck_alone.class, struck_alone.verdict), "{layer}");
        assert_eq!(bits(&struck.logits), bits(&struck_alone.logits), "{layer}");
        assert_eq!(struck.faults[0].before.to_bits(), struck_alone.faults[0].before.to_bits(), "{layer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_chosen_output_is_as_if_it_were_alone(recipe in recipes()) {
        let all: Vec<usize> = (0..recipe.outputs.len()).collect();
        let whole = recipe.file(&all, true);
        for &output in &all {
            let name = format!("o{output}");
            let alone = Lab::cpu(import("alone.onnx", &recipe.file(&[output], false)).unwrap()).unwrap();
            let stated = Statements { output: Some(name.clone()), ..Statements::default() };
            // What only other outputs need is never translated, ...
            let unread = import_beside("whole.onnx", &whole, &stated, std::sync::Arc::new(Alone)).unwrap();
            // ... or translated and left out.
            let graph = Importer::new().graph("whole.onnx", &whole).unwrap();
            let pruned = Model::with_output(graph, Card::default(), Some(&name)).unwrap();
            let names: Vec<String> = all.iter().map(|output| format!("o{output}")).collect();
            prop_assert_eq!(&unread.outputs, &names);
            prop_assert_eq!(&pruned.outputs, &names);
            for layer in 0..recipe.layers.len() {
                for model in [&unread, &pruned] {
                    let node = &model.graph.nodes[model.graph.find(&format!("layer{layer}")).unwrap()];
                    prop_assert_eq!(node.op != Op::Folded, recipe.needs(&[output], layer));
                }
            }
            check(unread, &alone);
            check(pruned, &alone);
        }
    }
}
