//! Messages about range clipping.

use facts::fault::Site;
use facts::outcome::Verdict;
use serde::{Deserialize, Serialize};

use super::{ClassInfo, FileRef, Score};

/// Most images that ranges are learnt from: more would take longer than anybody watches.
pub const MAX_IMAGES: usize = 32;

/// Inject a fault once more, every layer's output clipped to its golden range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectRequest {
    /// The fault, in the current image.
    pub site: Site,
    /// The images whose golden runs give the ranges, beside the current one.
    pub images: Vec<FileRef>,
}

/// A faulty run with range clipping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protection {
    /// The outcome.
    pub verdict: Verdict,
    /// The prediction.
    pub faulty: ClassInfo,
    /// Probability of the golden class; NaN where the run came to that.
    pub confidence: f32,
    /// The five most probable classes.
    pub after: Vec<Score>,
    /// The layers in which something was clipped, with the number of elements, in order.
    pub clipped: Vec<(String, u64)>,
    /// Golden runs that the ranges were learnt from.
    pub images: usize,
    /// Time for the clipped run, in milliseconds.
    pub milliseconds: f64,
}
