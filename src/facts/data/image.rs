//! A decoded image.

use crate::{Error, Result};

/// Most pixels an image may have: 64 megapixels, the largest that common cameras and scanners make.
pub(super) const MAX_PIXELS: u64 = 64_000_000;

/// An RGB image, 8 bits a channel, row by row, R G B interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height * width * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Image {
    /// Puts an image together from the planes of its channels, `width * height` bytes each: one of grey, or red, green
    /// and blue.
    pub(super) fn from_planes(width: usize, height: usize, planes: &[u8]) -> Self {
        let plane = width * height;
        let last = planes.len() / plane - 1;
        let channel = |channel: usize| &planes[channel.min(last) * plane..];
        let (red, green, blue) = (channel(0), channel(1), channel(2));
        let rgb = (0..plane).flat_map(|at| [red[at], green[at], blue[at]]).collect();
        Self { width, height, rgb }
    }

    /// The columns `left` to `right` and the rows `top` to `bottom`, without the last of each.
    ///
    /// # Errors
    /// Where they are none, or lie outside the image.
    pub fn crop(&self, [left, top, right, bottom]: [usize; 4]) -> Result<Self> {
        if left >= right || top >= bottom || right > self.width || bottom > self.height {
            return Err(Error::request(format_args!(
                "the crop from column {left} to {right} and row {top} to {bottom} does not lie in the {} x {} pixels",
                self.width, self.height
            )));
        }
        let row = |row: usize| &self.rgb[(row * self.width + left) * 3..(row * self.width + right) * 3];
        Ok(Self { width: right - left, height: bottom - top, rgb: (top..bottom).flat_map(row).copied().collect() })
    }
}
