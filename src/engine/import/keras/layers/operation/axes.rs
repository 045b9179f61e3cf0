//! Operations that reduce axes, or put them into another order or shape.

use facts::Result;
use facts::graph::{Binary, Op, Reduction, Unary, elements};

use super::super::super::draft::Draft;
use super::super::super::settings::items;
use super::{axes, axis, of_batch, one_tensor};

/// What translates an operation of this class.
pub(super) fn translator(class: &str) -> Option<fn(&mut Draft) -> Result<()>> {
    if reduction(class).is_some() {
        return Some(reduce);
    }
    Some(match class {
        "Var" | "Std" => spread,
        "Transpose" | "Swapaxes" | "Moveaxis" => transpose,
        "ExpandDims" => expand,
        "Squeeze" => squeeze,
        "Reshape" => reshape,
        "Concatenate" => concatenate,
        "Stack" => stack,
        _ => return None,
    })
}

fn reduction(class: &str) -> Option<Reduction> {
    Some(match class {
        "Mean" => Reduction::Mean,
        "Sum" => Reduction::Sum,
        "Prod" => Reduction::Prod,
        "Max" | "Amax" => Reduction::Max,
        "Min" | "Amin" => Reduction::Min,
        "Logsumexp" => Reduction::LogSumExp,
        _ => return None,
    })
}

/// The axes that an operation reduces, in Keras' order; not the batch's.
fn reduced(draft: &Draft) -> Result<Vec<usize>> {
    let settings = draft.settings;
    let mut axes = axes(&settings, "axis", draft.rank())?.ok_or_else(|| of_batch(&settings))?;
    axes.sort_unstable();
    axes.dedup();
    if axes.contains(&0) { Err(of_batch(&settings)) } else { Ok(axes) }
}

/// Takes a reduction over Keras' axes `axes`, as they are stored.
fn take_reduction(draft: &mut Draft, reduction: Reduction, axes: &[usize], keep_dims: bool) -> Result<()> {
    let rank = draft.rank();
    let mut places: Vec<usize> = axes.iter().map(|&axis| draft.place(axis)).collect();
    places.sort_unstable();
    let kept: Vec<usize> = (0..rank).filter(|axis| keep_dims || !axes.contains(axis)).collect();
    let order = kept.iter().map(|&axis| {
        let place = draft.place(axis);
        if keep_dims { place } else { place - places.iter().filter(|&&gone| gone < place).count() }
    });
    let order = order.collect();
    draft.step(Op::Reduce { reduction, axes: places, keep_dims }, &[])?;
    draft.reordered(order);
    Ok(())
}

fn reduce(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let Some(reduction) = reduction(settings.class) else { return Err(settings.unsupported("it is no reduction")) };
    if settings.get("initial").is_some() {
        return Err(settings.unsupported("with \"initial\" it is not"));
    }
    let axes = reduced(draft)?;
    take_reduction(draft, reduction, &axes, settings.switch("keepdims", false)?)
}

/// Var and Std: the mean of squared differences from the mean, or its root.
fn spread(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axes = reduced(draft)?;
    let x = draft.inputs[0];
    take_reduction(draft, Reduction::Mean, &axes, true)?;
    draft.combine(Binary::Sub, x)?;
    draft.step(Op::Unary(Unary::Power { exponent: 2.0 }), &[])?;
    take_reduction(draft, Reduction::Mean, &axes, settings.switch("keepdims", false)?)?;
    if settings.class == "Std" { draft.step(Op::Unary(Unary::Sqrt), &[]) } else { Ok(()) }
}

fn transpose(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let rank = draft.rank();
    let perm: Vec<usize> = match settings.class {
        "Swapaxes" => {
            let (a, b) = (axis(&settings, "axis1", rank)?, axis(&settings, "axis2", rank)?);
            let mut perm: Vec<usize> = (0..rank).collect();
            perm.swap(a, b);
            perm
        }
        "Moveaxis" => {
            let (from, to) = (axis(&settings, "source", rank)?, axis(&settings, "destination", rank)?);
            let mut perm: Vec<usize> = (0..rank).filter(|&axis| axis != from).collect();
            perm.insert(to, from);
            perm
        }
        _ => axes(&settings, "axes", rank)?.ok_or_else(|| of_batch(&settings))?,
    };
    if perm.first() != Some(&0) {
        return Err(of_batch(&settings));
    }
    draft.arrange_as_keras()?;
    draft.step(Op::Transpose { perm }, &[])
}

fn expand(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axes = axes(&settings, "axis", draft.rank() + 1)?.ok_or_else(|| of_batch(&settings))?;
    draft.arrange_as_keras()?;
    let mut shape = draft.shape();
    for axis in axes {
        if axis == 0 || axis > shape.len() {
            return Err(of_batch(&settings));
        }
        shape.insert(axis, 1);
    }
    draft.reshape(shape)
}

fn squeeze(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let rank = draft.rank();
    draft.arrange_as_keras()?;
    let shape = draft.shape();
    let gone = match axes(&settings, "axis", rank)? {
        Some(axes) => axes,
        None => (1..rank).filter(|&axis| shape[axis] == 1).collect(),
    };
    if gone.iter().any(|&axis| axis == 0 || shape[axis] != 1) {
        return Err(settings.error(format_args!("axes {gone:?} of shape {shape:?} cannot be left out")));
    }
    draft.reshape((0..rank).filter(|axis| !gone.contains(axis)).map(|axis| shape[axis]).collect())
}

fn reshape(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    draft.arrange_as_keras()?;
    let count: usize = draft.shape()[1..].iter().product();
    let stated = settings.get("newshape").and_then(items).unwrap_or_default();
    let lengths: Vec<Option<usize>> =
        stated.iter().map(|length| length.as_u64().and_then(|length| usize::try_from(length).ok())).collect();
    let refuse = || settings.error(format_args!("{count} elements of an image cannot take the shape {stated:?}"));
    let (first, rest) = lengths.split_first().ok_or_else(refuse)?;
    let open = rest.iter().filter(|length| length.is_none()).count();
    let known = elements(&rest.iter().copied().flatten().collect::<Vec<_>>()).ok_or_else(refuse)?;
    let left = match open {
        0 => 1,
        1 if *first == Some(1) && known > 0 => count / known,
        _ => return Err(refuse()),
    };
    if first.is_some_and(|first| first != 1) || known.checked_mul(left) != Some(count) {
        return Err(refuse());
    }
    draft.reshape(std::iter::once(1).chain(rest.iter().map(|length| length.unwrap_or(left))).collect())
}

/// Refuses tensors with other numbers of axes than the first.
fn same_ranks(draft: &Draft) -> Result<usize> {
    let ranks: Vec<usize> = draft.input_ranks().collect();
    match ranks.iter().all(|&rank| rank == ranks[0]) {
        true => Ok(ranks[0]),
        false => Err(draft.settings.unsupported(format_args!("its inputs have different numbers of axes, {ranks:?}"))),
    }
}

fn concatenate(draft: &mut Draft) -> Result<()> {
    let rank = same_ranks(draft)?;
    let axis = draft.place(axis(&draft.settings, "axis", rank)?);
    let inputs = draft.inputs;
    draft.step(Op::Concat { axis }, &inputs[1..])
}

/// Stack: side by side along an axis, of which the tensors' number becomes an axis of its own.
fn stack(draft: &mut Draft) -> Result<()> {
    let rank = same_ranks(draft)?;
    let axis = axis(&draft.settings, "axis", rank + 1)?;
    let inputs = draft.inputs;
    let along = axis.min(rank - 1);
    if along == 0 {
        return Err(of_batch(&draft.settings));
    }
    let each = draft.shape()[along];
    draft.step(Op::Concat { axis: draft.place(along) }, &inputs[1..])?;
    draft.arrange_as_keras()?;
    let mut shape = draft.shape();
    shape.splice(along..=along, [inputs.len(), each]);
    draft.reshape(shape)?;
    if axis == rank {
        let mut perm: Vec<usize> = (0..=rank).collect();
        perm.swap(rank - 1, rank);
        draft.step(Op::Transpose { perm }, &[])?;
    }
    Ok(())
}
