//! Operators that move a window over an image, and the one that resamples it.

use super::{Inferred, fits, not_empty};
use crate::graph::{Conv, ConvTranspose, Padding2d, Pool, Resize};

/// `N x C x H x W`, or `N x C x L` taken as an image one row high.
pub fn as_image(shape: &[usize]) -> Option<[usize; 4]> {
    match *shape {
        [n, c, h, w] => Some([n, c, h, w]),
        [n, c, l] => Some([n, c, 1, l]),
        _ => None,
    }
}

fn image(what: &str, shape: &[usize]) -> Inferred<[usize; 4]> {
    not_empty(what, shape)?;
    as_image(shape)
        .ok_or_else(|| format!("{what} must have four axes (or three: one spatial axis), found shape {shape:?}"))
}

/// `spatial` in the place of the last axes of `like`, which is an image or a row.
fn with_spatial(like: &[usize], channels: usize, spatial: [usize; 2]) -> Vec<usize> {
    match *like {
        [n, _, _] => vec![n, channels, spatial[1]],
        _ => vec![like[0], channels, spatial[0], spatial[1]],
    }
}

pub(super) fn conv(conv: &Conv, inputs: &[&[usize]]) -> Inferred {
    let [n, channels, height, width] = image("the input", inputs[0])?;
    let [features, depth, rows, columns] = image("the weight", inputs[1])?;
    if inputs[0].len() != inputs[1].len() {
        return Err(format!(
            "the weight must have as many axes as the input {:?}, found shape {:?}",
            inputs[0], inputs[1]
        ));
    }
    let groups = conv.groups;
    if groups == 0 || !features.is_multiple_of(groups) {
        return Err(format!("{features} output channels cannot be cut into {groups} groups"));
    }
    if depth.checked_mul(groups) != Some(channels) {
        return Err(format!(
            "the input has {channels} channels, but the weight {:?} with {groups} groups needs {depth} x {groups}",
            inputs[1]
        ));
    }
    if let Some(bias) = inputs.get(2)
        && **bias != [features]
    {
        return Err(format!("the bias must have shape [{features}], one number an output channel, found {bias:?}"));
    }
    let spans = spans([rows, columns], conv.strides, conv.dilations, conv.padding)?;
    let padded = [spans[0].padded(height)?, spans[1].padded(width)?];
    fits(&[n, channels, padded[0], padded[1]])?;
    let spatial = [spans[0].positions(height, false)?, spans[1].positions(width, false)?];
    Ok(with_spatial(inputs[0], features, spatial))
}

pub(super) fn conv_transpose(conv: &ConvTranspose, inputs: &[&[usize]]) -> Inferred {
    let [_, channels, height, width] = image("the input", inputs[0])?;
    let [depth, of_group, rows, columns] = image("the weight", inputs[1])?;
    if inputs[0].len() != inputs[1].len() || depth != channels {
        return Err(format!(
            "the weight {:?} must have as many axes as the input {:?}, and its first axis one entry a channel",
            inputs[1], inputs[0]
        ));
    }
    let groups = conv.groups;
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(format!("{channels} channels cannot be cut into {groups} groups"));
    }
    let features = of_group.checked_mul(groups).ok_or_else(|| too_large(of_group))?;
    if let Some(bias) = inputs.get(2)
        && **bias != [features]
    {
        return Err(format!("the bias must have shape [{features}], one number an output channel, found {bias:?}"));
    }
    let Padding2d { top, left, bottom, right } = conv.padding;
    let length = |input: usize, kernel: usize, axis: usize, cut: usize| {
        let (stride, dilation, extra) = (conv.strides[axis], conv.dilations[axis], conv.output_padding[axis]);
        if stride == 0 || dilation == 0 || extra >= stride.max(dilation) {
            return Err(format!(
                "steps of {stride}, {dilation} between taps and {extra} more at the end do not fit together"
            ));
        }
        let taps = (kernel - 1).checked_mul(dilation);
        let whole =
            (input - 1).checked_mul(stride).zip(taps).and_then(|(a, b)| a.checked_add(b)?.checked_add(extra + 1));
        let whole = whole.ok_or_else(|| too_large(input))?;
        whole
            .checked_sub(cut)
            .filter(|&length| length > 0)
            .ok_or_else(|| format!("cutting {cut} off {whole} rows or columns leaves nothing"))
    };
    let spatial = [length(height, rows, 0, top + bottom)?, length(width, columns, 1, left + right)?];
    Ok(with_spatial(inputs[0], features, spatial))
}

pub(super) fn pool(pool: &Pool, x: &[usize]) -> Inferred {
    let [n, channels, height, width] = image("the input", x)?;
    let spans = spans(pool.kernel, pool.strides, pool.dilations, pool.padding)?;
    for span in &spans {
        let reach = span.reach()?;
        if span.before.max(span.after) >= reach {
            return Err(format!(
                "the padding ({} and {}) must be smaller than the window, which spans {reach}",
                span.before, span.after
            ));
        }
    }
    let padded = [spans[0].padded(height)?, spans[1].padded(width)?];
    let spatial = [spans[0].positions(height, pool.ceil_mode)?, spans[1].positions(width, pool.ceil_mode)?];
    // In ceil mode the last window may hang over the edge by less than a step.
    let overhang = |axis: usize| padded[axis].checked_add(spans[axis].stride).ok_or_else(|| too_large(padded[axis]));
    if pool.ceil_mode {
        fits(&[n, channels, overhang(0)?, overhang(1)?])?;
    } else {
        fits(&[n, channels, padded[0], padded[1]])?;
    }
    Ok(with_spatial(x, channels, spatial))
}

pub(super) fn resize(resize: &Resize, x: &[usize]) -> Inferred {
    let [n, channels, _, _] = *x else {
        return Err(format!("the input must have four axes, found shape {x:?}"));
    };
    not_empty("the input", x)?;
    let [height, width] = resize.size;
    if height == 0 || width == 0 {
        return Err(format!("the output must have at least one pixel, found {height} x {width}"));
    }
    if resize.scales.iter().any(|scale| !(scale.is_finite() && *scale > 0.0)) {
        return Err(format!("the scales must be positive numbers, found {:?}", resize.scales));
    }
    Ok(vec![n, channels, height, width])
}

/// A window along one axis.
struct Span {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
}

fn spans(kernel: [usize; 2], strides: [usize; 2], dilations: [usize; 2], padding: Padding2d) -> Inferred<[Span; 2]> {
    for (what, pair) in [("window", kernel), ("strides", strides), ("dilations", dilations)] {
        if pair.contains(&0) {
            return Err(format!("the {what} must be at least 1 each way, found {pair:?}"));
        }
    }
    let span = |axis: usize, before, after| Span {
        kernel: kernel[axis],
        stride: strides[axis],
        dilation: dilations[axis],
        before,
        after,
    };
    Ok([span(0, padding.top, padding.bottom), span(1, padding.left, padding.right)])
}

impl Span {
    /// Distance from the first tap to the last, both included.
    fn reach(&self) -> Inferred<usize> {
        (self.kernel - 1)
            .checked_mul(self.dilation)
            .and_then(|reach| reach.checked_add(1))
            .ok_or_else(|| format!("a window of {} taps, {} apart, is too large", self.kernel, self.dilation))
    }

    fn padded(&self, length: usize) -> Inferred<usize> {
        length.checked_add(self.before).and_then(|sum| sum.checked_add(self.after)).ok_or_else(|| too_large(length))
    }

    /// Number of places the window takes; in ceil mode the last one may hang over the end, but must start
    /// inside the input or the padding before it, as ONNX has it.
    fn positions(&self, length: usize, ceil: bool) -> Inferred<usize> {
        let (reach, padded) = (self.reach()?, self.padded(length)?);
        let Some(room) = padded.checked_sub(reach) else {
            return Err(format!(
                "the window spans {reach}, but the input is only {length} long ({padded} with its padding)"
            ));
        };
        if !ceil {
            return Ok(room / self.stride + 1);
        }
        let last = room.div_ceil(self.stride);
        let starts_outside =
            last.checked_mul(self.stride).is_none_or(|start| start >= length.saturating_add(self.before));
        Ok(if starts_outside { last } else { last + 1 })
    }
}

fn too_large(length: usize) -> String {
    format!("the padding around an axis of length {length} is too large")
}
