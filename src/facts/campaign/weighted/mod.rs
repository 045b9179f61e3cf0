//! Estimates from a stratified campaign.
//!
//! Of each image `K` candidates are drawn as the fault model has it, and a few of them are injected, candidate `k` with the
//! known chance 1 / w_k. With any prediction m_h of the rate in stratum h that does not depend on the image's own draw,
//!
//! `z = (Σ_h N_h m_h + Σ_k w_k (y_k - m_h(k))) / K`
//!
//! is an unbiased estimate of the image's rate: N_h candidates are in stratum h, and y_k is 1 if fault k has the outcome
//! (a difference estimator; Särndal, Swensson and Wretman, 1992, chapter 6). The prediction for images of even index comes from
//! those of odd index, and the reverse, so it is independent of the draw. The estimate is the mean of z over the images, and
//! its variance is that of a mean of independent draws, one for each image: the images are the clusters of the design.

mod part;
mod trial;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::part::{Part, Population};
pub use self::trial::Trial;
use self::trial::{DUE, OUTCOMES, RIGHT, SCM, SDC, SDC5, SDC10, SDC20, UNKNOWN};
use super::anytime::Counted;
use super::clusters::{Cluster, Clusters, DesignEffect};
use super::design::{Stratified, Stratum, is_proved, words};
use super::summary::FaultSummary;
use super::{CampaignConfig, Criteria, Drawn, Hits};
use crate::fault::{FaultKind, Mode, Sampling};
use crate::outcome::Rate;

/// The sums that estimates are made of.
#[derive(Clone, Debug, Default)]
pub struct Weighted {
    images: BTreeMap<usize, OfImage>,
    /// Trials by stratum.
    strata: BTreeMap<Stratum, Counts>,
    /// All trials together.
    all: Part,
    /// Trials in images with a label, and those of them in images with a right golden prediction.
    labelled: u64,
    right: u64,
}

/// What is known of an image.
#[derive(Clone, Debug, Default)]
struct OfImage {
    /// Whether the golden prediction is the label, where that is known.
    right: Option<bool>,
    trials: u64,
    strata: Vec<(Stratum, Cell)>,
}

/// What is known of a stratum of an image.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    candidates: u32,
    /// Sum of the weights.
    weight: f64,
    /// Sums of the weights of each outcome.
    outcomes: [f64; OUTCOMES],
    /// Sum of the changes of the margin, times the weights.
    margin: i128,
}

/// Trials of a stratum.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    injections: u64,
    sdc: u64,
}

/// What a stratified campaign has saved, and its strata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignSummary {
    /// Candidates of all images.
    pub candidates: u64,
    /// Candidates that are proved to change no output, as a share of all: known without an injection.
    pub proved: f64,
    /// Faults of a uniform campaign whose SDC rate would have the same variance, as a multiple of those injected.
    /// `None` while no variance is known.
    pub gain: Option<f64>,
    /// Whether scores were known.
    pub scored: bool,
    /// By stratum, the one with most SDCs first.
    pub strata: Vec<StratumSummary>,
}

/// One stratum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StratumSummary {
    /// Its number.
    pub stratum: Stratum,
    /// In words.
    pub name: String,
    /// Its share of all candidates.
    pub share: f64,
    /// Faults injected.
    pub injections: u64,
    /// SDCs among them.
    pub sdc: u64,
    /// Its share of all SDCs, estimated.
    pub of_sdc: f64,
}

impl Weighted {
    /// Counts a trial of image `image`.
    pub fn add(&mut self, image: usize, drawn: &Drawn, trial: &Trial) {
        let of_image = self.images.entry(image).or_default();
        of_image.right = trial.was_right;
        of_image.trials += 1;
        for &(stratum, candidates) in &drawn.candidates {
            cell(&mut of_image.strata, stratum).candidates += candidates;
        }
        let own = cell(&mut of_image.strata, drawn.stratum);
        own.weight += drawn.weight;
        for (sum, outcome) in own.outcomes.iter_mut().zip(trial.outcomes) {
            *sum += drawn.weight * f64::from(outcome);
        }
        own.margin += trial.margin(drawn.weight);
        let counts = self.strata.entry(drawn.stratum).or_default();
        counts.injections += 1;
        counts.sdc += u64::from(trial.outcomes[SDC] > 0);
        self.all.add(drawn, trial);
        self.labelled += u64::from(trial.was_right.is_some());
        self.right += u64::from(trial.was_right == Some(true));
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for (&image, others) in &other.images {
            let of_image = self.images.entry(image).or_default();
            of_image.right = others.right;
            of_image.trials += others.trials;
            for (stratum, other) in &others.strata {
                let own = cell(&mut of_image.strata, *stratum);
                own.candidates += other.candidates;
                own.weight += other.weight;
                own.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, other)| *sum += other);
                own.margin += other.margin;
            }
        }
        for (&stratum, other) in &other.strata {
            let own = self.strata.entry(stratum).or_default();
            own.injections += other.injections;
            own.sdc += other.sdc;
        }
        self.all.merge(&other.all);
        self.labelled += other.labelled;
        self.right += other.right;
    }

    /// Number of trials in images with a label, and of those of them in images with a right golden prediction.
    pub fn labelled(&self) -> [u64; 2] {
        [self.labelled, self.right]
    }

    /// Replaces the shares of `counts`, all trials, by estimates, and says what the design has saved.
    pub fn estimate(&self, design: &Stratified, counts: &mut FaultSummary) -> DesignSummary {
        let all = [SDC, SCM, DUE].map(|outcome| self.by_image(design, |cell| cell.outcomes[outcome]));
        let kish = self.kish();
        let share = |outcome: usize, rate: Rate| estimated(rate, &all[outcome], self.few_of(outcome, design), kish);
        counts.sdc = share(SDC, counts.sdc);
        counts.masked = counts.sdc.complement();
        counts.due = share(DUE, counts.due);
        counts.scm = counts.scm.map(|rate| share(SCM, rate));
        counts.scm_of_sdc = counts.scm_of_sdc.map(|rate| {
            let (sdc, scm) = (moments(&all[SDC]).0, moments(&all[SCM]).0);
            let value = if sdc > 0.0 { (scm / sdc).clamp(0.0, 1.0) } else { 0.0 };
            // Linearised: the ratio of two means.
            let parts: Vec<f64> = all[SCM].iter().zip(&all[SDC]).map(|(scm, sdc)| scm - value * sdc).collect();
            let variance = variance_of_mean(&parts) / (sdc * sdc).max(f64::MIN_POSITIVE);
            let few = self.few(|| self.all.variance_of_ratio(value));
            rate.estimated(value, variance.max(few), counts.sdc.count as f64)
        });
        if let Some(criteria) = &mut counts.criteria {
            self.estimate_criteria(design, criteria, kish);
        }
        let candidates: u64 = self.images.len() as u64 * design.candidates as u64;
        let sdc = moments(&all[SDC]).0;
        let variance = variance_of_mean(&all[SDC]).max(self.few_of(SDC, design));
        let uniform = sdc * (1.0 - sdc) / counts.injections.max(1) as f64;
        let gain = (variance > 0.0 && sdc > 0.0).then(|| uniform / variance);
        self.strata(design, candidates, gain)
    }

    /// Replaces the shares of `criteria`, all trials, by estimates.
    fn estimate_criteria(&self, design: &Stratified, criteria: &mut Criteria, least: f64) {
        let share = |outcome: usize, rate: Rate| {
            let values = self.by_image(design, |cell| cell.outcomes[outcome]);
            estimated(rate, &values, self.few_of(outcome, design), least)
        };
        criteria.sdc5 = criteria.sdc5.map(|rate| share(SDC5, rate));
        criteria.sdc10pct = share(SDC10, criteria.sdc10pct);
        criteria.sdc20pct = share(SDC20, criteria.sdc20pct);
        criteria.accuracy = criteria.accuracy.map(|rate| {
            // Candidates that are proved masked are as right as the golden run.
            let changes = self.by_image(design, |cell| cell.outcomes[RIGHT]);
            let images = self.images.values().zip(changes);
            let known = images.filter_map(|(image, change)| Some(f64::from(u8::from(image.right?)) + change));
            estimated(rate, &known.collect::<Vec<_>>(), self.few_of(RIGHT, design), least)
        });
        criteria.margin = criteria.margin.and_then(|margin| {
            let change = moments(&self.by_image(design, |cell| cell.margin as f64)).0;
            let unknown = moments(&self.by_image(design, |cell| cell.outcomes[UNKNOWN])).0;
            margin.estimated(change, 1.0 - unknown)
        });
    }

    /// The same where each fault was drawn by itself, from candidates of its own: `hits` are the weights of the outcomes (Hansen
    /// and Hurwitz, 1943). The first fault of each image tells how many candidates each stratum has.
    pub fn estimate_single(&self, design: &Stratified, hits: &Hits, counts: &mut FaultSummary) -> DesignSummary {
        let least = hits.trials() as f64;
        let share = |of: Counted, rate: Rate| {
            let (mean, variance) = hits.rate(of);
            rate.estimated(mean.clamp(0.0, 1.0), variance, least)
        };
        counts.sdc = share(Counted::Sdc, counts.sdc);
        counts.masked = counts.sdc.complement();
        counts.due = share(Counted::Due, counts.due);
        counts.scm = counts.scm.map(|rate| share(Counted::Scm, rate));
        counts.scm_of_sdc = counts.scm_of_sdc.map(|rate| {
            let (value, variance) = hits.share().unwrap_or_default();
            rate.estimated(value.clamp(0.0, 1.0), variance, counts.sdc.count as f64)
        });
        if let Some(criteria) = &mut counts.criteria {
            let each = design.candidates as f64;
            let population = Population {
                size: least * each,
                labelled: self.labelled as f64 * each,
                right: self.right as f64 / self.labelled.max(1) as f64,
                units: self.images.values().filter(|image| image.right.is_some()).count() as f64,
                draws: Some(least),
            };
            self.all.estimate_criteria(criteria, &population);
        }
        let (sdc, variance) = hits.rate(Counted::Sdc);
        let gain = (variance > 0.0 && sdc > 0.0).then(|| sdc * (1.0 - sdc) / (least - 1.0).max(1.0) / variance);
        let summary = self.strata(design, self.images.len() as u64 * design.candidates as u64, gain);
        DesignSummary { candidates: hits.trials() * design.candidates as u64, ..summary }
    }

    /// Returns the design effects of the rates in `estimates`. With a `single` design each fault was drawn by itself; without it the
    /// intervals of the estimates are by image already.
    pub fn clusters(&self, single: Option<&Stratified>, estimates: &FaultSummary) -> Clusters {
        let images = self.images.len() as u64;
        let Some(design) = single else { return Clusters::of_estimates(images, estimates) };
        let sum = |image: &OfImage, outcome: usize| -> f64 {
            image.strata.iter().map(|(_, cell)| design.relative(cell.outcomes[outcome])).sum()
        };
        let rate = |outcome: usize| {
            let cluster = |image: &OfImage| Cluster { of: image.trials as f64, hits: sum(image, outcome) };
            DesignEffect::new(self.images.values().map(cluster), estimates.injections, true)
        };
        let share = self.images.values().map(|image| Cluster { of: sum(image, SDC), hits: sum(image, SCM) });
        Clusters {
            images,
            sdc: rate(SDC),
            scm: estimates.scm.and_then(|_| rate(SCM)),
            scm_of_sdc: estimates.scm_of_sdc.and_then(|_| DesignEffect::new(share, estimates.sdc.count, true)),
            due: rate(DUE),
        }
    }

    /// Returns the strata. `candidates` is the number of those that were counted.
    fn strata(&self, design: &Stratified, candidates: u64, gain: Option<f64>) -> DesignSummary {
        let mut strata: BTreeMap<Stratum, (u64, f64)> = BTreeMap::new();
        for (stratum, cell) in self.images.values().flat_map(|image| &image.strata) {
            let sums = strata.entry(*stratum).or_default();
            sums.0 += u64::from(cell.candidates);
            sums.1 += cell.outcomes[SDC];
        }
        let total: f64 = strata.values().map(|(_, sdc)| sdc).sum();
        let of = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
        let summary = |(&stratum, &(number, sdc)): (&Stratum, &(u64, f64))| {
            let counts = self.strata.get(&stratum).copied().unwrap_or_default();
            StratumSummary {
                stratum,
                name: words(stratum, design.scored),
                share: of(number as f64, candidates as f64),
                injections: counts.injections,
                sdc: counts.sdc,
                of_sdc: of(sdc, total),
            }
        };
        let mut summaries: Vec<StratumSummary> = strata.iter().map(summary).collect();
        summaries.sort_by(|one, other| other.of_sdc.total_cmp(&one.of_sdc).then(other.share.total_cmp(&one.share)));
        DesignSummary {
            candidates,
            // A sum of nothing is -0.
            proved: summaries.iter().filter(|one| is_proved(one.stratum)).map(|one| one.share).sum::<f64>().max(0.0),
            gain,
            scored: design.scored,
            strata: summaries,
        }
    }

    /// Returns the estimate of each image's rate, or mean, of the outcome with the sums `of` the trials.
    fn by_image(&self, design: &Stratified, of: impl Fn(&Cell) -> f64) -> Vec<f64> {
        // By parity of the index: the sums that the prediction for the other images is made of.
        let mut sums = [[(0.0f64, 0.0f64); 256]; 2];
        for (&image, of_image) in &self.images {
            for (stratum, cell) in &of_image.strata {
                let sums = &mut sums[image % 2][usize::from(*stratum)];
                sums.0 += of(cell);
                sums.1 += cell.weight;
            }
        }
        let estimate = |(&image, of_image): (&usize, &OfImage)| {
            let of_cell = |(stratum, cell): &(Stratum, Cell)| {
                let (hits, weight) = sums[1 - image % 2][usize::from(*stratum)];
                let predicted = if weight > 0.0 && !is_proved(*stratum) { hits / weight } else { 0.0 };
                of(cell) + predicted * (f64::from(cell.candidates) - cell.weight)
            };
            of_image.strata.iter().map(of_cell).sum::<f64>() / design.candidates as f64
        };
        self.images.iter().map(estimate).collect()
    }

    /// Returns `variance`, that of the draws of faults, where there are few images; otherwise 0.
    ///
    /// The predictions of an image come from the other images. Few images can agree by chance, and then their spread says that
    /// nearly everything is known, although the draws are so many and no more.
    fn few(&self, variance: impl FnOnce() -> f64) -> f64 {
        /// The fewest images whose spread alone gives an interval.
        const ENOUGH: usize = 10;
        if self.images.len() < ENOUGH { variance() } else { 0.0 }
    }

    /// The same for the share of an outcome.
    fn few_of(&self, outcome: usize, design: &Stratified) -> f64 {
        self.few(|| self.all.variance(outcome, self.images.len() as f64 * design.candidates as f64))
    }

    /// Returns the number of equally weighted trials that say as much as these where none has the outcome.
    fn kish(&self) -> f64 {
        let cells = || self.images.values().flat_map(|image| &image.strata).filter(|(stratum, _)| !is_proved(*stratum));
        let sum: f64 = cells().map(|(_, cell)| cell.weight).sum();
        let squares: f64 = cells().map(|(_, cell)| cell.weight * cell.weight).sum();
        if squares > 0.0 { sum * sum / squares } else { 0.0 }
    }
}

fn cell(cells: &mut Vec<(Stratum, Cell)>, stratum: Stratum) -> &mut Cell {
    let at = cells.iter().position(|(own, _)| *own == stratum).unwrap_or_else(|| {
        cells.push((stratum, Cell::default()));
        cells.len() - 1
    });
    &mut cells[at].1
}

/// Returns `rate` with the mean of `values`, one for each image, and its interval for a variance of `few` at least.
fn estimated(rate: Rate, values: &[f64], few: f64, least: f64) -> Rate {
    let mean = moments(values).0.clamp(0.0, 1.0);
    rate.estimated(mean, variance_of_mean(values).max(few), least)
}

/// Returns the variance of the mean of `values`, with room for its own error.
fn variance_of_mean(values: &[f64]) -> f64 {
    moments(values).1 * widened(values)
}

/// Returns the mean, and the variance of the mean.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { squares / (count * (count - 1.0)) } else { 0.0 })
}

/// The normal quantile at 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// Student's quantiles at 97.5 % for 1 to 9 degrees of freedom.
const STUDENT: [f64; 9] =
    [12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157];

/// Returns the factor of the variance that makes room for its own error: the square of Student's quantile over the normal one.
///
/// A few images with heavy faults make up most of the variance. From the kurtosis k of the n values, the estimated variance is
/// as sure as that of 2 n / (k - 1) normal ones (Satterthwaite), and never surer than that of n.
fn widened(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / count.max(1.0);
    let (second, fourth) = (moment(2), moment(4));
    if second <= 0.0 {
        return 1.0;
    }
    let freedom = 2.0 * count / (fourth / (second * second) - 1.0).max(f64::MIN_POSITIVE);
    (student(freedom.clamp(1.0, (count - 1.0).max(1.0))) / Z).powi(2)
}

/// Returns Student's quantile at 97.5 %: the one of the next smaller whole number below 10, then Fisher's expansion, which is there
/// within a thousandth.
fn student(freedom: f64) -> f64 {
    match STUDENT.get(freedom as usize - 1) {
        Some(&quantile) => quantile,
        None => {
            Z + (Z.powi(3) + Z) / (4.0 * freedom)
                + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * freedom * freedom)
        }
    }
}

/// Returns the share of the faults that strike the `index`th layer of those that faults are drawn from.
pub fn share_of_layer(config: &CampaignConfig, design: &Stratified, index: usize) -> Option<f64> {
    let own = *design.elements.get(index)? as f64;
    match (config.fault_model.mode, config.fault_model.sampling) {
        (Mode::Multiple, _) => Some(1.0),
        (Mode::Single, Sampling::Layer) => Some(1.0 / design.elements.len() as f64),
        (Mode::Single, Sampling::Element) => Some(own / design.elements.iter().map(|&count| count as f64).sum::<f64>()),
    }
}

/// Returns the share of the faults that strike one of `bits`; `None` where it is not known.
pub fn share_of_bits(config: &CampaignConfig, bits: impl IntoIterator<Item = u8>) -> Option<f64> {
    let model = &config.fault_model;
    match model.kind {
        FaultKind::BitFlip { bits: drawn } if model.mode == Mode::Single && model.amount == 1 => {
            let struck = bits.into_iter().filter(|&bit| drawn.iter().any(|drawn| drawn == bit)).count();
            Some(struck as f64 / f64::from(drawn.count()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
