//! Operators on integers without sums of products.

use crate::kernels::band::in_bands;
use crate::kernels::{Extent, Job, Kernel, Region, View};
use crate::ops::integer::{Product, Sum, exponentials, nearest, softmax};
use crate::platform::{self, Vector, Vectorised};

/// Sum or product of two maps of the same size.
#[derive(Debug)]
pub(in crate::kernels) enum Zipped {
    Sum(usize, Sum),
    Product(usize, Product),
}

impl Kernel for Zipped {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let &(Self::Sum(channels, _) | Self::Product(channels, _)) = self;
        in_bands(jobs, channels, |band| {
            let inputs = band.inputs;
            band.each_of_two(&inputs[0], &inputs[1], |a, b, out| {
                platform::vectorised(Pairs { zipped: self, a, b, out });
            });
        });
    }
}

struct Pairs<'a> {
    zipped: &'a Zipped,
    a: &'a [f32],
    b: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let pairs = self.out.iter_mut().zip(self.a).zip(self.b);
        match self.zipped {
            Zipped::Sum(_, sum) => pairs.for_each(|((out, &a), &b)| *out = sum.of(V::FUSED, a, b)),
            Zipped::Product(_, product) => pairs.for_each(|((out, &a), &b)| *out = product.of(a, b)),
        }
    }
}

/// A function of one integer of 8 bits, as a table.
#[derive(Debug)]
pub(in crate::kernels) struct Table {
    pub channels: usize,
    /// The smallest integer.
    pub low: f32,
    pub outputs: Vec<f32>,
}

/// Looks the integers of `x` up.
fn look_up(low: f32, outputs: &[f32], x: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = outputs[((x - low) as usize).min(255)];
    }
}

impl Kernel for Table {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| band.each(|x, out| look_up(self.low, &self.outputs, x, out)));
    }
}

/// Rows of several tensors one after the other, each under a table.
#[derive(Debug)]
pub(in crate::kernels) struct Joined {
    /// Length of the output rows.
    pub channels: usize,
    pub low: f32,
    /// By tensor, the outputs; none where the integers stay.
    pub tables: Vec<Option<Vec<f32>>>,
}

impl Kernel for Joined {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| {
            let mut first = 0;
            for (input, table) in band.inputs.iter().zip(&self.tables) {
                let own = input.extent().channels;
                let places = band.out.chunks_exact_mut(self.channels).map(|out| &mut out[first..first + own]);
                let rows = input.runs(band.region).flat_map(|run| run.chunks_exact(own));
                for (out, row) in places.zip(rows) {
                    match table {
                        Some(outputs) => look_up(self.low, outputs, row, out),
                        None => out.copy_from_slice(row),
                    }
                }
                first += own;
            }
        });
    }
}

/// Means of windows: the means of the numbers that the integers stand for, as integers.
#[derive(Debug)]
pub(in crate::kernels) struct Averages {
    /// The means of numbers.
    pub means: Box<dyn Kernel>,
    /// Scale and zero point of the input.
    pub from: (f32, f32),
    /// Scale and zero point of the output.
    pub to: (f32, f32),
    pub bounds: (f32, f32),
}

impl Kernel for Averages {
    fn reach(&self, input: usize, changed: Region) -> Region {
        self.means.reach(input, changed)
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        for job in jobs.iter_mut().filter(|job| !job.region.is_empty()) {
            let extent = job.inputs[0].extent();
            let mut rows = vec![0.0; extent.elements()];
            job.inputs[0].copy(extent.region(), &mut rows);
            rows.iter_mut().for_each(|x| *x = (*x - self.from.1) * self.from.0);
            let inputs = vec![View::new(extent, &rows)];
            self.means.compute(&mut [Job { inputs, region: job.region, out: &mut *job.out }]);
            job.out.iter_mut().for_each(|x| *x = nearest(*x / self.to.0, self.to.1, self.bounds));
        }
    }
}

/// Softmax of each row of integers.
#[derive(Debug)]
pub(in crate::kernels) struct Shares {
    channels: usize,
    steps: Vec<u64>,
    to: (f32, f32),
    bounds: (f32, f32),
}

impl Shares {
    /// Makes the softmax of rows in steps of `scale`.
    pub fn new(extent: Extent, scale: f32, to: (f32, f32), bounds: (f32, f32)) -> Self {
        Self { channels: extent.channels, steps: exponentials(scale, extent.channels), to, bounds }
    }
}

impl Kernel for Shares {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| {
            band.each_row(self.channels, |x, out| softmax(&self.steps, x, self.to, self.bounds, out));
        });
    }
}
