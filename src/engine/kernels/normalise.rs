//! Normalisation of each row by its own statistics: layer and RMS normalisation.

use super::band::in_bands;
use super::reduce::sum;
use super::{Job, Kernel, Region};
use crate::platform::{self, Vector, Vectorised};

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
