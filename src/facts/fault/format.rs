//! Number formats: how a value is stored, and the meaning of each stored bit.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How a value is stored. A fault strikes the stored bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// IEEE 754 binary32.
    #[default]
    F32,
}

/// The part of a stored number that a bit belongs to, from the most significant one down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BitField {
    /// The sign.
    Sign,
    /// The exponent.
    Exponent,
    /// The mantissa.
    Mantissa,
}

impl BitField {
    /// All fields.
    pub const ALL: [Self; 3] = [Self::Sign, Self::Exponent, Self::Mantissa];

    /// The field's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Exponent => "exponent",
            Self::Mantissa => "mantissa",
        }
    }
}

/// The word that stands for every NaN of a float32. IEEE 754 leaves the payload of a computed NaN open, and machines differ.
const F32_NAN: u32 = 0x7fc0_0000;

impl Format {
    /// Number of stored bits. Bit 0 is the least significant one.
    pub const fn width(self) -> u8 {
        match self {
            Self::F32 => 32,
        }
    }

    /// All bits, the most significant one first, as they are written down.
    pub fn bits(self) -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator {
        (0..self.width()).rev()
    }

    /// The fields with their bits, the most significant field first. This table is the only place that knows them.
    pub const fn fields(self) -> &'static [(BitField, Range<u8>)] {
        match self {
            Self::F32 => &[(BitField::Sign, 31..32), (BitField::Exponent, 23..31), (BitField::Mantissa, 0..23)],
        }
    }

    /// The field that `bit` belongs to; `None` where the format has no such bit.
    pub fn field(self, bit: u8) -> Option<BitField> {
        self.fields().iter().find(|(_, bits)| bits.contains(&bit)).map(|&(field, _)| field)
    }

    /// The name of the field that `bit` belongs to; empty where the format has no such bit.
    pub fn field_name(self, bit: u8) -> &'static str {
        self.field(bit).map_or("", BitField::name)
    }

    /// The bits of `field`; empty where the format has no such field.
    pub fn bits_of(self, field: BitField) -> Range<u8> {
        self.fields().iter().find(|(known, _)| *known == field).map_or(0..0, |(_, bits)| bits.clone())
    }

    /// The stored word of `value`. All NaNs have one word.
    pub fn encode(self, value: f32) -> u32 {
        match self {
            Self::F32 if value.is_nan() => F32_NAN,
            Self::F32 => value.to_bits(),
        }
    }

    /// The value of a stored word.
    pub fn decode(self, word: u32) -> f32 {
        match self {
            Self::F32 => f32::from_bits(word),
        }
    }

    /// The nearest value that the format can hold.
    pub fn round(self, value: f32) -> f32 {
        match self {
            Self::F32 => value,
        }
    }

    /// The format's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_word_survives_decoding_and_encoding(word in any::<u32>()) {
            let value = Format::F32.decode(word);
            let again = Format::F32.encode(value);
            prop_assert_eq!(again, if value.is_nan() { F32_NAN } else { word });
            prop_assert_eq!(Format::F32.round(value).to_bits(), value.to_bits());
        }
    }

    #[test]
    fn the_fields_cover_every_bit_once() {
        let format = Format::F32;
        for bit in 0..format.width() {
            let holders = format.fields().iter().filter(|(_, bits)| bits.contains(&bit)).count();
            assert_eq!(holders, 1, "bit {bit}");
        }
        assert_eq!(format.field(format.width()), None);
        assert_eq!(format.bits_of(BitField::Exponent), 23..31);
    }
}
