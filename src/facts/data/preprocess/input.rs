//! Which axis of an input is which.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Longest side of an input, in pixels.
const LONGEST: usize = 1 << 13;

/// Height and width of an input that a model file leaves open, `224x224`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InputSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl InputSize {
    /// Gives the open axes of `shape` these lengths. The first axis is that of the batch; of the others the channels are the one
    /// with a length, or with the length that the reading of [`InputShape::of`] wants.
    ///
    /// # Errors
    /// Where the axes cannot be told apart, no axis is open, or one that is not has another length.
    pub fn fill(self, shape: &[Option<usize>]) -> Result<Vec<usize>> {
        let Self { height, width } = self;
        let candidates: &[[usize; 2]] = match *shape {
            [_, Some(1 | 3 | 4), _, _] => &[[2, 3]],
            [_, _, _, Some(1 | 3 | 4)] => &[[1, 2]],
            [_, _, _] => &[[1, 2]],
            _ => &[],
        };
        let shown = || {
            let axes: Vec<_> =
                shape.iter().map(|axis| axis.map_or_else(|| "?".to_owned(), |axis| axis.to_string())).collect();
            axes.join(" x ")
        };
        let [[rows, columns]] = *candidates else {
            return Err(Error::request(format_args!(
                "--input-size does not apply to an input of shape {}, whose height and width cannot be told",
                shown()
            )));
        };
        if shape[rows].is_some_and(|found| found != height) || shape[columns].is_some_and(|found| found != width) {
            return Err(Error::request(format_args!(
                "--input-size {self} does not fit the model's input, {}",
                shown()
            )));
        }
        let mut filled: Vec<Option<usize>> = shape.to_vec();
        (filled[0], filled[rows], filled[columns]) = (Some(1), Some(height), Some(width));
        filled
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| Error::request(format_args!("the input's shape {} leaves the channels open, too", shown())))
    }

    /// Makes sure that an input of shape `shape` has this size.
    ///
    /// # Errors
    /// Where it has another.
    pub fn check_fixed(self, shape: &[usize]) -> Result<()> {
        match InputShape::of(shape) {
            Some(InputShape { height, width, .. }) if (height, width) != (self.height, self.width) => {
                Err(Error::request(format_args!(
                    "the model's input is {height} x {width}, --input-size {self} does not fit it; it is for models that leave \
                     the size open"
                )))
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for InputSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=LONGEST).contains(side));
        let sides = match text.split_once(['x', 'X']) {
            Some((height, width)) => side(height).zip(side(width)),
            None => side(text).map(|side| (side, side)),
        };
        let expected = || format!("height and width in pixels are expected, 1 to {LONGEST}, such as 224x224");
        sides.map(|(height, width)| Self { height, width }).ok_or_else(expected)
    }
}

impl Display for InputSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.height, self.width)
    }
}

impl TryFrom<String> for InputSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<InputSize> for String {
    fn from(size: InputSize) -> Self {
        size.to_string()
    }
}

/// Where the channels, rows and columns of an image are in an input tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// 1, 3, or 4 with an alpha channel.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Whether the channels of a pixel are neighbours.
    pub channels_last: bool,
}

impl InputShape {
    /// The reading of `shape`: 1 x C x H x W or 1 x H x W x C with 1, 3 or 4 channels, 1 x H x W for grey images, or 1 x N,
    /// where N is the number of pixels of a square, grey or in three planes. Channels come first where both readings fit.
    pub fn of(shape: &[usize]) -> Option<Self> {
        let image = |channels, height, width, channels_last| Self { channels, height, width, channels_last };
        match *shape {
            [1, channels @ (1 | 3 | 4), height, width] => Some(image(channels, height, width, false)),
            [1, height, width, channels @ (1 | 3 | 4)] => Some(image(channels, height, width, true)),
            [1, height, width] => Some(image(1, height, width, false)),
            // No number is both: 3 is no square.
            [1, count] => [1, 3].into_iter().find_map(|channels| {
                let side = (count / channels).isqrt();
                (side > 0 && side * side * channels == count).then(|| image(channels, side, side, false))
            }),
            _ => None,
        }
    }

    /// What the reading of `shape` assumes, for the user.
    pub fn assumed(shape: &[usize]) -> Option<String> {
        let Self { channels, height, width, .. } = Self::of(shape)?;
        match (shape.len(), channels) {
            (2, 1) => Some(format!(
                "the input has {} numbers in a row: they are taken for a grey image of {height} x {width}, row by row",
                shape[1]
            )),
            (2, _) => Some(format!(
                "the input has {} numbers in a row: they are taken for an image of {height} x {width}, all of red, then green, \
                 then blue",
                shape[1]
            )),
            (_, 4) => Some(
                "the input has four channels: the fourth is taken for an opaque alpha channel, 255 for every pixel"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
