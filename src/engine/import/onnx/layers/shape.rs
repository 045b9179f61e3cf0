//! Operators that move elements without computing with them.

use facts::Result;
use facts::graph::{Op, PadMode, SliceRange, Step, elements};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::range::range;

/// Reshape, Flatten, Squeeze and Unsqueeze.
pub(super) fn reshape(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = reshaped(node, symbols)?;
    Layer::unary(node, symbols, Op::Reshape { shape })
}

/// The shape that Reshape, Flatten, Squeeze or Unsqueeze makes of input 0.
pub(in crate::import::onnx) fn reshaped(node: &NodeView, symbols: &Symbols) -> Result<Vec<usize>> {
    let input = symbols.shape(node, 0)?;
    let rank = input.len();
    // The axes are an attribute before opset 13, an input since.
    let axes = || match node.opset {
        ..13 => Ok(node.ints("axes")?.map(Into::into)),
        _ => symbols.ints(node, 1, "axes"),
    };
    match node.op() {
        "Flatten" => {
            let axis = node.int("axis", 1)?;
            let axis = if axis == rank as i64 { rank } else { node.axis(axis, rank)? };
            if axis == 0 && input.first() == Some(&1) && symbols.batch().is_some() {
                return Err(node.problem("it joins the images of the batch, of which one is computed"));
            }
            let rows = elements(&input[..axis]);
            let columns = elements(&input[axis..]);
            rows.zip(columns)
                .map(|(rows, columns)| vec![rows, columns])
                .ok_or_else(|| node.problem(format_args!("shape {input:?} is absurdly large")))
        }
        "Squeeze" => {
            let squeezed = match axes()? {
                Some(axes) => node.axes(&axes, rank)?,
                None => (0..rank).filter(|&axis| input[axis] == 1).collect(),
            };
            if let Some(axis) = squeezed.iter().find(|&&axis| input[axis] != 1) {
                return Err(node.problem(format_args!("axis {axis} of {input:?} is not of length 1")));
            }
            Ok((0..rank).filter(|axis| !squeezed.contains(axis)).map(|axis| input[axis]).collect())
        }
        "Unsqueeze" => {
            let axes = axes()?.ok_or_else(|| node.problem("its axes are missing"))?;
            let new = node.axes(&axes, rank + axes.len())?;
            let mut shape = input.to_vec();
            for axis in new {
                shape.insert(axis, 1);
            }
            Ok(shape)
        }
        _ => {
            let wanted = symbols.ints(node, 1, "shape")?.ok_or_else(|| node.problem("its shape is missing"))?;
            match (symbols.batch(), &wanted[..]) {
                // The length of the batch, written into the file: one image is left of it.
                (Some(batch), &[first, ref rest @ ..])
                    if i64::try_from(batch) == Ok(first) && input.first() == Some(&1) && !keeps(input, &wanted) =>
                {
                    resolve(node, input, &[&[1], rest].concat())
                }
                _ => resolve(node, input, &wanted),
            }
        }
    }
}

/// Whether `wanted`, without an open length, has as many elements as `input`.
fn keeps(input: &[usize], wanted: &[i64]) -> bool {
    let lengths: Option<Vec<usize>> = wanted.iter().map(|&length| usize::try_from(length).ok()).collect();
    lengths.is_some_and(|lengths| !lengths.contains(&0) && elements(&lengths) == elements(input))
}

/// Reshape's shape with 0 (the input's length, unless `allowzero`) and -1 (what is left) filled in.
fn resolve(node: &NodeView, input: &[usize], wanted: &[i64]) -> Result<Vec<usize>> {
    let misfit = || node.problem(format_args!("{input:?} cannot become {wanted:?}"));
    let copies = !node.flag("allowzero", false)?;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut free = None;
    for (axis, &length) in wanted.iter().enumerate() {
        shape.push(match length {
            0 if copies => *input.get(axis).ok_or_else(misfit)?,
            -1 if free.is_none() => {
                free = Some(axis);
                1
            }
            length => usize::try_from(length).map_err(|_| misfit())?,
        });
    }
    if let Some(axis) = free {
        let (all, rest) = elements(input).zip(elements(&shape)).ok_or_else(misfit)?;
        if rest == 0 || all % rest != 0 {
            return Err(misfit());
        }
        shape[axis] = all / rest;
    }
    Ok(shape)
}

pub(super) fn transpose(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let perm = permutation(node, symbols.shape(node, 0)?.len())?;
    Layer::unary(node, symbols, Op::Transpose { perm })
}

/// Transpose's order of `rank` axes.
pub(in crate::import::onnx) fn permutation(node: &NodeView, rank: usize) -> Result<Vec<usize>> {
    match node.ints("perm")? {
        None => Ok((0..rank).rev().collect()),
        Some(perm) => {
            if node.axes(perm, rank)?.len() != rank {
                return Err(node.problem(format_args!("perm {perm:?} does not order {rank} axes")));
            }
            perm.iter().map(|&axis| node.axis(axis, rank)).collect()
        }
    }
}

/// Expand.
pub(super) fn expand(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = expanded(node, symbols)?;
    Layer::unary(node, symbols, Op::Expand { shape })
}

/// The shape that Expand gives input 0: lengths of 1 on either side give way to the other.
pub(in crate::import::onnx) fn expanded(node: &NodeView, symbols: &Symbols) -> Result<Vec<usize>> {
    let x = symbols.shape(node, 0)?;
    let wanted = symbols.ints(node, 1, "shape")?.ok_or_else(|| node.problem("its shape is missing"))?;
    let rank = x.len().max(wanted.len());
    let misfit = || node.problem(format_args!("{x:?} cannot be expanded to {wanted:?}"));
    let own = |axis: usize| (axis + x.len()).checked_sub(rank).map_or(1, |axis| x[axis]);
    let other = |axis: usize| (axis + wanted.len()).checked_sub(rank).map_or(1, |axis| wanted[axis]);
    (0..rank)
        .map(|axis| match (own(axis), usize::try_from(other(axis)).map_err(|_| misfit())?) {
            (1, length) | (length, 1) => Ok(length),
            (own, length) if own == length => Ok(own),
            _ => Err(misfit()),
        })
        .collect()
}

pub(super) fn tile(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let repeats = symbols.ints(node, 1, "repeats")?.ok_or_else(|| node.problem("its repeats are missing"))?;
    let copies = |&copies: &i64| {
        usize::try_from(copies).map_err(|_| node.problem(format_args!("{copies} copies along one of its axes")))
    };
    let repeats = repeats.iter().map(copies).collect::<Result<_>>()?;
    Layer::unary(node, symbols, Op::Tile { repeats })
}

/// DepthToSpace and SpaceToDepth: between channels and blocks of positions.
pub(super) fn blocks(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let &[n, channels, height, width] = symbols.shape(node, 0)? else {
        return Err(node.problem(format_args!("an image is expected, found shape {:?}", symbols.shape(node, 0)?)));
    };
    let [block] = node.amounts("blocksize", &[node.int("blocksize", 0)?])?;
    let to_depth = node.op() == "SpaceToDepth";
    let fits = match to_depth {
        _ if block == 0 => false,
        true => height.is_multiple_of(block) && width.is_multiple_of(block),
        false => channels.is_multiple_of(block * block),
    };
    if !fits {
        let shape = [n, channels, height, width];
        return Err(node.problem(format_args!("shape {shape:?} cannot be cut into blocks of {block} x {block}")));
    }
    let (split, perm, joined) = if to_depth {
        let (rows, columns) = (height / block, width / block);
        (
            vec![n, channels, rows, block, columns, block],
            [0, 3, 5, 1, 2, 4],
            [n, channels * block * block, rows, columns],
        )
    } else {
        let depth = channels / (block * block);
        let joined = [n, depth, height * block, width * block];
        match node.string("mode", "DCR")? {
            "DCR" => (vec![n, block, block, depth, height, width], [0, 3, 4, 1, 5, 2], joined),
            "CRD" => (vec![n, depth, block, block, height, width], [0, 1, 4, 2, 5, 3], joined),
            other => return Err(node.problem(format_args!("mode is \"{other}\", DCR or CRD is expected"))),
        }
    };
    let steps =
        [Op::Reshape { shape: split }, Op::Transpose { perm: perm.to_vec() }, Op::Reshape { shape: joined.to_vec() }];
    let steps = steps.into_iter().enumerate().map(|(index, op)| Step { op, inputs: usize::from(index == 0) });
    Layer::unary(node, symbols, Op::Chain(steps.collect()))
}

pub(super) fn concat(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    if !node.has("axis") {
        return Err(node.problem("attribute axis is missing"));
    }
    let axis = node.axis(node.int("axis", 0)?, symbols.shape(node, 0)?.len())?;
    Layer::of(node, symbols, Op::Concat { axis }, node.inputs())
}

/// Split: sizes are an attribute before opset 13, an input since; where they are left out, the parts are
/// equal, and since opset 18 the last may be smaller.
pub(super) fn split(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = symbols.shape(node, 0)?;
    let axis = node.axis(node.int("axis", 0)?, shape.len())?;
    let length = shape[axis];
    let parts = node.outputs().len();
    let stated = match node.opset {
        ..13 => node.ints("split")?.map(Into::into),
        _ => symbols.ints(node, 1, "sizes")?,
    };
    let sizes = match stated {
        Some(sizes) => sizes
            .iter()
            .map(|&size| usize::try_from(size).map_err(|_| node.problem(format_args!("one of its sizes is {size}"))))
            .collect::<Result<Vec<_>>>()?,
        None => {
            if node.has("num_outputs") && node.int("num_outputs", 0)? != parts as i64 {
                return Err(node.problem(format_args!("num_outputs is not the number of its outputs, {parts}")));
            }
            if parts == 0 || (node.opset < 18 && length % parts != 0) {
                return Err(node.problem(format_args!("{length} entries cannot be split in {parts} equal parts")));
            }
            let size = length.div_ceil(parts);
            (0..parts).map(|part| length.saturating_sub(part * size).min(size)).collect()
        }
    };
    let mut layer = Layer::unary(node, symbols, Op::Split { axis, sizes })?;
    layer.outputs = parts;
    Ok(layer)
}

pub(super) fn slice(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let ranges = ranges(node, symbols)?;
    Layer::unary(node, symbols, Op::Slice { ranges })
}

/// What Slice takes of each axis of input 0. Bounds are attributes before opset 10, inputs since.
pub(in crate::import::onnx) fn ranges(node: &NodeView, symbols: &Symbols) -> Result<Vec<SliceRange>> {
    let shape = symbols.shape(node, 0)?;
    let missing = || node.problem("its starts or ends are missing");
    let [starts, ends, axes, steps] = if node.opset < 10 {
        [node.ints("starts")?, node.ints("ends")?, node.ints("axes")?, None].map(|values| values.map(Into::into))
    } else {
        let mut settings = [None, None, None, None];
        for (index, what) in ["starts", "ends", "axes", "steps"].into_iter().enumerate() {
            settings[index] = symbols.ints(node, index + 1, what)?;
        }
        settings
    };
    let (starts, ends) = starts.zip(ends).ok_or_else(missing)?;
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()].into());
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(node.problem("starts, ends, axes and steps are of different lengths"));
    }
    node.axes(&axes, shape.len())?;
    let mut ranges: Vec<_> = shape.iter().map(|&length| SliceRange { start: 0, step: 1, length }).collect();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = node.axis(axis, shape.len())?;
        ranges[axis] = range(starts[index], ends[index], steps[index], shape[axis])
            .ok_or_else(|| node.problem(format_args!("a step is {}; any but 0 is expected", steps[index])))?;
    }
    Ok(ranges)
}

pub(super) fn gather_layer(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let (axis, indices) = gather(node, symbols)?;
    let indices_shape = symbols.shape(node, 1)?.to_vec();
    Layer::unary(node, symbols, Op::Gather { axis, indices, indices_shape })
}

/// Gather's axis and its indices, counted from the start and in range.
pub(in crate::import::onnx) fn gather(node: &NodeView, symbols: &mut Symbols) -> Result<(usize, Vec<usize>)> {
    let shape = symbols.shape(node, 0)?;
    let axis = node.axis(node.int("axis", 0)?, shape.len())?;
    let length = shape[axis];
    let indices = symbols.ints(node, 1, "indices")?.ok_or_else(|| node.problem("its indices are missing"))?;
    symbols.spend(node, indices.len())?;
    let counted = |&index: &i64| {
        let counted = if index < 0 { index.checked_add_unsigned(length as u64) } else { Some(index) };
        counted
            .and_then(|index| usize::try_from(index).ok())
            .filter(|&index| index < length)
            .ok_or_else(|| node.problem(format_args!("index {index} into an axis of length {length}")))
    };
    Ok((axis, indices.iter().map(counted).collect::<Result<_>>()?))
}

/// Pad: amounts and value are attributes before opset 11, inputs since; axes came with opset 18.
pub(super) fn pad(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let (amounts, value, axes) = if node.opset < 11 {
        (node.ints("pads")?.map(Into::into), node.float("value", 0.0)?, None)
    } else {
        let value = symbols.float(node, 2, "value")?.unwrap_or(0.0);
        (symbols.ints(node, 1, "amounts")?, value, symbols.ints(node, 3, "axes")?)
    };
    let amounts = amounts.ok_or_else(|| node.problem("its amounts of padding are missing"))?;
    let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
    node.axes(&axes, rank)?;
    let (before, after) = amounts.split_at(axes.len().min(amounts.len()));
    if before.len() != axes.len() || after.len() != axes.len() {
        return Err(node.problem(format_args!("{} amounts of padding for {} axes", amounts.len(), axes.len())));
    }
    let bounded = |amount: i64| {
        let amount = i32::try_from(amount).ok().and_then(|amount| isize::try_from(amount).ok());
        amount.ok_or_else(|| node.problem(format_args!("padding {amounts:?} is absurdly large")))
    };
    let mut pads = vec![(0, 0); rank];
    for ((&axis, &before), &after) in axes.iter().zip(before).zip(after) {
        pads[node.axis(axis, rank)?] = (bounded(before)?, bounded(after)?);
    }
    let mode = match node.string("mode", "constant")? {
        "constant" => PadMode::Constant(value),
        "edge" => PadMode::Edge,
        "reflect" => PadMode::Reflect,
        "wrap" => PadMode::Wrap,
        other => return Err(node.unsupported(format_args!("its mode is {other}"))),
    };
    Layer::unary(node, symbols, Op::Pad { mode, pads })
}
