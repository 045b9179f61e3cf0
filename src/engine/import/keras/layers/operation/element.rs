//! Operations that compute element by element.

use facts::Result;
use facts::graph::{Binary, Op, Unary};

use super::super::super::draft::Draft;
use super::super::super::weights::snake_case;
use super::super::activation;
use super::{ARGUMENTS, Argument, arguments, of_batch, one_tensor, operand, raw};

/// What translates an operation of this class.
pub(super) fn translator(class: &str) -> Option<fn(&mut Draft) -> Result<()>> {
    if function(class).is_some() {
        return Some(of_two);
    }
    if links(class).is_some() {
        return Some(in_links);
    }
    Some(match class {
        "Clip" => clipped,
        "Where" => choose,
        "Cast" => cast,
        "ZerosLike" | "OnesLike" | "FullLike" => filled,
        "StopGradient" | "Copy" => one_tensor_only,
        "Softmax" | "LogSoftmax" => softmax,
        _ if activation::is_known(&snake_case(class)) => of_one,
        _ => return None,
    })
}

fn function(class: &str) -> Option<Binary> {
    Some(match class {
        "Add" => Binary::Add,
        "Subtract" => Binary::Sub,
        "Multiply" => Binary::Mul,
        "Divide" | "TrueDivide" => Binary::Div,
        "Maximum" => Binary::Max,
        "Minimum" => Binary::Min,
        "Power" => Binary::Pow,
        "Equal" | "NotEqual" => Binary::Equal,
        "Greater" => Binary::Greater,
        "GreaterEqual" => Binary::GreaterOrEqual,
        "Less" => Binary::Less,
        "LessEqual" => Binary::LessOrEqual,
        "LogicalAnd" => Binary::And,
        "LogicalOr" => Binary::Or,
        "LogicalXor" => Binary::Xor,
        _ => return None,
    })
}

/// The functions, one after the other, of an operation on one tensor.
fn links(class: &str) -> Option<Vec<Op>> {
    let unary = |function| Op::Unary(function);
    let affine = |factor, offset| Op::Affine { axis: 0, factor: vec![factor], offset: vec![offset] };
    Some(match class {
        "Rsqrt" => vec![unary(Unary::Sqrt), unary(Unary::Reciprocal)],
        "Expm1" => vec![unary(Unary::Exp), affine(1.0, -1.0)],
        "Log1p" => vec![affine(1.0, 1.0), unary(Unary::Log)],
        "Log2" => vec![unary(Unary::Log), affine(std::f32::consts::LOG2_E, 0.0)],
        "Log10" => vec![unary(Unary::Log), affine(std::f32::consts::LOG10_E, 0.0)],
        "LogicalNot" => vec![unary(Unary::Not)],
        "Trunc" => vec![unary(Unary::Trunc)],
        "Isnan" => vec![unary(Unary::IsNan)],
        "Isinf" => vec![unary(Unary::IsInf { negative: true, positive: true })],
        _ => return None,
    })
}

fn in_links(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    links(draft.settings.class).unwrap_or_default().into_iter().try_for_each(|op| draft.step(op, &[]))
}

fn one_tensor_only(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)
}

fn clip(min: f32, max: f32) -> Op {
    Op::Unary(Unary::Clip { min, max })
}

fn clipped(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let bound = |key| settings.number(key)?.ok_or_else(|| settings.error(format_args!("\"{key}\" is missing")));
    draft.step(clip(bound("x_min")?, bound("x_max")?), &[])
}

/// Where: an element of the second tensor if the first holds a truth, else of the third.
fn choose(draft: &mut Draft) -> Result<()> {
    let arguments = arguments(draft)?;
    let [Argument::Tensor(condition), a, b] = arguments[..] else {
        return Err(draft.settings.unsupported("its condition and two choices are expected, the condition computed"));
    };
    let rank = draft.rank_of(condition);
    let (a, b) = (operand(draft, a, rank)?, operand(draft, b, rank)?);
    draft.start_with(condition);
    draft.step(Op::Where, &[a, b])
}

/// Cast: to a float the element itself, to an integer without its fraction, to a truth value whether it is not 0.
fn cast(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    match settings.text("dtype", "")? {
        "float32" | "float64" => Ok(()),
        "bool" => {
            draft.step(Op::Unary(Unary::Not), &[])?;
            draft.step(Op::Unary(Unary::Not), &[])
        }
        "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" => {
            draft.step(Op::Unary(Unary::Trunc), &[])
        }
        other => Err(settings.unsupported(format_args!("a cast to \"{other}\" is not"))),
    }
}

/// ZerosLike, OnesLike, FullLike: one number, whatever the elements are, a NaN included.
fn filled(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let number = match settings.class {
        "ZerosLike" => 0.0,
        "OnesLike" => 1.0,
        _ => match arguments(draft)?[..] {
            [_, Argument::Number(number)] => number,
            _ => return Err(settings.unsupported("it is filled with something else than a number")),
        },
    };
    draft.step(Op::Unary(Unary::IsNan), &[])?;
    draft.step(clip(number, number), &[])
}

fn softmax(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let axis = settings.axis("axis", -1, draft.rank())?;
    if axis == 0 {
        return Err(of_batch(&settings));
    }
    let (axis, log) = (draft.place(axis), settings.class == "LogSoftmax");
    draft.step(Op::Softmax { axis, to_end: false, log }, &[])
}

fn of_one(draft: &mut Draft) -> Result<()> {
    one_tensor(draft)?;
    let settings = draft.settings;
    let number = |key: &str, default: f32| Ok(settings.number(key)?.unwrap_or(default));
    // Settings with which a function is another than the activation of its name.
    let (key, special) = match settings.class {
        "Gelu" => ("approximate", Some(Unary::Gelu { tanh: settings.switch("approximate", true)? })),
        "LeakyRelu" => ("negative_slope", Some(Unary::LeakyRelu { alpha: number("negative_slope", 0.2)? })),
        "Elu" => ("alpha", Some(Unary::Elu { alpha: number("alpha", 1.0)? })),
        "Celu" => ("alpha", Some(Unary::Celu { alpha: number("alpha", 1.0)? })),
        "HardShrink" => ("threshold", Some(Unary::Shrink { bias: 0.0, lambd: number("threshold", 0.5)? })),
        "SoftShrink" => {
            let lambd = number("threshold", 0.5)?;
            ("threshold", Some(Unary::Shrink { bias: lambd, lambd }))
        }
        "Squareplus" => ("b", Some(Unary::SquarePlus { b: number("b", 4.0)? })),
        "Round" if settings.get("decimals").and_then(serde_json::Value::as_i64) == Some(0) => {
            ("decimals", Some(Unary::Round))
        }
        _ => ("axis", None),
    };
    if let Some(other) = settings.keys().find(|&other| ![key, "name", "axis", ARGUMENTS].contains(&other)) {
        return Err(settings.unsupported(format_args!("with \"{other}\" it is not")));
    }
    if settings.get("axis").is_some_and(|axis| axis.as_i64() != Some(-1)) {
        return Err(settings.unsupported("only along the last axis is it"));
    }
    match special {
        Some(function) => draft.step(Op::Unary(function), &[]),
        None => activation::apply(draft, &snake_case(settings.class)).map(drop),
    }
}

fn of_two(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let Some(function) = function(settings.class) else { return Err(settings.unsupported("it is no function of two")) };
    if settings.class == "Power" && raw(&settings, 1, "x2").is_none() {
        return Err(settings.unsupported("its exponent is missing"));
    }
    let arguments = arguments(draft)?;
    match arguments[..] {
        [Argument::Tensor(_), Argument::Number(number)] if !function.gives_truth() => {
            with_number(draft, function, number, false)?;
        }
        [Argument::Number(number), Argument::Tensor(_)] if !function.gives_truth() => {
            with_number(draft, function, number, true)?;
        }
        [a, b] => {
            let ranks = [a, b].into_iter().filter_map(|argument| match argument {
                Argument::Tensor(id) => Some(draft.rank_of(id)),
                _ => None,
            });
            let rank = ranks.max().unwrap_or(0);
            let (a, b) = (operand(draft, a, rank)?, operand(draft, b, rank)?);
            draft.start_with(a);
            draft.combine(function, b)?;
        }
        _ => {
            return Err(settings.error(format_args!(
                "two arguments are expected, tensors, numbers or arrays; found {} tensors and {} others",
                draft.inputs.len(),
                arguments.len() - draft.inputs.len()
            )));
        }
    }
    if settings.class == "NotEqual" { draft.step(Op::Unary(Unary::Not), &[]) } else { Ok(()) }
}

/// `x op number`, or `number op x`. The number is a setting and no weight of the model.
fn with_number(draft: &mut Draft, function: Binary, number: f32, is_first: bool) -> Result<()> {
    let mut affine =
        |factor: f32, offset: f32| draft.step(Op::Affine { axis: 0, factor: vec![factor], offset: vec![offset] }, &[]);
    match (function, is_first) {
        (Binary::Add, _) => affine(1.0, number),
        (Binary::Sub, false) => affine(1.0, -number),
        (Binary::Sub, true) => affine(-1.0, number),
        (Binary::Mul, _) => affine(number, 0.0),
        (Binary::Div, false) if number != 0.0 => affine(1.0 / number, 0.0),
        (Binary::Div, true) => {
            draft.step(Op::Unary(Unary::Reciprocal), &[])?;
            draft.step(Op::Affine { axis: 0, factor: vec![number], offset: vec![0.0] }, &[])
        }
        (Binary::Max, _) => draft.step(clip(number, f32::INFINITY), &[]),
        (Binary::Min, _) => draft.step(clip(f32::NEG_INFINITY, number), &[]),
        (Binary::Pow, false) if number == 2.0 => {
            let x = draft.inputs[0];
            draft.combine(Binary::Mul, x)
        }
        (Binary::Pow, false) if number == 0.5 => draft.step(Op::Unary(Unary::Sqrt), &[]),
        (Binary::Pow, false) => draft.step(Op::Unary(Unary::Power { exponent: number }), &[]),
        // A power of the number is one of e.
        (Binary::Pow, true) if number > 0.0 => {
            draft.step(Op::Affine { axis: 0, factor: vec![number.ln()], offset: vec![0.0] }, &[])?;
            draft.step(Op::Unary(Unary::Exp), &[])
        }
        _ => Err(draft.settings.unsupported(format_args!("with the number {number} it is not"))),
    }
}
