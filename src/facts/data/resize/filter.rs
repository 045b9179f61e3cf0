//! Which pixels make a pixel, and with which weights.

use serde::{Deserialize, Serialize};

use crate::named::{Name, Named};

/// How pixels between pixels are made (names of `--filter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Straight lines between neighbours.
    #[default]
    Bilinear,
    /// Cubic convolution: with antialiasing a = -0.5 as in Pillow, without a = -0.75 as in OpenCV.
    Bicubic,
    /// The pixel that lies nearest, as in Pillow.
    Nearest,
    /// The sinc with a window of three pixels on each side.
    Lanczos,
    /// The mean of what the new pixel covers, as OpenCV's `INTER_AREA` for reductions.
    Area,
}

impl Named for Filter {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Bilinear, Name::new("bilinear", "Bilinear", "straight lines between neighbours")),
        (
            Self::Bicubic,
            Name::new("bicubic", "Bicubic", "cubic convolution: Pillow's with antialiasing, OpenCV's without"),
        ),
        (Self::Nearest, Name::new("nearest", "Nearest", "the pixel that lies nearest, as in Pillow")),
        (Self::Lanczos, Name::new("lanczos", "Lanczos", "windowed sinc of three pixels on each side")),
        (Self::Area, Name::new("area", "Area", "the mean of what the new pixel covers, as OpenCV's INTER_AREA")),
    ];
}

/// Where one pixel of the result comes from, along one axis: pixels in ascending order, and their weights.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub from: Vec<usize>,
    pub weights: Vec<f64>,
}

/// A filter in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resampler {
    pub filter: Filter,
    pub antialias: bool,
}

impl Resampler {
    /// The taps of the `kept` pixels from the pixel `start` on of an axis that is resized from `from` to `to` pixels.
    pub fn taps(self, from: usize, to: usize, start: usize, kept: usize) -> Vec<Tap> {
        let scale = from as f64 / to as f64;
        (start..start + kept)
            .map(|position| match (self.filter, self.antialias) {
                (Filter::Nearest, _) => nearest(position, scale, from),
                (Filter::Area, _) => area(position, scale, from),
                (Filter::Bicubic, false) => opencv_cubic(position, scale, from),
                (Filter::Bilinear, antialias) => windowed(position, scale, from, antialias, 1.0, triangle),
                (Filter::Bicubic, true) => windowed(position, scale, from, true, 2.0, cubic),
                (Filter::Lanczos, antialias) => windowed(position, scale, from, antialias, 3.0, lanczos),
            })
            .collect()
    }
}

fn nearest(position: usize, scale: f64, from: usize) -> Tap {
    let pixel = ((position as f64 + 0.5) * scale) as usize;
    Tap { from: vec![pixel.min(from - 1)], weights: vec![1.0] }
}

/// Each pixel counts by how much of it is covered.
fn area(position: usize, scale: f64, from: usize) -> Tap {
    let (first, last) = (position as f64 * scale, (position + 1) as f64 * scale);
    let pixels = (first as usize).min(from - 1)..(last.ceil() as usize).clamp(1, from);
    let weights = pixels.clone().map(|pixel| ((pixel + 1) as f64).min(last) - (pixel as f64).max(first));
    Tap { weights: weights.map(|covered| covered.max(0.0) / scale).collect(), from: pixels.collect() }
}

/// A filter of `support` pixels on each side of the centre, which a reduction widens under `antialias`. Beyond the edges there
/// is nothing, and the weights of the others add up to 1 (Pillow's `resize`).
fn windowed(
    position: usize,
    scale: f64,
    from: usize,
    antialias: bool,
    support: f64,
    weight: impl Fn(f64) -> f64,
) -> Tap {
    let widened = if antialias { scale.max(1.0) } else { 1.0 };
    let centre = (position as f64 + 0.5) * scale;
    let reach = support * widened;
    // `as` saturates at 0.
    let first = ((centre - reach + 0.5) as usize).min(from - 1);
    let last = ((centre + reach + 0.5) as usize).clamp(first + 1, from);
    let mut weights: Vec<f64> =
        (first..last).map(|pixel| weight((pixel as f64 - centre + 0.5) * (1.0 / widened))).collect();
    let sum: f64 = weights.iter().sum();
    if sum != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    Tap { from: (first..last).collect(), weights }
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Cubic convolution with a = -0.5 (Keys, "Cubic convolution interpolation for digital image processing", 1981).
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// The four pixels around a point. Beyond the edge the outermost pixel goes on, and a reduction does not widen the filter
/// (OpenCV's `resize`).
fn opencv_cubic(position: usize, scale: f64, from: usize) -> Tap {
    let centre = ((position as f64 + 0.5) * scale - 0.5) as f32;
    let left = centre.floor();
    let pixel = |offset: i64| (left as i64 + offset).clamp(0, from as i64 - 1) as usize;
    let weights = cubic_weights(centre - left).map(f64::from);
    Tap { from: [-1, 0, 1, 2].map(pixel).to_vec(), weights: weights.to_vec() }
}

/// Weights of the four pixels around a point `x` to the right of the second: cubic convolution with a = -0.75 (Keys,
/// "Cubic convolution interpolation for digital image processing", 1981, whose a is free; OpenCV's choice).
pub(super) fn cubic_weights(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    // The inner piece of the kernel at distance t of up to 1, the outer one at 1 + t.
    let inner = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let outer = |t: f32| ((A * (t + 1.0) - 5.0 * A) * (t + 1.0) + 8.0 * A) * (t + 1.0) - 4.0 * A;
    let (far_left, left, right) = (outer(x), inner(x), inner(1.0 - x));
    [far_left, left, right, 1.0 - far_left - left - right]
}
