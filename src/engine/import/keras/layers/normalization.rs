//! Normalisation with stored statistics or with a tensor's own, and scaling with constants.

use facts::Result;
use facts::graph::{Binary, Normalise, Op};

use super::super::draft::Draft;
use super::super::settings::items;

/// Keras divides by a deviation of at least this much: `backend.epsilon()`.
const LEAST_DEVIATION: f32 = 1e-7;

pub(super) fn batch(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let epsilon = settings.number("epsilon")?.unwrap_or(1e-3);
    let (scale, bias) = (settings.switch("scale", true)?, settings.switch("center", true)?);
    let channels = arrange_channels(draft)?;
    let names = [("gamma", scale), ("beta", bias), ("moving_mean", true), ("moving_variance", true)];
    let mut more = Vec::new();
    for (name, _) in names.into_iter().filter(|(_, given)| *given) {
        more.push(draft.parameter(name, &[channels], &[0])?);
    }
    draft.step(Op::BatchNorm { epsilon, scale, bias }, &more)
}

/// `(x - mean) / deviation`, from weights that were adapted to data or from constants.
pub(super) fn normalization(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    if settings.switch("invert", false)? {
        return Err(settings.unsupported("its inverse (\"invert\") is not"));
    }
    if let (Some(mean), Some(variance)) = (settings.numbers("mean")?, settings.numbers("variance")?) {
        if mean.len() != variance.len() {
            return Err(settings.error(format_args!("{} means, but {} variances", mean.len(), variance.len())));
        }
        let factor: Vec<f32> = variance.iter().map(|variance| 1.0 / variance.sqrt().max(LEAST_DEVIATION)).collect();
        let offset = mean.iter().zip(&factor).map(|(mean, factor)| -mean * factor).collect();
        let axis = if factor.len() == 1 { 0 } else { axis(draft)? };
        return draft.step(Op::Affine { axis: draft.place(axis), factor, offset }, &[]);
    }
    let channels = arrange_channels(draft)?;
    let mean = draft.parameter("mean", &[channels], &[0])?;
    let variance = draft.parameter("variance", &[channels], &[0])?;
    // The number of samples that the two were taken from.
    draft.skip_parameter();
    // What is added to the variance has the least deviation's effect and is lost beside any other.
    let epsilon = LEAST_DEVIATION * LEAST_DEVIATION;
    draft.step(Op::BatchNorm { epsilon, scale: false, bias: false }, &[mean, variance])
}

/// Normalises what lies along one axis, or along several, by its own mean and variance, or by its root mean square.
pub(super) fn layer(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let by_rms = settings.class == "RMSNormalization";
    if settings.switch("rms_scaling", false)? {
        return Err(settings.unsupported("\"rms_scaling\" is not; RMSNormalization is"));
    }
    let axes = several_axes(draft)?;
    if by_rms && axes != [draft.rank() - 1] {
        // Keras lays the scale along the last axis, whichever axis is normalised.
        return Err(settings.unsupported("only along the last axis is it"));
    }
    let shape = draft.shape();
    let lengths: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
    // The parameters' axes in the order in which the input is stored, with lengths of 1 in between.
    let mut places: Vec<usize> = axes.iter().map(|&axis| draft.place(axis)).collect();
    places.sort_unstable();
    let (along, last) = (places[0], places[places.len() - 1]);
    let mut view = lengths.clone();
    let perm: Vec<usize> = (along..=last)
        .map(|place| match axes.iter().position(|&axis| draft.place(axis) == place) {
            Some(own) => own,
            None => {
                view.push(1);
                view.len() - 1
            }
        })
        .collect();
    let parameters = match by_rms {
        true => vec!["scale"],
        false => [("gamma", "scale"), ("beta", "center")]
            .into_iter()
            .map(|(name, key)| Ok(settings.switch(key, true)?.then_some(name)))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect(),
    };
    let normalise = Normalise {
        axes: places,
        groups: 1,
        centred: !by_rms,
        epsilon: settings.number("epsilon")?.unwrap_or(if by_rms { 1e-6 } else { 1e-3 }),
        scale: parameters.contains(&"gamma") || by_rms,
        bias: parameters.contains(&"beta"),
        along,
    };
    let more = parameters.into_iter().map(|name| draft.parameter_viewed(name, &lengths, &view, &perm));
    let more = more.collect::<Result<Vec<_>>>()?;
    draft.step(Op::Normalise(normalise), &more)
}

/// Normalises groups of channels by their own mean and variance.
pub(super) fn group(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let (scale, bias) = (settings.switch("scale", true)?, settings.switch("center", true)?);
    let channels = arrange_channels(draft)?;
    // -1 stands for a group for each channel.
    let groups = match settings.get("groups").and_then(serde_json::Value::as_i64) {
        None => 32,
        Some(-1) => channels,
        Some(_) => settings.count("groups")?,
    };
    let axes = (1..draft.rank()).collect();
    let epsilon = settings.number("epsilon")?.unwrap_or(1e-3);
    let mut more = Vec::new();
    for (name, _) in [("gamma", scale), ("beta", bias)].into_iter().filter(|(_, given)| *given) {
        more.push(draft.parameter(name, &[channels], &[0])?);
    }
    draft.step(Op::Normalise(Normalise { axes, groups, centred: true, epsilon, scale, bias, along: 1 }), &more)
}

/// Divides each row along one axis by its length.
pub(super) fn unit(draft: &mut Draft) -> Result<()> {
    let axis = axis(draft)?;
    draft.step(Op::LpNormalise { axis: draft.place(axis), p: 2 }, &[])
}

/// `x * gamma` along the last axis: a layer of keras.applications' ConvNeXt.
pub(super) fn layer_scale(draft: &mut Draft) -> Result<()> {
    let axis = draft.rank() - 1;
    let (length, place) = (draft.shape()[axis], draft.place(axis));
    let view: Vec<usize> = std::iter::once(length).chain((place + 1..draft.rank()).map(|_| 1)).collect();
    let perm: Vec<usize> = (0..view.len()).collect();
    let gamma = draft.parameter_viewed("gamma", &[length], &view, &perm)?;
    draft.combine(Binary::Mul, gamma)
}

/// `x * scale + offset`; where there are several, along the last axis.
pub(super) fn rescaling(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let mut factor = settings.numbers("scale")?.unwrap_or_else(|| vec![1.0]);
    let mut offset = settings.numbers("offset")?.unwrap_or_else(|| vec![0.0]);
    let count = factor.len().max(offset.len());
    for constants in [&mut factor, &mut offset] {
        if constants.len() == 1 {
            *constants = vec![constants[0]; count];
        }
    }
    let axis = if count == 1 { 0 } else { draft.rank() - 1 };
    draft.step(Op::Affine { axis: draft.place(axis), factor, offset }, &[])
}

/// One axis or several of them, ascending, none of them the batch's.
fn several_axes(draft: &Draft) -> Result<Vec<usize>> {
    let settings = draft.settings;
    let Some(stated) = settings.get("axis").and_then(items).filter(|stated| stated.len() > 1) else {
        return axis(draft).map(|axis| vec![axis]);
    };
    let rank = draft.rank();
    let counted = |axis: &serde_json::Value| {
        let axis = axis.as_i64()?;
        let counted = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
        usize::try_from(counted).ok().filter(|axis| (1..rank).contains(axis))
    };
    let axes: Option<Vec<usize>> = stated.iter().map(counted).collect();
    axes.filter(|axes| axes.is_sorted_by(|a, b| a < b))
        .ok_or_else(|| settings.unsupported(format_args!("its axes must be some of 1 to {}, ascending", rank - 1)))
}

fn axis(draft: &Draft) -> Result<usize> {
    draft.settings.axis("axis", -1, draft.rank())
}

/// Puts the axis that is normalised at place 1, and tells its length.
fn arrange_channels(draft: &mut Draft) -> Result<usize> {
    let axis = axis(draft)?;
    if axis == 0 {
        return Err(draft.settings.unsupported("it normalises along the axis of the batch"));
    }
    if draft.place(axis) != 1 {
        let mut others = 2..draft.rank();
        let order: Vec<usize> = (0..draft.rank())
            .map(|index| {
                if index == 0 {
                    0
                } else if index == axis {
                    1
                } else {
                    others.next().unwrap_or(index)
                }
            })
            .collect();
        draft.arrange(&order)?;
    }
    Ok(draft.arranged_shape()[1])
}
