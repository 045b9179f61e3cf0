//! What a fault has changed of a tensor.

use super::pool::Pool;
use crate::kernels::View;
use crate::ops::{Extent, Region};

/// The rows of a region that differ from the golden ones somewhere.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub region: Region,
    pub rows: Vec<f32>,
}

impl Patch {
    /// The tensor with the patch on it.
    pub fn over<'a>(&'a self, extent: Extent, golden: &'a [f32]) -> View<'a> {
        View::overlaid(extent, golden, self.region, &self.rows)
    }

    /// The same with at least `region` in it, as it stands in `golden` where the patch does not cover it.
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

    /// The element at a position that it covers.
    pub fn element(&mut self, [y, x]: [usize; 2], channel: usize, channels: usize) -> &mut f32 {
        &mut self.rows[self.region.index(y, x) * channels + channel]
    }

    /// Cut to what differs from `golden` in any bit; `None` where nothing does.
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

    /// The smallest region around the positions that differ.
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
        // The edges move outwards from the first line's: a line is looked at only where it may move one.
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

/// Whether the bits are the same, or both are NaN: which NaN it is may depend on how it was computed.
fn same(a: &[f32], b: &[f32]) -> bool {
    // Without an early way out inside a block the compiler compares whole vectors.
    const BLOCK: usize = 64;
    let differs = |(a, b): (&f32, &f32)| (a.to_bits() != b.to_bits()) & !(a.is_nan() & b.is_nan());
    let differ = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(false, |found, pair| found | differs(pair));
    a.len() == b.len() && !a.chunks(BLOCK).zip(b.chunks(BLOCK)).any(|(a, b)| differ(a, b))
}
