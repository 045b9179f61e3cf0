//! Normalisation of each row by its own statistics: layer and RMS normalisation.

use super::band::in_bands;
use super::{Job, Kernel, Region};
use crate::platform::{self, Vector, Vectorised};

/// Partial sums of a row: so many are added at a time.
const SUMS: usize = 16;

/// `(x - mean) / sqrt(variance + epsilon) * scale + bias` over each row.
#[derive(Debug)]
pub(super) struct Normalise {
    pub channels: usize,
    pub centred: bool,
    pub epsilon: f32,
    /// One factor and one offset for each element of a row.
    pub scale: Option<Vec<f32>>,
    pub bias: Option<Vec<f32>>,
}

impl Kernel for Normalise {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| {
            band.each_row(self.channels, |x, out| platform::vectorised(Row { kernel: self, x, out }));
        });
    }
}

struct Row<'a> {
    kernel: &'a Normalise,
    x: &'a [f32],
    out: &'a mut [f32],
}

/// Sums `term` of each element in several partial sums, which are added at the end: vectors add as many at a time.
#[inline(always)]
fn sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; SUMS];
    let (blocks, rest) = x.as_chunks::<SUMS>();
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += term(x);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += term(x);
    }
    sums.iter().sum()
}

impl Vectorised for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Normalise { centred, epsilon, scale, bias, .. } = self.kernel;
        let count = self.x.len() as f32;
        let mean = if *centred { sum(self.x, |x| x) / count } else { 0.0 };
        let variance = sum(self.x, |x| (x - mean) * (x - mean)) / count;
        let deviation = (variance + epsilon).sqrt();
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = (x - mean) / deviation;
        }
        if let Some(scale) = scale {
            for (out, scale) in self.out.iter_mut().zip(scale) {
                *out *= scale;
            }
        }
        if let Some(bias) = bias {
            for (out, bias) in self.out.iter_mut().zip(bias) {
                *out += bias;
            }
        }
    }
}
