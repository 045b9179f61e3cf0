//! Windows over three spatial axes, and pooling by a norm.

use facts::Result;
use facts::graph::{Conv3, Op, Pool, Unary};

use super::{Layer, window};
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::resample::{Window3, chained};

/// Whether input 0 has three spatial axes.
pub(super) fn is_volume(node: &NodeView, symbols: &Symbols) -> Result<bool> {
    Ok(symbols.shape(node, 0)?.len() == 5)
}

/// Conv and ConvTranspose.
pub(super) fn conv(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let (x, weight) = (symbols.shape(node, 0)?, symbols.shape(node, 1)?);
    let (&[_, _, depth, height, width], &[_, _, ref kernel @ ..]) = (x, weight) else {
        return Err(node.problem(format_args!("input {x:?} and weight {weight:?} do not fit together")));
    };
    let Ok(kernel) = <[usize; 3]>::try_from(kernel) else {
        return Err(node.problem(format_args!("input {x:?} and weight {weight:?} do not fit together")));
    };
    if kernel.contains(&0) {
        return Err(node.problem(format_args!("its weight has shape {weight:?}, which has no elements")));
    }
    if let Some(stated) = node.ints("kernel_shape")?
        && !stated.iter().map(|&length| length as usize).eq(kernel)
    {
        return Err(node.problem(format_args!("kernel_shape is {stated:?}, the weight's is {kernel:?}")));
    }
    let [groups] = node.amounts("group", &[node.int("group", 1)?])?;
    let lengths = [depth, height, width];
    let op = if node.op() == "ConvTranspose" {
        for name in ["output_shape", "auto_pad"] {
            if node.has(name) && !(name == "auto_pad" && node.string(name, "NOTSET")? == "NOTSET") {
                return Err(
                    node.unsupported(format_args!("{name} is stated for three spatial axes; pads are expected"))
                );
            }
        }
        let (strides, dilations) = (each(node, "strides")?, each(node, "dilations")?);
        let extra = match node.ints("output_padding")? {
            Some(amounts) => node.amounts("output_padding", amounts)?,
            None => [0; 3],
        };
        Conv3 { strides, dilations, padding: stated(node)?, groups, transposed: Some(extra) }
    } else {
        let Windows { strides, dilations, padding, .. } = Windows::new(node, lengths, kernel)?;
        Conv3 { strides, dilations, padding, groups, transposed: None }
    };
    let mut layer = Layer::of(node, symbols, Op::Conv3(op), 2)?;
    layer.inputs.extend(symbols.optional_data(node, 2)?);
    Ok(layer)
}

/// MaxPool, AveragePool: over height and width, then over depth. A window is a product of intervals, and so is the number of
/// its elements that count.
pub(super) fn pool(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let ops = match node.op() {
        "MaxPool" => pooled(node, symbols, Op::MaxPool)?,
        _ => {
            let count_include_pad = node.flag("count_include_pad", false)?;
            pooled(node, symbols, |pool| Op::AveragePool { pool, count_include_pad })?
        }
    };
    Layer::unary(node, symbols, chained(ops))
}

/// LpPool: the sum over a window is its mean times the window's size.
pub(super) fn by_norm(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let mean = |pool: Pool| Op::AveragePool { pool, count_include_pad: true };
    let (means, kernel) = if is_volume(node, symbols)? {
        (pooled(node, symbols, mean)?, each(node, "kernel_shape")?.iter().product::<usize>())
    } else {
        let pool = window::pooling(node, symbols)?;
        let kernel = pool.kernel.iter().product();
        (vec![mean(pool)], kernel)
    };
    // A window that hangs over the end is divided by fewer elements.
    let hangs = means.iter().any(|op| matches!(op, Op::AveragePool { pool, .. } if pool.ceil_mode));
    if hangs {
        return Err(node.unsupported("ceil_mode is set, which is known for MaxPool and AveragePool only"));
    }
    let p = exponent(node)?;
    let sum = Op::Affine { axis: 0, factor: vec![kernel as f32], offset: vec![0.0] };
    let (before, after) = powers(p);
    let ops = before.into_iter().chain(means).chain([sum]).chain(after).collect();
    Layer::unary(node, symbols, chained(ops))
}

/// The order of the norm.
pub(super) fn exponent(node: &NodeView) -> Result<i64> {
    let p = node.int("p", 2)?;
    if !(1..=64).contains(&p) {
        return Err(node.problem(format_args!("p is {p}; a norm of order 1 to 64 is expected")));
    }
    Ok(p)
}

/// What comes before the sum of a norm of order `p`, and what after it.
pub(super) fn powers(p: i64) -> (Vec<Op>, Vec<Op>) {
    let power = |exponent| Op::Unary(Unary::Power { exponent });
    let before = std::iter::once(Op::Unary(Unary::Abs)).chain((p > 1).then(|| power(p as f32)));
    let after = match p {
        1 => None,
        2 => Some(Op::Unary(Unary::Sqrt)),
        _ => Some(power(1.0 / p as f32)),
    };
    (before.collect(), after.into_iter().collect())
}

fn pooled(node: &NodeView, symbols: &Symbols, op: impl Fn(Pool) -> Op) -> Result<Vec<Op>> {
    let x = symbols.shape(node, 0)?;
    let &[_, _, depth, height, width] = x else {
        return Err(node.problem(format_args!("its input has shape {x:?}")));
    };
    if !node.has("kernel_shape") {
        return Err(node.problem("attribute kernel_shape is missing"));
    }
    let kernel = each(node, "kernel_shape")?;
    let windows = Windows::new(node, [depth, height, width], kernel)?;
    let ceil_mode = windows.explicit && node.flag("ceil_mode", false)?;
    let Windows { strides, dilations, padding, .. } = windows;
    let window = Window3 { kernel, strides, dilations, padding, ceil_mode };
    window.pooled(x, op).map_err(|problem| node.problem(problem))
}

/// What the windows of an operator have in common. The axes are depth, height and width.
struct Windows {
    strides: [usize; 3],
    dilations: [usize; 3],
    padding: [(usize, usize); 3],
    /// The model states the padding, rather than a rule for it.
    explicit: bool,
}

impl Windows {
    fn new(node: &NodeView, lengths: [usize; 3], kernel: [usize; 3]) -> Result<Self> {
        let (strides, dilations) = (each(node, "strides")?, each(node, "dilations")?);
        let rule = node.string("auto_pad", "NOTSET")?;
        let padding = match rule {
            "NOTSET" => stated(node)?,
            "VALID" => [(0, 0); 3],
            "SAME_UPPER" | "SAME_LOWER" => [0, 1, 2].map(|axis| {
                let reach = (kernel[axis] - 1) * dilations[axis] + 1;
                let last = lengths[axis].div_ceil(strides[axis]).saturating_sub(1);
                let total = last.saturating_mul(strides[axis]).saturating_add(reach).saturating_sub(lengths[axis]);
                let (less, more) = (total / 2, total - total / 2);
                if rule == "SAME_UPPER" { (less, more) } else { (more, less) }
            }),
            other => return Err(node.unsupported(format_args!("its auto_pad is {other}"))),
        };
        Ok(Self { strides, dilations, padding, explicit: rule == "NOTSET" })
    }
}

/// An attribute of one positive number for each axis; 1 where it is not given.
fn each(node: &NodeView, name: &str) -> Result<[usize; 3]> {
    let amounts = node.amounts(name, node.ints(name)?.unwrap_or(&[1; 3]))?;
    if amounts.contains(&0) {
        return Err(node.problem(format_args!("{name} is {amounts:?}; at least 1 each way is expected")));
    }
    Ok(amounts)
}

fn stated(node: &NodeView) -> Result<[(usize, usize); 3]> {
    let [a, b, c, d, e, f] = node.amounts("pads", node.ints("pads")?.unwrap_or(&[0; 6]))?;
    Ok([(a, d), (b, e), (c, f)])
}

#[cfg(test)]
mod tests {
    use facts::graph::Step;

    use super::*;

    /// A chain's first step reads the input, the others what comes before them.
    #[test]
    fn powers_surround_the_sum() {
        let (before, after) = powers(3);
        let Op::Chain(steps) = chained(before.into_iter().chain(after).collect()) else { panic!("a chain") };
        let inputs: Vec<usize> = steps.iter().map(|Step { inputs, .. }| *inputs).collect();
        assert_eq!(inputs, [1, 0, 0]);
        assert_eq!(powers(1).1, []);
    }
}
