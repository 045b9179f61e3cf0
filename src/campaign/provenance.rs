//! The head of a campaign's results: all that is needed to repeat it and to read its records.

use serde::{Deserialize, Serialize};

use super::{CampaignConfig, Shard};
use crate::data::{DataSource, Preprocess};
use crate::labels::Grouping;

/// What stands in a campaign's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of Faultscope that made the campaign.
    pub faultscope: String,
    /// What was asked for.
    pub campaign: CampaignConfig,
    /// The model.
    pub model: ModelSource,
    /// The images.
    pub data: DataSource,
    /// Which of them were drawn, where not all are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleSource>,
    /// Which part of the campaign this is, where it is cut into parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Where it was computed, `cpu` or `gpu`. It does not change which faults are injected.
    pub device: String,
    /// The grouping in full, so that SCM can be judged again.
    pub grouping: Option<Grouping>,
    /// The layers that faults were drawn from, in model order.
    pub layers: Vec<String>,
}

impl Provenance {
    /// Images that the campaign, or this shard of it, injects faults into.
    pub fn images(&self) -> usize {
        let available = self.sample.as_ref().map_or(self.data.images, |sample| sample.images);
        let images = self.campaign.images.unwrap_or(available);
        self.shard.map_or(images, |shard| shard.range(images).len())
    }
}

/// Which images were drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleSource {
    /// Path of the sample file.
    pub path: String,
    /// Images in it.
    pub images: usize,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Which model a campaign was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSource {
    /// Path of the model file.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How images became inputs.
    pub preprocess: Preprocess,
}
