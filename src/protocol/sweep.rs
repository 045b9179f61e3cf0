//! Messages about many trials around one fault.

use std::ops::Range;

use facts::fault::{Format, InjectedFault, Strike};
use facts::outcome::Verdict;
use serde::{Deserialize, Serialize};

use super::FileRef;

/// Trials around one fault, numbered from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SweepRequest {
    /// Each bit of the element, from the lowest.
    Bits {
        /// The fault; its corruption is left aside.
        strike: Strike,
        /// Number of bits of the element's format.
        width: u8,
    },
    /// The same corruption in each element of a plane of the tensor as it is stored.
    Map {
        /// The fault; its element lies in the plane.
        strike: Strike,
        /// The first element, as stored.
        first: usize,
        /// Number of elements.
        count: usize,
    },
    /// The same fault in each image.
    Images {
        /// The fault.
        strike: Strike,
        /// The images.
        images: Vec<FileRef>,
    },
    /// Each of these faults, which workers try for each other.
    Each {
        /// The faults.
        strikes: Vec<Strike>,
    },
}

impl SweepRequest {
    /// Number of trials.
    pub fn trials(&self) -> usize {
        match self {
            Self::Bits { width, .. } => (*width).min(Format::F32.width()).into(),
            Self::Map { count, .. } => *count,
            Self::Images { images, .. } => images.len(),
            Self::Each { strikes } => strikes.len(),
        }
    }
}

/// Trials of a sweep that one worker asks another for. The answer is one [`SweepPart`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepSpan {
    /// The sweep, with no more images or faults than the trials need.
    pub request: SweepRequest,
    /// Number of the first trial.
    pub first: usize,
    /// Number of trials.
    pub count: usize,
}

impl SweepSpan {
    /// The trials `trials` of `sweep`.
    pub fn of(sweep: &SweepRequest, trials: Range<usize>) -> Self {
        let count = trials.len();
        match sweep {
            SweepRequest::Images { strike, images } => {
                let images = images.get(trials).unwrap_or_default().to_vec();
                Self { request: SweepRequest::Images { strike: *strike, images }, first: 0, count }
            }
            SweepRequest::Each { strikes } => {
                let strikes = strikes.get(trials).unwrap_or_default().to_vec();
                Self { request: SweepRequest::Each { strikes }, first: 0, count }
            }
            _ => Self { request: sweep.clone(), first: trials.start, count },
        }
    }
}

/// A part of the trials, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepPart {
    /// Number of the first one in this part.
    pub first: usize,
    /// The outcome of each; a sentence where an image cannot be used.
    pub trials: Vec<Result<SweepTrial, String>>,
    /// Nothing more will come.
    pub over: bool,
}

/// The outcome of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepTrial {
    /// The outcome.
    pub verdict: Verdict,
    /// Name of the class that is predicted without the fault.
    pub golden: String,
    /// And with it.
    pub faulty: String,
    /// The value before and after, of the element that the trial is about.
    pub fault: InjectedFault,
}
