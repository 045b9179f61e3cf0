//! Operations outside of layers, as Keras 3 writes them: `x + 3`, `keras.ops.relu(x)`.
//!
//! A file lists them among the layers, with the class of the operation. Their arguments are tensors and numbers.

use facts::Result;
use facts::graph::{Binary, Op, Unary};
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
