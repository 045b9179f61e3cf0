//! Operations outside of layers, as Keras 3 writes them: `x + 3`, `keras.ops.relu(x)`.
//!
//! A file lists them among the layers, with the class of the operation. Their arguments are tensors and numbers.

use facts::Result;
use facts::graph::{Binary, Op, Reduction, Unary, elements};
use serde_json::{Value, json};

use super::super::draft::Draft;
use super::super::settings::{Settings, items};
use super::activation;

/// Where a configuration keeps the arguments of an operation.
const ARGUMENTS: &str = "operation_arguments";

/// The configuration `config` of an operation that is called as `node` says.
pub(in super::super) fn configuration(config: &Value, node: Option<&Value>) -> Value {
    let mut own = config.as_object().cloned().unwrap_or_default();
    let part = |key| node.and_then(|node: &Value| node.get(key)).cloned().unwrap_or(Value::Null);
    own.insert(ARGUMENTS.to_owned(), json!([part("args"), part("kwargs")]));
    Value::Object(own)
}

/// Whether these are the settings of an operation.
pub(in super::super) fn is_operation(settings: &Settings) -> bool {
    settings.get(ARGUMENTS).is_some()
}

/// What translates an operation of this class.
///
/// # Errors
/// Where it is none that is executed.
pub(super) fn translator(settings: &Settings) -> Result<fn(&mut Draft) -> Result<()>> {
    if function(settings.class).is_some() {
        return Ok(of_two);
    }
    if moves(settings.class).is_some() {
        return Ok(moved);
    }
    if activation::is_known(&name(settings.class)) {
        return Ok(of_one);
    }
    Err(settings.unsupported("it is an operation outside of any layer, and none that Faultscope executes"))
}

/// The name of the function in `keras.ops`.
fn name(class: &str) -> String {
    super::super::weights::snake_case(class)
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
        _ => return None,
    })
}

/// What an operation does to the axes of a tensor.
#[derive(Clone, Copy)]
enum Moves {
    Reduce(Reduction),
    Reshape,
    Transpose,
    Expand,
    Squeeze,
    Concatenate,
    Matmul,
    Clip,
    Rsqrt,
}

fn moves(class: &str) -> Option<Moves> {
    Some(match class {
        "Mean" => Moves::Reduce(Reduction::Mean),
        "Sum" => Moves::Reduce(Reduction::Sum),
        "Max" => Moves::Reduce(Reduction::Max),
        "Min" => Moves::Reduce(Reduction::Min),
        "Reshape" => Moves::Reshape,
        "Transpose" => Moves::Transpose,
        "ExpandDims" => Moves::Expand,
        "Squeeze" => Moves::Squeeze,
        "Concatenate" => Moves::Concatenate,
        "Matmul" => Moves::Matmul,
        "Clip" => Moves::Clip,
        "Rsqrt" => Moves::Rsqrt,
        _ => return None,
    })
}

/// Axes from a setting: one, or a list; all but the batch's where nothing is stated.
fn axes(settings: &Settings, key: &str, rank: usize) -> Result<Option<Vec<usize>>> {
    let Some(value) = settings.get(key) else { return Ok(None) };
    let stated: Option<Vec<i64>> = match items(value) {
        Some(items) => items.iter().map(Value::as_i64).collect(),
        None => value.as_i64().map(|axis| vec![axis]),
    };
    let counted = |axis: i64| usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok();
    let found: Option<Vec<usize>> = stated.into_iter().flatten().map(counted).collect();
    let found = found.filter(|found| found.iter().all(|&axis| axis < rank) && !found.is_empty());
    found.map(Some).ok_or_else(|| settings.error(format_args!("\"{key}\" must name axes of {rank}, found {value}")))
}

fn moved(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let Some(moves) = moves(settings.class) else { return Err(settings.unsupported("it is none of those")) };
    let several = matches!(moves, Moves::Concatenate | Moves::Matmul);
    if draft.inputs.len() != 1 && !several {
        return Err(settings.error(format_args!("one tensor is expected, found {}", draft.inputs.len())));
    }
    let rank = draft.rank();
    let of_batch = || settings.unsupported("along the axis of the batch it is not");
    match moves {
        Moves::Rsqrt => {
            draft.step(Op::Unary(Unary::Sqrt), &[])?;
            draft.step(Op::Unary(Unary::Reciprocal), &[])
        }
        Moves::Clip => {
            let bound = |key| settings.number(key)?.ok_or_else(|| settings.error(format_args!("\"{key}\" is missing")));
            draft.step(clip(bound("x_min")?, bound("x_max")?), &[])
        }
        Moves::Reduce(reduction) => {
            let mut axes = axes(&settings, "axis", rank)?.ok_or_else(of_batch)?;
            axes.sort_unstable();
            axes.dedup();
            if axes.contains(&0) {
                return Err(of_batch());
            }
            draft.arrange_as_keras()?;
            let keep_dims = settings.switch("keepdims", false)?;
            let left = if keep_dims { rank } else { rank - axes.len() };
            draft.step(Op::Reduce { reduction, axes, keep_dims }, &[])?;
            draft.reordered((0..left).collect());
            Ok(())
        }
        Moves::Transpose => {
            let found = axes(&settings, "axes", rank)?.ok_or_else(of_batch)?;
            if found.first() != Some(&0) {
                return Err(of_batch());
            }
            draft.arrange_as_keras()?;
            draft.step(Op::Transpose { perm: found }, &[])
        }
        Moves::Expand => {
            let axis = axes(&settings, "axis", rank + 1)?.ok_or_else(of_batch)?;
            draft.arrange_as_keras()?;
            let mut shape = draft.shape();
            for axis in axis {
                if axis == 0 || axis > shape.len() {
                    return Err(of_batch());
                }
                shape.insert(axis, 1);
            }
            draft.reshape(shape)
        }
        Moves::Squeeze => {
            draft.arrange_as_keras()?;
            let shape = draft.shape();
            let gone = match axes(&settings, "axis", rank)? {
                Some(axes) => axes,
                None => (1..rank).filter(|&axis| shape[axis] == 1).collect(),
            };
            if gone.iter().any(|&axis| axis == 0 || shape[axis] != 1) {
                return Err(settings.error(format_args!("axes {gone:?} of shape {shape:?} cannot be left out")));
            }
            draft.reshape((0..rank).filter(|axis| !gone.contains(axis)).map(|axis| shape[axis]).collect())
        }
        Moves::Reshape => {
            draft.arrange_as_keras()?;
            let count: usize = draft.shape()[1..].iter().product();
            let stated = settings.get("newshape").and_then(items).unwrap_or_default();
            let lengths: Vec<Option<usize>> =
                stated.iter().map(|length| length.as_u64().and_then(|length| usize::try_from(length).ok())).collect();
            let refuse =
                || settings.error(format_args!("{count} elements of an image cannot take the shape {stated:?}"));
            let (first, rest) = lengths.split_first().ok_or_else(refuse)?;
            let open = rest.iter().filter(|length| length.is_none()).count();
            let known = elements(&rest.iter().copied().flatten().collect::<Vec<_>>()).ok_or_else(refuse)?;
            let left = match open {
                0 => 1,
                1 if *first == Some(1) && known > 0 => count / known,
                _ => return Err(refuse()),
            };
            if first.is_some_and(|first| first != 1) || known.checked_mul(left) != Some(count) {
                return Err(refuse());
            }
            draft.reshape(std::iter::once(1).chain(rest.iter().map(|length| length.unwrap_or(left))).collect())
        }
        Moves::Concatenate => {
            let ranks: Vec<usize> = draft.input_ranks().collect();
            let axis = axes(&settings, "axis", rank)?.unwrap_or_default();
            match axis[..] {
                [axis] if axis > 0 && ranks.iter().all(|&other| other == rank) => {
                    let axis = draft.place(axis);
                    let inputs = draft.inputs;
                    draft.step(Op::Concat { axis }, &inputs[1..])
                }
                _ => Err(of_batch()),
            }
        }
        Moves::Matmul => {
            let ranks: Vec<usize> = draft.input_ranks().collect();
            match (draft.inputs, &ranks[..]) {
                (&[_, second], [3, 3]) => draft.step(Op::MatMul, &[second]),
                _ => {
                    Err(settings
                        .unsupported(format_args!("of tensors with {ranks:?} axes it is not; two with three are")))
                }
            }
        }
    }
}

fn of_one(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    if draft.inputs.len() != 1 {
        return Err(settings.error(format_args!("one tensor is expected, found {}", draft.inputs.len())));
    }
    let number = |key: &str, default: f32| Ok(settings.number(key)?.unwrap_or(default));
    // Settings with which a function is another than the activation of its name.
    let (key, special) = match settings.class {
        "Gelu" => ("approximate", Some(Unary::Gelu { tanh: settings.switch("approximate", true)? })),
        "LeakyRelu" => ("negative_slope", Some(Unary::LeakyRelu { alpha: number("negative_slope", 0.2)? })),
        "Elu" => ("alpha", Some(Unary::Elu { alpha: number("alpha", 1.0)? })),
        "Celu" => ("alpha", Some(Unary::Celu { alpha: number("alpha", 1.0)? })),
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
        None => activation::apply(draft, &name(settings.class)).map(drop),
    }
}

fn of_two(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let Some(function) = function(settings.class) else { return Err(settings.unsupported("it is no function of two")) };
    let mut numbers = Vec::new();
    let arguments = settings.get(ARGUMENTS).unwrap_or(&Value::Null);
    arguments.as_array().into_iter().flatten().for_each(|part| collect(part, &mut numbers));
    match (draft.inputs, numbers.as_slice()) {
        (&[first, second], [None, None]) => {
            let ranks: Vec<usize> = draft.input_ranks().collect();
            if ranks[0] != ranks[1] {
                return Err(settings.unsupported(format_args!("its inputs have different numbers of axes, {ranks:?}")));
            }
            draft.start_with(first);
            draft.combine(function, second)
        }
        (&[_], &[None, Some(number)]) => with_number(draft, function, number, false),
        (&[_], &[Some(number), None]) => with_number(draft, function, number, true),
        (inputs, _) => Err(settings.error(format_args!(
            "two arguments are expected, tensors or numbers; found {} tensors and {} numbers",
            inputs.len(),
            numbers.iter().flatten().count()
        ))),
    }
}

/// Adds the arguments in `value`, in order: the number, or nothing for a tensor.
fn collect(value: &Value, found: &mut Vec<Option<f32>>) {
    match (value.get("class_name").and_then(Value::as_str), items(value)) {
        (Some("__keras_tensor__"), _) => found.push(None),
        (_, Some(items)) => items.iter().for_each(|item| collect(item, found)),
        _ => {
            if let Some(number) = value.as_f64() {
                found.push(Some(number as f32));
            } else if let Some(object) = value.as_object() {
                object.values().for_each(|value| collect(value, found));
            }
        }
    }
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
        (Binary::Max, _) => draft.step(clip(number, f32::INFINITY), &[]),
        (Binary::Min, _) => draft.step(clip(f32::NEG_INFINITY, number), &[]),
        (Binary::Pow, false) if number == 2.0 => {
            let x = draft.inputs[0];
            draft.combine(Binary::Mul, x)
        }
        (Binary::Pow, false) if number == 0.5 => draft.step(Op::Unary(Unary::Sqrt), &[]),
        _ => Err(draft.settings.unsupported(format_args!("with the number {number} it is not"))),
    }
}

fn clip(min: f32, max: f32) -> Op {
    Op::Unary(Unary::Clip { min, max })
}
