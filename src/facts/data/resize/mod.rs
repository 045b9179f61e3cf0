//! From an image's size to the input's.

use std::borrow::Cow;

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgb};
use serde::{Deserialize, Serialize};

use super::image::{Image, MAX_PIXELS};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// How an image gets the size of the input (names of `--resize`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The whole image, height and width each by their own factor, through a triangle filter as wide as the reduction
    /// (Pillow's `BILINEAR`). An image of that size is taken as it is.
    #[default]
    Stretch,
    /// The study's: the shorter side becomes `int(1.14286 d)` pixels, the longer one keeps the ratio (rounded down),
    /// bicubic as OpenCV's `INTER_CUBIC`; then the `d` x `d` pixels in the centre, `(side - d) / 2` from the edges,
    /// rounded down. An image of that size is no exception.
    ShorterSide,
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
    ];
}

impl Resize {
    /// The pixels of `image` at `width` x `height`, R G B interleaved; its own bytes where they are taken as they are.
    ///
    /// # Errors
    /// Where a size is absurd, or [`Resize::ShorterSide`] is asked for a `width` that is not `height`.
    pub fn apply(self, image: &Image, width: usize, height: usize) -> Result<Cow<'_, [u8]>> {
        if image.rgb.len() as u64 != image.width as u64 * image.height as u64 * 3 {
            return Err(Error::request(format_args!(
                "an image of {} x {} has 3 bytes a pixel, here are {}",
                image.width,
                image.height,
                image.rgb.len()
            )));
        }
        match self {
            Self::Stretch => stretch(image, width, height),
            Self::ShorterSide if width == height => shorter_side(image, width).map(Cow::Owned),
            Self::ShorterSide => Err(Error::request(format_args!(
                "the resize by the shorter side ends in a square, the input is {width} x {height}; --resize stretch fits it"
            ))),
        }
    }
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

fn stretch(image: &Image, width: usize, height: usize) -> Result<Cow<'_, [u8]>> {
    check_sizes(image, width, height)?;
    if (image.width, image.height) == (width, height) {
        return Ok(image.rgb.as_slice().into());
    }
    let pixels = ImageBuffer::<Rgb<u8>, _>::from_raw(image.width as u32, image.height as u32, image.rgb.as_slice())
        .expect("the number of bytes was checked");
    Ok(imageops::resize(&pixels, width as u32, height as u32, FilterType::Triangle).into_raw().into())
}

fn shorter_side(image: &Image, side: usize) -> Result<Vec<u8>> {
    check_sizes(image, side, side)?;
    let shorter = (1.14286 * side as f64) as usize;
    let [width, height] =
        [image.width, image.height].map(|length| length as u64 * shorter as u64 / image.width.min(image.height) as u64);
    let too_long = || {
        Error::request(format_args!(
            "an image of {} x {} is too long to be resized to {width} x {height} before it is cropped",
            image.width, image.height
        ))
    };
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(too_long());
    }
    let columns = taps(image.width, width as usize, side);
    let rows = taps(image.height, height as usize, side);
    Ok(cubic(image, &columns, &rows))
}

/// Where one pixel of the result comes from, along one axis: four pixels and their weights.
#[derive(Clone, Copy, Debug)]
struct Tap {
    from: [usize; 4],
    weights: [f32; 4],
}

/// The taps of the `kept` pixels in the middle of an axis that is resized from `from` to `to` pixels.
///
/// Positions are those of pixel centres, beyond the edge the outermost pixel goes on, and a reduction does not widen
/// the filter (OpenCV's `resize`).
fn taps(from: usize, to: usize, kept: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let start = (to - kept) / 2;
    (start..start + kept)
        .map(|position| {
            let centre = ((position as f64 + 0.5) * scale - 0.5) as f32;
            let left = centre.floor();
            let pixel = |offset: i64| (left as i64 + offset).clamp(0, from as i64 - 1) as usize;
            Tap { from: [-1, 0, 1, 2].map(pixel), weights: cubic_weights(centre - left) }
        })
        .collect()
}

/// Weights of the four pixels around a point `x` to the right of the second: cubic convolution with a = -0.75 (Keys,
/// "Cubic convolution interpolation for digital image processing", 1981, whose a is free; OpenCV's choice).
fn cubic_weights(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    // The inner piece of the kernel at distance t of up to 1, the outer one at 1 + t.
    let inner = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let outer = |t: f32| ((A * (t + 1.0) - 5.0 * A) * (t + 1.0) + 8.0 * A) * (t + 1.0) - 4.0 * A;
    let (far_left, left, right) = (outer(x), inner(x), inner(1.0 - x));
    [far_left, left, right, 1.0 - far_left - left - right]
}

/// Resamples each row, then each column, in float32; only rows that are needed, and only four at a time.
fn cubic(image: &Image, columns: &[Tap], rows: &[Tap]) -> Vec<u8> {
    let width = columns.len() * 3;
    // Four rows that follow one another have four remainders.
    let mut resampled: [(Option<usize>, Vec<f32>); 4] = std::array::from_fn(|_| (None, vec![0.0; width]));
    let mut rgb = Vec::with_capacity(rows.len() * width);
    for tap in rows {
        for row in tap.from {
            let (held, values) = &mut resampled[row % 4];
            if *held != Some(row) {
                *held = Some(row);
                resample_row(&image.rgb[row * image.width * 3..][..image.width * 3], columns, values);
            }
        }
        let lines = tap.from.map(|row| resampled[row % 4].1.as_slice());
        rgb.extend((0..width).map(|at| {
            let terms: [f32; 4] = std::array::from_fn(|k| lines[k][at] * tap.weights[k]);
            byte(terms[0] + terms[1] + terms[2] + terms[3])
        }));
    }
    rgb
}

fn resample_row(row: &[u8], columns: &[Tap], values: &mut [f32]) {
    for (tap, pixel) in columns.iter().zip(values.chunks_exact_mut(3)) {
        for (channel, value) in pixel.iter_mut().enumerate() {
            let terms: [f32; 4] = std::array::from_fn(|k| f32::from(row[tap.from[k] * 3 + channel]) * tap.weights[k]);
            *value = terms[0] + terms[1] + terms[2] + terms[3];
        }
    }
}

/// The nearest grey level; where two are as near, the even one.
fn byte(value: f32) -> u8 {
    // `as` saturates.
    value.round_ties_even() as u8
}

#[cfg(test)]
mod tests;
