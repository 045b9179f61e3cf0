//! A factor and an offset for each channel: batch normalisation with stored statistics, rescaling.

use super::band::in_bands;
use super::{Extent, Job, Kernel, Region};
use crate::platform::{self, Vector, Vectorised};

/// Minimum length of a repeated row of constants: few channels would make short loops.
const LONG: usize = 256;

/// `x * factor + offset`.
#[derive(Debug)]
pub(super) struct Scale {
    channels: usize,
    factor: Vec<f32>,
    /// Without an offset nothing is added, which keeps the sign of zero.
    offset: Option<Vec<f32>>,
}

impl Scale {
    /// Makes the kernel from one factor and one offset for each element of a row.
    pub fn new(factor: &[f32], offset: Option<&[f32]>) -> Self {
        Self { channels: factor.len(), factor: repeated(factor), offset: offset.map(repeated) }
    }
}

/// Repeats a row of constants to at least [`LONG`] elements.
pub(super) fn repeated(row: &[f32]) -> Vec<f32> {
    row.repeat(LONG.div_ceil(row.len()))
}

/// Returns constants along `axis` of a tensor of `shape` as a row that applies to every position. There is one
/// constant for each element of the axis, or one for all. Returns `None` if the constants differ between positions.
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
