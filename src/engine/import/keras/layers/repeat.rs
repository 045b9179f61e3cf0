//! Layers that repeat something: a vector, another layer for each entry, rows of a table.

use facts::Result;
use facts::graph::Op;

use super::super::draft::Draft;
use super::attention::wrapped;

/// RepeatVector: the same vector so many times.
pub(super) fn vector(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let (times, shape) = (settings.count("n")?, draft.shape());
    let &[batch, length] = &shape[..] else {
        return Err(settings.error(format_args!("an input of two axes is expected, found shape {shape:?}")));
    };
    if times == 0 || times > 1 << 24 {
        return Err(settings.error(format_args!("its \"n\" must be from 1 to 16,777,216, found {times}")));
    }
    draft.reshape(vec![batch, 1, length])?;
    draft.step(Op::Expand { shape: vec![batch, times, length] }, &[])
}

/// TimeDistributed around a layer that computes along the last axis only, which is the same layer without it.
pub(super) fn each_entry(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let inner = wrapped(&settings)?;
    if !matches!(inner.class, "Dense" | "Activation" | "ReLU" | "LeakyReLU" | "ELU" | "Dropout" | "Rescaling") {
        return Err(settings.unsupported(format_args!("around a {} it is not", inner.class)));
    }
    draft.settings = inner;
    super::translator(&inner)?(draft)
}

/// Embedding: the rows of a table with the numbers that the input holds, which are the same for every image.
pub(super) fn embedding(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let (count, length) = (settings.count("input_dim")?, settings.count("output_dim")?);
    if settings.switch("mask_zero", false)? {
        return Err(settings.unsupported("with \"mask_zero\" it is not"));
    }
    let table = draft.parameter("embeddings", &[count, length], &[0, 1])?;
    let shape = draft.shape();
    let Some(numbers) = draft.known_input().filter(|_| shape.len() < 4) else {
        return Err(settings.unsupported(
            "its input is computed from the image; only rows that are the same for every image are looked up",
        ));
    };
    let row = |&number: &f32| {
        let whole = number.trunc();
        (whole >= 0.0 && whole < count as f32).then_some(whole as usize)
    };
    let indices: Option<Vec<usize>> = numbers.iter().map(row).collect();
    let indices = indices.ok_or_else(|| settings.error(format_args!("it looks up a row that its {count} are not")))?;
    draft.start_with(table);
    draft.step(Op::Gather { axis: 0, indices, indices_shape: shape.clone() }, &[])?;
    draft.reordered((0..=shape.len()).collect());
    Ok(())
}
