//! Sums of products of integers.
//!
//! The products are made by the kernels of float32 numbers: float32 holds integers up to 2^24 exactly, so sums that stay below
//! are exact in any order. Where they may not, the second factor is split into parts whose sums do, and the parts are added as
//! integers.

use super::finish::Finish;
use crate::kernels::window::Window;
use crate::kernels::{Extent, Job, Kernel, Region, View};
use crate::platform;

/// Elements of inputs without their zero points that are held at a time.
const HELD: usize = 1 << 20;

/// The part of an input that a job reads, without its zero point; `None` if the zero point is 0.
type Shifted = Option<(Region, Vec<f32>)>;

/// Sums of products: convolutions, matrix products, and the sums of means.
#[derive(Debug)]
pub(in crate::kernels) struct Sums {
    /// The tensors that are known at run time, in the order of the parts' inputs.
    pub shifts: Vec<Shift>,
    pub reads: Reads,
    /// Kernels of float32 numbers with the parts of the second factor.
    pub parts: Vec<Box<dyn Kernel>>,
    pub finish: Finish,
    pub output: Extent,
}

/// A tensor whose zero point is taken off.
#[derive(Debug)]
pub(in crate::kernels) struct Shift {
    /// Index among the kernel's inputs.
    pub input: usize,
    pub zero: Zero,
}

/// A zero point.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) enum Zero {
    Constant(f32),
    /// The input at this index.
    Input(usize),
}

impl Zero {
    /// Returns the zero point of a job with these inputs.
    pub fn value(self, inputs: &[View<'_>]) -> f32 {
        match self {
            Self::Constant(zero) => zero,
            Self::Input(input) => inputs[input].row(0, 0)[0],
        }
    }
}

/// The positions of the inputs that a region of the output reads.
#[derive(Debug)]
pub(in crate::kernels) enum Reads {
    Window(Window),
    Same,
    Whole,
}

impl Reads {
    fn of(&self, region: Region, input: Extent) -> Region {
        match self {
            Self::Window(window) => window.sources(region),
            Self::Same => region,
            Self::Whole => input.region(),
        }
    }
}

impl Sums {
    /// Computes some jobs.
    fn batch(&self, jobs: &mut [Job<'_>]) {
        let shifted = |job: &Job<'_>| -> Vec<Shifted> {
            let of = |shift: &Shift| {
                let view = job.inputs[shift.input];
                let zero = shift.zero.value(&job.inputs);
                (zero != 0.0).then(|| {
                    let region = self.reads.of(job.region, view.extent());
                    let mut rows = vec![0.0; region.positions() * view.extent().channels];
                    view.copy(region, &mut rows);
                    rows.iter_mut().for_each(|x| *x -= zero);
                    (region, rows)
                })
            };
            self.shifts.iter().map(of).collect()
        };
        let mut held: Vec<Vec<Shifted>> = jobs.iter().map(|_| Vec::new()).collect();
        platform::for_each(jobs.iter().zip(&mut held).collect(), |(job, held): (&Job<'_>, &mut Vec<_>)| {
            *held = shifted(job);
        });
        if let [only] = &self.parts[..] {
            let (regions, inputs): (Vec<Region>, Vec<Vec<View<'_>>>) =
                jobs.iter().zip(&held).map(|(job, held)| (job.region, self.views(job, held))).unzip();
            let inner = jobs.iter_mut().zip(inputs).zip(regions);
            let mut inner: Vec<Job<'_>> =
                inner.map(|((job, inputs), region)| Job { inputs, region, out: &mut *job.out }).collect();
            only.compute(&mut inner);
            let rows = inner.into_iter().flat_map(|job| job.out.chunks_mut(HELD / self.columns() * self.columns()));
            platform::for_each(rows.collect(), |rows: &mut [f32]| self.finish.rows(rows));
            return;
        }
        let mut sums: Vec<Vec<i64>> = jobs.iter().map(|job| vec![0; job.out.len()]).collect();
        for part in &self.parts {
            let mut outs: Vec<Vec<f32>> = jobs.iter().map(|job| vec![0.0; job.out.len()]).collect();
            let inner = jobs.iter().zip(&held).zip(&mut outs);
            let mut inner: Vec<Job<'_>> = inner
                .map(|((job, held), out)| Job { inputs: self.views(job, held), region: job.region, out })
                .collect();
            part.compute(&mut inner);
            for (sums, out) in sums.iter_mut().zip(&outs) {
                sums.iter_mut().zip(out).for_each(|(sum, &part)| *sum += part as i64);
            }
        }
        for (job, sums) in jobs.iter_mut().zip(&sums) {
            self.finish.wide(sums, job.out);
        }
    }

    /// Returns the inputs of the parts for a job.
    fn views<'v>(&self, job: &Job<'v>, held: &'v [Shifted]) -> Vec<View<'v>> {
        let view = |(shift, held): (&Shift, &'v Shifted)| {
            let view = job.inputs[shift.input];
            match held {
                None => view,
                Some((region, rows)) => View::overlaid(view.extent(), &[], *region, rows),
            }
        };
        self.shifts.iter().zip(held).map(view).collect()
    }

    fn columns(&self) -> usize {
        self.output.channels
    }
}

impl Kernel for Sums {
    fn reach(&self, input: usize, changed: Region) -> Region {
        match self.shifts.iter().position(|shift| shift.input == input) {
            Some(nth) => self.parts[0].reach(nth, changed),
            // A zero point.
            None if changed.is_empty() => Region::EMPTY,
            None => self.output.region(),
        }
    }

    fn is_local(&self) -> bool {
        let fixed = self.shifts.iter().all(|shift| matches!(shift.zero, Zero::Constant(_)));
        fixed && self.parts.iter().all(|part| part.is_local())
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let mut rest = jobs;
        while !rest.is_empty() {
            let (mut count, mut elements) = (0, 0);
            for job in &*rest {
                let reads = |shift: &Shift| {
                    let extent = job.inputs[shift.input].extent();
                    self.reads.of(job.region, extent).positions() * extent.channels
                };
                elements += self.shifts.iter().map(reads).sum::<usize>();
                if count > 0 && elements > HELD {
                    break;
                }
                count += 1;
            }
            let (batch, later) = rest.split_at_mut(count);
            self.batch(batch);
            rest = later;
        }
    }

    fn multiply_adds(&self) -> u64 {
        self.parts[0].multiply_adds()
    }
}
