//! Matrix products.

use std::ops::Range;

use facts::graph::{Attention, Einsum, HostTensor, Op};

use super::super::attend::Attend;
use super::super::matrix::Matrix;
use super::super::product::Product;
use super::super::{Extent, Form, Kernel, Operand, Order};
use super::pairs::expanded;

/// A matrix product with a constant right operand.
pub(super) struct Dense<'a> {
    pub inner: usize,
    pub columns: usize,
    pub transposed: bool,
    weight: &'a HostTensor,
    /// One number for each column.
    pub bias: Option<Vec<f32>>,
}

impl<'a> Dense<'a> {
    pub fn new(op: &Op, x: Form<'_>, constants: &[&'a HostTensor], shape: Form<'_>) -> Option<Self> {
        let (weight, matrix) = (constants[0], constants[0].shape.as_slice());
        let (transposed, [inner, columns]) = match (op, matrix) {
            (Op::Gemm { trans_b: true, .. }, &[columns, inner]) => (true, [inner, columns]),
            (_, &[ref batch @ .., inner, columns]) if batch.iter().all(|&axis| axis == 1) => (false, [inner, columns]),
            (_, &[inner]) => (false, [inner, 1]),
            _ => return None,
        };
        // Each position is a row of the product. A single one may be a row or a column.
        let rows = x.extent.positions();
        let fits = (x.extent.channels, shape.extent.channels) == (inner, columns) && rows == shape.extent.positions();
        let alike = rows == 1 || (x.extent.order, shape.extent.order) == (Order::Last, Order::Last);
        if !fits || !alike {
            return None;
        }
        let bias = match op {
            Op::Gemm { alpha, beta, trans_a, .. } => {
                // A column of A' is a row of A only if there is one row. A factor other than 1 is too rare for a
                // kernel.
                if (*trans_a && rows != 1) || *alpha != 1.0 {
                    return None;
                }
                match constants.get(1).filter(|_| *beta != 0.0) {
                    Some(bias) => Some(expanded(bias, &[1, columns])?.iter().map(|x| x * beta).collect()),
                    None => None,
                }
            }
            _ => None,
        };
        Some(Self { inner, columns, transposed, weight, bias })
    }

    /// Packs the columns in a range.
    pub fn pack(&self, columns: Range<usize>) -> Matrix {
        let bias = self.bias.as_deref().map(|bias| &bias[columns.clone()]);
        Matrix::pack(self.inner, columns.len(), bias, |k, column| self.at(k, columns.start + column))
    }

    pub fn at(&self, k: usize, column: usize) -> f32 {
        let (down, right) = if self.transposed { (1, self.inner) } else { (self.columns, 1) };
        self.weight.data[k * down + column * right]
    }
}

/// Returns the product of two tensors with rows along their last axes.
pub(super) fn product(inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let [Operand::Value(a), Operand::Value(b)] = *inputs else { return None };
    by_line(a, b, shape, false)
}

/// Returns the product of two tensors for each line of positions; `turned` if the rows of `b` are its columns.
fn by_line(a: Form<'_>, b: Form<'_>, shape: Form<'_>, turned: bool) -> Option<Box<dyn Kernel>> {
    let (&[ref batch_a @ .., rows, inner], &[ref batch_b @ .., down, right]) = (a.shape, b.shape) else { return None };
    let (of_inner, columns) = if turned { (right, down) } else { (down, right) };
    let count = |axes: &[usize]| axes.iter().product::<usize>();
    let size = |batch, width, channels| Extent { height: batch, width, channels, order: Order::Last };
    let (batches, shared) = (count(batch_a), count(batch_b) == 1 && count(batch_a) > 1);
    // With one pair of matrices a line, the axes before them are the same.
    if !shared && batch_a != batch_b {
        return None;
    }
    let right = size(if shared { 1 } else { batches }, down, right);
    let sizes = (a.extent, b.extent, shape.extent);
    let fits = inner == of_inner && sizes == (size(batches, rows, inner), right, size(batches, rows, columns));
    fits.then(|| Box::new(Product { right, turned, output: shape.extent, shared }) as Box<dyn Kernel>)
}

/// Returns the product that an equation of two tensors writes: the same first axes, which the product keeps, then a matrix in
/// each.
pub(super) fn einsum_product(einsum: &Einsum, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let [Operand::Value(a), Operand::Value(b)] = *inputs else { return None };
    let [of_a, of_b] = einsum.inputs.as_slice() else { return None };
    let (&[ref batch @ .., row, column], &[ref batch_a @ .., i, k]) = (&einsum.output[..], &of_a[..]) else {
        return None;
    };
    let &[ref batch_b @ .., down, right] = &of_b[..] else { return None };
    let alike = batch == batch_a && batch == batch_b && i == row;
    match (down, right) {
        _ if !alike => None,
        (down, right) if (down, right) == (k, column) => by_line(a, b, shape, false),
        (down, right) if (down, right) == (column, k) => by_line(a, b, shape, true),
        _ => None,
    }
}

/// Returns the attention of heads of their own: N x heads x tokens x length, nothing masked.
pub(super) fn attend(settings: &Attention, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let [Operand::Value(query), Operand::Value(key), Operand::Value(value)] = *inputs else { return None };
    let plain = settings.heads.is_none() && !settings.causal && settings.softcap == 0.0 && !settings.mask;
    let plain = plain && settings.scale >= 0.0;
    let lies = |form: Form<'_>| {
        let &[batch, heads, tokens, length] = form.shape else { return false };
        form.extent == Extent { height: batch * heads, width: tokens, channels: length, order: Order::Last }
    };
    if !plain || ![query, key, value, shape].into_iter().all(lies) {
        return None;
    }
    let heads = [query.shape[1], key.shape[1]];
    let fits = value.shape[1] == heads[1] && heads[0].is_multiple_of(heads[1]);
    let kernel = Attend { scale: settings.scale, heads, key: key.extent, output: shape.extent };
    fits.then(|| Box::new(kernel) as Box<dyn Kernel>)
}
