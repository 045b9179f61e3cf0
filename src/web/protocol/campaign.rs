//! What page and worker say to each other about campaigns.

use serde::{Deserialize, Serialize};

use super::FileRef;
use crate::campaign::{FaultSummary, Summary};
use crate::fault::FaultModel;
use crate::outcome::Rate;

/// A campaign over images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignRequest {
    /// The images.
    pub images: Vec<FileRef>,
    /// Faults injected into each image.
    pub faults: usize,
    /// Every draw depends on it.
    pub seed: u64,
    /// Which faults are drawn.
    pub fault_model: FaultModel,
}

/// Where a campaign stands: what the page shows of a [`Summary`], which for a large model has thousands of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignUpdate {
    /// Faults planned.
    pub planned: u64,
    /// Time since the start, in milliseconds.
    pub milliseconds: f64,
    /// All faults together.
    pub faults: FaultSummary,
    /// Golden runs that predict the true class, where it is known.
    pub accuracy: Option<Rate>,
    /// By bit, the share of SDCs among its flips.
    pub bits: Vec<(u8, Rate)>,
    /// The layers where faults most surely change the answer, with the share of SDCs.
    pub layers: Vec<(String, Rate)>,
    /// Every fault was injected.
    pub complete: bool,
    /// Where nothing more will come, because the campaign is complete or was stopped: every fault, as the command
    /// line writes them to `faults.jsonl`.
    pub records: Option<String>,
}

/// Layers in a [`CampaignUpdate`].
const WORST_LAYERS: usize = 8;

impl CampaignUpdate {
    /// What the page shows of `summary`.
    pub fn new(summary: Summary, planned: u64, milliseconds: f64, records: Option<String>) -> Self {
        let mut layers: Vec<(String, Rate)> =
            summary.layers.into_iter().map(|layer| (layer.layer, layer.faults.sdc)).collect();
        layers.retain(|(_, sdc)| sdc.count > 0);
        layers.sort_by(|(_, a), (_, b)| b.low.total_cmp(&a.low));
        layers.truncate(WORST_LAYERS);
        Self {
            planned,
            milliseconds,
            faults: summary.faults,
            accuracy: summary.golden.accuracy,
            bits: summary.bits.into_iter().map(|bit| (bit.bit, bit.faults.sdc)).collect(),
            layers,
            complete: summary.complete,
            records,
        }
    }

    /// Whether nothing more will come.
    pub fn over(&self) -> bool {
        self.records.is_some()
    }
}
