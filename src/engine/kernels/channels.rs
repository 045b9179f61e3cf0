//! Operators that mix the channels of one position: softmax, local response normalisation.

use super::band::in_bands;
use super::{Job, Kernel, Region};

/// Softmax of each row.
#[derive(Debug)]
pub(super) struct Softmax {
    pub channels: usize,
    /// Whether to take the logarithm of the softmax.
    pub log: bool,
}

impl Softmax {
    pub fn row(&self, x: &[f32], out: &mut [f32]) {
        // Subtracting the maximum keeps the exponential of a finite number from overflowing. If an element is NaN, or
        // the maximum is an infinity, the sum is NaN and therefore all results are NaN.
        let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (out, x) in out.iter_mut().zip(x) {
            let power = (x - most).exp();
            *out = if self.log { x - most } else { power };
            sum += power;
        }
        let ln = sum.ln();
        for out in out {
            *out = if self.log { *out - ln } else { *out / sum };
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
