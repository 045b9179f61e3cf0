//! Operators of several tensors: functions of two elements, tensors joined along an axis.

use facts::graph::HostTensor;

use super::super::concat::{Concat, Part, Stack};
use super::super::scale::{Constants, repeated};
use super::super::zip::{Function, Other, Zip};
use super::super::{Extent, Form, Kernel, Operand, Order};

/// Returns the function of two elements.
pub(super) fn zip(function: Function, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let extent = shape.extent;
    let full = |x: Form<'_>| x.extent == extent;
    let kernel = |other, swapped| Some(Box::new(Zip { function, extent, other, swapped }) as Box<dyn Kernel>);
    match *inputs {
        [Operand::Value(a), Operand::Value(b)] if full(a) && full(b) => kernel(Other::Map, false),
        [Operand::Value(a), Operand::Value(b)] => {
            let channels = extent.channels;
            let gates = |x: Form<'_>| match extent.order {
                // A mean along a row lies as a column, though its shape may be that of a gate.
                Order::Channels => x.shape == [1, channels, 1, 1] && x.extent.positions() == 1,
                // One row for all positions: all axes but the last have length 1.
                Order::Last => {
                    channels > 1
                        && x.extent.positions() == 1
                        && x.shape.last() == Some(&channels)
                        && shape.shape.last() == Some(&channels)
                }
            };
            // One number for each row.
            let is_column = |x: Form<'_>| {
                let row = if extent.order == Order::Channels { 1 } else { shape.shape.len() - 1 };
                let alike = |(axis, (&own, &length)): (usize, (&usize, &usize))| {
                    if axis == row { own == 1 } else { own == length }
                };
                x.extent == Extent { channels: 1, ..extent }
                    && x.shape.len() == shape.shape.len()
                    && x.shape.iter().zip(shape.shape).enumerate().all(alike)
            };
            let other = |map: Form<'_>, other: Form<'_>| match full(map) {
                true if gates(other) => Some(Other::Gate),
                true if is_column(other) => Some(Other::Column),
                _ => None,
            };
            match (other(a, b), other(b, a)) {
                (Some(other), _) => kernel(other, false),
                (_, Some(other)) => kernel(other, true),
                _ => None,
            }
        }
        [Operand::Value(x), Operand::Constant(constant)] if full(x) => kernel(constant_rows(constant, shape)?, false),
        [Operand::Constant(constant), Operand::Value(x)] if full(x) => kernel(constant_rows(constant, shape)?, true),
        _ => None,
    }
}

/// Returns a constant that broadcasts to `shape`.
fn constant_rows(constant: &HostTensor, shape: Form<'_>) -> Option<Other> {
    let extent = shape.extent;
    if let (Order::Channels, &[1, channels, _, _]) = (extent.order, shape.shape)
        && let Some(row) = expanded(constant, &[1, channels, 1, 1])
    {
        return Some(Other::Constant(Constants::Row(repeated(&row))));
    }
    let rows = extent.rows(&expanded(constant, shape.shape)?);
    Some(Other::Constant(Constants::of_rows(extent, rows)))
}

/// Returns the elements of `tensor` repeated to `shape`, row-major; `None` if the shapes do not broadcast.
pub(super) fn expanded(tensor: &HostTensor, shape: &[usize]) -> Option<Vec<f32>> {
    let missing = shape.len().checked_sub(tensor.shape.len())?;
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for (axis, &length) in tensor.shape.iter().enumerate().rev() {
        if length != 1 {
            if length != shape[missing + axis] {
                return None;
            }
            strides[missing + axis] = stride;
        }
        stride *= length;
    }
    let place = |mut index: usize| {
        let mut at = 0;
        for (&length, &stride) in shape.iter().zip(&strides).rev() {
            at += index % length * stride;
            index /= length;
        }
        tensor.data[at]
    };
    Some((0..shape.iter().product()).map(place).collect())
}

/// Returns the tensors joined along `axis`.
pub(super) fn concat(axis: usize, inputs: &[Operand<'_>], shape: Form<'_>) -> Option<Box<dyn Kernel>> {
    let Form { shape: lengths, extent } = shape;
    let same_order = |input: &Operand<'_>| match input {
        Operand::Value(form) => form.extent.order == extent.order,
        Operand::Constant(_) => true,
    };
    if !inputs.iter().all(same_order) {
        return None;
    }
    let (outer, after): (usize, usize) = (lengths[..axis].iter().product(), lengths[axis + 1..].iter().product());
    let channels = extent.channels;
    // The axis of the rows, of the positions in a line, or of the lines.
    let (rows, across) = match extent.order {
        Order::Channels => (axis == 1, axis == 3),
        Order::Last if extent.positions() == 1 => (outer == 1, false),
        Order::Last => (after == 1 && lengths[axis] == channels, after == channels && lengths[axis] == extent.width),
    };
    if rows {
        let size = |extent: Extent| (extent.height, extent.width);
        let fits = |input: &Operand<'_>| matches!(input, Operand::Value(x) if size(x.extent) == size(extent));
        return inputs.iter().all(fits).then(|| Box::new(Concat { channels }) as Box<dyn Kernel>);
    }
    let down = match extent.order {
        Order::Channels => axis == 2,
        Order::Last => outer == 1 && after.is_multiple_of(extent.width * channels),
    };
    if !across && !down {
        return None;
    }
    let mut start = 0;
    let part = |input: &Operand<'_>| {
        let own = match input {
            Operand::Value(form) => form.extent,
            Operand::Constant(tensor) if extent.order == Order::Last => Extent::last(&tensor.shape),
            Operand::Constant(tensor) => Extent::of(&tensor.shape),
        };
        // A part of one position or column may have lost its axes of length 1.
        let lines = if extent.order == Order::Channels || across { 1 } else { after / (extent.width * channels) };
        let length = input.shape()[axis] * lines;
        let (height, width) = if across { (extent.height, length) } else { (length, extent.width) };
        let size = Extent { height, width, channels, order: extent.order };
        if own != size {
            return None;
        }
        let constant = match input {
            Operand::Value(_) => None,
            Operand::Constant(tensor) => Some((size, size.rows(&tensor.data))),
        };
        let from = start;
        start += length;
        Some(Part { start: from, end: start, constant })
    };
    let parts = inputs.iter().map(part).collect::<Option<Vec<_>>>()?;
    Some(Box::new(Stack { across, channels, parts }))
}
