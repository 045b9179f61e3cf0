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
