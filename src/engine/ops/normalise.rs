//! Normalisation by a tensor's own statistics.

use facts::graph::{Binary, Normalise, Reduction, Unary};

use super::Array;
use super::binary::binary;
use super::reduce::reduce;
use super::unary::unary;

/// Computes `(x - mean) / sqrt(variance + epsilon) * scale + bias`. The variance is the mean of the squares of `x - mean`.
pub(super) fn normalise(settings: &Normalise, inputs: &[&Array]) -> Array {
    let Normalise { axes, groups, centred, epsilon, scale, bias, along } = settings;
    let x = inputs[0];
    let shape = x.shape();
    // The groups become an axis of their own.
    let (grouped, axes) = match groups {
        1 => (shape.to_vec(), axes.clone()),
        _ => {
            let split = [&shape[..1], &[*groups, shape[1] / groups], &shape[2..]].concat();
            (split, axes.iter().map(|axis| axis + 1).collect())
        }
    };
    let mut means = grouped.clone();
    axes.iter().for_each(|&axis| means[axis] = 1);
    let x = x.reshaped(&grouped);
    let x = match centred {
        true => binary(Binary::Sub, &x, &reduce(Reduction::Mean, &axes, &x, &means), &grouped),
        false => x,
    };
    let variance = reduce(Reduction::Mean, &axes, &binary(Binary::Mul, &x, &x, &grouped), &means);
    let epsilon = Array::from_slice(&[], &[*epsilon], &x.device());
    let deviation = unary(Unary::Sqrt, &binary(Binary::Add, &variance, &epsilon, &means));
    let mut y = binary(Binary::Div, &x, &deviation, &grouped).reshaped(shape);
    let given = [(Binary::Mul, *scale), (Binary::Add, *bias)].into_iter().filter(|(_, given)| *given);
    for ((function, _), constants) in given.zip(&inputs[1..]) {
        y = binary(function, &y, &under(constants, shape, *along, *groups), shape);
    }
    y
}

/// Returns scale or bias with as many axes as `shape`, its first at axis `along`. A number a group becomes a number for
/// each of its channels.
fn under(constants: &Array, shape: &[usize], along: usize, groups: usize) -> Array {
    let mut own = vec![1; along];
    if groups != 1 && constants.shape() == [groups] && groups != shape[1] {
        let each = super::rank::expand(&constants.reshaped(&[groups, 1]), &[groups, shape[1] / groups]);
        own.extend([shape[1]]);
        own.resize(shape.len(), 1);
        return each.reshaped(&own);
    }
    own.extend(constants.shape());
    own.resize(shape.len(), 1);
    constants.reshaped(&own)
}

/// Divides by the norm along an axis. ONNX gives 0 where the norm is 0.
pub(super) fn by_norm(axis: usize, p: u8, x: &Array) -> Array {
    let mut norms = x.shape().to_vec();
    norms[axis] = 1;
    let order = if p == 1 { Reduction::L1 } else { Reduction::L2 };
    let norm = reduce(order, &[axis], x, &norms);
    let y = binary(Binary::Div, x, &norm, x.shape());
    let zero = Array::from_slice(&[], &[0.0], &x.device());
    super::binary::choose(&[&norm, &y, &zero], x.shape())
}
