//! Products of two tensors that are both known at run time only: the scores of an attention, and what they select.
//!
//! The rows of the left factor, the right factor and the product lie along the last axis. A line of positions is one
//! matrix, so line `y` of the product is line `y` of the left factor times line `y` of the right one.

use std::ops::Range;

use super::matrix::{Matrix, Rows};
use super::{Extent, Job, Kernel, Region, View};
use crate::platform::{self, Vector, Vectorised};

/// With fewer rows, packing the right factor costs more than it saves.
const PACKED: usize = 4;

/// A matrix product for each line of positions.
#[derive(Debug)]
pub(super) struct Product {
    /// Size of the right factor: its width is the inner length, its rows have the product's columns.
    pub right: Extent,
    /// Size of the product.
    pub output: Extent,
    /// Whether one right factor serves all lines.
    pub shared: bool,
}

/// A line of a job.
struct Line<'j, 'a> {
    left: View<'a>,
    right: View<'a>,
    /// The line, and its first and last position.
    y: usize,
    across: Range<usize>,
    out: &'j mut [f32],
}

impl Product {
    fn line(&self, line: Line<'_, '_>) {
        let Line { left, right, y, across, out } = line;
        let (inner, columns) = (self.right.width, self.right.channels);
        let below = if self.shared { 0 } else { y };
        let rows: Vec<&[f32]> = across.map(|x| left.row(y, x)).collect();
        // Either way an element is one chain of multiply-adds over the inner axis, from zero.
        if rows.len() >= PACKED {
            let factors: Vec<&[f32]> = (0..inner).map(|k| right.row(below, k)).collect();
            let matrix = Matrix::pack(inner, columns, None, |k, column| factors[k][column]);
            let mut outs: Vec<&mut [f32]> = out.chunks_exact_mut(columns).collect();
            matrix.multiply(Rows { pieces: &rows, count: rows.len() }, &mut outs, 0);
            return;
        }
        for (row, sums) in rows.into_iter().zip(out.chunks_exact_mut(columns)) {
            platform::vectorised(One { row, right, below, sums });
        }
    }
}

/// One row of a product.
struct One<'a> {
    row: &'a [f32],
    right: View<'a>,
    below: usize,
    sums: &'a mut [f32],
}

impl Vectorised for One<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        self.sums.fill(0.0);
        for (k, &x) in self.row.iter().enumerate() {
            for (sum, &y) in self.sums.iter_mut().zip(self.right.row(self.below, k)) {
                *sum = if V::FUSED { x.mul_add(y, *sum) } else { x * y + *sum };
            }
        }
    }
}

impl Kernel for Product {
    fn reach(&self, input: usize, changed: Region) -> Region {
        match input {
            _ if changed.is_empty() => Region::EMPTY,
            0 => changed,
            _ if self.shared => self.output.region(),
            // Every row of a product reads the whole right factor.
            _ => Region { left: 0, right: self.output.width, ..changed },
        }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let columns = self.right.channels;
        let mut lines = Vec::new();
        for job in jobs.iter_mut().filter(|job| !job.region.is_empty()) {
            let Region { top, left, right, .. } = job.region;
            let (a, b) = (job.inputs[0], job.inputs[1]);
            for (y, out) in (top..).zip(job.out.chunks_mut((right - left) * columns)) {
                lines.push(Line { left: a, right: b, y, across: left..right, out });
            }
        }
        platform::for_each(lines, |line| self.line(line));
    }

    fn multiply_adds(&self) -> u64 {
        (self.right.width * self.right.channels) as u64
    }
}
