//! A decoded image.

use crate::{Error, Result};

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
    /// Decodes JPEG, PNG, WebP, BMP or PNM; greyscale becomes RGB and alpha is dropped.
    ///
    /// # Errors
    /// Where `bytes` are none of these, are damaged, or state dimensions above 64 megapixels; `name` is the
    /// file's name for the message.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        let _ = bytes;
        Err(Error::input(name, "todo"))
    }
}
