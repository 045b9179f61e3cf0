//! Floats of fewer than 32 bits.

/// The layout of a float: sign, exponent, mantissa.
#[derive(Clone, Copy, Debug)]
pub(super) struct Float {
    /// Bits of the mantissa, without the leading 1.
    mantissa: u32,
    /// Bits of the exponent.
    exponent: u32,
    /// Exponent of the smallest normal number.
    least: i32,
    /// The largest finite number, and its word.
    most: (f32, u32),
    /// Whether the words above are infinity and NaN; without it there is one NaN and no infinity, and overflow saturates.
    is_infinite: bool,
    /// The word that stands for every NaN.
    nan: u32,
}

pub(super) const F16: Float =
    Float { mantissa: 10, exponent: 5, least: -14, most: (65504.0, 0x7bff), is_infinite: true, nan: 0x7e00 };
pub(super) const BF16: Float = Float {
    mantissa: 7,
    exponent: 8,
    least: -126,
    most: (f32::from_bits(0x7f7f_0000), 0x7f7f),
    is_infinite: true,
    nan: 0x7fc0,
};
pub(super) const E4M3: Float =
    Float { mantissa: 3, exponent: 4, least: -6, most: (448.0, 0x7e), is_infinite: false, nan: 0x7f };
pub(super) const E5M2: Float =
    Float { mantissa: 2, exponent: 5, least: -14, most: (57344.0, 0x7b), is_infinite: true, nan: 0x7e };

/// 2 to the power of `exponent`, which a normal float64 holds.
fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

impl Float {
    /// The word of the nearest number, and of the even one of two.
    pub fn encode(self, value: f32) -> u32 {
        if value.is_nan() {
            return self.nan;
        }
        let sign = (value.to_bits() >> 31) << (self.mantissa + self.exponent);
        let (_, most) = self.most;
        let over = if self.is_infinite { most + 1 } else { most };
        let size = f64::from(value.abs());
        if size == 0.0 {
            return sign;
        }
        if size.is_infinite() {
            return sign | over;
        }
        // A float32 is a normal float64. The number of quanta carries into the exponent by itself.
        let exponent = ((size.to_bits() >> 52) as i32 - 1023).max(self.least);
        let quanta = (size * power(self.mantissa as i32 - exponent)).round_ties_even() as u32;
        let word = (((exponent - self.least) as u32) << self.mantissa) + quanta;
        sign | if word > most { over } else { word }
    }

    /// The value of a word.
    pub fn decode(self, word: u32) -> f32 {
        let sign = if word >> (self.mantissa + self.exponent) & 1 == 1 { -1.0 } else { 1.0 };
        let size = word & ((1 << (self.mantissa + self.exponent)) - 1);
        let (_, most) = self.most;
        if size > most {
            return if self.is_infinite && size == most + 1 { sign * f32::INFINITY } else { f32::NAN };
        }
        let (exponent, mantissa) = (size >> self.mantissa, size & ((1 << self.mantissa) - 1));
        let (mantissa, exponent) = match exponent {
            0 => (mantissa, 0),
            _ => (mantissa + (1 << self.mantissa), exponent as i32 - 1),
        };
        sign * (f64::from(mantissa) * power(exponent + self.least - self.mantissa as i32)) as f32
    }

    /// The value of the word of `value`, in float32 arithmetic and without branches, so that the compiler vectorises it.
    #[inline(always)]
    pub fn round(self, value: f32) -> f32 {
        let sign = value.to_bits() & 0x8000_0000;
        let size = value.to_bits() & 0x7fff_ffff;
        let shift = 23 - self.mantissa;
        let half = (1 << (shift - 1)) - 1 + ((size >> shift) & 1);
        let normal = f32::from_bits((size.wrapping_add(half) & !((1 << shift) - 1)) & 0x7fff_ffff);
        // The sum's last bit is worth the quantum of the numbers below the smallest normal one.
        let shifter = f32::from_bits(((127 + self.least - self.mantissa as i32 + 23) as u32) << 23);
        let below = (f32::from_bits(size) + shifter) - shifter;
        let least = ((127 + self.least) as u32) << 23;
        let rounded = if size < least { below } else { normal };
        let (most, _) = self.most;
        let over = if self.is_infinite { f32::INFINITY } else { most };
        let rounded = if rounded > most { over } else { rounded };
        let rounded = f32::from_bits(rounded.to_bits() | sign);
        if value.is_nan() { f32::NAN } else { rounded }
    }
}
