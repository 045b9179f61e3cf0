//! Pooling.

use facts::Result;
use facts::graph::{Op, Pool, Reduction};

use super::super::draft::Draft;
use super::convolution::padding;

/// Maximum or mean of a moving window; padding counts in neither.
pub(super) fn window(draft: &mut Draft) -> Result<()> {
    let [_, height, width] = draft.arrange_image()?;
    let kernel = draft.settings.pair("pool_size", Some([2, 2]))?;
    let strides = draft.settings.pair("strides", Some(kernel))?;
    let dilations = [1, 1];
    let padding = padding(draft, [height, width], kernel, strides, dilations)?;
    let pool = Pool { kernel, strides, dilations, padding, ceil_mode: false };
    let op = match draft.settings.class {
        "MaxPooling2D" | "MaxPool" => Op::MaxPool(pool),
        _ => Op::AveragePool { pool, count_include_pad: false },
    };
    draft.step(op, &[])
}

/// Maximum or mean of each channel.
pub(super) fn global(draft: &mut Draft) -> Result<()> {
    draft.arrange_image()?;
    let keep_dims = draft.settings.switch("keepdims", false)?;
    let reduction = match draft.settings.class {
        "GlobalMaxPooling2D" => Reduction::Max,
        _ => Reduction::Mean,
    };
    draft.step(Op::Reduce { reduction, axes: vec![2, 3], keep_dims }, &[])?;
    if !keep_dims {
        draft.reordered(vec![0, 1]);
    }
    Ok(())
}
