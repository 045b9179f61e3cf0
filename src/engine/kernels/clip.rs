//! Clipping to a range.

use super::band::in_bands;
use super::{Job, Kernel, Region};
use crate::ops::Range;
use crate::platform::{self, Vector, Vectorised};

/// [`Range::clip`] of each element.
#[derive(Debug)]
pub(super) struct Clip {
    pub range: Range,
    pub channels: usize,
}

impl Kernel for Clip {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let range = self.range;
        in_bands(jobs, self.channels, |band| {
            band.each(|x, out| platform::vectorised(Clipped { range, x, out }));
        });
    }
}

struct Clipped<'a> {
    range: Range,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for Clipped<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = self.range.clip(x);
        }
    }
}
