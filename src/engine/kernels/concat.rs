//! Tensors joined along an axis.

use super::band::in_bands;
use super::{Extent, Job, Kernel, Region, View};

/// Rows of several tensors, one after the other: all have the same positions.
#[derive(Debug)]
pub(super) struct Concat {
    /// Length of the output rows.
    pub channels: usize,
}

impl Kernel for Concat {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| {
            let mut first = 0;
            for input in band.inputs {
                let own = input.extent().channels;
                let places = band.out.chunks_exact_mut(self.channels).map(|out| &mut out[first..first + own]);
                let rows = input.runs(band.region).flat_map(|run| run.chunks_exact(own));
                for (out, row) in places.zip(rows) {
                    out.copy_from_slice(row);
                }
                first += own;
            }
        });
    }
}

/// Positions of several tensors side by side, or one below the other: all have rows of the same length.
#[derive(Debug)]
pub(super) struct Stack {
    /// Whether they lie side by side.
    pub across: bool,
    pub channels: usize,
    /// The parts in order.
    pub parts: Vec<Part>,
}

/// A tensor in a stack.
#[derive(Debug)]
pub(super) struct Part {
    /// The first row or column of positions that it fills, and the first after it.
    pub start: usize,
    pub end: usize,
    /// The rows, if they are constant.
    pub constant: Option<(Extent, Vec<f32>)>,
}

impl Stack {
    /// Returns the region of the output as one of part `part`.
    fn within(&self, part: &Part, region: Region) -> Region {
        let Region { top, left, bottom, right } = region;
        let cut = |from: usize, to: usize| {
            (from.clamp(part.start, part.end) - part.start, to.clamp(part.start, part.end) - part.start)
        };
        if self.across {
            let (left, right) = cut(left, right);
            Region { top, left, bottom, right }
        } else {
            let (top, bottom) = cut(top, bottom);
            Region { top, left, bottom, right }
        }
    }
}

impl Kernel for Stack {
    fn reach(&self, input: usize, changed: Region) -> Region {
        if changed.is_empty() {
            return Region::EMPTY;
        }
        let mut values = self.parts.iter().filter(|part| part.constant.is_none());
        let start = values.nth(input).map_or(0, |part| part.start);
        let Region { top, left, bottom, right } = changed;
        if self.across {
            Region { top, left: left + start, bottom, right: right + start }
        } else {
            Region { top: top + start, left, bottom: bottom + start, right }
        }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| {
            let mut values = band.inputs.iter();
            for part in &self.parts {
                let own = part.constant.as_ref().map(|(extent, rows)| View::new(*extent, rows));
                let Some(view) = own.or_else(|| values.next().copied()) else { return };
                let region = self.within(part, band.region);
                if region.is_empty() {
                    continue;
                }
                let (down, right) = if self.across { (0, part.start) } else { (part.start, 0) };
                for y in region.top..region.bottom {
                    let mut to = band.region.index(y + down, region.left + right) * self.channels;
                    for run in view.line(y, region.left..region.right) {
                        band.out[to..to + run.len()].copy_from_slice(run);
                        to += run.len();
                    }
                }
            }
        });
    }
}
