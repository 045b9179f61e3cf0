//! Pooling to a stated size: entry `i` of `n` covers what lies between `i / n` and `(i + 1) / n` of an axis.

use facts::Result;
use facts::graph::{Mix, Op, Reduction};

use super::super::draft::Draft;
use super::spaces::{arrange, each};

/// AdaptiveAveragePooling and AdaptiveMaxPooling along one, two or three axes, one axis after the other.
pub(super) fn pool(draft: &mut Draft) -> Result<()> {
    let (_, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let sizes = each(&settings, "output_size", None)?;
    if lengths.contains(&0) || sizes.iter().any(|&size| size > 1 << 15) {
        return Err(settings.error(format_args!("lengths {lengths:?} cannot be pooled to {sizes:?}")));
    }
    for (axis, (length, size)) in lengths.into_iter().zip(sizes).enumerate() {
        let axis = axis + 2;
        let spans: Vec<(usize, usize)> =
            (0..size).map(|entry| (entry * length / size, ((entry + 1) * length).div_ceil(size))).collect();
        if settings.class.contains("Average") {
            let taps = spans.iter().map(|&(start, end)| {
                let share = 1.0 / (end - start) as f32;
                (start..end).map(|entry| (entry as u32, share)).collect()
            });
            draft.step(Op::Mix(Mix { axis, taps: taps.collect(), fill: 0.0 }), &[])?;
            continue;
        }
        // A span is filled up with its last entry, which does not change its maximum.
        let most = spans.iter().map(|(start, end)| end - start).max().unwrap_or(1);
        let taken = spans.iter().flat_map(|&(start, end)| (0..most).map(move |entry| (start + entry).min(end - 1)));
        let indices: Vec<usize> = taken.collect();
        draft.step(Op::Gather { axis, indices_shape: vec![indices.len()], indices }, &[])?;
        let order: Vec<usize> = (0..draft.rank()).map(|axis| draft.place(axis)).collect();
        let mut shape = draft.arranged_shape().to_vec();
        shape.splice(axis..=axis, [size, most]);
        draft.reshape(shape)?;
        draft.step(Op::Reduce { reduction: Reduction::Max, axes: vec![axis + 1], keep_dims: false }, &[])?;
        draft.reordered(order);
    }
    Ok(())
}
