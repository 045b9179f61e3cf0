//! Reductions: over all positions (global pooling, the mean of all tokens), and of each row to one number.

use facts::graph::Reduction;

use super::band::in_bands;
use super::{Extent, Job, Kernel, Region, View, functions};
use crate::platform::{self, Vector, Vectorised};

/// The reduction of all rows to one row.
#[derive(Debug)]
pub(super) struct Global {
    pub reduction: Reduction,
    pub input: Extent,
}

impl Kernel for Global {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        if changed.is_empty() { Region::EMPTY } else { Region::position([0, 0]) }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let jobs = jobs.iter_mut().filter(|job| !job.region.is_empty()).collect();
        platform::for_each(jobs, |job: &mut Job<'_>| {
            platform::vectorised(Reduced { global: self, input: &job.inputs[0], out: job.out });
        });
    }
}

struct Reduced<'r> {
    global: &'r Global,
    input: &'r View<'r>,
    out: &'r mut [f32],
}

impl Reduced<'_> {
    /// The sum adds within each line and then adds the lines: fewer successive roundings than in one long sequence.
    #[inline(always)]
    fn join(&mut self, join: impl Fn(f32, f32) -> f32 + Copy) {
        let Extent { height, width, channels, .. } = self.global.input;
        let mut line = vec![0.0; channels];
        for y in 0..height {
            let mut rows = self.input.line(y, 0..width).flat_map(|run| run.chunks_exact(channels));
            let first = y == 0;
            fold(&mut rows, if first { self.out } else { &mut line }, join);
            if !first {
                for (out, &x) in self.out.iter_mut().zip(&line) {
                    *out = join(*out, x);
                }
            }
        }
    }
}

impl Vectorised for Reduced<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(mut self) {
        match self.global.reduction {
            Reduction::Sum => self.join(|sum, x| sum + x),
            Reduction::Mean => {
                self.join(|sum, x| sum + x);
                let count = self.global.input.positions() as f32;
                for out in self.out {
                    *out /= count;
                }
            }
            Reduction::Max => self.join(|most, x| if x > most || x.is_nan() { x } else { most }),
            Reduction::Min => self.join(|least, x| if x < least || x.is_nan() { x } else { least }),
            _ => unreachable!("left to burn"),
        }
    }
}

/// Combines `rows` element by element. There is at least one row.
#[inline(always)]
fn fold<'a>(rows: &mut impl Iterator<Item = &'a [f32]>, out: &mut [f32], join: impl Fn(f32, f32) -> f32) {
    out.copy_from_slice(rows.next().expect("an image has positions"));
    for row in rows {
        for (out, &x) in out.iter_mut().zip(row) {
            *out = join(*out, x);
        }
    }
}

/// The reduction of each row to one number.
#[derive(Debug)]
pub(super) struct Each {
    pub reduction: Reduction,
    pub channels: usize,
}

impl Kernel for Each {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, 1, |band| {
            let rows = band.inputs[0].runs(band.region).flat_map(|run| run.chunks_exact(self.channels));
            for (x, out) in rows.zip(band.out) {
                *out = platform::vectorised(Row { reduction: self.reduction, x });
            }
        });
    }
}

struct Row<'a> {
    reduction: Reduction,
    x: &'a [f32],
}

impl Vectorised for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> f32 {
        let x = self.x;
        let one_by_one = |start: f32, join: fn(f32, f32) -> f32| x.iter().copied().fold(start, join);
        match self.reduction {
            Reduction::Sum => sum(x, |x| x),
            Reduction::Mean => sum(x, |x| x) / x.len() as f32,
            Reduction::Max => one_by_one(f32::NEG_INFINITY, |most, x| if x > most || x.is_nan() { x } else { most }),
            Reduction::Min => one_by_one(f32::INFINITY, |least, x| if x < least || x.is_nan() { x } else { least }),
            Reduction::Prod => one_by_one(1.0, |product, x| product * x),
            Reduction::L1 => sum(x, f32::abs),
            Reduction::L2 => sum(x, |x| x * x).sqrt(),
            Reduction::SumSquare => sum(x, |x| x * x),
            Reduction::LogSum => sum(x, |x| x).ln(),
            Reduction::LogSumExp => {
                let most = one_by_one(f32::NEG_INFINITY, f32::max);
                // The difference of an infinity and itself is no number.
                let most = if most.is_finite() { most } else { 0.0 };
                sum(x, |x| functions::exp(V::FUSED, x - most)).ln() + most
            }
        }
    }
}

/// Partial sums of a row: so many are added at a time.
const SUMS: usize = 16;

/// Sums `term` of each element in several partial sums, which are added at the end: vectors add as many at a time.
#[inline(always)]
pub(super) fn sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
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

/// Joins the elements of a row in the same way.
#[inline(always)]
pub(super) fn joined(x: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut results = [start; SUMS];
    let (blocks, rest) = x.as_chunks::<SUMS>();
    for block in blocks {
        for (result, &x) in results.iter_mut().zip(block) {
            *result = join(*result, x);
        }
    }
    for (result, &x) in results.iter_mut().zip(rest) {
        *result = join(*result, x);
    }
    results.into_iter().fold(start, join)
}
