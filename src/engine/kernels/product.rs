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
    /// Size of the right factor.
    pub right: Extent,
    /// Whether the rows of the right factor are the product's columns: their elements are summed over.
    pub turned: bool,
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
        let right = Factor { view: right, line: if self.shared { 0 } else { y }, turned: self.turned };
        let rows: Vec<&[f32]> = across.map(|x| left.row(y, x)).collect();
        right.multiply(&rows, out);
    }
}

/// A line of positions as the right factor of a product.
pub(super) struct Factor<'a> {
    pub view: View<'a>,
    pub line: usize,
    /// Whether its rows are the product's columns.
    pub turned: bool,
}

impl Factor<'_> {
    /// Returns the length of the sums and the number of the product's columns.
    fn size(&self) -> (usize, usize) {
        let Extent { width, channels, .. } = self.view.extent();
        if self.turned { (channels, width) } else { (width, channels) }
    }

    /// Multiplies `rows`, and writes the product row by row. An element is one chain of multiply-adds over the inner axis,
    /// from zero, however many rows there are.
    pub fn multiply(&self, rows: &[&[f32]], out: &mut [f32]) {
        let (inner, columns) = self.size();
        if rows.len() < PACKED {
            for (row, sums) in rows.iter().zip(out.chunks_exact_mut(columns)) {
                platform::vectorised(One { row, right: self, sums });
            }
            return;
        }
        let own: Vec<&[f32]> = (0..self.view.extent().width).map(|x| self.view.row(self.line, x)).collect();
        let at = |k: usize, column: usize| if self.turned { own[column][k] } else { own[k][column] };
        let matrix = Matrix::pack(inner, columns, None, at);
        let mut outs: Vec<&mut [f32]> = out.chunks_exact_mut(columns).collect();
        matrix.multiply(Rows { pieces: rows, count: rows.len() }, &mut outs, 0);
    }
}

/// One row of a product.
struct One<'a> {
    row: &'a [f32],
    right: &'a Factor<'a>,
    sums: &'a mut [f32],
}

/// Columns whose sums are added up together: the chain of one waits for each of its sums.
const TOGETHER: usize = 8;

impl Vectorised for One<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let add = |x: f32, y: f32, sum: &mut f32| *sum = if V::FUSED { x.mul_add(y, *sum) } else { x * y + *sum };
        let Factor { view, line, turned } = *self.right;
        self.sums.fill(0.0);
        if !turned {
            for (k, &x) in self.row.iter().enumerate() {
                for (sum, &y) in self.sums.iter_mut().zip(view.row(line, k)) {
                    add(x, y, sum);
                }
            }
            return;
        }
        for (first, sums) in (0..).step_by(TOGETHER).zip(self.sums.chunks_mut(TOGETHER)) {
            let mut columns = [&self.row[..0]; TOGETHER];
            for (column, own) in columns.iter_mut().zip(first..first + sums.len()) {
                *column = view.row(line, own);
            }
            for (k, &x) in self.row.iter().enumerate() {
                for (sum, column) in sums.iter_mut().zip(&columns) {
                    add(x, column[k], sum);
                }
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
        let columns = self.output.channels;
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
