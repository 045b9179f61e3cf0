//! Operators of transformers: normalisation by a tensor's own statistics, and sums of products along named axes.

use super::{Inferred, axes, broadcast_to, not_empty};
use crate::graph::{Attention, Einsum, Normalise};

pub(super) fn normalise(settings: &Normalise, inputs: &[&[usize]]) -> Inferred {
    let Normalise { axes, groups, scale, bias, along, .. } = settings;
    let x = inputs[0];
    not_empty("the input", x)?;
    let Some(&first) = axes.first() else { return Err("it normalises over no axis".to_owned()) };
    axes::reduce(axes, true, x)?;
    if *groups != 1 {
        let channels = x.get(1).copied().unwrap_or(0);
        if first != 1 || *groups == 0 || !channels.is_multiple_of(*groups) {
            return Err(format!("{channels} channels cannot be cut into {groups} groups"));
        }
    }
    axes::in_range(*along, x)?;
    let named = [("the scale", *scale), ("the bias", *bias)].into_iter().filter(|(_, given)| *given);
    for ((what, _), shape) in named.zip(&inputs[1..]) {
        // A number a group is a number for each of its channels.
        if *groups != 1 && **shape == [*groups] {
            continue;
        }
        let Some(under) = x[*along..].get(..shape.len()) else {
            return Err(format!("{what} of shape {shape:?} has more axes than shape {x:?} from axis {along} on"));
        };
        broadcast_to(what, shape, under)?;
    }
    Ok(x.to_vec())
}

pub(super) fn lp_normalise(axis: usize, p: u8, x: &[usize]) -> Inferred {
    axes::in_range(axis, x)?;
    if !matches!(p, 1 | 2) {
        return Err(format!("the norm must be of order 1 or 2, found {p}"));
    }
    Ok(x.to_vec())
}

pub(super) fn einsum(einsum: &Einsum, inputs: &[&[usize]]) -> Inferred {
    if einsum.inputs.len() != inputs.len() {
        return Err(format!("its equation has {} inputs, found {}", einsum.inputs.len(), inputs.len()));
    }
    let mut lengths: Vec<Option<usize>> = vec![None; 256];
    for (names, shape) in einsum.inputs.iter().zip(inputs) {
        not_empty("an input", shape)?;
        if names.len() != shape.len() {
            return Err(format!("its equation names {} axes, found shape {shape:?}", names.len()));
        }
        for (index, (&name, &length)) in names.iter().zip(*shape).enumerate() {
            if names[..index].contains(&name) {
                return Err("an axis that is named twice in one input is not supported".to_owned());
            }
            let known = lengths[usize::from(name)].get_or_insert(length);
            if *known != length {
                return Err(format!("axes of the same name have lengths {known} and {length}"));
            }
        }
    }
    let length = |(index, name): (usize, &u8)| match lengths[usize::from(*name)] {
        Some(length) if !einsum.output[..index].contains(name) => Ok(length),
        Some(_) => Err("an axis is named twice in the output".to_owned()),
        None => Err("an axis of the output is in no input".to_owned()),
    };
    einsum.output.iter().enumerate().map(length).collect()
}

pub(super) fn attention(attention: &Attention, inputs: &[&[usize]]) -> Inferred {
    let head = |what: &str, shape: &[usize], heads: Option<usize>| -> Inferred<[usize; 4]> {
        not_empty(what, shape)?;
        match (shape, heads) {
            (&[batch, heads, tokens, length], None) => Ok([batch, heads, tokens, length]),
            (&[batch, tokens, length], Some(heads)) if heads > 0 && length.is_multiple_of(heads) => {
                Ok([batch, heads, tokens, length / heads])
            }
            (_, None) => Err(format!("{what} must be N x heads x tokens x length, found shape {shape:?}")),
            (_, Some(heads)) => Err(format!("{what} of shape {shape:?} cannot be cut into {heads} heads")),
        }
    };
    let [queries, others] = attention.heads.map_or([None; 2], |heads| heads.map(Some));
    let q = head("Q", inputs[0], queries)?;
    let k = head("K", inputs[1], others)?;
    let v = head("V", inputs[2], others)?;
    if k[..3] != v[..3] || q[0] != k[0] || q[3] != k[3] || !q[1].is_multiple_of(k[1]) {
        return Err(format!("Q {:?}, K {:?} and V {:?} do not fit together", inputs[0], inputs[1], inputs[2]));
    }
    if attention.mask {
        broadcast_to("the mask", inputs[3], &[q[0], q[1], q[2], k[2]])?;
    }
    Ok(match attention.heads {
        Some(_) => vec![q[0], q[2], q[1] * v[3]],
        None => vec![q[0], q[1], q[2], v[3]],
    })
}
