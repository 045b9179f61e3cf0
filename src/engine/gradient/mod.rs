//! How the answer's margin depends on each tensor: one pass from the scores back to the first layer.
//!
//! The margin is the difference between the best score and the runner-up. Its gradient with respect to a layer's output,
//! times the change of a fault, tells to first order whether the fault changes the answer. It never replaces an
//! injection: a design only *stratifies* by it.

mod attention;
mod conv;
mod elementwise;
mod flat;
mod normalise;
mod places;
mod product;
mod reduce;
mod rule;
mod volume;
mod weights;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use facts::graph::{Graph, Node, Op, Source, Unary, ValueId};
use facts::{Error, Result};

use self::flat::{Flat, element};
use self::rule::Rule;
use crate::exec::{Activations, Executor};

/// The derivative of a graph, ready for any number of golden runs.
#[derive(Debug)]
pub struct Derivative {
    graph: Arc<Graph>,
    /// The links of each layer; none for a layer that computes nothing.
    layers: Vec<Vec<Rule>>,
    /// Whether each value depends on the image.
    depends: Vec<bool>,
}

/// The margin of an answer as a sum of scores.
///
/// The scores are those before a final softmax or sigmoid: the order of the classes is the same there, and the difference
/// of two probabilities hardly changes where one of them is almost 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Margin {
    /// Scores with their factors.
    pub terms: Vec<(usize, f32)>,
    /// Number that is added.
    pub offset: f32,
}

/// The gradients of one golden run.
#[derive(Debug)]
pub struct Gradients {
    values: Vec<Option<Flat<'static>>>,
    margin: f32,
}

impl Gradients {
    /// Returns the margin of the golden run, which is not negative unless a threshold made another class the answer.
    pub fn margin(&self) -> f32 {
        self.margin
    }

    /// Returns the gradient of the margin with respect to an element of a tensor, counted row-major as the tensor is
    /// stored. Returns 0 where the margin does not depend on the tensor.
    pub fn at(&self, value: ValueId, index: usize) -> f32 {
        let found = self.values.get(value).and_then(Option::as_ref);
        found.and_then(|flat| element(flat.extent, &flat.data, index)).unwrap_or(0.0)
    }

    /// Returns the gradient with respect to a tensor, row-major as the tensor is stored; `None` where the margin does
    /// not depend on the tensor.
    pub fn tensor(&self, value: ValueId) -> Option<Vec<f32>> {
        self.values.get(value)?.as_ref().map(|flat| flat.elements().into_owned())
    }
}

impl Derivative {
    /// Prepares the derivative of the graph of `executor`.
    ///
    /// # Errors
    /// If a layer has no derivative here, or the executor computes on a GPU.
    pub fn new(executor: &Executor) -> Result<Self> {
        if *executor.device() != burn::tensor::Device::flex() {
            return Err(Error::request("the gradient of the scores is computed on the CPU only, found a GPU"));
        }
        let graph = executor.graph().clone();
        let by_layer = graph.depends_on_input();
        let depends: Vec<bool> = graph
            .values
            .iter()
            .map(|value| match value.source {
                Source::Input => true,
                Source::Node(node) => by_layer[node],
                Source::Parameter | Source::Folded => false,
            })
            .collect();
        let shape = |value: &ValueId| graph.values[*value].shape.clone();
        let rules = |id: usize, node: &Node| -> Result<Vec<Rule>> {
            let inputs: Vec<_> = node.inputs.iter().map(shape).collect();
            let outputs: Vec<_> = node.outputs.iter().map(shape).collect();
            let follows: Vec<bool> = node.inputs.iter().map(|&value| depends[value]).collect();
            let Op::Chain(steps) = &node.op else {
                return Ok(vec![Rule::new(node.op.clone(), inputs, outputs, follows)?]);
            };
            let made = graph.links(id);
            let mut rules: Vec<Rule> = Vec::with_capacity(steps.len());
            let mut next = 0;
            for (step, made) in steps.iter().zip(made) {
                let own = next..next + step.inputs;
                next = own.end;
                let before = rules.last().map(|rule: &Rule| rule.outputs[0].clone());
                let first = before.is_some().then_some(true);
                let inputs = before.into_iter().chain(inputs[own.clone()].iter().cloned()).collect();
                let follows = first.into_iter().chain(follows[own].iter().copied()).collect();
                rules.push(Rule::new(step.op.clone(), inputs, vec![made.clone()], follows)?);
            }
            Ok(rules)
        };
        let layer = |(id, node): (usize, &Node)| match node.op {
            Op::Folded => Ok(Vec::new()),
            _ => rules(id, node).map_err(|error| Error::graph(&node.name, format_args!("{} ({error})", node.kind))),
        };
        let layers = graph.nodes.iter().enumerate().map(layer).collect::<Result<_>>()?;
        Ok(Self { graph, layers, depends })
    }

    /// Returns the gradients of `margin` in the golden run `golden` with respect to every layer's output, and if
    /// `parameters` is set, to every parameter.
    ///
    /// # Errors
    /// If the run lacks a tensor, or a layer has no derivative for its shapes.
    pub fn of(&self, golden: &Activations, margin: &Margin, parameters: bool) -> Result<Gradients> {
        let graph = &*self.graph;
        let output = graph.outputs[0];
        let mut gradients: Vec<Option<Flat<'static>>> = vec![None; graph.values.len()];
        let scores = self.value(golden, output)?;
        // By how much the margin changes with each score of the output itself.
        let mut seed = vec![0.0; scores.data.len()];
        let Source::Node(last) = graph.values[output].source else {
            return Err(Error::request("the model's output is not computed by any layer"));
        };
        let end = self.layers[last].last().map(|rule| &rule.op);
        let is_probability = match end {
            Some(Op::Softmax { log: false, .. }) => Some(false),
            Some(Op::Unary(Unary::Sigmoid)) => Some(true),
            _ => None,
        };
        let all = scores.elements();
        for &(class, factor) in &margin.terms {
            let Some(&score) = all.get(class) else {
                return Err(Error::request(format_args!("the output has {} scores, no score {class}", all.len())));
            };
            let slope = match is_probability {
                None => 1.0,
                Some(false) => score.recip(),
                Some(true) => (score * (1.0 - score)).recip(),
            };
            seed[class] += if slope.is_finite() { factor * slope } else { 0.0 };
        }
        let mut total = None;
        gradients[output] = Some(Flat::new(&scores.shape, seed));
        for (id, node) in graph.nodes.iter().enumerate().rev() {
            let rules = &self.layers[id];
            let reached = node.outputs.iter().any(|&value| gradients[value].is_some());
            if rules.is_empty() || !reached || !(parameters || self.depends[node.outputs[0]]) {
                continue;
            }
            let wanted: Vec<bool> = node.inputs.iter().map(|&value| self.wants(value, parameters)).collect();
            let at_end = (id == last && is_probability.is_some()).then_some(margin);
            let found = self.layer(node, rules, golden, &gradients, &wanted, at_end, &mut total);
            let found = found.map_err(|error| Error::graph(&node.name, format_args!("{} ({error})", node.kind)))?;
            for ((&value, found), wanted) in node.inputs.iter().zip(found).zip(wanted) {
                let (true, Some(found)) = (wanted, found) else { continue };
                match &mut gradients[value] {
                    None => gradients[value] = Some(found),
                    Some(sum) => sum.add(&found),
                }
            }
        }
        let margin = total.unwrap_or_else(|| of(margin, &all));
        Ok(Gradients { values: gradients, margin })
    }

    fn wants(&self, value: ValueId, parameters: bool) -> bool {
        match self.graph.values[value].source {
            Source::Input | Source::Folded => false,
            Source::Parameter => parameters,
            Source::Node(_) => parameters || self.depends[value],
        }
    }

    /// Returns the gradients of a layer's inputs. At the end of the graph the last link, which gives probabilities, is left
    /// out: the margin is of its inputs.
    #[allow(clippy::too_many_arguments, reason = "the parts of one walk")]
    fn layer(
        &self,
        node: &Node,
        rules: &[Rule],
        golden: &Activations,
        gradients: &[Option<Flat<'static>>],
        wanted: &[bool],
        at_end: Option<&Margin>,
        total: &mut Option<f32>,
    ) -> Result<Vec<Option<Flat<'static>>>> {
        let inputs: Vec<Flat<'_>> =
            node.inputs.iter().map(|&value| self.value(golden, value)).collect::<Result<_>>()?;
        let outputs: Vec<Flat<'_>> =
            node.outputs.iter().map(|&value| self.value(golden, value)).collect::<Result<_>>()?;
        let mut shares: Vec<std::ops::Range<usize>> = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            let start = shares.last().map_or(0, |share| share.end);
            shares.push(start..start + rule.inputs.len() - usize::from(index > 0));
        }
        // Links are computed again up to the last one whose output a derivative reads.
        let reads = |index: usize| {
            let by_next = rules[index + 1].reads_input(&wanted[shares[index + 1].clone()]);
            by_next || rules[index].reads_output() || at_end.is_some() && index + 2 == rules.len()
        };
        let needed = (0..rules.len() - 1).rev().find(|&index| reads(index)).map_or(0, |last| last + 1);
        // What each link has made, but for the last one.
        let mut made: Vec<Flat<'_>> = Vec::with_capacity(rules.len());
        for (index, (rule, own)) in rules.iter().zip(&shares).enumerate().take(rules.len() - 1) {
            let result = if index < needed {
                let before = made.last().into_iter();
                let x: Vec<Flat<'_>> = before.chain(&inputs[own.clone()]).map(Flat::borrowed).collect();
                rule.compute(&x)?
            } else {
                rule.not_computed()
            };
            made.push(result);
        }
        let mut found: Vec<Option<Flat<'static>>> = vec![None; inputs.len()];
        let mut gradient: Vec<Option<Flat<'_>>> =
            node.outputs.iter().map(|&value| gradients[value].as_ref().map(Flat::borrowed)).collect();
        for (index, rule) in rules.iter().enumerate().rev() {
            let own = shares[index].clone();
            let before = index.checked_sub(1).map(|index| &made[index]);
            let x: Vec<Flat<'_>> = before.into_iter().chain(&inputs[own.clone()]).map(Flat::borrowed).collect();
            let ys = if index + 1 == rules.len() { &outputs[..] } else { &made[index..=index] };
            let follows: Vec<bool> = before.iter().map(|_| true).chain(wanted[own.clone()].iter().copied()).collect();
            let back = match at_end.filter(|_| index + 1 == rules.len()) {
                Some(margin) => {
                    let scores = x[0].elements();
                    *total = Some(of(margin, &scores));
                    let mut seed = vec![0.0; scores.len()];
                    margin.terms.iter().for_each(|&(class, factor)| seed[class] += factor);
                    vec![Some(Flat::new(&x[0].shape, seed))]
                }
                None => {
                    let g: Vec<Option<&Flat<'_>>> = gradient.iter().map(Option::as_ref).collect();
                    rule.back(&x, ys, &g, &follows)?
                }
            };
            let mut back = back.into_iter();
            if before.is_some() {
                gradient = vec![back.next().flatten()];
            }
            for (place, back) in own.zip(back) {
                found[place] = back;
            }
        }
        Ok(found)
    }

    fn value<'a>(&'a self, golden: &'a Activations, value: ValueId) -> Result<Flat<'a>> {
        if let Some(parameter) = self.graph.parameters.get(&value) {
            return Ok(Flat::parameter(parameter));
        }
        let array = golden.get(value).ok_or_else(|| {
            Error::request(format_args!("the golden run lacks the tensor \"{}\"", self.graph.values[value].name))
        })?;
        Flat::of(array)
    }
}

fn of(margin: &Margin, scores: &[f32]) -> f32 {
    margin.offset + margin.terms.iter().map(|&(class, factor)| factor * scores[class]).sum::<f32>()
}
