//! Operators that resample, that read or make places, and those on three spatial axes.

use super::{Inferred, axes, broadcast_to, fits, not_empty};
use crate::graph::{Conv3, Mix, MultiHead};

pub(super) fn mix(mix: &Mix, x: &[usize]) -> Inferred {
    axes::in_range(mix.axis, x)?;
    let length = x[mix.axis];
    match mix.taps.iter().flatten().find(|(entry, _)| *entry as usize >= length) {
        Some((entry, _)) => Err(format!("entry {entry} is out of range: axis {} is {length} long", mix.axis)),
        None => {
            let mut shape = x.to_vec();
            shape[mix.axis] = mix.taps.len();
            Ok(shape)
        }
    }
}

pub(super) fn grid(inputs: &[&[usize]]) -> Inferred {
    match (inputs[0], inputs[1]) {
        (x @ &[n, channels, _, _], &[batch, height, width, 2]) if n == batch => {
            not_empty("the image", x)?;
            Ok(vec![n, channels, height, width])
        }
        (x, grid) => Err(format!(
            "an image with four axes and a grid of its batch, height, width and 2 coordinates are expected, found {x:?} and {grid:?}"
        )),
    }
}

pub(super) fn place(axis: usize, keep_dims: bool, x: &[usize]) -> Inferred {
    axes::in_range(axis, x)?;
    not_empty("the input", x)?;
    axes::reduce(&[axis], keep_dims, x)
}

pub(super) fn top(axis: usize, k: usize, x: &[usize]) -> Inferred {
    axes::in_range(axis, x)?;
    if k > x[axis] {
        return Err(format!("{k} elements are asked for, axis {axis} of shape {x:?} has fewer"));
    }
    let mut shape = x.to_vec();
    shape[axis] = k;
    Ok(shape)
}

pub(super) fn one_hot(axis: usize, depth: usize, x: &[usize]) -> Inferred {
    if axis > x.len() || depth == 0 {
        return Err(format!("{depth} classes cannot lie along a new axis {axis} of shape {x:?}"));
    }
    let mut shape = x.to_vec();
    shape.insert(axis, depth);
    Ok(shape)
}

pub(super) fn conv3(conv: &Conv3, inputs: &[&[usize]]) -> Inferred {
    let (&[n, channels, ..], &[first, second, ..]) = (inputs[0], inputs[1]) else {
        return Err(format!("input and weight must have five axes, found {:?} and {:?}", inputs[0], inputs[1]));
    };
    if inputs[0].len() != 5 || inputs[1].len() != 5 {
        return Err(format!("input and weight must have five axes, found {:?} and {:?}", inputs[0], inputs[1]));
    }
    not_empty("the input", inputs[0])?;
    not_empty("the weight", inputs[1])?;
    let groups = conv.groups;
    let large = || format!("a convolution of {:?} with {:?} is too large", inputs[0], inputs[1]);
    let (divided, of_group) = if conv.transposed.is_some() { (channels, channels) } else { (first, second) };
    let fits_groups = match conv.transposed {
        Some(_) => first == channels,
        None => of_group.checked_mul(groups) == Some(channels),
    };
    if groups == 0 || !divided.is_multiple_of(groups) || !fits_groups {
        return Err(format!(
            "the input has {channels} channels, which do not fit the weight {:?} with {groups} groups",
            inputs[1]
        ));
    }
    let features = if conv.transposed.is_some() { second.checked_mul(groups).ok_or_else(large)? } else { first };
    if let Some(bias) = inputs.get(2)
        && **bias != [features]
    {
        return Err(format!("the bias must have shape [{features}], one number an output channel, found {bias:?}"));
    }
    let (mut shape, mut padded) = (vec![n, features], vec![n, channels.max(features)]);
    for axis in 0..3 {
        let (length, kernel) = (inputs[0][axis + 2], inputs[1][axis + 2]);
        let (stride, dilation, (before, after)) = (conv.strides[axis], conv.dilations[axis], conv.padding[axis]);
        if stride == 0 || dilation == 0 {
            return Err("strides and dilations must be at least 1".to_owned());
        }
        let reach = (kernel - 1).checked_mul(dilation).and_then(|reach| reach.checked_add(1)).ok_or_else(large)?;
        let around = before.checked_add(after).ok_or_else(large)?;
        let (whole, made) = match conv.transposed {
            Some(extra) if extra[axis] >= stride.max(dilation) => {
                return Err(format!("{} more at the end do not fit steps of {stride}", extra[axis]));
            }
            Some(extra) => {
                let whole =
                    (length - 1).checked_mul(stride).and_then(|sum| sum.checked_add(reach)?.checked_add(extra[axis]));
                let whole = whole.ok_or_else(large)?;
                (whole, whole.checked_sub(around).filter(|&left| left > 0))
            }
            None => {
                let whole = length.checked_add(around).ok_or_else(large)?;
                (whole, whole.checked_sub(reach).map(|room| room / stride + 1))
            }
        };
        let made = made.ok_or_else(|| {
            format!("axis {} is too short: its length is {length}, the window spans {reach}", axis + 2)
        })?;
        padded.push(whole);
        shape.push(made);
    }
    fits(&padded)?;
    Ok(shape)
}

pub(super) fn multi_head(settings: &MultiHead, inputs: &[&[usize]]) -> Inferred {
    let step = 1 + usize::from(settings.bias);
    let matrices = [0, 1, 2, 3].map(|number| inputs[3 + number * step]);
    let biases = [0, 1, 2, 3].map(|number| settings.bias.then(|| inputs[4 + number * step]));
    let misfit = || format!("queries, keys, values and weights {inputs:?} do not fit together");
    let (&[n, tokens, of_q], &[_, keys, of_k], &[_, values, of_v]) = (inputs[0], inputs[1], inputs[2]) else {
        return Err(misfit());
    };
    let [&[rows_q, q], &[rows_k, k], &[rows_v, v], &[rows, output]] = matrices else { return Err(misfit()) };
    let [heads, others] = settings.heads;
    let grouped = heads > 0 && others > 0 && heads.is_multiple_of(others);
    let cut = grouped && q.is_multiple_of(heads) && k.is_multiple_of(others) && v.is_multiple_of(others);
    let fits_rows = [rows_q, rows_k, rows_v] == [of_q, of_k, of_v] && keys == values;
    let widths = [q, k, v, output];
    let fits_biases = biases.iter().zip(widths).all(|(bias, width)| bias.is_none_or(|bias| bias == [width]));
    if !cut || !fits_rows || !fits_biases || q / heads != k / others || rows != v / others * heads {
        return Err(misfit());
    }
    if inputs[1][0] != n || inputs[2][0] != n {
        return Err(misfit());
    }
    inputs.iter().try_for_each(|shape| not_empty("an input", shape))?;
    fits(&[n, heads, tokens, keys])?;
    if settings.mask {
        broadcast_to("the mask", inputs[inputs.len() - 1], &[n, heads, tokens, keys])?;
    }
    Ok(vec![n, tokens, output])
}
