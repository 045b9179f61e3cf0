//! The score of a fault: how far it moves the answer's margin, to first order, before it is injected.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use facts::Result;
use facts::answer::Answer;
use facts::campaign::design::{Direction, Score, Stratum, stratum};
use facts::campaign::{Plan, Position};
use facts::fault::{Site, Target};
use facts::graph::{NodeId, Op, ValueId};

use super::proof::Proof;
use super::{Golden, Lab};
use crate::gradient::{Derivative, Gradients, Margin};
use crate::ops::{Extent, Order};

/// What scores need of a network, made once.
#[derive(Debug)]
pub struct Scoring {
    /// The derivative; a sentence on the layer that has none.
    derivative: Result<Derivative, String>,
    /// The layers that read each value.
    pub(super) readers: Vec<Vec<NodeId>>,
}

impl Scoring {
    pub(super) fn new(lab: &Lab) -> Self {
        let graph = lab.executor().graph();
        let mut readers = vec![Vec::new(); graph.values.len()];
        for (id, node) in graph.nodes.iter().enumerate() {
            let mut inputs = node.inputs.clone();
            inputs.sort_unstable();
            inputs.dedup();
            inputs.into_iter().for_each(|value| readers[value].push(id));
        }
        Self { derivative: Derivative::new(lab.executor()).map_err(|error| error.to_string()), readers }
    }

    /// Returns the derivative of the network, or a sentence on the layer that has none.
    pub fn derivative(&self) -> Result<&Derivative, &str> {
        self.derivative.as_ref().map_err(String::as_str)
    }
}

impl Lab {
    /// Prepares the derivative of the network.
    ///
    /// # Errors
    /// If a layer has no derivative, or the lab computes on a GPU.
    pub fn derivative(&self) -> Result<Derivative> {
        Derivative::new(self.executor())
    }

    /// Returns the margin of a golden run: the score of its class less that of the runner-up. Of a binary model it is
    /// the distance of the logit from the threshold.
    pub fn margin(&self, golden: &Golden) -> Margin {
        let class = golden.class;
        match self.model().answer {
            Answer::Binary { threshold, .. } => {
                let sign = if class == 1 { 1.0 } else { -1.0 };
                Margin { terms: vec![(0, sign)], offset: -sign * threshold.logit() }
            }
            Answer::Scores { .. } => {
                let others = golden.logits.iter().enumerate().filter(|(other, _)| *other != class);
                let second = others.max_by(|one, other| one.1.total_cmp(other.1)).map(|(other, _)| other);
                let terms = std::iter::once((class, 1.0)).chain(second.map(|second| (second, -1.0)));
                Margin { terms: terms.collect(), offset: 0.0 }
            }
        }
    }
}

/// The scores of faults in one golden run.
#[derive(Debug)]
pub struct Scorer<'a> {
    lab: &'a Lab,
    scoring: Arc<Scoring>,
    gradients: Foresight,
    /// The golden tensors.
    tensors: Vec<Option<(Extent, Cow<'a, [f32]>)>>,
}

/// The gradients of a golden run, which any number of scorers share; none without a derivative.
#[derive(Clone, Debug)]
pub struct Foresight(Option<Arc<Gradients>>);

impl Foresight {
    /// Goes back through the network once. With `parameters`, faults in weights have scores.
    ///
    /// # Errors
    /// If the golden run lacks a tensor.
    pub fn of(lab: &Lab, golden: &Golden, parameters: bool) -> Result<Self> {
        let scoring = lab.scoring();
        let Ok(derivative) = scoring.derivative() else { return Ok(Self(None)) };
        Ok(Self(Some(Arc::new(derivative.of(&golden.activations, &lab.margin(golden), parameters)?))))
    }
}

impl<'a> Scorer<'a> {
    /// Prepares the scores of faults in `golden`. With `parameters`, faults in weights have scores. Without a derivative no
    /// fault has one.
    ///
    /// # Errors
    /// If the golden run lacks a tensor.
    pub fn new(lab: &'a Lab, golden: &'a Golden, parameters: bool) -> Result<Self> {
        Self::with(lab, golden, Foresight::of(lab, golden, parameters)?)
    }

    /// The same with gradients of this golden run that are there already.
    ///
    /// # Errors
    /// If the golden run lacks a tensor.
    pub fn with(lab: &'a Lab, golden: &'a Golden, gradients: Foresight) -> Result<Self> {
        let scoring = lab.scoring();
        let graph = lab.executor().graph();
        let tensors = (0..graph.values.len())
            .map(|value| golden.activations.get(value).map(|array| array.laid_out()).transpose())
            .collect::<Result<_>>()?;
        Ok(Self { lab, scoring, gradients, tensors })
    }

    /// Returns the golden value of an element of a tensor, counted row-major as the tensor is stored.
    pub(super) fn value(&self, tensor: ValueId, index: usize) -> Option<f32> {
        if let Some(parameter) = self.lab.executor().graph().parameters.get(&tensor) {
            return parameter.data.get(index).copied();
        }
        let (extent, rows) = self.tensors.get(tensor)?.as_ref()?;
        let index = match extent.order {
            Order::Last => index,
            Order::Channels => index % extent.positions() * extent.channels + index / extent.positions(),
        };
        rows.get(index).copied()
    }

    /// Returns the value that a fault leaves in the place of `before`, after the protection.
    fn after(&self, site: &Site, index: usize, before: f32) -> f32 {
        let value = &self.lab.executor().graph().values[site.tensor];
        let after = site.corruption.apply(before, value.code(index));
        let range = (site.target == Target::Activation)
            .then(|| self.lab.executor().protection().and_then(|ranges| ranges.get(site.tensor)))
            .flatten();
        range.map_or(after, |range| range.clip(after))
    }

    /// Returns the place of the struck element as it is stored, and its value before and after the fault; `None` where the golden
    /// run has no such value.
    fn change(&self, site: &Site) -> Option<(usize, f32, f32)> {
        let value = &self.lab.executor().graph().values[site.tensor];
        let index = value.layout.stored_index(&value.shape, site.element);
        let before = self.value(site.tensor, index)?;
        Some((index, before, self.after(site, index, before)))
    }

    /// Returns the score of a fault that strikes `sites`.
    pub fn score(&self, sites: &[Site]) -> Score {
        let graph = self.lab.executor().graph();
        let margin = self.gradients.0.as_deref().map_or(0.0, Gradients::margin);
        let (mut sum, mut most, mut flat) = (0.0f32, 0.0f32, true);
        for site in sites {
            let Some((index, before, after)) = self.change(site) else { return Score::NotFinite };
            if let ([_], Target::Activation) = (sites, site.target)
                && Proof::new(self, graph, &self.scoring.readers).is_masked(site.tensor, index, before, after)
            {
                return Score::Proved;
            }
            let change = after - before;
            // The root of a negative variance is none.
            if !change.is_finite() || after < 0.0 && self.role(site) == Some(Statistic::Variance) {
                return Score::NotFinite;
            }
            most = most.max(change.abs());
            let gradient = self.gradients.0.as_deref().map_or(0.0, |gradients| gradients.at(site.tensor, index));
            flat &= gradient == 0.0;
            sum -= gradient * change;
        }
        match &self.gradients.0 {
            None => Score::Unknown(most),
            Some(_) if flat => Score::Flat(most),
            Some(_) => Score::Finite(sum / margin),
        }
    }

    /// Returns what a fault at `site` does to the outputs of the layer that reads the parameter.
    fn direction(&self, site: &Site) -> Direction {
        if site.target != Target::Weight {
            return Direction::Other;
        }
        let Some((_, before, after)) = self.change(site) else { return Direction::Other };
        match self.role(site) {
            Some(Statistic::Variance) if after > 0.0 => Direction::Amplified(before / after),
            Some(Statistic::Variance) => Direction::Other,
            Some(Statistic::Mean) if after < before => Direction::Raised,
            None if after > before => Direction::Raised,
            Some(Statistic::Mean) | None => Direction::Other,
        }
    }

    /// Returns which statistic of a batch normalisation the struck parameter is; `None` if it is none.
    fn role(&self, site: &Site) -> Option<Statistic> {
        if site.target != Target::Weight {
            return None;
        }
        let graph = self.lab.executor().graph();
        let reads = |&reader: &NodeId| {
            let node = &graph.nodes[reader];
            match &node.op {
                Op::Chain(steps) => {
                    let mut rest = &node.inputs[..];
                    steps.iter().find_map(|step| {
                        let (own, others) = rest.split_at_checked(step.inputs)?;
                        rest = others;
                        statistic(&step.op, own, site.tensor)
                    })
                }
                op => statistic(op, &node.inputs, site.tensor),
            }
        };
        self.scoring.readers.get(site.tensor)?.iter().find_map(reads)
    }

    /// Returns the stratum of a fault that strikes `sites`, the first of which decides bits and direction.
    pub fn stratum(&self, sites: &[Site]) -> Stratum {
        let graph = self.lab.executor().graph();
        let format = |site: &Site| graph.values[site.tensor].format;
        let of = |site: &Site| stratum(site.corruption, format(site), self.score(sites), self.direction(site));
        sites.first().map_or(0, of)
    }

    /// Whether the executor clips outputs.
    pub(super) fn is_protected(&self) -> bool {
        self.lab.executor().protection().is_some()
    }

    /// Returns the strata of the candidates of the `nth` image of `plan` with these numbers.
    ///
    /// # Errors
    /// If a candidate cannot be drawn.
    pub(super) fn strata(&self, plan: &Plan, nth: usize, candidates: Range<usize>) -> Result<Vec<Stratum>> {
        candidates.map(|fault| Ok(self.stratum(&plan.sites(Position { nth, fault })?))).collect()
    }
}

/// A stored statistic of a batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    Mean,
    Variance,
}

/// Returns which statistic of `op`, which reads `inputs`, the parameter `tensor` is.
fn statistic(op: &Op, inputs: &[ValueId], tensor: ValueId) -> Option<Statistic> {
    let (Op::BatchNorm { .. }, [.., mean, variance]) = (op, inputs) else { return None };
    match tensor {
        tensor if tensor == *variance => Some(Statistic::Variance),
        tensor if tensor == *mean => Some(Statistic::Mean),
        _ => None,
    }
}
