//! Dense layers: rows times a constant matrix.

use super::matrix::{Matrix, Rows};
use super::{Job, Kernel, Region};
use crate::platform;

/// With fewer rows, threads stay idle or tiles stay incomplete. The columns are split among the threads instead.
const FEW: usize = 12;

/// A product of each row of a tensor and a matrix.
#[derive(Debug)]
pub(super) struct Linear {
    pub matrix: Matrix,
}

impl Kernel for Linear {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let (mut rows, mut outs) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
        for job in jobs.iter_mut().filter(|job| !job.region.is_empty()) {
            let runs = job.inputs[0].runs(job.region);
            rows.extend(runs.flat_map(|run| run.chunks_exact(self.matrix.inner())));
            outs.extend(job.out.chunks_exact_mut(self.matrix.columns()));
        }
        let threads = platform::threads();
        if threads > 1 && rows.len() < FEW * threads {
            return self.matrix.multiply_few(Rows { pieces: &rows, count: rows.len() }, &mut outs, 0);
        }
        let share = rows.len().div_ceil(threads).next_multiple_of(FEW).max(FEW);
        let shares: Vec<_> = rows.chunks(share).zip(outs.chunks_mut(share)).collect();
        platform::for_each(shares, |(rows, outs)| {
            self.matrix.multiply(Rows { pieces: rows, count: rows.len() }, outs, 0);
        });
    }

    fn multiply_adds(&self) -> u64 {
        (self.matrix.inner() * self.matrix.columns()) as u64
    }
}
