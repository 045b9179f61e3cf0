//! Matrix products of derivatives.

use std::borrow::Cow;

use facts::graph::Einsum;

use super::flat::Flat;
use crate::kernels;
use crate::ops::transposed;
use crate::platform::{self, Vector, Vectorised};

/// A matrix, stored row by row, or column by column if it is `turned`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub data: &'a [f32],
    pub turned: bool,
}

/// The left factor of a product: rows that consist of pieces.
#[derive(Clone, Copy)]
pub(super) struct Pieces<'p> {
    /// Pieces of a row.
    pub number: usize,
    /// Length of a piece; only the last one may be shorter.
    pub length: usize,
    /// Returns a piece of a row.
    pub piece: &'p (dyn Fn(usize, usize) -> &'p [f32] + Sync),
}

/// With fewer rows, packing the right factor costs more than it saves.
const PACKED: usize = 4;
/// Steps of the sums that are made at once: as many rows of the right factor stay in the second-level cache.
const STEPS: usize = 1024;
/// Rows that a thread multiplies at once.
const BLOCK: usize = 96;

/// Adds `factor * a * b` to `out`, a matrix of `rows` times `columns` numbers; `inner` is the length of the sums.
pub(super) fn add_product(
    factor: f32,
    a: Matrix<'_>,
    b: Matrix<'_>,
    [rows, inner, columns]: [usize; 3],
    out: &mut [f32],
) {
    if rows < PACKED {
        return platform::vectorised(Product { factor, a, b, rows, inner, columns, out });
    }
    let left =
        if a.turned { Cow::Owned(transposed(&a.data[..rows * inner], inner, rows)) } else { Cow::Borrowed(a.data) };
    let piece = |row: usize, piece: usize| {
        let start = piece * STEPS;
        &left[row * inner..][start..inner.min(start + STEPS)]
    };
    add_pieces(
        factor,
        Pieces { number: inner.div_ceil(STEPS), length: STEPS, piece: &piece },
        b,
        [inner, columns],
        out,
    );
}

/// Adds `factor` times the product of `rows` and `right`, a matrix of `inner` times `columns` numbers, to `out`.
///
/// An element's sum depends neither on the threads nor on the other rows.
pub(super) fn add_pieces(
    factor: f32,
    rows: Pieces<'_>,
    right: Matrix<'_>,
    [inner, columns]: [usize; 2],
    out: &mut [f32],
) {
    if columns == 0 || inner == 0 {
        return;
    }
    let each = (STEPS / rows.length).max(1);
    for first in (0..rows.number).step_by(each) {
        let last = rows.number.min(first + each);
        let (start, end) = (first * rows.length, inner.min(last * rows.length));
        let packed = if right.turned {
            let at = |k: usize, column: usize| right.data[column * inner + start + k];
            kernels::Matrix::pack(end - start, columns, None, at)
        } else {
            kernels::Matrix::of_rows(columns, &right.data[start * columns..end * columns])
        };
        platform::for_each(out.chunks_mut(BLOCK * columns).enumerate().collect(), |(block, out)| {
            let own = block * BLOCK..block * BLOCK + out.len() / columns;
            let pieces: Vec<&[f32]> =
                (first..last).flat_map(|piece| own.clone().map(move |row| (rows.piece)(row, piece))).collect();
            let mut sums = vec![0.0; out.len()];
            let mut lines: Vec<&mut [f32]> = sums.chunks_exact_mut(columns).collect();
            packed.multiply(kernels::Rows { pieces: &pieces, count: own.len() }, &mut lines, 0);
            out.iter_mut().zip(&sums).for_each(|(out, sum)| *out += factor * sum);
        });
    }
}

/// A product of few rows.
struct Product<'a, 'b> {
    factor: f32,
    a: Matrix<'a>,
    b: Matrix<'a>,
    rows: usize,
    inner: usize,
    columns: usize,
    out: &'b mut [f32],
}

impl Vectorised for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { factor, a, b, rows, inner, columns, out } = self;
        let mut line = vec![0.0; inner];
        for row in 0..rows {
            for (k, value) in line.iter_mut().enumerate() {
                *value = factor * if a.turned { a.data[k * rows + row] } else { a.data[row * inner + k] };
            }
            let out = &mut out[row * columns..(row + 1) * columns];
            if b.turned {
                for (column, out) in out.iter_mut().enumerate() {
                    *out += dot(&line, &b.data[column * inner..(column + 1) * inner]);
                }
            } else {
                add_rows(&line, b.data, out);
            }
        }
    }
}

/// Adds to `out` the rows of `matrix`, each times its factor.
#[inline(always)]
pub(super) fn add_rows(factors: &[f32], matrix: &[f32], out: &mut [f32]) {
    let columns = out.len();
    let mut chunks = factors.chunks_exact(4);
    let mut rows = matrix.chunks_exact(4 * columns);
    for (chunk, rows) in (&mut chunks).zip(&mut rows) {
        if chunk.iter().all(|&factor| factor == 0.0) {
            continue;
        }
        let (a, rest) = rows.split_at(columns);
        let (b, rest) = rest.split_at(columns);
        let (c, d) = rest.split_at(columns);
        for (index, out) in out.iter_mut().enumerate() {
            *out += chunk[0] * a[index] + chunk[1] * b[index] + chunk[2] * c[index] + chunk[3] * d[index];
        }
    }
    let done = factors.len() - chunks.remainder().len();
    for (&factor, row) in chunks.remainder().iter().zip(matrix[done * columns..].chunks_exact(columns)) {
        for (out, &value) in out.iter_mut().zip(row) {
            *out += factor * value;
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (mut left, mut right) = (a.chunks_exact(16), b.chunks_exact(16));
    for (a, b) in (&mut left).zip(&mut right) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Settings of a `Gemm`.
#[derive(Clone, Copy)]
pub(super) struct Gemm {
    pub alpha: f32,
    pub beta: f32,
    pub trans_a: bool,
    pub trans_b: bool,
}

/// Returns the gradients of the inputs of a `Gemm`.
pub(super) fn gemm(settings: Gemm, x: &[Flat<'_>], g: &Flat<'_>, wanted: &[bool]) -> Vec<Option<Flat<'static>>> {
    let Gemm { alpha, beta, trans_a, trans_b } = settings;
    let (a, b, g_all) = (x[0].elements(), x[1].elements(), g.elements());
    let (rows, columns) = (g.shape[0], g.shape[1]);
    let inner = x[0].shape[usize::from(!trans_a)];
    let matrix = |data, turned| Matrix { data, turned };
    let of_a = || {
        let mut out = vec![0.0; rows * inner];
        // y = a b, so a' = g b^T; stored turned, it is b g^T.
        if trans_a {
            add_product(alpha, matrix(&b, trans_b), matrix(&g_all, true), [inner, columns, rows], &mut out);
        } else {
            add_product(alpha, matrix(&g_all, false), matrix(&b, !trans_b), [rows, columns, inner], &mut out);
        }
        Flat::new(&x[0].shape, out)
    };
    let of_b = || {
        let mut out = vec![0.0; inner * columns];
        if trans_b {
            add_product(alpha, matrix(&g_all, true), matrix(&a, trans_a), [columns, rows, inner], &mut out);
        } else {
            add_product(alpha, matrix(&a, !trans_a), matrix(&g_all, false), [inner, rows, columns], &mut out);
        }
        Flat::new(&x[1].shape, out)
    };
    let mut found = vec![wanted[0].then(of_a), wanted[1].then(of_b)];
    if let Some(c) = x.get(2) {
        let scaled: Vec<f32> = g_all.iter().map(|g| beta * g).collect();
        found.push(wanted[2].then(|| super::flat::unbroadcast(&scaled, &g.shape, &c.shape)));
    }
    found
}

/// Returns the gradients of both matrices of numpy's `matmul`.
pub(super) fn matmul(a: &Flat<'_>, b: &Flat<'_>, g: &Flat<'_>, wanted: &[bool]) -> Vec<Option<Flat<'static>>> {
    let (batch_a, [rows, inner]) = match *a.shape {
        [inner] => (&[][..], [1, inner]),
        [ref batch @ .., rows, inner] => (batch, [rows, inner]),
        [] => return vec![None, None],
    };
    let (batch_b, columns) = match *b.shape {
        [_] => (&[][..], 1),
        [ref batch @ .., _, columns] => (batch, columns),
        [] => return vec![None, None],
    };
    let axes = batch_a.len().max(batch_b.len());
    let batch = &g.shape[..axes];
    let (left, right) = (super::flat::broadcast(batch_a, batch), super::flat::broadcast(batch_b, batch));
    let (a_all, b_all, g_all) = (a.elements(), b.elements(), g.elements());
    let mut of_a = vec![0.0; if wanted[0] { a_all.len() } else { 0 }];
    let mut of_b = vec![0.0; if wanted[1] { b_all.len() } else { 0 }];
    let matrix = |data, turned| Matrix { data, turned };
    for (index, (&left, &right)) in left.iter().zip(&right).enumerate() {
        let g = &g_all[index * rows * columns..(index + 1) * rows * columns];
        let (a, b) =
            (left * rows * inner..(left + 1) * rows * inner, right * inner * columns..(right + 1) * inner * columns);
        if wanted[0] {
            add_product(
                1.0,
                matrix(g, false),
                matrix(&b_all[b.clone()], true),
                [rows, columns, inner],
                &mut of_a[a.clone()],
            );
        }
        if wanted[1] {
            add_product(1.0, matrix(&a_all[a], true), matrix(g, false), [inner, rows, columns], &mut of_b[b]);
        }
    }
    vec![wanted[0].then(|| Flat::new(&a.shape, of_a)), wanted[1].then(|| Flat::new(&b.shape, of_b))]
}

/// Returns the gradients of the operands of an einsum.
pub(super) fn einsum(einsum: &Einsum, x: &[Flat<'_>], g: &Flat<'_>, wanted: &[bool]) -> Vec<Option<Flat<'static>>> {
    let mut lengths = [1usize; 256];
    for (names, x) in einsum.inputs.iter().zip(x) {
        for (&name, &length) in names.iter().zip(&*x.shape) {
            lengths[usize::from(name)] = length;
        }
    }
    let mut names: Vec<u8> = einsum.inputs.iter().flatten().copied().collect();
    names.sort_unstable();
    names.dedup();
    let strides = |own: &[u8]| -> Vec<usize> {
        let mut strides = vec![0; names.len()];
        let mut stride = 1;
        for name in own.iter().rev() {
            let place = names.iter().position(|known| known == name).unwrap_or_default();
            strides[place] += stride;
            stride *= lengths[usize::from(*name)];
        }
        strides
    };
    let steps: Vec<Vec<usize>> = einsum.inputs.iter().chain([&einsum.output]).map(|names| strides(names)).collect();
    let (elements, g_all): (Vec<_>, _) = (x.iter().map(Flat::elements).collect(), g.elements());
    let mut found: Vec<Vec<f32>> = x.iter().map(|x| vec![0.0; x.data.len()]).collect();
    let count: usize = names.iter().map(|&name| lengths[usize::from(name)]).product();
    let mut place = vec![0usize; names.len()];
    for _ in 0..count {
        let index = |steps: &[usize]| -> usize { place.iter().zip(steps).map(|(place, step)| place * step).sum() };
        let g = g_all[index(&steps[x.len()])];
        match x.len() {
            1 => found[0][index(&steps[0])] += g,
            _ => {
                let (a, b) = (index(&steps[0]), index(&steps[1]));
                found[0][a] += g * elements[1][b];
                found[1][b] += g * elements[0][a];
            }
        }
        for axis in (0..names.len()).rev() {
            place[axis] += 1;
            if place[axis] < lengths[usize::from(names[axis])] {
                break;
            }
            place[axis] = 0;
        }
    }
    found.into_iter().zip(x).zip(wanted).map(|((data, x), &wanted)| wanted.then(|| Flat::new(&x.shape, data))).collect()
}
