//! A factor and an offset for each channel: batch normalisation with stored statistics, rescaling.

use super::band::in_bands;
use super::{Extent, Job, Kernel, Region};
use crate::platform::{self, Vector, Vectorised};

/// Rows of constants are repeated to this length at least: few channels would make short loops.
const LONG: usize = 256;

/// `x * factor + offset`.
#[derive(Debug)]
pub(super) struct Scale {
    channels: usize,
    factor: Vec<f32>,
    /// Nothing is added where there is none, which keeps the sign of zero.
    offset: Option<Vec<f32>>,
}

impl Scale {
    /// One factor and offset an element of a row.
    pub fn new(factor: &[f32], offset: Option<&[f32]>) -> Self {
        Self { channels: factor.len(), factor: repeated(factor), offset: offset.map(repeated) }
    }
}

/// A row of constants, several times.
pub(super) fn repeated(row: &[f32]) -> Vec<f32> {
    row.repeat(LONG.div_ceil(row.len()))
}

/// Constants that lie along `axis` of a tensor of `shape`, one for each element of the axis or one for all, as a row
/// that applies to every position; `None` where they differ between positions.
pub(super) fn along(axis: usize, shape: &[usize], constants: &[f32]) -> Option<Vec<f32>> {
    let extent = Extent::of(shape);
    match *constants {
        [one] => Some(vec![one; extent.channels]),
        _ if extent.positions() == 1 => {
            let after: usize = shape[axis + 1..].iter().product();
            Some((0..extent.channels).map(|index| constants[index / after % constants.len()]).collect())
        }
        // The rows of an image lie along its axis 1.
        _ => (axis == 1).then(|| constants.to_vec()),
    }
}

impl Kernel for Scale {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let (factor, offset) = (self.factor.as_slice(), self.offset.as_deref());
        in_bands(jobs, self.channels, |band| {
            band.each(|x, out| platform::vectorised(Scaled { factor, offset, x, out }));
        });
    }
}

struct Scaled<'a> {
    factor: &'a [f32],
    offset: Option<&'a [f32]>,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let period = self.factor.len();
        for (x, out) in self.x.chunks(period).zip(self.out.chunks_mut(period)) {
            match self.offset {
                Some(offset) => {
                    for (((out, x), factor), offset) in out.iter_mut().zip(x).zip(self.factor).zip(offset) {
                        *out = x * factor + offset;
                    }
                }
                None => {
                    for ((out, x), factor) in out.iter_mut().zip(x).zip(self.factor) {
                        *out = x * factor;
                    }
                }
            }
        }
    }
}
