//! The part of an image that is kept.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::image::Image;

/// Largest number in a fraction.
const MOST: u64 = 1_000_000;
/// Most times that an image may be larger than its kept part.
const MOST_RATIO: u64 = 8;

/// How much larger an image becomes than the part of its centre that is kept: `256/224`, or the share that is kept, `0.875`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crop {
    whole: u64,
    kept: u64,
}

impl Crop {
    /// Torchvision's `Resize(256)` and `CenterCrop(224)`.
    pub(crate) const TORCHVISION: Self = Self { whole: 256, kept: 224 };

    /// The length of a side, rounded down, of which `kept` pixels remain.
    pub(super) fn before(self, kept: usize) -> Option<usize> {
        usize::try_from(u128::from(self.whole) * kept as u128 / u128::from(self.kept)).ok()
    }

    /// In words.
    pub(super) fn ratio(self) -> String {
        format!("{}/{} of the input's", self.whole, self.kept)
    }
}

impl FromStr for Crop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "the image's size before its centre is kept, and after, is expected, such as 256/224, or the share that is kept, \
                 such as 0.875; the whole is at most {MOST_RATIO} times the part"
            )
        };
        let whole_number = |text: &str| text.trim().parse::<u64>().ok().filter(|number| (1..=MOST).contains(number));
        let sides = match text.split_once('/') {
            Some((whole, kept)) => whole_number(whole).zip(whole_number(kept)),
            None => share(text.trim()),
        };
        let (one, other) = sides.ok_or_else(expected)?;
        let (whole, kept) = (one.max(other), one.min(other));
        if whole > kept * MOST_RATIO { Err(expected()) } else { Ok(Self { whole, kept }) }
    }
}

/// The whole and the kept part of a share such as 0.875: 1000 and 875.
fn share(text: &str) -> Option<(u64, u64)> {
    if text == "1" {
        return Some((1, 1));
    }
    let digits = text.strip_prefix("0.").or_else(|| text.strip_prefix('.'))?;
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = digits.parse().ok().filter(|&kept| kept > 0)?;
    Some((10_u64.pow(digits.len() as u32), kept))
}

impl Display for Crop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.whole, self.kept)
    }
}

impl TryFrom<String> for Crop {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Crop> for String {
    fn from(crop: Crop) -> Self {
        crop.to_string()
    }
}

/// Half of `length` as Python's `round` has it, which torchvision's `CenterCrop` uses: halves go to the even number.
pub(super) fn halves_to_even(length: usize) -> usize {
    let half = length / 2;
    half + (length % 2) * (half % 2)
}

/// The `kept` pixels in the middle of `image`, with black where there are none.
pub(super) fn or_pad(image: &Image, kept: [usize; 2]) -> Cow<'_, [u8]> {
    let [width, height] = kept;
    if (image.width, image.height) == (width, height) {
        return image.rgb.as_slice().into();
    }
    // First pixel of the image, first pixel of the result, and how many pixels they share.
    let axis = |from: usize, to: usize| (from.saturating_sub(to) / 2, to.saturating_sub(from) / 2, from.min(to));
    let (left, column, columns) = axis(image.width, width);
    let (top, row, rows) = axis(image.height, height);
    let mut rgb = vec![0; width * height * 3];
    for at in 0..rows {
        let from = &image.rgb[((top + at) * image.width + left) * 3..][..columns * 3];
        rgb[((row + at) * width + column) * 3..][..columns * 3].copy_from_slice(from);
    }
    rgb.into()
}
