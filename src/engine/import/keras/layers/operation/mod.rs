//! Operations outside of layers, as Keras 3 writes them: `x + 3`, `keras.ops.relu(x)`.
//!
//! A file lists them among the layers, with the class of the operation. Their arguments are tensors, numbers and arrays.

mod axes;
mod element;
mod places;
mod products;

use facts::Result;
use facts::graph::ValueId;
use serde_json::{Value, json};

use super::super::draft::Draft;
use super::super::settings::{Settings, items};

/// Where a configuration keeps the arguments of an operation.
const ARGUMENTS: &str = "operation_arguments";

/// The operations that state a type, which otherwise is a setting of layers.
pub(in super::super) const TYPED: [&str; 7] = ["Cast", "Cumsum", "FullLike", "OneHot", "OnesLike", "Prod", "ZerosLike"];

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
    let known = [element::translator, axes::translator, places::translator, products::translator];
    known.into_iter().find_map(|known| known(settings.class)).ok_or_else(|| {
        settings.unsupported("it is an operation outside of any layer, and none that Faultscope executes")
    })
}

/// An argument of an operation.
#[derive(Clone, Copy, Debug)]
enum Argument<'a> {
    Tensor(ValueId),
    Number(f32),
    /// An array that the file holds.
    Array(&'a Value),
}

/// The arguments in order, those by name after those by place, lists laid end to end. Of a tensor there is an input.
fn arguments<'a>(draft: &Draft<'a>) -> Result<Vec<Argument<'a>>> {
    let mut found = Vec::new();
    for part in draft.settings.get(ARGUMENTS).and_then(Value::as_array).into_iter().flatten() {
        collect(part, &mut found);
    }
    let mut inputs = draft.inputs.iter().copied();
    let arguments: Option<Vec<Argument<'a>>> = found
        .into_iter()
        .map(|argument| match argument {
            None => inputs.next().map(Argument::Tensor),
            known => known,
        })
        .collect();
    arguments.filter(|_| inputs.next().is_none()).ok_or_else(|| {
        draft.settings.error(format_args!("its arguments do not fit the {} tensors that it reads", draft.inputs.len()))
    })
}

/// Adds the arguments in `value`; nothing stands for a tensor.
fn collect<'a>(value: &'a Value, found: &mut Vec<Option<Argument<'a>>>) {
    match (value.get("class_name").and_then(Value::as_str), items(value)) {
        (Some("__keras_tensor__"), _) => found.push(None),
        (Some("__numpy__" | "__tensor__"), _) => found.push(Some(Argument::Array(value))),
        (_, Some(items)) => items.iter().for_each(|item| collect(item, found)),
        _ => {
            if let Some(number) = value.as_f64() {
                found.push(Some(Argument::Number(number as f32)));
            } else if let Some(truth) = value.as_bool() {
                found.push(Some(Argument::Number(f32::from(u8::from(truth)))));
            } else if let Some(object) = value.as_object() {
                object.values().for_each(|value| collect(value, found));
            }
        }
    }
}

/// The argument at place `place`, or the one called `name`, as the file has it.
fn raw<'a>(settings: &Settings<'a>, place: usize, name: &str) -> Option<&'a Value> {
    let parts = settings.get(ARGUMENTS)?.as_array()?;
    let by_place = parts.first().and_then(items).and_then(|args| args.get(place));
    by_place.or_else(|| parts.get(1)?.get(name)).filter(|value| !value.is_null())
}

/// A tensor with `rank` axes for an argument. Numbers and arrays become parameters.
fn operand(draft: &mut Draft, argument: Argument<'_>, rank: usize) -> Result<ValueId> {
    match argument {
        Argument::Tensor(id) => match draft.rank_of(id) {
            own if own == rank => Ok(id),
            own => Err(draft
                .settings
                .unsupported(format_args!("its inputs have different numbers of axes, {own} and {rank}"))),
        },
        Argument::Number(number) => draft.table("number", vec![1; rank], vec![number]),
        Argument::Array(value) => draft.array("array", value, rank),
    }
}

/// Refuses more or fewer tensors than one.
fn one_tensor(draft: &Draft) -> Result<()> {
    match draft.inputs.len() {
        1 => Ok(()),
        count => Err(draft.settings.error(format_args!("one tensor is expected, found {count}"))),
    }
}

fn of_batch(settings: &Settings) -> facts::Error {
    settings.unsupported("along the axis of the batch it is not")
}

/// Axes from a setting: one, or a list; nothing where nothing is stated.
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

/// The one axis that a setting names; not the batch's.
fn axis(settings: &Settings, key: &str, rank: usize) -> Result<usize> {
    match axes(settings, key, rank)?.as_deref() {
        Some(&[axis]) if axis > 0 => Ok(axis),
        Some(&[_]) => Err(of_batch(settings)),
        _ => Err(settings.unsupported(format_args!("only with one number as its \"{key}\" is it"))),
    }
}
