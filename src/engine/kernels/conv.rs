//! Convolution, as products of rows: the inputs of an output position, tap by tap, are a row of the product.
//!
//! A weight meets the zeros of the padding: where it is infinite or NaN, the edge of the image becomes NaN.

use std::ops::Range;

use facts::graph::HostTensor;

use super::matrix::{Matrix, Rows};
use super::window::{Sources, Window};
use super::{Extent, Job, Kernel, Region, View};
use crate::platform;

/// What the rows of a block read: it stays in the second cache while they meet panel after panel.
const BLOCK_BYTES: usize = 512 << 10;
/// Most rows of a block.
const BLOCK_ROWS: usize = 168;
/// What the number of rows of a block is a multiple of, so that few are left over from tiles.
const TILE_ROWS: usize = 3;
/// Fewer rows than this a thread are not worth sharing out: the columns are.
const FEW: usize = 12;

/// A convolution whose groups of channels are wide enough to be products.
///
/// Nothing is copied to make a row of the product where it need not be: taps that are neighbours in a line of the image
/// lie in one piece, and a row is such pieces, one a line of the kernel. Copies are made at the edges, and where the rows
/// of a patch meet golden ones.
#[derive(Debug)]
pub(super) struct Convolution {
    sources: Sources,
    input: Extent,
    /// The input channels of a group.
    depth: usize,
    /// By group, the first input channel and the matrix.
    groups: Vec<(usize, Matrix)>,
    /// Output channels of a group.
    wide: usize,
    /// Whether a piece is a line of the kernel, or else a single tap.
    by_line: bool,
    /// A piece in the padding.
    zeros: Vec<f32>,
}

/// Some positions of a job, row by row from number `start` on, and where their rows go.
struct Stretch<'a> {
    job: usize,
    start: usize,
    out: &'a mut [f32],
}

/// A part of a row of the product.
enum Piece<'a> {
    /// Where it lies in the input.
    There(&'a [f32]),
    /// From here on among the copies.
    Copied(usize),
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
        let by_line = depth == input.channels && window.dilations[1] == 1;
        let zeros = vec![0.0; depth * if by_line { window.kernel[1] } else { 1 }];
        Self { sources: Sources::new(window), input, depth, wide: groups[0].1.columns(), groups, by_line, zeros }
    }

    /// Length of the rows of a product.
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

    /// Part `part` of what an output position reads, from input channel `channel` on.
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
        let Window { kernel, strides, before, input, output, .. } = self.sources.window;
        kernel == [1, 1] && strides == [1, 1] && before == [0, 0] && input == output
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let positions: usize = jobs.iter().map(|job| job.region.positions()).sum();
        let threads = platform::threads();
        let fits = BLOCK_BYTES / (4 * self.input.channels * self.sources.window.kernel[0]);
        let most = fits.clamp(TILE_ROWS, BLOCK_ROWS);
        // As many blocks for each thread.
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
