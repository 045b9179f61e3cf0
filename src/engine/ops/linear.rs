//! Matrix products.

use burn::tensor::Tensor;

use super::Array;
use super::rank::expand;

/// Computes `alpha * A' * B' + beta * C`. As in onnxruntime, C is not read if beta is 0.
pub(super) fn gemm(alpha: f32, beta: f32, trans_a: bool, trans_b: bool, inputs: &[&Array], shape: &[usize]) -> Array {
    let matrix = |array: &Array, transposed: bool| -> Tensor<2> {
        let tensor = array.tensor([array.shape()[0], array.shape()[1]]);
        if transposed { tensor.transpose() } else { tensor }
    };
    let mut y = matrix(inputs[0], trans_a).matmul(matrix(inputs[1], trans_b));
    if alpha != 1.0 {
        y = y.mul_scalar(alpha);
    }
    if let Some(c) = inputs.get(2)
        && beta != 0.0
    {
        let axis = |from_end: usize| c.shape().len().checked_sub(from_end).map_or(1, |axis| c.shape()[axis]);
        let c = c.tensor([axis(2), axis(1)]);
        y = y + if beta == 1.0 { c } else { c.mul_scalar(beta) };
    }
    Array::new(shape, y)
}

/// Computes numpy's `matmul`.
pub(super) fn matmul(a: &Array, b: &Array, shape: &[usize]) -> Array {
    let (batch_a, [rows, inner]) = match *a.shape() {
        [inner] => (&[][..], [1, inner]),
        [ref batch @ .., rows, inner] => (batch, [rows, inner]),
        [] => unreachable!("shape inference refuses scalars"),
    };
    let (batch_b, columns) = match *b.shape() {
        [_] => (&[][..], 1),
        [ref batch @ .., _, columns] => (batch, columns),
        [] => unreachable!("shape inference refuses scalars"),
    };
    let count = |axes: &[usize]| axes.iter().product::<usize>();
    if count(batch_b) == 1 {
        // With one matrix B for all, the batch of A is additional rows.
        let a = a.tensor([count(batch_a) * rows, inner]);
        return Array::new(shape, a.matmul(b.tensor([inner, columns])));
    }
    let batch = &shape[..batch_a.len().max(batch_b.len())];
    let repeated = |array: &Array, own: &[usize], [rows, columns]: [usize; 2]| -> Tensor<3> {
        let to = [batch, &[rows, columns]].concat();
        expand(&array.reshaped(&[own, &[rows, columns]].concat()), &to).tensor([count(batch), rows, columns])
    };
    let (a, b) = (repeated(a, batch_a, [rows, inner]), repeated(b, batch_b, [inner, columns]));
    Array::new(shape, a.matmul(b))
}
