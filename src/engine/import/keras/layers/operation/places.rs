//! Operations that take, move, copy or find elements.

use facts::Result;
use facts::graph::{Op, PadMode, SliceRange};
use serde_json::Value;

use super::super::super::draft::Draft;
use super::super::super::settings::items;
use super::super::{pooling, shape};
use super::{axes, axis, of_batch, one_tensor, raw};
use crate::import::range::range;

/// Copies of an axis' entries beyond which a setting is taken for damage.
const MOST: usize = 1 << 24;

/// What translates an operation of this class.
pub(super) fn translator(class: &str) -> Option<fn(&mut Draft) -> Result<()>> {
    Some(match class {
        "GetItem" => item,
        "Take" => take,
        "Flip" => flip,
        "Roll" => roll,
        "Repeat" => repeat,
        "Tile" => tile,
        "BroadcastTo" => broadcast,
        "Split" => split,
        "Pad" => pad,
        "Cumsum" => running,
        "Argmax" | "Argmin" => place,
        "OneHot" => one_hot,
        "TopK" => top,
        "MaxPool" | "AveragePool" => pooling::window,
        "Resize" => shape::resizing,
        "ExtractPatches" => patches,
        _ => return None,
    })
}

fn whole(length: usize) -> SliceRange {
    SliceRange { start: 0, step: 1, length }
}

/// Takes a range of each of Keras' axes.
fn slice(draft: &mut Draft, ranges: &[SliceRange]) -> Result<()> {
    if ranges.iter().zip(draft.shape()).all(|(range, length)| *range == whole(length)) {
        return Ok(());
    }
    let mut stored = ranges.to_vec();
    for (axis, range) in ranges.iter().enumerate() {
        stored[draft.place(axis)] = *range;
    }
    draft.step(Op::Slice { ranges: stored }, &[])
}

/// GetItem: numbers, slices, new axes and an ellipsis.
fn item(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let refuse = |item: &Value| settings.unsupported(format_args!("its index {item} is no number and no slice"));
    let index = raw(&settings, 1, "key").unwrap_or(&Value::Null);
    let parts: Vec<&Value> = items(index).map_or_else(|| vec![index], |items| items.iter().collect());
    let kind = |part: &Value| part.get("class_name").and_then(Value::as_str).map(str::to_owned);
    let of = |part: &Value, name: &str| kind(part).as_deref() == Some(name);
    let rank = draft.rank();
    let named = parts.iter().filter(|part| !part.is_null() && !of(part, "__ellipsis__")).count();
    let hidden = rank
        .checked_sub(named)
        .ok_or_else(|| settings.error(format_args!("its index names {named} axes, the tensor has {rank}")))?;
    let lengths = draft.shape();
    let (mut ranges, mut shape) = (Vec::with_capacity(rank), Vec::new());
    let mut seen = false;
    let fill = |ranges: &mut Vec<SliceRange>, shape: &mut Vec<usize>| {
        for _ in 0..hidden {
            let length = lengths[ranges.len()];
            ranges.push(whole(length));
            shape.push(length);
        }
    };
    for part in parts {
        if part.is_null() {
            shape.push(1);
        } else if of(part, "__ellipsis__") {
            if std::mem::replace(&mut seen, true) {
                return Err(settings.error("its index has two ellipses"));
            }
            fill(&mut ranges, &mut shape);
        } else if of(part, "__slice__") {
            let bound = |key: &str| -> Result<Option<i64>> {
                let value = part.get("config").and_then(|config| config.get(key)).filter(|value| !value.is_null());
                value.map(|value| value.as_i64().ok_or_else(|| refuse(part))).transpose()
            };
            let step = bound("step")?.unwrap_or(1);
            let (first, last) = if step < 0 { (i64::MAX, i64::MIN) } else { (0, i64::MAX) };
            let (start, stop) = (bound("start")?.unwrap_or(first), bound("stop")?.unwrap_or(last));
            let taken = range(start, stop, step, lengths[ranges.len()]);
            let taken = taken.ok_or_else(|| settings.error("its index has a step of 0"))?;
            shape.push(taken.length);
            ranges.push(taken);
        } else {
            let length = lengths[ranges.len()];
            let number = part.as_i64().ok_or_else(|| refuse(part))?;
            let counted = if number < 0 { number.checked_add_unsigned(length as u64) } else { Some(number) };
            let start = counted.and_then(|number| usize::try_from(number).ok()).filter(|&number| number < length);
            let start =
                start.ok_or_else(|| settings.error(format_args!("index {number} into an axis of length {length}")))?;
            ranges.push(SliceRange { start, step: 1, length: 1 });
        }
    }
    if !seen {
        fill(&mut ranges, &mut shape);
    }
    if ranges[0] != whole(1) || shape.first() != Some(&1) {
        return Err(of_batch(&settings));
    }
    slice(draft, &ranges)?;
    if shape == draft.shape() {
        return Ok(());
    }
    draft.arrange_as_keras()?;
    draft.reshape(shape)
}

/// Takes entries of one of Keras' axes by index.
fn gather(draft: &mut Draft, axis: usize, indices: Vec<usize>) -> Result<()> {
    let indices_shape = vec![indices.len()];
    draft.step(Op::Gather { axis: draft.place(axis), indices, indices_shape }, &[])
}

/// Take: entries of an axis by a number, or by a list of them.
fn take(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axis = axis(&settings, "axis", draft.rank())?;
    let length = draft.shape()[axis];
    let stated = raw(&settings, 1, "indices").unwrap_or(&Value::Null);
    let list = items(stated);
    let numbers: Vec<&Value> = list.map_or_else(|| vec![stated], |list| list.iter().collect());
    let counted = |value: &&Value| {
        let index = value.as_i64()?;
        let counted = if index < 0 { index.checked_add_unsigned(length as u64)? } else { index };
        usize::try_from(counted).ok().filter(|&index| index < length)
    };
    let indices: Option<Vec<usize>> = numbers.iter().map(counted).collect();
    let indices = indices.filter(|indices| !indices.is_empty()).ok_or_else(|| {
        settings.unsupported(format_args!("its indices must be numbers below {length} that the file states"))
    })?;
    gather(draft, axis, indices)?;
    if list.is_some() {
        return Ok(());
    }
    draft.arrange_as_keras()?;
    let mut shape = draft.shape();
    shape.remove(axis);
    draft.reshape(shape)
}

fn flip(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axes = axes(&settings, "axis", draft.rank())?.ok_or_else(|| of_batch(&settings))?;
    let mut ranges: Vec<SliceRange> = draft.shape().into_iter().map(whole).collect();
    for axis in axes {
        let length = ranges[axis].length;
        if axis == 0 || length == 0 {
            return Err(of_batch(&settings));
        }
        ranges[axis] = SliceRange { start: length - 1, step: -1, length };
    }
    slice(draft, &ranges)
}

/// One number or a list of them.
fn integers(draft: &Draft, key: &str) -> Result<Vec<i64>> {
    match draft.settings.get(key).and_then(Value::as_i64) {
        Some(one) => Ok(vec![one]),
        None => draft.settings.integers(key),
    }
}

/// Roll: what leaves an axis at its end comes back at its start.
fn roll(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axes = axes(&settings, "axis", draft.rank())?.ok_or_else(|| of_batch(&settings))?;
    let shifts = integers(draft, "shift")?;
    if shifts.len() != axes.len() {
        return Err(settings.error(format_args!("{} shifts for {} axes", shifts.len(), axes.len())));
    }
    for (axis, shift) in axes.into_iter().zip(shifts) {
        let length = draft.shape()[axis];
        if axis == 0 || length == 0 {
            return Err(of_batch(&settings));
        }
        let by = shift.rem_euclid(length as i64) as usize;
        gather(draft, axis, (0..length).map(|index| (index + length - by) % length).collect())?;
    }
    Ok(())
}

/// Repeat: each entry of an axis so many times.
fn repeat(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axis = axis(&settings, "axis", draft.rank())?;
    let [times] = integers(draft, "repeats")?[..] else {
        return Err(settings.unsupported("only with one number as its \"repeats\" is it"));
    };
    let length = draft.shape()[axis];
    let times = usize::try_from(times).ok().filter(|&times| times > 0);
    let all = times.and_then(|times| length.checked_mul(times)).filter(|&all| all <= MOST);
    let (Some(times), Some(all)) = (times, all) else {
        return Err(settings.error("its \"repeats\" must be a number from 1 on that keeps the axis below 16,777,216"));
    };
    gather(draft, axis, (0..all).map(|index| index / times).collect())
}

fn tile(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let stated = integers(draft, "repeats")?;
    let copies: Option<Vec<usize>> = stated.iter().map(|&copies| usize::try_from(copies).ok()).collect();
    let copies = copies.filter(|copies| copies.len() <= draft.rank() && !copies.contains(&0));
    let Some(copies) = copies else {
        return Err(
            settings.unsupported(format_args!("{stated:?} copies of a tensor with {} axes are not", draft.rank()))
        );
    };
    let missing = draft.rank() - copies.len();
    let mut repeats = vec![1; draft.rank()];
    for (axis, copies) in copies.into_iter().enumerate() {
        repeats[draft.place(axis + missing)] = copies;
    }
    if repeats[0] != 1 {
        return Err(of_batch(&settings));
    }
    draft.step(Op::Tile { repeats }, &[])
}

fn broadcast(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let stated = settings.integers("shape")?;
    let lengths: Option<Vec<usize>> = stated.iter().map(|&length| usize::try_from(length).ok()).collect();
    let lengths = lengths.filter(|lengths| lengths.len() == draft.rank() && lengths.first() == Some(&1));
    let Some(lengths) = lengths else {
        let found = draft.shape();
        return Err(settings.unsupported(format_args!("from shape {found:?} to {stated:?} it is not")));
    };
    let mut shape = lengths.clone();
    for (axis, length) in lengths.into_iter().enumerate() {
        shape[draft.place(axis)] = length;
    }
    draft.step(Op::Expand { shape }, &[])
}

/// Split: equal parts, or parts that end at indices.
fn split(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axis = axis(&settings, "axis", draft.rank())?;
    let length = draft.shape()[axis];
    let refuse = || settings.error(format_args!("an axis of length {length} cannot be cut as its settings say"));
    let stated = settings.get("indices_or_sections").unwrap_or(&Value::Null);
    let sizes: Vec<usize> = match items(stated) {
        None => {
            let parts = stated.as_u64().and_then(|parts| usize::try_from(parts).ok()).filter(|&parts| parts > 0);
            let parts = parts.filter(|&parts| length.is_multiple_of(parts) && parts <= length).ok_or_else(refuse)?;
            vec![length / parts; parts]
        }
        Some(ends) => {
            let ends = ends.iter().map(|end| end.as_u64().and_then(|end| usize::try_from(end).ok()));
            let ends: Vec<usize> = ends.chain([Some(length)]).collect::<Option<_>>().ok_or_else(refuse)?;
            let starts = std::iter::once(&0).chain(&ends);
            starts.zip(&ends).map(|(start, end)| end.checked_sub(*start)).collect::<Option<_>>().ok_or_else(refuse)?
        }
    };
    let parts = sizes.len();
    draft.several(Op::Split { axis: draft.place(axis), sizes }, parts)
}

fn pad(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let value = raw(&settings, 1, "constant_values").map_or(Some(0.0), Value::as_f64);
    let mode = match (settings.text("mode", "constant")?, value) {
        ("constant", Some(value)) => PadMode::Constant(value as f32),
        ("reflect", _) => PadMode::Reflect,
        ("edge", _) => PadMode::Edge,
        (other, _) => return Err(settings.unsupported(format_args!("padding of mode \"{other}\" is not"))),
    };
    let amount = |value: &Value| value.as_u64().and_then(|amount| isize::try_from(amount).ok());
    let both = |value: &Value| match items(value) {
        Some([before, after]) => amount(before).zip(amount(after)),
        _ => None,
    };
    let stated = settings.get("pad_width").and_then(items).unwrap_or_default();
    let amounts: Option<Vec<(isize, isize)>> = stated.iter().map(both).collect();
    let amounts = amounts
        .filter(|amounts| amounts.len() == draft.rank())
        .ok_or_else(|| settings.unsupported("\"pad_width\" must be two numbers for each axis"))?;
    if amounts[0] != (0, 0) {
        return Err(of_batch(&settings));
    }
    let mut pads = amounts.clone();
    for (axis, amounts) in amounts.into_iter().enumerate() {
        pads[draft.place(axis)] = amounts;
    }
    draft.step(Op::Pad { mode, pads }, &[])
}

fn running(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let axis = axis(&draft.settings, "axis", draft.rank())?;
    draft.step(Op::CumSum { axis: draft.place(axis), exclusive: false, reverse: false }, &[])
}

fn place(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axis = axis(&settings, "axis", draft.rank())?;
    let (keep_dims, smallest) = (settings.switch("keepdims", false)?, settings.class == "Argmin");
    draft.arrange_as_keras()?;
    let left = if keep_dims { draft.rank() } else { draft.rank() - 1 };
    draft.step(Op::Place { axis, keep_dims, smallest, last: false }, &[])?;
    draft.reordered((0..left).collect());
    Ok(())
}

fn one_hot(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let rank = draft.rank();
    let axis = axis(&settings, "axis", rank + 1)?;
    let depth = settings.count("num_classes")?;
    if depth == 0 || depth > MOST {
        return Err(settings.error(format_args!("\"num_classes\" must be from 1 to 16,777,216, found {depth}")));
    }
    draft.arrange_as_keras()?;
    draft.step(Op::OneHot { axis, depth, on: 1.0, off: 0.0 }, &[])?;
    draft.reordered((0..=rank).collect());
    Ok(())
}

/// TopK: the greatest elements of the last axis, and their places.
fn top(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let (axis, k) = (draft.place(draft.rank() - 1), draft.settings.count("k")?);
    draft.several(Op::TopK { axis, k, smallest: false }, 2)
}

/// ExtractPatches of an image whose patches touch: each a row of its pixels.
fn patches(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    if draft.rank() != 4 || draft.is_channels_first()? {
        return Err(settings.unsupported("only of images with their channels last is it"));
    }
    let size = settings.pair("size", None)?;
    let strides = settings.pair("strides", Some(size))?;
    let spread = settings.pair("dilation_rate", Some([1, 1]))?;
    if size.contains(&0) || strides != size || spread != [1, 1] || settings.text("padding", "valid")? != "valid" {
        return Err(settings.unsupported("only of patches that touch each other is it, within the image"));
    }
    let shape = draft.shape();
    let (rows, columns, channels) = (shape[1] / size[0], shape[2] / size[1], shape[3]);
    let ranges = [1, rows * size[0], columns * size[1], channels].map(whole);
    slice(draft, &ranges)?;
    draft.arrange_as_keras()?;
    draft.reshape(vec![1, rows, size[0], columns, size[1], channels])?;
    draft.step(Op::Transpose { perm: vec![0, 1, 3, 2, 4, 5] }, &[])?;
    draft.reshape(vec![1, rows, columns, size[0] * size[1] * channels])
}
