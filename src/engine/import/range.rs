//! Parts of an axis, as numpy counts them.

use facts::graph::SliceRange;

/// Numpy's `start:end:step` over an axis of `length`; `None` for a step of 0.
pub(super) fn range(start: i64, end: i64, step: i64, length: usize) -> Option<SliceRange> {
    let signed = i64::try_from(length).ok()?;
    let counted = |bound: i64| if bound < 0 { bound.saturating_add(signed) } else { bound };
    // A step that leaves the axis at once is as good as the axis' length, and fits every integer type.
    let step = step.clamp(-signed.max(1), signed.max(1));
    let (start, span) = match step {
        0 => return None,
        1.. => {
            let start = counted(start).clamp(0, signed);
            (start, counted(end).clamp(0, signed) - start)
        }
        _ => {
            let start = counted(start).clamp(-1, signed - 1);
            (start, start - counted(end).clamp(-1, signed - 1))
        }
    };
    let count = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
    let start = if count == 0 { 0 } else { usize::try_from(start).ok()? };
    Some(SliceRange { start, step: isize::try_from(step).ok()?, length: usize::try_from(count).ok()? })
}
