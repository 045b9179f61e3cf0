//! Convolutions.

use facts::Result;
use facts::graph::{Conv, ConvTranspose, Op, Padding2d, ValueId};

use super::super::draft::Draft;
use super::activation;
use super::spaces::transposed_sides;

/// Keras' kernels are height x width x input x output channels, stored ones output x input channels x height x width.
const KERNEL: [usize; 4] = [3, 2, 0, 1];
/// Kernels of transposed convolutions are height x width x output x input channels, stored ones input x output channels x height x
/// width.
const TRANSPOSED: [usize; 4] = [3, 2, 0, 1];
/// Depthwise kernels, taken for height x width x output channels x 1.
const DEPTHWISE: [usize; 4] = [2, 3, 0, 1];

pub(super) fn conv2d(draft: &mut Draft) -> Result<()> {
    let [channels, height, width] = draft.arrange_image()?;
    let filters = draft.settings.count("filters")?;
    let groups = match draft.settings.get("groups") {
        Some(_) => draft.settings.count("groups")?,
        None => 1,
    };
    if groups == 0 || !channels.is_multiple_of(groups) {
        let problem = format!("{channels} input channels cannot be cut into {groups} groups");
        return Err(draft.settings.error(problem));
    }
    let (window, conv) = settings(draft, [height, width], groups)?;
    let kernel = draft.parameter("kernel", &[window[0], window[1], channels / groups, filters], &KERNEL)?;
    with_bias(draft, conv, kernel, filters)
}

/// The transpose of a convolution. With `valid` padding an output has as many places as all kernels cover, with `same` the input's
/// times the stride.
pub(super) fn transposed(draft: &mut Draft) -> Result<()> {
    let [channels, height, width] = draft.arrange_image()?;
    let settings = draft.settings;
    let filters = settings.count("filters")?;
    if settings.get("output_padding").is_some() {
        return Err(settings.unsupported("\"output_padding\" is not"));
    }
    let window = settings.pair("kernel_size", None)?;
    let strides = settings.pair("strides", Some([1, 1]))?;
    let dilations = settings.pair("dilation_rate", Some([1, 1]))?;
    if [window, strides, dilations].iter().flatten().any(|&count| count == 0) {
        return Err(settings.error("window, strides and dilation must be at least 1"));
    }
    let same = match settings.text("padding", "valid")?.to_ascii_lowercase().as_str() {
        "valid" => false,
        "same" => true,
        other => return Err(settings.unsupported(format_args!("padding \"{other}\" is unknown"))),
    };
    let (mut cut, mut output_padding) = ([(0, 0); 2], [0; 2]);
    for axis in 0..2 {
        (cut[axis], output_padding[axis]) = transposed_sides(window[axis], strides[axis], dilations[axis], same);
    }
    if [height, width].contains(&0) {
        return Err(settings.error("the image is empty"));
    }
    let kernel = draft.parameter("kernel", &[window[0], window[1], filters, channels], &TRANSPOSED)?;
    let mut more = vec![kernel];
    if settings.switch("use_bias", true)? {
        more.push(draft.parameter("bias", &[filters], &[0])?);
    }
    let [(top, bottom), (left, right)] = cut;
    let padding = Padding2d { top, left, bottom, right };
    draft.step(Op::ConvTranspose(ConvTranspose { strides, dilations, padding, output_padding, groups: 1 }), &more)?;
    activation::setting(draft, "activation")
}

pub(super) fn depthwise(draft: &mut Draft) -> Result<()> {
    let [channels, height, width] = draft.arrange_image()?;
    let (window, conv) = settings(draft, [height, width], channels)?;
    let (kernel, made) = depthwise_kernel(draft, window, channels, "kernel")?;
    with_bias(draft, conv, kernel, made)
}

pub(super) fn separable(draft: &mut Draft) -> Result<()> {
    let [channels, height, width] = draft.arrange_image()?;
    let filters = draft.settings.count("filters")?;
    let (window, conv) = settings(draft, [height, width], channels)?;
    let (kernel, made) = depthwise_kernel(draft, window, channels, "depthwise_kernel")?;
    draft.step(Op::Conv(conv), &[kernel])?;
    let kernel = draft.parameter("pointwise_kernel", &[1, 1, made, filters], &KERNEL)?;
    let pointwise = Conv { strides: [1, 1], dilations: [1, 1], padding: Padding2d::default(), groups: 1 };
    with_bias(draft, pointwise, kernel, filters)
}

/// The kernel of one filter a channel, or `depth_multiplier`, and the number of channels it makes.
fn depthwise_kernel(draft: &mut Draft, window: [usize; 2], channels: usize, name: &str) -> Result<(ValueId, usize)> {
    let multiplier = match draft.settings.get("depth_multiplier") {
        Some(_) => draft.settings.count("depth_multiplier")?,
        None => 1,
    };
    let made = channels
        .checked_mul(multiplier)
        .ok_or_else(|| draft.settings.error(format_args!("depth_multiplier {multiplier} is too large")))?;
    let [height, width] = window;
    let kernel =
        draft.parameter_viewed(name, &[height, width, channels, multiplier], &[height, width, made, 1], &DEPTHWISE)?;
    Ok((kernel, made))
}

/// The last convolution of a layer, with the layer's bias and activation.
fn with_bias(draft: &mut Draft, conv: Conv, kernel: ValueId, filters: usize) -> Result<()> {
    let mut more = vec![kernel];
    if draft.settings.switch("use_bias", true)? {
        more.push(draft.parameter("bias", &[filters], &[0])?);
    }
    draft.step(Op::Conv(conv), &more)?;
    activation::setting(draft, "activation")
}

/// The window and how it moves over an image of this height and width.
fn settings(draft: &Draft, image: [usize; 2], groups: usize) -> Result<([usize; 2], Conv)> {
    let settings = draft.settings;
    let window = settings.pair("kernel_size", None)?;
    let strides = settings.pair("strides", Some([1, 1]))?;
    let dilations = settings.pair("dilation_rate", Some([1, 1]))?;
    let padding = padding(draft, image, window, strides, dilations)?;
    Ok((window, Conv { strides, dilations, padding, groups }))
}

/// The padding that Keras calls `valid` or `same`; the latter as TensorFlow has it: as many places as the stride fits
/// into the input, and what that takes divided between the two sides, the greater half after.
pub(super) fn padding(
    draft: &Draft,
    image: [usize; 2],
    window: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
) -> Result<Padding2d> {
    let settings = draft.settings;
    if [window, strides, dilations].iter().flatten().any(|&count| count == 0) {
        return Err(settings.error("window, strides and dilation must be at least 1"));
    }
    match settings.text("padding", "valid")?.to_ascii_lowercase().as_str() {
        "valid" => Ok(Padding2d::default()),
        "same" => {
            let sides = |axis: usize| {
                let reach = (window[axis] - 1).saturating_mul(dilations[axis]).saturating_add(1);
                let steps = image[axis].div_ceil(strides[axis]).saturating_sub(1);
                let total = steps.saturating_mul(strides[axis]).saturating_add(reach).saturating_sub(image[axis]);
                (total / 2, total - total / 2)
            };
            let ((top, bottom), (left, right)) = (sides(0), sides(1));
            Ok(Padding2d { top, left, bottom, right })
        }
        other => Err(settings.unsupported(format_args!("padding \"{other}\" is unknown"))),
    }
}
