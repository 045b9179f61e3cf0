//! Scaled dot-product attention.

use facts::graph::{Attention, Binary, MultiHead, Unary};

use super::Array;
use super::binary::{binary, choose};
use super::linear::matmul;
use super::rank::expand;
use super::shape::transpose;
use super::softmax::softmax;
use super::unary::unary;

/// Computes `softmax(Q K' * scale + mask) V` for each head. Q and K are each multiplied by the root of the scale, as ONNX
/// defines it.
pub(super) fn attention(settings: &Attention, inputs: &[&Array], shape: &[usize]) -> Array {
    let [queries, others] = settings.heads.map_or([None; 2], |heads| heads.map(Some));
    let q = by_head(inputs[0], queries);
    let heads = q.shape()[1];
    let k = repeated(&by_head(inputs[1], others), heads);
    let v = repeated(&by_head(inputs[2], others), heads);
    let &[batch, _, rows, length] = q.shape() else { unreachable!("four axes") };
    let keys = k.shape()[2];
    let scores = [batch, heads, rows, keys];
    let root = Array::from_slice(&[], &[settings.scale.sqrt()], &q.device());
    let q = binary(Binary::Mul, &q, &root, q.shape());
    let k = binary(Binary::Mul, &k, &root, k.shape());
    let turned = transpose(&[0, 1, 3, 2], &k, &[batch, heads, length, keys]);
    let mut y = matmul(&q, &turned, &scores);
    let hidden = Array::from_slice(&[], &[f32::NEG_INFINITY], &q.device());
    if settings.causal {
        let seen = (0..rows * keys).map(|index| if index % keys <= index / keys { 1.0 } else { 0.0 });
        let seen = Array::from_slice(&[rows, keys], &seen.collect::<Vec<f32>>(), &q.device());
        y = choose(&[&seen, &y, &hidden], &scores);
    }
    if settings.mask {
        y = match settings.selects {
            true => choose(&[inputs[3], &y, &hidden], &scores),
            false => binary(Binary::Add, &y, inputs[3], &scores),
        };
    }
    if settings.softcap != 0.0 {
        let cap = Array::from_slice(&[], &[settings.softcap], &q.device());
        y = binary(Binary::Mul, &unary(Unary::Tanh, &binary(Binary::Div, &y, &cap, &scores)), &cap, &scores);
    }
    let mixed = matmul(&softmax(3, false, false, &y), &v, &[batch, heads, rows, v.shape()[3]]);
    match settings.heads {
        None => mixed,
        Some(_) => transpose(&[0, 2, 1, 3], &mixed, &[batch, rows, heads, v.shape()[3]]).reshaped(shape),
    }
}

/// Returns N x heads x tokens x length.
fn by_head(x: &Array, heads: Option<usize>) -> Array {
    match (heads, x.shape()) {
        (Some(heads), &[batch, tokens, all]) => {
            let length = all / heads;
            transpose(&[0, 2, 1, 3], &x.reshaped(&[batch, tokens, heads, length]), &[batch, heads, tokens, length])
        }
        _ => x.clone(),
    }
}

/// Returns keys or values with one head for each head of the queries: neighbouring queries share one.
fn repeated(x: &Array, heads: usize) -> Array {
    let &[batch, own, tokens, length] = x.shape() else { unreachable!("four axes") };
    if own == heads {
        return x.clone();
    }
    let each = heads / own;
    expand(&x.reshaped(&[batch, own, 1, tokens, length]), &[batch, own, each, tokens, length])
        .reshaped(&[batch, heads, tokens, length])
}

/// Projects queries, keys and values, lets the heads attend, and projects what they see.
pub(super) fn multi_head(settings: &MultiHead, inputs: &[&Array], shape: &[usize]) -> Array {
    let step = 1 + usize::from(settings.bias);
    let projected = |x: &Array, number: usize| {
        let matrix = inputs[3 + number * step];
        let made = [x.shape()[0], x.shape()[1], matrix.shape()[1]];
        let product = matmul(x, matrix, &made);
        match settings.bias {
            true => binary(Binary::Add, &product, inputs[4 + number * step], &made),
            false => product,
        }
    };
    let [q, k, v] = [0, 1, 2].map(|number| projected(inputs[number], number));
    let attend = settings.attention();
    let seen = [q.shape()[0], q.shape()[1], inputs[3 + 3 * step].shape()[0]];
    let mask = if settings.mask { inputs.last() } else { None };
    let parts: Vec<&Array> = [&q, &k, &v].into_iter().chain(mask.copied()).collect();
    let mixed = attention(&attend, &parts, &seen);
    projected(&mixed, 3).reshaped(shape)
}
