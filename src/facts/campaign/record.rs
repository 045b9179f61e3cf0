//! One line of a campaign's results.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Drawn, Protected, Scores};
use crate::fault::{BitErrors, InjectedFault};
use crate::outcome::Outcome;

/// The outcome of one trial, as it stands in `faults.jsonl`. `S` is how it holds names: see [`BorrowedRecord`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record<S = String> {
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
    /// The fault; the first one where the trial injected several, and `None` where bit errors happened to be none.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub fault: Option<InjectedFault<S>>,
    /// All faults, where the trial injected more than one. Bit errors in very many elements are not listed.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<InjectedFault<S>>,
    /// The bit errors, where every bit flips with some probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<BitErrors>,
    /// The elements of a pattern that strikes very many, as ranges of the first fault's tensor, each with its first and its last one;
    /// at most [`Record::RANGES`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<[usize; 2]>,
    /// Width and height of the image, where faults strike its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<[usize; 2]>,
    /// The draw, where the design gives faults weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
    /// What became of the trial under each protection that is compared, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<Protected>,
    /// What became of the scores; `None` in records of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
}

/// A prediction as a record states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// Predicted class.
    pub class: usize,
}

/// A record that owns nothing: its names are those in the line it was read from. Millions of them are read without
/// an allocation each.
pub type BorrowedRecord<'a> = Record<Name<'a>>;

/// A name in a line of JSON, copied only where it is written with an escape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<str> for Name<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<S> Record<S> {
    /// Most ranges of elements that a record lists.
    pub const RANGES: usize = 256;

    /// Most elements of a pattern that a record lists in full.
    pub const LISTED: usize = 64;

    /// Every fault of the trial that is listed: all of them, or of many bit errors the first.
    pub fn all_faults(&self) -> &[InjectedFault<S>] {
        if self.faults.is_empty() { self.fault.as_slice() } else { &self.faults }
    }

    /// The golden class's probability without and with the fault, where the scores of the trial are known and both give one. It is
    /// the confidence of [`ChangedScores`](super::ChangedScores): the golden scores say whether scores are probabilities.
    pub fn confidence(&self) -> Option<[f32; 2]> {
        match self.scores? {
            Scores::Golden => None,
            Scores::Changed(scores) => {
                Some(scores.confidence).filter(|both| both.iter().all(|share| share.is_finite()))
            }
        }
    }

    /// What it says of its image.
    pub fn head(&self) -> Head {
        Head {
            image: self.image,
            label: self.label,
            golden: self.golden.class,
            protected: self.protected.iter().fold(0, |sum, run| run.add_to_sum(sum)),
        }
    }

    /// The golden runs under the protections that are compared.
    pub fn golden_protected(&self) -> Vec<Protected> {
        self.protected.iter().map(|run| run.of_golden(self.golden.class)).collect()
    }

    /// What is counted of it.
    pub fn observation(&self) -> Observation<'_, S> {
        Observation {
            image: self.image,
            label: self.label,
            golden: self.golden.class,
            faulty: self.faulty.class,
            due: Some(self.due),
            // Errors all over the network are of no layer or bit.
            faults: match self.errors {
                Some(BitErrors { rate: Some(_), .. } | BitErrors { layers: Some(_), .. }) => &[],
                _ => self.all_faults(),
            },
            errors: self.errors,
            draw: self.drawn.as_ref().map(|drawn| (self.image, drawn)),
            protected: &self.protected,
            scores: self.scores,
        }
    }
}

/// The part of a record that is the same for all trials of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Index of the image in the data.
    pub image: usize,
    /// Its true class, where known.
    pub label: Option<usize>,
    /// The golden prediction.
    pub golden: usize,
    /// A sum over the golden runs under protections, which tells whether they are the same.
    pub protected: u64,
}

/// What rates are made of: the part of a record that outcomes are counted by.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a, S = String> {
    /// Index of the image in the data.
    pub image: usize,
    /// The image's true class, where known.
    pub label: Option<usize>,
    /// The golden prediction.
    pub golden: usize,
    /// The faulty prediction.
    pub faulty: usize,
    /// Whether NaN or infinity reached the output, where known.
    pub due: Option<bool>,
    /// The faults, where known.
    pub faults: &'a [InjectedFault<S>],
    /// The bit errors, where every bit flips with some probability: they are of no layer or bit.
    pub errors: Option<BitErrors>,
    /// The image and the draw, where the design gives faults weights.
    pub draw: Option<(usize, &'a Drawn)>,
    /// What became of the trial under each protection that is compared.
    pub protected: &'a [Protected],
    /// What became of the scores, where known.
    pub scores: Option<Scores>,
}
