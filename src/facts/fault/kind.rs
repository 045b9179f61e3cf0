//! The kinds of fault: the rule by which a value changes.
//!
//! This file is all that a kind needs: its row in the table of names, its numbers, its draw, its words.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Bits, Corruption, Format};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FaultKind {
    /// One bit inverted, drawn uniformly from these.
    BitFlip {
        /// 0 = least significant mantissa bit, 31 = sign.
        #[serde(rename = "bit", default)]
        bits: Bits,
    },
    /// Set to zero.
    Zero {
        /// Share of the tensor's elements in percent, above 0 and up to 100; without it, `amount` elements.
        percent: Option<f64>,
    },
    /// Replaced by a number drawn uniformly from [0, 1).
    Random,
}

impl Default for FaultKind {
    /// One bit flip, drawn from all bits.
    fn default() -> Self {
        Self::BitFlip { bits: Bits::ALL }
    }
}

impl Named for FaultKind {
    const ALL: &'static [(Self, Name)] = &[
        (Self::BitFlip { bits: Bits::ALL }, Name::new("bitflip", "Bit flip", "one bit inverted")),
        (Self::Zero { percent: None }, Name::new("zero", "Zero", "set to zero")),
        (Self::Random, Name::new("random", "Random value, 0 to 1", "replaced by a number drawn uniformly from [0, 1)")),
    ];
}

impl FaultKind {
    /// Whether bits are struck, so that a user may choose them.
    pub fn takes_bits(self) -> bool {
        matches!(self, Self::BitFlip { .. })
    }

    /// Whether a number replaces the value, so that a user may choose it.
    pub fn takes_value(self) -> bool {
        matches!(self, Self::Random)
    }

    /// The kind with the numbers that a user has stated.
    ///
    /// # Errors
    /// If the kind has no such number.
    pub fn with(self, bits: Option<Bits>, percent: Option<f64>) -> Result<Self> {
        match self {
            Self::BitFlip { .. } if percent.is_none() => Ok(Self::BitFlip { bits: bits.unwrap_or_default() }),
            Self::Zero { .. } if bits.is_none() => Ok(Self::Zero { percent }),
            Self::Random if bits.is_none() && percent.is_none() => Ok(self),
            _ if bits.is_some() => Err(Error::request("--bit goes with --type bitflip only")),
            _ => Err(Error::request("--percent goes with --type zero only")),
        }
    }

    /// The corruption of a single fault: all of `bits` are struck, or `value` is written, as the kind has it.
    pub fn exactly(self, bits: Bits, value: f32) -> Corruption {
        match self {
            Self::BitFlip { .. } => Corruption::Flip(bits),
            Self::Zero { .. } => Corruption::Set(0.0),
            Self::Random => Corruption::Set(value),
        }
    }

    /// The corruption of one element of a campaign's fault, which is stored in `format`.
    ///
    /// # Errors
    /// Where the format lacks a bit that is to be drawn from.
    pub(super) fn draw(self, rng: &mut ChaCha8Rng, format: Format) -> Result<Corruption> {
        Ok(match self {
            Self::BitFlip { bits } => {
                let bits = bits.within(format)?;
                // A single bit takes no number of `rng`.
                let drawn = if bits.single().is_some() { bits } else { bits.nth(rng.random_range(0..bits.count())) };
                Corruption::Flip(drawn)
            }
            Self::Zero { .. } => Corruption::Set(0.0),
            Self::Random => Corruption::Set(rng.random::<f32>()),
        })
    }

    /// Number of elements that a fault strikes in a layer of `elements`, where `amount` are asked for.
    pub fn amount(self, amount: usize, elements: usize) -> usize {
        match self {
            // A percentage of a small layer still hits one element.
            Self::Zero { percent: Some(percent) } => {
                ((elements as f64 * percent / 100.0).round() as usize).clamp(1, elements.max(1))
            }
            _ => amount,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// If the percentage is out of range.
    pub fn validate(self) -> Result<()> {
        match self {
            Self::Zero { percent: Some(percent) } if !(percent > 0.0 && percent <= 100.0) => {
                Err(Error::request(format_args!("a percentage above 0 and up to 100 is expected, found {percent}")))
            }
            _ => Ok(()),
        }
    }

    /// The kind in words, for a heading.
    pub fn words(self) -> String {
        match self {
            Self::BitFlip { bits: Bits::ALL } => "one bit flipped".to_owned(),
            Self::BitFlip { bits } if bits.count() > 1 => format!("one of bits {bits} flipped"),
            Self::BitFlip { bits } => format!("bit {bits} flipped"),
            Self::Zero { percent: Some(percent) } => format!("{percent} % of a layer's values set to zero"),
            Self::Zero { percent: None } => "value set to zero".to_owned(),
            Self::Random => "value replaced at random".to_owned(),
        }
    }
}
