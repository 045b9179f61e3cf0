//! Operators that pick elements by places known at import.

use facts::Result;
use facts::graph::{Op, elements};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

/// Trilu: the upper or lower triangle of each matrix; 0 elsewhere.
pub(super) fn trilu(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = symbols.shape(node, 0)?.to_vec();
    let &[.., rows, columns] = shape.as_slice() else {
        return Err(node.problem(format_args!("a matrix is expected, found shape {shape:?}")));
    };
    let diagonal = match symbols.ints(node, 1, "diagonal")?.as_deref() {
        None => 0,
        Some(&[diagonal]) => diagonal,
        Some(_) => return Err(node.problem("its diagonal must be one number")),
    };
    let upper = node.flag("upper", true)?;
    let count = count(node, symbols, &shape)?;
    let place = |index: u32| {
        let (row, column) = (index as usize / columns % rows, index as usize % columns);
        let right_of = (column as i64).saturating_sub(row as i64).saturating_sub(diagonal);
        (if upper { right_of >= 0 } else { right_of <= 0 }).then_some(index)
    };
    let places = (0..count).map(place).collect();
    Layer::unary(node, symbols, Op::Take { places, shape })
}

/// GatherElements: an index along one axis for each element of the output.
pub(super) fn gather_elements(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let x = symbols.shape(node, 0)?.to_vec();
    let shape = symbols.shape(node, 1)?.to_vec();
    let axis = node.axis(node.int("axis", 0)?, x.len())?;
    let indices = symbols.ints(node, 1, "indices")?.ok_or_else(|| node.problem("its indices are missing"))?;
    let fits = shape.len() == x.len() && (0..x.len()).all(|other| other == axis || shape[other] <= x[other]);
    if !fits {
        return Err(node.problem(format_args!("indices of shape {shape:?} do not fit an input of shape {x:?}")));
    }
    count(node, symbols, &shape)?;
    let places = indices.iter().enumerate().map(|(at, &index)| {
        let along = counted(node, index, x[axis])?;
        let (mut rest, mut place, mut stride) = (at, 0, 1);
        for other in (0..x.len()).rev() {
            place += if other == axis { along } else { rest % shape[other] } * stride;
            rest /= shape[other];
            stride *= x[other];
        }
        Ok(u32::try_from(place).ok())
    });
    let places = places.collect::<Result<_>>()?;
    Layer::unary(node, symbols, Op::Take { places, shape })
}

/// ScatterElements: the first input with the third written along one axis to the places that the second names.
pub(super) fn scatter_elements(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    if node.string("reduction", "none")? != "none" {
        return Err(node.unsupported("it combines the updates with what is there"));
    }
    let x = symbols.shape(node, 0)?.to_vec();
    let own = symbols.shape(node, 1)?.to_vec();
    let axis = node.axis(node.int("axis", 0)?, x.len())?;
    let indices = symbols.ints(node, 1, "indices")?.ok_or_else(|| node.problem("its indices are missing"))?;
    let fits = own.len() == x.len()
        && symbols.shape(node, 2)? == own
        && (0..x.len()).all(|other| own[other] <= x[other] || other == axis);
    if !fits {
        return Err(node.problem(format_args!("indices of shape {own:?} do not fit an input of shape {x:?}")));
    }
    let total = count(node, symbols, &x)?;
    let mut places: Vec<Option<u32>> = (0..total).map(Some).collect();
    for (at, &index) in indices.iter().enumerate() {
        let along = counted(node, index, x[axis])?;
        let (mut rest, mut place, mut stride) = (at, 0, 1);
        for other in (0..x.len()).rev() {
            place += if other == axis { along } else { rest % own[other] } * stride;
            rest /= own[other];
            stride *= x[other];
        }
        places[place] = u32::try_from(total as usize + at).ok();
    }
    Layer::of(node, symbols, Op::Take { places, shape: x }, 1).and_then(|mut layer| {
        layer.inputs.push(symbols.data(node, 2)?);
        Ok(layer)
    })
}

/// ReverseSequence: the first elements of each sequence, the last of them first.
pub(super) fn reverse(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = symbols.shape(node, 0)?.to_vec();
    let lengths = symbols.ints(node, 1, "lengths")?.ok_or_else(|| node.problem("its lengths are missing"))?;
    let (batch, time) = (node.int("batch_axis", 1)?, node.int("time_axis", 0)?);
    let axes = [batch, time].map(|axis| usize::try_from(axis).ok().filter(|&axis| axis < 2 && axis < shape.len()));
    let [Some(batch), Some(time)] = axes else {
        return Err(node.problem(format_args!("batch_axis {batch} and time_axis {time}: 0 and 1 are expected")));
    };
    if batch == time || lengths.len() != shape[batch] {
        return Err(node.problem(format_args!("{} lengths do not fit shape {shape:?}", lengths.len())));
    }
    for &length in &*lengths {
        if length < 0 || length > shape[time] as i64 {
            return Err(node.problem(format_args!("a sequence of {length} steps; shape {shape:?} has {}", shape[time])));
        }
    }
    let total = count(node, symbols, &shape)?;
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let (of_batch, of_time) = (stride(batch), stride(time));
    let place = |index: u32| {
        let index = index as usize;
        let (sequence, step) = (index / of_batch % shape[batch], index / of_time % shape[time]);
        let length = lengths[sequence] as usize;
        let from = if step < length { length - 1 - step } else { step };
        u32::try_from(index - step * of_time + from * of_time).ok()
    };
    let places = (0..total).map(place).collect();
    Layer::unary(node, symbols, Op::Take { places, shape })
}

/// GatherND: indices into several leading axes at once.
pub(super) fn gather_nd(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let x = symbols.shape(node, 0)?.to_vec();
    let own = symbols.shape(node, 1)?.to_vec();
    let indices = symbols.ints(node, 1, "indices")?.ok_or_else(|| node.problem("its indices are missing"))?;
    let [batches] = node.amounts("batch_dims", &[node.int("batch_dims", 0)?])?;
    let misfit = || node.problem(format_args!("indices of shape {own:?} do not fit an input of shape {x:?}"));
    let (&depth, outer) = own.split_last().ok_or_else(misfit)?;
    if depth == 0 || batches + depth > x.len() || batches > outer.len() || outer[..batches] != x[..batches] {
        return Err(misfit());
    }
    let shape = [outer, &x[batches + depth..]].concat();
    count(node, symbols, &shape)?;
    let inner: usize = x[batches + depth..].iter().product();
    let whole: usize = x[batches..].iter().product();
    let in_batch: usize = outer[batches..].iter().product();
    let mut places = Vec::new();
    for (number, index) in indices.chunks_exact(depth).enumerate() {
        let mut place = 0;
        for (&index, &length) in index.iter().zip(&x[batches..]) {
            place = place * length + counted(node, index, length)?;
        }
        let start = number / in_batch * whole + place * inner;
        places.extend((start..start + inner).map(|place| u32::try_from(place).ok()));
    }
    Layer::unary(node, symbols, Op::Take { places, shape })
}

/// ScatterND: the first input with the third written to the places that the second names.
pub(super) fn scatter_nd(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    if node.string("reduction", "none")? != "none" {
        return Err(node.unsupported("it combines the updates with what is there"));
    }
    let shape = symbols.shape(node, 0)?.to_vec();
    let own = symbols.shape(node, 1)?.to_vec();
    let updates = symbols.shape(node, 2)?.to_vec();
    let indices = symbols.ints(node, 1, "indices")?.ok_or_else(|| node.problem("its indices are missing"))?;
    count(node, symbols, &shape)?;
    let sources = scattered(node, &shape, &own, &indices, &updates)?;
    let places = sources.into_iter().map(|place| u32::try_from(place).ok()).collect();
    Layer::of(node, symbols, Op::Take { places, shape }, 1).and_then(|mut layer| {
        layer.inputs.push(symbols.data(node, 2)?);
        Ok(layer)
    })
}

/// The place of each element of ScatterND's output in the data followed by the updates.
pub(in crate::import::onnx) fn scattered(
    node: &NodeView,
    data: &[usize],
    own: &[usize],
    indices: &[i64],
    updates: &[usize],
) -> Result<Vec<usize>> {
    let misfit =
        || node.problem(format_args!("data {data:?}, indices {own:?} and updates {updates:?} do not fit together"));
    let (&depth, outer) = own.split_last().ok_or_else(misfit)?;
    if depth == 0 || depth > data.len() || [outer, &data[depth..]].concat() != updates {
        return Err(misfit());
    }
    let inner: usize = data[depth..].iter().product();
    let count: usize = data.iter().product();
    let mut sources: Vec<usize> = (0..count).collect();
    for (number, place) in indices.chunks_exact(depth).enumerate() {
        let mut start = 0;
        for (&index, &length) in place.iter().zip(data) {
            start = start * length + counted(node, index, length)?;
        }
        for offset in 0..inner {
            sources[start * inner + offset] = count + number * inner + offset;
        }
    }
    Ok(sources)
}

/// The number of elements of the output, within what import may make.
fn count(node: &NodeView, symbols: &mut Symbols, shape: &[usize]) -> Result<u32> {
    let count = elements(shape).and_then(|count| u32::try_from(count).ok());
    let count = count.ok_or_else(|| node.problem(format_args!("shape {shape:?} is absurdly large")))?;
    symbols.spend(node, count as usize)?;
    Ok(count)
}

/// An index from the start of an axis of `length`.
fn counted(node: &NodeView, index: i64, length: usize) -> Result<usize> {
    let counted = if index < 0 { index.checked_add_unsigned(length as u64) } else { Some(index) };
    counted
        .and_then(|index| usize::try_from(index).ok())
        .filter(|&index| index < length)
        .ok_or_else(|| node.problem(format_args!("index {index} into an axis of length {length}")))
}
