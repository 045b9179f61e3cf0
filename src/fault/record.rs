//! The written record of a fault.

use serde::{Deserialize, Serialize};

use super::Target;

/// A fault that was injected, written out in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InjectedFault {
    /// What was changed.
    pub target: Target,
    /// Name of the layer.
    pub layer: String,
    /// Name of the tensor: the layer's output, or the parameter.
    pub tensor: String,
    /// Index into the tensor as the source framework lays it out for one image, row-major.
    pub element: usize,
    /// The bit that was inverted, for a bit flip.
    pub bit: Option<u8>,
    /// The value before.
    #[serde(with = "number")]
    pub before: f32,
    /// The value after.
    #[serde(with = "number")]
    pub after: f32,
}

/// Floats in JSON: a number where it is finite, else `"NaN"`, `"Infinity"` or `"-Infinity"`, since JSON has
/// no numbers for these. Finite float32 survive the round trip exactly.
pub mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Number {
        Finite(f32),
        Text(String),
    }

    /// Writes a float.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        wrap(*value).serialize(serializer)
    }

    /// Reads a float.
    ///
    /// # Errors
    /// Where the text is none of the three.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        unwrap(Number::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }

    fn wrap(value: f32) -> Number {
        if value.is_finite() {
            Number::Finite(value)
        } else if value.is_nan() {
            Number::Text("NaN".to_owned())
        } else {
            Number::Text(if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
        }
    }

    fn unwrap(number: Number) -> Result<f32, String> {
        match number {
            Number::Finite(value) => Ok(value),
            Number::Text(text) => match text.as_str() {
                "NaN" => Ok(f32::NAN),
                "Infinity" => Ok(f32::INFINITY),
                "-Infinity" => Ok(f32::NEG_INFINITY),
                _ => Err(format!("a number, \"NaN\", \"Infinity\" or \"-Infinity\" is expected, found \"{text}\"")),
            },
        }
    }

    /// The same for lists of floats.
    pub mod list {
        use super::{Deserialize, Deserializer, Number, Serializer, unwrap, wrap};

        /// Writes a list of floats.
        ///
        /// # Errors
        /// The serialiser's.
        pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(values.iter().map(|&value| wrap(value)))
        }

        /// Reads a list of floats.
        ///
        /// # Errors
        /// Where a text is none of the three.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
            Vec::<Number>::deserialize(deserializer)?
                .into_iter()
                .map(|number| unwrap(number).map_err(serde::de::Error::custom))
                .collect()
        }
    }
}
