//! From an image's size to the input's.

mod crop;
mod filter;
mod resample;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

pub use crop::Crop;
pub use filter::Filter;

use self::filter::Resampler;
use super::image::{Image, MAX_PIXELS};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// How an image gets the size of the input (names of `--resize`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The whole image, height and width each by their own factor. Unless stated otherwise bilinear with antialiasing, as
    /// Pillow's `BILINEAR`. An image of that size is taken as it is.
    #[default]
    Stretch,
    /// The shorter side becomes longer than the input's, the longer one keeps the ratio (rounded down), then the centre is
    /// kept. Unless stated otherwise as in the study: the shorter side becomes `int(1.14286 d)` pixels, bicubic as OpenCV's
    /// `INTER_CUBIC`, and the `d` x `d` pixels begin `(side - d) / 2` from the edges, rounded down. An image of that size is
    /// no exception.
    ShorterSide,
    /// No pixel is resampled: the centre of a larger image, black around a smaller one (TensorFlow's
    /// `resize_with_crop_or_pad`).
    CropPad,
}

impl Named for Resize {
    const ALL: &'static [(Self, Name)] = &[
        (
            Self::Stretch,
            Name::new(
                "stretch",
                "Stretched to the input's size",
                "the whole image, height and width each by their own factor",
            ),
        ),
        (
            Self::ShorterSide,
            Name::new(
                "shorter-side",
                "Shorter side, then the centre",
                "the study's: the shorter side to 1.14286 times the input's, bicubic, then the centre",
            ),
        ),
        (
            Self::CropPad,
            Name::new(
                "crop-pad",
                "Centre as it is, black around it",
                "the centre of a larger image, black around a smaller one; no pixel is resampled",
            ),
        ),
    ];
}

/// The whole way to the input's size. Where nothing is stated, [`Resize`] has its own filter and crop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizing {
    /// The way. Files that do not say are of a time when there was one way.
    #[serde(default)]
    pub resize: Resize,
    /// How pixels between pixels are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Whether a reduction widens the filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub antialias: Option<bool>,
    /// How much larger the image becomes than the part of its centre that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
}

impl From<Resize> for Sizing {
    fn from(resize: Resize) -> Self {
        Self { resize, ..Self::default() }
    }
}

impl Sizing {
    /// Makes sure that the statements belong together.
    ///
    /// # Errors
    /// Where one of them would have no effect.
    pub fn check(&self) -> Result<()> {
        let stated = [
            ("--filter", self.filter.is_some()),
            ("--antialias", self.antialias.is_some()),
            ("--crop", self.crop.is_some()),
        ];
        if self.resize == Resize::CropPad
            && let Some((flag, _)) = stated.into_iter().find(|(_, stated)| *stated)
        {
            return Err(Error::request(format_args!(
                "{flag} has no effect with --resize crop-pad, which resamples nothing"
            )));
        }
        if let Some(filter @ (Filter::Nearest | Filter::Area)) = self.filter
            && self.antialias.is_some()
        {
            return Err(Error::request(format_args!("--antialias has no effect with --filter {}", filter.name())));
        }
        Ok(())
    }

    /// Makes sure that images can become `width` x `height`.
    ///
    /// # Errors
    /// Where [`Resize::ShorterSide`] is asked for a `width` that is not `height`.
    pub fn check_size(&self, width: usize, height: usize) -> Result<()> {
        if self.resize == Resize::ShorterSide && width != height {
            return Err(Error::request(format_args!(
                "the resize by the shorter side ends in a square, the input is {width} x {height}; --resize stretch fits it"
            )));
        }
        Ok(())
    }

    fn filter(&self) -> Filter {
        self.filter.unwrap_or(match self.resize {
            Resize::Stretch | Resize::CropPad => Filter::Bilinear,
            Resize::ShorterSide => Filter::Bicubic,
        })
    }

    fn antialias(&self) -> bool {
        self.antialias.unwrap_or(self.resize == Resize::Stretch)
    }

    /// The pixels of `image` at `width` x `height`, R G B interleaved; its own bytes where they are taken as they are.
    ///
    /// # Errors
    /// Where a size is absurd, or [`Resize::ShorterSide`] is asked for a `width` that is not `height`.
    pub fn apply<'image>(&self, image: &'image Image, width: usize, height: usize) -> Result<Cow<'image, [u8]>> {
        if image.rgb.len() as u64 != image.width as u64 * image.height as u64 * 3 {
            return Err(Error::request(format_args!(
                "an image of {} x {} has 3 bytes a pixel, here are {}",
                image.width,
                image.height,
                image.rgb.len()
            )));
        }
        check_sizes(image, width, height)?;
        let kept = [width, height];
        let whole = match self.resize {
            Resize::CropPad => return Ok(crop::or_pad(image, kept)),
            Resize::Stretch => kept.map(|side| self.crop.map_or(Some(side), |crop| crop.before(side))),
            Resize::ShorterSide => {
                self.check_size(width, height)?;
                let shorter = self.crop.map_or(Some((1.14286 * width as f64) as usize), |crop| crop.before(width));
                let least = image.width.min(image.height) as u64;
                let side = |length: usize| {
                    let side = (length as u64).checked_mul(shorter? as u64)? / least;
                    usize::try_from(side).ok()
                };
                [image.width, image.height].map(side)
            }
        };
        let [Some(columns), Some(rows)] = whole else { return Err(too_long(image, whole)) };
        if columns.saturating_mul(rows) as u64 > MAX_PIXELS {
            return Err(too_long(image, whole));
        }
        if (image.width, image.height) == (width, height) && [columns, rows] == kept {
            return Ok(image.rgb.as_slice().into());
        }
        let resampler = Resampler { filter: self.filter(), antialias: self.antialias() };
        let part = |whole, kept| self.crop.map_or((whole - kept) / 2, |_| crop::halves_to_even(whole - kept));
        let axis = |from, whole, kept| resampler.taps(from, whole, part(whole, kept), kept);
        let columns = axis(image.width, columns, width);
        let rows = axis(image.height, rows, height);
        Ok(resampler.resample(image, &columns, &rows).into())
    }
}

impl Display for Sizing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resize {
            Resize::Stretch => write!(formatter, "whole image stretched")?,
            Resize::ShorterSide => write!(formatter, "shorter side")?,
            Resize::CropPad => return write!(formatter, "centre as it is, black around it (crop-pad)"),
        }
        match (self.resize, self.crop) {
            (_, Some(crop)) => write!(formatter, " to {}, then the centre", crop.ratio())?,
            (Resize::ShorterSide, None) => write!(formatter, " to 1.14286 times the input's, then the centre")?,
            (_, None) => {}
        }
        write!(formatter, ", {}", self.filter().name())?;
        match self.filter() {
            Filter::Nearest | Filter::Area => Ok(()),
            _ if self.antialias() => write!(formatter, " with antialiasing"),
            _ => write!(formatter, " without antialiasing"),
        }
    }
}

fn too_long(image: &Image, whole: [Option<usize>; 2]) -> Error {
    let [width, height] = whole.map(|side| side.map_or_else(|| "more than 2^64".to_owned(), |side| side.to_string()));
    Error::request(format_args!(
        "an image of {} x {} is too long to be resized to {width} x {height} before it is cropped",
        image.width, image.height
    ))
}

/// Makes sure that a resampler of `image` to `width` x `height` meets no absurd size on its way.
fn check_sizes(image: &Image, width: usize, height: usize) -> Result<()> {
    // A resampler goes over the image at its own width and the new height, or the other way round.
    for (width, height) in [(image.width, image.height), (width, height), (image.width, height)] {
        match width.checked_mul(height) {
            Some(pixels) if (1..=MAX_PIXELS).contains(&(pixels as u64)) => {}
            _ => {
                return Err(Error::request(format_args!(
                    "an image of {} x {} cannot be resized to {width} x {height}: Faultscope handles 1 to {MAX_PIXELS} \
                     pixels",
                    image.width, image.height
                )));
            }
        }
    }
    Ok(())
}
