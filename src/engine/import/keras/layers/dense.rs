//! Fully connected layers.

use facts::Result;
use facts::graph::{Binary, Op};

use super::super::draft::Draft;
use super::activation;

/// A matrix product with the last axis, whatever the others are.
pub(super) fn dense(draft: &mut Draft) -> Result<()> {
    draft.arrange_as_keras()?;
    let units = draft.settings.count("units")?;
    let shape = draft.shape();
    let Some((&length, [_, ..])) = shape.split_last() else {
        return Err(draft
            .settings
            .error(format_args!("an input of two axes or more is expected, found shape {shape:?}")));
    };
    let kernel = draft.parameter("kernel", &[length, units], &[0, 1])?;
    let bias = match draft.settings.switch("use_bias", true)? {
        true => Some(draft.parameter("bias", &[units], &[0])?),
        false => None,
    };
    if shape.len() == 2 {
        let more: Vec<_> = std::iter::once(kernel).chain(bias).collect();
        draft.step(Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false }, &more)?;
    } else {
        draft.step(Op::MatMul, &[kernel])?;
        if let Some(bias) = bias {
            draft.combine(Binary::Add, bias)?;
        }
    }
    activation::setting(draft, "activation")
}
