//! The inputs and requests of kernels.

use std::ops::Range;

use super::{Extent, Region};

/// A tensor of one image. Rows of a region may lie over its base rows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    extent: Extent,
    base: &'a [f32],
    region: Region,
    over: &'a [f32],
}

impl<'a> View<'a> {
    /// Makes a view of `base`, which holds the rows of every position.
    pub fn new(extent: Extent, base: &'a [f32]) -> Self {
        Self { extent, base, region: Region::EMPTY, over: &[] }
    }

    /// Lays `over`, the rows of `region`, over `base`. `base` may be empty for a local kernel that computes only
    /// positions within `region`.
    pub fn overlaid(extent: Extent, base: &'a [f32], region: Region, over: &'a [f32]) -> Self {
        debug_assert_eq!(over.len(), region.positions() * extent.channels, "rows of a patch");
        Self { extent, base, region, over }
    }

    /// Returns the size of the tensor.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Returns the row of a position.
    pub fn row(&self, y: usize, x: usize) -> &'a [f32] {
        self.run(y, x..x + 1)
    }

    /// Returns the rows of neighbouring positions, if they are contiguous.
    pub fn joined(&self, y: usize, x: Range<usize>) -> Option<&'a [f32]> {
        let Region { top, left, bottom, right } = self.region;
        let apart = !(top..bottom).contains(&y) || x.end <= left || right <= x.start;
        (apart || (left <= x.start && x.end <= right)).then(|| self.run(y, x))
    }

    /// Returns the rows of neighbouring positions that all come from the overlay, or all from the base.
    fn run(&self, y: usize, x: Range<usize>) -> &'a [f32] {
        let channels = self.extent.channels;
        let (rows, start) = if self.region.contains(y, x.start) {
            (self.over, self.region.index(y, x.start))
        } else {
            (self.base, y * self.extent.width + x.start)
        };
        &rows[start * channels..(start + x.len()) * channels]
    }

    /// Returns the rows of neighbouring positions in order, in at most three contiguous runs.
    pub fn line(&self, y: usize, x: Range<usize>) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let view = *self;
        let meets = (self.region.top..self.region.bottom).contains(&y);
        let (from, to) = if meets { (self.region.left, self.region.right) } else { (x.end, x.end) };
        let cuts = [x.start, from.clamp(x.start, x.end), to.clamp(x.start, x.end), x.end];
        (0..3).filter(move |&run| cuts[run] < cuts[run + 1]).map(move |run| view.run(y, cuts[run]..cuts[run + 1]))
    }

    /// Returns the rows of `region` in order, in as few contiguous runs as possible.
    pub fn runs(&self, region: Region) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let view = *self;
        let whole = if region == self.region {
            Some(self.over)
        } else if self.region.is_empty() && region == self.extent.region() {
            Some(self.base)
        } else {
            None
        };
        let lines = if whole.is_some() { 0..0 } else { region.top..region.bottom };
        let lines = lines.flat_map(move |y| view.line(y, region.left..region.right));
        whole.into_iter().chain(lines)
    }

    /// Copies the rows of `region`.
    pub fn copy(&self, region: Region, mut to: &mut [f32]) {
        for run in self.runs(region) {
            let (head, tail) = to.split_at_mut(run.len());
            head.copy_from_slice(run);
            to = tail;
        }
    }
}

/// A part of one output to compute.
#[derive(Debug)]
pub struct Job<'a> {
    /// The inputs that are not constants, in the operator's order.
    pub inputs: Vec<View<'a>>,
    /// The requested positions.
    pub region: Region,
    /// The rows of these positions.
    pub out: &'a mut [f32],
}
