//! Layers that move elements and compute nothing, and the one that resamples.

use facts::Result;
use facts::graph::{CoordinateMode, Interpolation, NearestMode, Op, PadMode, Resize, elements};

use super::super::draft::Draft;
use crate::import::resample::{Axis, Filter, resampled};

/// Zeros around an image, or a smaller image.
pub(super) fn sides(draft: &mut Draft) -> Result<()> {
    draft.arrange_image()?;
    let grow = draft.settings.class == "ZeroPadding2D";
    let sides = match grow {
        true => draft.settings.sides("padding", 1)?,
        false => draft.settings.sides("cropping", 0)?,
    };
    let mut pads = vec![(0, 0), (0, 0)];
    for [before, after] in sides {
        let amount = |count: usize| {
            let amount =
                isize::try_from(count).map_err(|_| draft.settings.error(format_args!("{count} is too much")))?;
            Ok(if grow { amount } else { -amount })
        };
        pads.push((amount(before)?, amount(after)?));
    }
    draft.step(Op::Pad { mode: PadMode::Constant(0.0), pads }, &[])
}

/// The middle of an image.
pub(super) fn center_crop(draft: &mut Draft) -> Result<()> {
    let [_, height, width] = draft.arrange_image()?;
    let mut pads = vec![(0, 0), (0, 0)];
    for (key, length) in [("height", height), ("width", width)] {
        let size = draft.settings.count(key)?;
        let Some(over) = length.checked_sub(size).filter(|_| size > 0) else {
            return Err(draft
                .settings
                .unsupported(format_args!("with a {key} of {size} it would resize an image of {length}")));
        };
        let signed = |count: usize| isize::try_from(count).unwrap_or(isize::MAX);
        pads.push((-signed(over / 2), -signed(over - over / 2)));
    }
    draft.step(Op::Pad { mode: PadMode::Constant(0.0), pads }, &[])
}

pub(super) fn up_sampling(draft: &mut Draft) -> Result<()> {
    let [_, height, width] = draft.arrange_image()?;
    let factors = draft.settings.pair("size", Some([2, 2]))?;
    let (interpolation, coordinates) = match draft.settings.text("interpolation", "nearest")? {
        "nearest" => (Interpolation::Nearest(NearestMode::Floor), CoordinateMode::Asymmetric),
        "bilinear" => (Interpolation::Linear, CoordinateMode::HalfPixel),
        other => return Err(draft.settings.unsupported(format_args!("interpolation \"{other}\" is not"))),
    };
    let grown = |length: usize, factor: usize| {
        length
            .checked_mul(factor)
            .ok_or_else(|| draft.settings.error(format_args!("{factor} times {length} is too much")))
    };
    let size = [grown(height, factors[0])?, grown(width, factors[1])?];
    let scales = factors.map(|factor| factor as f32);
    draft.step(Op::Resize(Resize { size, scales, interpolation, coordinates }), &[])
}

/// An image of another size. Where Keras' backends compute different pixels the layer is refused.
pub(super) fn resizing(draft: &mut Draft) -> Result<()> {
    let [_, height, width] = draft.arrange_image()?;
    let settings = draft.settings;
    for key in ["crop_to_aspect_ratio", "pad_to_aspect_ratio"] {
        if settings.switch(key, false)? {
            return Err(settings.unsupported(format_args!("with \"{key}\" it is not")));
        }
    }
    let sizes = match settings.class {
        "Resize" => settings.pair("size", None)?,
        _ => [settings.count("height")?, settings.count("width")?],
    };
    let lengths = [height, width];
    if sizes.contains(&0) || sizes.iter().any(|&size| size > 1 << 15) {
        return Err(settings.error(format_args!("a size of {sizes:?} is none of an image")));
    }
    let filter = match settings.text("interpolation", "bilinear")? {
        "bilinear" => Filter::Linear { antialias: false },
        "nearest" => {
            let differs = |axis: usize, index: usize| {
                let (size, length) = (sizes[axis], lengths[axis]);
                index * length / size != (2 * index + 1) * length / (2 * size)
            };
            if (0..2).any(|axis| (0..sizes[axis]).any(|index| differs(axis, index))) {
                return Err(settings.unsupported("the nearest pixel is another one on each of Keras' backends"));
            }
            Filter::Nearest(NearestMode::Floor)
        }
        other => return Err(settings.unsupported(format_args!("interpolation \"{other}\" is not"))),
    };
    let shrinks = (0..2).any(|axis| sizes[axis] < lengths[axis]);
    if shrinks && settings.switch("antialias", false)? {
        return Err(settings.unsupported("with \"antialias\" it is not, as it makes an image smaller"));
    }
    let coordinates = match filter {
        Filter::Nearest(_) => CoordinateMode::Asymmetric,
        _ => CoordinateMode::HalfPixel,
    };
    for (axis, (length, size)) in
        lengths.into_iter().zip(sizes).enumerate().filter(|(_, (length, size))| length != size)
    {
        let scale = size as f32 / length as f32;
        let axis = Axis { axis: axis + 2, length, size, scale, span: None };
        draft.step(resampled(&[axis], filter, coordinates, 0.0), &[])?;
    }
    Ok(())
}

/// All axes but the first as one, the channels being the last of them in any case.
pub(super) fn flatten(draft: &mut Draft) -> Result<()> {
    draft.arrange_as_keras()?;
    let rank = draft.rank();
    if rank > 2 && draft.is_channels_first()? {
        let perm: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
        draft.step(Op::Transpose { perm }, &[])?;
    }
    let shape = draft.arranged_shape();
    let shape = vec![shape[0], shape[1..].iter().product()];
    draft.reshape(shape)
}

pub(super) fn reshape(draft: &mut Draft) -> Result<()> {
    draft.arrange_as_keras()?;
    let stated = draft.settings.integers("target_shape")?;
    let batch = draft.shape()[0];
    let count: usize = draft.shape()[1..].iter().product();
    let refuse = || draft.settings.error(format_args!("{count} elements cannot take the shape {stated:?}"));
    let known: Option<Vec<usize>> =
        stated.iter().filter(|&&length| length != -1).map(|&length| usize::try_from(length).ok()).collect();
    let known = known.and_then(|known| elements(&known)).ok_or_else(refuse)?;
    let open = stated.iter().filter(|&&length| length == -1).count();
    let rest = match open {
        0 => 1,
        1 if known > 0 && count.is_multiple_of(known) => count / known,
        _ => return Err(refuse()),
    };
    let lengths = stated.iter().map(|&length| usize::try_from(length).unwrap_or(rest));
    let shape: Vec<usize> = std::iter::once(batch).chain(lengths).collect();
    if elements(&shape[1..]) != Some(count) {
        return Err(refuse());
    }
    draft.reshape(shape)
}

/// Axes in another order, counted from 1 because the batch does not move.
pub(super) fn permute(draft: &mut Draft) -> Result<()> {
    draft.arrange_as_keras()?;
    let stated = draft.settings.integers("dims")?;
    let axes: Option<Vec<usize>> = stated.iter().map(|&axis| usize::try_from(axis).ok()).collect();
    let axes =
        axes.ok_or_else(|| draft.settings.error(format_args!("\"dims\" must count from 1, found {stated:?}")))?;
    draft.step(Op::Transpose { perm: std::iter::once(0).chain(axes).collect() }, &[])
}
