//! A number format with its scale.

use serde::{Deserialize, Serialize};

use super::Format;
use crate::{Error, Result};

/// The word that stands for every NaN of a float32. IEEE 754 leaves the payload of a computed NaN open, and machines differ.
const F32_NAN: u32 = 0x7fc0_0000;

/// Scale and zero point of integers: a word stands for `scale * (word - zero)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// The value of one step.
    pub scale: f32,
    /// The integer that stands for 0.
    #[serde(default)]
    pub zero: i32,
}

impl Default for Scale {
    /// The integers themselves.
    fn default() -> Self {
        Self { scale: 1.0, zero: 0 }
    }
}

impl Scale {
    /// The scale of integers in `format` that cover the values from `low` to `high`, and 0. `symmetric` ones have the zero
    /// point 0.
    pub fn between(low: f32, high: f32, format: Format, symmetric: bool) -> Self {
        let (least, most) = Code::from(format).integers();
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let scale = |scale: f64| if scale > 0.0 && scale.is_finite() { scale.max(1e-30) as f32 } else { 1.0 };
        if symmetric && least < 0 {
            return Self { scale: scale((-low).max(high) / most as f64), zero: 0 };
        }
        let scale = scale((high - low) / (most - least) as f64);
        let zero = least as f64 - (low / f64::from(scale)).round_ties_even();
        Self { scale, zero: zero.clamp(least as f64, most as f64) as i32 }
    }
}

/// The scales of a tensor of integers: none where it holds the integers themselves, one for the tensor, or one for each
/// channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    /// The axis of the channels, of the tensor as stored.
    #[serde(default)]
    pub axis: usize,
    /// None, one, or one for each index along the axis.
    pub each: Vec<Scale>,
}

impl Scales {
    /// One scale for the whole tensor.
    pub fn of_tensor(scale: Scale) -> Self {
        Self { axis: 0, each: vec![scale] }
    }

    /// Whether the tensor holds the integers themselves.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// The scale of the row-major element `element` of a tensor of `shape`.
    pub fn of(&self, shape: &[usize], element: usize) -> Scale {
        match &self.each[..] {
            [] => Scale::default(),
            [one] => *one,
            each => {
                let inner: usize = shape.iter().skip(self.axis + 1).product();
                each[element / inner.max(1) % each.len()]
            }
        }
    }

    /// Checks that the scales fit a tensor of `shape` stored in `format`.
    ///
    /// # Errors
    /// If there are too many or too few, or a scale is no positive number, or a zero point is outside the format.
    pub fn check(&self, format: Format, shape: &[usize]) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        if !format.is_scaled() {
            return Err(Error::request(format_args!("{} has no scale", format.name())));
        }
        let channels = shape.get(self.axis).copied().unwrap_or(1);
        if self.each.len() != 1 && self.each.len() != channels {
            return Err(Error::request(format_args!(
                "1 or {channels} scales are expected along axis {}, found {}",
                self.axis,
                self.each.len()
            )));
        }
        for &Scale { scale, zero } in &self.each {
            let (low, high) = Code { format, scale, zero: 0 }.integers();
            if !(scale.is_finite() && scale > 0.0) {
                return Err(Error::request(format_args!("a scale is a positive number, found {scale}")));
            }
            if !(low..=high).contains(&i64::from(zero)) || zero != 0 && format.width() > 16 {
                let high = if format.width() > 16 { 0 } else { high };
                let low = if format.width() > 16 { 0 } else { low };
                return Err(Error::request(format_args!(
                    "a zero point of {} is from {low} to {high}, found {zero}",
                    format.name()
                )));
            }
        }
        Ok(())
    }
}

/// How one number is stored: the format and, of an integer, scale and zero point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Code {
    /// The format.
    pub format: Format,
    /// The value of one step of an integer.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero: i32,
}

impl From<Format> for Code {
    /// The integers themselves; of a fixed-point number the steps that the point gives.
    fn from(format: Format) -> Self {
        let scale = match format {
            Format::Fixed { fraction, .. } => f32::from_bits((127 - u32::from(fraction)) << 23),
            _ => 1.0,
        };
        Self { format, scale, zero: 0 }
    }
}

impl Default for Code {
    fn default() -> Self {
        Self::from(Format::F32)
    }
}

impl Code {
    /// Of an element in `format` with this scale. Formats without a scale take none.
    pub fn new(format: Format, scale: Scale) -> Self {
        if format.is_scaled() { Self { format, scale: scale.scale, zero: scale.zero } } else { Self::from(format) }
    }

    /// The smallest and the largest integer of an integer format.
    fn integers(self) -> (i64, i64) {
        match self.format {
            Format::U8 | Format::U16 | Format::U4 => (0, i64::from(self.format.mask())),
            format => {
                let half = 1i64 << (format.width() - 1);
                (-half, half - 1)
            }
        }
    }

    /// The smallest and the largest number of steps from 0.
    fn most_steps(self) -> (f32, f32) {
        let (low, high) = self.integers();
        ((low - i64::from(self.zero)) as f32, (high - i64::from(self.zero)) as f32)
    }

    /// The number of steps from 0, between `low` and `high`, to the value that stands for `value`. A NaN, which integers lack,
    /// is 0.
    #[inline(always)]
    fn steps(self, value: f32, (low, high): (f32, f32)) -> f32 {
        let steps = (value / self.scale).round_ties_even();
        let steps = if steps.is_nan() { 0.0 } else { steps };
        // The sum makes a negative zero positive.
        steps.max(low).min(high) + 0.0
    }

    /// The stored word of `value`. All NaNs have one word.
    pub fn encode(self, value: f32) -> u32 {
        match (self.format, self.format.float()) {
            (Format::F32, _) if value.is_nan() => F32_NAN,
            (Format::F32, _) => value.to_bits(),
            (_, Some(float)) => float.encode(value),
            _ => {
                let (low, high) = self.integers();
                let integer = (self.steps(value, self.most_steps()) as i64 + i64::from(self.zero)).clamp(low, high);
                integer as u32 & self.format.mask()
            }
        }
    }

    /// The value of a stored word.
    pub fn decode(self, word: u32) -> f32 {
        match (self.format, self.format.float()) {
            (Format::F32, _) => f32::from_bits(word),
            (_, Some(float)) => float.decode(word),
            _ => {
                let word = i64::from(word & self.format.mask());
                let (_, high) = self.integers();
                let integer = if word > high { word - (1i64 << self.format.width()) } else { word };
                (integer - i64::from(self.zero)) as f32 * self.scale
            }
        }
    }

    /// The value of the stored word of `value`.
    #[inline(always)]
    pub fn round(self, value: f32) -> f32 {
        match (self.format, self.format.float()) {
            (Format::F32, _) => value,
            (_, Some(float)) => float.round(value),
            _ => self.steps(value, self.most_steps()) * self.scale,
        }
    }

    /// Rounds every element, in loops that the compiler vectorises.
    #[inline(always)]
    pub fn round_all(self, elements: &mut [f32]) {
        #[inline(always)]
        fn each(elements: &mut [f32], round: impl Fn(f32) -> f32) {
            elements.iter_mut().for_each(|element| *element = round(*element));
        }
        match self.format {
            Format::F32 => {}
            Format::F16 => each(elements, |value| super::float::F16.round(value)),
            Format::Bf16 => each(elements, |value| super::float::BF16.round(value)),
            Format::E4m3 => each(elements, |value| super::float::E4M3.round(value)),
            Format::E5m2 => each(elements, |value| super::float::E5M2.round(value)),
            _ => {
                // Found once: found for each element, they keep the loop from being vectorised.
                let most = self.most_steps();
                each(elements, |value| self.steps(value, most) * self.scale);
            }
        }
    }
}
