//! Resize and its predecessor Upsample.

use facts::Result;
use facts::graph::{CoordinateMode, Interpolation, NearestMode, Op, Resize};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::resample::{Axis, Filter, resampled};

/// Resize of any axes.
///
/// Before opset 11 (Upsample, and Resize 10) an output index maps to `index / scale`; since then attributes say
/// how.
pub(super) fn resize(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = symbols.shape(node, 0)?.to_vec();
    if shape.contains(&0) {
        return Err(node.problem(format_args!("its input has shape {shape:?}, which has no elements")));
    }
    let modern = node.op() == "Resize" && node.opset >= 11;
    let mode = node.string("mode", "nearest")?;
    let rule = if modern { node.string("coordinate_transformation_mode", "half_pixel")? } else { "asymmetric" };
    let crop = if rule == "tf_crop_and_resize" { Some(cut_out(node, symbols, shape.len())?) } else { None };
    let spans = crop.as_ref().map_or_else(|| vec![(0.0, 1.0); shape.len()], Clone::clone);
    let (size, scales) = match target(node, symbols, &shape, modern)? {
        // A cast from float saturates: an absurd size stays one, and the graph's builder refuses it.
        Target::Scales(scales) => {
            let long = |axis: usize| shape[axis] as f32 * (spans[axis].1 - spans[axis].0) * scales[axis];
            ((0..shape.len()).map(|axis| long(axis) as usize).collect(), scales)
        }
        Target::Sizes(sizes) => fit(node, &shape, &sizes)?,
    };
    if size.contains(&0) {
        return Err(node.problem(format_args!("its output would have shape {size:?}, which has no elements")));
    }
    let cubic = mode == "cubic";
    let antialias = node.flag("antialias", false)? && scales.iter().any(|&scale| scale < 1.0);
    let exclude = node.flag("exclude_outside", false)?;
    if exclude && !cubic {
        return Err(node.unsupported("exclude_outside is set, which is known for cubic interpolation only"));
    }
    let interpolation = match mode {
        "nearest" if antialias => return Err(node.unsupported("it asks for antialiasing of the nearest pixel")),
        "nearest" => {
            Interpolation::Nearest(if modern { nearest_mode(node)? } else { old_nearest_mode(node, &scales)? })
        }
        "linear" | "bilinear" | "cubic" => Interpolation::Linear,
        other => {
            return Err(node.unsupported(format_args!("its mode is {other}; nearest, linear or cubic is expected")));
        }
    };
    let coordinates = if crop.is_some() { CoordinateMode::HalfPixel } else { coordinate_mode(node, rule)? };
    let is_image = shape.len() == 4 && size[..2] == shape[..2] && scales[..2] == [1.0; 2];
    if is_image && !cubic && !antialias && crop.is_none() {
        let (size, scales) = ([size[2], size[3]], [scales[2], scales[3]]);
        return Layer::unary(node, symbols, Op::Resize(Resize { size, scales, interpolation, coordinates }));
    }
    let filter = match interpolation {
        Interpolation::Nearest(mode) => Filter::Nearest(mode),
        Interpolation::Linear if cubic => Filter::Cubic { a: node.float("cubic_coeff_a", -0.75)?, exclude, antialias },
        Interpolation::Linear => Filter::Linear { antialias },
    };
    let fill = node.float("extrapolation_value", 0.0)?;
    let axes: Vec<Axis> = (0..shape.len())
        .filter(|&axis| size[axis] != shape[axis] || scales[axis] != 1.0 || crop.is_some() && spans[axis] != (0.0, 1.0))
        .map(|axis| Axis {
            axis,
            length: shape[axis],
            size: size[axis],
            scale: scales[axis],
            span: crop.is_some().then(|| spans[axis]),
        })
        .collect();
    let taps = axes.iter().fold(0usize, |sum, axis| sum.saturating_add(axis.taps(filter)));
    symbols.spend(node, taps)?;
    let op = resampled(&axes, filter, coordinates, fill);
    Layer::unary(node, symbols, op)
}

/// The part of each axis that is resized, from 0 to 1.
fn cut_out(node: &NodeView, symbols: &Symbols, rank: usize) -> Result<Vec<(f32, f32)>> {
    let stated = symbols.floats(node, 1, "cut-out")?.unwrap_or_default();
    let axes = axes(node, rank)?;
    if stated.len() != axes.len() * 2 || stated.iter().any(|bound| !bound.is_finite()) {
        return Err(node.problem(format_args!("{} bounds of its cut-out for {} axes", stated.len(), axes.len())));
    }
    let mut spans = vec![(0.0, 1.0); rank];
    for (index, &axis) in axes.iter().enumerate() {
        spans[axis] = (stated[index], stated[axes.len() + index]);
    }
    Ok(spans)
}

/// The axes that scales, sizes and cut-out are for.
fn axes(node: &NodeView, rank: usize) -> Result<Vec<usize>> {
    match node.ints("axes")? {
        Some(stated) if node.opset >= 11 => {
            node.axes(stated, rank)?;
            stated.iter().map(|&axis| node.axis(axis, rank)).collect()
        }
        _ => Ok((0..rank).collect()),
    }
}

/// What the model states for each axis; `None` where it leaves an axis as it is.
enum Target {
    Scales(Vec<f32>),
    Sizes(Vec<Option<usize>>),
}

fn target(node: &NodeView, symbols: &Symbols, shape: &[usize], modern: bool) -> Result<Target> {
    let rank = shape.len();
    let stated = |count: usize| -> Result<Vec<usize>> {
        let axes = if modern { axes(node, rank)? } else { (0..rank).collect() };
        if axes.len() == count {
            Ok(axes)
        } else {
            Err(node.problem(format_args!("{count} scales or sizes for {} axes", axes.len())))
        }
    };
    let scales = match (node.op(), node.opset) {
        ("Upsample", ..9) => node.floats("scales")?.map(Into::into),
        (_, ..11) | ("Upsample", _) => symbols.floats(node, 1, "scales")?,
        _ => symbols.floats(node, 2, "scales")?,
    };
    if let Some(scales) = scales.filter(|scales| !scales.is_empty()) {
        let mut target = vec![1.0; rank];
        for (axis, &scale) in stated(scales.len())?.into_iter().zip(&*scales) {
            target[axis] = scale;
        }
        if !target.iter().all(|&scale| scale > 0.0 && scale.is_finite()) {
            return Err(node.problem(format_args!("its scales are {target:?}; positive ones are expected")));
        }
        return Ok(Target::Scales(target));
    }
    let sizes = if modern { symbols.ints(node, 3, "sizes")? } else { None };
    let sizes = sizes.ok_or_else(|| node.problem("neither scales nor sizes are given"))?;
    let mut target = vec![None; rank];
    for (axis, &size) in stated(sizes.len())?.into_iter().zip(&*sizes) {
        let size = usize::try_from(size).ok().filter(|&size| size > 0);
        target[axis] = Some(
            size.ok_or_else(|| node.problem(format_args!("its sizes are {sizes:?}; positive ones are expected")))?,
        );
    }
    if let (Some(batch), Some(size)) = (symbols.batch(), target.first().copied().flatten())
        && shape[0] == 1
        && size == batch
    {
        // The length of the batch, written into the file: one image is left of it.
        target[0] = None;
    }
    Ok(Target::Sizes(target))
}

/// Sizes and scales for stated sizes, under `keep_aspect_ratio_policy`.
fn fit(node: &NodeView, shape: &[usize], sizes: &[Option<usize>]) -> Result<(Vec<usize>, Vec<f32>)> {
    let scale = |axis: usize| sizes[axis].map(|size| size as f32 / shape[axis] as f32);
    let axes = 0..shape.len();
    let policy = node.string("keep_aspect_ratio_policy", "stretch")?;
    let common = match policy {
        "stretch" => {
            let size = axes.clone().map(|axis| sizes[axis].unwrap_or(shape[axis])).collect();
            return Ok((size, axes.map(|axis| scale(axis).unwrap_or(1.0)).collect()));
        }
        "not_larger" => axes.clone().filter_map(scale).reduce(f32::min),
        "not_smaller" => axes.clone().filter_map(scale).reduce(f32::max),
        other => return Err(node.problem(format_args!("its keep_aspect_ratio_policy is {other}"))),
    };
    let common = common.unwrap_or(1.0);
    let scales: Vec<f32> = axes.clone().map(|axis| if sizes[axis].is_some() { common } else { 1.0 }).collect();
    // ONNX rounds halves up here.
    Ok((axes.map(|axis| (shape[axis] as f32 * scales[axis] + 0.5).floor() as usize).collect(), scales))
}

fn nearest_mode(node: &NodeView) -> Result<NearestMode> {
    Ok(match node.string("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => NearestMode::RoundPreferFloor,
        "round_prefer_ceil" => NearestMode::RoundPreferCeil,
        "floor" => NearestMode::Floor,
        "ceil" => NearestMode::Ceil,
        other => return Err(node.unsupported(format_args!("its nearest_mode is {other}"))),
    })
}

/// Before opset 11 nearest rounds down where it enlarges and up where it shrinks, as
/// onnxruntime does.
fn old_nearest_mode(node: &NodeView, scales: &[f32]) -> Result<NearestMode> {
    if scales.iter().all(|&scale| scale >= 1.0) {
        Ok(NearestMode::Floor)
    } else if scales.iter().all(|&scale| scale <= 1.0) {
        Ok(NearestMode::Ceil)
    } else {
        Err(node.unsupported(format_args!("its scales {scales:?} enlarge one axis and shrink the other")))
    }
}

fn coordinate_mode(node: &NodeView, rule: &str) -> Result<CoordinateMode> {
    Ok(match rule {
        "half_pixel" => CoordinateMode::HalfPixel,
        "half_pixel_symmetric" => CoordinateMode::HalfPixelSymmetric,
        "pytorch_half_pixel" => CoordinateMode::PytorchHalfPixel,
        "align_corners" => CoordinateMode::AlignCorners,
        "asymmetric" => CoordinateMode::Asymmetric,
        other => return Err(node.unsupported(format_args!("its coordinate_transformation_mode is {other}"))),
    })
}
