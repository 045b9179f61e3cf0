//! Operators that mix the channels of one position: softmax, local response normalisation.

use super::band::in_bands;
use super::reduce::joined;
use super::{Job, Kernel, Region, functions};
use crate::platform::{self, Vector, Vectorised};

/// Softmax of each row.
#[derive(Debug)]
pub(super) struct Softmax {
    pub channels: usize,
    /// Whether to take the logarithm of the softmax.
    pub log: bool,
}

impl Softmax {
    pub fn row(&self, x: &[f32], out: &mut [f32]) {
        platform::vectorised(Powers { log: self.log, x, out });
    }
}

/// A row of a softmax.
struct Powers<'a> {
    log: bool,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for Powers<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { log, x, out } = self;
        // Subtracting the maximum keeps the exponential of a finite number from overflowing. If an element is NaN, or
        // the maximum is an infinity, the sum is NaN and therefore all results are NaN.
        let most = joined(x, f32::NEG_INFINITY, |most, x| if x > most { x } else { most });
        for (out, x) in out.iter_mut().zip(x) {
            *out = functions::exp(V::FUSED, x - most);
        }
        let sum = joined(out, 0.0, |sum, power| sum + power);
        if log {
            let ln = sum.ln();
            for (out, x) in out.iter_mut().zip(x) {
                *out = x - most - ln;
            }
        } else {
            for out in out {
                *out /= sum;
            }
        }
    }
}

impl Kernel for Softmax {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| band.each_row(self.channels, |x, out| self.row(x, out)));
    }
}

/// `x / (bias + alpha / size * sum)^beta`, where the sum adds the squares of `size` neighbouring channels.
#[derive(Debug)]
pub(super) struct Lrn {
    pub channels: usize,
    pub size: usize,
    pub alpha: f32,
    pub beta: f32,
    pub bias: f32,
}

impl Lrn {
    fn row(&self, x: &[f32], out: &mut [f32]) {
        let (before, after) = ((self.size - 1) / 2, self.size / 2);
        for (channel, out) in out.iter_mut().enumerate() {
            let window = &x[channel.saturating_sub(before)..(channel + after + 1).min(x.len())];
            let mean = window.iter().map(|x| x * x).sum::<f32>() / self.size as f32;
            *out = x[channel] / (mean * self.alpha + self.bias).powf(self.beta);
        }
    }
}

impl Kernel for Lrn {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| band.each_row(self.channels, |x, out| self.row(x, out)));
    }
}
