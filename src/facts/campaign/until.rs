//! As many faults as it takes to know a rate.

use serde::{Deserialize, Serialize};

use crate::named::{Name, Named};
use crate::outcome::wilson;

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
    fn z(self) -> f64 {
        match self {
            Self::Ninety => 1.644_853_626_951_472_7,
            Self::NinetyFive => 1.959_963_984_540_054,
            Self::NinetyNine => 2.575_829_303_548_901,
        }
    }
}

/// When a campaign has injected enough: the SDC rate is known to so much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Until {
    /// Half the width that the Wilson interval may have, as a share of 1.
    pub margin: f64,
    /// Of the interval.
    pub confidence: Confidence,
}

impl Until {
    /// Half the width of the interval of `count` in `of`.
    pub fn half_width(&self, count: u64, of: u64) -> f64 {
        let (low, high) = wilson(count, of, self.confidence.z());
        (high - low) / 2.0
    }

    /// Whether `count` in `of` is known well enough.
    pub fn reached(&self, count: u64, of: u64) -> bool {
        self.half_width(count, of) <= self.margin
    }

    /// How many trials it takes about, where `count` of `of` were counted so far; without trials, the most it can take: the
    /// interval is widest for a rate of one half.
    pub fn needed(&self, count: u64, of: u64) -> u64 {
        const MOST: u64 = 1 << 40;
        let share = if of == 0 { 0.5 } else { count as f64 / of as f64 };
        let enough = |trials: u64| self.reached((share * trials as f64).round() as u64, trials);
        let (mut few, mut many) = (0, MOST);
        while few + 1 < many {
            let middle = u64::midpoint(few, many);
            if enough(middle) { many = middle } else { few = middle }
        }
        many.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_decides() {
        let until = Until { margin: 0.05, confidence: Confidence::NinetyFive };
        // The textbook's 385 for a rate of one half, less what Wilson's interval saves.
        assert_eq!(until.needed(0, 0), 381);
        assert!(until.reached(190, 381) && !until.reached(189, 378));
        let rare = until.needed(1, 100);
        assert!((30..120).contains(&rare), "{rare}");
        assert!(until.needed(50, 100) > until.needed(10, 100));
        let surer = Until { confidence: Confidence::NinetyNine, ..until };
        assert!(surer.needed(0, 0) > until.needed(0, 0));
        assert!(Until { margin: 0.0, ..until }.needed(0, 0) >= 1 << 39, "never, but it ends");
    }
}
