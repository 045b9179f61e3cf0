//! Entries along an axis as weighted sums of entries: resampling, one axis at a time.

use std::ops::Range;

use facts::graph::Mix;

use super::band::{Band, in_bands};
use super::{Extent, Form, Job, Kernel, Order, Region};

/// Weighted sums of entries along an axis.
#[derive(Debug)]
pub(super) struct Mixing {
    input: Extent,
    output: Extent,
    along: Along,
    taps: Vec<Vec<(u32, f32)>>,
    fill: f32,
    /// For each entry of the input, the entries of the output that may read it.
    readers: Vec<Range<usize>>,
}

/// Where the entries of the axis lie.
#[derive(Clone, Copy, Debug)]
enum Along {
    /// In each row.
    Row,
    /// Side by side.
    Column,
    /// In lines, so many lines apart.
    Line(usize),
}

impl Mixing {
    /// Makes the kernel; `None` if the axis lies neither along rows nor along positions.
    pub fn new(mix: &Mix, x: Form<'_>, output: Form<'_>) -> Option<Self> {
        let (axis, rank) = (mix.axis, x.shape.len());
        let along = match x.extent.order {
            Order::Channels => match axis {
                1 => Along::Row,
                2 => Along::Line(1),
                3 => Along::Column,
                _ => return None,
            },
            Order::Last => {
                let plain = |form: Form<'_>| {
                    let width = rank.checked_sub(2).map_or(1, |place| form.shape[place]);
                    form.shape[rank - 1] == form.extent.channels && width == form.extent.width
                };
                if rank == 0 || !plain(x) || !plain(output) {
                    return None;
                }
                match rank - 1 - axis {
                    0 => Along::Row,
                    1 => Along::Column,
                    _ => Along::Line(x.shape[axis + 1..rank - 2].iter().product()),
                }
            }
        };
        if x.extent.order != output.extent.order {
            return None;
        }
        let mut readers = vec![0..0; x.shape[axis]];
        for (entry, taps) in mix.taps.iter().enumerate() {
            for &(source, _) in taps {
                let range: &mut Range<usize> = &mut readers[source as usize];
                *range = if range.start == range.end { entry..entry + 1 } else { range.start..entry + 1 };
            }
        }
        let taps = mix.taps.clone();
        Some(Self { input: x.extent, output: output.extent, along, taps, fill: mix.fill, readers })
    }

    /// The entries of the output that read any of these entries of the input.
    fn read_by(&self, entries: Range<usize>) -> Range<usize> {
        self.readers[entries].iter().filter(|range| !range.is_empty()).fold(0..0, |all, range| {
            if all.is_empty() { range.clone() } else { all.start.min(range.start)..all.end.max(range.end) }
        })
    }

    fn fill_band(&self, band: Band<'_, '_>) {
        let view = &band.inputs[0];
        let rows = band.out.chunks_exact_mut(self.output.channels);
        for ([y, x], out) in band.region.iter().zip(rows) {
            // Entry number `e` lies `e` steps from the start.
            let (entry, start, step) = match self.along {
                Along::Row => {
                    let row = view.row(y, x);
                    for (out, taps) in out.iter_mut().zip(&self.taps) {
                        *out = sum(taps, self.fill, |entry| row[entry]);
                    }
                    continue;
                }
                Along::Column => (x, [y, 0], [0, 1]),
                Along::Line(apart) => {
                    let (inner, line) = (y % apart, y / apart);
                    let (count, length) = (self.taps.len(), self.readers.len());
                    (line % count, [line / count * length * apart + inner, x], [apart, 0])
                }
            };
            let row = |entry: u32| view.row(start[0] + entry as usize * step[0], start[1] + entry as usize * step[1]);
            let taps = &self.taps[entry];
            let Some((&(first, share), rest)) = taps.split_first() else {
                out.fill(self.fill);
                continue;
            };
            for (out, x) in out.iter_mut().zip(row(first)) {
                *out = x * share;
            }
            for &(entry, share) in rest {
                for (out, x) in out.iter_mut().zip(row(entry)) {
                    *out += x * share;
                }
            }
        }
    }
}

/// The sum of an entry's taps, in their order.
fn sum(taps: &[(u32, f32)], fill: f32, element: impl Fn(usize) -> f32) -> f32 {
    let Some((&(first, share), rest)) = taps.split_first() else { return fill };
    rest.iter().fold(element(first as usize) * share, |sum, &(entry, share)| sum + element(entry as usize) * share)
}

impl Kernel for Mixing {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        if changed.is_empty() {
            return Region::EMPTY;
        }
        let reached = match self.along {
            Along::Row => changed,
            Along::Column => {
                let columns = self.read_by(changed.left..changed.right);
                Region { left: columns.start, right: columns.end, ..changed }
            }
            Along::Line(apart) => {
                let (count, length) = (self.taps.len(), self.readers.len());
                let mut lines = 0..0;
                for y in changed.top..changed.bottom {
                    let (inner, line) = (y % apart, y / apart);
                    let (outer, entry) = (line / length * count, line % length);
                    let read = &self.readers[entry];
                    if !read.is_empty() {
                        let first = (outer + read.start) * apart + inner;
                        let end = (outer + read.end - 1) * apart + inner + 1;
                        lines = if lines.is_empty() { first..end } else { first.min(lines.start)..end.max(lines.end) };
                    }
                }
                Region { top: lines.start, bottom: lines.end, ..changed }
            }
        };
        if reached.is_empty() { Region::EMPTY } else { reached }
    }

    fn is_local(&self) -> bool {
        matches!(self.along, Along::Row) && self.input.positions() == self.output.positions()
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.output.channels, |band| self.fill_band(band));
    }
}
