//! Layers of several inputs.

use facts::Result;
use facts::graph::{Binary, Op};

use super::super::draft::Draft;
use super::super::settings::Settings;

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

/// A Python function, where it is known.
pub(super) fn lambda(draft: &mut Draft) -> Result<()> {
    let scale = lambda_scale(&draft.settings)?;
    sum_scaled_by(draft, scale)
}

/// The scale of the one Python function that is known: what `keras.applications` wrote in InceptionResNetV2 before it had
/// a layer for it, `lambda inputs, scale: inputs[0] + inputs[1] * scale` in the layers `block35_1` to `block8_10`.
///
/// # Errors
/// Where it is another function.
pub(super) fn lambda_scale(settings: &Settings) -> Result<f32> {
    let name = settings.layer.rsplit('/').next().unwrap_or(settings.layer);
    let arguments = settings.get("arguments");
    let scale = arguments.and_then(|arguments| arguments.get("scale")?.as_f64());
    let alone = arguments.and_then(serde_json::Value::as_object).is_some_and(|arguments| arguments.len() == 1);
    match scale {
        Some(scale) if alone && ["block35_", "block17_", "block8_"].iter().any(|block| name.starts_with(block)) => {
            Ok(scale as f32)
        }
        _ => Err(settings.unsupported("it runs Python code, and what that computes is not known")),
    }
}

/// `a + scale * b`: the residual connections of InceptionResNetV2.
pub(super) fn scaled_sum(draft: &mut Draft) -> Result<()> {
    match draft.settings.number("scale")? {
        Some(scale) => sum_scaled_by(draft, scale),
        None => Err(draft.settings.error("setting \"scale\" must be a number, found nothing")),
    }
}

fn sum_scaled_by(draft: &mut Draft, scale: f32) -> Result<()> {
    same_ranks(draft)?;
    let &[sum, branch] = draft.inputs else {
        return Err(draft.settings.error(format_args!("two inputs are expected, found {}", draft.inputs.len())));
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
