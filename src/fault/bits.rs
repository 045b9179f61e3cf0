//! The bits of a float32: pure functions.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Bits of a float32.
pub const BIT_COUNT: u8 = 32;

/// The part of a float32 that a bit belongs to, from the most significant one down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BitField {
    /// Bit 31.
    Sign,
    /// Bits 23 to 30.
    Exponent,
    /// Bits 0 to 22.
    Mantissa,
}

/// The field that `bit` (0 = least significant mantissa bit, 31 = sign) belongs to.
pub fn bit_field(bit: u8) -> BitField {
    match bit {
        0..23 => BitField::Mantissa,
        23..31 => BitField::Exponent,
        _ => BitField::Sign,
    }
}

/// `value` with `bit` inverted (0 = least significant mantissa bit, 31 = sign). Twice is the identity, NaN
/// payloads included.
///
/// # Errors
/// Where `bit` is not in 0..32.
pub fn flip(value: f32, bit: u8) -> Result<f32> {
    if bit >= BIT_COUNT {
        return Err(Error::request(format_args!("bit {bit} is out of range: a float32 has bits 0 to 31")));
    }
    Ok(f32::from_bits(value.to_bits() ^ (1 << bit)))
}
