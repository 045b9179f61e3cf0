//! Faultscope injects faults into neural networks and counts the answers that change.
//!
//! A [`Lab`](campaign::Lab) holds one model on one device. It makes golden runs and trials. A
//! [`Runner`](campaign::Runner) makes all trials of a campaign. On the CPU every faulty run has the bits of a full
//! recomputation. The [`prelude`] has the names that most programs need.
//!
//! One fault, and a campaign over 16 images:
//!
//! ```
//! use faultscope::prelude::*;
//!
//! # fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//! let folder = "models/gtsrb-resnet8";
//! let file = "gtsrb-resnet8.bpk";
//! let model = import::load(file, std::fs::read(format!("{folder}/{file}"))?)?;
//! let mut images = Vec::new();
//! for entry in std::fs::read_dir(format!("{folder}/samples"))? {
//!     let path = entry?.path();
//!     let name = path.display().to_string();
//!     let image = Image::decode(&name, &std::fs::read(&path)?)?;
//!     images.push(LabelledImage { name, label: None, image });
//! }
//! let lab = Lab::cpu(model)?;
//!
//! // Bit 30 of element 7 of the first sampled layer's output.
//! let input = lab.model().preprocess().apply(&images[0].image, lab.model().input_shape())?;
//! let golden = block_on(lab.golden(&input))?;
//! let site = Site::find(&lab.model().graph, Target::Activation, "0", 7, Corruption::flip(30)?)?;
//! let trial = block_on(lab.trial(&golden, &[site], Observe::default()))?;
//! println!("{:?}: {} became {}", trial.verdict.outcome, trial.faults[0].before, trial.faults[0].after);
//!
//! // Ten bit flips in each image, drawn at random.
//! let config = CampaignConfig { faults: Faults::Each(10), ..CampaignConfig::new("gtsrb-resnet8") };
//! let mut campaign = Runner::new(&lab, config, images, Budget::default())?;
//! while let Some(event) = block_on(campaign.next())? {
//!     if let CampaignEvent::Finished(summary) = event {
//!         assert_eq!(summary.faults.injections, 160);
//!         println!("SDC: {} of {}", summary.faults.sdc.count, summary.faults.injections);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod prelude;

pub use engine::{exec, import, kernels, ops, platform, zoo};
pub use facts::{Error, Result, answer, catalogue, data, error, fault, graph, labels, model, outcome, report};

/// Many faults, counted.
pub mod campaign {
    pub use engine::campaign::*;
    pub use facts::campaign::*;
}
