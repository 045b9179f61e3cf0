//! The results of protections that are compared.

use serde::{Deserialize, Serialize};

use super::{Cost, Guarded, Method, ProfileOf};
use crate::fault::{BitField, Bits};
use crate::outcome::{Decision, Difference, Pairs, Rate};

/// The results of one protection, on the faults that the unprotected network was tried with, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectionSummary {
    /// The protection.
    pub method: Method,
    /// Names of the layers that it is in; empty where it is in none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// What it adds to one inference.
    pub overhead: Overhead,
    /// The time of a golden inference over that without a protection, where it was measured. Only reports have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// The images that it was learnt from; `None` where it learns nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileOf>,
    /// The network without faults, with the protection and without it.
    pub golden: ProtectedGolden,
    /// The number of trials by the effect of the protection.
    pub effects: Effects,
    /// Trials in which NaN or infinity reached the output under the protection.
    pub due: Rate,
    /// Changed predictions without the protection, and silent ones with it.
    pub sdc: PairedSummary,
    /// Safety-critical ones among them; `None` without a grouping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scm: Option<PairedSummary>,
    /// By field of the number format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_field: Vec<FieldEffects>,
    /// By bit; only bits that were flipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_bit: Vec<BitEffects>,
    /// By layer that faults struck, in model order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_layer: Vec<LayerEffects>,
    /// By bit error rate, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_rate: Vec<RateEffects>,
    /// Faults that are no silent error under this protection, and are one under another; for each other one that has such faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saves: Vec<Saves>,
}

/// What a protection adds to one inference, and its shares of the cost of the unprotected network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overhead {
    /// The cost.
    #[serde(flatten)]
    pub cost: Cost,
    /// Operations over those of the unprotected network; `None` where it has none.
    pub operations_share: Option<f64>,
    /// Parameters over those of the unprotected network; `None` where it has none.
    pub parameters_share: Option<f64>,
    /// Bytes over those of the unprotected network; `None` where it has none.
    pub bytes_share: Option<f64>,
}

impl Overhead {
    /// The overhead of `guarded` on a network whose inference costs `inference`.
    pub fn new(guarded: &Guarded, inference: &Cost) -> Self {
        let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
        let cost = guarded.overhead;
        Self {
            cost,
            operations_share: share(cost.operations, inference.operations),
            parameters_share: share(cost.parameters, inference.parameters),
            bytes_share: share(cost.bytes, inference.bytes),
        }
    }
}

/// The network without faults under a protection.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectedGolden {
    /// Correct predictions without the protection; `None` where no image has a label.
    pub accuracy_without: Option<Rate>,
    /// Correct predictions with it. The prediction counts, whether or not there is a false alarm.
    pub accuracy: Option<Rate>,
    /// Images of which the protected network predicts another class.
    pub changed: Rate,
    /// Images on which the protection stops the inference although there is no fault.
    pub false_alarms: Rate,
}

/// Trials by the effect of a protection. *Bad* is an answer that differs from the golden run's: without the protection any, with it
/// one that the protection does not notice. Each network is compared with its own golden run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// Bad without, right with.
    pub mended: u64,
    /// Bad without, noticed with.
    pub detected: u64,
    /// Bad without, bad with.
    pub missed: u64,
    /// Right without, bad with.
    pub worse: u64,
    /// Right without, stopped with.
    pub needless: u64,
    /// Right without, right with.
    pub unchanged: u64,
}

/// The effect of a protection on one trial: a field of [`Effects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// [`Effects::mended`].
    Mended,
    /// [`Effects::detected`].
    Detected,
    /// [`Effects::missed`].
    Missed,
    /// [`Effects::worse`].
    Worse,
    /// [`Effects::needless`].
    Needless,
    /// [`Effects::unchanged`].
    Unchanged,
}

impl Effect {
    /// The effect where the answer is `bad` without the protection, and `is_sdc` and `detected` with it.
    pub fn new(bad: bool, detected: bool, is_sdc: bool) -> Self {
        match (bad, detected, is_sdc) {
            (true, true, _) => Self::Detected,
            (true, false, false) => Self::Mended,
            (true, false, true) => Self::Missed,
            (false, true, _) => Self::Needless,
            (false, false, true) => Self::Worse,
            (false, false, false) => Self::Unchanged,
        }
    }
}

impl Effects {
    /// Counts a trial.
    pub fn add(&mut self, effect: Effect) {
        let count = match effect {
            Effect::Mended => &mut self.mended,
            Effect::Detected => &mut self.detected,
            Effect::Missed => &mut self.missed,
            Effect::Worse => &mut self.worse,
            Effect::Needless => &mut self.needless,
            Effect::Unchanged => &mut self.unchanged,
        };
        *count += 1;
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.mended += other.mended;
        self.detected += other.detected;
        self.missed += other.missed;
        self.worse += other.worse;
        self.needless += other.needless;
        self.unchanged += other.unchanged;
    }

    /// Changed predictions, without the protection and silently with it.
    pub fn pairs(&self) -> Pairs {
        Pairs {
            both: self.missed,
            first: self.mended + self.detected,
            second: self.worse,
            neither: self.needless + self.unchanged,
        }
    }
}

/// An outcome without a protection and with it, on the same trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedSummary {
    /// Its rate without the protection.
    pub without: Rate,
    /// Its rate with the protection.
    pub with: Rate,
    /// The share of the trials with the outcome that the protection mends or detects.
    pub coverage: Rate,
    /// The rate with the protection less that without it. Negative is good.
    #[serde(flatten)]
    pub difference: Difference,
    /// Trials with the outcome only without the protection, and only with it.
    pub discordant: [u64; 2],
    /// The p-value of McNemar's exact test; `None` where all faults were tried, so that nothing is estimated.
    pub p: Option<f64>,
    /// The same, corrected by Holm for all protections and outcomes of the campaign.
    pub p_adjusted: Option<f64>,
    /// The conclusion.
    pub decision: Decision,
}

impl PairedSummary {
    /// The summary of `pairs`: the p-value `p` is `adjusted` for as many `tests`.
    pub fn new(pairs: &Pairs, p: f64, adjusted: f64, tests: usize) -> Self {
        let all = pairs.all();
        Self {
            without: Rate::new(pairs.both + pairs.first, all),
            with: Rate::new(pairs.both + pairs.second, all),
            coverage: Rate::new(pairs.first, pairs.both + pairs.first),
            difference: pairs.difference(),
            discordant: [pairs.first, pairs.second],
            p: Some(p),
            p_adjusted: Some(adjusted),
            decision: Decision::new(pairs, adjusted, tests),
        }
    }

    fn make_exact(&mut self) {
        for rate in [&mut self.without, &mut self.with, &mut self.coverage] {
            *rate = rate.exact();
        }
        let [first, second] = self.discordant;
        self.decision = Decision::exact(&Pairs { first, second, ..Pairs::default() });
        (self.difference, self.p, self.p_adjusted) = (self.difference.exact(), None, None);
    }
}

/// A part of the trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartEffects {
    /// Their number by effect.
    pub effects: Effects,
    /// Changed predictions without the protection.
    pub without: Rate,
    /// Silent ones with it.
    pub with: Rate,
    /// The latter less the former.
    #[serde(flatten)]
    pub difference: Difference,
    /// Safety-critical ones without the protection; `None` without a grouping.
    pub scm_without: Option<Rate>,
    /// Silent safety-critical ones with it; `None` without a grouping.
    pub scm_with: Option<Rate>,
}

impl PartEffects {
    /// The part with these counts; `scm` is `None` without a grouping.
    pub fn new(effects: Effects, scm: Option<Pairs>) -> Self {
        let pairs = effects.pairs();
        Self {
            effects,
            without: Rate::new(pairs.both + pairs.first, pairs.all()),
            with: Rate::new(pairs.both + pairs.second, pairs.all()),
            difference: pairs.difference(),
            scm_without: scm.map(|scm| Rate::new(scm.both + scm.first, scm.all())),
            scm_with: scm.map(|scm| Rate::new(scm.both + scm.second, scm.all())),
        }
    }

    fn make_exact(&mut self) {
        let rates = [&mut self.without, &mut self.with].into_iter();
        rates.chain(&mut self.scm_without).chain(&mut self.scm_with).for_each(|rate| *rate = rate.exact());
        self.difference = self.difference.exact();
    }
}

/// Trials that hit one field of the number format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldEffects {
    /// The field.
    pub field: BitField,
    /// Their outcomes.
    #[serde(flatten)]
    pub part: PartEffects,
}

/// Trials that flipped one bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BitEffects {
    /// 0 = least significant bit.
    pub bit: u8,
    /// Their outcomes.
    #[serde(flatten)]
    pub part: PartEffects,
}

/// Trials that struck one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerEffects {
    /// Layer name.
    pub layer: String,
    /// Their outcomes.
    #[serde(flatten)]
    pub part: PartEffects,
}

/// Trials at one bit error rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateEffects {
    /// The probability with which each bit flips.
    pub rate: f64,
    /// Trials that predict the true class under the protection and are not stopped; `None` where no image has a label.
    pub accuracy: Option<Rate>,
    /// Their outcomes.
    #[serde(flatten)]
    pub part: PartEffects,
}

/// Faults that one protection saves and another one loses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saves {
    /// The other protection.
    pub other: Method,
    /// Number of faults.
    pub faults: u64,
    /// The first of them, in the order of the records; at most [`Saves::LISTED`].
    pub listed: Vec<SavedFault>,
}

impl Saves {
    /// Most faults of a pair of protections that are listed.
    pub const LISTED: usize = 20;
}

/// A fault to look into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedFault {
    /// Number of the line in `faults.jsonl`, from 1.
    pub record: u64,
    /// Index of the image in the data.
    pub image: usize,
    /// The layer of the first fault; `None` where bit errors are all over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Its element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<usize>,
    /// Its bits; `None` where the value was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<Bits>,
    /// The golden prediction of the unprotected network.
    pub golden: usize,
    /// Its faulty prediction.
    pub faulty: usize,
    /// The prediction under the protection that saves the fault. Where it stopped the inference, the class that this would have
    /// come to.
    pub saved: usize,
    /// Whether the protection that saves the fault stopped the inference.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// The prediction under the one that loses it.
    pub lost: usize,
}

impl ProtectionSummary {
    /// Makes all shares those of a population of which all were tried.
    pub(in crate::campaign) fn make_exact(&mut self) {
        self.due = self.due.exact();
        self.sdc.make_exact();
        self.scm.iter_mut().for_each(PairedSummary::make_exact);
        let parts = self.by_field.iter_mut().map(|row| &mut row.part);
        let parts = parts.chain(self.by_bit.iter_mut().map(|row| &mut row.part));
        parts.chain(self.by_layer.iter_mut().map(|row| &mut row.part)).for_each(PartEffects::make_exact);
    }
}

#[cfg(test)]
mod tests;
