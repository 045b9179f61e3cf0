//! Resize and its predecessor Upsample.

use facts::Result;
use facts::graph::{CoordinateMode, Interpolation, NearestMode, Op, Resize};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

/// Resize of the two spatial axes.
///
/// Before opset 11 (Upsample, and Resize 10) an output index maps to `index / scale`; since then attributes say
/// how.
pub(super) fn resize(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let shape = symbols.shape(node, 0)?;
    let &[_, _, height, width] = shape else {
        return Err(node.unsupported(format_args!("its input has shape {shape:?}; two spatial axes are expected")));
    };
    let image = [height, width];
    let modern = node.op() == "Resize" && node.opset >= 11;
    let target = target(node, symbols, modern)?;
    let (size, scales) = match &target {
        Target::Scales(scales) => ([0, 1].map(|axis| (image[axis] as f32 * scales[axis]) as usize), *scales),
        Target::Sizes(sizes) => fit(node, image, *sizes)?,
    };
    // A cast from float saturates: an absurd size stays one, and the graph's builder refuses it.
    let interpolation = match node.string("mode", "nearest")? {
        "nearest" => Interpolation::Nearest(if modern { nearest_mode(node)? } else { old_nearest_mode(node, scales)? }),
        "linear" | "bilinear" => Interpolation::Linear,
        other => return Err(node.unsupported(format_args!("its mode is {other}; nearest or linear is expected"))),
    };
    let coordinates = if modern { coordinate_mode(node)? } else { CoordinateMode::Asymmetric };
    if node.flag("antialias", false)? && scales.iter().any(|&scale| scale < 1.0) {
        return Err(node.unsupported("it asks for antialiasing"));
    }
    Layer::unary(node, symbols, Op::Resize(Resize { size, scales, interpolation, coordinates }))
}

/// What the model states for height and width; `None` where it leaves an axis as it is.
enum Target {
    Scales([f32; 2]),
    Sizes([Option<usize>; 2]),
}

fn target(node: &NodeView, symbols: &Symbols, modern: bool) -> Result<Target> {
    let stated = |axes: usize| -> Result<Vec<usize>> {
        match node.ints("axes")? {
            Some(stated) if modern => stated.iter().map(|&axis| node.axis(axis, 4)).collect(),
            _ => Ok((0..4).collect()),
        }
        .and_then(|stated: Vec<usize>| {
            if stated.len() == axes {
                Ok(stated)
            } else {
                Err(node.problem(format_args!("{axes} scales or sizes for {} axes", stated.len())))
            }
        })
    };
    let scales = match (node.op(), node.opset) {
        ("Upsample", ..9) => node.floats("scales")?.map(Into::into),
        (_, ..11) | ("Upsample", _) => symbols.floats(node, 1, "scales")?,
        _ => symbols.floats(node, 2, "scales")?,
    };
    if let Some(scales) = scales.filter(|scales| !scales.is_empty()) {
        let mut target = [1.0; 4];
        for (axis, &scale) in stated(scales.len())?.into_iter().zip(&*scales) {
            target[axis] = scale;
        }
        let [batch, channels, vertical, horizontal] = target;
        if [batch, channels] != [1.0; 2] {
            return Err(
                node.unsupported(format_args!("its scales are {target:?}; only the spatial axes can be resized"))
            );
        }
        if !(vertical > 0.0 && horizontal > 0.0) {
            return Err(node.problem(format_args!("its scales are {target:?}; positive ones are expected")));
        }
        return Ok(Target::Scales([vertical, horizontal]));
    }
    let sizes = if modern { symbols.ints(node, 3, "sizes")? } else { None };
    let sizes = sizes.ok_or_else(|| node.problem("neither scales nor sizes are given"))?;
    let shape = symbols.shape(node, 0)?;
    let mut target = [None; 4];
    for (axis, &size) in stated(sizes.len())?.into_iter().zip(&*sizes) {
        let size = usize::try_from(size).ok().filter(|&size| size > 0);
        target[axis] = Some(
            size.ok_or_else(|| node.problem(format_args!("its sizes are {sizes:?}; positive ones are expected")))?,
        );
    }
    let [batch, channels, vertical, horizontal] = target;
    if [batch, channels].iter().zip(shape).any(|(size, &length)| size.is_some_and(|size| size != length)) {
        return Err(node.unsupported(format_args!("its sizes are {sizes:?}; only the spatial axes can be resized")));
    }
    Ok(Target::Sizes([vertical, horizontal]))
}

/// Sizes and scales for stated sizes, under `keep_aspect_ratio_policy`.
fn fit(node: &NodeView, image: [usize; 2], sizes: [Option<usize>; 2]) -> Result<([usize; 2], [f32; 2])> {
    let scale = |axis: usize| sizes[axis].map(|size| size as f32 / image[axis] as f32);
    let policy = node.string("keep_aspect_ratio_policy", "stretch")?;
    let common = match policy {
        "stretch" => {
            let size = [0, 1].map(|axis| sizes[axis].unwrap_or(image[axis]));
            return Ok((size, [0, 1].map(|axis| scale(axis).unwrap_or(1.0))));
        }
        "not_larger" => [scale(0), scale(1)].into_iter().flatten().reduce(f32::min),
        "not_smaller" => [scale(0), scale(1)].into_iter().flatten().reduce(f32::max),
        other => return Err(node.problem(format_args!("its keep_aspect_ratio_policy is {other}"))),
    };
    let common = common.unwrap_or(1.0);
    let scales = [0, 1].map(|axis| if sizes[axis].is_some() { common } else { 1.0 });
    // ONNX rounds halves up here.
    Ok(([0, 1].map(|axis| (image[axis] as f32 * scales[axis] + 0.5).floor() as usize), scales))
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
fn old_nearest_mode(node: &NodeView, scales: [f32; 2]) -> Result<NearestMode> {
    if scales.iter().all(|&scale| scale >= 1.0) {
        Ok(NearestMode::Floor)
    } else if scales.iter().all(|&scale| scale <= 1.0) {
        Ok(NearestMode::Ceil)
    } else {
        Err(node.unsupported(format_args!("its scales {scales:?} enlarge one axis and shrink the other")))
    }
}

fn coordinate_mode(node: &NodeView) -> Result<CoordinateMode> {
    Ok(match node.string("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => CoordinateMode::HalfPixel,
        "half_pixel_symmetric" => CoordinateMode::HalfPixelSymmetric,
        "pytorch_half_pixel" => CoordinateMode::PytorchHalfPixel,
        "align_corners" => CoordinateMode::AlignCorners,
        "asymmetric" => CoordinateMode::Asymmetric,
        other => return Err(node.unsupported(format_args!("its coordinate_transformation_mode is {other}"))),
    })
}
