//! Shape inference: what each operator makes of the shapes it is given.
//!
//! This is where attributes that contradict a tensor are caught, so that the operators themselves
//! (the operators) can rely on what they are given. All arithmetic is checked: a model file states these
//! numbers, and it may be hostile.

mod axes;
mod integer;
mod resample;
mod tokens;
mod window;

#[cfg(test)]
mod tests;

pub use window::as_image;

use super::{Attention, MultiHead, Normalise, Op, Step, elements};

/// Most axes a tensor may have.
const MAX_RANK: usize = 8;

/// Most elements a single tensor may have: 2^28, one GiB of float32. A small hostile file cannot make us try more.
pub(super) const MAX_ELEMENTS: usize = 1 << 28;

/// Shapes, or a sentence that says why there are none.
type Inferred<T = Vec<usize>> = Result<T, String>;

/// Shapes of the outputs of `op` for inputs of these shapes, or a sentence that says why they do not fit.
///
/// # Errors
/// A sentence with what was expected and what was found; the caller adds the layer's name.
pub fn infer(op: &Op, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, String> {
    let (least, most) = arity(op);
    if inputs.len() < least || inputs.len() > most {
        let expected = match (least, most) {
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        return Err(format!("the number of inputs must be {expected}, found {}", inputs.len()));
    }
    for &shape in inputs {
        fits(shape)?;
    }
    let outputs = match op {
        Op::Conv(conv) => vec![window::conv(conv, inputs)?],
        Op::MaxPool(pool) | Op::AveragePool { pool, .. } => vec![window::pool(pool, inputs[0])?],
        Op::Resize(resize) => vec![window::resize(resize, inputs[0])?],
        Op::Gemm { trans_a, trans_b, .. } => vec![gemm(*trans_a, *trans_b, inputs)?],
        Op::MatMul => vec![matmul(inputs[0], inputs[1])?],
        Op::BatchNorm { epsilon, scale, bias } => {
            not_negative(*epsilon)?;
            vec![batch_norm(*scale, *bias, inputs)?]
        }
        Op::Affine { axis, factor, offset } => vec![affine(*axis, factor.len(), offset.len(), inputs[0])?],
        Op::Normalise(settings) => {
            not_negative(settings.epsilon)?;
            vec![tokens::normalise(settings, inputs)?]
        }
        Op::LpNormalise { axis, p } => vec![tokens::lp_normalise(*axis, *p, inputs[0])?],
        Op::Where => vec![broadcast(&broadcast(inputs[0], inputs[1])?, inputs[2])?],
        Op::Expand { shape } => vec![broadcast_to("the input", inputs[0], shape)?],
        Op::Tile { repeats } => vec![axes::tile(repeats, inputs[0])?],
        Op::Take { places, shape } => vec![axes::take(places, shape, inputs)?],
        Op::Einsum(einsum) => vec![tokens::einsum(einsum, inputs)?],
        Op::Attention(attention) => vec![tokens::attention(attention, inputs)?],
        Op::ConvTranspose(conv) => vec![window::conv_transpose(conv, inputs)?],
        Op::Chain(steps) => links(steps, inputs)?.pop().into_iter().collect(),
        Op::MultiHead(settings) => vec![resample::multi_head(settings, inputs)?],
        Op::Conv3(conv) => vec![resample::conv3(conv, inputs)?],
        Op::Mix(mix) => vec![resample::mix(mix, inputs[0])?],
        Op::GridSample(_) => vec![resample::grid(inputs)?],
        Op::Place { axis, keep_dims, .. } => vec![resample::place(*axis, *keep_dims, inputs[0])?],
        Op::TopK { axis, k, .. } => vec![resample::top(*axis, *k, inputs[0])?; 2],
        Op::OneHot { axis, depth, .. } => vec![resample::one_hot(*axis, *depth, inputs[0])?],
        Op::Lrn { size, .. } => vec![lrn(*size, inputs[0])?],
        Op::Quantize { axis, block, .. } | Op::Dequantize { axis, block } => {
            vec![integer::scaled(*axis, *block, inputs)?]
        }
        Op::DynamicQuantize => vec![inputs[0].to_vec(), Vec::new(), Vec::new()],
        Op::Integer(integer) => vec![integer::shape(integer, inputs)?],
        Op::Unary(_) | Op::Identity => vec![inputs[0].to_vec()],
        Op::Binary(_) => vec![broadcast(inputs[0], inputs[1])?],
        Op::PRelu => vec![broadcast_to("the slope", inputs[1], inputs[0])?],
        Op::Softmax { axis, .. } | Op::CumSum { axis, .. } => {
            axes::in_range(*axis, inputs[0])?;
            vec![inputs[0].to_vec()]
        }
        Op::Reduce { axes, keep_dims, .. } => vec![axes::reduce(axes, *keep_dims, inputs[0])?],
        Op::Concat { axis } => vec![axes::concat(*axis, inputs)?],
        Op::Split { axis, sizes } => axes::split(*axis, sizes, inputs[0])?,
        Op::Slice { ranges } => vec![axes::slice(ranges, inputs[0])?],
        Op::Reshape { shape } => vec![axes::reshape(shape, inputs[0])?],
        Op::Transpose { perm } => vec![axes::transpose(perm, inputs[0])?],
        Op::Gather { axis, indices, indices_shape } => {
            vec![axes::gather(*axis, indices, indices_shape, inputs[0])?]
        }
        Op::Pad { mode, pads } => vec![axes::pad(*mode, pads, inputs[0])?],
        Op::Folded => return Err("the value of a folded layer is known at import; it cannot be computed".to_owned()),
    };
    for shape in &outputs {
        fits(shape)?;
    }
    Ok(outputs)
}

/// Least and greatest number of inputs of `op`.
fn arity(op: &Op) -> (usize, usize) {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Conv3(_) | Op::Gemm { .. } => (2, 3),
        Op::GridSample(_) => (2, 2),
        Op::MultiHead(MultiHead { bias, mask, .. }) => {
            let count = if *bias { 11 } else { 7 } + usize::from(*mask);
            (count, count)
        }
        Op::Where => (3, 3),
        Op::Quantize { .. } | Op::Dequantize { .. } => (2, 3),
        Op::Integer(integer) => (integer.roles.len(), integer.roles.len()),
        Op::Attention(Attention { mask, .. }) => (3 + usize::from(*mask), 3 + usize::from(*mask)),
        Op::Einsum(_) | Op::Take { .. } => (1, 2),
        Op::Normalise(Normalise { scale, bias, .. }) => {
            let count = 1 + usize::from(*scale) + usize::from(*bias);
            (count, count)
        }
        Op::MatMul | Op::Binary(_) | Op::PRelu => (2, 2),
        Op::BatchNorm { scale, bias, .. } => {
            let count = 3 + usize::from(*scale) + usize::from(*bias);
            (count, count)
        }
        Op::Concat { .. } | Op::Chain(_) => (1, usize::MAX),
        Op::Folded => (0, usize::MAX),
        _ => (1, 1),
    }
}

/// Whether we compute tensors of this shape at all.
fn fits(shape: &[usize]) -> Inferred<()> {
    if shape.len() > MAX_RANK {
        return Err(format!("at most {MAX_RANK} axes are supported, found {} ({shape:?})", shape.len()));
    }
    if elements(shape).is_none_or(|count| count > MAX_ELEMENTS) {
        return Err(format!("a tensor of shape {shape:?} is too large to compute"));
    }
    Ok(())
}

/// Refuses a tensor without elements, for operators that have no meaning on one.
fn not_empty(what: &str, shape: &[usize]) -> Inferred<()> {
    if shape.contains(&0) { Err(format!("{what} has no elements: its shape is {shape:?}")) } else { Ok(()) }
}

/// The matrix product's shape and the check of what is added to it.
fn gemm(trans_a: bool, trans_b: bool, inputs: &[&[usize]]) -> Inferred {
    let matrix = |what: &str, shape: &[usize], transposed: bool| match *shape {
        [rows, columns] if transposed => Ok((columns, rows)),
        [rows, columns] => Ok((rows, columns)),
        _ => Err(format!("{what} must be a matrix, found shape {shape:?}")),
    };
    let (rows, inner) = matrix("A", inputs[0], trans_a)?;
    let (found, columns) = matrix("B", inputs[1], trans_b)?;
    if inner != found {
        return Err(format!("A' is {rows} x {inner} and B' is {found} x {columns}: the inner lengths differ"));
    }
    not_empty("A", inputs[0])?;
    not_empty("B", inputs[1])?;
    let output = vec![rows, columns];
    match inputs.get(2) {
        Some(c) => broadcast_to("C", c, &output),
        None => Ok(output),
    }
}

/// numpy's `matmul`: the last two axes multiply, the others broadcast, and a vector becomes a matrix for the time.
fn matmul(a: &[usize], b: &[usize]) -> Inferred {
    let differ = || format!("the inner lengths of A {a:?} and B {b:?} differ");
    not_empty("A", a)?;
    not_empty("B", b)?;
    let (batch_a, rows, inner_a) = match *a {
        [] => return Err("A must have at least one axis, found a scalar".to_owned()),
        [inner] => (&a[..0], None, inner),
        [.., rows, inner] => (&a[..a.len() - 2], Some(rows), inner),
    };
    let (batch_b, inner_b, columns) = match *b {
        [] => return Err("B must have at least one axis, found a scalar".to_owned()),
        [inner] => (&b[..0], inner, None),
        [.., inner, columns] => (&b[..b.len() - 2], inner, Some(columns)),
    };
    if inner_a != inner_b {
        return Err(differ());
    }
    let mut output = broadcast(batch_a, batch_b)?;
    output.extend(rows);
    output.extend(columns);
    Ok(output)
}

fn batch_norm(scale: bool, bias: bool, inputs: &[&[usize]]) -> Inferred {
    let x = inputs[0];
    let [_, channels, ..] = *x else {
        return Err(format!("the input must have a batch and a channel axis, found shape {x:?}"));
    };
    let given = [("scale", scale), ("bias", bias), ("mean", true), ("variance", true)];
    let names = given.into_iter().filter_map(|(name, given)| given.then_some(name));
    for (what, shape) in names.zip(&inputs[1..]) {
        if **shape != [channels] {
            return Err(format!("{what} must have shape [{channels}], one number a channel, found {shape:?}"));
        }
    }
    Ok(x.to_vec())
}

fn affine(axis: usize, factors: usize, offsets: usize, x: &[usize]) -> Inferred {
    axes::in_range(axis, x)?;
    if factors != offsets || (factors != 1 && factors != x[axis]) {
        return Err(format!(
            "one factor and offset, or one for each of the {} elements of axis {axis}, are expected, found {factors} and {offsets}",
            x[axis]
        ));
    }
    Ok(x.to_vec())
}

/// The shape that each of the steps of a chain makes, of which there is at least one; they share out the inputs between
/// them.
///
/// # Errors
/// As [`infer`].
pub fn links(steps: &[Step], inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, String> {
    let mut rest = inputs;
    let mut made: Vec<Vec<usize>> = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        if matches!(step.op, Op::Chain(_)) {
            return Err("a step of a chain must not be a chain".to_owned());
        }
        let Some((own, later)) = rest.split_at_checked(step.inputs) else {
            return Err(format!("step {index} needs {} inputs, {} are left", step.inputs, rest.len()));
        };
        rest = later;
        let taken: Vec<&[usize]> = made.last().map(Vec::as_slice).into_iter().chain(own.iter().copied()).collect();
        let outputs = infer(&step.op, &taken)?;
        if outputs.len() != 1 {
            return Err(format!("step {index} must have one output, it has {}", outputs.len()));
        }
        made.extend(outputs);
    }
    match made.len() {
        0 => Err("a chain needs at least one step".to_owned()),
        _ if rest.is_empty() => Ok(made),
        _ => Err(format!("no step takes the last {} inputs", rest.len())),
    }
}

fn lrn(size: usize, x: &[usize]) -> Inferred {
    let [batch, channels, ref space @ ..] = *x else {
        return Err(format!("the input must have a batch and a channel axis, found shape {x:?}"));
    };
    if size == 0 {
        return Err("the window must be at least one channel wide, found size 0".to_owned());
    }
    let padded = channels.checked_add(size).ok_or_else(|| format!("a window of {size} channels is too large"))?;
    fits(&[batch, padded, elements(space).unwrap_or(usize::MAX)])?;
    Ok(x.to_vec())
}

/// The common shape of `a` and `b` under numpy's rules.
fn broadcast(a: &[usize], b: &[usize]) -> Inferred {
    let rank = a.len().max(b.len());
    let axis = |shape: &[usize], index: usize| (index + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|index| match (axis(a, index), axis(b, index)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(format!("shapes {a:?} and {b:?} cannot be broadcast together")),
        })
        .collect()
}

/// Refuses what cannot be added to a variance.
fn not_negative(epsilon: f32) -> Inferred<()> {
    match epsilon >= 0.0 && epsilon.is_finite() {
        true => Ok(()),
        false => Err(format!("its epsilon is {epsilon}; a number from 0 on is expected")),
    }
}

/// `target`, where `shape` can be broadcast to it and does not widen it.
fn broadcast_to(what: &str, shape: &[usize], target: &[usize]) -> Inferred {
    match broadcast(shape, target) {
        Ok(output) if output == target => Ok(output),
        _ => Err(format!("{what} of shape {shape:?} cannot be broadcast to {target:?}")),
    }
}
