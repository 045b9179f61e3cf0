//! Convolution as a matrix product: the inputs of an output position, tap by tap, form a row of the left matrix.
//!
//! Weights multiply the zeros of the padding: an infinite or NaN weight makes the edge of the image NaN.

use std::ops::Range;

use facts::graph::HostTensor;

use super::matrix::{Matrix, Rows};
use super::window::{Sources, Window};
use super::{Extent, Job, Kernel, Region, View};
use crate::platform;

/// Input bytes of a block of rows: they stay in the second-level cache while all panels read them.
const BLOCK_BYTES: usize = 512 << 10;
/// Most rows of a block.
const BLOCK_ROWS: usize = 168;
/// The rows of a block are a multiple of this number, so that few rows remain outside full tiles.
const TILE_ROWS: usize = 3;
/// With fewer rows for each thread, the columns are split among the threads instead.
const FEW: usize = 12;

/// A convolution with groups of channels that are wide enough for matrix products.
///
/// Most rows of the product are not copied. Neighbouring taps in a line of the image are contiguous, and a row
/// consists of such pieces, one for each line of the kernel. Copies are needed at the edges, and where the rows of a
/// patch meet golden rows.
#[derive(Debug)]
pub(super) struct Convolution {
    sources: Sources,
    input: Extent,
    /// Input channels of a group.
    depth: usize,
    /// For each group, the first input channel and the matrix.
    groups: Vec<(usize, Matrix)>,
    /// Output channels of a group.
    wide: usize,
    /// Whether a piece is a line of the kernel; otherwise a piece is a single tap.
    by_line: bool,
    /// A piece of padding.
    zeros: Vec<f32>,
}

/// A range of a job's positions, starting with number `start` row by row, and the output for their rows.
struct Stretch<'a> {
    job: usize,
    start: usize,
    out: &'a mut [f32],
}

/// A piece of a row of the product.
enum Piece<'a> {
    /// A piece in the input.
    There(&'a [f32]),
    /// A piece among the copies, at this offset.
    Copied(usize),
}

impl Convolution {
    /// Makes the convolution. `weight` has shape O x I/groups x KH x KW; `bias`, if any, has shape O.
    pub fn new(window: Window, input: Extent, groups: usize, weight: &HostTensor, bias: Option<&HostTensor>) -> Self {
        let wide = weight.shape[0] / groups;
        let filters = (0..groups).map(|group| group * wide..(group + 1) * wide);
        Self::of(window, input, filters, groups, weight, bias)
    }

    /// Makes the convolution for output channel `channel` only.
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

    /// Makes the convolution for the output channels `filters`: some channels of each group that is computed.
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
            // The inner dimension runs over taps, and within a tap over channels: the order of elements in rows.
            let matrix = Matrix::pack(taps * depth, filters.len(), bias, |k, column| {
                weight.data[((filters.start + column) * depth + k % depth) * taps + k / depth]
            });
            (filters.start / (weight.shape[0] / groups) * depth, matrix)
        };
        let groups: Vec<(usize, Matrix)> = filters.map(group).collect();
        let by_line = depth == input.channels && window.dilations[1] == 1;
        let zeros = vec![0.0; depth * if by_line { window.kernel[1] } else { 1 }];
        Self { sources: Sources::new(window), input, depth, wide: groups[0].1.columns(), groups, by_line, zeros }
    }

    /// Returns the length of a row of the product.
    fn inner(&self) -> usize {
        self.groups[0].1.inner()
    }

    fn features(&self) -> usize {
        self.groups.len() * self.wide
    }

    /// Computes a block of rows.
    fn block(&self, stretches: Vec<Stretch<'_>>, jobs: &[(View<'_>, Region)]) {
        let mut places = Vec::with_capacity(BLOCK_ROWS);
        let mut outs: Vec<&mut [f32]> = Vec::with_capacity(BLOCK_ROWS);
        for Stretch { job, start, out } in stretches {
            let (_, region) = jobs[job];
            let rows = out.chunks_exact_mut(self.features());
            let position = |index: usize| [region.top + index / region.width(), region.left + index % region.width()];
            places.extend((start..start + rows.len()).map(|index| (job, position(index))));
            outs.extend(rows);
        }
        let [lines, taps] = self.sources.window.kernel;
        let parts = if self.by_line { lines } else { lines * taps };
        for (group, &(channel, ref matrix)) in self.groups.iter().enumerate() {
            let mut copies = Vec::new();
            let mut pieces = Vec::with_capacity(parts * places.len());
            for part in 0..parts {
                let piece = |&(job, position): &(usize, [usize; 2])| {
                    self.piece(&jobs[job].0, position, part, channel, &mut copies)
                };
                pieces.extend(places.iter().map(piece));
            }
            let pieces: Vec<&[f32]> = pieces
                .iter()
                .map(|piece| match *piece {
                    Piece::There(row) => row,
                    Piece::Copied(start) => &copies[start..][..self.zeros.len()],
                })
                .collect();
            let rows = Rows { pieces: &pieces, count: places.len() };
            if places.len() < FEW && platform::threads() > 1 {
                matrix.multiply_few(rows, &mut outs, group * self.wide);
            } else {
                matrix.multiply(rows, &mut outs, group * self.wide);
            }
        }
    }

    /// Returns piece `part` of the inputs of an output position, from input channel `channel` on.
    fn piece<'a>(
        &'a self,
        input: &View<'a>,
        [y, x]: [usize; 2],
        part: usize,
        channel: usize,
        copies: &mut Vec<f32>,
    ) -> Piece<'a> {
        let (line, tap) = if self.by_line {
            (part, 0)
        } else {
            (part / self.sources.window.kernel[1], part % self.sources.window.kernel[1])
        };
        let Some(y) = self.sources.window.source(0, y, line) else { return Piece::There(&self.zeros) };
        if !self.by_line {
            let inside = |x| &input.row(y, x)[channel..][..self.depth];
            return Piece::There(self.sources.window.source(1, x, tap).map_or(&self.zeros, inside));
        }
        let (Range { start, end }, source) = self.sources.column(x);
        let reads = source..source + (end - start);
        if end - start == self.sources.window.kernel[1]
            && let Some(run) = input.joined(y, reads.clone())
        {
            return Piece::There(run);
        }
        let at = copies.len();
        copies.resize(at + start * self.depth, 0.0);
        input.line(y, reads).for_each(|run| copies.extend_from_slice(run));
        copies.resize(at + self.zeros.len(), 0.0);
        Piece::Copied(at)
    }
}

impl Kernel for Convolution {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        self.sources.window.reach(changed)
    }

    fn is_local(&self) -> bool {
        self.sources.window.is_each()
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let positions: usize = jobs.iter().map(|job| job.region.positions()).sum();
        let threads = platform::threads();
        let fits = BLOCK_BYTES / (4 * self.input.channels * self.sources.window.kernel[0]);
        let most = fits.clamp(TILE_ROWS, BLOCK_ROWS);
        // Every thread gets the same number of blocks.
        let blocks = if positions < FEW * threads { 1 } else { positions.div_ceil(most).next_multiple_of(threads) };
        let rows = positions.div_ceil(blocks).next_multiple_of(TILE_ROWS);

        let (mut blocks, mut room) = (Vec::with_capacity(blocks), 0);
        let mut inputs = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.iter_mut().enumerate() {
            inputs.push((job.inputs[0], job.region));
            let (mut start, mut out) = (0, &mut *job.out);
            while !out.is_empty() {
                if room == 0 {
                    blocks.push(Vec::new());
                    room = rows;
                }
                let taken = room.min(out.len() / self.features());
                let (head, tail) = out.split_at_mut(taken * self.features());
                blocks.last_mut().expect("one was pushed").push(Stretch { job: index, start, out: head });
                (start, out, room) = (start + taken, tail, room - taken);
            }
        }
        platform::for_each(blocks, |block| self.block(block, &inputs));
    }

    fn multiply_adds(&self) -> u64 {
        (self.inner() * self.features()) as u64
    }
}
