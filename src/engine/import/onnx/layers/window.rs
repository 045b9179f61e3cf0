//! Convolution and pooling: operators that slide a window over an image.

use facts::Result;
use facts::graph::{Conv, Op, Padding2d, Pool};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

pub(super) fn conv(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let image = image(node, symbols)?;
    let weight = symbols.shape(node, 1)?;
    let &[_, _, height, width] = weight else {
        return Err(node.unsupported(format_args!("its weight has shape {weight:?}; two spatial axes are expected")));
    };
    if let Some(stated) = node.ints("kernel_shape")?
        && stated != [height as i64, width as i64]
    {
        return Err(node.problem(format_args!("kernel_shape is {stated:?}, the weight's is {height} x {width}")));
    }
    let kernel = node.extents("kernel", &[height as i64, width as i64])?;
    let window = Window::new(node, image, kernel)?;
    let [groups] = node.amounts("group", &[node.int("group", 1)?])?;
    if groups == 0 {
        return Err(node.problem("its group is 0; at least 1 is expected"));
    }
    let Window { strides, dilations, padding, .. } = window;
    let mut layer = Layer::of(node, symbols, Op::Conv(Conv { strides, dilations, padding, groups }), 2)?;
    layer.inputs.extend(symbols.optional_data(node, 2)?);
    Ok(layer)
}

/// MaxPool and AveragePool. MaxPool's second output, the positions of the maxima, is not made.
pub(super) fn pool(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let image = image(node, symbols)?;
    let kernel = node.ints("kernel_shape")?.ok_or_else(|| node.problem("attribute kernel_shape is missing"))?;
    let kernel = node.extents("kernel_shape", kernel)?;
    let Window { strides, dilations, padding, explicit } = Window::new(node, image, kernel)?;
    // With automatic padding, ONNX's formulas for the output size do not depend on ceil_mode.
    let ceil_mode = explicit && node.flag("ceil_mode", false)?;
    let pool = Pool { kernel, strides, dilations, padding, ceil_mode };
    let op = match node.op() {
        "MaxPool" => Op::MaxPool(pool),
        _ => Op::AveragePool { pool, count_include_pad: node.flag("count_include_pad", false)? },
    };
    Layer::unary(node, symbols, op)
}

/// Height and width of the image at input 0.
fn image(node: &NodeView, symbols: &Symbols) -> Result<[usize; 2]> {
    match symbols.shape(node, 0)? {
        &[_, _, height, width] => Ok([height, width]),
        shape => Err(node.unsupported(format_args!("its input has shape {shape:?}; two spatial axes are expected"))),
    }
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
            "NOTSET" => {
                let pads = node.ints("pads")?.unwrap_or(&[0; 4]);
                let [top, left, bottom, right] = node.amounts("pads", pads)?;
                Padding2d { top, left, bottom, right }
            }
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
