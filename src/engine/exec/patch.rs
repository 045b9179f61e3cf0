//! The part of a tensor that a fault has changed.

use super::pool::Pool;
use crate::kernels::View;
use crate::ops::{Extent, Region};

/// The rows of a region that contains every difference from the golden tensor.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub region: Region,
    pub rows: Vec<f32>,
}

impl Patch {
    /// Returns a view of the tensor with the patch over the golden rows.
    pub fn over<'a>(&'a self, extent: Extent, golden: &'a [f32]) -> View<'a> {
        View::overlaid(extent, golden, self.region, &self.rows)
    }

    /// Enlarges the patch to include `region`. The added rows are the rows of `golden`.
    pub fn grown(self, region: Region, extent: Extent, golden: &[f32], pool: &mut Pool) -> Self {
        let region = self.region.union(region);
        if region == self.region {
            return self;
        }
        let mut rows = pool.take(region.positions() * extent.channels);
        self.over(extent, golden).copy(region, &mut rows);
        pool.give(self.rows);
        Self { region, rows }
    }

    /// Returns the element at a position of the patch.
    pub fn element(&mut self, [y, x]: [usize; 2], channel: usize, channels: usize) -> &mut f32 {
        &mut self.rows[self.region.index(y, x) * channels + channel]
    }

    /// Reduces the patch to the region that differs from `golden` in any bit; `None` if there is no difference.
    pub fn trimmed(self, extent: Extent, golden: &[f32], pool: &mut Pool) -> Option<Self> {
        let region = self.differing(extent, golden);
        if region == self.region {
            return Some(self);
        }
        let kept = (!region.is_empty()).then(|| {
            let mut rows = pool.take(region.positions() * extent.channels);
            self.over(extent, &[]).copy(region, &mut rows);
            Self { region, rows }
        });
        pool.give(self.rows);
        kept
    }

    /// Returns the smallest region around the positions that differ.
    fn differing(&self, extent: Extent, golden: &[f32]) -> Region {
        let channels = extent.channels;
        let golden = View::new(extent, golden);
        let line = |y: usize| {
            let start = self.region.index(y, self.region.left) * channels;
            let ours = &self.rows[start..start + self.region.width() * channels];
            (ours, golden.line(y, self.region.left..self.region.right).next().unwrap_or(&[]))
        };
        let differs = |&y: &usize| {
            let (ours, golden) = line(y);
            !same(ours, golden)
        };
        let mut lines = self.region.top..self.region.bottom;
        let Some(top) = lines.find(differs) else { return Region::EMPTY };
        let bottom = lines.rfind(differs).unwrap_or(top) + 1;
        // The first line gives the initial edges. A later line is compared only where it may move an edge outwards.
        let (mut left, mut right) = (self.region.right, self.region.left);
        for y in top..bottom {
            let (ours, golden) = line(y);
            let position = |x: usize| (x - self.region.left) * channels..(x - self.region.left + 1) * channels;
            let differs = |&x: &usize| !same(&ours[position(x)], &golden[position(x)]);
            left = (self.region.left..left).find(differs).unwrap_or(left);
            right = (right.max(left)..self.region.right).rfind(differs).map_or(right, |x| x + 1);
        }
        Region { top, left, bottom, right }
    }
}

/// Returns whether the bits are equal, or both values are NaN: the bits of a NaN may depend on the computation.
fn same(a: &[f32], b: &[f32]) -> bool {
    // Without an early exit inside a block, the compiler compares whole vectors.
    const BLOCK: usize = 64;
    let differs = |(a, b): (&f32, &f32)| (a.to_bits() != b.to_bits()) & !(a.is_nan() & b.is_nan());
    let differ = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(false, |found, pair| found | differs(pair));
    a.len() == b.len() && !a.chunks(BLOCK).zip(b.chunks(BLOCK)).any(|(a, b)| differ(a, b))
}
