//! Convolution, as products of rows: the inputs of an output position, tap by tap, are a row of the product.
//!
//! A weight meets the zeros of the padding: where it is infinite or NaN, the edge of the image becomes NaN.

use std::ops::Range;

use super::matrix::Matrix;
use super::window::Window;
use super::{Extent, Job, Kernel, Region, View};
use crate::graph::HostTensor;
use crate::platform;

/// Rows that are multiplied at a time: what a tile of them reads stays in the second cache, and a panel is used for all.
const BLOCK_BYTES: usize = 512 << 10;
/// Most rows at a time, and what their number is a multiple of (the heights of all tiles divide it).
const BLOCK_ROWS: usize = 168;
const TILE_ROWS: usize = 12;

/// A convolution whose groups of channels are wide enough to be products.
#[derive(Debug)]
pub(super) struct Convolution {
    window: Window,
    input: Extent,
    /// The input channels of a group.
    depth: usize,
    /// By group, the first input channel and the matrix.
    groups: Vec<(usize, Matrix)>,
    /// Output channels of a group.
    wide: usize,
}

/// A row of the product: where the result goes.
struct Target<'a> {
    job: usize,
    position: [usize; 2],
    out: &'a mut [f32],
}

impl Convolution {
    /// `weight` has shape O x I/groups x KH x KW; `bias`, where there is one, O.
    pub fn new(window: Window, input: Extent, groups: usize, weight: &HostTensor, bias: Option<&HostTensor>) -> Self {
        let wide = weight.shape[0] / groups;
        let filters = (0..groups).map(|group| group * wide..(group + 1) * wide);
        Self::of(window, input, filters, groups, weight, bias)
    }

    /// The same, of which only output channel `channel` is computed.
    pub fn channel(
        window: Window,
        input: Extent,
        groups: usize,
        weight: &HostTensor,
        bias: Option<&HostTensor>,
        channel: usize,
    ) -> Self {
        Self::of(window, input, std::iter::once(channel..channel + 1), groups, weight, bias)
    }

    /// The output channels `filters`, some of each group that is to be computed.
    fn of(
        window: Window,
        input: Extent,
        filters: impl Iterator<Item = Range<usize>>,
        groups: usize,
        weight: &HostTensor,
        bias: Option<&HostTensor>,
    ) -> Self {
        let (depth, taps) = (weight.shape[1], window.kernel[0] * window.kernel[1]);
        let group = |filters: Range<usize>| {
            let bias = bias.map(|bias| &bias.data[filters.clone()]);
            // The product runs over taps, and within a tap over channels: the order in which rows lie.
            let matrix = Matrix::pack(taps * depth, filters.len(), bias, |k, column| {
                weight.data[((filters.start + column) * depth + k % depth) * taps + k / depth]
            });
            (filters.start / (weight.shape[0] / groups) * depth, matrix)
        };
        let groups: Vec<(usize, Matrix)> = filters.map(group).collect();
        Self { window, input, depth, wide: groups[0].1.columns(), groups }
    }

    /// Whether a row of the product is just a row of the input, or a part of it.
    fn is_pointwise(&self) -> bool {
        let Window { kernel, strides, before, input, output, .. } = self.window;
        let inside = |axis: usize| (output[axis] - 1) * strides[axis] < input[axis];
        kernel == [1, 1] && before == [0, 0] && inside(0) && inside(1) && self.groups.len() == 1
    }

    fn block(&self, targets: &mut [Target<'_>], inputs: &[&View<'_>]) {
        let inner = self.inner();
        let places: Vec<(usize, [usize; 2])> = targets.iter().map(|target| (target.job, target.position)).collect();
        let mut outs: Vec<&mut [f32]> = targets.iter_mut().map(|target| &mut *target.out).collect();
        if self.is_pointwise() {
            let [down, right] = self.window.strides;
            let own = self.groups[0].0..self.groups[0].0 + self.depth;
            let row = |&(job, [y, x]): &(usize, [usize; 2])| &inputs[job].row(y * down, x * right)[own.clone()];
            let rows: Vec<&[f32]> = places.iter().map(row).collect();
            return self.multiply(0, &rows, &mut outs);
        }
        let mut gathered = vec![0.0; places.len() * inner];
        for group in 0..self.groups.len() {
            if group > 0 {
                // What lies outside of the image stays zero, for every group.
                gathered.fill(0.0);
            }
            for (row, &(job, position)) in gathered.chunks_exact_mut(inner).zip(&places) {
                self.gather(inputs[job], position, self.groups[group].0, row);
            }
            let rows: Vec<&[f32]> = gathered.chunks_exact(inner).collect();
            self.multiply(group, &rows, &mut outs);
        }
    }

    /// Length of the rows of a product.
    fn inner(&self) -> usize {
        self.groups[0].1.inner()
    }

    fn features(&self) -> usize {
        self.groups.len() * self.wide
    }

    fn multiply(&self, group: usize, rows: &[&[f32]], outs: &mut [&mut [f32]]) {
        let (first, matrix) = (group * self.wide, &self.groups[group].1);
        if rows.len() < TILE_ROWS && platform::threads() > 1 {
            matrix.multiply_few(rows, outs, first);
        } else {
            matrix.multiply(rows, outs, first);
        }
    }

    /// Copies what an output position reads into `row`, which is zero.
    fn gather(&self, input: &View<'_>, [y, x]: [usize; 2], channel: usize, row: &mut [f32]) {
        let window = &self.window;
        let [_, columns] = window.kernel;
        let depth = self.depth;
        let whole = depth == self.input.channels && window.dilations[1] == 1;
        let (inside, start) = window.taps(1, x);
        for (tap_row, line) in row.chunks_exact_mut(columns * depth).enumerate() {
            let Some(source_y) = window.source(0, y, tap_row) else { continue };
            if whole {
                // Neighbouring taps read neighbouring rows.
                let mut to = &mut line[inside.start * depth..inside.end * depth];
                for run in input.line(source_y, start..start + inside.len()) {
                    let (head, tail) = to.split_at_mut(run.len());
                    head.copy_from_slice(run);
                    to = tail;
                }
                continue;
            }
            for (tap, to) in line.chunks_exact_mut(depth).enumerate() {
                if let Some(source_x) = window.source(1, x, tap) {
                    to.copy_from_slice(&input.row(source_y, source_x)[channel..][..depth]);
                }
            }
        }
    }
}

impl Kernel for Convolution {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        self.window.reach(changed)
    }

    fn is_local(&self) -> bool {
        self.is_pointwise() && self.window.strides == [1, 1] && self.window.input == self.window.output
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let mut inputs = Vec::with_capacity(jobs.len());
        let mut targets = Vec::with_capacity(jobs.iter().map(|job| job.region.positions()).sum());
        for (index, job) in jobs.iter_mut().enumerate() {
            inputs.push(&job.inputs[0]);
            let positions = job.region.iter();
            let rows = job.out.chunks_exact_mut(self.features());
            targets.extend(positions.zip(rows).map(|(position, out)| Target { job: index, position, out }));
        }
        let fits = BLOCK_BYTES / (4 * self.inner());
        let share = targets.len().div_ceil(platform::threads());
        let rows = fits.min(share).clamp(1, BLOCK_ROWS).next_multiple_of(TILE_ROWS);
        platform::for_each(targets.chunks_mut(rows).collect(), |block| self.block(block, &inputs));
    }

    fn multiply_adds(&self) -> u64 {
        (self.inner() * self.features()) as u64
    }
}
