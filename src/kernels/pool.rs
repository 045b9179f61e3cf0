//! Pooling.

use super::band::{Band, in_bands};
use super::window::Window;
use super::{Job, Kernel, Region};
use crate::graph::Pool;
use crate::platform::{self, Vectorised};

/// Maximum or mean of each window.
#[derive(Debug)]
pub(super) struct Pooling {
    window: Window,
    channels: usize,
    /// How many elements count in a mean, by the output's row and column: the product. `None` for the maximum.
    counts: Option<[Vec<usize>; 2]>,
}

impl Pooling {
    /// Maximum of each window; an element of the padding never wins.
    pub fn max(window: Window, channels: usize) -> Self {
        Self { window, channels, counts: None }
    }

    /// Mean of each window; padding counts in the divisor where asked, what lies beyond the padding never does.
    pub fn average(window: Window, channels: usize, pool: &Pool, count_include_pad: bool) -> Self {
        let after = [pool.padding.bottom, pool.padding.right];
        let counts = [0, 1].map(|axis| {
            let (before, end) = (window.before[axis], window.before[axis] + window.input[axis]);
            let counted = if count_include_pad { 0..end + after[axis] } else { before..end };
            let tap = |place: usize, tap: usize| place * window.strides[axis] + tap * window.dilations[axis];
            (0..window.output[axis])
                .map(|place| (0..window.kernel[axis]).filter(|&index| counted.contains(&tap(place, index))).count())
                .collect()
        });
        Self { window, channels, counts: Some(counts) }
    }
}

impl Kernel for Pooling {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        self.window.reach(changed)
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| platform::vectorised(Pooled { pooling: self, band }));
    }
}

struct Pooled<'p, 'b, 'a> {
    pooling: &'p Pooling,
    band: Band<'b, 'a>,
}

impl Vectorised for Pooled<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FUSED: bool>(self) {
        let Pooling { window, channels, counts } = self.pooling;
        let Band { inputs, region, out } = self.band;
        for ([y, x], out) in region.iter().zip(out.chunks_exact_mut(*channels)) {
            let mut rows = window.sources([y, x]).map(|(_, [y, x])| inputs[0].row(y, x));
            match counts {
                None => {
                    fold(&mut rows, out, f32::NEG_INFINITY, |most, x| if x > most || x.is_nan() { x } else { most });
                }
                Some([lines, columns]) => {
                    fold(&mut rows, out, 0.0, |sum, x| sum + x);
                    let count = (lines[y] * columns[x]) as f32;
                    for out in out {
                        *out /= count;
                    }
                }
            }
        }
    }
}

/// Puts together `rows`, element by element; `nothing` where there is none.
#[inline(always)]
pub(super) fn fold<'a>(
    rows: &mut impl Iterator<Item = &'a [f32]>,
    out: &mut [f32],
    nothing: f32,
    join: impl Fn(f32, f32) -> f32,
) {
    match rows.next() {
        Some(first) => out.copy_from_slice(first),
        None => out.fill(nothing),
    }
    for row in rows {
        for (out, &x) in out.iter_mut().zip(row) {
            *out = join(*out, x);
        }
    }
}
