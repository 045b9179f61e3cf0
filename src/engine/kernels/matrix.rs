//! Products of rows and a constant matrix.
//!
//! The matrix is packed once, in panels of as many columns as fit the vector registers. A tile of rows is multiplied
//! with one panel at a time, with one accumulator for each element, over the inner dimension from first to last.
//! Therefore an element depends only on its row and its column, not on its tile: a row gives the same bits alone and
//! among other rows.

use std::ops::Range;

use crate::platform::{self, Vector, Vectorised};

/// Widest panel, in vectors. Six rows by four vectors fill the registers of AVX-512. Three rows by four vectors fill
/// the registers of machines with vectors half as wide.
const WIDEST: usize = 4;
/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// A constant matrix, packed.
#[derive(Debug)]
pub struct Matrix {
    inner: usize,
    columns: usize,
    lanes: usize,
    panels: Vec<Panel>,
    bias: Option<Vec<f32>>,
}

/// Rows to multiply, each in pieces of one length.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The first piece of each row, then the second of each, and so on.
    pub pieces: &'a [&'a [f32]],
    /// Number of rows.
    pub count: usize,
}

/// A panel: some columns of a matrix, with their elements for each step of the inner dimension.
#[derive(Debug)]
struct Panel {
    first: usize,
    /// Vectors in a step.
    width: usize,
    data: Aligned,
}

/// Numbers aligned to a cache line: a vector across two lines takes twice as long to load.
#[derive(Debug)]
struct Aligned {
    numbers: Range<usize>,
    room: Vec<f32>,
}

impl Aligned {
    fn zeros(length: usize) -> Self {
        let room = vec![0.0; length + CACHE_LINE / size_of::<f32>()];
        // If the alignment is unknown, the offset is 0 and the numbers are unaligned.
        let start = room.as_ptr().align_offset(CACHE_LINE);
        Self { numbers: if start + length <= room.len() { start..start + length } else { 0..length }, room }
    }

    fn as_slice(&self) -> &[f32] {
        &self.room[self.numbers.clone()]
    }
}

impl Matrix {
    /// Packs the matrix of `inner` x `columns` with the elements `at(inner, column)`. The product adds `bias`, one
    /// number for each column.
    pub fn pack(inner: usize, columns: usize, bias: Option<&[f32]>, at: impl Fn(usize, usize) -> f32) -> Self {
        Self::packed(inner, columns, bias, |k, span, step| {
            for (element, column) in step.iter_mut().zip(span) {
                *element = at(k, column);
            }
        })
    }

    /// Packs the matrix with the rows `rows`, of `columns` elements each.
    pub fn of_rows(columns: usize, rows: &[f32]) -> Self {
        Self::packed(rows.len() / columns, columns, None, |k, span, step| {
            step[..span.len()].copy_from_slice(&rows[k * columns..][span]);
        })
    }

    /// Packs a matrix; `fill` writes the elements of some columns of a row.
    fn packed(
        inner: usize,
        columns: usize,
        bias: Option<&[f32]>,
        fill: impl Fn(usize, Range<usize>, &mut [f32]),
    ) -> Self {
        let lanes = platform::lanes();
        let mut panels = Vec::new();
        let mut first = 0;
        while first < columns {
            // Narrower panels hold the remaining columns, so that fewer padded columns are computed.
            let left = (columns - first).div_ceil(lanes);
            let width = if left >= WIDEST { WIDEST } else { 1 << left.ilog2() };
            let span = first..(first + width * lanes).min(columns);
            let mut data = Aligned::zeros(inner * width * lanes);
            let steps = data.room[data.numbers.clone()].chunks_exact_mut(width * lanes);
            for (k, step) in steps.enumerate() {
                fill(k, span.clone(), step);
            }
            panels.push(Panel { first, width, data });
            first = span.end;
        }
        Self { inner, columns, lanes, panels, bias: bias.map(<[f32]>::to_vec) }
    }

    /// Returns the length of an input row.
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// Returns the length of an output row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Multiplies each of `rows` and writes the product to the same index in `out`, starting at column `first` of it.
    pub fn multiply(&self, rows: Rows<'_>, out: &mut [&mut [f32]], first: usize) {
        for panel in &self.panels {
            let bias = self.bias.as_deref().map(|bias| &bias[panel.first..]);
            Product { matrix: self, panel, bias, rows, out, first: first + panel.first }.compute();
        }
    }

    /// Multiplies few rows as [`Matrix::multiply`] does, but the threads split the columns.
    pub fn multiply_few(&self, rows: Rows<'_>, out: &mut [&mut [f32]], first: usize) {
        let mut parts: Vec<_> =
            self.panels.iter().map(|panel| (panel, vec![0.0; rows.count * self.width(panel)])).collect();
        platform::for_each(parts.iter_mut().collect(), |(panel, part)| {
            let bias = self.bias.as_deref().map(|bias| &bias[panel.first..]);
            let mut out: Vec<&mut [f32]> = part.chunks_exact_mut(self.width(panel)).collect();
            Product { matrix: self, panel, bias, rows, out: &mut out, first: 0 }.compute();
        });
        for (panel, part) in &parts {
            let width = self.width(panel);
            for (row, part) in out.iter_mut().zip(part.chunks_exact(width)) {
                row[first + panel.first..][..width].copy_from_slice(part);
            }
        }
    }

    /// Returns the columns of a panel.
    fn width(&self, panel: &Panel) -> usize {
        (panel.width * self.lanes).min(self.columns - panel.first)
    }
}

/// A product of rows and a panel.
struct Product<'a, 'o> {
    matrix: &'a Matrix,
    panel: &'a Panel,
    bias: Option<&'a [f32]>,
    rows: Rows<'a>,
    out: &'a mut [&'o mut [f32]],
    first: usize,
}

impl Product<'_, '_> {
    fn compute(mut self) {
        // Tiles fill the vector registers: 32 where vectors are 16 wide, otherwise 16. The registers for the rows'
        // addresses limit the tiles too. Vectors of 4 have separate multiplications, whose products need registers of
        // their own: a tile of three rows by four vectors does not fit, and has half the speed.
        match (self.panel.width, self.matrix.lanes) {
            (4, 16) => self.tiles::<4, 6, 3>(),
            (2, 16) => self.tiles::<2, 8, 4>(),
            (_, 16) => self.tiles::<1, 8, 4>(),
            (4, 4) => self.tiles::<4, 2, 1>(),
            (2, 4) => self.tiles::<2, 4, 2>(),
            (4, _) => self.tiles::<4, 3, 2>(),
            (2, _) => self.tiles::<2, 6, 3>(),
            _ => self.tiles::<1, 8, 4>(),
        }
    }

    /// Multiplies all rows: first in tiles of `TALL`, then in tiles of `LOW`, then one by one.
    fn tiles<const WIDTH: usize, const TALL: usize, const LOW: usize>(&mut self) {
        let mut at = 0;
        while at + TALL <= self.rows.count {
            at = self.tile::<WIDTH, TALL>(at);
        }
        while at + LOW <= self.rows.count {
            at = self.tile::<WIDTH, LOW>(at);
        }
        while at < self.rows.count {
            at = self.tile::<WIDTH, 1>(at);
        }
    }

    /// Computes the tile that starts at row `at`, and returns the row after it.
    fn tile<const WIDTH: usize, const ROWS: usize>(&mut self, at: usize) -> usize {
        let mut sums = [0.0; MOST_SUMS];
        let (rows, panel) = (self.rows, self.panel.data.as_slice());
        platform::vectorised(Tile::<WIDTH, ROWS> { rows, at, panel, sums: &mut sums });
        let width = WIDTH * self.matrix.lanes;
        let columns = width.min(self.matrix.columns - self.panel.first);
        for (sums, out) in sums.chunks_exact(width).zip(&mut self.out[at..at + ROWS]) {
            let (out, sums) = (&mut out[self.first..][..columns], &sums[..columns]);
            match self.bias {
                Some(bias) => {
                    for ((out, sum), bias) in out.iter_mut().zip(sums).zip(&bias[..columns]) {
                        *out = sum + bias;
                    }
                }
                None => out.copy_from_slice(sums),
            }
        }
        at + ROWS
    }
}

/// Most sums in a tile: those of six rows by four vectors of 16.
const MOST_SUMS: usize = 6 * 4 * 16;

/// Products of some rows and a panel, kept in registers until the sums are complete.
struct Tile<'a, const WIDTH: usize, const ROWS: usize> {
    rows: Rows<'a>,
    /// The first row.
    at: usize,
    panel: &'a [f32],
    sums: &'a mut [f32; MOST_SUMS],
}

impl<const WIDTH: usize, const ROWS: usize> Vectorised for Tile<'_, WIDTH, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let panel = self.panel.as_chunks::<LANES>().0.as_chunks::<WIDTH>().0;
        let mut sums = [[V::zero(); WIDTH]; ROWS];
        let Rows { pieces, count } = self.rows;
        let length = panel.len() * count / pieces.len();
        for (pieces, panel) in pieces.chunks_exact(count).zip(panel.chunks_exact(length)) {
            let pieces: &[&[f32]; ROWS] = pieces[self.at..].first_chunk().expect("a tile of rows");
            let pieces = pieces.map(|piece| &piece[..panel.len()]);
            for (k, step) in panel.iter().enumerate() {
                let columns = step.each_ref().map(V::load);
                for (sums, piece) in sums.iter_mut().zip(pieces) {
                    #[allow(
                        unsafe_code,
                        reason = "a check a row takes the registers that narrow tiles need: half the speed"
                    )]
                    // SAFETY: the piece has the panel's length, and k is an index into the panel.
                    let x = unsafe { *piece.get_unchecked(k) };
                    for (sum, &column) in sums.iter_mut().zip(&columns) {
                        *sum = sum.add_product(x, column);
                    }
                }
            }
        }
        let out = self.sums.as_chunks_mut::<LANES>().0.as_chunks_mut::<WIDTH>().0;
        for (sum, out) in sums.as_flattened().iter().zip(out.as_flattened_mut()) {
            sum.store(out);
        }
    }
}
