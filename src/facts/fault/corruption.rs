//! What a fault does to a value.

use serde::{Deserialize, Serialize};

use super::{Bits, Code};
use crate::Result;

/// A change of one stored value. The executor, the records, the command line, the links and the page all speak of it in
/// this type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// These bits are inverted.
    Flip(Bits),
    /// These bits become 1.
    StuckAt1(Bits),
    /// These bits become 0.
    StuckAt0(Bits),
    /// The value becomes this number.
    Set(f32),
    /// The value is multiplied by this number.
    Scale(f32),
    /// This number is added to the value.
    Add(f32),
    /// The stored integer stays, and stands for `scale * (integer - zero)` from now on.
    Rescale {
        /// The value of one step.
        scale: f32,
        /// The integer that stands for 0.
        zero: i32,
    },
}

impl Corruption {
    /// The inversion of one bit.
    ///
    /// # Errors
    /// Where the bit is out of range.
    pub fn flip(bit: u8) -> Result<Self> {
        Bits::one(bit.into()).map(Self::Flip)
    }

    /// The value that stands in the place of `value`, which is stored as `code` says: a format, or one with its scale.
    ///
    /// A NaN is encoded as the format's one NaN, so a flip of it does not depend on the machine that computed it.
    pub fn apply(self, value: f32, code: impl Into<Code>) -> f32 {
        let code = code.into();
        let word = code.encode(value);
        match self {
            Self::Flip(bits) => code.decode(word ^ bits.mask()),
            Self::StuckAt1(bits) => code.decode(word | bits.mask()),
            Self::StuckAt0(bits) => code.decode(word & !bits.mask()),
            Self::Set(new) => code.round(new),
            Self::Scale(factor) => code.round(value * factor),
            Self::Add(number) => code.round(value + number),
            Self::Rescale { scale, zero } => Code { scale, zero, ..code }.decode(word),
        }
    }

    /// The sort of the corruption.
    pub fn kind(self) -> CorruptionKind {
        match self {
            Self::Flip(_) => CorruptionKind::BitFlip,
            Self::StuckAt1(_) => CorruptionKind::Stuck1,
            Self::StuckAt0(_) => CorruptionKind::Stuck0,
            Self::Set(_) => CorruptionKind::Set,
            Self::Scale(_) => CorruptionKind::Scale,
            Self::Add(_) => CorruptionKind::Add,
            Self::Rescale { .. } => CorruptionKind::Rescale,
        }
    }

    /// The bits that are struck; `None` where the whole value is replaced.
    pub fn bits(self) -> Option<Bits> {
        match self {
            Self::Flip(bits) | Self::StuckAt1(bits) | Self::StuckAt0(bits) => Some(bits),
            Self::Set(_) | Self::Scale(_) | Self::Add(_) | Self::Rescale { .. } => None,
        }
    }
}

/// The sort of a corruption, without its numbers: the `type` of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CorruptionKind {
    /// Bits were inverted.
    BitFlip,
    /// Bits became 1.
    Stuck1,
    /// Bits became 0.
    Stuck0,
    /// The value was replaced.
    Set,
    /// The value was multiplied.
    Scale,
    /// A number was added to the value.
    Add,
    /// The scale of an integer changed.
    Rescale,
}

impl CorruptionKind {
    /// What becomes of the struck bits, or of the value, in a word.
    pub fn words(self) -> &'static str {
        match self {
            Self::BitFlip => "flipped",
            Self::Stuck1 => "stuck at 1",
            Self::Stuck0 => "stuck at 0",
            Self::Set | Self::Scale | Self::Add | Self::Rescale => "replaced",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Format;
    use super::*;

    fn flip(bit: u8, value: f32) -> f32 {
        Corruption::flip(bit).unwrap().apply(value, Format::F32)
    }

    proptest! {
        #[test]
        fn a_flip_is_its_own_inverse_and_changes_one_bit(word in any::<u32>(), bit in 0u8..32) {
            let value = f32::from_bits(word);
            let flipped = flip(bit, value);
            prop_assert_eq!(flipped.to_bits() ^ Format::F32.encode(value), 1 << bit);
            if !flipped.is_nan() {
                prop_assert_eq!(flip(bit, flipped).to_bits(), Format::F32.encode(value));
            }
        }

        #[test]
        fn a_stuck_bit_stays(word in any::<u32>(), mask in 1u32..) {
            let bits: Bits = Bits::from_mask(mask).unwrap();
            let value = f32::from_bits(word);
            let stored = Format::F32.encode(value);
            prop_assert_eq!(Corruption::StuckAt1(bits).apply(value, Format::F32).to_bits(), stored | mask);
            prop_assert_eq!(Corruption::StuckAt0(bits).apply(value, Format::F32).to_bits(), stored & !mask);
        }
    }

    #[test]
    fn a_nan_is_the_same_nan_whatever_its_payload() {
        for word in [0x7fc0_0000, 0x7f80_0001, 0xffff_ffff_u32] {
            assert_eq!(flip(30, f32::from_bits(word)).to_bits(), 0x3fc0_0000);
        }
        assert!(Corruption::flip(32).is_err());
    }
}
