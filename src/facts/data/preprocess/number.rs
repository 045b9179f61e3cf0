//! Numbers that users state: a factor, and one number or one a channel.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most channels of an input.
const MOST: usize = 4;

/// The factor of pixel values from 0 to 255: above 0, and 1 at most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Scale(f64);

// A factor is finite.
impl Eq for Scale {}

impl Default for Scale {
    fn default() -> Self {
        Self::over(255.0)
    }
}

impl Scale {
    /// One over `divisor`, which is 1 or more.
    pub(super) const fn over(divisor: f64) -> Self {
        Self(1.0 / divisor)
    }

    /// The factor.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// The number with at most one decimal that pixel values are divided by, if there is one.
    pub(super) fn divisor(self) -> Option<f64> {
        let divisor = (10.0 / self.0).round() / 10.0;
        (1.0 / divisor == self.0).then_some(divisor)
    }
}

impl TryFrom<f64> for Scale {
    type Error = String;

    fn try_from(factor: f64) -> Result<Self, String> {
        if factor > 0.0 && factor <= 1.0 {
            return Ok(Self(factor));
        }
        Err(format!(
            "pixel values from 0 to 255 are multiplied by it: a factor above 0 and at most 1 is expected, 1/255 for instance, \
             found {factor}"
        ))
    }
}

impl From<Scale> for f64 {
    fn from(scale: Scale) -> Self {
        scale.0
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let factor = match text.split_once('/') {
            Some((over, under)) => number(over).zip(number(under)).map(|(over, under)| over / under),
            None => number(text),
        };
        factor.ok_or_else(|| "a number or a fraction such as 1/255 is expected".to_owned())?.try_into()
    }
}

impl Display for Scale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.divisor() {
            Some(1.0) => write!(formatter, "1"),
            Some(divisor) => write!(formatter, "1/{divisor}"),
            None => write!(formatter, "{}", self.0),
        }
    }
}

/// One number for all channels, or one a channel; finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Numbers(Vec<f64>);

// The numbers are finite.
impl Eq for Numbers {}

impl Default for Numbers {
    fn default() -> Self {
        Self(vec![0.0])
    }
}

impl Numbers {
    pub(super) fn known(numbers: &[f64]) -> Self {
        Self(numbers.to_vec())
    }

    /// The numbers.
    pub fn list(&self) -> &[f64] {
        &self.0
    }

    pub(super) fn reverse(&mut self) {
        self.0.reverse();
    }

    /// The numbers of `channels` channels, where there is one or as many.
    pub(super) fn of(&self, channels: usize) -> Option<Vec<f32>> {
        match self.0.as_slice() {
            &[one] => Some(vec![one as f32; channels]),
            list if list.len() == channels => Some(list.iter().map(|&number| number as f32).collect()),
            _ => None,
        }
    }

    /// As part of a formula.
    pub(super) fn shown(&self) -> String {
        match self.0.as_slice() {
            [one] => one.to_string(),
            _ => format!("[{self}]"),
        }
    }
}

impl TryFrom<Vec<f64>> for Numbers {
    type Error = String;

    fn try_from(numbers: Vec<f64>) -> Result<Self, String> {
        if (1..=MOST).contains(&numbers.len()) && numbers.iter().all(|number| number.is_finite()) {
            return Ok(Self(numbers));
        }
        Err(format!("one number, or one for each of up to {MOST} channels with commas between them, is expected"))
    }
}

impl From<Numbers> for Vec<f64> {
    fn from(numbers: Numbers) -> Self {
        numbers.0
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<f64> = text.split(',').map(|number| number.trim().parse().unwrap_or(f64::NAN)).collect();
        numbers.try_into()
    }
}

impl Display for Numbers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(f64::to_string).collect();
        write!(formatter, "{}", numbers.join(","))
    }
}
