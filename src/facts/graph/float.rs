//! Attributes that may be infinite, in JSON, which has no infinity: `"inf"` and `"-inf"`.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Float {
    Finite(f32),
    Named(String),
}

pub(super) fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() { serializer.serialize_f32(*value) } else { serializer.serialize_str(&value.to_string()) }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    match Float::deserialize(deserializer)? {
        Float::Finite(value) => Ok(value),
        Float::Named(name) => match name.as_str() {
            "inf" => Ok(f32::INFINITY),
            "-inf" => Ok(f32::NEG_INFINITY),
            "NaN" => Ok(f32::NAN),
            other => Err(D::Error::invalid_value(Unexpected::Str(other), &"a number, \"inf\", \"-inf\" or \"NaN\"")),
        },
    }
}
