//! The outcomes that are shown by layer and bit, of which a reader chooses one.

use serde::{Deserialize, Serialize};

use crate::campaign::FaultSummary;
use crate::outcome::Rate;
use crate::{Name, Named};

/// An outcome of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// The prediction changes.
    #[default]
    Sdc,
    /// The prediction is none of the five best classes of the golden run.
    Sdc5,
    /// The confidence in the golden class differs by more than 10 % of it.
    #[serde(rename = "sdc10pct")]
    Sdc10,
    /// The same with 20 %.
    #[serde(rename = "sdc20pct")]
    Sdc20,
    /// The prediction changes and is a safety-critical misclassification.
    Scm,
}

impl Named for Criterion {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Sdc, Name::new("sdc", "SDC", "The prediction changes (SDC-1)")),
        (Self::Sdc5, Name::new("sdc5", "SDC-5", "The prediction is none of the five best classes of the golden run")),
        (
            Self::Sdc10,
            Name::new("sdc10pct", "SDC-10 %", "The confidence in the golden class changes by more than 10 % of it"),
        ),
        (
            Self::Sdc20,
            Name::new("sdc20pct", "SDC-20 %", "The confidence in the golden class changes by more than 20 % of it"),
        ),
        (Self::Scm, Name::new("scm", "SCM", "The prediction changes to a class of another group, which is critical")),
    ];
}

impl Criterion {
    /// Returns its rate over `faults`, where it is known.
    pub fn rate(self, faults: &FaultSummary) -> Option<Rate> {
        match self {
            Self::Sdc => Some(faults.sdc),
            Self::Sdc5 => faults.criteria?.sdc5,
            Self::Sdc10 => Some(faults.criteria?.sdc10pct),
            Self::Sdc20 => Some(faults.criteria?.sdc20pct),
            Self::Scm => faults.scm,
        }
    }
}
