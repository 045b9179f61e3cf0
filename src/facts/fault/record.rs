//! The written record of a fault.

use flate2::Crc;
use serde::{Deserialize, Serialize};

use super::{Bits, Corruption, CorruptionKind, Format, Site, Target, metadata};
use crate::graph::Graph;

/// A fault that was injected, written out in full. `S` is how it holds its names: a string of its own, or one
/// borrowed from the line it was read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InjectedFault<S = String> {
    /// What was changed.
    pub target: Target,
    /// Name of the layer.
    pub layer: S,
    /// Name of the tensor: the layer's output, or the parameter.
    pub tensor: S,
    /// Index into the tensor as the source framework lays it out for one image, row-major.
    pub element: usize,
    /// What was done to the value; `None` in records of versions that did not say.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CorruptionKind>,
    /// The bit that was struck, where it was one.
    pub bit: Option<u8>,
    /// The bits that were struck, where they were several.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "bit_list")]
    pub bits: Option<Bits>,
    /// The number format of the tensor; float32 where it is not said.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// The value before.
    #[serde(with = "number")]
    pub before: f32,
    /// The value after.
    #[serde(with = "number")]
    pub after: f32,
}

impl InjectedFault {
    /// Of the fault at `site`, with the value before and after.
    pub fn new(graph: &Graph, site: &Site, [before, after]: [f32; 2]) -> Self {
        Self {
            target: site.target,
            layer: graph.nodes[site.layer].name.clone(),
            tensor: graph.values[site.tensor].name.clone(),
            element: site.element,
            kind: Some(site.corruption.kind()),
            bit: site.corruption.bits().and_then(Bits::single),
            bits: site.corruption.bits().filter(|bits| bits.count() > 1),
            format: metadata::format_at(graph, site),
            before,
            after,
        }
    }
}

impl<S> InjectedFault<S> {
    /// The bits that were struck; `None` where the value was replaced.
    pub fn struck(&self) -> Option<Bits> {
        self.bits.or_else(|| Bits::one(self.bit?.into()).ok())
    }

    /// Whether the value after is another one than before: a bit can be stuck at the value that it has. A NaN is as any other.
    pub fn changes(&self) -> bool {
        self.before.to_bits() != self.after.to_bits() && !(self.before.is_nan() && self.after.is_nan())
    }

    /// The corruption that the record describes: all that it takes to inject the fault again.
    ///
    /// A record without a type is of a version that knew bit flips and replaced values only.
    pub fn corruption(&self) -> Corruption {
        match (self.kind, self.struck()) {
            (Some(CorruptionKind::BitFlip) | None, Some(bits)) => Corruption::Flip(bits),
            (Some(CorruptionKind::Stuck1), Some(bits)) => Corruption::StuckAt1(bits),
            (Some(CorruptionKind::Stuck0), Some(bits)) => Corruption::StuckAt0(bits),
            // A value that was changed by a number that no record keeps is replaced by the one that came out.
            (Some(_), None) | (None, None) | (Some(_), Some(_)) => Corruption::Set(self.after),
        }
    }
}

/// The errors of one inference that are too many for a record, or happen by chance in any number: bit errors, and patterns of
/// many elements. Seed, image and number of the fault draw the same errors again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BitErrors {
    /// The probability with which each bit flips; `None` where a pattern strikes many elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Struck bits.
    pub flips: u64,
    /// Elements with a flipped bit.
    pub elements: usize,
    /// CRC-32 of the places and masks, which tells whether the errors that are drawn again are the same.
    pub sites: u32,
    /// The bits that are struck in any of the elements of a pattern.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "bit_list")]
    pub bits: Option<Bits>,
    /// Layers that a pattern strikes, where they are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
}

impl BitErrors {
    /// Most elements that a record lists beside them.
    pub const LISTED: usize = 16;

    /// Of flips at `rate`: the layer, tensor and element of each, and its bits.
    pub fn of<'a>(rate: Option<f64>, struck: impl Iterator<Item = (&'a str, &'a str, usize, Option<Bits>)>) -> Self {
        let (mut flips, mut elements, mut sites) = (0, 0, Crc::new());
        let (mut all, mut layers, mut last) = (0, 0, None);
        for (layer, tensor, element, bits) in struck {
            let mask = bits.map_or(0, Bits::mask);
            // Lengths keep the end of a name apart from the beginning of the next.
            for name in [layer, tensor] {
                sites.update(&(name.len() as u64).to_le_bytes());
                sites.update(name.as_bytes());
            }
            sites.update(&(element as u64).to_le_bytes());
            sites.update(&mask.to_le_bytes());
            all |= mask;
            layers += usize::from(last.replace(layer) != Some(layer));
            flips += u64::from(mask.count_ones());
            elements += 1;
        }
        Self {
            rate,
            flips,
            elements,
            sites: sites.sum(),
            bits: Bits::from_mask(all).filter(|_| rate.is_none()),
            layers: Some(layers).filter(|&layers| rate.is_none() && layers != 1),
        }
    }
}

/// The elements of one tensor as ranges, each with its first and its last one; at most so many ranges.
pub fn ranges(elements: impl Iterator<Item = usize>, most: usize) -> Vec<[usize; 2]> {
    let mut found: Vec<[usize; 2]> = Vec::new();
    for element in elements {
        let is_full = found.len() == most;
        match found.last_mut() {
            Some([_, last]) if *last + 1 == element => *last = element,
            _ if is_full => break,
            _ => found.push([element; 2]),
        }
    }
    found
}

/// Several bits in JSON: always a list, also where it holds all of them.
mod bit_list {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Bits;

    pub fn serialize<S: Serializer>(bits: &Option<Bits>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(bits.iter().flat_map(|bits| bits.iter()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bits>, D::Error> {
        Bits::deserialize(deserializer).map(Some)
    }
}

/// Floats in JSON: a number where it is finite, else `"NaN"`, `"Infinity"` or `"-Infinity"`, since JSON has
/// no numbers for these. Finite float32 survive the round trip exactly.
pub mod number {
    use std::fmt;

    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// A float as JSON holds it.
    struct Number(f32);

    /// Writes a float.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        Number(*value).serialize(serializer)
    }

    /// Reads a float.
    ///
    /// # Errors
    /// Where the text is none of the three.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        Number::deserialize(deserializer).map(|Number(value)| value)
    }

    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self(value) = *self;
            if value.is_finite() {
                serializer.serialize_f32(value)
            } else if value.is_nan() {
                serializer.serialize_str("NaN")
            } else {
                serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
            }
        }
    }

    impl<'de> Deserialize<'de> for Number {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(NumberVisitor).map(Self)
        }
    }

    struct NumberVisitor;

    impl Visitor<'_> for NumberVisitor {
        type Value = f32;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<f32, E> {
            Ok(value as f32)
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<f32, E> {
            Ok(value as f32)
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<f32, E> {
            Ok(value as f32)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<f32, E> {
            match text {
                "NaN" => Ok(f32::NAN),
                "Infinity" => Ok(f32::INFINITY),
                "-Infinity" => Ok(f32::NEG_INFINITY),
                _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
            }
        }
    }

    /// The same for pairs of floats.
    pub mod pair {
        use super::{Deserialize, Deserializer, Number, Serialize, Serializer};

        /// Writes a pair of floats.
        ///
        /// # Errors
        /// The serialiser's.
        pub fn serialize<S: Serializer>(pair: &[f32; 2], serializer: S) -> Result<S::Ok, S::Error> {
            pair.map(Number).serialize(serializer)
        }

        /// Reads a pair of floats.
        ///
        /// # Errors
        /// Where they are not two, or a text is none of the three.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; 2], D::Error> {
            <[Number; 2]>::deserialize(deserializer).map(|pair| pair.map(|Number(value)| value))
        }
    }

    /// The same for lists of floats.
    pub mod list {
        use super::{Deserialize, Deserializer, Number, Serializer};

        /// Writes a list of floats.
        ///
        /// # Errors
        /// The serialiser's.
        pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(values.iter().map(|&value| Number(value)))
        }

        /// Reads a list of floats.
        ///
        /// # Errors
        /// Where a text is none of the three.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
            Ok(Vec::<Number>::deserialize(deserializer)?.into_iter().map(|Number(value)| value).collect())
        }
    }
}
