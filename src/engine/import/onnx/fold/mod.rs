//! Evaluation at import: what exporters compute from shapes and constants only to set up another node.
//!
//! Integers (and float64) never reach a layer, so whatever is made of them is evaluated here. float32 tensors
//! of the file are network data unless they end in a setting, such as the scales of a Resize: those are evaluated, and so is
//! what is made of shapes and single numbers alone (an attention mask, a scale); all other computation is left to the layers.

mod arithmetic;
mod moves;

use std::collections::HashSet;
use std::ops::Range;

use facts::Result;
use facts::graph::elements;

use super::node::NodeView;
use super::proto::{NodeProto, data_type};
use super::symbols::{Origin, Symbols};
use super::tensor::{Data, Tensor};

/// What came of a node.
pub(super) enum Folded {
    /// Its output, known.
    Value(Tensor),
    /// Its output is its known input.
    Alias,
}

/// Operators through which a setting is followed back to its constants.
const ARITHMETIC: [&str; 35] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Concat",
    "Div",
    "Equal",
    "Expand",
    "Floor",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "ReduceProd",
    "Reshape",
    "ScatterND",
    "Slice",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Where",
    "Xor",
];

/// Names of the tensors that nodes read as settings, directly or through [`ARITHMETIC`]; `names` are those of later nodes.
pub(super) fn settings<'a>(nodes: &'a [NodeProto], names: impl IntoIterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut names: HashSet<&str> = names.into_iter().collect();
    for node in nodes.iter().rev() {
        let followed = ARITHMETIC.contains(&node.op_type.as_str())
            && node.output.iter().any(|output| names.contains(output.as_str()));
        let inputs = match node.op_type.as_str() {
            _ if followed => 0..node.input.len(),
            "ConstantOfShape" | "Range" => 0..node.input.len(),
            "Clip" | "Dropout" | "Pad" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceSum" | "Reshape"
            | "Resize" | "Slice" | "Split" | "Squeeze" | "Unsqueeze" | "Upsample" | "Gather" | "Expand" | "Tile"
            | "CumSum" | "Trilu" | "GatherElements" | "GatherND" | "OneHot" | "ReduceProd" | "ReduceL1"
            | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => 1..node.input.len(),
            "ScatterND" => 1..2,
            "TopK" | "CenterCropPad" | "Compress" | "AffineGrid" | "ReverseSequence" => 1..node.input.len(),
            "ScatterElements" | "Scatter" => 1..2,
            "If" => 0..1,
            "Loop" => 0..2,
            _ => continue,
        };
        names.extend(node.input.get(inputs).unwrap_or_default().iter().map(String::as_str));
    }
    names
}

/// Evaluates `node` where its output is known; `wanted` tells whether the output ends in a setting.
pub(super) fn fold(node: &NodeView, symbols: &mut Symbols, wanted: bool) -> Result<Option<Folded>> {
    let tensor = match node.op() {
        "Constant" => constant(node)?,
        "Shape" => shape(node, symbols)?,
        "Size" => size(node, symbols)?,
        "ConstantOfShape" => constant_of_shape(node, symbols)?,
        "Range" => range(node, symbols)?,
        "EyeLike" => eye(node, symbols)?,
        "OneHot" => match one_hot(node, symbols)? {
            Some(tensor) => tensor,
            None => return Ok(None),
        },
        "Identity" => return Ok(symbols.tensor(node, 0)?.map(|_| Folded::Alias)),
        "Cast" => return cast(node, symbols, wanted),
        op if ARITHMETIC.contains(&op) => {
            let Some(inputs) = known(node, symbols)? else { return Ok(None) };
            let operands = match op {
                "Expand" | "Gather" | "ReduceProd" | "Reshape" | "Slice" | "Squeeze" | "Tile" | "Unsqueeze" => 0..1,
                "Where" => 1..inputs.len(),
                _ => 0..inputs.len(),
            };
            let is_data = |tensor: &Tensor| matches!(tensor.data, Data::Float(_) | Data::Short(..));
            let are_data = inputs[operands.clone()].iter().all(is_data);
            if !wanted && are_data && !is_derived(node, symbols, operands.clone())? {
                return Ok(None);
            }
            short(node, symbols, &inputs, operands)?
        }
        _ => return Ok(None),
    };
    Ok(Some(Folded::Value(tensor)))
}

/// Evaluates an operator of [`ARITHMETIC`]; numbers of few bits are rounded to their format afterwards.
fn short(node: &NodeView, symbols: &mut Symbols, inputs: &[Tensor], operands: Range<usize>) -> Result<Tensor> {
    let format = inputs[operands].iter().find_map(|tensor| match tensor.data {
        Data::Short(format, _) => Some(format),
        _ => None,
    });
    let widened = |tensor: &Tensor| Tensor { shape: tensor.shape.clone(), data: tensor.data.widened() };
    let made = arithmetic::evaluate(node, symbols, &inputs.iter().map(widened).collect::<Vec<_>>())?;
    let compares = matches!(node.op(), "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual");
    let Some(format) = format.filter(|_| !compares) else { return Ok(made) };
    let data = made.data.shortened(format);
    let data = data.ok_or_else(|| node.problem(format_args!("an integer does not fit {}", format.name())))?;
    Ok(Tensor { shape: made.shape, data })
}

/// Whether import has computed one of these inputs, and none is a weight.
fn is_derived(node: &NodeView, symbols: &Symbols, inputs: Range<usize>) -> Result<bool> {
    let mut derived = false;
    for index in inputs {
        match symbols.origin(node, index)? {
            Some(Origin::Derived) => derived = true,
            Some(Origin::Written) => {}
            Some(Origin::Stored) | None => return Ok(false),
        }
    }
    Ok(derived)
}

/// The inputs, where there are any and all are known. Optional ones that are left out may only be last.
fn known(node: &NodeView, symbols: &Symbols) -> Result<Option<Vec<Tensor>>> {
    let inputs = (0..node.inputs()).map(|index| Ok(symbols.tensor(node, index)?.cloned()));
    let inputs: Option<Vec<_>> = inputs.collect::<Result<_>>()?;
    Ok(inputs.filter(|inputs| !inputs.is_empty()))
}

fn constant(node: &NodeView) -> Result<Tensor> {
    if let Some(tensor) = node.tensor("value")? {
        return Ok(tensor);
    }
    if let Some(values) = node.ints("value_ints")? {
        return Ok(Tensor::ints(values));
    }
    if let Some(values) = node.floats("value_floats")? {
        return Ok(Tensor::floats(values));
    }
    if node.has("value_int") {
        return Ok(Tensor::ints([node.int("value_int", 0)?]).reshaped(Vec::new()));
    }
    if node.has("value_float") {
        return Ok(Tensor::floats([node.float("value_float", 0.0)?]).reshaped(Vec::new()));
    }
    Err(node.unsupported("its value is text, sparse or missing; a tensor or numbers are expected"))
}

fn shape(node: &NodeView, symbols: &Symbols) -> Result<Tensor> {
    let shape = symbols.shape(node, 0)?;
    let bound = |value: i64| {
        let counted = if value < 0 { value.saturating_add(shape.len() as i64) } else { value };
        counted.clamp(0, shape.len() as i64) as usize
    };
    let (start, end) = (bound(node.int("start", 0)?), bound(node.int("end", i64::MAX)?));
    let lengths = shape.get(start..end).unwrap_or_default();
    Ok(Tensor::ints(lengths.iter().map(|&length| length as i64).collect::<Vec<_>>()))
}

fn size(node: &NodeView, symbols: &Symbols) -> Result<Tensor> {
    let shape = symbols.shape(node, 0)?;
    if let Some(batch) = symbols.batch().filter(|_| shape.first() == Some(&1)) {
        return Err(
            node.problem(format_args!("it counts the elements of a batch of {batch} images, of which one is computed"))
        );
    }
    let count = elements(shape).and_then(|count| i64::try_from(count).ok());
    let count = count.ok_or_else(|| node.problem(format_args!("shape {shape:?} is absurdly large")))?;
    Ok(Tensor::ints([count]).reshaped(Vec::new()))
}

fn constant_of_shape(node: &NodeView, symbols: &mut Symbols) -> Result<Tensor> {
    let dims = symbols.ints(node, 0, "shape")?.ok_or_else(|| node.problem("input 0 is missing"))?;
    let shape = super::tensor::shape(&dims).map_err(|problem| node.problem(problem))?;
    let count = elements(&shape).unwrap_or(usize::MAX);
    let fill = node.tensor("value")?.unwrap_or_else(|| Tensor::floats([0.0]));
    // Floats may be weights; integers are settings.
    match fill.data {
        Data::Float(_) | Data::Short(..) => symbols.fill(node, count)?,
        _ => symbols.spend(node, count)?,
    }
    if fill.data.len() != 1 {
        return Err(node.problem(format_args!("its value has {} elements, 1 is expected", fill.data.len())));
    }
    Ok(Tensor { shape, data: fill.data.repeated(count) })
}

/// EyeLike: 1 on a diagonal, of the shape of its input.
fn eye(node: &NodeView, symbols: &mut Symbols) -> Result<Tensor> {
    let &[rows, columns] = symbols.shape(node, 0)? else {
        return Err(node.problem(format_args!("a matrix is expected, found shape {:?}", symbols.shape(node, 0)?)));
    };
    let kind = match node.stated("dtype")? {
        Some(kind) => i32::try_from(kind).unwrap_or_default(),
        None if symbols.format_of(node, 0)? == Some(facts::format::Format::F32) => data_type::FLOAT,
        None => return Err(node.unsupported("its type is that of its input, which is not float32")),
    };
    let count = rows.saturating_mul(columns);
    symbols.spend(node, count)?;
    let diagonal = node.int("k", 0)?;
    let on = |index: usize| (index % columns) as i64 - (index / columns) as i64 == diagonal;
    let data = match kind {
        data_type::FLOAT => Data::Float((0..count).map(|index| f32::from(on(index))).collect()),
        data_type::DOUBLE => Data::Double((0..count).map(|index| f64::from(on(index))).collect()),
        data_type::INT32 | data_type::INT64 | data_type::BOOL => {
            Data::Int((0..count).map(|index| i64::from(on(index))).collect())
        }
        other => return Err(node.unsupported(format_args!("its type is {}", data_type::name(other)))),
    };
    Ok(Tensor { shape: vec![rows, columns], data })
}

/// OneHot of classes that are known.
fn one_hot(node: &NodeView, symbols: &mut Symbols) -> Result<Option<Tensor>> {
    let Some(inputs) = known(node, symbols)? else { return Ok(None) };
    let [classes, depth, values] = &inputs[..] else {
        return Err(node.problem(format_args!("3 inputs are expected, found {}", inputs.len())));
    };
    let whole = |data: &Data| -> Vec<i64> {
        match data {
            Data::Int(values) => values.to_vec(),
            Data::Float(values) | Data::Short(_, values) => values.iter().map(|&value| value as i64).collect(),
            Data::Double(values) => values.iter().map(|&value| value as i64).collect(),
        }
    };
    let &[depth] = &whole(&depth.data)[..] else {
        return Err(node.problem("its number of classes must be one number"));
    };
    let axis = node.axis(node.int("axis", -1)?, classes.shape.len() + 1)?;
    let length = usize::try_from(depth).ok().filter(|&depth| depth > 0);
    let length = length.ok_or_else(|| node.problem(format_args!("its number of classes is {depth}")))?;
    let mut shape = classes.shape.clone();
    shape.insert(axis, length);
    symbols.spend(node, elements(&shape).unwrap_or(usize::MAX))?;
    let after: usize = classes.shape[axis..].iter().product();
    let found = whole(&classes.data);
    let count = found.len() * length;
    let on = |index: usize| {
        let (outer, inner) = (index / (length * after), index % after);
        let class = found[outer * after + inner];
        (if class < 0 { class + depth } else { class }) == (index / after % length) as i64
    };
    let pick = |index: usize| usize::from(on(index));
    if values.data.len() != 2 {
        return Err(node.problem("its values must be two numbers, off and on"));
    }
    let data = match &values.data {
        Data::Float(values) => Data::Float((0..count).map(|index| values[pick(index)]).collect()),
        Data::Double(values) => Data::Double((0..count).map(|index| values[pick(index)]).collect()),
        Data::Int(values) => Data::Int((0..count).map(|index| values[pick(index)]).collect()),
        Data::Short(format, values) => Data::Short(*format, (0..count).map(|index| values[pick(index)]).collect()),
    };
    Ok(Some(Tensor { shape, data }))
}

fn range(node: &NodeView, symbols: &mut Symbols) -> Result<Tensor> {
    let mut bounds = Vec::with_capacity(3);
    for (index, what) in ["start", "limit", "delta"].into_iter().enumerate() {
        let tensor = symbols.setting(node, index, what)?;
        let tensor = tensor.ok_or_else(|| node.problem(format_args!("its {what} is missing")))?;
        if tensor.data.len() != 1 {
            return Err(node.problem(format_args!("its {what} has {} elements", tensor.data.len())));
        }
        bounds.push(tensor.data.clone());
    }
    let number = |data: &Data| match data {
        Data::Float(values) | Data::Short(_, values) => f64::from(values[0]),
        Data::Double(values) => values[0],
        Data::Int(values) => values[0] as f64,
    };
    let [start, limit, delta] = [number(&bounds[0]), number(&bounds[1]), number(&bounds[2])];
    let count = ((limit - start) / delta).ceil();
    if delta == 0.0 || count.is_nan() {
        return Err(node.problem(format_args!(
            "its range from {start} to {limit} in steps of {delta} never ends; a step other than 0 is expected"
        )));
    }
    // A cast from float saturates, and a negative count is an empty range.
    let count = count as usize;
    symbols.spend(node, count)?;
    let data = match bounds[0].widened() {
        Data::Short(..) | Data::Float(_) => {
            Data::Float((0..count).map(|index| (start + index as f64 * delta) as f32).collect())
        }
        Data::Double(_) => Data::Double((0..count).map(|index| start + index as f64 * delta).collect()),
        Data::Int(_) => Data::Int((0..count).map(|index| (start + index as f64 * delta) as i64).collect()),
    };
    Ok(Tensor { shape: vec![count], data })
}

fn cast(node: &NodeView, symbols: &mut Symbols, wanted: bool) -> Result<Option<Folded>> {
    let Some(tensor) = symbols.tensor(node, 0)?.cloned() else { return Ok(None) };
    let to = i32::try_from(node.int("to", 0)?).unwrap_or_default();
    let changes = matches!(tensor.data, Data::Short(..)) || data_type::short(to).is_some();
    if !wanted && changes && symbols.origin(node, 0)? == Some(Origin::Stored) && !matches!(tensor.data, Data::Int(_)) {
        // A weight is stored as the file has it; the cast is a layer.
        return Ok(None);
    }
    let tensor = Tensor { shape: tensor.shape, data: tensor.data.widened() };
    if let Some(format) = data_type::short(to) {
        symbols.spend(node, tensor.data.len())?;
        let whole = match &tensor.data {
            Data::Float(values) if !format.is_float() => {
                Data::Float(values.iter().map(|value| value.trunc()).collect())
            }
            data => data.clone(),
        };
        let data = whole.shortened(format);
        let data = data.ok_or_else(|| node.problem(format_args!("a number does not fit {}", data_type::name(to))))?;
        return Ok(Some(Folded::Value(Tensor { shape: tensor.shape, data })));
    }
    let problem = |value: f64| node.problem(format_args!("{value} does not fit {}", data_type::name(to)));
    let integers = |values: &mut dyn ExactSizeIterator<Item = f64>| -> Result<Data> {
        let mut made = Vec::with_capacity(values.len());
        for value in values {
            made.push(match to {
                data_type::BOOL => i64::from(value != 0.0),
                data_type::INT32 if (value as i64) == i64::from(value as i32) && value.is_finite() => value as i64,
                data_type::INT64 if value.abs() < i64::MAX as f64 => value as i64,
                _ => return Err(problem(value)),
            });
        }
        Ok(Data::Int(made.into()))
    };
    if !changes && matches!((&tensor.data, to), (Data::Float(_), data_type::FLOAT) | (Data::Int(_), data_type::INT64)) {
        return Ok(Some(Folded::Alias));
    }
    symbols.spend(node, tensor.data.len())?;
    let data = match (&tensor.data, to) {
        (Data::Double(values), data_type::FLOAT) => Data::Float(values.iter().map(|&value| value as f32).collect()),
        (Data::Int(values), data_type::FLOAT) => Data::Float(values.iter().map(|&value| value as f32).collect()),
        (Data::Float(values), data_type::DOUBLE) => Data::Double(values.iter().map(|&value| value.into()).collect()),
        (Data::Int(values), data_type::DOUBLE) => Data::Double(values.iter().map(|&value| value as f64).collect()),
        (Data::Double(_), data_type::DOUBLE)
        | (Data::Float(_), data_type::FLOAT)
        | (Data::Int(_), data_type::INT64) => tensor.data.clone(),
        (Data::Float(values), data_type::INT32 | data_type::INT64 | data_type::BOOL) => {
            integers(&mut values.iter().map(|&value| f64::from(value)))?
        }
        (Data::Double(values), data_type::INT32 | data_type::INT64 | data_type::BOOL) => {
            integers(&mut values.iter().copied())?
        }
        (Data::Int(values), data_type::INT32 | data_type::BOOL) => {
            integers(&mut values.iter().map(|&value| value as f64))?
        }
        _ => return Err(node.unsupported(format_args!("it is a cast to {}", data_type::name(to)))),
    };
    Ok(Some(Folded::Value(Tensor { shape: tensor.shape, data })))
}
