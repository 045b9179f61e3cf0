//! Counting outcomes as they come in, and the rates they make.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CampaignConfig, Record};
use crate::fault::{BitField, bit_field};
use crate::labels::Grouping;
use crate::outcome::{Outcome, Rate};

/// The results of a campaign. Every rate carries its 95 % Wilson interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Whether every trial was made.
    pub complete: bool,
    /// What was asked for; the sampling it names decides which question the rates answer.
    pub config: CampaignConfig,
    /// The fault-free runs.
    pub golden: GoldenSummary,
    /// All trials together.
    pub faults: FaultSummary,
    /// How many times as likely an error made by a fault is to be safety-critical as one the model makes by
    /// itself: [`FaultSummary::scm_of_sdc`] over [`GoldenSummary::scm`]. `None` where one of them is unknown or
    /// the latter is zero.
    pub scm_ratio: Option<f64>,
    /// By field of the float32, for bit flips.
    pub fields: Vec<FieldSummary>,
    /// By bit, for bit flips; only bits that were flipped.
    pub bits: Vec<BitSummary>,
    /// By layer, in model order; every layer that faults are drawn from.
    pub layers: Vec<LayerSummary>,
}

/// What the model does without faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldenSummary {
    /// Golden runs.
    pub images: u64,
    /// Runs that predict the true class; `None` where no image has one.
    pub accuracy: Option<Rate>,
    /// Misclassified images whose mistake is safety-critical, among all that are misclassified; `None` without
    /// a grouping or without labels.
    pub scm: Option<Rate>,
}

/// What faults do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSummary {
    /// Trials.
    pub injections: u64,
    /// The prediction stayed, among all trials.
    pub masked: Rate,
    /// The prediction changed, among all trials.
    pub sdc: Rate,
    /// NaN or infinity reached the output, among all trials, masked or not.
    pub due: Rate,
    /// Safety-critical misclassifications among all trials; `None` without a grouping.
    pub scm: Option<Rate>,
    /// Safety-critical misclassifications among the SDCs; `None` without a grouping.
    pub scm_of_sdc: Option<Rate>,
}

/// Trials that hit one field of the float32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// The field.
    pub field: BitField,
    /// Their outcomes.
    #[serde(flatten)]
    pub faults: FaultSummary,
}

/// Trials that flipped one bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BitSummary {
    /// 0 = least significant mantissa bit, 31 = sign.
    pub bit: u8,
    /// Their outcomes.
    #[serde(flatten)]
    pub faults: FaultSummary,
}

/// Trials that struck one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Layer name.
    pub layer: String,
    /// Their outcomes.
    #[serde(flatten)]
    pub faults: FaultSummary,
}

/// The counts behind a [`Summary`], fed one result at a time. Its size does not grow with the campaign.
#[derive(Clone, Debug)]
pub struct Tallies {
    config: CampaignConfig,
    grouping: Option<Grouping>,
    images: u64,
    labelled: u64,
    correct: u64,
    golden_scm: u64,
    all: Tally,
    fields: BTreeMap<BitField, Tally>,
    bits: BTreeMap<u8, Tally>,
    layers: Vec<(String, Tally)>,
    layer_index: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    injections: u64,
    sdc: u64,
    due: u64,
    scm: u64,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        self.injections += 1;
        self.sdc += u64::from(record.outcome == Outcome::Sdc);
        self.due += u64::from(record.due);
        self.scm += u64::from(record.scm == Some(true));
    }

    fn summary(&self, judged: bool) -> FaultSummary {
        let of = |count| Rate::new(count, self.injections);
        FaultSummary {
            injections: self.injections,
            masked: of(self.injections - self.sdc),
            sdc: of(self.sdc),
            due: of(self.due),
            scm: judged.then(|| of(self.scm)),
            scm_of_sdc: judged.then(|| Rate::new(self.scm, self.sdc)),
        }
    }
}

impl Tallies {
    /// Nothing counted yet. `layers` are the layers that faults are drawn from, in model order; `grouping`
    /// judges the golden runs, records bring their own judgement.
    pub fn new(config: CampaignConfig, layers: Vec<String>, grouping: Option<Grouping>) -> Self {
        let layer_index = layers.iter().cloned().zip(0..).collect();
        Self {
            config,
            grouping,
            images: 0,
            labelled: 0,
            correct: 0,
            golden_scm: 0,
            all: Tally::default(),
            fields: BTreeMap::new(),
            bits: BTreeMap::new(),
            layers: layers.into_iter().map(|layer| (layer, Tally::default())).collect(),
            layer_index,
        }
    }

    /// Counts a golden run that predicts `class` for an image of class `label`.
    pub fn add_golden(&mut self, label: Option<usize>, class: usize) {
        self.images += 1;
        if let Some(label) = label {
            self.labelled += 1;
            self.correct += u64::from(label == class);
            self.golden_scm += u64::from(self.grouping.as_ref().is_some_and(|grouping| grouping.is_scm(label, class)));
        }
    }

    /// Counts a trial. One that struck several layers or bits counts once for each of them.
    pub fn add(&mut self, record: &Record) {
        self.all.add(record);
        let faults = record.all_faults();
        let bits: BTreeSet<u8> = faults.iter().filter_map(|fault| fault.bit).collect();
        let fields: BTreeSet<BitField> = bits.iter().map(|&bit| bit_field(bit)).collect();
        let layers: BTreeSet<&str> = faults.iter().map(|fault| fault.layer.as_str()).collect();
        for field in fields {
            self.fields.entry(field).or_default().add(record);
        }
        for bit in bits {
            self.bits.entry(bit).or_default().add(record);
        }
        for layer in layers {
            let index = match self.layer_index.get(layer) {
                Some(&index) => index,
                None => {
                    self.layer_index.insert(layer.to_owned(), self.layers.len());
                    self.layers.push((layer.to_owned(), Tally::default()));
                    self.layers.len() - 1
                }
            };
            self.layers[index].1.add(record);
        }
    }

    /// The rates so far.
    pub fn summary(&self, complete: bool) -> Summary {
        let judged = self.config.grouping.is_some();
        let golden = GoldenSummary {
            images: self.images,
            accuracy: (self.labelled > 0).then(|| Rate::new(self.correct, self.labelled)),
            scm: (judged && self.labelled > 0).then(|| Rate::new(self.golden_scm, self.labelled - self.correct)),
        };
        let faults = self.all.summary(judged);
        let scm_ratio = match (&faults.scm_of_sdc, &golden.scm) {
            (Some(faulty), Some(golden)) if faulty.of > 0 && golden.count > 0 => Some(faulty.rate / golden.rate),
            _ => None,
        };
        Summary {
            complete,
            config: self.config.clone(),
            golden,
            faults,
            scm_ratio,
            fields: self
                .fields
                .iter()
                .map(|(&field, tally)| FieldSummary { field, faults: tally.summary(judged) })
                .collect(),
            bits: self.bits.iter().map(|(&bit, tally)| BitSummary { bit, faults: tally.summary(judged) }).collect(),
            layers: self
                .layers
                .iter()
                .map(|(layer, tally)| LayerSummary { layer: layer.clone(), faults: tally.summary(judged) })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
