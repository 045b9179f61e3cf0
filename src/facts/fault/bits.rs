//! Sets of stored bits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{BitField, Format};
use crate::{Error, Result};

/// Number of bits of the widest format.
const WIDTH: u8 = Format::F32.width();

/// A set of stored bits, never empty. Bit 0 is the least significant one.
///
/// As text `30`, `23-30`, `0,31`, or the names of fields, `sign,exponent`. In JSON a number, a list of numbers, or `null`
/// for all bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits(u32);

impl Bits {
    /// All bits.
    pub const ALL: Self = Self(u32::MAX);

    /// One bit.
    ///
    /// # Errors
    /// Where no format has such a bit.
    pub fn one(bit: u32) -> Result<Self> {
        1u32.checked_shl(bit).map(Self).ok_or_else(|| out_of_range(bit, Format::F32))
    }

    /// The bits that are 1 in `mask`; `None` where there is none.
    pub fn from_mask(mask: u32) -> Option<Self> {
        (mask != 0).then_some(Self(mask))
    }

    /// The word in which these bits, and no others, are 1.
    pub fn mask(self) -> u32 {
        self.0
    }

    /// The bits of a field of `format`; `None` where the format has no such field.
    pub fn of(field: BitField, format: Format) -> Option<Self> {
        Self::from_mask(format.bits_of(field).fold(0, |mask, bit| mask | 1 << bit))
    }

    /// These bits of a number in `format`: all that it has where all are meant.
    ///
    /// # Errors
    /// Where the format has no such bit; the message states its width.
    pub fn within(self, format: Format) -> Result<Self> {
        if self == Self::ALL {
            return Ok(Self(format.mask()));
        }
        match Self::from_mask(self.0 & !format.mask()) {
            None => Ok(self),
            Some(beyond) => Err(out_of_range(beyond.lowest().into(), format)),
        }
    }

    /// Reads bits of a number in `format`, whose fields have names.
    ///
    /// # Errors
    /// Where the text names no bit, or one that the format has not.
    pub fn parse(text: &str, format: Format) -> Result<Self> {
        let fields = || format.fields().into_iter().map(|(field, _)| field.name()).collect::<Vec<_>>();
        let number = |text: &str| {
            let bit: u32 = text.trim().parse().map_err(|_| {
                let names = fields();
                let names = match names.split_last() {
                    Some((last, [])) => (*last).to_owned(),
                    Some((last, others)) => format!("{} or {last}", others.join(", ")),
                    None => String::new(),
                };
                let (top, low) = (format.width() - 1, if format == Format::F32 { 23 } else { 1 });
                let range = format!("{low}-{}", if format == Format::F32 { 30 } else { top });
                Error::request(format_args!(
                    "a bit from 0 to {top}, a range such as {range}, {names} is expected, found \"{text}\""
                ))
            })?;
            if bit < format.width().into() { Ok(bit) } else { Err(out_of_range(bit, format)) }
        };
        let part = |part: &str| {
            let field = BitField::ALL.into_iter().find(|field| field.name() == part.trim());
            if let Some(bits) = field.and_then(|field| Self::of(field, format)) {
                return Ok(bits);
            }
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(Error::request(format_args!("bits {part} run backwards; write {last}-{first}")));
            }
            (first..=last).try_fold(Self(0), |bits, bit| Ok(bits.or(Self::one(bit)?)))
        };
        text.split(',').map(part).try_fold(Self(0), |bits, part| Ok(bits.or(part?)))
    }

    /// The bits of both sets.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Number of bits, at least 1.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The least significant bit.
    pub fn lowest(self) -> u8 {
        self.0.trailing_zeros() as u8
    }

    /// The bit of a set of one.
    pub fn single(self) -> Option<u8> {
        (self.count() == 1).then(|| self.lowest())
    }

    /// The bit at place `nth` of the ascending order, counted around.
    pub fn nth(self, nth: u32) -> Self {
        let mut rest = self.0;
        for _ in 0..nth % self.count() {
            rest &= rest - 1;
        }
        Self(rest & rest.wrapping_neg())
    }

    /// The bits, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..WIDTH).filter(move |bit| self.0 & 1 << bit != 0)
    }
}

fn out_of_range(bit: u32, format: Format) -> Error {
    let name = match format {
        Format::F32 => "a float32".into(),
        format => format.name(),
    };
    Error::request(format_args!("bit {bit} is out of range: {name} has bits 0 to {}", format.width() - 1))
}

impl Default for Bits {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while rest != 0 {
            let first = rest.trailing_zeros();
            let length = (rest >> first).trailing_ones();
            let last = first + length - 1;
            if rest != self.0 {
                out.write_str(",")?;
            }
            if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") }?;
            rest &= u32::MAX.checked_shl(last + 1).unwrap_or(0);
        }
        Ok(())
    }
}

impl FromStr for Bits {
    type Err = Error;

    /// Reads bits of a float32; [`Bits::parse`] reads those of other formats.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, Format::F32)
    }
}

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.single() {
            _ if *self == Self::ALL => serializer.serialize_none(),
            Some(bit) => serializer.serialize_u8(bit),
            None => serializer.collect_seq(self.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            All(()),
            One(u32),
            Some(Vec<u32>),
        }
        let bits = match Written::deserialize(deserializer)? {
            Written::All(()) => return Ok(Self::ALL),
            Written::One(bit) => vec![bit],
            Written::Some(bits) if bits.is_empty() => return Err(de::Error::custom("at least one bit is expected")),
            Written::Some(bits) => bits,
        };
        let one = |bit| Self::one(bit).map_err(de::Error::custom);
        bits.into_iter().try_fold(Self(0), |bits, bit| Ok(bits.or(one(bit)?)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_survive_text_and_json(mask in 1u32..) {
            let bits = Bits(mask);
            prop_assert_eq!(bits.to_string().parse::<Bits>().unwrap(), bits);
            let json = serde_json::to_string(&bits).unwrap();
            prop_assert_eq!(serde_json::from_str::<Bits>(&json).unwrap(), bits);
            prop_assert_eq!(bits.iter().count(), bits.count() as usize);
        }
    }

    #[test]
    fn bits_are_written_as_people_write_them() {
        let bits = |text: &str| text.parse::<Bits>().unwrap();
        for (text, canonical, json) in [
            ("30", "30", "30"),
            (" 0 , 31 ", "0,31", "[0,31]"),
            ("sign,exponent", "23-31", "[23,24,25,26,27,28,29,30,31]"),
            ("1,2,5,3", "1-3,5", "[1,2,3,5]"),
            ("mantissa,23-31", "0-31", "null"),
        ] {
            assert_eq!(bits(text).to_string(), canonical);
            assert_eq!(serde_json::to_string(&bits(text)).unwrap(), json);
        }
        assert_eq!((bits("9").single(), bits("9,10").single()), (Some(9), None));
        for field in [BitField::Sign, BitField::Exponent, BitField::Mantissa] {
            assert!(
                Bits::of(field, Format::F32).unwrap().iter().all(|bit| Format::F32.field(bit) == Some(field)),
                "{}",
                field.name()
            );
        }
    }

    #[test]
    fn bits_go_by_the_format() {
        let int8 = |text: &str| Bits::parse(text, Format::I8);
        assert_eq!(int8("sign,integer").unwrap().to_string(), "0-7");
        assert_eq!(Bits::parse("exponent", Format::Bf16).unwrap().to_string(), "7-14");
        assert_eq!(Bits::ALL.within(Format::I8).unwrap().to_string(), "0-7");
        let refused = |result: Result<Bits>| result.unwrap_err().to_string();
        assert_eq!(refused(int8("20")), "bit 20 is out of range: int8 has bits 0 to 7");
        assert_eq!(refused(Bits(1 << 9 | 1).within(Format::I8)), "bit 9 is out of range: int8 has bits 0 to 7");
        assert!(refused(int8("mantissa")).contains("a range such as 1-7, sign or integer is expected"));
    }

    #[test]
    fn what_is_no_bit_is_refused_with_what_is_expected() {
        let refused = |text: &str| text.parse::<Bits>().unwrap_err().to_string();
        assert!(refused("32").contains("bit 32 is out of range"));
        assert!(refused("30-40").contains("bit 40 is out of range"));
        assert!(refused("30-23").contains("write 23-30"));
        for text in ["", "x", "-1", "1,,2", "1-2-3", "99999999999"] {
            assert!(refused(text).contains("sign, exponent or mantissa is expected"), "{text}");
        }
        for json in ["[]", "32", "[0,32]", "-1", "\"30\""] {
            assert!(serde_json::from_str::<Bits>(json).is_err(), "{json}");
        }
    }
}
