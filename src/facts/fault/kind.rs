//! The kinds of fault: the rule by which a value changes.
//!
//! This file is all that a kind needs: its row in the table of names, its numbers, its draw, its words.

use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::record::number;
use super::{Bits, Code, Corruption, Format};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FaultKind {
    /// One bit inverted, drawn uniformly from these.
    BitFlip {
        /// 0 = least significant mantissa bit, 31 = sign.
        #[serde(rename = "bit", default)]
        bits: Bits,
    },
    /// Set to zero.
    Zero {
        /// Share of the tensor's elements in percent, above 0 and up to 100; without it, `amount` elements.
        percent: Option<f64>,
    },
    /// Replaced by a number drawn uniformly from [0, 1).
    Random,
    /// Several bits of one word inverted, drawn from these.
    BitFlips {
        /// The bits that are drawn from.
        #[serde(rename = "bit", default)]
        bits: Bits,
        /// How many are inverted.
        #[serde(rename = "bits_per_word", default = "two")]
        count: u8,
    },
    /// Adjacent bits of one word inverted.
    Burst {
        /// The bits that the burst lies in.
        #[serde(rename = "bit", default)]
        bits: Bits,
        /// How many are inverted.
        #[serde(rename = "burst", default = "two")]
        length: u8,
    },
    /// One bit, drawn from these, is 0 in the same element for every image.
    Stuck0 {
        /// The bits that are drawn from.
        #[serde(rename = "bit", default)]
        bits: Bits,
    },
    /// One bit, drawn from these, is 1 in the same element for every image.
    Stuck1 {
        /// The bits that are drawn from.
        #[serde(rename = "bit", default)]
        bits: Bits,
    },
    /// Set to a number.
    Set {
        /// The number.
        #[serde(with = "number", default)]
        value: f32,
    },
    /// Multiplied by a number.
    Scale {
        /// The number.
        #[serde(with = "number", default = "double")]
        factor: f32,
    },
    /// Replaced by a number drawn uniformly from the range of the tensor's golden values.
    #[serde(rename = "in-range")]
    InRange,
    /// Replaced by a number that the format holds and that lies outside the range of the tensor's golden values.
    #[serde(rename = "out-of-range")]
    OutOfRange,
    /// A number is added that is drawn from a normal distribution around 0.
    Noise {
        /// The standard deviation.
        #[serde(with = "number", default = "unit")]
        deviation: f32,
    },
}

fn two() -> u8 {
    2
}

fn double() -> f32 {
    2.0
}

fn unit() -> f32 {
    1.0
}

impl Default for FaultKind {
    /// One bit flip, drawn from all bits.
    fn default() -> Self {
        Self::BitFlip { bits: Bits::ALL }
    }
}

impl Named for FaultKind {
    const ALL: &'static [(Self, Name)] = &[
        (Self::BitFlip { bits: Bits::ALL }, Name::new("bitflip", "Bit flip", "one bit inverted")),
        (Self::Zero { percent: None }, Name::new("zero", "Zero", "set to zero")),
        (Self::Random, Name::new("random", "Random value, 0 to 1", "replaced by a number drawn uniformly from [0, 1)")),
        (
            Self::BitFlips { bits: Bits::ALL, count: 2 },
            Name::new("bitflips", "Several bits", "two bits of a word inverted, or --bits-per-word K"),
        ),
        (
            Self::Burst { bits: Bits::ALL, length: 2 },
            Name::new("burst", "Burst", "two adjacent bits of a word inverted, or --burst K"),
        ),
        (
            Self::Stuck0 { bits: Bits::ALL },
            Name::new("stuck0", "Stuck at 0", "permanent: one bit is 0, in the same element for every image"),
        ),
        (
            Self::Stuck1 { bits: Bits::ALL },
            Name::new("stuck1", "Stuck at 1", "permanent: one bit is 1, in the same element for every image"),
        ),
        (
            Self::Set { value: 0.0 },
            Name::new("set", "Set to a number", "set:V, set to the number V, which may be NaN or inf"),
        ),
        (Self::Scale { factor: 2.0 }, Name::new("scale", "Scaled", "scale:F, multiplied by F")),
        (
            Self::Noise { deviation: 1.0 },
            Name::new("noise", "Noise", "noise:S, a normally distributed number of standard deviation S added"),
        ),
        (
            Self::InRange,
            Name::new(
                "in-range",
                "Golden range",
                "replaced by a number drawn from the range of the tensor's golden values",
            ),
        ),
        (
            Self::OutOfRange,
            Name::new("out-of-range", "Beyond golden range", "replaced by a number of the format outside that range"),
        ),
    ];
}

impl FaultKind {
    /// The kind as users write it, `set:V`.
    fn form(self) -> String {
        let number = match self {
            Self::Set { .. } => ":V",
            Self::Scale { .. } => ":F",
            Self::Noise { .. } => ":S",
            _ => "",
        };
        format!("{}{number}", self.name())
    }

    /// Whether bits are struck, so that a user may choose them.
    pub fn takes_bits(self) -> bool {
        self.bits().is_some()
    }

    /// The bits that are drawn from, where bits are struck.
    pub fn bits(self) -> Option<Bits> {
        match self {
            Self::BitFlip { bits }
            | Self::BitFlips { bits, .. }
            | Self::Burst { bits, .. }
            | Self::Stuck0 { bits }
            | Self::Stuck1 { bits } => Some(bits),
            Self::Zero { .. }
            | Self::Random
            | Self::Set { .. }
            | Self::Scale { .. }
            | Self::Noise { .. }
            | Self::InRange
            | Self::OutOfRange => None,
        }
    }

    /// Whether the new value depends on the range of the tensor's golden values.
    pub fn needs_range(self) -> bool {
        matches!(self, Self::InRange | Self::OutOfRange)
    }

    /// Whether a fault is permanent: every image of a campaign has the same ones.
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::Stuck0 { .. } | Self::Stuck1 { .. })
    }

    /// The kind called `text`: a name, and of some kinds a number behind a colon.
    ///
    /// # Errors
    /// If there is no such kind, or it has another number.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        Self::parse_of(text, |_| true)
    }

    /// The same where the message is to name the kinds that are `possible`.
    ///
    /// # Errors
    /// As [`FaultKind::parse`].
    pub fn parse_of(text: &str, possible: impl Fn(Self) -> bool) -> std::result::Result<Self, String> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let parsed = |text: &str| match text.parse::<f32>() {
            // Too large a number is read as infinity.
            Ok(number) if number.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) => Err(format!(
                "{text} is beyond the numbers of float32, {:e} is the largest; {name}:inf is infinity",
                f32::MAX
            )),
            Ok(number) => Ok(number),
            Err(_) => Err(format!("{name}:NUMBER is expected, found {text}")),
        };
        let kind = Self::named(name).map_err(|_| {
            let forms = Self::ALL.iter().map(|(kind, _)| *kind).filter(|kind| possible(*kind)).map(Self::form);
            format!("{} is expected", list(forms, "or"))
        })?;
        match (kind, number) {
            (Self::Set { .. }, Some(number)) => Ok(Self::Set { value: parsed(number)? }),
            (Self::Scale { .. }, Some(number)) => Ok(Self::Scale { factor: parsed(number)? }),
            (Self::Noise { .. }, Some(number)) => Ok(Self::Noise { deviation: parsed(number)? }),
            (Self::Set { .. } | Self::Scale { .. } | Self::Noise { .. }, None) => {
                Err(format!("{name}:NUMBER is expected, found {name}"))
            }
            (_, Some(_)) => Err(format!("{name} takes no number")),
            (kind, None) => Ok(kind),
        }
    }

    /// The flip of one bit with another number of bits of a word: `count` of them anywhere, or a `burst` of adjacent ones.
    ///
    /// # Errors
    /// If the kind flips no bits, or both numbers are stated.
    pub fn of_many(self, count: Option<u8>, burst: Option<u8>) -> Result<Self> {
        let flips = matches!(self, Self::BitFlip { .. } | Self::BitFlips { .. } | Self::Burst { .. });
        match (self.bits().filter(|_| flips), count, burst) {
            (_, None, None) => Ok(self),
            (_, Some(_), Some(_)) => Err(Error::request("--bits-per-word and --burst exclude each other")),
            (None, ..) => Err(Error::request("--bits-per-word and --burst go with --type bitflip only")),
            (Some(bits), Some(1), None) | (Some(bits), None, Some(1)) => Ok(Self::BitFlip { bits }),
            (Some(bits), Some(count), None) => Ok(Self::BitFlips { bits, count }),
            (Some(bits), None, Some(length)) => Ok(Self::Burst { bits, length }),
        }
    }

    /// Whether a number replaces the value, so that a user may choose it.
    pub fn takes_value(self) -> bool {
        matches!(self, Self::Random)
    }

    /// The kind with the numbers that a user has stated.
    ///
    /// # Errors
    /// If the kind has no such number.
    pub fn with(self, bits: Option<Bits>, percent: Option<f64>) -> Result<Self> {
        match self {
            Self::BitFlip { .. } if percent.is_none() => Ok(Self::BitFlip { bits: bits.unwrap_or_default() }),
            Self::BitFlips { count, .. } if percent.is_none() => {
                Ok(Self::BitFlips { bits: bits.unwrap_or_default(), count })
            }
            Self::Burst { length, .. } if percent.is_none() => {
                Ok(Self::Burst { bits: bits.unwrap_or_default(), length })
            }
            Self::Stuck0 { .. } if percent.is_none() => Ok(Self::Stuck0 { bits: bits.unwrap_or_default() }),
            Self::Stuck1 { .. } if percent.is_none() => Ok(Self::Stuck1 { bits: bits.unwrap_or_default() }),
            Self::Zero { .. } if bits.is_none() => Ok(Self::Zero { percent }),
            kind if bits.is_none() && percent.is_none() => Ok(kind),
            _ if bits.is_some() => {
                let kinds = Self::ALL.iter().filter(|(kind, _)| kind.takes_bits()).map(|(_, row)| row.name);
                Err(Error::request(format_args!("--bit goes with --type {} only", list(kinds, "and"))))
            }
            _ => Err(Error::request("--percent goes with --type zero only")),
        }
    }

    /// The corruption of a single fault: all of `bits` are struck, or `value` is written, as the kind has it.
    pub fn exactly(self, bits: Bits, value: f32) -> Corruption {
        match self {
            Self::BitFlip { .. } | Self::BitFlips { .. } | Self::Burst { .. } => Corruption::Flip(bits),
            Self::Stuck0 { .. } => Corruption::StuckAt0(bits),
            Self::Stuck1 { .. } => Corruption::StuckAt1(bits),
            Self::Zero { .. } => Corruption::Set(0.0),
            Self::Random | Self::InRange | Self::OutOfRange => Corruption::Set(value),
            Self::Set { value } => Corruption::Set(value),
            Self::Scale { factor } => Corruption::Scale(factor),
            Self::Noise { deviation } => Corruption::Add(deviation),
        }
    }

    /// The corruption of one element of a campaign's fault, which is stored as `code` says. The golden values of the tensor lie in
    /// `range`.
    ///
    /// # Errors
    /// Where the format lacks a bit that is to be drawn from, or holds no value that is asked for, or the range is not known.
    pub(super) fn draw(self, rng: &mut ChaCha8Rng, code: Code, range: Option<[f32; 2]>) -> Result<Corruption> {
        let format = code.format;
        Ok(match self {
            Self::InRange => {
                let [low, high] = range.ok_or_else(no_range)?;
                // In f64, where the width of the range cannot overflow.
                let drawn = f64::from(low) + rng.random::<f64>() * (f64::from(high) - f64::from(low));
                Corruption::Set((drawn as f32).clamp(low, high))
            }
            Self::OutOfRange => Corruption::Set(beyond(rng, code, range.ok_or_else(no_range)?)?),
            Self::BitFlip { bits } => {
                let bits = bits.within(format)?;
                // A single bit takes no number of `rng`.
                let drawn = if bits.single().is_some() { bits } else { bits.nth(rng.random_range(0..bits.count())) };
                Corruption::Flip(drawn)
            }
            Self::Zero { .. } => Corruption::Set(0.0),
            Self::Random => Corruption::Set(rng.random::<f32>()),
            Self::BitFlips { bits, count } => {
                let bits = bits.within(format)?;
                if u32::from(count) > bits.count() {
                    return Err(few(format_args!("{count} bits of a word"), bits, format));
                }
                let drawn = index::sample(rng, bits.count() as usize, count.into()).into_iter();
                let mask = drawn.fold(0, |mask, nth| mask | bits.nth(nth as u32).mask());
                Corruption::Flip(Bits::from_mask(mask).unwrap_or(bits))
            }
            Self::Burst { bits, length } => {
                let bits = bits.within(format)?;
                let burst = u32::MAX.checked_shr(32 - u32::from(length)).unwrap_or(0);
                let starts: Vec<u32> = (0..=32 - u32::from(length).min(32))
                    .filter(|start| burst != 0 && bits.mask() & burst << start == burst << start)
                    .collect();
                if starts.is_empty() {
                    return Err(few(format_args!("{length} adjacent bits"), bits, format));
                }
                let start = starts[rng.random_range(0..starts.len() as u64) as usize];
                Corruption::Flip(Bits::from_mask(burst << start).unwrap_or(bits))
            }
            Self::Stuck0 { bits } => Corruption::StuckAt0(one(bits, format, rng)?),
            Self::Stuck1 { bits } => Corruption::StuckAt1(one(bits, format, rng)?),
            Self::Set { value } => Corruption::Set(value),
            Self::Scale { factor } => Corruption::Scale(factor),
            Self::Noise { deviation } => {
                // The sum of twelve uniform numbers is nearly normal, has the variance 1, and is the same on every machine.
                let sum: f32 = (0..12).map(|_| rng.random::<f32>()).sum();
                Corruption::Add((sum - 6.0) * deviation)
            }
        })
    }

    /// Number of elements that a fault strikes in a layer of `elements`, where `amount` are asked for.
    pub fn amount(self, amount: usize, elements: usize) -> usize {
        match self {
            // A percentage of a small layer still hits one element.
            Self::Zero { percent: Some(percent) } => {
                ((elements as f64 * percent / 100.0).round() as usize).clamp(1, elements.max(1))
            }
            _ => amount,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// If the percentage is out of range.
    pub fn validate(self) -> Result<()> {
        match self {
            Self::BitFlips { count: number, .. } if !(1..=32).contains(&number) => Err(Error::request(format_args!(
                "--bits-per-word: 1 to 32 bits of a word are inverted, found {number}"
            ))),
            Self::Burst { length: number, .. } if !(1..=32).contains(&number) => {
                Err(Error::request(format_args!("--burst: 1 to 32 bits of a word are inverted, found {number}")))
            }
            Self::Noise { deviation } if !(deviation >= 0.0 && deviation.is_finite()) => Err(Error::request(
                format_args!("--type noise:S: a standard deviation is 0 or above, found {deviation}"),
            )),
            Self::Zero { percent: Some(percent) } if !(percent > 0.0 && percent <= 100.0) => Err(Error::request(
                format_args!("--percent: a percentage above 0 and up to 100 is expected, found {percent}"),
            )),
            _ => Ok(()),
        }
    }

    /// The kind in words, for a heading.
    pub fn words(self) -> String {
        match self {
            Self::BitFlip { bits: Bits::ALL } => "one bit flipped".to_owned(),
            Self::BitFlip { bits } if bits.count() > 1 => format!("one of bits {bits} flipped"),
            Self::BitFlip { bits } => format!("bit {bits} flipped"),
            Self::Zero { percent: Some(percent) } => format!("{percent} % of a layer's values set to zero"),
            Self::Zero { percent: None } => "value set to zero".to_owned(),
            Self::Random => "value replaced at random".to_owned(),
            Self::BitFlips { bits, count } => format!("{count} bits of a word flipped{}", among(bits)),
            Self::Burst { bits, length } => format!("{length} adjacent bits of a word flipped{}", among(bits)),
            Self::Stuck0 { bits } => format!("one bit stuck at 0, the same for every image{}", among(bits)),
            Self::Stuck1 { bits } => format!("one bit stuck at 1, the same for every image{}", among(bits)),
            Self::Set { value } => format!("value set to {value}"),
            Self::Scale { factor } => format!("value multiplied by {factor}"),
            Self::InRange => "value replaced within the golden range".to_owned(),
            Self::OutOfRange => "value replaced outside the golden range".to_owned(),
            Self::Noise { deviation } => format!("noise of standard deviation {deviation} added"),
        }
    }
}

/// Returns words with commas between them, and with `last` before the last one.
fn list(words: impl Iterator<Item = impl Into<String>>, last: &str) -> String {
    let words: Vec<String> = words.map(Into::into).collect();
    match &words[..] {
        [others @ .., end] if !others.is_empty() => format!("{} {last} {end}", others.join(", ")),
        few => few.concat(),
    }
}

fn no_range() -> Error {
    Error::request("the range of the golden values is not known here")
}

/// A number that `code` holds, each as likely, outside the range.
fn beyond(rng: &mut ChaCha8Rng, code: Code, [low, high]: [f32; 2]) -> Result<f32> {
    /// Words that are tried: where fewer than one of a thousand lies outside, hardly any does.
    const TRIES: usize = 1 << 14;
    let word = |rng: &mut ChaCha8Rng| code.decode(rng.random::<u32>() & code.format.mask());
    let outside = |value: &f32| value.is_finite() && !(low..=high).contains(value);
    (0..TRIES).map(|_| word(rng)).find(outside).ok_or_else(|| {
        Error::request(format_args!(
            "{} holds no number outside the range {low} to {high} of the golden values",
            code.format.name()
        ))
    })
}

/// One of `bits`, as a number in `format` has them.
fn one(bits: Bits, format: Format, rng: &mut ChaCha8Rng) -> Result<Bits> {
    let bits = bits.within(format)?;
    Ok(if bits.single().is_some() { bits } else { bits.nth(rng.random_range(0..bits.count())) })
}

fn few(wanted: std::fmt::Arguments<'_>, bits: Bits, format: Format) -> Error {
    Error::request(format_args!("{wanted} are to be inverted, bits {bits} of {} have no room for them", format.name()))
}

fn among(bits: Bits) -> String {
    match bits {
        Bits::ALL => String::new(),
        bits if bits.count() == 1 => format!(", bit {bits}"),
        bits => format!(", among bits {bits}"),
    }
}
