//! Cutting, joining and rearranging tensors without arithmetic: every element keeps its bits.

use burn::tensor::{Int, Slice, Tensor, TensorData, ops};
use facts::graph::{PadMode, SliceRange};

use super::Array;
use super::rank::{around, fixed, with_rank};

pub(super) fn concat(axis: usize, inputs: &[&Array], shape: &[usize]) -> Array {
    let parts = inputs.iter().filter(|part| part.elements() > 0).map(|part| around(axis, part)).collect();
    Array::new(shape, Tensor::cat(parts, 1))
}

pub(super) fn split(axis: usize, sizes: &[usize], x: &Array, shapes: &[&[usize]]) -> Vec<Array> {
    let tensor = around(axis, x);
    let mut start = 0;
    let mut pieces = Vec::with_capacity(sizes.len());
    for (&size, shape) in sizes.iter().zip(shapes) {
        pieces.push(match size {
            0 => Array::from_slice(shape, &[], &x.device()),
            _ => Array::new(shape, tensor.clone().narrow(1, start, size)),
        });
        start += size;
    }
    pieces
}

pub(super) fn slice(ranges: &[SliceRange], x: &Array) -> Array {
    let mut shape = x.shape().to_vec();
    let mut y = x.clone();
    for (axis, range) in ranges.iter().enumerate() {
        if (range.start, range.step, range.length) == (0, 1, shape[axis]) {
            continue;
        }
        shape[axis] = range.length;
        y = Array::new(&shape, around(axis, &y).slice_dim(1, taken(*range)));
    }
    y
}

/// Converts `range` to burn's form: bounds of the elements, for either direction.
fn taken(range: SliceRange) -> Slice {
    // Shape inference has checked that all elements are inside the axis. A single element needs no step.
    let (start, step) = (range.start as isize, if range.length == 1 { 1 } else { range.step });
    let last = start + (range.length as isize - 1) * step;
    Slice::new(start.min(last), Some(start.max(last) + 1), step)
}

pub(super) fn transpose(perm: &[usize], x: &Array, shape: &[usize]) -> Array {
    let (lengths, order) = collapse_transpose(perm, x.shape());
    with_rank!(lengths.len(), D => {
        let order: [usize; D] = std::array::from_fn(|axis| order.get(axis).copied().unwrap_or(axis));
        Array::new(shape, x.tensor(fixed::<D>(&lengths)).permute(order))
    })
}

/// Returns the same permutation with as few axes as possible: axes of length 1 are dropped, and axes that stay
/// neighbours become one.
fn collapse_transpose(perm: &[usize], x: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut runs: Vec<(usize, usize)> = Vec::new(); // first axis and number of axes, in the order of the output
    let real: Vec<usize> = (0..x.len()).filter(|&axis| x[axis] != 1).collect();
    let order = perm.iter().filter_map(|axis| real.binary_search(axis).ok());
    for axis in order {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == axis => *count += 1,
            _ => runs.push((axis, 1)),
        }
    }
    let mut sorted = runs.clone();
    sorted.sort_unstable();
    let lengths = sorted.iter().map(|&(first, count)| real[first..first + count].iter().map(|&axis| x[axis]).product());
    let order = runs.iter().map(|run| sorted.binary_search(run).expect("the same runs"));
    (lengths.collect(), order.collect())
}

pub(super) fn tile(repeats: &[usize], x: &Array) -> Array {
    let mut shape = x.shape().to_vec();
    let mut y = x.clone();
    for (axis, &copies) in repeats.iter().enumerate().filter(|(_, copies)| **copies != 1) {
        let parts = vec![&y; copies];
        shape[axis] *= copies;
        y = concat(axis, &parts, &shape);
    }
    y
}

/// Takes elements of the inputs, one after the other. Elements without a place are 0.
pub(super) fn take(places: &[Option<u32>], inputs: &[&Array], shape: &[usize]) -> Array {
    let flat: Vec<Array> = inputs.iter().map(|input| input.reshaped(&[input.elements()])).collect();
    let zero = Array::from_slice(&[1], &[0.0], &inputs[0].device());
    let count: usize = inputs.iter().map(|input| input.elements()).sum();
    let elements = concat(0, &flat.iter().chain([&zero]).collect::<Vec<_>>(), &[count + 1]);
    let sources: Vec<usize> = places.iter().map(|place| place.map_or(count, |place| place as usize)).collect();
    Array::new(shape, select(elements.tensor([count + 1]), 0, &sources))
}

pub(super) fn gather(axis: usize, indices: &[usize], x: &Array, shape: &[usize]) -> Array {
    Array::new(shape, select(around(axis, x), 1, indices))
}

pub(super) fn pad(mode: PadMode, pads: &[(isize, isize)], x: &Array, output: &[usize]) -> Array {
    let crops: Vec<SliceRange> = pads
        .iter()
        .zip(x.shape())
        .map(|(&(before, after), &length)| {
            let [start, end] = [before, after].map(|amount| amount.min(0).unsigned_abs());
            SliceRange { start, step: 1, length: length - start - end }
        })
        .collect();
    let grow: Vec<(usize, usize)> =
        pads.iter().map(|&(before, after)| (before.max(0).unsigned_abs(), after.max(0).unsigned_abs())).collect();
    if let (PadMode::Constant(value), true) = (mode, crops.iter().any(|range| range.length == 0)) {
        return Array::from_slice(output, &vec![value; output.iter().product()], &x.device());
    }
    let cropped = slice(&crops, x);
    let mut shape = cropped.shape().to_vec();
    let PadMode::Constant(value) = mode else {
        let mut y = cropped;
        for (axis, &(before, after)) in grow.iter().enumerate().filter(|(_, pads)| **pads != (0, 0)) {
            let sources: Vec<usize> = (0..before + shape[axis] + after)
                .map(|index| source(mode, index as isize - before as isize, shape[axis]))
                .collect();
            shape[axis] = sources.len();
            y = Array::new(&shape, select(around(axis, &y), 1, &sources));
        }
        return y;
    };
    if grow.iter().all(|pads| *pads == (0, 0)) {
        return cropped;
    }
    with_rank!(grow.len(), D => {
        let pairs: [(usize, usize); D] = std::array::from_fn(|axis| grow[axis]);
        let tensor = cropped.tensor(fixed::<D>(cropped.shape()));
        Array::new(output, tensor.pad(pairs, ops::PadMode::Constant(value)))
    })
}

/// Returns the element of an axis at `index`, before its start or past its end, in modes that repeat elements.
fn source(mode: PadMode, index: isize, length: usize) -> usize {
    let length = length as isize;
    let inside = match mode {
        PadMode::Edge => index.clamp(0, length - 1),
        PadMode::Wrap => index.rem_euclid(length),
        // The index runs forwards and backwards, with each end once.
        PadMode::Reflect if length == 1 => 0,
        PadMode::Reflect => {
            let place = index.rem_euclid(2 * (length - 1));
            place.min(2 * (length - 1) - place)
        }
        PadMode::Constant(_) => unreachable!("a constant repeats no element"),
    };
    inside.unsigned_abs()
}

/// Returns entries of axis `dim` by index.
pub(super) fn select<const D: usize>(tensor: Tensor<D>, dim: usize, indices: &[usize]) -> Tensor<D> {
    let table: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
    let table = Tensor::<1, Int>::from_data(TensorData::new(table, [indices.len()]), &tensor.device());
    tensor.select(dim, table)
}
