//! Learning protections from golden runs, one after another, and making them ready.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use burn::tensor::Device;
use facts::campaign::Plan;
use facts::campaign::compared::{Compared, Cost, Detector, Guarded, Method, ProfileOf, Tolerance};
use facts::graph::{Graph, HostTensor, NodeId, ValueId};
use facts::{Error, Result};

use super::learn::Learning;
use super::selection::{self, Vulnerability};
use super::stored::coded;
use super::{Against, Guard, Guards, Means, Watch, margin_of};
use crate::campaign::lab::{Golden, Lab};
use crate::exec::{Checksums, Clips, Range, Stage};

/// What golden runs have shown to protections so far.
#[derive(Clone, Debug)]
pub struct Learner {
    clips: Vec<Learning>,
    scores: Range,
    margin: f32,
    /// `None` where no protection asks for the most vulnerable layers.
    vulnerability: Option<Vulnerability>,
    /// Whether a protection learns how far layers are from their checksums.
    checks: bool,
    /// The checksums, made when they are first asked for.
    checksums: OnceLock<Checksums>,
    /// The largest difference of each layer from its checksum, as a factor of the sum of magnitudes.
    residuals: BTreeMap<NodeId, f32>,
    runs: usize,
}

impl Learner {
    /// Begins to learn for `methods` on `graph`.
    pub fn new(graph: &Graph, methods: &[Method]) -> Self {
        let mut clips: Vec<Learning> = Vec::new();
        for method in methods {
            if let Method::Clip(clip) = method
                && !clips.iter().any(|learning| learning.serves(*clip))
            {
                clips.push(Learning::new(graph, *clip));
            }
        }
        let repeats = |method: &Method| matches!(method, Method::Duplicate(_) | Method::Tmr(_)) && method.is_learnt();
        Self {
            clips,
            scores: Range::NONE,
            margin: f32::INFINITY,
            vulnerability: methods.iter().any(repeats).then(Vulnerability::default),
            checks: methods.iter().any(|method| matches!(method, Method::Abft(_)) && method.is_learnt()),
            checksums: OnceLock::new(),
            residuals: BTreeMap::new(),
            runs: 0,
        }
    }

    /// Returns the number of golden runs that were learnt from.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Returns the checksums of the network of `lab`, the only one that this learns from.
    ///
    /// # Errors
    /// If it has no layer with a checksum, or is not on the CPU.
    pub(super) fn checksums(&self, lab: &Lab) -> Result<&Checksums> {
        match self.checksums.get() {
            Some(checksums) => Ok(checksums),
            None => {
                let checksums = lab.executor().checksums()?;
                Ok(self.checksums.get_or_init(|| checksums))
            }
        }
    }

    /// Learns from a golden run of `lab`. The faults of `plan` tell which layers are vulnerable.
    ///
    /// # Errors
    /// If the device fails. If the most vulnerable layers are asked for: without a plan, or if the network has no derivative.
    pub async fn include(&mut self, lab: &Lab, golden: &Golden, plan: Option<&Plan>) -> Result<()> {
        if let Some(vulnerability) = &mut self.vulnerability {
            let plan = plan.ok_or_else(|| {
                Error::request(
                    "the most vulnerable layers are those of a campaign's faults; name the layers instead of auto",
                )
            })?;
            vulnerability.include(lab, plan, golden)?;
        }
        for clip in &mut self.clips {
            clip.include(&golden.activations).await?;
        }
        golden.logits.iter().filter(|score| score.is_finite()).for_each(|&score| self.scores.widen(score));
        self.margin = self.margin.min(margin_of(&golden.logits).unwrap_or(f32::INFINITY));
        if self.checks {
            let residuals = lab.executor().largest_residuals(self.checksums(lab)?, &golden.activations)?;
            for (layer, residual) in residuals {
                let largest = self.residuals.entry(layer).or_default();
                *largest = largest.max(residual);
            }
        }
        self.runs += 1;
        Ok(())
    }

    /// Makes `methods`, which are among those that were learnt for, ready against faults. `profile` is what config.json says of the
    /// images.
    ///
    /// # Errors
    /// If a protection does not go with the faults, was not learnt, has no layer that is cheap enough, or is for the CPU only.
    pub fn guards(&self, lab: &Lab, methods: &[Method], against: Against, profile: ProfileOf) -> Result<Guards> {
        let graph = lab.executor().graph().clone();
        let inference = Cost::of(&graph);
        let on_cpu = *lab.executor().device() == Device::flex();
        let (mut guards, mut guarded, mut stages) = (Vec::new(), Vec::new(), Vec::new());
        let nothing = Vulnerability::default();
        let vulnerability = self.vulnerability.as_ref().unwrap_or(&nothing);
        for method in methods {
            against.check(&graph, method)?;
            if method.is_learnt() && self.runs == 0 {
                return Err(Error::request(format_args!("the protection {method} was learnt from no golden run")));
            }
            let mut network = None;
            let (means, layers, sum) = match method {
                Method::Clip(clip) => {
                    let learnt = self.clips.iter().find(|learning| learning.serves(*clip));
                    let learnt = learnt.ok_or_else(|| {
                        Error::request(format_args!("no golden run was looked at for the protection {method}"))
                    })?;
                    let bounds = learnt.bounds(*clip);
                    network = Some(lab.clipped_by(&bounds).map_err(|error| error.concerning(method.to_string()))?);
                    let (layers, sum) = (clip.rule.layers(&graph), checksum(&bounds));
                    if on_cpu {
                        stages.push(Stage::Clip(bounds));
                    }
                    (Means::Clip(on_cpu.then(|| stages.len() - 1)), layers, Some(sum))
                }
                Method::Code(code) => {
                    if let Some(graph) = coded(&graph, *code)? {
                        let mut model = lab.model().clone();
                        model.graph = graph.into();
                        network = Some(Lab::on(model, lab.executor().device())?.judged_by(lab.grouping().cloned())?);
                    }
                    (Means::Code(*code), Vec::new(), None)
                }
                Method::WeightClip => (Means::WeightClip(parameter_ranges(&graph)), Vec::new(), None),
                Method::Duplicate(chosen) | Method::Tmr(chosen) => {
                    let layers = selection::layers(&graph, method, chosen, vulnerability, inference.operations)?;
                    let set = layers.iter().copied().collect();
                    let means = if matches!(method, Method::Tmr(_)) { Means::Tmr(set) } else { Means::Duplicate(set) };
                    (means, layers, None)
                }
                Method::Abft(abft) => {
                    let checksums = self.checksums(lab).map_err(|error| error.concerning(method.to_string()))?;
                    let factor = |id, bound| factor(abft.tolerance, bound, self.residuals.get(&id).copied());
                    // What a permanent fault does is done again when a layer is computed again.
                    let recomputes = abft.recomputes && !against.is_permanent();
                    stages.push(Stage::Check(checksums.checks(recomputes, factor)));
                    let sum = matches!(abft.tolerance, Tolerance::Learnt(_)).then(|| sum_of(&self.residuals));
                    (Means::Check(stages.len() - 1), checksums.layers(), sum)
                }
                Method::Detector(detector) => {
                    let watch = match detector {
                        Detector::NanCheck => Watch::Finite,
                        Detector::LogitRange => Watch::Range(self.scores),
                        Detector::TopTwoMargin(margin) => {
                            Watch::Margin(margin.map_or(self.margin, |margin| margin as f32))
                        }
                    };
                    (Means::Detector(watch), Vec::new(), None)
                }
            };
            guarded.push(Guarded {
                method: method.clone(),
                overhead: method.overhead(&graph, &layers, against.target()),
                layers: layers.iter().map(|&id| graph.nodes[id].name.clone()).collect(),
                learnt: sum,
            });
            guards.push(Guard { means, network });
        }
        Ok(Guards::new(guards, stages, Compared { methods: guarded, profile, inference }))
    }
}

/// The tolerance of a layer whose rounding errors never exceed `bound`, and whose golden runs have shown `seen`.
fn factor(tolerance: Tolerance, bound: f32, seen: Option<f32>) -> f32 {
    match tolerance {
        Tolerance::Bound => bound,
        Tolerance::Factor(factor) => factor as f32,
        Tolerance::Learnt(multiple) => multiple as f32 * seen.unwrap_or_default(),
    }
}

/// CRC-32 of what golden runs show of each layer.
fn sum_of(residuals: &BTreeMap<NodeId, f32>) -> u32 {
    let mut sum = flate2::Crc::new();
    for (&layer, residual) in residuals {
        sum.update(&(layer as u64).to_le_bytes());
        sum.update(&residual.to_bits().to_le_bytes());
    }
    sum.sum()
}

/// The range of each parameter.
fn parameter_ranges(graph: &Graph) -> BTreeMap<ValueId, Range> {
    let range = |(&id, tensor): (&ValueId, &HostTensor)| {
        let mut range = Range::NONE;
        tensor.data.iter().filter(|value| !value.is_nan()).for_each(|&value| range.widen(value));
        (range.low <= range.high).then_some((id, range))
    };
    graph.parameters.iter().filter_map(range).collect()
}

/// CRC-32 of all bounds.
fn checksum(clips: &Clips) -> u32 {
    let mut sum = flate2::Crc::new();
    for (value, bounds) in clips.iter() {
        sum.update(&(value as u64).to_le_bytes());
        for range in bounds.ranges() {
            sum.update(&range.low.to_bits().to_le_bytes());
            sum.update(&range.high.to_bits().to_le_bytes());
        }
    }
    sum.sum()
}
