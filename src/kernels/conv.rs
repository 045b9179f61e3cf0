//! Convolution, as products of rows: the inputs of an output position, tap by tap, are a row of the product.
//!
//! A weight meets the zeros of the padding: where it is infinite or NaN, the edge of the image becomes NaN.

use super::matrix::Matrix;
use super::window::Window;
use super::{Extent, Job, Kernel, Region, View};
use crate::graph::{Conv, HostTensor};
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
    /// One matrix a group.
    groups: Vec<Matrix>,
    features: usize,
}

/// A row of the product: where the result goes.
struct Target<'a> {
    job: usize,
    position: [usize; 2],
    out: &'a mut [f32],
}

impl Convolution {
    /// `weight` has shape O x I/groups x KH x KW; `bias`, where there is one, O.
    pub fn new(conv: &Conv, input: Extent, output: Extent, weight: &HostTensor, bias: Option<&HostTensor>) -> Self {
        let &[features, depth, rows, columns] = weight.shape.as_slice() else {
            unreachable!("shape inference has seen four axes");
        };
        let window = Window {
            kernel: [rows, columns],
            strides: conv.strides,
            dilations: conv.dilations,
            before: [conv.padding.top, conv.padding.left],
            input: [input.height, input.width],
            output: [output.height, output.width],
        };
        let (taps, wide) = (rows * columns, features / conv.groups);
        let group = |group: usize| {
            let bias = bias.map(|bias| &bias.data[group * wide..][..wide]);
            // The product runs over taps, and within a tap over channels: the order in which rows lie.
            Matrix::pack(taps * depth, wide, bias, |k, column| {
                weight.data[((group * wide + column) * depth + k % depth) * taps + k / depth]
            })
        };
        Self { window, input, groups: (0..conv.groups).map(group).collect(), features }
    }

    /// Whether a row of the product is just a row of the input.
    fn is_pointwise(&self) -> bool {
        self.window.kernel == [1, 1] && self.window.before == [0, 0] && self.groups.len() == 1
    }

    fn block(&self, targets: &mut [Target<'_>], inputs: &[&View<'_>]) {
        let inner = self.groups[0].inner();
        let depth = self.input.channels / self.groups.len();
        let places: Vec<(usize, [usize; 2])> = targets.iter().map(|target| (target.job, target.position)).collect();
        let mut outs: Vec<&mut [f32]> = targets.iter_mut().map(|target| &mut *target.out).collect();
        if self.is_pointwise() {
            let [down, right] = self.window.strides;
            let rows: Vec<&[f32]> = places.iter().map(|&(job, [y, x])| inputs[job].row(y * down, x * right)).collect();
            return self.multiply(0, &rows, &mut outs);
        }
        let mut gathered = vec![0.0; places.len() * inner];
        for group in 0..self.groups.len() {
            if group > 0 {
                // What lies outside of the image stays zero, for every group.
                gathered.fill(0.0);
            }
            for (row, &(job, position)) in gathered.chunks_exact_mut(inner).zip(&places) {
                self.gather(inputs[job], position, group * depth, row);
            }
            let rows: Vec<&[f32]> = gathered.chunks_exact(inner).collect();
            self.multiply(group, &rows, &mut outs);
        }
    }

    fn multiply(&self, group: usize, rows: &[&[f32]], outs: &mut [&mut [f32]]) {
        let first = group * (self.features / self.groups.len());
        if rows.len() < TILE_ROWS && platform::threads() > 1 {
            self.groups[group].multiply_few(rows, outs, first);
        } else {
            self.groups[group].multiply(rows, outs, first);
        }
    }

    /// Copies what an output position reads into `row`, which is zero.
    fn gather(&self, input: &View<'_>, [y, x]: [usize; 2], channel: usize, row: &mut [f32]) {
        let window = &self.window;
        let [_, columns] = window.kernel;
        let depth = row.len() / (window.kernel[0] * columns);
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
        self.is_pointwise() && self.window.strides == [1, 1]
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let mut inputs = Vec::with_capacity(jobs.len());
        let mut targets = Vec::with_capacity(jobs.iter().map(|job| job.region.positions()).sum());
        for (index, job) in jobs.iter_mut().enumerate() {
            inputs.push(&job.inputs[0]);
            let positions = job.region.iter();
            let rows = job.out.chunks_exact_mut(self.features);
            targets.extend(positions.zip(rows).map(|(position, out)| Target { job: index, position, out }));
        }
        let fits = BLOCK_BYTES / (4 * self.groups[0].inner());
        let share = targets.len().div_ceil(platform::threads());
        let rows = fits.min(share).clamp(1, BLOCK_ROWS).next_multiple_of(TILE_ROWS);
        platform::for_each(targets.chunks_mut(rows).collect(), |block| self.block(block, &inputs));
    }

    fn multiply_adds(&self) -> u64 {
        (self.groups[0].inner() * self.features) as u64
    }
}
