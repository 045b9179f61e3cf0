//! Pooling.

use facts::graph::Pool;

use super::band::{Band, in_bands};
use super::window::{Sources, Window};
use super::{Job, Kernel, Region, View};
use crate::platform::{self, Vector, Vectorised};

/// Maximum or mean of each window.
#[derive(Debug)]
pub(super) struct Pooling {
    sources: Sources,
    channels: usize,
    /// For each row and column of the output, the number of elements in a mean along that axis; a mean divides by the
    /// product. `None` for the maximum.
    counts: Option<[Vec<usize>; 2]>,
}

impl Pooling {
    /// Makes maximum pooling. An element of the padding is never the maximum.
    pub fn max(window: Window, channels: usize) -> Self {
        Self { sources: Sources::new(window), channels, counts: None }
    }

    /// Makes average pooling. The divisor includes the padding if `count_include_pad` is set, but no elements beyond
    /// the padding.
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
        Self { sources: Sources::new(window), channels, counts: Some(counts) }
    }
}

impl Kernel for Pooling {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        self.sources.window.reach(changed)
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
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Pooling { channels, counts, .. } = self.pooling;
        for ([y, x], out) in self.band.region.iter().zip(self.band.out.chunks_exact_mut(*channels)) {
            match counts {
                None => fold(self.pooling, &self.band.inputs[0], [y, x], out, f32::NEG_INFINITY, |most, x| {
                    if x > most || x.is_nan() { x } else { most }
                }),
                Some([lines, columns]) => {
                    fold(self.pooling, &self.band.inputs[0], [y, x], out, 0.0, |sum, x| sum + x);
                    let count = (lines[y] * columns[x]) as f32;
                    for out in out {
                        *out /= count;
                    }
                }
            }
        }
    }
}

/// Combines the inputs of a window, element by element. A window without inputs gives `nothing`.
#[inline(always)]
fn fold(
    pooling: &Pooling,
    input: &View<'_>,
    position: [usize; 2],
    out: &mut [f32],
    nothing: f32,
    join: impl Fn(f32, f32) -> f32,
) {
    let mut first = true;
    pooling.sources.each(input, position, |_, row| {
        if std::mem::take(&mut first) {
            return out.copy_from_slice(row);
        }
        for (out, &x) in out.iter_mut().zip(row) {
            *out = join(*out, x);
        }
    });
    if first {
        out.fill(nothing);
    }
}
