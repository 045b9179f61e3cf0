//! The number format of each output: ONNX states it by operator and by the types of the inputs.

use facts::Result;
use facts::format::Format;
use facts::graph::{Binary, Op, Unary, ValueId};

use crate::import::onnx::node::NodeView;
use crate::import::onnx::proto::data_type;
use crate::import::onnx::symbols::Symbols;

/// The formats of the first `outputs` outputs of `node`, which computes `op` of `inputs`.
///
/// # Errors
/// If the inputs do not have one type where the operator demands it, or it is not computed with integers.
pub(in crate::import::onnx) fn formats(
    node: &NodeView,
    symbols: &mut Symbols,
    op: &Op,
    inputs: &[ValueId],
    outputs: usize,
) -> Result<Vec<Format>> {
    let of = |nth: usize| inputs.get(nth).map_or(Format::F32, |&input| symbols.format(input));
    let first = of(0);
    let format = match op {
        Op::Quantize { format, .. } => *format,
        Op::Dequantize { .. } => of(1),
        Op::DynamicQuantize => return Ok(vec![Format::U8, Format::F32, Format::U8]),
        Op::Integer(integer) => integer.output,
        Op::TopK { .. } => return Ok(vec![first, Format::I32]),
        Op::Place { .. } => Format::I32,
        Op::OneHot { .. } => one_hot(node, symbols)?,
        _ if node.op() == "Cast" => cast(node, symbols, first)?,
        _ if node.op() == "CastLike" => like(node, symbols, first)?,
        // Truth values.
        Op::Unary(Unary::Not | Unary::IsNan | Unary::IsInf { .. }) => Format::F32,
        Op::Binary(function) if function.gives_truth() => Format::F32,
        Op::Where => of(1),
        _ => first,
    };
    let choices = match op {
        Op::Where => &inputs[1..],
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Gemm { .. } | Op::MatMul | Op::Concat { .. } | Op::Einsum(_) => inputs,
        Op::Binary(function) if *function != Binary::Pow => inputs,
        Op::Chain(_) | Op::PRelu => inputs,
        _ => &[],
    };
    if let Some(other) =
        choices.iter().map(|&input| symbols.format(input)).find(|&own| own != of_first(choices, symbols))
    {
        return Err(node.problem(format_args!(
            "its inputs are {} and {}; one type is expected",
            of_first(choices, symbols).name(),
            other.name()
        )));
    }
    if !first.is_float() && !takes_integers(op) && !matches!(node.op(), "Cast" | "CastLike") {
        return Err(node.unsupported(format_args!(
            "it computes with {}; integers are moved, compared, pooled by maximum, quantized, and computed by the QLinear operators",
            first.name()
        )));
    }
    Ok(vec![format; outputs])
}

/// The format of OneHot's values.
fn one_hot(node: &NodeView, symbols: &mut Symbols) -> Result<Format> {
    let format = symbols.format_of(node, 2)?;
    symbols.has_places |= format.is_none();
    Ok(format.unwrap_or(Format::I32))
}

fn of_first(inputs: &[ValueId], symbols: &Symbols) -> Format {
    inputs.first().map_or(Format::F32, |&input| symbols.format(input))
}

/// Whether the operator gives the integers that ONNX defines.
fn takes_integers(op: &Op) -> bool {
    match op {
        Op::Dequantize { .. } | Op::Integer(_) | Op::Identity | Op::Where | Op::MaxPool(_) => true,
        Op::Concat { .. } | Op::Split { .. } | Op::Slice { .. } | Op::Reshape { .. } | Op::Transpose { .. } => true,
        Op::Place { .. } | Op::TopK { .. } | Op::OneHot { .. } => true,
        Op::Gather { .. } | Op::Pad { .. } | Op::Expand { .. } | Op::Tile { .. } | Op::Take { .. } => true,
        Op::Resize(settings) => matches!(settings.interpolation, facts::graph::Interpolation::Nearest(_)),
        Op::Unary(Unary::Relu | Unary::Clip { .. }) => true,
        Op::Binary(Binary::Max | Binary::Min | Binary::Equal | Binary::Greater | Binary::GreaterOrEqual) => true,
        Op::Binary(Binary::Less | Binary::LessOrEqual) => true,
        Op::Reduce { reduction, .. } => {
            matches!(reduction, facts::graph::Reduction::Max | facts::graph::Reduction::Min)
        }
        _ => false,
    }
}

/// The format that Cast makes of a tensor of format `from`.
fn cast(node: &NodeView, symbols: &mut Symbols, from: Format) -> Result<Format> {
    let to = i32::try_from(node.int("to", 0)?).unwrap_or_default();
    let format = match to {
        data_type::FLOAT => Format::F32,
        data_type::DOUBLE => {
            symbols.has_doubles = true;
            Format::F32
        }
        data_type::INT32 => Format::I32,
        // Places of elements.
        data_type::INT64 if from == Format::I32 && symbols.has_places => Format::I32,
        _ => data_type::short(to).ok_or_else(|| refused(node, &data_type::name(to)))?,
    };
    if format.is_float() || format == from { Ok(format) } else { Err(refused(node, &data_type::name(to))) }
}

fn refused(node: &NodeView, to: &str) -> facts::Error {
    node.unsupported(format_args!(
        "it is a cast to {to}, but layers compute with floats and with integers that are quantized"
    ))
}

/// The format of CastLike's second input.
fn like(node: &NodeView, symbols: &Symbols, from: Format) -> Result<Format> {
    match symbols.format_of(node, 1)? {
        Some(format) if format.is_float() || format == from => Ok(format),
        Some(format) => Err(refused(node, &format.name())),
        None => Err(refused(node, "int64, int32 or bool")),
    }
}
