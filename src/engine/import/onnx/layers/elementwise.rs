//! Operators that work element by element.

use facts::Result;
use facts::graph::{Binary, Op, Step, Unary};

use super::Layer;
use crate::import::onnx::node::NodeView;
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
        "Round" => Unary::Round,
        "Sign" => Unary::Sign,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Tan" => Unary::Tan,
        "Asin" => Unary::Asin,
        "Acos" => Unary::Acos,
        "Atan" => Unary::Atan,
        "Sinh" => Unary::Sinh,
        "Cosh" => Unary::Cosh,
        "Asinh" => Unary::Asinh,
        "Acosh" => Unary::Acosh,
        "Atanh" => Unary::Atanh,
        "IsNaN" => Unary::IsNan,
        "IsInf" => Unary::IsInf {
            negative: node.flag("detect_negative", true)?,
            positive: node.flag("detect_positive", true)?,
        },
        "Not" => Unary::Not,
        "Shrink" => Unary::Shrink { bias: node.float("bias", 0.0)?, lambd: node.float("lambd", 0.5)? },
        _ => return Ok(None),
    }))
}

/// Functions of two elements. Sum, Max, Min and Mean take any number of inputs.
pub(super) fn binary(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let op = match node.op() {
        "Add" | "Sum" | "Mean" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        "Max" => Binary::Max,
        "Mod" if node.flag("fmod", false)? => Binary::Mod,
        "Mod" => return Err(node.problem("fmod is 0; numbers with a fraction need fmod = 1")),
        "Equal" => Binary::Equal,
        "Greater" => Binary::Greater,
        "GreaterOrEqual" => Binary::GreaterOrEqual,
        "Less" => Binary::Less,
        "LessOrEqual" => Binary::LessOrEqual,
        "And" => Binary::And,
        "Or" => Binary::Or,
        "Xor" => Binary::Xor,
        _ => Binary::Min,
    };
    match (node.op(), node.inputs()) {
        // ONNX lets the exponent be of another type than the base.
        ("Pow", 2) => {
            let inputs = vec![symbols.data(node, 0)?, symbols.number(node, 1)?];
            Ok(Layer { op: Op::Binary(op), inputs, outputs: 1 })
        }
        ("Sum" | "Max" | "Min" | "Mean", 1) => Layer::unary(node, symbols, Op::Identity),
        ("Mean", count @ 2..) => {
            let factor = Op::Affine { axis: 0, factor: vec![1.0 / count as f32], offset: vec![0.0] };
            let mut layer = of_many(node, symbols, op, count)?;
            if let Op::Chain(steps) = &mut layer.op {
                steps.push(Step { op: factor, inputs: 0 });
            }
            Ok(layer)
        }
        ("Sum" | "Max" | "Min", count @ 3..) => of_many(node, symbols, op, count),
        // Truth values are 1 and 0.
        ("And" | "Or" | "Xor" | "Equal", 2) => {
            let inputs = vec![symbols.number(node, 0)?, symbols.number(node, 1)?];
            Ok(Layer { op: Op::Binary(op), inputs, outputs: 1 })
        }
        (_, 2) => Layer::of(node, symbols, Op::Binary(op), 2),
        (_, count) => Err(node.problem(format_args!("2 inputs are expected, found {count}"))),
    }
}

/// Where: truth values are 1 and 0.
pub(super) fn choose(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let inputs = vec![symbols.number(node, 0)?, symbols.data(node, 1)?, symbols.data(node, 2)?];
    Ok(Layer { op: Op::Where, inputs, outputs: 1 })
}

/// One function after the other, from the first input to the last.
fn of_many(node: &NodeView, symbols: &mut Symbols, op: Binary, count: usize) -> Result<Layer> {
    let step = |index: usize| Step { op: Op::Binary(op), inputs: if index == 0 { 2 } else { 1 } };
    Layer::of(node, symbols, Op::Chain((0..count - 1).map(step).collect()), count)
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

/// Cast and CastLike: the number format of the output says what they make.
pub(super) fn cast(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    Layer::unary(node, symbols, Op::Identity)
}
