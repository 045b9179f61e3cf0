//! A layer's settings, as its configuration states them: JSON with a few conventions of Keras'.

use facts::{Error, Result};
use serde_json::Value;

/// The settings of one layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings<'a> {
    /// The layer's name, for messages.
    pub layer: &'a str,
    /// Its class.
    pub class: &'a str,
    config: &'a Value,
}

impl<'a> Settings<'a> {
    /// The settings `config` of the layer called `layer`.
    pub fn new(layer: &'a str, class: &'a str, config: &'a Value) -> Self {
        Self { layer, class, config }
    }

    /// The error that names the layer.
    pub fn error(&self, problem: impl std::fmt::Display) -> Error {
        Error::graph(self.layer, problem)
    }

    /// The error about a layer that cannot be executed.
    pub fn unsupported(&self, reason: impl std::fmt::Display) -> Error {
        self.error(format_args!("Keras layer {} is not supported: {reason}", self.class))
    }

    /// The value of `key`, where it is stated and not null.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// The keys that are stated and not null.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        let stated = self.config.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        stated.map(|(key, _)| key.as_str())
    }

    /// The switch `key`.
    pub fn switch(&self, key: &str, default: bool) -> Result<bool> {
        self.get(key)
            .map_or(Ok(default), |value| value.as_bool().ok_or_else(|| self.wrong(key, "true or false", value)))
    }

    /// The text `key`.
    pub fn text(&self, key: &str, default: &'a str) -> Result<&'a str> {
        self.get(key).map_or(Ok(default), |value| value.as_str().ok_or_else(|| self.wrong(key, "a text", value)))
    }

    /// The number `key`, where it is stated.
    pub fn number(&self, key: &str) -> Result<Option<f32>> {
        self.get(key).map(|value| number(value).ok_or_else(|| self.wrong(key, "a number", value))).transpose()
    }

    /// The numbers of `key`, where it is stated: one, or a list.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f32>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let mut numbers = Vec::new();
        if flatten(value, &mut numbers) && !numbers.is_empty() {
            return Ok(Some(numbers));
        }
        Err(self.wrong(key, "a number or a list of numbers", value))
    }

    /// The count `key`, which must be stated.
    pub fn count(&self, key: &str) -> Result<usize> {
        let value = self.get(key).unwrap_or(&Value::Null);
        count(value).ok_or_else(|| self.wrong(key, "a count", value))
    }

    /// The vertical and the horizontal count of `key`: two, or one for both.
    pub fn pair(&self, key: &str, default: Option<[usize; 2]>) -> Result<[usize; 2]> {
        let value = match (self.get(key), default) {
            (None, Some(default)) => return Ok(default),
            (value, _) => value.unwrap_or(&Value::Null),
        };
        let pair = match items(value) {
            Some([vertical, horizontal]) => count(vertical).zip(count(horizontal)),
            Some([both]) => count(both).map(|count| (count, count)),
            _ => count(value).map(|count| (count, count)),
        };
        pair.map(|(a, b)| [a, b]).ok_or_else(|| self.wrong(key, "one or two counts", value))
    }

    /// What `key` says of the four sides of an image: `[[top, bottom], [left, right]]`, which may be stated as two
    /// counts or one.
    pub fn sides(&self, key: &str, default: usize) -> Result<[[usize; 2]; 2]> {
        let Some(value) = self.get(key) else { return Ok([[default; 2]; 2]) };
        let side = |value: &Value| match items(value) {
            Some([before, after]) => Some([count(before)?, count(after)?]),
            Some(_) => None,
            None => count(value).map(|both| [both; 2]),
        };
        let sides = match items(value) {
            Some([vertical, horizontal]) => side(vertical).zip(side(horizontal)),
            Some(_) => None,
            None => count(value).map(|all| ([all; 2], [all; 2])),
        };
        sides.map(|(a, b)| [a, b]).ok_or_else(|| self.wrong(key, "counts for the sides of an image", value))
    }

    /// The integers of the list `key`.
    pub fn integers(&self, key: &str) -> Result<Vec<i64>> {
        let value = self.get(key).unwrap_or(&Value::Null);
        let integers = items(value).map(|items| items.iter().map(Value::as_i64).collect::<Option<Vec<_>>>());
        integers.flatten().ok_or_else(|| self.wrong(key, "a list of integers", value))
    }

    /// The axis `key` of a tensor of `rank` axes, counted from the end where it is negative.
    pub fn axis(&self, key: &str, default: i64, rank: usize) -> Result<usize> {
        let stated = match self.get(key) {
            None => Some(default),
            Some(value) => match items(value) {
                Some([one]) => one.as_i64(),
                Some(_) => {
                    return Err(self.unsupported(format_args!("\"{key}\" names several axes, only one is")));
                }
                None => value.as_i64(),
            },
        };
        let axis =
            stated.and_then(|axis| if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?) } else { Some(axis) });
        axis.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank).ok_or_else(|| {
            self.error(format_args!("\"{key}\" must be one of {rank} axes, found {}", shown(self.get(key))))
        })
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) -> Error {
        self.error(format_args!("setting \"{key}\" must be {expected}, found {}", shown(Some(found))))
    }
}

/// The items of a list, however Keras writes it down.
pub(super) fn items(value: &Value) -> Option<&[Value]> {
    let list = match value.get("class_name").and_then(Value::as_str) {
        Some("__tuple__") => value.get("items")?,
        Some("__numpy__") => value.get("config")?.get("value")?,
        _ => value,
    };
    list.as_array().map(Vec::as_slice)
}

fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

fn number(value: &Value) -> Option<f32> {
    value.as_f64().map(|number| number as f32)
}

/// Adds the numbers in `value`, nested lists laid end to end; whether there is nothing but numbers.
fn flatten(value: &Value, numbers: &mut Vec<f32>) -> bool {
    match items(value) {
        Some(items) => items.iter().all(|item| flatten(item, numbers)),
        None => {
            numbers.extend(number(value));
            value.is_number()
        }
    }
}

/// A value for a message, cut where it is long.
fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
