//! From numbers to integers and back.

use crate::kernels::band::in_bands;
use crate::kernels::scale::Constants;
use crate::kernels::{Extent, Job, Kernel, Region};
use crate::ops::integer::{covering, nearest, range};
use crate::platform::{self, Vector, Vectorised};

/// Integers with a constant scale and zero point: made of numbers, or numbers made of them.
#[derive(Debug)]
pub(in crate::kernels) struct Coded {
    pub extent: Extent,
    pub scale: Constants,
    pub zero: Constants,
    /// The smallest and largest integer to make; none to make numbers.
    pub to: Option<(f32, f32)>,
}

impl Kernel for Coded {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let Extent { channels, width, .. } = self.extent;
        let for_all = matches!((&self.scale, &self.zero), (Constants::Row(_), Constants::Row(_)));
        let code = |position: usize, x: &[f32], out: &mut [f32]| {
            let (scale, zero) = (self.scale.at(position, channels), self.zero.at(position, channels));
            platform::vectorised(Coding { scale, zero, channels, to: self.to, x, out });
        };
        in_bands(jobs, channels, |band| {
            if for_all {
                return band.each(|x, out| code(0, x, out));
            }
            for ([y, x], out) in band.region.iter().zip(band.out.chunks_exact_mut(channels)) {
                code(y * width + x, band.inputs[0].row(y, x), out);
            }
        });
    }
}

struct Coding<'a> {
    scale: &'a [f32],
    zero: &'a [f32],
    channels: usize,
    to: Option<(f32, f32)>,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Coding<'_> {
    #[inline(always)]
    fn each(self, code: impl Fn(f32, f32, f32) -> f32) {
        // Both are at least a row long, and the shorter of two repeated rows has all periods of the other.
        let period = self.scale.len().min(self.zero.len()) / self.channels * self.channels;
        for (x, out) in self.x.chunks(period).zip(self.out.chunks_mut(period)) {
            for (((out, &x), &scale), &zero) in out.iter_mut().zip(x).zip(self.scale).zip(self.zero) {
                *out = code(x, scale, zero);
            }
        }
    }
}

impl Vectorised for Coding<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        match self.to {
            Some(bounds) => self.each(|x, scale, zero| nearest(x / scale, zero, bounds)),
            None => self.each(|x, scale, zero| (x - zero) * scale),
        }
    }
}

/// An output of the quantization that finds the scale itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) enum Part {
    Integers,
    Scale,
    Zero,
}

/// Integers with the scale and the zero point that cover all elements of the input.
#[derive(Debug)]
pub(in crate::kernels) struct Covering {
    pub part: Part,
    pub output: Extent,
}

impl Kernel for Covering {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        if changed.is_empty() { Region::EMPTY } else { self.output.region() }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let jobs = jobs.iter_mut().filter(|job| !job.region.is_empty()).collect();
        platform::for_each(jobs, |job: &mut Job<'_>| {
            let input = job.inputs[0];
            let (low, high) = range(input.runs(input.extent().region()).flatten());
            let (scale, zero) = covering(low, high);
            match self.part {
                Part::Scale => job.out.fill(scale),
                Part::Zero => job.out.fill(zero),
                Part::Integers => {
                    let mut out = &mut *job.out;
                    for run in input.runs(job.region) {
                        let (head, tail) = out.split_at_mut(run.len());
                        head.iter_mut().zip(run).for_each(|(out, x)| *out = nearest(x / scale, zero, (0.0, 255.0)));
                        out = tail;
                    }
                }
            }
        });
    }
}
