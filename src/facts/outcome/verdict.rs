//! Comparing a faulty answer with the golden one.

use serde::{Deserialize, Serialize};

use crate::labels::Grouping;

/// What a fault did to the predicted class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Same class (alias benign).
    Masked,
    /// Another class: silent data corruption.
    Sdc,
}

/// The full judgement of one faulty run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Masked or SDC.
    pub outcome: Outcome,
    /// NaN or infinity reached the output, which a system could detect.
    pub due: bool,
    /// Whether it is a safety-critical misclassification; `None` without a grouping.
    pub scm: Option<bool>,
}

impl Verdict {
    /// Judges `faulty` logits against the `golden` class.
    pub fn new(golden: usize, faulty: &[f32], grouping: Option<&Grouping>) -> Self {
        let class = top1(faulty);
        Self {
            outcome: if class == golden { Outcome::Masked } else { Outcome::Sdc },
            due: faulty.iter().any(|value| !value.is_finite()),
            scm: grouping.map(|grouping| grouping.is_scm(golden, class)),
        }
    }
}

/// The predicted class: the first maximum. Where there is a NaN the first NaN wins, as numpy's `argmax` has it,
/// so that a prediction is defined for every run; such a run is flagged DUE.
pub fn top1(logits: &[f32]) -> usize {
    let mut best = 0;
    for (class, &value) in logits.iter().enumerate() {
        if value.is_nan() {
            return class;
        }
        if value > logits[best] {
            best = class;
        }
    }
    best
}
