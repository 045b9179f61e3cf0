//! Operators that work element by element.

use facts::Result;
use facts::graph::{Binary, Op, Unary};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::proto::data_type;
use crate::import::onnx::symbols::Symbols;

/// The function of one element, with ONNX's default attributes; `None` where the operator is another.
pub(super) fn unary(node: &NodeView) -> Result<Option<Unary>> {
    let alpha = |default| node.float("alpha", default);
    Ok(Some(match node.op() {
        "Relu" => Unary::Relu,
        "LeakyRelu" => Unary::LeakyRelu { alpha: alpha(0.01)? },
        "Elu" => Unary::Elu { alpha: alpha(1.0)? },
        "Selu" => Unary::Selu { alpha: alpha(1.673_263_2)?, gamma: node.float("gamma", 1.050_701)? },
        "Celu" => Unary::Celu { alpha: alpha(1.0)? },
        "ThresholdedRelu" => Unary::ThresholdedRelu { alpha: alpha(1.0)? },
        "Sigmoid" => Unary::Sigmoid,
        "HardSigmoid" => Unary::HardSigmoid { alpha: alpha(0.2)?, beta: node.float("beta", 0.5)? },
        "HardSwish" => Unary::HardSwish,
        "Swish" => Unary::Swish { alpha: alpha(1.0)? },
        "Tanh" => Unary::Tanh,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Gelu" => match node.string("approximate", "none")? {
            "none" => Unary::Gelu { tanh: false },
            "tanh" => Unary::Gelu { tanh: true },
            other => return Err(node.problem(format_args!("approximate is \"{other}\", none or tanh is expected"))),
        },
        "Erf" => Unary::Erf,
        "Mish" => Unary::Mish,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Neg" => Unary::Neg,
        "Abs" => Unary::Abs,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        _ => return Ok(None),
    }))
}

/// Functions of two elements. Sum, Max and Min take any number of inputs; one layer computes at most two.
pub(super) fn binary(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let op = match node.op() {
        "Add" | "Sum" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        "Max" => Binary::Max,
        _ => Binary::Min,
    };
    match (node.op(), node.inputs()) {
        // ONNX lets the exponent be of another type than the base.
        ("Pow", 2) => {
            let inputs = vec![symbols.data(node, 0)?, symbols.number(node, 1)?];
            Ok(Layer { op: Op::Binary(op), inputs, outputs: 1 })
        }
        ("Sum" | "Max" | "Min", 1) => Layer::unary(node, symbols, Op::Identity),
        (_, 2) => Layer::of(node, symbols, Op::Binary(op), 2),
        ("Sum" | "Max" | "Min", count) => {
            Err(node.unsupported(format_args!("it has {count} inputs; at most 2 are expected")))
        }
        (_, count) => Err(node.problem(format_args!("2 inputs are expected, found {count}"))),
    }
}

/// Clip: the bounds are attributes before opset 11, inputs since.
pub(super) fn clip(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let (min, max) = if node.opset < 11 {
        (node.float("min", f32::MIN)?, node.float("max", f32::MAX)?)
    } else {
        let min = symbols.float(node, 1, "minimum")?.unwrap_or(f32::MIN);
        (min, symbols.float(node, 2, "maximum")?.unwrap_or(f32::MAX))
    };
    Layer::unary(node, symbols, Op::Unary(Unary::Clip { min, max }))
}

/// Dropout at inference is the identity.
pub(super) fn dropout(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    if let Some(training) = symbols.ints(node, 2, "training mode")? {
        let ratio = symbols.float(node, 1, "ratio")?.unwrap_or(0.5);
        if training.iter().any(|&training| training != 0) && ratio != 0.0 {
            return Err(node.unsupported("it is in training mode; export the model for inference"));
        }
    }
    Layer::unary(node, symbols, Op::Identity)
}

/// A cast of a float32 tensor to float32.
pub(super) fn cast(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let to = node.int("to", 0)?;
    if to != i64::from(data_type::FLOAT) {
        let to = data_type::name(i32::try_from(to).unwrap_or_default());
        return Err(node.unsupported(format_args!("it is a cast to {to}, but layers compute in float32")));
    }
    Layer::unary(node, symbols, Op::Identity)
}
