//! Shapes of the operators on integers.

use super::{Inferred, arity, axes, broadcast, infer};
use crate::graph::{Integer, IntegerFunction, Op, Role, elements};

/// The shape of Quantize and Dequantize: the input's, whose scale and zero point must fit it.
pub(super) fn scaled(axis: usize, block: usize, inputs: &[&[usize]]) -> Inferred {
    let x = inputs[0];
    if block == 0 {
        return Err("a block of 0 elements shares a scale; at least 1 is expected".to_owned());
    }
    let mut blocks = x.to_vec();
    if let Some(length) = blocks.get_mut(axis) {
        *length = length.div_ceil(block);
    }
    for (what, shape) in ["the scale", "the zero point"].into_iter().zip(&inputs[1..]) {
        let along = block == 1 && shape.len() == 1 && x.get(axis) == Some(&shape[0]);
        let each = block > 1 && blocks == **shape;
        if elements(shape) != Some(1) && !along && !each {
            let expected = match x.get(axis) {
                Some(_) if block > 1 => format!("shape {blocks:?}"),
                Some(length) => format!("one number, or one for each of the {length} elements of axis {axis}"),
                None => "one number".to_owned(),
            };
            return Err(format!("{what} must have {expected}, found shape {shape:?}"));
        }
    }
    if let [_, scale, zero] = inputs
        && elements(scale) != elements(zero)
    {
        return Err(format!("the scale has shape {scale:?}, but the zero point {zero:?}"));
    }
    Ok(x.to_vec())
}

/// The shape of the output.
pub(super) fn shape(integer: &Integer, inputs: &[&[usize]]) -> Inferred {
    let operands = integer.operands();
    let expected = match &integer.function {
        IntegerFunction::Concat { .. } => operands.len().max(1),
        IntegerFunction::Conv(_) | IntegerFunction::MatMul | IntegerFunction::Gemm { .. } => 2,
        IntegerFunction::Add | IntegerFunction::Mul => 2,
        _ => 1,
    };
    if operands.len() != expected {
        return Err(format!("the number of tensors must be {expected}, found {}", operands.len()));
    }
    let tensors: Vec<&[usize]> = operands.iter().map(|operand| inputs[operand.tensor]).collect();
    let through = |op: Op| -> Inferred { infer(&op, &tensors)?.pop().ok_or_else(|| "no output".to_owned()) };
    let made = match &integer.function {
        IntegerFunction::Conv(conv) => through(Op::Conv(conv.clone()))?,
        IntegerFunction::MatMul => through(Op::MatMul)?,
        IntegerFunction::Gemm { trans_a, trans_b, .. } => {
            through(Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: *trans_a, trans_b: *trans_b })?
        }
        IntegerFunction::Add | IntegerFunction::Mul => broadcast(tensors[0], tensors[1])?,
        IntegerFunction::Unary(_) => tensors[0].to_vec(),
        IntegerFunction::GlobalAveragePool => match tensors[0] {
            [batch, channels, _, _] => vec![*batch, *channels, 1, 1],
            x => return Err(format!("the input must be an image of four axes, found shape {x:?}")),
        },
        IntegerFunction::AveragePool { pool, count_include_pad } => {
            through(Op::AveragePool { pool: pool.clone(), count_include_pad: *count_include_pad })?
        }
        IntegerFunction::Concat { axis } => through(Op::Concat { axis: *axis })?,
        IntegerFunction::Softmax { axis, end } => {
            axes::in_range(*axis, tensors[0])?;
            if end <= axis || *end > tensors[0].len() {
                return Err(format!("axes {axis} to {end} of shape {:?}", tensors[0]));
            }
            tensors[0].to_vec()
        }
    };
    settings(integer, inputs, &made)?;
    debug_assert_eq!(arity(&Op::Integer(integer.clone())).0, inputs.len(), "one role an input");
    Ok(made)
}

/// Checks scales, zero points and bias: one number, or one for each column of the second factor.
fn settings(integer: &Integer, inputs: &[&[usize]], output: &[usize]) -> Result<(), String> {
    let columns = match &integer.function {
        IntegerFunction::Conv(_) => output.get(1).copied(),
        IntegerFunction::MatMul | IntegerFunction::Gemm { .. } => output.last().copied(),
        _ => None,
    };
    let second = integer.operands().get(1).map_or(usize::MAX, |operand| operand.tensor);
    for (index, (&role, shape)) in integer.roles.iter().zip(inputs).enumerate() {
        let what = match role {
            Role::Tensor => continue,
            Role::Scale => "a scale",
            Role::Zero => "a zero point",
            Role::Bias => "the bias",
            Role::OutputScale => "the output's scale",
            Role::OutputZero => "the output's zero point",
        };
        let one = elements(shape) == Some(1) && role != Role::Bias;
        let each = columns.filter(|_| role == Role::Bias || index > second && matches!(role, Role::Scale | Role::Zero));
        let along = each.is_some_and(|columns| elements(shape) == Some(columns) && shape.last() == Some(&columns));
        if !one && !along {
            let expected = match (each, role) {
                (Some(columns), Role::Bias) => format!("{columns} numbers"),
                (Some(columns), _) => format!("one number or {columns}"),
                (None, _) => "one number".to_owned(),
            };
            return Err(format!("{what} must be {expected}, found shape {shape:?}"));
        }
    }
    Ok(())
}
