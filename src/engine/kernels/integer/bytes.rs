//! Products of rows of bytes and a constant matrix.

use crate::platform::{self, COLUMNS, QUAD, Quads};

/// Widest panel, in vectors: six rows by four vectors fill the registers.
const WIDEST: usize = 4;
/// Most rows of a tile.
const TALLEST: usize = 8;

/// A constant matrix of bytes, packed in panels of columns.
///
/// The rows that it is multiplied with come in pieces of one length. The matrix has zeros for the bytes after a piece, up to a
/// multiple of four.
#[derive(Debug)]
pub(super) struct Bytes {
    /// Steps of a piece.
    steps: usize,
    panels: Vec<Panel>,
    /// The sum of each column.
    sums: Vec<i32>,
}

/// Some columns of a matrix.
#[derive(Debug)]
pub(super) struct Panel {
    pub first: usize,
    pub columns: usize,
    /// Vectors of a step.
    width: usize,
    data: Vec<Quads>,
}

/// The rows to multiply.
pub(super) trait Pieces {
    /// Number of rows.
    fn count(&self) -> usize;

    /// Returns `length` bytes from the start of piece `piece` of a row.
    fn piece(&self, row: usize, piece: usize, length: usize) -> &[u8];
}

impl Bytes {
    /// Packs the matrix with the elements `at(piece, k, column)`.
    pub fn pack([pieces, length, columns]: [usize; 3], at: impl Fn(usize, usize, usize) -> i8) -> Self {
        let steps = length.div_ceil(QUAD);
        let mut panels = Vec::new();
        let mut first = 0;
        while first < columns {
            let left = (columns - first).div_ceil(COLUMNS);
            let width = if left >= WIDEST { WIDEST } else { 1 << left.ilog2() };
            let own = (columns - first).min(width * COLUMNS);
            let vector = |index: usize| {
                let (step, first) = (index / width, first + index % width * COLUMNS);
                let of = |byte: usize| {
                    let (column, k) = (first + byte / QUAD, step % steps * QUAD + byte % QUAD);
                    if column < columns && k < length { at(step / steps, k, column) } else { 0 }
                };
                Quads(std::array::from_fn(of))
            };
            panels.push(Panel { first, columns: own, width, data: (0..pieces * steps * width).map(vector).collect() });
            first += own;
        }
        let sum = |column| -> i32 {
            let elements = (0..pieces).flat_map(|piece| (0..length).map(move |k| (piece, k)));
            elements.map(|(piece, k)| i32::from(at(piece, k, column))).sum()
        };
        Self { steps, sums: (0..columns).map(sum).collect(), panels }
    }

    /// Returns the panels.
    pub fn panels(&self) -> &[Panel] {
        &self.panels
    }

    /// Returns the sum of each column.
    pub fn sums(&self) -> &[i32] {
        &self.sums
    }

    /// Multiplies all rows with a panel, and passes each row's index and sums to `to`.
    pub fn multiply(&self, panel: &Panel, rows: &impl Pieces, mut to: impl FnMut(usize, &[i32])) {
        match panel.width {
            4 => self.tiles::<4, 6, 3>(panel, rows, &mut to),
            2 => self.tiles::<2, TALLEST, 4>(panel, rows, &mut to),
            _ => self.tiles::<1, TALLEST, 4>(panel, rows, &mut to),
        }
    }

    /// Multiplies all rows: first in tiles of `TALL`, then in tiles of `LOW`, then one by one.
    fn tiles<const WIDTH: usize, const TALL: usize, const LOW: usize>(
        &self,
        panel: &Panel,
        rows: &impl Pieces,
        to: &mut impl FnMut(usize, &[i32]),
    ) {
        let mut at = 0;
        while at + TALL <= rows.count() {
            at = self.tile::<WIDTH, TALL>(panel, rows, at, to);
        }
        while at + LOW <= rows.count() {
            at = self.tile::<WIDTH, LOW>(panel, rows, at, to);
        }
        while at < rows.count() {
            at = self.tile::<WIDTH, 1>(panel, rows, at, to);
        }
    }

    /// Computes the tile that starts at row `at`, and returns the row after it.
    fn tile<const WIDTH: usize, const ROWS: usize>(
        &self,
        panel: &Panel,
        rows: &impl Pieces,
        at: usize,
        to: &mut impl FnMut(usize, &[i32]),
    ) -> usize {
        let mut sums = [[[0; COLUMNS]; WIDTH]; ROWS];
        for (piece, data) in panel.data.as_chunks::<WIDTH>().0.chunks_exact(self.steps).enumerate() {
            let pieces = std::array::from_fn(|row| rows.piece(at + row, piece, self.steps * QUAD));
            platform::add_dots::<WIDTH, ROWS>(pieces, data, &mut sums);
        }
        for (row, sums) in sums.iter().enumerate() {
            to(at + row, &sums.as_flattened()[..panel.columns]);
        }
        at + ROWS
    }
}
