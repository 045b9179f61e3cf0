//! A decoded image.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

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
    /// Decodes JPEG, PNG, WebP, BMP or PNM, whichever the bytes are; greyscale becomes RGB, alpha is dropped and
    /// an orientation tag is not applied, as Pillow's `Image.open(..).convert("RGB")` does it.
    ///
    /// # Errors
    /// Where `bytes` are none of these, are damaged, or state dimensions above 64 megapixels; `name` is the
    /// file's name for the message.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        let damaged = |error| Error::input(name, format_args!("the image cannot be decoded: {error}"));
        let mut reader =
            ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| damaged(error.into()))?;
        if reader.format().is_none() {
            return Err(Error::input(name, "this is not an image; JPEG, PNG, WebP, BMP and PNM are read"));
        }
        let mut limits = Limits::default();
        // 16 bits for each of R, G, B and alpha is the largest pixel of these formats.
        limits.max_alloc = Some(MAX_PIXELS * 8);
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > MAX_PIXELS {
            return Err(Error::input(
                name,
                format_args!("an image of 1 to {MAX_PIXELS} pixels is expected, this one states {width} x {height}"),
            ));
        }
        let rgb = DynamicImage::from_decoder(decoder).map_err(damaged)?.into_rgb8();
        Ok(Self { width: width as usize, height: height as usize, rgb: rgb.into_raw() })
    }
}
