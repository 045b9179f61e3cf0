//! The protection of the network that a campaign injects faults into.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::number;
use crate::{Name, Named};

/// A protection, and the data that it was fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// The method.
    pub method: ProtectionMethod,
    /// Number of images, from the first of the data, whose golden runs it was learnt from.
    pub profile: usize,
}

/// A method of protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProtectionMethod {
    /// Every layer's output is clipped to the range of its values in golden runs.
    Range,
}

impl Named for ProtectionMethod {
    const ALL: &'static [(Self, Name)] = &[(
        Self::Range,
        Name::new("range", "Range clipping", "every layer's output is clipped to its range in golden runs"),
    )];
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images = if self.profile == 1 { "image" } else { "images" };
        write!(f, "protected by {}, learnt from {} {images}", self.method.name(), self.profile)
    }
}

/// The values that a protection lets a tensor have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorRange {
    /// Name of the tensor.
    pub tensor: String,
    /// The smallest.
    #[serde(with = "number")]
    pub low: f32,
    /// The largest.
    #[serde(with = "number")]
    pub high: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protection_is_said_in_words_and_in_json() {
        let protection = Protection { method: ProtectionMethod::Range, profile: 100 };
        assert_eq!(protection.to_string(), "protected by range, learnt from 100 images");
        assert_eq!(Protection { profile: 1, ..protection }.to_string(), "protected by range, learnt from 1 image");
        assert_eq!(serde_json::to_string(&protection).unwrap(), r#"{"method":"range","profile":100}"#);
    }

    #[test]
    fn a_range_survives_writing_and_reading() {
        for (low, high) in [(-0.0, 0.1), (f32::NEG_INFINITY, 3.402_823_5e38), (-1.0e-45, f32::INFINITY)] {
            let range = TensorRange { tensor: "relu".to_owned(), low, high };
            let read: TensorRange = serde_json::from_str(&serde_json::to_string(&range).unwrap()).unwrap();
            assert_eq!([read.low.to_bits(), read.high.to_bits()], [low, high].map(f32::to_bits));
        }
    }
}
