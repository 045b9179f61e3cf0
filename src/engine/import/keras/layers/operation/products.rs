//! Operations that multiply tensors, and those that normalise.

use facts::Result;
use facts::graph::{Binary, Einsum, Normalise, Op};
use serde_json::Value;

use super::super::super::draft::{Draft, stored_order};
use super::{Argument, arguments, axis, of_batch, operand, raw};

/// The length below which Keras divides by no vector: `backend.epsilon()`.
const EPSILON: f32 = 1e-7;
/// What a score that a mask hides becomes: Keras on JAX and on TensorFlow take a number as large as this.
const HIDDEN: f32 = -0.7 * f32::MAX;

/// What translates an operation of this class.
pub(super) fn translator(class: &str) -> Option<fn(&mut Draft) -> Result<()>> {
    Some(match class {
        "Matmul" | "Dot" => matmul,
        "Einsum" => einsum,
        "DotProductAttention" => attention,
        "Normalize" => by_norm,
        "LayerNorm" | "RMSNorm" => by_own,
        "BatchNorm" => by_stored,
        _ => return None,
    })
}

/// The names of a tensor's axes in the order in which it is stored.
fn as_stored(draft: &Draft, names: &[u8]) -> Vec<u8> {
    let mut stored = names.to_vec();
    for (axis, place) in stored_order(names.len(), draft.is_stored_first()).into_iter().enumerate() {
        stored[place] = names[axis];
    }
    stored
}

/// Takes the sums of products of two tensors, whose axes are named in Keras' order.
fn named_product(draft: &mut Draft, tensors: &[facts::graph::ValueId], names: &[Vec<u8>], output: &[u8]) -> Result<()> {
    let inputs = names.iter().map(|names| as_stored(draft, names)).collect();
    let stored = as_stored(draft, output);
    draft.start_with(tensors[0]);
    draft.step(Op::Einsum(Einsum { inputs, output: stored }), &tensors[1..])?;
    draft.reordered(stored_order(output.len(), draft.is_stored_first()));
    Ok(())
}

/// Matmul: over the last two axes, the others side by side. Dot is the same where the second has two axes.
fn matmul(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let arguments = arguments(draft)?;
    let [first, second] = arguments[..] else {
        return Err(settings.error(format_args!("two arguments are expected, found {}", arguments.len())));
    };
    let rank = |draft: &Draft, argument: Argument<'_>| match argument {
        Argument::Tensor(id) => Some(draft.rank_of(id)),
        Argument::Array(value) => draft.array_shape(value).ok().map(|shape| shape.len()),
        Argument::Number(_) => None,
    };
    let ranks = rank(draft, first).zip(rank(draft, second));
    let refuse = || settings.unsupported(format_args!("of tensors with {ranks:?} axes it is not"));
    let Some((own, other)) = ranks else { return Err(refuse()) };
    // A matrix has no axis of a batch, so that it is an array of the file.
    let matrix = other == 2 && matches!(second, Argument::Array(_)) && own >= 2;
    let same = own == other && own >= 3 && settings.class == "Matmul";
    if !(matrix || same) || own > 6 {
        return Err(refuse());
    }
    let (first, second) = (operand(draft, first, own)?, operand(draft, second, other)?);
    if same && own == 3 {
        draft.start_with(first);
        return draft.step(Op::MatMul, &[second]);
    }
    let outer: Vec<u8> = (0..own as u8 - 1).collect();
    let (inner, last) = (100, 101);
    let left = [&outer[..], &[inner]].concat();
    let right = if same { [&outer[..own - 2], &[inner, last]].concat() } else { vec![inner, last] };
    named_product(draft, &[first, second], &[left, right], &[&outer[..], &[last]].concat())
}

/// Einsum of one or two tensors, each with letters of its own for its axes.
fn einsum(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let text = settings.text("subscripts", "")?;
    let equation: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let refuse = || settings.unsupported(format_args!("its equation \"{text}\" is not"));
    let (terms, output) = equation.split_once("->").ok_or_else(refuse)?;
    let letters =
        |term: &str| term.bytes().all(|letter| letter.is_ascii_alphabetic()).then(|| term.as_bytes().to_vec());
    let names: Option<Vec<Vec<u8>>> = terms.split(',').map(letters).collect();
    let (names, output) = (names.ok_or_else(refuse)?, letters(output).ok_or_else(refuse)?);
    let arguments = arguments(draft)?;
    if names.len() != arguments.len() || names.len() > 2 {
        return Err(refuse());
    }
    let tensors = arguments
        .into_iter()
        .zip(&names)
        .map(|(argument, names)| operand(draft, argument, names.len()))
        .collect::<Result<Vec<_>>>()?;
    // The batch stays the first axis, and is none of those that are summed over.
    let batch =
        names.iter().zip(draft.is_input(&tensors)).find(|(_, input)| *input).and_then(|(names, _)| names.first());
    if output.first() != batch || batch.is_none() {
        return Err(of_batch(&settings));
    }
    named_product(draft, &tensors, &names, &output)
}

/// DotProductAttention of tensors with axes for batch, tokens, heads and length.
fn attention(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    for (place, name) in [(3, "bias"), (4, "mask")] {
        if raw(&settings, place, name).is_some() {
            return Err(settings.unsupported(format_args!("with \"{name}\" it is not")));
        }
    }
    if settings.get("attn_logits_soft_cap").is_some() {
        return Err(settings.unsupported("with \"attn_logits_soft_cap\" it is not"));
    }
    let (&[query, key, value], true) = (draft.inputs, draft.input_ranks().all(|rank| rank == 4)) else {
        return Err(settings.unsupported("its inputs must be three tensors with four axes each"));
    };
    let lengths = [query, key].map(|id| draft.shape_of(id));
    if lengths[0][2] != lengths[1][2] {
        return Err(settings.unsupported("queries and keys have different numbers of heads"));
    }
    let scale = match raw(&settings, 5, "scale") {
        None => 1.0 / (lengths[0][3] as f32).sqrt(),
        Some(scale) => scale.as_f64().ok_or_else(|| settings.error("its \"scale\" is no number"))? as f32,
    };
    let [batch, token, head, length, seen] = [0, 1, 2, 3, 4];
    named_product(
        draft,
        &[query, key],
        &[vec![batch, token, head, length], vec![batch, seen, head, length]],
        &[batch, seen, head, token],
    )?;
    draft.step(Op::Affine { axis: 0, factor: vec![scale], offset: vec![0.0] }, &[])?;
    if settings.switch("is_causal", false)? {
        let (rows, columns) = (lengths[0][1], lengths[1][1]);
        let count = rows.checked_mul(columns).filter(|&count| count <= 1 << 24);
        let count = count.ok_or_else(|| settings.error("its scores are absurdly many"))?;
        // Stored as batch, token, key and head.
        let mask = (0..count).map(|index| if index % rows >= index / rows { 0.0 } else { HIDDEN });
        let mask = draft.keras_table("mask", vec![1, columns, 1, rows], mask.collect())?;
        draft.combine(Binary::Add, mask)?;
    }
    let axis = draft.place(1);
    draft.step(Op::Softmax { axis, to_end: false, log: false }, &[])?;
    let inputs =
        [vec![batch, seen, head, token], vec![batch, seen, head, length]].map(|names| as_stored(draft, &names));
    let output = as_stored(draft, &[batch, token, head, length]);
    draft.step(Op::Einsum(Einsum { inputs: inputs.to_vec(), output }), &[value])
}

/// Normalize: each row along one axis divided by its norm.
fn by_norm(draft: &mut Draft) -> Result<()> {
    super::one_tensor(draft)?;
    let settings = draft.settings;
    let axis = axis(&settings, "axis", draft.rank())?;
    let p = match settings.get("order").and_then(Value::as_i64) {
        Some(1) => 1,
        Some(2) => 2,
        _ => return Err(settings.unsupported("its \"order\" must be 1 or 2")),
    };
    draft.step(Op::LpNormalise { axis: draft.place(axis), p }, &[])
}

/// LayerNorm and RMSNorm along the last axis.
fn by_own(draft: &mut Draft) -> Result<()> {
    super::one_tensor(draft)?;
    let settings = draft.settings;
    let rank = draft.rank();
    let axis = axis(&settings, "axis", rank)?;
    if axis + 1 != rank || settings.switch("rms_scaling", false)? {
        return Err(settings.unsupported("only along the last axis, without \"rms_scaling\", is it"));
    }
    let centred = settings.class == "LayerNorm";
    let names: &[&str] = if centred { &["gamma", "beta"] } else { &["scale"] };
    let mut more = Vec::new();
    let mut given = [false; 2];
    for (place, name) in names.iter().enumerate() {
        let Some(value) = raw(&settings, place + 1, name) else { continue };
        more.push(draft.array(name, value, 1)?);
        given[place] = true;
    }
    let place = draft.place(axis);
    let [scale, bias] = given;
    let epsilon = settings.number("epsilon")?.unwrap_or(EPSILON);
    let normalise = Normalise { axes: vec![place], groups: 1, centred, epsilon, scale, bias, along: place };
    draft.step(Op::Normalise(normalise), &more)
}

/// BatchNorm: with a mean and a variance, an offset and a scale that the file holds.
fn by_stored(draft: &mut Draft) -> Result<()> {
    super::one_tensor(draft)?;
    let settings = draft.settings;
    let axis = axis(&settings, "axis", draft.rank())?;
    if draft.place(axis) != 1 {
        return Err(settings.unsupported("only along the axis of the channels is it"));
    }
    let read = |draft: &mut Draft, place: usize, name: &str| {
        raw(&settings, place, name).map(|value| draft.array(name, value, 1)).transpose()
    };
    let (mean, variance) = (read(draft, 1, "mean")?, read(draft, 2, "variance")?);
    let (offset, scale) = (read(draft, 3, "offset")?, read(draft, 4, "scale")?);
    let (Some(mean), Some(variance)) = (mean, variance) else {
        return Err(settings.unsupported("its mean and its variance must be arrays of the file"));
    };
    let op = Op::BatchNorm {
        epsilon: settings.number("epsilon")?.unwrap_or(1e-3),
        scale: scale.is_some(),
        bias: offset.is_some(),
    };
    let more: Vec<_> = scale.into_iter().chain(offset).chain([mean, variance]).collect();
    draft.step(op, &more)
}
