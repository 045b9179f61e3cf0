//! Protections that are compared on the same faults: what is compared, what each did to a trial, and what it costs.
//!
//! Every fault of such a campaign is tried in the unprotected network and under each protection. The record holds the outcome
//! of the unprotected network and, in `protected`, one entry for each protection, in the order of the configuration.

mod method;
mod names;

pub use method::{Clip, ClipRule, Code, Detector, Method, Per, Reaction, Selection};
pub use names::Kind;

use serde::{Deserialize, Serialize};

/// The protections of a campaign, as config.json holds them (key `protections`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The protections, in the order of the entries of records.
    pub methods: Vec<Guarded>,
    /// Images that protections were learnt from.
    pub profile: ProfileOf,
    /// What one inference of the unprotected network costs.
    pub inference: Cost,
}

/// A protection that is ready: its layers are known, and its cost is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guarded {
    /// The protection, with its options.
    pub method: Method,
    /// Names of the layers that it is in; empty where it is in none, as a code in a memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// What it adds to one inference.
    pub overhead: Cost,
    /// What was learnt from golden runs: CRC-32 of all bounds, so that a later run can tell whether it learnt the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learnt: Option<u32>,
}

/// The images that protections are learnt from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileOf {
    /// Number of images.
    pub images: usize,
    /// Where they come from; `None` where they are the first images of the campaign's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// A cost, counted from the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Operations of one inference: a multiply-add is two, a comparison one.
    pub operations: u64,
    /// Numbers that are stored.
    pub parameters: u64,
    /// Bytes of memory for parameters, check bits and copies.
    pub bytes: u64,
}

/// What became of a trial under a protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protected {
    /// Predicted class. Where the inference was stopped by a detection, the class that it would have come to.
    pub class: usize,
    /// The protection noticed the fault and stopped the inference: DUE.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detected: bool,
    /// NaN or infinity reached the output.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub due: bool,
    /// The class that the protected network predicts without a fault, where it is another one than the unprotected network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<usize>,
    /// The protection stops the inference without a fault, too: a false alarm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alarm: bool,
}

impl Protected {
    /// The class that the protected network predicts without a fault. `golden` is that of the unprotected network.
    pub fn golden(&self, golden: usize) -> usize {
        self.golden.unwrap_or(golden)
    }

    /// Whether the answer is wrong and nothing says so. `golden` is the golden prediction of the unprotected network.
    pub fn is_sdc(&self, golden: usize) -> bool {
        !self.detected && self.class != self.golden(golden)
    }
}
