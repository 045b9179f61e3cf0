//! Products of rows with a constant matrix.
//!
//! The matrix is packed once, in panels of as many columns as fit the vector registers; a tile of rows goes through a
//! panel at a time, one accumulator an element, over the inner dimension from first to last. An element's value
//! therefore depends on its row and its column alone, not on the tile it is computed in: one row among many and the
//! same row alone give the same bits.

use crate::platform::{self, Vectorised};

/// Widest panel, in vectors. Six rows by four vectors fill the registers of AVX-512, three by four those of the others
/// half as wide.
const WIDEST: usize = 4;

/// A constant matrix, packed.
#[derive(Debug)]
pub(super) struct Matrix {
    inner: usize,
    columns: usize,
    lanes: usize,
    panels: Vec<Panel>,
    bias: Option<Vec<f32>>,
}

/// Some columns of a matrix: for each step of the inner dimension, their elements.
#[derive(Debug)]
struct Panel {
    first: usize,
    /// Vectors a step.
    width: usize,
    data: Vec<f32>,
}

impl Matrix {
    /// The matrix of `inner` x `columns` whose elements `at(inner, column)` tells; `bias`, one number a column, is added
    /// to each product.
    pub fn pack(inner: usize, columns: usize, bias: Option<&[f32]>, at: impl Fn(usize, usize) -> f32) -> Self {
        let lanes = platform::lanes();
        let mut panels = Vec::new();
        let mut first = 0;
        while first < columns {
            // A matrix whose columns do not fill the last panel gets narrower ones, so that little is computed in vain.
            let left = (columns - first).div_ceil(lanes);
            let width = if left >= WIDEST { WIDEST } else { 1 << left.ilog2() };
            let span = first..(first + width * lanes).min(columns);
            let mut data = vec![0.0; inner * width * lanes];
            for (k, step) in data.chunks_exact_mut(width * lanes).enumerate() {
                for (element, column) in step.iter_mut().zip(span.clone()) {
                    *element = at(k, column);
                }
            }
            panels.push(Panel { first, width, data });
            first = span.end;
        }
        Self { inner, columns, lanes, panels, bias: bias.map(<[f32]>::to_vec) }
    }

    /// Length of the rows it multiplies.
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// Length of what it makes of them.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Writes the product of each of `rows` to the place of the same number in `out`, from its column `first` on.
    pub fn multiply(&self, rows: &[&[f32]], out: &mut [&mut [f32]], first: usize) {
        debug_assert!(rows.iter().all(|row| row.len() == self.inner), "rows of the matrix' inner length");
        for panel in &self.panels {
            let bias = self.bias.as_deref().map(|bias| &bias[panel.first..]);
            platform::vectorised(Product { matrix: self, panel, bias, rows, out, first: first + panel.first });
        }
    }

    /// The same for few rows, each thread with its share of the columns.
    pub fn multiply_few(&self, rows: &[&[f32]], out: &mut [&mut [f32]], first: usize) {
        let mut parts: Vec<_> =
            self.panels.iter().map(|panel| (panel, vec![0.0; rows.len() * self.width(panel)])).collect();
        platform::for_each(parts.iter_mut().collect(), |(panel, part)| {
            let bias = self.bias.as_deref().map(|bias| &bias[panel.first..]);
            let mut out: Vec<&mut [f32]> = part.chunks_exact_mut(self.width(panel)).collect();
            platform::vectorised(Product { matrix: self, panel, bias, rows, out: &mut out, first: 0 });
        });
        for (panel, part) in &parts {
            let width = self.width(panel);
            for (row, part) in out.iter_mut().zip(part.chunks_exact(width)) {
                row[first + panel.first..][..width].copy_from_slice(part);
            }
        }
    }

    /// Columns of a panel.
    fn width(&self, panel: &Panel) -> usize {
        (panel.width * self.lanes).min(self.columns - panel.first)
    }
}

/// The product of rows with a panel.
struct Product<'a, 'o> {
    matrix: &'a Matrix,
    panel: &'a Panel,
    bias: Option<&'a [f32]>,
    rows: &'a [&'a [f32]],
    out: &'a mut [&'o mut [f32]],
    first: usize,
}

impl Vectorised for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FUSED: bool>(mut self) {
        debug_assert_eq!(LANES, self.matrix.lanes, "packed for these vectors");
        // Tiles fill the registers: 32 of them where vectors are 16 wide, else 16.
        match (self.panel.width, LANES) {
            (4, 16) => self.tiles::<LANES, 4, 6, 3, FUSED>(),
            (2, 16) => self.tiles::<LANES, 2, 12, 4, FUSED>(),
            (_, 16) => self.tiles::<LANES, 1, 14, 4, FUSED>(),
            (4, _) => self.tiles::<LANES, 4, 3, 2, FUSED>(),
            (2, _) => self.tiles::<LANES, 2, 6, 3, FUSED>(),
            _ => self.tiles::<LANES, 1, 8, 3, FUSED>(),
        }
    }
}

impl Product<'_, '_> {
    /// All rows: as many as go in tiles of `TALL`, the others in tiles of `LOW`, then one by one.
    #[inline(always)]
    fn tiles<const LANES: usize, const WIDTH: usize, const TALL: usize, const LOW: usize, const FUSED: bool>(
        &mut self,
    ) {
        let panel = self.panel.data.as_chunks::<LANES>().0.as_chunks::<WIDTH>().0;
        let (tall, rest) = self.rows.as_chunks::<TALL>();
        let (low, single) = rest.as_chunks::<LOW>();
        let mut at = 0;
        for rows in tall {
            self.write(at, &tile::<LANES, WIDTH, TALL, FUSED>(rows, panel));
            at += TALL;
        }
        for rows in low {
            self.write(at, &tile::<LANES, WIDTH, LOW, FUSED>(rows, panel));
            at += LOW;
        }
        for row in single {
            self.write(at, &tile::<LANES, WIDTH, 1, FUSED>(&[*row], panel));
            at += 1;
        }
    }

    #[inline(always)]
    fn write<const LANES: usize, const WIDTH: usize>(&mut self, at: usize, tile: &[[[f32; LANES]; WIDTH]]) {
        let columns = (LANES * WIDTH).min(self.matrix.columns - self.panel.first);
        for (sums, out) in tile.iter().zip(&mut self.out[at..]) {
            let out = &mut out[self.first..][..columns];
            let sums = &sums.as_flattened()[..columns];
            match self.bias {
                Some(bias) => {
                    for ((out, sum), bias) in out.iter_mut().zip(sums).zip(&bias[..columns]) {
                        *out = sum + bias;
                    }
                }
                None => out.copy_from_slice(sums),
            }
        }
    }
}

/// The products of some rows with a panel, kept in registers.
#[inline(always)]
fn tile<const LANES: usize, const WIDTH: usize, const ROWS: usize, const FUSED: bool>(
    rows: &[&[f32]; ROWS],
    panel: &[[[f32; LANES]; WIDTH]],
) -> [[[f32; LANES]; WIDTH]; ROWS] {
    // Cut to one length, they need no check at each step.
    let rows = rows.map(|row| &row[..panel.len()]);
    let mut sums = [[[0.0; LANES]; WIDTH]; ROWS];
    for (k, step) in panel.iter().enumerate() {
        for row in 0..ROWS {
            let x = rows[row][k];
            for vector in 0..WIDTH {
                for lane in 0..LANES {
                    let sum = &mut sums[row][vector][lane];
                    let y = step[vector][lane];
                    *sum = if FUSED { x.mul_add(y, *sum) } else { x * y + *sum };
                }
            }
        }
    }
    sums
}
