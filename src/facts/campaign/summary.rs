//! The rates of a campaign.

use serde::{Deserialize, Serialize};

use super::{Aim, CampaignConfig, Clusters, Criteria, DesignSummary, ProtectionSummary, RoundedAccuracy, Shard};
use crate::data::Preprocess;
use crate::fault::{BitField, Format};
use crate::labels::Grouping;
use crate::outcome::{Rate, Ratio};

/// The results of a campaign. Every rate carries a 95 % interval: Wilson's, or that of weighted estimates ([`Summary::design`]) or
/// of a goal ([`Summary::aim`]). Shares of all faults that there are have no width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Whether every trial was made.
    pub complete: bool,
    /// What was asked for; the sampling it names decides which question the rates answer. `None` for an imported
    /// log, which does not say.
    pub config: Option<CampaignConfig>,
    /// How images became inputs; `None` for an imported log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// What the model's output means, in words; `None` where it is one score a class, or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What was assumed about model and data, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// The golden accuracy with and without rounding; `None` for a network in float32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounded: Option<RoundedAccuracy>,
    /// The part of the campaign that these results are; `None` for a whole campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Name of the grouping that SCM is judged by here; `None` where it is not judged.
    pub grouping: Option<String>,
    /// Images that cannot be read and were skipped: no other number counts them.
    #[serde(default)]
    pub skipped: u64,
    /// The fault-free runs.
    pub golden: GoldenSummary,
    /// All trials together.
    pub faults: FaultSummary,
    /// The design, where it gives faults weights: all shares are then estimates, and counts are of the trials made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignSummary>,
    /// How much the faults say with images as clusters. `None` where all faults of the images were tried, or none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Clusters>,
    /// What the campaign was to know, and how well it knows it; `None` for a fixed number of faults. The intervals of `faults`
    /// then hold although the campaign looked at them, and those of its parts are for a fixed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aim: Option<Aim>,
    /// How many times as likely an error made by a fault is to be safety-critical as one the model makes by
    /// itself: [`FaultSummary::scm_of_sdc`] over [`GoldenSummary::scm`]. `None` where one of them is unknown or
    /// the latter is zero.
    pub scm_ratio: Option<f64>,
    /// The same with its interval; `None` without a grouping or without labels.
    pub scm_ratio_interval: Option<Ratio>,
    /// By what the golden run of the image came to: the study's starting sets.
    pub starts: Vec<StartSummary>,
    /// The number format of the flipped bits; of several, the widest.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// The number formats of the flipped bits, if they are several: each row by field and by bit then holds those of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Format>,
    /// By field of the number format, for bit flips.
    pub fields: Vec<FieldSummary>,
    /// By bit error rate, ascending, where every bit flips with some probability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateSummary>,
    /// By bit, for bit flips; only bits that were flipped.
    pub bits: Vec<BitSummary>,
    /// By layer, in model order; every layer that faults are drawn from.
    pub layers: Vec<LayerSummary>,
    /// The protections that were tried with the same faults, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<ProtectionSummary>,
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
    /// The other misclassified images, among all that are misclassified.
    pub non_scm: Option<Rate>,
    /// The alarm where the golden runs are no better than guessing, a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
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
    /// NaN or infinity reached the output, among all trials of which that is known, masked or not.
    pub due: Rate,
    /// Safety-critical misclassifications among all trials; `None` without a grouping.
    pub scm: Option<Rate>,
    /// Safety-critical misclassifications among the SDCs; `None` without a grouping.
    pub scm_of_sdc: Option<Rate>,
    /// Outcomes beyond the predicted class; `None` where the scores of a trial are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Criteria>,
}

impl FaultSummary {
    /// Makes the shares those of a population of which all were tried.
    pub(super) fn make_exact(&mut self) {
        let rates = [&mut self.masked, &mut self.sdc, &mut self.due].into_iter();
        rates.chain(&mut self.scm).chain(&mut self.scm_of_sdc).for_each(|rate| *rate = rate.exact());
        self.criteria.iter_mut().for_each(Criteria::make_exact);
    }
}

impl Summary {
    /// Leaves out what follows from the ranks of faulty classes: no record has one.
    pub(super) fn forget_ranks(&mut self) {
        let parts = self.fields.iter_mut().map(|row| &mut row.faults);
        let parts = parts.chain(self.bits.iter_mut().map(|row| &mut row.faults));
        let parts = parts.chain(self.layers.iter_mut().map(|row| &mut row.faults));
        let parts = parts.chain(self.rates.iter_mut().map(|row| &mut row.faults));
        let parts = parts.chain(self.starts.iter_mut().map(|row| &mut row.faults));
        let criteria = std::iter::once(&mut self.faults).chain(parts).filter_map(|faults| faults.criteria.as_mut());
        criteria.for_each(|criteria| criteria.sdc5 = None);
    }

    /// Makes the shares of faults, and of all parts of them, those of a population of which all were tried.
    pub(super) fn make_exact(&mut self) {
        self.clusters = None;
        self.faults.make_exact();
        self.fields.iter_mut().for_each(|row| row.faults.make_exact());
        self.bits.iter_mut().for_each(|row| row.faults.make_exact());
        self.layers.iter_mut().for_each(|row| row.faults.make_exact());
        self.protections.iter_mut().for_each(ProtectionSummary::make_exact);
        let point = |ratio: &mut Ratio| {
            if let Some(value) = ratio.ratio {
                (ratio.low, ratio.high) = (value, Some(value));
            }
        };
        self.scm_ratio_interval.iter_mut().for_each(point);
        for start in &mut self.starts {
            start.faults.make_exact();
            start.non_scm_of_sdc.iter_mut().for_each(|rate| *rate = rate.exact());
            start.scm_ratio.iter_mut().for_each(point);
        }
    }
}

/// Trials that hit one field of the number format.
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
    /// 0 = least significant bit.
    pub bit: u8,
    /// Their outcomes.
    #[serde(flatten)]
    pub faults: FaultSummary,
}

/// Trials at one bit error rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateSummary {
    /// The probability with which each bit flips.
    pub rate: f64,
    /// Flipped bits of a trial on average.
    pub flips: f64,
    /// Trials that predict the true class; `None` where no image has one.
    pub accuracy: Option<Rate>,
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

/// The images that the study starts from, by their golden run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Initially correct.
    Correct,
    /// Initially misclassified, safety-critically so.
    Scm,
    /// Initially misclassified, not safety-critically.
    NonScm,
    /// Initially misclassified: the two sets before together, or all of them where there is no grouping.
    Misclassified,
}

impl Start {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 4] = [Self::Correct, Self::Scm, Self::NonScm, Self::Misclassified];

    /// The sets that hold an image of class `label` where the golden run predicts `golden`: none where the label is
    /// not known.
    pub fn containing(label: Option<usize>, golden: usize, grouping: Option<&Grouping>) -> &'static [Self] {
        match (label, grouping) {
            (None, _) => &[],
            (Some(label), _) if label == golden => &[Self::Correct],
            (Some(_), None) => &[Self::Misclassified],
            (Some(label), Some(grouping)) if grouping.is_scm(label, golden) => &[Self::Scm, Self::Misclassified],
            (Some(_), Some(_)) => &[Self::NonScm, Self::Misclassified],
        }
    }
}

/// Trials on the images of one starting set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartSummary {
    /// The set.
    pub start: Start,
    /// Its images.
    pub images: u64,
    /// Outcomes of the trials on them.
    #[serde(flatten)]
    pub faults: FaultSummary,
    /// SDCs that are not safety-critical, among the SDCs; `None` without a grouping.
    pub non_scm_of_sdc: Option<Rate>,
    /// Share of SCM among these SDCs over that among the golden errors; `None` without a grouping.
    pub scm_ratio: Option<Ratio>,
}

impl StartSummary {
    /// The rates of `faults`, the trials on the `images` images of `start`. `golden_scm` is the share of SCM among the
    /// golden errors.
    pub fn new(start: Start, images: u64, faults: FaultSummary, golden_scm: Option<&Rate>) -> Self {
        Self {
            start,
            images,
            non_scm_of_sdc: faults.scm_of_sdc.map(Rate::complement),
            scm_ratio: faults.scm_of_sdc.zip(golden_scm).map(|(faulty, golden)| Ratio::new(&faulty, golden)),
            faults,
        }
    }
}
