//! One line of a campaign's results.

use serde::{Deserialize, Serialize};

use crate::fault::InjectedFault;
use crate::outcome::Outcome;

/// The outcome of one trial, as it stands in `faults.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Index of the image in the data.
    pub image: usize,
    /// The image's true class; `None` where the data does not say.
    pub label: Option<usize>,
    /// The golden run.
    pub golden: Prediction,
    /// The faulty run.
    pub faulty: Prediction,
    /// Masked or SDC.
    pub outcome: Outcome,
    /// NaN or infinity reached the output.
    pub due: bool,
    /// Whether it is a safety-critical misclassification; `None` without a grouping.
    pub scm: Option<bool>,
    /// The fault; the first one where the trial injected several.
    pub fault: InjectedFault,
    /// All faults, where the trial injected more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<InjectedFault>,
}

/// A prediction as a record states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// Predicted class.
    pub class: usize,
}

impl Record {
    /// Every fault of the trial.
    pub fn all_faults(&self) -> &[InjectedFault] {
        if self.faults.is_empty() { std::slice::from_ref(&self.fault) } else { &self.faults }
    }
}
