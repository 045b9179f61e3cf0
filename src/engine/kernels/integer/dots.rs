//! Convolutions and matrix products with constant bytes, on machines with instructions for sums of products of bytes.
//!
//! The part of the input that some outputs read becomes bytes, padding included, so that the inputs of an output lie in a few
//! pieces. The zero point stays in the bytes: what it adds to a sum is known from the sum of the column's factors.

use super::bytes::{Bytes, Panel, Pieces};
use super::finish::Finish;
use super::sums::{Shift, Zero};
use crate::kernels::window::Window;
use crate::kernels::{Extent, Job, Kernel, Region, View};
use crate::platform::{self, QUAD, Vector, Vectorised};

/// Most bytes that are multiplied at a time: they stay in the second-level cache while all panels read them.
const BLOCK_BYTES: usize = 256 << 10;
/// With fewer rows for each thread, the columns are split among the threads instead.
const FEW: usize = 12;

/// Sums of products of an input of bytes and constant bytes.
#[derive(Debug)]
pub(in crate::kernels) struct Dots {
    shift: Shift,
    /// Makes the smallest integer of the input 0.
    lift: f32,
    window: Window,
    input: Extent,
    /// Input channels of a group.
    depth: usize,
    groups: Vec<Bytes>,
    /// Whether a piece is a line of the window; otherwise it is a single tap.
    by_line: bool,
    finish: Finish,
    /// The ends of sums, where the zero point is constant.
    ends: Option<Vec<i32>>,
}

/// The second factor of products.
pub(in crate::kernels) struct Factors<'a> {
    pub groups: usize,
    /// Columns of all groups.
    pub columns: usize,
    /// The factor at a channel of a tap of a column.
    pub at: &'a dyn Fn(usize, usize, usize) -> i8,
}

/// A part of a job: neighbouring lines of outputs.
struct Part<'a> {
    job: usize,
    region: Region,
    out: &'a mut [f32],
}

/// The bytes that some outputs read.
struct Block {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    /// Of each piece, lines of the window from the first one, and bytes from the start of its line.
    pieces: Vec<(usize, usize)>,
    /// Added to each sum, by part; of all parts, where there is one.
    ends: Vec<Vec<i32>>,
}

/// The bytes of an output.
struct Row {
    start: usize,
    /// Bytes from a line of the window to the next.
    line: usize,
    /// Index of its ends.
    end: usize,
}

/// The rows of a block, as a group reads them.
struct Group<'a> {
    block: &'a Block,
    /// The first channel.
    channel: usize,
}

impl Pieces for Group<'_> {
    fn count(&self) -> usize {
        self.block.rows.len()
    }

    #[inline]
    fn piece(&self, row: usize, piece: usize, length: usize) -> &[u8] {
        let Row { start, line, .. } = self.block.rows[row];
        let (lines, bytes) = self.block.pieces[piece];
        &self.block.bytes[start + lines * line + bytes + self.channel..][..length]
    }
}

impl Dots {
    /// Makes the kernel for an input whose smallest integer is `least`.
    pub fn new(shift: Shift, least: f32, window: Window, input: Extent, factors: &Factors<'_>, finish: Finish) -> Self {
        let Factors { groups, columns, at } = *factors;
        let (depth, wide, [lines, taps]) = (input.channels / groups, columns / groups, window.kernel);
        let by_line = groups == 1 && window.dilations[1] == 1;
        let (pieces, length) = if by_line { (lines, taps * depth) } else { (lines * taps, depth) };
        let group = |group: usize| {
            Bytes::pack([pieces, length, wide], |piece, k, column| {
                let tap = if by_line { piece * taps + k / depth } else { piece };
                at(k % depth, tap, group * wide + column)
            })
        };
        let groups: Vec<Bytes> = (0..groups).map(group).collect();
        let mut made = Self { shift, lift: -least, window, input, depth, groups, by_line, finish, ends: None };
        if let Zero::Constant(zero) = made.shift.zero {
            made.ends = Some(made.ends(zero));
        }
        made
    }

    /// Returns what is added to the sums of bytes with a zero point: the bias, less what the zero point has added.
    fn ends(&self, zero: f32) -> Vec<i32> {
        let sums = self.groups.iter().flat_map(Bytes::sums);
        self.finish.less(sums.map(|sum| sum.wrapping_mul((zero + self.lift) as i32)))
    }

    /// Returns the lines and columns of the padded input from the first one that a window reads to the last.
    fn span(&self, axis: usize, places: usize) -> usize {
        let Window { kernel, strides, dilations, .. } = self.window;
        (places - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1
    }

    fn bytes_of(&self, region: Region) -> usize {
        self.span(0, region.height()) * self.span(1, region.width()) * self.input.channels
    }

    /// Cuts jobs into parts, and puts the parts into as many blocks as threads and cache want.
    fn blocks<'a>(&self, jobs: &'a mut [Job<'_>], threads: usize) -> Vec<Vec<Part<'a>>> {
        let positions: usize = jobs.iter().map(|job| job.region.positions()).sum();
        let most = if positions < FEW * threads { positions } else { positions.div_ceil(threads) };
        let columns = self.finish.columns();
        let (mut blocks, mut rows, mut bytes) = (Vec::new(), most, 0);
        for (job, Job { region, out, .. }) in jobs.iter_mut().enumerate() {
            let (mut top, mut out) = (region.top, &mut **out);
            while top < region.bottom && region.width() > 0 {
                if rows >= most || bytes >= BLOCK_BYTES {
                    blocks.push(Vec::new());
                    (rows, bytes) = (0, 0);
                }
                let lines = |count: usize| Region { top, bottom: top + count, ..*region };
                // At least one line: the room that is left is that of rows, and that of bytes.
                let fits = (most - rows).div_ceil(region.width()).min(region.bottom - top);
                let fits =
                    (1..=fits).rev().find(|&count| bytes + self.bytes_of(lines(count)) <= BLOCK_BYTES).unwrap_or(1);
                let part = lines(fits);
                let (head, tail) = out.split_at_mut(part.positions() * columns);
                (rows, bytes) = (rows + part.positions(), bytes + self.bytes_of(part));
                blocks.last_mut().expect("one was pushed").push(Part { job, region: part, out: head });
                (top, out) = (part.bottom, tail);
            }
        }
        blocks
    }

    /// Returns the bytes that some parts read.
    fn block(&self, parts: &[Part<'_>], inputs: &[Vec<View<'_>>]) -> Block {
        let Window { kernel: [lines, taps], strides, dilations, .. } = self.window;
        let channels = self.input.channels;
        let total: usize = parts.iter().map(|part| self.bytes_of(part.region)).sum();
        let mut bytes = Vec::with_capacity(total + QUAD);
        let mut rows = Vec::with_capacity(parts.iter().map(|part| part.region.positions()).sum());
        let mut ends: Vec<Vec<i32>> = self.ends.iter().cloned().collect();
        for part in parts {
            let inputs = &inputs[part.job];
            let zero = self.shift.zero.value(inputs);
            if self.ends.is_none() {
                ends.push(self.ends(zero));
            }
            let (start, line) = (bytes.len(), self.span(1, part.region.width()) * channels);
            self.lay(&inputs[self.shift.input], part.region, (zero + self.lift) as u8, &mut bytes);
            let row = |[y, x]: [usize; 2]| Row {
                start: start
                    + (y - part.region.top) * strides[0] * line
                    + (x - part.region.left) * strides[1] * channels,
                line: line * dilations[0],
                end: ends.len() - 1,
            };
            rows.extend(part.region.iter().map(row));
        }
        // The last piece is read up to a multiple of four.
        bytes.resize(total + QUAD, 0);
        let pieces = match self.by_line {
            true => (0..lines).map(|line| (line, 0)).collect(),
            false => (0..lines * taps).map(|tap| (tap / taps, tap % taps * dilations[1] * channels)).collect(),
        };
        Block { bytes, rows, pieces, ends }
    }

    /// Appends the bytes that the windows of a region read, line by line, with `zero` in the padding.
    fn lay(&self, input: &View<'_>, region: Region, zero: u8, bytes: &mut Vec<u8>) {
        let Window { kernel, strides, dilations, before, input: [height, width], .. } = self.window;
        let channels = self.input.channels;
        let columns = self.span(1, region.width());
        let left = region.left * strides[1];
        let (from, to) = (left.max(before[1]), (left + columns).min(before[1] + width));
        for line in 0..self.span(0, region.height()) {
            let end = bytes.len() + columns * channels;
            // Strides leave lines out that no window reads.
            let is_read = (0..kernel[0]).any(|tap| {
                let first = line.checked_sub(tap * dilations[0]);
                first.is_some_and(|first| first.is_multiple_of(strides[0]) && first / strides[0] < region.height())
            });
            let y =
                (region.top * strides[0] + line).checked_sub(before[0]).filter(|&y| y < height && is_read && from < to);
            if let Some(y) = y {
                bytes.resize(bytes.len() + (from - left) * channels, zero);
                for run in input.line(y, from - before[1]..to - before[1]) {
                    let start = bytes.len();
                    bytes.resize(start + run.len(), 0);
                    platform::vectorised(Lifted { lift: self.lift, x: run, out: &mut bytes[start..] });
                }
            }
            bytes.resize(end, zero);
        }
    }

    /// Returns each panel with its group and its first column.
    fn panels(&self) -> impl Iterator<Item = (usize, usize, &Panel)> {
        let wide = self.groups[0].sums().len();
        let groups = self.groups.iter().enumerate().map(move |(group, bytes)| (group, group * wide, bytes.panels()));
        groups.flat_map(|(group, first, panels)| panels.iter().map(move |panel| (group, first + panel.first, panel)))
    }

    /// Multiplies all rows of a block with a panel; passes each row's index, sums and ends to `to`.
    fn multiply(&self, block: &Block, group: usize, panel: &Panel, mut to: impl FnMut(usize, &[i32], &[i32])) {
        let rows = Group { block, channel: group * self.depth };
        self.groups[group].multiply(panel, &rows, |row, sums| to(row, sums, &block.ends[block.rows[row].end]));
    }

    /// Computes the only block; the threads split the columns.
    fn few(&self, parts: Vec<Part<'_>>, inputs: &[Vec<View<'_>>]) {
        let block = self.block(&parts, inputs);
        let room = |columns: usize| vec![0.0; block.rows.len() * columns];
        let mut made: Vec<_> = self.panels().map(|panel| (panel, room(panel.2.columns))).collect();
        platform::for_each(made.iter_mut().collect(), |((group, first, panel), made)| {
            self.multiply(&block, *group, panel, |row, sums, ends| {
                let out = &mut made[row * panel.columns..][..panel.columns];
                self.finish.integers(*first, sums, &ends[*first..], out);
            });
        });
        for (row, out) in rows(parts, self.finish.columns()).into_iter().enumerate() {
            for ((_, first, panel), made) in &made {
                out[*first..][..panel.columns].copy_from_slice(&made[row * panel.columns..][..panel.columns]);
            }
        }
    }
}

/// Returns the outputs of some parts, row by row.
fn rows(parts: Vec<Part<'_>>, columns: usize) -> Vec<&mut [f32]> {
    parts.into_iter().flat_map(|part| part.out.chunks_exact_mut(columns)).collect()
}

impl Kernel for Dots {
    fn reach(&self, input: usize, changed: Region) -> Region {
        if input == self.shift.input {
            return self.window.reach(changed);
        }
        // A zero point.
        let [height, width] = self.window.output;
        if changed.is_empty() { Region::EMPTY } else { Region { top: 0, left: 0, bottom: height, right: width } }
    }

    fn is_local(&self) -> bool {
        self.window.is_each() && matches!(self.shift.zero, Zero::Constant(_))
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let threads = platform::threads();
        let inputs: Vec<Vec<View<'_>>> = jobs.iter().map(|job| job.inputs.clone()).collect();
        let mut blocks = self.blocks(jobs, threads);
        if threads > 1 && blocks.len() == 1 {
            return self.few(blocks.remove(0), &inputs);
        }
        platform::for_each(blocks, |parts: Vec<Part<'_>>| {
            let block = self.block(&parts, &inputs);
            let mut outs = rows(parts, self.finish.columns());
            for (group, first, panel) in self.panels() {
                self.multiply(&block, group, panel, |row, sums, ends| {
                    self.finish.integers(first, sums, &ends[first..], &mut outs[row][first..][..panel.columns]);
                });
            }
        });
    }

    fn multiply_adds(&self) -> u64 {
        (self.window.kernel[0] * self.window.kernel[1] * self.depth * self.finish.columns()) as u64
    }
}

/// Integers to bytes.
struct Lifted<'a> {
    lift: f32,
    x: &'a [f32],
    out: &'a mut [u8],
}

impl Vectorised for Lifted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        // In numbers from 2^23 on, the lowest bits are those of the integer.
        let lift = self.lift + (1 << 23) as f32;
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            debug_assert!((0.0..256.0).contains(&(x + self.lift)) && x.fract() == 0.0, "{x} is no integer of 8 bits");
            *out = (x + lift).to_bits() as u8;
        }
    }
}
