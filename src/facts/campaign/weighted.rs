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

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::anytime::Counted;
use super::design::{Stratified, Stratum, is_proved, words};
use super::summary::FaultSummary;
use super::{CampaignConfig, Drawn, Hits, Judgement};
use crate::fault::{FaultKind, Mode, Sampling};
use crate::outcome::Rate;

/// The outcomes that rates are estimated of.
const OUTCOMES: usize = 3;
const SDC: usize = 0;
const SCM: usize = 1;
const DUE: usize = 2;

/// The sums that estimates are made of.
#[derive(Clone, Debug, Default)]
pub struct Weighted {
    /// By image.
    images: BTreeMap<usize, Vec<(Stratum, Cell)>>,
    /// Trials by stratum.
    strata: BTreeMap<Stratum, Counts>,
}

/// What is known of a stratum of an image.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    candidates: u32,
    /// Sum of the weights.
    weight: f64,
    /// Sums of the weights of each outcome.
    outcomes: [f64; OUTCOMES],
}

/// Trials of a stratum.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    injections: u64,
    sdc: u64,
}

/// Sums over the trials of a part of the fault space: a layer, a bit, a set of images.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    outcomes: [f64; OUTCOMES],
    squares: [f64; OUTCOMES],
    weight: f64,
    weight_squares: f64,
}

impl Part {
    /// Counts a trial.
    pub fn add(&mut self, drawn: &Drawn, judgement: Judgement) {
        let weight = drawn.weight;
        for (outcome, happened) in flags(judgement).into_iter().enumerate() {
            if happened {
                self.outcomes[outcome] += weight;
                self.squares[outcome] += weight * weight;
            }
        }
        self.weight += weight;
        self.weight_squares += weight * weight;
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for outcome in 0..OUTCOMES {
            self.outcomes[outcome] += other.outcomes[outcome];
            self.squares[outcome] += other.squares[outcome];
        }
        self.weight += other.weight;
        self.weight_squares += other.weight_squares;
    }

    /// Replaces the shares of `counts`, the trials of this part, by estimates for the `size` candidates in it: Horvitz and
    /// Thompson's, with the variance of independent draws, which is never too small for draws without replacement.
    pub fn estimate(&self, counts: &mut FaultSummary, size: f64) {
        let kish = self.weight * self.weight / self.weight_squares.max(f64::MIN_POSITIVE);
        let share = |outcome: usize, rate: Rate| {
            let value = (self.outcomes[outcome] / size.max(1.0)).clamp(0.0, 1.0);
            let variance = self.squares[outcome] / (size * size).max(1.0);
            rate.estimated(value, variance, kish)
        };
        counts.sdc = share(SDC, counts.sdc);
        counts.masked = counts.sdc.complement();
        counts.due = share(DUE, counts.due);
        counts.scm = counts.scm.map(|rate| share(SCM, rate));
        counts.scm_of_sdc = counts.scm_of_sdc.map(|rate| {
            let (sdc, scm) = (self.outcomes[SDC], self.outcomes[SCM]);
            let value = if sdc > 0.0 { (scm / sdc).clamp(0.0, 1.0) } else { 0.0 };
            // Every SCM is an SDC: the squares of y_scm - value y_sdc.
            let squares =
                self.squares[SCM] * (1.0 - value).powi(2) + (self.squares[SDC] - self.squares[SCM]) * value * value;
            let effective = sdc * sdc / self.squares[SDC].max(f64::MIN_POSITIVE);
            rate.estimated(value, squares / (sdc * sdc).max(f64::MIN_POSITIVE), effective)
        });
    }
}

fn flags(judgement: Judgement) -> [bool; OUTCOMES] {
    [judgement.sdc, judgement.scm, judgement.due == Some(true)]
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
    pub fn add(&mut self, image: usize, drawn: &Drawn, judgement: Judgement) {
        let cells = self.images.entry(image).or_default();
        for &(stratum, candidates) in &drawn.candidates {
            cell(cells, stratum).candidates += candidates;
        }
        let own = cell(cells, drawn.stratum);
        own.weight += drawn.weight;
        for (sum, happened) in own.outcomes.iter_mut().zip(flags(judgement)) {
            *sum += if happened { drawn.weight } else { 0.0 };
        }
        let counts = self.strata.entry(drawn.stratum).or_default();
        counts.injections += 1;
        counts.sdc += u64::from(judgement.sdc);
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for (&image, others) in &other.images {
            let cells = self.images.entry(image).or_default();
            for (stratum, other) in others {
                let own = cell(cells, *stratum);
                own.candidates += other.candidates;
                own.weight += other.weight;
                own.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, other)| *sum += other);
            }
        }
        for (&stratum, other) in &other.strata {
            let own = self.strata.entry(stratum).or_default();
            own.injections += other.injections;
            own.sdc += other.sdc;
        }
    }

    /// Replaces the shares of `counts`, all trials, by estimates, and says what the design has saved.
    pub fn estimate(&self, design: &Stratified, counts: &mut FaultSummary) -> DesignSummary {
        let all = [SDC, SCM, DUE].map(|outcome| self.by_image(design, outcome));
        let kish = self.kish();
        let share = |outcome: usize, rate: Rate| {
            let (mean, variance) = moments(&all[outcome]);
            rate.estimated(mean.clamp(0.0, 1.0), variance * widened(&all[outcome]), kish)
        };
        counts.sdc = share(SDC, counts.sdc);
        counts.masked = counts.sdc.complement();
        counts.due = share(DUE, counts.due);
        counts.scm = counts.scm.map(|rate| share(SCM, rate));
        counts.scm_of_sdc = counts.scm_of_sdc.map(|rate| {
            let (sdc, scm) = (moments(&all[SDC]).0, moments(&all[SCM]).0);
            let value = if sdc > 0.0 { (scm / sdc).clamp(0.0, 1.0) } else { 0.0 };
            // Linearised: the ratio of two means.
            let parts: Vec<f64> = all[SCM].iter().zip(&all[SDC]).map(|(scm, sdc)| scm - value * sdc).collect();
            let variance = moments(&parts).1 * widened(&parts) / (sdc * sdc).max(f64::MIN_POSITIVE);
            rate.estimated(value, variance, counts.sdc.count as f64)
        });
        let candidates: u64 = self.images.len() as u64 * design.candidates as u64;
        let (sdc, variance) = moments(&all[SDC]);
        let variance = variance * widened(&all[SDC]);
        let uniform = sdc * (1.0 - sdc) / counts.injections.max(1) as f64;
        let gain = (variance > 0.0 && sdc > 0.0).then(|| uniform / variance);
        self.strata(design, candidates, gain)
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
        let (sdc, variance) = hits.rate(Counted::Sdc);
        let gain = (variance > 0.0 && sdc > 0.0).then(|| sdc * (1.0 - sdc) / (least - 1.0).max(1.0) / variance);
        let summary = self.strata(design, self.images.len() as u64 * design.candidates as u64, gain);
        DesignSummary { candidates: hits.trials() * design.candidates as u64, ..summary }
    }

    /// Returns the strata. `candidates` is the number of those that were counted.
    fn strata(&self, design: &Stratified, candidates: u64, gain: Option<f64>) -> DesignSummary {
        let mut strata: BTreeMap<Stratum, (u64, f64)> = BTreeMap::new();
        for (stratum, cell) in self.images.values().flatten() {
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

    /// Returns the estimate of each image's rate.
    fn by_image(&self, design: &Stratified, outcome: usize) -> Vec<f64> {
        // By parity of the index: the sums that the prediction for the other images is made of.
        let mut sums = [[(0.0f64, 0.0f64); 256]; 2];
        for (&image, cells) in &self.images {
            for (stratum, cell) in cells {
                let sums = &mut sums[image % 2][usize::from(*stratum)];
                sums.0 += cell.outcomes[outcome];
                sums.1 += cell.weight;
            }
        }
        let estimate = |(&image, cells): (&usize, &Vec<(Stratum, Cell)>)| {
            let sum: f64 = cells
                .iter()
                .map(|(stratum, cell)| {
                    let (hits, weight) = sums[1 - image % 2][usize::from(*stratum)];
                    let predicted = if weight > 0.0 && !is_proved(*stratum) { hits / weight } else { 0.0 };
                    cell.outcomes[outcome] + predicted * (f64::from(cell.candidates) - cell.weight)
                })
                .sum();
            sum / design.candidates as f64
        };
        self.images.iter().map(estimate).collect()
    }

    /// Returns the number of equally weighted trials that say as much as these where none has the outcome.
    fn kish(&self) -> f64 {
        let cells = || self.images.values().flatten().filter(|(stratum, _)| !is_proved(*stratum));
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

/// Returns the mean, and the variance of the mean.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { squares / (count * (count - 1.0)) } else { 0.0 })
}

/// Returns the factor of the variance that makes room for its own error: the square of Student's quantile over the normal one.
///
/// A few images with heavy faults make up most of the variance. From the kurtosis k of the values, the estimated variance is
/// as sure as that of 2 n / (k - 1) normal ones (Satterthwaite). The quantile is Fisher's expansion.
fn widened(values: &[f64]) -> f64 {
    const Z: f64 = 1.959_963_984_540_054;
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / count.max(1.0);
    let (second, fourth) = (moment(2), moment(4));
    if second <= 0.0 {
        return 1.0;
    }
    let freedom = (2.0 * count / (fourth / (second * second) - 1.0).max(1e-9)).clamp(3.0, 1e9);
    let quantile = Z
        + (Z.powi(3) + Z) / (4.0 * freedom)
        + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * freedom * freedom);
    (quantile / Z).powi(2)
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
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::campaign::Tally;
    use crate::campaign::design::Pilot;

    /// Rates of SDC and of SCM by stratum, and their shares: a few strata hold almost all SDCs, as in real networks.
    const STRATA: [(Stratum, f64, f64, f64); 6] = [
        (0, 0.25, 0.0, 0.0),
        (82, 0.60, 0.0003, 0.0001),
        (56, 0.10, 0.004, 0.001),
        (37, 0.03, 0.10, 0.02),
        (41, 0.012, 0.85, 0.30),
        (26, 0.008, 0.45, 0.10),
    ];

    /// Simulates a campaign over `images` images, and returns the estimates.
    fn campaign(images: usize, faults: usize, seed: u64) -> (FaultSummary, DesignSummary) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut design = Stratified::new(64 * faults, true, vec![1]);
        for (stratum, share, sdc, _) in STRATA {
            let candidates = (20_000.0 * share) as u64;
            let injected = if stratum == 0 { 0 } else { (candidates as f64).sqrt() as u64 };
            let hits = (0..injected).filter(|_| rng.random::<f64>() < sdc).count() as u64;
            design.strata.push(Pilot { stratum, candidates, injected, sdc: hits, scm: 0 });
        }
        let (mut weighted, mut tally) = (Weighted::default(), Tally::default());
        for image in 0..images {
            let mut candidates = Vec::new();
            for _ in 0..design.candidates {
                let mut rest = rng.random::<f64>();
                let found = STRATA.iter().find(|(_, share, ..)| {
                    rest -= share;
                    rest < 0.0
                });
                candidates.push(found.unwrap_or(&STRATA[1]).0);
            }
            let mut counts = BTreeMap::new();
            candidates.iter().for_each(|&stratum| *counts.entry(stratum).or_insert(0u32) += 1);
            for (nth, pick) in design.pick(&candidates, faults, seed, image as u64).into_iter().enumerate() {
                let stratum = candidates[pick.candidate];
                let (_, _, sdc, scm) = *STRATA.iter().find(|(own, ..)| *own == stratum).unwrap();
                let chance = rng.random::<f64>();
                let judgement = Judgement { sdc: chance < sdc, due: Some(false), scm: chance < scm, deviation: None };
                let counts = if nth == 0 { counts.clone().into_iter().collect() } else { Vec::new() };
                let drawn = Drawn { candidate: pick.candidate, stratum, weight: pick.weight, candidates: counts };
                weighted.add(image, &drawn, judgement);
                tally.add(judgement);
            }
        }
        let mut summary = tally.summary(true);
        let design = weighted.estimate(&design, &mut summary);
        (summary, design)
    }

    /// A known truth: the mean of many campaigns is it within the error of the mean, and the intervals hold it as often as
    /// they say.
    #[test]
    fn estimates_are_unbiased_and_intervals_hold_the_truth() {
        const CAMPAIGNS: u64 = 250;
        let sum = |of: fn(&(Stratum, f64, f64, f64)) -> f64| -> f64 { STRATA.iter().map(|row| row.1 * of(row)).sum() };
        let (sdc, scm) = (sum(|row| row.2), sum(|row| row.3));
        let (mut sums, mut squares, mut held, mut gains) = ([0.0; 2], [0.0; 2], [0u32; 3], 0.0);
        for seed in 0..CAMPAIGNS {
            let (faults, design) = campaign(200, 5, seed);
            let estimates = [faults.sdc, faults.scm.unwrap()];
            for (index, rate) in estimates.iter().enumerate() {
                sums[index] += rate.rate;
                squares[index] += rate.rate * rate.rate;
            }
            let share = faults.scm_of_sdc.unwrap();
            let truths = [(faults.sdc, sdc), (faults.scm.unwrap(), scm), (share, scm / sdc)];
            for (held, (rate, truth)) in held.iter_mut().zip(truths) {
                *held += u32::from(rate.low <= truth && truth <= rate.high);
            }
            gains += design.gain.unwrap_or(0.0) / CAMPAIGNS as f64;
        }
        for (index, truth) in [sdc, scm].into_iter().enumerate() {
            let mean = sums[index] / CAMPAIGNS as f64;
            let error = ((squares[index] / CAMPAIGNS as f64 - mean * mean) / CAMPAIGNS as f64).sqrt();
            assert!((mean - truth).abs() < 3.0 * error, "outcome {index}: mean {mean} +- {error}, truth {truth}");
        }
        let shares = held.map(|held| f64::from(held) / CAMPAIGNS as f64);
        assert!(shares.iter().all(|&share| share > 0.91), "coverage {shares:?}, gain {gains}");
        assert!(gains > 4.0, "gain {gains}, coverage {shares:?}");
    }

    #[test]
    fn blocks_add_up_to_the_whole() {
        let drawn = |stratum, weight, candidates| Drawn { candidate: 0, stratum, weight, candidates };
        let judgement = |sdc| Judgement { sdc, due: Some(false), scm: false, deviation: None };
        let (mut one, mut other) = (Weighted::default(), Weighted::default());
        one.add(3, &drawn(17, 2.0, vec![(17, 4), (0, 4)]), judgement(true));
        other.add(3, &drawn(17, 2.0, Vec::new()), judgement(false));
        other.add(4, &drawn(17, 4.0, vec![(17, 8)]), judgement(false));
        one.merge(&other);
        let design = Stratified::new(8, true, vec![1]);
        // Image 3: 2 of 8 by weights; the prediction from image 4 is 0. Image 4: predicted 1/2 times 8 candidates, of which
        // 4 were found masked.
        assert_eq!(one.by_image(&design, SDC), [0.25, 0.25]);
    }
}
