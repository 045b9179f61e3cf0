//! Arrays in a configuration: what Keras writes where an operation or a layer reads a constant.

use facts::graph::HostTensor;
use serde_json::Value;

/// Most axes of an array.
const AXES: usize = 8;

/// Whether `value` is an array.
pub(super) fn is_array(value: &Value) -> bool {
    matches!(value.get("class_name").and_then(Value::as_str), Some("__numpy__" | "__tensor__"))
}

/// The shape of the array `value`.
///
/// # Errors
/// Where it is none.
pub(super) fn shape(value: &Value) -> Result<Vec<usize>, String> {
    let mut inner = nested(value)?;
    let mut shape = Vec::new();
    while let Some(items) = inner.as_array() {
        shape.push(items.len());
        if shape.len() > AXES {
            return Err(format!("an array has more than {AXES} axes"));
        }
        match items.first() {
            Some(first) => inner = first,
            None => return Err("an array has no elements".to_owned()),
        }
    }
    Ok(shape)
}

/// The elements of the array `value`; truth values are 1 and 0.
///
/// # Errors
/// Where it is no array of numbers, or its rows have different lengths.
pub(super) fn read(value: &Value) -> Result<HostTensor, String> {
    let shape = shape(value)?;
    let mut data = Vec::new();
    collect(nested(value)?, &shape, &mut data)?;
    HostTensor::new(shape, data).map_err(|error| error.to_string())
}

fn nested(value: &Value) -> Result<&Value, String> {
    value.get("config").and_then(|config| config.get("value")).ok_or_else(|| "an array has no value".to_owned())
}

fn collect(value: &Value, shape: &[usize], data: &mut Vec<f32>) -> Result<(), String> {
    match (shape.split_first(), value.as_array()) {
        (Some((&length, inner)), Some(items)) if items.len() == length => {
            items.iter().try_for_each(|item| collect(item, inner, data))
        }
        (Some((length, _)), _) => Err(format!("an array's rows must all have {length} entries")),
        (None, _) => {
            let number = value.as_f64().or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))));
            let named = || match value.as_str() {
                Some("NaN") => Some(f64::NAN),
                Some("Infinity") => Some(f64::INFINITY),
                Some("-Infinity") => Some(f64::NEG_INFINITY),
                _ => None,
            };
            let number =
                number.or_else(named).ok_or_else(|| format!("an array has {value} where a number is expected"))?;
            data.push(number as f32);
            Ok(())
        }
    }
}
