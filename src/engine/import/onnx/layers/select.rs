//! Operators that find elements or places among others, and those that read places from a tensor.

use facts::Result;
use facts::graph::{GridMode, GridSample, Mix, Op, Outside, PadMode, SliceRange, elements};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::onnx::tensor::Data;
use crate::import::resample::chained;

/// ArgMax and ArgMin.
pub(super) fn place(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let axis = node.axis(node.int("axis", 0)?, rank)?;
    let (keep_dims, last) = (node.flag("keepdims", true)?, node.flag("select_last_index", false)?);
    symbols.has_places = true;
    Layer::unary(node, symbols, Op::Place { axis, keep_dims, smallest: node.op() == "ArgMin", last })
}

/// TopK. The number of elements is an attribute before opset 10, an input since.
pub(super) fn top(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let axis = node.axis(node.int("axis", -1)?, rank)?;
    let k = match node.opset {
        ..10 => node.stated("k")?,
        _ => match symbols.ints(node, 1, "number of elements")?.as_deref() {
            Some(&[k]) => Some(k),
            _ => None,
        },
    };
    let k = k.and_then(|k| usize::try_from(k).ok());
    let k = k.ok_or_else(|| node.problem("its number of elements must be one number, not negative"))?;
    let mut layer = Layer::unary(node, symbols, Op::TopK { axis, k, smallest: !node.flag("largest", true)? })?;
    symbols.has_places = true;
    layer.outputs = 2;
    Ok(layer)
}

/// OneHot of classes that a layer computes.
pub(super) fn one_hot(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    let axis = node.axis(node.int("axis", -1)?, rank + 1)?;
    let depth = match symbols.setting(node, 1, "number of classes")?.map(|tensor| &tensor.data) {
        Some(Data::Int(values)) if values.len() == 1 => values[0] as f64,
        Some(Data::Float(values) | Data::Short(_, values)) if values.len() == 1 => f64::from(values[0].trunc()),
        _ => return Err(node.problem("its number of classes must be one number")),
    };
    if !(1.0..=f64::from(1 << 24)).contains(&depth) {
        return Err(node.problem(format_args!("its number of classes is {depth}; 1 to 16,777,216 are expected")));
    }
    let [off, on] = match symbols.setting(node, 2, "values")?.map(|tensor| &tensor.data) {
        Some(Data::Float(values) | Data::Short(_, values)) if values.len() == 2 => [values[0], values[1]],
        Some(Data::Int(values)) if values.len() == 2 && values.iter().all(|value| value.unsigned_abs() <= 1 << 24) => {
            [values[0] as f32, values[1] as f32]
        }
        _ => return Err(node.problem("its values must be two numbers, off and on")),
    };
    let op = Op::OneHot { axis, depth: depth as usize, on, off };
    let classes = symbols.number(node, 0)?;
    Ok(Layer { op, inputs: vec![classes], outputs: 1 })
}

/// Hardmax: 1 at the first maximum, 0 elsewhere; before opset 13 over an axis and all after it together.
pub(super) fn hardmax(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = symbols.shape(node, 0)?.to_vec();
    let to_end = node.opset < 13;
    let axis = node.axis(node.int("axis", if to_end { 1 } else { -1 })?, shape.len())?;
    let (work, along) = if to_end {
        let count = |part: &[usize]| elements(part).unwrap_or(usize::MAX);
        (vec![count(&shape[..axis]), count(&shape[axis..])], 1)
    } else {
        (shape.clone(), axis)
    };
    let depth = work[along];
    let mut ops = vec![
        Op::Place { axis: along, keep_dims: false, smallest: false, last: false },
        Op::OneHot { axis: along, depth, on: 1.0, off: 0.0 },
    ];
    if work != shape {
        ops.insert(0, Op::Reshape { shape: work });
        ops.push(Op::Reshape { shape });
    }
    Layer::unary(node, symbols, chained(ops))
}

/// GridSample of an image.
pub(super) fn grid(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    if rank != 4 {
        return Err(node.unsupported(format_args!("its input has {rank} axes; an image, with four, is expected")));
    }
    let mode = match node.string("mode", if node.opset < 20 { "bilinear" } else { "linear" })? {
        "nearest" => GridMode::Nearest,
        "linear" | "bilinear" => GridMode::Linear,
        "cubic" | "bicubic" => GridMode::Cubic,
        other => return Err(node.unsupported(format_args!("its mode is {other}"))),
    };
    let outside = match node.string("padding_mode", "zeros")? {
        "zeros" => Outside::Zeros,
        "border" => Outside::Border,
        "reflection" => Outside::Reflection,
        other => return Err(node.unsupported(format_args!("its padding_mode is {other}"))),
    };
    if (mode, outside) == (GridMode::Cubic, Outside::Border) {
        return Err(node.unsupported("cubic interpolation at the border is computed in two ways by those who run it"));
    }
    let settings = GridSample { mode, outside, align_corners: node.flag("align_corners", false)? };
    Layer::of(node, symbols, Op::GridSample(settings), 2)
}

/// AffineGrid: a point of the output, times the matrix. Each row of the matrix is mixed by the point's coordinates.
pub(super) fn affine_grid(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let size = symbols.ints(node, 1, "size")?.ok_or_else(|| node.problem("its size is missing"))?;
    let [batch, axes, columns] = *symbols.shape(node, 0)? else {
        return Err(node.problem(format_args!("its matrices have shape {:?}", symbols.shape(node, 0)?)));
    };
    let lengths: Option<Vec<usize>> = size.iter().skip(2).map(|&length| usize::try_from(length).ok()).collect();
    let lengths = lengths.filter(|lengths| lengths.len() == axes && !lengths.contains(&0) && columns == axes + 1);
    let lengths = lengths.ok_or_else(|| node.problem(format_args!("size {size:?} does not fit the matrices")))?;
    let count = elements(&lengths).and_then(|count| count.checked_mul(columns));
    symbols.spend(node, count.unwrap_or(usize::MAX))?;
    let align = node.flag("align_corners", false)?;
    let place = |axis: usize, index: usize| {
        let length = lengths[axis] as f64;
        match align {
            true if lengths[axis] == 1 => 0.0,
            true => index as f64 * 2.0 / (length - 1.0) - 1.0,
            false => (index as f64 * 2.0 + 1.0) / length - 1.0,
        }
    };
    let taps = (0..lengths.iter().product::<usize>()).map(|number| {
        let mut rest = number;
        let mut taps = Vec::with_capacity(columns);
        // The last axis comes first in a point.
        for axis in (0..axes).rev() {
            taps.push(((axes - 1 - axis) as u32, place(axis, rest % lengths[axis]) as f32));
            rest /= lengths[axis];
        }
        taps.push((axes as u32, 1.0));
        taps
    });
    let mix = Mix { axis: 2, taps: taps.collect(), fill: 0.0 };
    let shape = [&[batch], &lengths[..], &[axes]].concat();
    let ops = vec![Op::Mix(mix), Op::Transpose { perm: vec![0, 2, 1] }, Op::Reshape { shape }];
    Layer::unary(node, symbols, chained(ops))
}

/// CenterCropPad: the middle of an axis, or zeros around it.
pub(super) fn center(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let x = symbols.shape(node, 0)?.to_vec();
    let wanted = symbols.ints(node, 1, "shape")?.ok_or_else(|| node.problem("its shape is missing"))?;
    let axes: Vec<i64> = node.ints("axes")?.map_or_else(|| (0..x.len() as i64).collect(), <[i64]>::to_vec);
    node.axes(&axes, x.len())?;
    if axes.len() != wanted.len() {
        return Err(node.problem(format_args!("{} lengths for {} axes", wanted.len(), axes.len())));
    }
    let mut ranges: Vec<_> = x.iter().map(|&length| SliceRange { start: 0, step: 1, length }).collect();
    let mut pads = vec![(0, 0); x.len()];
    for (&axis, &length) in axes.iter().zip(&*wanted) {
        let axis = node.axis(axis, x.len())?;
        let length = u32::try_from(length).map_err(|_| node.problem(format_args!("a length is {length}")))? as usize;
        match x[axis].checked_sub(length) {
            Some(more) => ranges[axis] = SliceRange { start: more / 2, step: 1, length },
            None => {
                let missing = length - x[axis];
                pads[axis] = ((missing / 2) as isize, (missing - missing / 2) as isize);
            }
        }
    }
    let ops = vec![Op::Slice { ranges }, Op::Pad { mode: PadMode::Constant(0.0), pads }];
    Layer::unary(node, symbols, chained(ops))
}

/// Compress: the entries of an axis, or the elements, for which the condition holds.
pub(super) fn compress(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let x = symbols.shape(node, 0)?.to_vec();
    let condition = symbols.ints(node, 1, "condition")?.ok_or_else(|| node.problem("its condition is missing"))?;
    let (axis, mut ops) = match node.stated("axis")? {
        Some(axis) => (node.axis(axis, x.len())?, Vec::new()),
        None => (0, vec![Op::Reshape { shape: vec![elements(&x).unwrap_or(usize::MAX)] }]),
    };
    let indices: Vec<usize> = (0..condition.len()).filter(|&index| condition[index] != 0).collect();
    let indices_shape = vec![indices.len()];
    ops.push(Op::Gather { axis, indices, indices_shape });
    Layer::unary(node, symbols, chained(ops))
}
