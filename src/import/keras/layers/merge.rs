//! Layers of several inputs.

use super::super::draft::Draft;
use crate::Result;
use crate::graph::{Binary, Op};

/// Element by element, broadcast where an axis has length 1.
pub(super) fn elementwise(draft: &mut Draft) -> Result<()> {
    same_ranks(draft)?;
    let function = match draft.settings.class {
        "Subtract" => Binary::Sub,
        "Multiply" => Binary::Mul,
        "Maximum" => Binary::Max,
        "Minimum" => Binary::Min,
        _ => Binary::Add,
    };
    let inputs = draft.inputs;
    if function == Binary::Sub && inputs.len() != 2 {
        return Err(draft.settings.error(format_args!("two inputs are expected, found {}", inputs.len())));
    }
    for &input in &inputs[1..] {
        draft.combine(function, input)?;
    }
    if draft.settings.class == "Average" {
        draft.step(Op::Affine { axis: 0, factor: vec![1.0 / inputs.len() as f32], offset: vec![0.0] }, &[])?;
    }
    Ok(())
}

pub(super) fn concatenate(draft: &mut Draft) -> Result<()> {
    same_ranks(draft)?;
    let axis = draft.settings.axis("axis", -1, draft.rank())?;
    let axis = draft.place(axis);
    let inputs = draft.inputs;
    draft.step(Op::Concat { axis }, &inputs[1..])
}

/// `a + scale * b`: the residual connections of `keras.applications`' InceptionResNetV2.
pub(super) fn scaled_sum(draft: &mut Draft) -> Result<()> {
    same_ranks(draft)?;
    let &[sum, branch] = draft.inputs else {
        return Err(draft.settings.error(format_args!("two inputs are expected, found {}", draft.inputs.len())));
    };
    let Some(scale) = draft.settings.number("scale")? else {
        return Err(draft.settings.error("setting \"scale\" must be a number, found nothing"));
    };
    draft.start_with(branch);
    draft.step(Op::Affine { axis: 0, factor: vec![scale], offset: vec![0.0] }, &[])?;
    draft.combine(Binary::Add, sum)
}

fn same_ranks(draft: &Draft) -> Result<()> {
    if draft.input_ranks().any(|rank| rank != draft.rank()) {
        let ranks: Vec<usize> = draft.input_ranks().collect();
        return Err(draft.settings.unsupported(format_args!("its inputs have different numbers of axes, {ranks:?}")));
    }
    Ok(())
}
