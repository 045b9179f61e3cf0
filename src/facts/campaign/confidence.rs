//! How sure an interval is.

use serde::{Deserialize, Serialize};

use crate::named::{Name, Named};

/// How sure an interval is to hold the true rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confidence {
    /// 90 %.
    Ninety,
    /// 95 %, the usual one.
    #[default]
    NinetyFive,
    /// 99 %.
    NinetyNine,
}

impl Named for Confidence {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Ninety, Name::new("90", "90 %", "90 %")),
        (Self::NinetyFive, Name::new("95", "95 %", "95 %")),
        (Self::NinetyNine, Name::new("99", "99 %", "99 %")),
    ];
}

impl Confidence {
    /// In percent.
    pub fn percent(self) -> u8 {
        match self {
            Self::Ninety => 90,
            Self::NinetyFive => 95,
            Self::NinetyNine => 99,
        }
    }

    /// Two-sided quantile of the normal distribution.
    pub fn z(self) -> f64 {
        match self {
            Self::Ninety => 1.644_853_626_951_472_7,
            Self::NinetyFive => 1.959_963_984_540_054,
            Self::NinetyNine => 2.575_829_303_548_901,
        }
    }
}
