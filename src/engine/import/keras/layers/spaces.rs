//! Convolution, pooling and padding along one or three axes. Tensors of three and of five axes are stored as Keras has them,
//! channels last.

use facts::Result;
use facts::graph::{Conv, Conv3, ConvTranspose, Op, PadMode, Padding2d, Pool, Reduction};
use serde_json::Value;

use super::super::draft::Draft;
use super::super::settings::{Settings, items};
use super::activation;
use crate::import::resample::Window3;

/// The number of spatial axes, which the class states.
fn spaces(settings: &Settings) -> usize {
    let name = settings.class.strip_suffix("Transpose").unwrap_or(settings.class);
    if name.ends_with("1D") {
        1
    } else if name.ends_with("2D") {
        2
    } else {
        3
    }
}

/// Puts the channels at place 1, and tells their number and the spatial lengths.
pub(super) fn arrange(draft: &mut Draft) -> Result<(usize, Vec<usize>)> {
    let settings = draft.settings;
    let count = spaces(&settings);
    if draft.rank() != count + 2 {
        return Err(settings.error(format_args!("{} axes are expected, found shape {:?}", count + 2, draft.shape())));
    }
    let order: Vec<usize> = match draft.is_channels_first()? {
        true => (0..count + 2).collect(),
        false => std::iter::once(0).chain(2..count + 2).chain([1]).collect(),
    };
    draft.arrange(&order)?;
    let shape = draft.arranged_shape();
    Ok((shape[1], shape[2..].to_vec()))
}

/// A number for each spatial axis.
pub(super) fn each(settings: &Settings, key: &str, default: Option<&[usize]>) -> Result<Vec<usize>> {
    let count = spaces(settings);
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let wrong = || settings.error(format_args!("setting \"{key}\" must be {count} counts, at least 1 each"));
    let found = match (settings.get(key), default) {
        (None, Some(default)) => return Ok(default.to_vec()),
        (None, None) => return Err(wrong()),
        (Some(value), _) => match items(value) {
            Some([one]) => number(one).map(|one| vec![one; count]),
            Some(items) => items.iter().map(number).collect(),
            None => number(value).map(|one| vec![one; count]),
        },
    };
    found.filter(|found| found.len() == count && !found.contains(&0)).ok_or_else(wrong)
}

/// The zeros before and after each axis.
fn zeros(
    settings: &Settings,
    lengths: &[usize],
    window: &[usize],
    strides: &[usize],
    dilations: &[usize],
) -> Result<Vec<(usize, usize)>> {
    let reach = |axis: usize| (window[axis] - 1).saturating_mul(dilations[axis]).saturating_add(1);
    let rule = settings.text("padding", "valid")?.to_ascii_lowercase();
    let side = |axis: usize| match rule.as_str() {
        "valid" => Some((0, 0)),
        "causal" if lengths.len() == 1 => Some((reach(axis) - 1, 0)),
        "same" => {
            let steps = lengths[axis].div_ceil(strides[axis]).saturating_sub(1);
            let total = steps.saturating_mul(strides[axis]).saturating_add(reach(axis)).saturating_sub(lengths[axis]);
            Some((total / 2, total - total / 2))
        }
        _ => None,
    };
    let sides: Option<Vec<_>> = (0..lengths.len()).map(side).collect();
    sides.ok_or_else(|| settings.unsupported(format_args!("padding \"{rule}\" is not")))
}

fn three<T: Copy>(values: &[T]) -> [T; 3] {
    [values[0], values[1], values[2]]
}

/// Conv1D and Conv3D, and the depthwise one along one axis.
pub(super) fn convolution(draft: &mut Draft) -> Result<()> {
    let (channels, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let ones = vec![1; lengths.len()];
    let window = each(&settings, "kernel_size", None)?;
    let strides = each(&settings, "strides", Some(&ones))?;
    let dilations = each(&settings, "dilation_rate", Some(&ones))?;
    let padding = zeros(&settings, &lengths, &window, &strides, &dilations)?;
    let depthwise = settings.class.starts_with("Depthwise");
    let given = |key: &str| if settings.get(key).is_some() { settings.count(key) } else { Ok(1) };
    let groups = if depthwise { channels } else { given("groups")? };
    let filters = match depthwise {
        true => channels
            .checked_mul(given("depth_multiplier")?)
            .ok_or_else(|| settings.error("its depth_multiplier is too large"))?,
        false => settings.count("filters")?,
    };
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(settings.error(format_args!("{channels} input channels cannot be cut into {groups} groups")));
    }
    // Keras has the window's axes first, then input and output channels.
    let count = lengths.len();
    let perm: Vec<usize> = [count + 1, count].into_iter().chain(0..count).collect();
    let kernel = if depthwise {
        let shape = [&window[..], &[channels, filters / channels.max(1)]].concat();
        let view = [&window[..], &[1, filters]].concat();
        draft.parameter_viewed("kernel", &shape, &view, &perm)?
    } else {
        draft.parameter("kernel", &[&window[..], &[channels / groups, filters]].concat(), &perm)?
    };
    let mut more = vec![kernel];
    if settings.switch("use_bias", true)? {
        more.push(draft.parameter("bias", &[filters], &[0])?);
    }
    let op = if count == 1 {
        let (left, right) = padding[0];
        let padding = Padding2d { top: 0, left, bottom: 0, right };
        Op::Conv(Conv { strides: [1, strides[0]], dilations: [1, dilations[0]], padding, groups })
    } else {
        Op::Conv3(Conv3 {
            strides: three(&strides),
            dilations: three(&dilations),
            padding: three(&padding),
            groups,
            transposed: None,
        })
    };
    draft.step(op, &more)?;
    activation::setting(draft, "activation")
}

/// Conv1DTranspose and Conv3DTranspose; see the one for images.
pub(super) fn transposed(draft: &mut Draft) -> Result<()> {
    let (channels, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let count = lengths.len();
    let ones = vec![1; count];
    let filters = settings.count("filters")?;
    if settings.get("output_padding").is_some() {
        return Err(settings.unsupported("\"output_padding\" is not"));
    }
    let window = each(&settings, "kernel_size", None)?;
    let strides = each(&settings, "strides", Some(&ones))?;
    let dilations = each(&settings, "dilation_rate", Some(&ones))?;
    let same = match settings.text("padding", "valid")?.to_ascii_lowercase().as_str() {
        "valid" => false,
        "same" => true,
        other => return Err(settings.unsupported(format_args!("padding \"{other}\" is not"))),
    };
    if lengths.contains(&0) {
        return Err(settings.error("its input is empty"));
    }
    let sides: Vec<((usize, usize), usize)> =
        (0..count).map(|axis| transposed_sides(window[axis], strides[axis], dilations[axis], same)).collect();
    let perm: Vec<usize> = [count + 1, count].into_iter().chain(0..count).collect();
    let mut more = vec![draft.parameter("kernel", &[&window[..], &[filters, channels]].concat(), &perm)?];
    if settings.switch("use_bias", true)? {
        more.push(draft.parameter("bias", &[filters], &[0])?);
    }
    let op = if count == 1 {
        let ((left, right), added) = sides[0];
        let padding = Padding2d { top: 0, left, bottom: 0, right };
        let (strides, dilations, output_padding) = ([1, strides[0]], [1, dilations[0]], [0, added]);
        Op::ConvTranspose(ConvTranspose { strides, dilations, padding, output_padding, groups: 1 })
    } else {
        let (cut, added): (Vec<(usize, usize)>, Vec<usize>) = sides.into_iter().unzip();
        Op::Conv3(Conv3 {
            strides: three(&strides),
            dilations: three(&dilations),
            padding: three(&cut),
            groups: 1,
            transposed: Some(three(&added)),
        })
    };
    draft.step(op, &more)?;
    activation::setting(draft, "activation")
}

/// What a transposed convolution cuts off both ends of an axis, and what it adds to the end.
pub(super) fn transposed_sides(window: usize, stride: usize, dilation: usize, same: bool) -> ((usize, usize), usize) {
    let reach = (window - 1).saturating_mul(dilation).saturating_add(1);
    let over = reach.saturating_sub(stride);
    // A stride wider than the kernel leaves places at the end that no kernel covers.
    (if same { (over / 2, over - over / 2) } else { (0, 0) }, stride.saturating_sub(reach))
}

/// SeparableConv1D: a filter for each channel, then one over all channels.
pub(super) fn separable(draft: &mut Draft) -> Result<()> {
    let (channels, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let window = each(&settings, "kernel_size", None)?;
    let strides = each(&settings, "strides", Some(&[1]))?;
    let dilations = each(&settings, "dilation_rate", Some(&[1]))?;
    let padding = zeros(&settings, &lengths, &window, &strides, &dilations)?;
    let multiplier = if settings.get("depth_multiplier").is_some() { settings.count("depth_multiplier")? } else { 1 };
    let filters = settings.count("filters")?;
    let made = channels.checked_mul(multiplier).ok_or_else(|| settings.error("its depth_multiplier is too large"))?;
    let view = [window[0], 1, made];
    let kernel = draft.parameter_viewed("depthwise_kernel", &[window[0], channels, multiplier], &view, &[2, 1, 0])?;
    let conv = |stride: usize, dilation: usize, (left, right): (usize, usize), groups: usize| {
        let padding = Padding2d { top: 0, left, bottom: 0, right };
        Op::Conv(Conv { strides: [1, stride], dilations: [1, dilation], padding, groups })
    };
    draft.step(conv(strides[0], dilations[0], padding[0], channels), &[kernel])?;
    let mut more = vec![draft.parameter("pointwise_kernel", &[1, made, filters], &[2, 1, 0])?];
    if settings.switch("use_bias", true)? {
        more.push(draft.parameter("bias", &[filters], &[0])?);
    }
    draft.step(conv(1, 1, (0, 0), 1), &more)?;
    activation::setting(draft, "activation")
}

/// Maximum or mean of a moving window; padding counts in neither.
pub(super) fn pool(draft: &mut Draft) -> Result<()> {
    let (_, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let window = each(&settings, "pool_size", Some(&vec![2; lengths.len()]))?;
    let strides = each(&settings, "strides", Some(&window))?;
    let dilations = vec![1; lengths.len()];
    let padding = zeros(&settings, &lengths, &window, &strides, &dilations)?;
    let op = |pool: Pool| match settings.class.starts_with("Max") {
        true => Op::MaxPool(pool),
        false => Op::AveragePool { pool, count_include_pad: false },
    };
    if lengths.len() == 1 {
        let (left, right) = padding[0];
        let pool = Pool {
            kernel: [1, window[0]],
            strides: [1, strides[0]],
            dilations: [1, 1],
            padding: Padding2d { top: 0, left, bottom: 0, right },
            ceil_mode: false,
        };
        return draft.step(op(pool), &[]);
    }
    let window = Window3 {
        kernel: three(&window),
        strides: three(&strides),
        dilations: [1; 3],
        padding: three(&padding),
        ceil_mode: false,
    };
    let steps = window.pooled(draft.arranged_shape(), op).map_err(|problem| settings.error(problem))?;
    steps.into_iter().try_for_each(|op| draft.step(op, &[]))
}

/// Maximum or mean of each channel.
pub(super) fn global(draft: &mut Draft) -> Result<()> {
    let (_, lengths) = arrange(draft)?;
    let keep_dims = draft.settings.switch("keepdims", false)?;
    let reduction = if draft.settings.class.contains("Max") { Reduction::Max } else { Reduction::Mean };
    draft.step(Op::Reduce { reduction, axes: (2..2 + lengths.len()).collect(), keep_dims }, &[])?;
    if !keep_dims {
        draft.reordered(vec![0, 1]);
    }
    Ok(())
}

/// Zeros before and after each axis, or less of it.
pub(super) fn sides(draft: &mut Draft) -> Result<()> {
    let (_, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let grow = settings.class.starts_with("Zero");
    let key = if grow { "padding" } else { "cropping" };
    let number = |value: &Value| value.as_u64().and_then(|number| isize::try_from(number).ok());
    let side = |value: &Value| match items(value) {
        Some([before, after]) => number(before).zip(number(after)),
        Some(_) => None,
        None => number(value).map(|both| (both, both)),
    };
    let value = settings.get(key).unwrap_or(&Value::Null);
    let found: Option<Vec<(isize, isize)>> = match (items(value), lengths.len()) {
        (Some([_, _]), 1) => side(value).map(|side| vec![side]),
        (Some([one]), 1) => side(one).map(|side| vec![side]),
        (Some(items), 3) => items.iter().map(side).collect(),
        (None, count) => side(value).map(|side| vec![side; count]),
        _ => None,
    };
    let found = found.filter(|found| found.len() == lengths.len());
    let found = found.ok_or_else(|| settings.error(format_args!("setting \"{key}\" cannot be read")))?;
    let signed = |(before, after): (isize, isize)| if grow { (before, after) } else { (-before, -after) };
    let pads = [(0, 0); 2].into_iter().chain(found.into_iter().map(signed)).collect();
    draft.step(Op::Pad { mode: PadMode::Constant(0.0), pads }, &[])
}

/// Each entry so many times.
pub(super) fn up_sampling(draft: &mut Draft) -> Result<()> {
    let (_, lengths) = arrange(draft)?;
    let settings = draft.settings;
    let factors = each(&settings, "size", Some(&vec![2; lengths.len()]))?;
    for (axis, (length, factor)) in lengths.into_iter().zip(factors).enumerate() {
        let long = length.checked_mul(factor).filter(|&long| long <= 1 << 24);
        let long = long.ok_or_else(|| settings.error(format_args!("{factor} times {length} is too much")))?;
        let indices: Vec<usize> = (0..long).map(|index| index / factor).collect();
        draft.step(Op::Gather { axis: axis + 2, indices_shape: vec![long], indices }, &[])?;
    }
    Ok(())
}
