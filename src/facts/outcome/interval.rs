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
}

impl Rate {
    /// `count` of `of` trials.
    pub fn new(count: u64, of: u64) -> Self {
        let (low, high) = wilson(count, of, Z_95);
        let rate = if of == 0 { 0.0 } else { count as f64 / of as f64 };
        Self { count, of, rate, low, high }
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
        let (low, high) = koopman((one.count, one.of), (other.count, other.of), Z_95);
        let known = one.of > 0 && other.count > 0;
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
const Z_95: f64 = 1.959_963_984_540_054;

/// The Wilson score interval for `count` successes in `of` trials at the normal quantile `z`
/// (Wilson, JASA 22, 1927, 209-212). Without trials nothing is known: 0 to 1.
pub fn wilson(count: u64, of: u64, z: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (of as f64, count as f64 / of as f64);
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // At the ends the exact bounds are 0 and 1; rounding must not move them.
    let low = if count == 0 { 0.0 } else { ((centre - spread) / scale).max(0.0) };
    let high = if count == of { 1.0 } else { ((centre + spread) / scale).min(1.0) };
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
    let ((x1, n1), (x2, n2)) = ((one.0 as f64, one.1 as f64), (other.0 as f64, other.1 as f64));
    if one.1 == 0 || other.1 == 0 {
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
    (if one.0 == 0 { 0.0 } else { end(z) }, if other.0 == 0 { f64::INFINITY } else { end(-z) })
}
