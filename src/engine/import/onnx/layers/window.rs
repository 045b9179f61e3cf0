//! Convolution and pooling: operators that slide a window over an image.

use facts::Result;
use facts::graph::{Conv, ConvTranspose, Op, Padding2d, Pool};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

pub(super) fn conv(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let conv = convolution(node, symbols, 1)?;
    let mut layer = Layer::of(node, symbols, Op::Conv(conv), 2)?;
    layer.inputs.extend(symbols.optional_data(node, 2)?);
    Ok(layer)
}

/// The settings of a convolution whose weight is input `weight`.
pub(super) fn convolution(node: &NodeView, symbols: &Symbols, weight: usize) -> Result<Conv> {
    let image = image(node, symbols)?;
    let kernel = kernel(node, symbols, weight)?;
    let window = Window::new(node, image, kernel)?;
    let [groups] = node.amounts("group", &[node.int("group", 1)?])?;
    if groups == 0 {
        return Err(node.problem("its group is 0; at least 1 is expected"));
    }
    let Window { strides, dilations, padding, .. } = window;
    Ok(Conv { strides, dilations, padding, groups })
}

/// ConvTranspose. Where the output's size is stated, the padding follows from it.
pub(super) fn conv_transpose(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let image = image(node, symbols)?;
    let kernel = kernel(node, symbols, 1)?;
    let strides = node.extents("strides", node.ints("strides")?.unwrap_or(&[1, 1]))?;
    let dilations = node.extents("dilations", node.ints("dilations")?.unwrap_or(&[1, 1]))?;
    let mut output_padding = match node.ints("output_padding")? {
        Some(&[one]) => node.amounts("output_padding", &[0, one])?,
        Some(amounts) => node.amounts("output_padding", amounts)?,
        None => [0, 0],
    };
    let [groups] = node.amounts("group", &[node.int("group", 1)?])?;
    let whole = |axis: usize, output_padding: [usize; 2]| {
        (image[axis] - 1) * strides[axis] + output_padding[axis] + (kernel[axis] - 1) * dilations[axis] + 1
    };
    let rule = node.string("auto_pad", "NOTSET")?;
    let stated = match node.ints("output_shape")? {
        Some(&[length]) => Some(node.extents("output_shape", &[1, length])?),
        // Some exporters state batch and channels, too.
        Some(&[.., height, width]) => Some(node.extents("output_shape", &[height, width])?),
        Some(_) => return Err(node.problem("its output_shape is empty")),
        None if rule.starts_with("SAME") => Some([image[0] * strides[0], image[1] * strides[1]]),
        None => None,
    };
    let padding = match stated {
        Some(size) => {
            // What strides and kernel do not give is added at the end.
            for axis in 0..2 {
                output_padding[axis] += size[axis].saturating_sub(whole(axis, output_padding));
            }
            let [vertical, horizontal] = [0, 1].map(|axis| whole(axis, output_padding) - size[axis]);
            // An odd row is cut off the end (upper), or off the start.
            let first = |total: usize| if rule == "SAME_UPPER" { total / 2 } else { total.div_ceil(2) };
            let (top, left) = (first(vertical), first(horizontal));
            Padding2d { top, left, bottom: vertical - top, right: horizontal - left }
        }
        None if matches!(rule, "NOTSET" | "VALID") => padding(node)?,
        None => return Err(node.unsupported(format_args!("its auto_pad is {rule}"))),
    };
    let op = Op::ConvTranspose(ConvTranspose { strides, dilations, padding, output_padding, groups });
    let mut layer = Layer::of(node, symbols, op, 2)?;
    layer.inputs.extend(symbols.optional_data(node, 2)?);
    Ok(layer)
}

/// The extents of the kernel: the last axes of the weight, which the node may state, too.
fn kernel(node: &NodeView, symbols: &Symbols, weight: usize) -> Result<[usize; 2]> {
    let weight = symbols.shape(node, weight)?;
    let spatial: Vec<i64> = match weight {
        [_, _, spatial @ ..] if matches!(spatial.len(), 1 | 2) => spatial.iter().map(|&axis| axis as i64).collect(),
        _ => {
            let problem = format_args!("its weight has shape {weight:?}; one or two spatial axes are expected");
            return Err(node.unsupported(problem));
        }
    };
    if let Some(stated) = node.ints("kernel_shape")?
        && stated != spatial
    {
        return Err(node.problem(format_args!("kernel_shape is {stated:?}, the weight's is {spatial:?}")));
    }
    node.extents("kernel", &spatial)
}

/// MaxPool and AveragePool. MaxPool's second output, the positions of the maxima, is not made.
pub(super) fn pool(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let pool = pooling(node, symbols)?;
    let op = match node.op() {
        "MaxPool" => Op::MaxPool(pool),
        _ => Op::AveragePool { pool, count_include_pad: node.flag("count_include_pad", false)? },
    };
    Layer::unary(node, symbols, op)
}

/// The window of a pooling.
pub(super) fn pooling(node: &NodeView, symbols: &Symbols) -> Result<Pool> {
    let image = image(node, symbols)?;
    let kernel = node.ints("kernel_shape")?.ok_or_else(|| node.problem("attribute kernel_shape is missing"))?;
    let kernel = node.extents("kernel_shape", kernel)?;
    let Window { strides, dilations, padding, explicit } = Window::new(node, image, kernel)?;
    // With automatic padding, ONNX's formulas for the output size do not depend on ceil_mode.
    let ceil_mode = explicit && node.flag("ceil_mode", false)?;
    Ok(Pool { kernel, strides, dilations, padding, ceil_mode })
}

/// Height and width of the image at input 0.
fn image(node: &NodeView, symbols: &Symbols) -> Result<[usize; 2]> {
    match symbols.shape(node, 0)? {
        &[_, _, height, width] => Ok([height, width]),
        &[_, _, length] => Ok([1, length]),
        shape => {
            Err(node.unsupported(format_args!("its input has shape {shape:?}; one or two spatial axes are expected")))
        }
    }
}

/// The padding that the node states.
fn padding(node: &NodeView) -> Result<Padding2d> {
    let [top, left, bottom, right] = match node.ints("pads")? {
        Some(&[before, after]) => node.amounts("pads", &[0, before, 0, after])?,
        Some(pads) => node.amounts("pads", pads)?,
        None => [0; 4],
    };
    Ok(Padding2d { top, left, bottom, right })
}

/// What convolution and pooling have in common.
struct Window {
    strides: [usize; 2],
    dilations: [usize; 2],
    padding: Padding2d,
    /// The model states the padding, rather than a rule for it.
    explicit: bool,
}

impl Window {
    fn new(node: &NodeView, image: [usize; 2], kernel: [usize; 2]) -> Result<Self> {
        let strides = node.extents("strides", node.ints("strides")?.unwrap_or(&[1, 1]))?;
        let dilations = node.extents("dilations", node.ints("dilations")?.unwrap_or(&[1, 1]))?;
        let rule = node.string("auto_pad", "NOTSET")?;
        let padding = match rule {
            "NOTSET" => padding(node)?,
            "VALID" => Padding2d::default(),
            "SAME_UPPER" | "SAME_LOWER" => {
                let total = |axis: usize| {
                    let reach = (kernel[axis] - 1) * dilations[axis] + 1;
                    let last = image[axis].div_ceil(strides[axis]).saturating_sub(1);
                    last.saturating_mul(strides[axis]).saturating_add(reach).saturating_sub(image[axis])
                };
                let [vertical, horizontal] = [total(0), total(1)];
                // An odd element goes below and right of the image (upper), or above and left (lower).
                let small = Padding2d {
                    top: vertical / 2,
                    left: horizontal / 2,
                    bottom: vertical - vertical / 2,
                    right: horizontal - horizontal / 2,
                };
                if rule == "SAME_UPPER" {
                    small
                } else {
                    Padding2d { top: small.bottom, left: small.right, bottom: small.top, right: small.left }
                }
            }
            other => return Err(node.unsupported(format_args!("its auto_pad is {other}"))),
        };
        Ok(Self { strides, dilations, padding, explicit: rule == "NOTSET" })
    }
}
