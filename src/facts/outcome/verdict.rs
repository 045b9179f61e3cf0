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
    /// NaN or infinity reached the output, which a system could detect; see [`is_due`].
    pub due: bool,
    /// Whether it is a safety-critical misclassification; `None` without a grouping.
    pub scm: Option<bool>,
}

impl Verdict {
    /// Judges `faulty` scores against the `golden` ones, where the highest score is the answer.
    pub fn new(golden: &[f32], faulty: &[f32], grouping: Option<&Grouping>) -> Self {
        Self::between(golden, top1(golden), faulty, top1(faulty), grouping)
    }

    /// Judges `faulty` scores, which are the answer `faulty_class`, against the `golden` ones.
    pub fn between(
        golden: &[f32],
        golden_class: usize,
        faulty: &[f32],
        faulty_class: usize,
        grouping: Option<&Grouping>,
    ) -> Self {
        Self {
            outcome: if faulty_class == golden_class { Outcome::Masked } else { Outcome::Sdc },
            due: is_due(golden, faulty),
            scm: grouping.map(|grouping| grouping.is_scm(golden_class, faulty_class)),
        }
    }
}

/// Whether a system could detect the fault in the scores: one of them is NaN or +infinity, or -infinity where the golden
/// run's is not. A score of -infinity that the golden run has, too (the logarithm of a probability of 0, a class that is
/// masked), is an answer and no failure.
pub fn is_due(golden: &[f32], faulty: &[f32]) -> bool {
    let expected = |class: usize, value: f32| value == f32::NEG_INFINITY && golden.get(class) == Some(&value);
    faulty.iter().enumerate().any(|(class, &value)| !value.is_finite() && !expected(class, value))
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
