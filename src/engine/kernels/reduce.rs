//! Reductions over all positions: global pooling, the mean of all tokens.

use facts::graph::Reduction;

use super::{Extent, Job, Kernel, Region, View};
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
