//! Where the two classes of a binary model part.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The probability of class 1 above which the answer of a binary model is class 1: more than 0, less than 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Threshold(f64);

impl Threshold {
    /// A threshold.
    ///
    /// # Errors
    /// Where `probability`, as the float32 that scores are compared with, is not between 0 and 1.
    pub fn new(probability: f64) -> Result<Self, String> {
        let compared = probability as f32;
        if compared > 0.0 && compared < 1.0 {
            Ok(Self(probability))
        } else {
            Err("a probability above 0 and below 1 is expected".to_owned())
        }
    }

    /// What a probability is compared with.
    pub fn probability(self) -> f32 {
        self.0 as f32
    }

    /// What a logit is compared with: the number whose sigmoid is the threshold, rounded to float32.
    pub fn logit(self) -> f32 {
        (self.0 / (1.0 - self.0)).ln() as f32
    }
}

// Never a NaN.
impl Eq for Threshold {}

impl Default for Threshold {
    /// 0.5: the class with the higher probability.
    fn default() -> Self {
        Self(0.5)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(text.trim().parse().unwrap_or(f64::NAN))
    }
}

impl TryFrom<f64> for Threshold {
    type Error = String;

    fn try_from(probability: f64) -> Result<Self, String> {
        Self::new(probability)
    }
}

impl From<Threshold> for f64 {
    fn from(threshold: Threshold) -> Self {
        threshold.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
