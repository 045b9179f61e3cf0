//! Estimates for a part of the fault space.

use super::trial::{DUE, OUTCOMES, RIGHT, SCM, SDC, SDC5, SDC10, SDC20, Trial, UNKNOWN};
use crate::campaign::{Criteria, Drawn, FaultSummary};
use crate::outcome::Rate;

/// Sums over the trials of a part of the fault space: a layer, a bit, a set of images.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    outcomes: [f64; OUTCOMES],
    squares: [f64; OUTCOMES],
    margin: i128,
    weight: f64,
    weight_squares: f64,
}

/// What a part stands for.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Candidates in it.
    pub size: f64,
    /// Those of them in images with a label.
    pub labelled: f64,
    /// The share of the images with a label that have a right golden prediction.
    pub right: f64,
    /// The number of these images.
    pub units: f64,
    /// The number of draws, each from candidates of its own; `None` for draws without replacement, where the variance is an upper
    /// bound.
    pub draws: Option<f64>,
}

impl Population {
    /// The part with this share of the candidates of each image.
    pub fn part(self, share: f64) -> Self {
        Self { size: share * self.size, labelled: share * self.labelled, ..self }
    }
}

impl Part {
    /// Counts a trial.
    pub fn add(&mut self, drawn: &Drawn, trial: &Trial) {
        let weight = drawn.weight;
        for (at, outcome) in trial.outcomes.into_iter().enumerate().filter(|(_, outcome)| *outcome != 0) {
            self.outcomes[at] += weight * f64::from(outcome);
            self.squares[at] += weight * weight;
        }
        self.margin += trial.margin(weight);
        self.weight += weight;
        self.weight_squares += weight * weight;
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for outcome in 0..OUTCOMES {
            self.outcomes[outcome] += other.outcomes[outcome];
            self.squares[outcome] += other.squares[outcome];
        }
        self.margin += other.margin;
        self.weight += other.weight;
        self.weight_squares += other.weight_squares;
    }

    /// Replaces the shares of `counts`, the trials of this part, by estimates for the candidates in it: Horvitz and
    /// Thompson's, with the variance of independent draws, which is never too small for draws without replacement.
    pub fn estimate(&self, counts: &mut FaultSummary, population: &Population) {
        let share = |outcome: usize, rate: Rate| self.share(outcome, rate, population);
        counts.sdc = share(SDC, counts.sdc);
        counts.masked = counts.sdc.complement();
        counts.due = share(DUE, counts.due);
        counts.scm = counts.scm.map(|rate| share(SCM, rate));
        counts.scm_of_sdc = counts.scm_of_sdc.map(|rate| {
            let (sdc, scm) = (self.outcomes[SDC], self.outcomes[SCM]);
            let value = if sdc > 0.0 { (scm / sdc).clamp(0.0, 1.0) } else { 0.0 };
            let effective = sdc * sdc / self.squares[SDC].max(f64::MIN_POSITIVE);
            rate.estimated(value, self.variance_of_ratio(value), effective)
        });
        if let Some(criteria) = &mut counts.criteria {
            self.estimate_criteria(criteria, population);
        }
    }

    /// The same for the outcomes beyond the predicted class.
    pub fn estimate_criteria(&self, criteria: &mut Criteria, population: &Population) {
        let share = |outcome: usize, rate: Rate| self.share(outcome, rate, population);
        criteria.sdc5 = criteria.sdc5.map(|rate| share(SDC5, rate));
        criteria.sdc10pct = share(SDC10, criteria.sdc10pct);
        criteria.sdc20pct = share(SDC20, criteria.sdc20pct);
        criteria.accuracy = criteria.accuracy.map(|rate| {
            // Faults that were not drawn since they are proved masked are as right as the golden run.
            let (right, labelled) = (population.right, population.labelled.max(1.0));
            let value = right + self.outcomes[RIGHT] / labelled;
            // A fault spoils right predictions: the two terms are negatively correlated, and the sum is an upper bound.
            let variance = right * (1.0 - right) / population.units.max(1.0) + self.squares[RIGHT] / labelled.powi(2);
            rate.estimated(value.clamp(0.0, 1.0), variance, self.kish())
        });
        criteria.margin = criteria.margin.and_then(|margin| {
            let size = population.size.max(1.0);
            margin.estimated(self.margin as f64 / size, 1.0 - self.outcomes[UNKNOWN] / size)
        });
    }

    fn share(&self, outcome: usize, rate: Rate, population: &Population) -> Rate {
        let size = population.size.max(1.0);
        let value = self.outcomes[outcome] / size;
        let known = population.draws.map_or(0.0, |draws| value * value / draws.max(1.0));
        let variance = (self.variance(outcome, size) - known).max(0.0);
        rate.estimated(value.clamp(0.0, 1.0), variance, self.kish())
    }

    /// Returns the variance of the estimated share of an outcome among `size` candidates, for independent draws.
    pub fn variance(&self, outcome: usize, size: f64) -> f64 {
        self.squares[outcome] / (size * size).max(f64::MIN_POSITIVE)
    }

    /// Returns the variance of `value`, the estimated share of SCMs among the SDCs, for independent draws.
    pub fn variance_of_ratio(&self, value: f64) -> f64 {
        // Every SCM is an SDC: the squares of y_scm - value y_sdc.
        let squares =
            self.squares[SCM] * (1.0 - value).powi(2) + (self.squares[SDC] - self.squares[SCM]) * value * value;
        squares / self.outcomes[SDC].powi(2).max(f64::MIN_POSITIVE)
    }

    /// The number of equally weighted trials that say as much as these where none has the outcome.
    fn kish(&self) -> f64 {
        self.weight * self.weight / self.weight_squares.max(f64::MIN_POSITIVE)
    }
}
