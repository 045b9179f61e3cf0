//! Confidence intervals of rates.

use serde::{Deserialize, Serialize};

/// A share of trials with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Trials counted.
    pub count: u64,
    /// All trials.
    pub of: u64,
    /// `count / of`; 0 where there was no trial.
    pub rate: f64,
    /// Lower end of the 95 % Wilson interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The number of equally weighted trials that would say as much, where trials have weights: `rate` is then an estimate
    /// and not `count / of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<f64>,
}

impl Rate {
    /// `count` of `of` trials.
    pub fn new(count: u64, of: u64) -> Self {
        let (low, high) = wilson(count, of, Z_95);
        let rate = if of == 0 { 0.0 } else { count as f64 / of as f64 };
        Self { count, of, rate, low, high, effective: None }
    }

    /// Returns the same counts with an estimate `rate` of this `variance`. The interval is Wilson's for as many trials as
    /// give the variance. Without a variance, as where no trial has the outcome, they count as `least` trials.
    #[must_use]
    pub fn estimated(self, rate: f64, variance: f64, least: f64) -> Self {
        let spread = rate * (1.0 - rate);
        let effective = if variance > 0.0 && spread > 0.0 { spread / variance } else { least };
        let (low, high) = wilson_share(rate, effective, Z_95);
        Self { rate, low, high, effective: Some(effective), ..self }
    }

    /// Returns the share of a population of which all were tried: no other one is possible.
    #[must_use]
    pub fn exact(self) -> Self {
        Self { low: self.rate, high: self.rate, ..self }
    }

    /// Returns the share of the other trials.
    #[must_use]
    pub fn complement(self) -> Self {
        let Self { count, of, rate, low, high, effective } = self;
        match effective {
            None => Self::new(of - count, of),
            Some(_) => Self { count: of - count, of, rate: 1.0 - rate, low: 1.0 - high, high: 1.0 - low, effective },
        }
    }

    /// The trials that had the outcome, and all, as far as intervals are concerned.
    fn trials(&self) -> (f64, f64) {
        self.effective.map_or((self.count as f64, self.of as f64), |effective| (self.rate * effective, effective))
    }
}

impl Rate {
    /// Widest interval of a share that still says something: 20 percentage points.
    pub const WIDEST: f64 = 0.2;

    /// Whether the trials are too few to say how large the share is: its interval is wider than [`Rate::WIDEST`].
    pub fn too_few(&self) -> bool {
        self.high - self.low > Self::WIDEST
    }
}

/// How many times as large one share is as another, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The one over the other; `None` where the other is zero or one of them is not known.
    pub ratio: Option<f64>,
    /// Lower end of the 95 % score interval ([`koopman`]).
    pub low: f64,
    /// Upper end; `None` where there is none, because the other share may be zero.
    pub high: Option<f64>,
}

/// What a [`Ratio`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// All of the interval is above 1.
    More,
    /// All of it is below 1.
    Less,
    /// It holds 1, and its upper end is at most one and a half times the lower one.
    Alike,
    /// It holds 1 and is wider than that: the trials are too few to say.
    Unknown,
}

impl Ratio {
    /// `one` over `other`, which must be shares of different trials.
    pub fn new(one: &Rate, other: &Rate) -> Self {
        let (low, high) = score_interval(one.trials(), other.trials(), Z_95);
        let known = one.of > 0 && other.rate > 0.0;
        Self { ratio: known.then(|| one.rate / other.rate), low, high: high.is_finite().then_some(high) }
    }

    /// What it says.
    pub fn comparison(&self) -> Comparison {
        match (self.low, self.high) {
            (low, _) if low > 1.0 => Comparison::More,
            (_, Some(high)) if high < 1.0 => Comparison::Less,
            (low, Some(high)) if high <= 1.5 * low => Comparison::Alike,
            _ => Comparison::Unknown,
        }
    }
}

/// Two-sided 95 % quantile of the normal distribution.
pub(super) const Z_95: f64 = 1.959_963_984_540_054;

/// The Wilson score interval for `count` successes in `of` trials at the normal quantile `z`
/// (Wilson, JASA 22, 1927, 209-212). Without trials nothing is known: 0 to 1.
pub fn wilson(count: u64, of: u64, z: f64) -> (f64, f64) {
    let (low, high) = wilson_share(if of == 0 { 0.0 } else { count as f64 / of as f64 }, of as f64, z);
    // At the ends the exact bounds are 0 and 1; rounding must not move them.
    (if count == 0 { 0.0 } else { low }, if count == of { 1.0 } else { high })
}

/// The same for a share `p` of `n` trials, which need not be a whole number.
pub fn wilson_share(p: f64, n: f64, z: f64) -> (f64, f64) {
    if n <= 0.0 || !n.is_finite() {
        return if n > 0.0 { (p, p) } else { (0.0, 1.0) };
    }
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    let low = if p == 0.0 { 0.0 } else { ((centre - spread) / scale).max(0.0) };
    let high = if p == 1.0 { 1.0 } else { ((centre + spread) / scale).min(1.0) };
    (low, high)
}

/// The score interval at the normal quantile `z` for the ratio of two independent binomial shares, `one` over `other`,
/// each (successes, trials) (Koopman, Biometrics 40, 1984, 513-517). The lower end is 0 where `one` has no success;
/// the upper end is infinite where `other` has none.
///
/// The ends are the ratios at which the score statistic is `z` in size. The shares' variance is taken at their most
/// likely values for the ratio in question, so the interval holds up for small counts, where the usual logarithmic
/// one does not.
pub fn koopman(one: (u64, u64), other: (u64, u64), z: f64) -> (f64, f64) {
    score_interval((one.0 as f64, one.1 as f64), (other.0 as f64, other.1 as f64), z)
}

/// The same for shares of trials that have weights.
fn score_interval(one: (f64, f64), other: (f64, f64), z: f64) -> (f64, f64) {
    let ((x1, n1), (x2, n2)) = (one, other);
    if n1 <= 0.0 || n2 <= 0.0 {
        return (0.0, f64::INFINITY);
    }
    // Falls as the ratio grows.
    let score = |ratio: f64| {
        let (a, b, c) = ((n1 + n2) * ratio, -(n1 * ratio + x1 + n2 + x2 * ratio), x1 + x2);
        // The smaller root, in the form that does not cancel.
        let p2 = (2.0 * c / (-b + (b * b - 4.0 * a * c).max(0.0).sqrt())).clamp(0.0, 1.0);
        let p1 = (p2 * ratio).clamp(0.0, 1.0);
        let difference = x1 / n1 - ratio * x2 / n2;
        let variance = p1 * (1.0 - p1) / n1 + ratio * ratio * p2 * (1.0 - p2) / n2;
        if difference == 0.0 { 0.0 } else { difference / variance.sqrt() }
    };
    // Bisection of the logarithm; 2^64 is beyond any ratio of shares of this many trials.
    let end = |at: f64| {
        let (mut low, mut high) = (-64.0f64, 64.0f64);
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if score(middle.exp2()) > at { low = middle } else { high = middle }
        }
        f64::midpoint(low, high).exp2()
    };
    (if x1 <= 0.0 { 0.0 } else { end(z) }, if x2 <= 0.0 { f64::INFINITY } else { end(-z) })
}
