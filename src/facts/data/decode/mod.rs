//! From an image file to pixels, and what is wrong with a file that is none.

#[cfg(test)]
mod tests;

use std::error::Error as Cause;
use std::io::{self, Cursor, ErrorKind};

use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits,
};

use super::image::{Image, MAX_PIXELS};
use crate::limits::{self, Memory};
use crate::{Error, Result};

/// Share of the memory that one image may take while it is decoded: a few are decoded at a time, beside a model.
const SHARE: u64 = 4;

const CUT_SHORT: &str = "is cut short";

impl Image {
    /// Decodes JPEG, PNG, WebP, BMP or PNM, whichever the bytes are; greyscale becomes RGB, alpha is dropped and
    /// an orientation tag is not applied, as Pillow's `Image.open(..).convert("RGB")` does it.
    ///
    /// # Errors
    /// Where `bytes` are none of these, are damaged, or state dimensions above 64 megapixels or of more pixels than a
    /// quarter of the memory that is allowed holds; `name` is the file's name for the message.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::decode_within(name, bytes, limits::allowed())
    }

    /// The same within another `memory`.
    pub(super) fn decode_within(name: &str, bytes: &[u8], memory: Memory) -> Result<Self> {
        let (decoder, file) = open(name, bytes, memory)?;
        let (width, height) = decoder.dimensions();
        if let Some(ended) = Some(bytes).filter(|_| file.is_open_jpeg()).and_then(ended) {
            return Self::decode_within(name, &ended, memory);
        }
        let rgb = DynamicImage::from_decoder(decoder).map_err(|error| file.refused(name, &error))?.into_rgb8();
        // The decoder makes up what is missing at the end of a JPEG; an experiment must not take that for a photo.
        if !file.whole {
            return Err(file.problem(name, CUT_SHORT));
        }
        Ok(Self { width: width as usize, height: height as usize, rgb: rgb.into_raw() })
    }

    /// The image as a PNG, which loses nothing.
    ///
    /// # Errors
    /// Where it has no pixels, or more than a PNG can.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let (width, height) = (u32::try_from(self.width), u32::try_from(self.height));
        let (Ok(width), Ok(height)) = (width, height) else {
            return Err(Error::request("the image is too large for a PNG"));
        };
        let mut png = Vec::new();
        let made = PngEncoder::new(&mut png).write_image(&self.rgb, width, height, ExtendedColorType::Rgb8);
        made.map_err(|error| Error::request(format_args!("the image cannot be written as a PNG: {error}")))?;
        Ok(png)
    }
}

/// What is known of an image file before its pixels are read.
struct File {
    /// The name of its format, in capitals.
    what: String,
    /// Whether it has the end that its format gives it.
    whole: bool,
}

impl File {
    /// Whether it is a JPEG without its end.
    fn is_open_jpeg(&self) -> bool {
        !self.whole && self.what == "JPEG"
    }

    fn refused(&self, name: &str, error: &ImageError) -> Error {
        self.problem(name, if self.whole { ailment(error) } else { CUT_SHORT })
    }

    fn problem(&self, name: &str, ailment: &str) -> Error {
        Error::input(name, format_args!("the {} {ailment}", self.what))
    }
}

/// Reads the header of the image `bytes`, and checks what it states.
fn open<'a>(name: &str, bytes: &'a [u8], memory: Memory) -> Result<(impl ImageDecoder + use<'a>, File)> {
    if bytes.is_empty() {
        return Err(Error::input(name, "the file is empty"));
    }
    let format = image::guess_format(bytes)
        .map_err(|_| Error::input(name, "this is no image; JPEG, PNG, WebP, BMP and PNM are read"))?;
    let what = format!("{format:?}").to_uppercase();
    if !format.reading_enabled() {
        return Err(Error::input(name, format_args!("a {what} is not read; JPEG, PNG, WebP, BMP and PNM are")));
    }
    let file = File { what, whole: ends(format, bytes) };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // 16 bits for each of R, G, B and alpha is the largest pixel of these formats.
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| file.refused(name, &error))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(Error::input(
            name,
            format_args!("an image of 1 to {MAX_PIXELS} pixels is expected, this one states {width} x {height}"),
        ));
    }
    // The pixels as the decoder gives them, and as three bytes each.
    let needed = decoder.total_bytes().saturating_add(pixels * 3);
    let subject = format!("an image of {width} x {height} pixels, with room for others beside it, needs");
    memory.check(&subject, needed.saturating_mul(SHARE)).map_err(|error| error.concerning(name))?;
    Ok((decoder, file))
}

/// Bytes in which the header of most images ends.
const HEAD: usize = 16 << 10;

/// Checks the header of an image file, which `first` reads: so many bytes from its beginning, or all that there are. A file
/// whose header does not end within a few bytes, or is damaged, is read as a whole.
///
/// # Errors
/// As [`Image::decode`], as far as the header tells; and those of `first`.
pub fn check_header(name: &str, mut first: impl FnMut(usize) -> Result<Vec<u8>>) -> Result<()> {
    let head = first(HEAD)?;
    match open(name, &head, limits::allowed()) {
        Err(_) if head.len() == HEAD => open(name, &first(usize::MAX)?, limits::allowed()).map(drop),
        opened => opened.map(drop),
    }
}

/// What `error` says of an image file, as the end of a sentence.
fn ailment(error: &ImageError) -> &'static str {
    let mut cause: Option<&(dyn Cause + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::UnexpectedEof) {
            return CUT_SHORT;
        }
        cause = error.source();
    }
    match error {
        ImageError::Limits(_) => "states a size that no camera makes",
        ImageError::Unsupported(_) => "is of a kind that is not read",
        _ => "is damaged",
    }
}

/// Whether a file has the end that its format gives it, as far as that can be told.
fn ends(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Jpeg => jpeg_ends(bytes),
        ImageFormat::Png => bytes.windows(4).any(|chunk| chunk == b"IEND"),
        _ => true,
    }
}

/// A JPEG whose end is zeros, as some cameras and file systems leave it, with the marker of the end in their place; nothing if
/// it is another file, or its data break off before the zeros.
///
/// Behind data that are complete anything may stand, and the image is the same. Of data that break off the decoder goes on with
/// what stands behind them.
fn ended(bytes: &[u8]) -> Option<Vec<u8>> {
    const END: [u8; 2] = [0xff, 0xd9];
    const ANYTHING: [u8; 64] = [0xa5; 64];
    let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
    // One of them may belong to the data.
    let data = (zeros > 0 && !jpeg_ends(bytes)).then(|| &bytes[..bytes.len() - zeros + 1])?;
    let decoded = |bytes: &[u8]| image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).ok();
    let ended = [data, &END].concat();
    let image = decoded(&ended)?;
    (image == decoded(&[data, &ANYTHING, &END].concat())?).then_some(ended)
}

/// Whether the marker that ends a JPEG follows its scan. An embedded preview has one, too, so the segments before the
/// scan are left out; in the scan's own data the marker cannot occur. Bytes between segments that belong to none are passed over,
/// as libjpeg does.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const SCAN: u8 = 0xda;
    let mut at = 2;
    while let Some(&[first, marker, high, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        if first != 0xff {
            at += 1;
            continue;
        }
        match marker {
            // A stuffed byte is no marker.
            0 => at += 2,
            SCAN => return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            // Markers may be padded.
            0xff => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}
