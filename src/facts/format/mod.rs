//! Number formats: the stored word of a value, and the meaning of each stored bit.
//!
//! A fault strikes stored bits. Tensors hold float32 numbers in memory; a tensor with another format holds only numbers
//! that the format can represent. [`Code`] adds the scale and the zero point of integer formats.

mod code;
mod float;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use code::{Code, Scale, Scales};
use float::Float;

use crate::{Error, Result};

/// A number format. As text `f32`, `f16`, `bf16`, `e4m3`, `e5m2`, `int8`, `uint8`, `int16`, `uint16`, `int4`, `uint4`, `int32` or `fixed:M.N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// IEEE 754 binary32.
    #[default]
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// OCP's 8-bit float with four bits of exponent: no infinity, one NaN of each sign, 448 the largest number.
    E4m3,
    /// OCP's 8-bit float with five bits of exponent, infinity and NaN.
    E5m2,
    /// An integer of 8 bits, two's complement.
    I8,
    /// An integer of 8 bits without a sign.
    U8,
    /// An integer of 16 bits, two's complement.
    I16,
    /// An integer of 16 bits without a sign.
    U16,
    /// An integer of 4 bits, two's complement.
    I4,
    /// An integer of 4 bits without a sign.
    U4,
    /// An integer of 32 bits, two's complement.
    I32,
    /// A fixed-point number, two's complement: sign, `whole` bits before the point, `fraction` bits behind it.
    Fixed {
        /// Bits before the point.
        whole: u8,
        /// Bits behind the point.
        fraction: u8,
    },
}

/// The part of a stored number that a bit belongs to, from the most significant one down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BitField {
    /// The sign.
    Sign,
    /// The exponent of a float.
    Exponent,
    /// The mantissa of a float.
    Mantissa,
    /// The bits of an integer, or those before the point.
    Integer,
    /// The bits behind the point.
    Fraction,
}

impl BitField {
    /// All fields.
    pub const ALL: [Self; 5] = [Self::Sign, Self::Exponent, Self::Mantissa, Self::Integer, Self::Fraction];

    /// The field's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Exponent => "exponent",
            Self::Mantissa => "mantissa",
            Self::Integer => "integer",
            Self::Fraction => "fraction",
        }
    }
}

impl Format {
    /// The formats without parameters.
    pub const NAMED: [Self; 12] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::E4m3,
        Self::E5m2,
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I4,
        Self::U4,
        Self::I32,
    ];

    /// Number of stored bits. Bit 0 is the least significant one.
    pub const fn width(self) -> u8 {
        match self {
            Self::F32 | Self::I32 => 32,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 16,
            Self::I4 | Self::U4 => 4,
            Self::E4m3 | Self::E5m2 | Self::I8 | Self::U8 => 8,
            Self::Fixed { whole, fraction } => 1 + whole + fraction,
        }
    }

    /// The word in which all stored bits are 1.
    pub const fn mask(self) -> u32 {
        u32::MAX >> (32 - self.width() as u32)
    }

    /// All bits, the most significant one first, as they are written down.
    pub fn bits(self) -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator {
        (0..self.width()).rev()
    }

    /// Whether the format is a float; the others are integers and fixed point, with a scale.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::E4m3 | Self::E5m2)
    }

    /// Whether the format's values depend on a scale, which golden runs teach.
    pub const fn is_scaled(self) -> bool {
        matches!(self, Self::I8 | Self::U8 | Self::I16 | Self::U16 | Self::I32 | Self::I4 | Self::U4)
    }

    /// The fields with their bits, the most significant field first. This table is the only place that knows them.
    pub fn fields(self) -> Vec<(BitField, Range<u8>)> {
        let (sign, float) = (BitField::Sign, |exponent: Range<u8>| (exponent.start, exponent));
        let fields = match self {
            Self::F32 | Self::F16 | Self::Bf16 | Self::E4m3 | Self::E5m2 => {
                let (mantissa, exponent) = float(match self {
                    Self::F16 => 10..15,
                    Self::Bf16 => 7..15,
                    Self::E4m3 => 3..7,
                    Self::E5m2 => 2..7,
                    _ => 23..31,
                });
                let top = exponent.end;
                vec![(sign, top..top + 1), (BitField::Exponent, exponent), (BitField::Mantissa, 0..mantissa)]
            }
            Self::U8 | Self::U16 | Self::U4 => vec![(BitField::Integer, 0..self.width())],
            Self::I8 | Self::I16 | Self::I32 | Self::I4 => {
                let top = self.width() - 1;
                vec![(sign, top..top + 1), (BitField::Integer, 0..top)]
            }
            Self::Fixed { whole, fraction } => {
                let top = whole + fraction;
                vec![(sign, top..top + 1), (BitField::Integer, fraction..top), (BitField::Fraction, 0..fraction)]
            }
        };
        fields.into_iter().filter(|(_, bits)| !bits.is_empty()).collect()
    }

    /// The field that `bit` belongs to; `None` where the format has no such bit.
    pub fn field(self, bit: u8) -> Option<BitField> {
        self.fields().iter().find(|(_, bits)| bits.contains(&bit)).map(|&(field, _)| field)
    }

    /// The name of the field that `bit` belongs to; empty where the format has no such bit.
    pub fn field_name(self, bit: u8) -> &'static str {
        self.field(bit).map_or("", BitField::name)
    }

    /// The fields that the bits of `mask` belong to.
    pub fn fields_of(self, mask: u32) -> impl Iterator<Item = BitField> {
        let fields = self.fields().into_iter();
        fields.filter(move |(_, bits)| bits.clone().any(|bit| mask >> bit & 1 == 1)).map(|(field, _)| field)
    }

    /// The bits of `field`; empty where the format has no such field.
    pub fn bits_of(self, field: BitField) -> Range<u8> {
        self.fields().iter().find(|(known, _)| *known == field).map_or(0..0, |(_, bits)| bits.clone())
    }

    /// The stored word of `value`. All NaNs have one word.
    pub fn encode(self, value: f32) -> u32 {
        Code::from(self).encode(value)
    }

    /// The value of a stored word.
    pub fn decode(self, word: u32) -> f32 {
        Code::from(self).decode(word)
    }

    /// The nearest value that the format can hold; of two that are equally near, the one with an even word.
    pub fn round(self, value: f32) -> f32 {
        Code::from(self).round(value)
    }

    /// The format's name in messages.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::E4m3 => "float8 E4M3",
            Self::E5m2 => "float8 E5M2",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I4 => "int4",
            Self::U4 => "uint4",
            Self::I32 => "int32",
            Self::Fixed { whole, fraction } => return Cow::Owned(format!("fixed point {whole}.{fraction}")),
        })
    }

    /// Whether this is the default, which files leave out.
    pub fn is_default(&self) -> bool {
        *self == Self::F32
    }

    /// The layout of a float of fewer than 32 bits.
    #[inline(always)]
    const fn float(self) -> Option<Float> {
        match self {
            Self::F16 => Some(float::F16),
            Self::Bf16 => Some(float::BF16),
            Self::E4m3 => Some(float::E4M3),
            Self::E5m2 => Some(float::E5M2),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::E4m3 => "e4m3",
            Self::E5m2 => "e5m2",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I4 => "int4",
            Self::U4 => "uint4",
            Self::I32 => "int32",
            Self::Fixed { whole, fraction } => return write!(out, "fixed:{whole}.{fraction}"),
        })
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(format) = Self::NAMED.into_iter().find(|format| format.to_string() == text) {
            return Ok(format);
        }
        let fixed = || {
            let (whole, fraction) = text.strip_prefix("fixed:")?.split_once('.')?;
            Some((whole.parse::<u8>().ok()?, fraction.parse::<u8>().ok()?))
        };
        match fixed() {
            Some((whole, fraction)) if (1..=31).contains(&(u32::from(whole) + u32::from(fraction))) => {
                Ok(Self::Fixed { whole, fraction })
            }
            Some((whole, fraction)) => Err(Error::request(format_args!(
                "fixed:{whole}.{fraction} has {} bits with the sign; 2 to 32 are expected",
                1 + u32::from(whole) + u32::from(fraction)
            ))),
            None => Err(Error::request(format_args!(
                "a number format is expected: f32, f16, bf16, e4m3, e5m2, int8, uint8, int16, uint16, int4, uint4, or fixed:M.N with M \
                 bits before the point and N behind it; found \"{text}\""
            ))),
        }
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
