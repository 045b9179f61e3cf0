//! Operators that cut, join and rearrange axes.

use super::{Inferred, MAX_RANK};
use crate::graph::{PadMode, SliceRange, elements};

pub(super) fn in_range(axis: usize, shape: &[usize]) -> Inferred<()> {
    if axis < shape.len() {
        return Ok(());
    }
    Err(format!("axis {axis} is out of range: the tensor has shape {shape:?}"))
}

fn one_each(what: &str, found: usize, shape: &[usize]) -> Inferred<()> {
    if found == shape.len() {
        return Ok(());
    }
    Err(format!("{what} must be given for each of the {} axes of shape {shape:?}, found {found}", shape.len()))
}

pub(super) fn reduce(axes: &[usize], keep_dims: bool, x: &[usize]) -> Inferred {
    for &axis in axes {
        in_range(axis, x)?;
    }
    if !axes.is_sorted_by(|a, b| a < b) {
        return Err(format!("the axes must ascend, found {axes:?}"));
    }
    let kept = x.iter().enumerate().filter_map(|(axis, &length)| match axes.contains(&axis) {
        false => Some(length),
        true if keep_dims => Some(1),
        true => None,
    });
    Ok(kept.collect())
}

pub(super) fn concat(axis: usize, inputs: &[&[usize]]) -> Inferred {
    let mut output = inputs[0].to_vec();
    in_range(axis, &output)?;
    for shape in &inputs[1..] {
        let fits = shape.len() == output.len()
            && shape.iter().zip(&output).enumerate().all(|(index, (a, b))| index == axis || a == b);
        if !fits {
            return Err(format!(
                "shapes {:?} and {shape:?} cannot be joined along axis {axis}: the other axes differ",
                inputs[0]
            ));
        }
        output[axis] = output[axis]
            .checked_add(shape[axis])
            .ok_or_else(|| format!("the joined axis {axis} is too long to compute"))?;
    }
    Ok(output)
}

pub(super) fn split(axis: usize, sizes: &[usize], x: &[usize]) -> Inferred<Vec<Vec<usize>>> {
    in_range(axis, x)?;
    let total = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if sizes.is_empty() || total != Some(x[axis]) {
        return Err(format!("pieces of {sizes:?} do not add up to axis {axis} of shape {x:?}"));
    }
    let piece = |&size: &usize| {
        let mut shape = x.to_vec();
        shape[axis] = size;
        shape
    };
    Ok(sizes.iter().map(piece).collect())
}

pub(super) fn slice(ranges: &[SliceRange], x: &[usize]) -> Inferred {
    one_each("a range", ranges.len(), x)?;
    for (axis, (range, &length)) in ranges.iter().zip(x).enumerate() {
        if range.step == 0 {
            return Err(format!("the step along axis {axis} must not be 0"));
        }
        if range.length == 0 {
            continue;
        }
        let last = range.start as i128 + (range.length as i128 - 1) * range.step as i128;
        if range.start >= length || !(0..length as i128).contains(&last) {
            return Err(format!(
                "{} elements from {} on, {} apart, are not all in axis {axis}, which is {length} long",
                range.length, range.start, range.step
            ));
        }
    }
    Ok(ranges.iter().map(|range| range.length).collect())
}

pub(super) fn reshape(shape: &[usize], x: &[usize]) -> Inferred {
    if elements(shape).is_none() || elements(shape) != elements(x) {
        return Err(format!("a tensor of shape {x:?} cannot take the shape {shape:?}: the number of elements differs"));
    }
    Ok(shape.to_vec())
}

pub(super) fn transpose(perm: &[usize], x: &[usize]) -> Inferred {
    one_each("a place in the permutation", perm.len(), x)?;
    let mut seen = [false; MAX_RANK];
    for &axis in perm {
        in_range(axis, x)?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(format!("{perm:?} is not a permutation: axis {axis} appears twice"));
        }
    }
    Ok(perm.iter().map(|&axis| x[axis]).collect())
}

pub(super) fn gather(axis: usize, indices: &[usize], indices_shape: &[usize], x: &[usize]) -> Inferred {
    in_range(axis, x)?;
    if elements(indices_shape) != Some(indices.len()) {
        return Err(format!("{} indices cannot have the shape {indices_shape:?}", indices.len()));
    }
    if let Some(index) = indices.iter().find(|&&index| index >= x[axis]) {
        return Err(format!("index {index} is out of range: axis {axis} is {} long", x[axis]));
    }
    Ok([&x[..axis], indices_shape, &x[axis + 1..]].concat())
}

pub(super) fn pad(mode: PadMode, pads: &[(isize, isize)], x: &[usize]) -> Inferred {
    one_each("padding", pads.len(), x)?;
    let mut output = Vec::with_capacity(x.len());
    for (axis, (&(before, after), &length)) in pads.iter().zip(x).enumerate() {
        let cropped = length as i128 + before.min(0) as i128 + after.min(0) as i128;
        if cropped < 0 {
            return Err(format!(
                "padding of {before} and {after} takes more from axis {axis} than its length, {length}"
            ));
        }
        let grows = before > 0 || after > 0;
        if cropped == 0 && grows && !matches!(mode, PadMode::Constant(_)) {
            return Err(format!("axis {axis} has no elements to repeat in the padding"));
        }
        let padded = cropped + before.max(0) as i128 + after.max(0) as i128;
        output.push(
            usize::try_from(padded).map_err(|_| format!("axis {axis}, padded to {padded}, is too long to compute"))?,
        );
    }
    Ok(output)
}

pub(super) fn tile(repeats: &[usize], x: &[usize]) -> Inferred {
    one_each("a number of copies", repeats.len(), x)?;
    let long = |(&length, &copies): (&usize, &usize)| length.checked_mul(copies);
    let shape: Option<Vec<usize>> = x.iter().zip(repeats).map(long).collect();
    shape.ok_or_else(|| format!("{repeats:?} copies of shape {x:?} are too large to compute"))
}

pub(super) fn take(places: &[Option<u32>], shape: &[usize], inputs: &[&[usize]]) -> Inferred {
    if elements(shape) != Some(places.len()) {
        return Err(format!("{} places cannot have the shape {shape:?}", places.len()));
    }
    let count: usize = inputs.iter().map(|shape| elements(shape).unwrap_or(0)).sum();
    match places.iter().flatten().find(|&&place| place as usize >= count) {
        Some(place) => Err(format!("place {place} is out of range: the inputs {inputs:?} have {count} elements")),
        None => Ok(shape.to_vec()),
    }
}
