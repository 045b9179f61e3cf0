//! Splitting jobs among the threads.

use super::{Job, Region, View};
use crate::platform;

/// Elements of an output that justify another thread.
const WORTH: usize = 16 << 10;

/// A range of lines of a job.
pub(super) struct Band<'b, 'a> {
    pub inputs: &'b [View<'a>],
    pub region: Region,
    pub out: &'b mut [f32],
}

/// Runs `work` on all jobs, which have `channels`. Large jobs are split into bands.
pub(super) fn in_bands(jobs: &mut [Job<'_>], channels: usize, work: impl Fn(Band<'_, '_>) + Send + Sync) {
    let elements: usize = jobs.iter().map(|job| job.out.len()).sum();
    let share = elements.div_ceil(platform::threads()).max(WORTH);
    let mut bands = Vec::with_capacity(jobs.len());
    for job in jobs.iter_mut().filter(|job| !job.region.is_empty()) {
        let line = job.region.width() * channels;
        let lines = share.div_ceil(line);
        for (index, out) in job.out.chunks_mut(lines * line).enumerate() {
            let top = job.region.top + index * lines;
            let region = Region { top, bottom: (top + lines).min(job.region.bottom), ..job.region };
            bands.push(Band { inputs: &job.inputs, region, out });
        }
    }
    if elements > WORTH {
        platform::for_each(bands, work);
    } else {
        bands.into_iter().for_each(work);
    }
}

impl Band<'_, '_> {
    /// Passes each run of the only input to `work`, with the output for it.
    pub fn each(self, work: impl Fn(&[f32], &mut [f32])) {
        let mut out = self.out;
        for run in self.inputs[0].runs(self.region) {
            let (head, tail) = out.split_at_mut(run.len());
            work(run, head);
            out = tail;
        }
    }

    /// Passes each row (`channels` elements) of the only input to `work`, with the output for it.
    pub fn each_row(self, channels: usize, work: impl Fn(&[f32], &mut [f32])) {
        self.each(|x, out| {
            for (x, out) in x.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
                work(x, out);
            }
        });
    }

    /// Passes two tensors of the same size to `work`, in pieces that are contiguous in both, with the output for each.
    pub fn each_of_two(self, a: &View<'_>, b: &View<'_>, work: impl Fn(&[f32], &[f32], &mut [f32])) {
        let mut others = b.runs(self.region);
        let mut other: &[f32] = &[];
        let mut out = self.out;
        for mut run in a.runs(self.region) {
            while !run.is_empty() {
                if other.is_empty() {
                    other = others.next().expect("both have the rows of the region");
                }
                let length = run.len().min(other.len());
                let (head, tail) = out.split_at_mut(length);
                work(&run[..length], &other[..length], head);
                (run, other, out) = (&run[length..], &other[length..], tail);
            }
        }
    }
}
