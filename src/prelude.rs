//! The names that most programs need: `use faultscope::prelude::*`.

pub use pollster::block_on;

pub use crate::campaign::{
    Budget, CampaignConfig, CampaignEvent, Faults, Golden, Lab, Observe, Record, Runner, Settings, Subject, Summary,
    Trial, learn_ranges,
};
pub use crate::data::{Image, LabelledImage};
pub use crate::fault::{Corruption, FaultKind, FaultModel, Site, Target};
pub use crate::graph::{Graph, HostTensor};
pub use crate::import;
pub use crate::labels::Grouping;
pub use crate::model::Model;
pub use crate::outcome::{Outcome, Verdict};
pub use crate::platform::DeviceChoice;
pub use crate::{Error, Result};
