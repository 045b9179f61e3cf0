//! Charts of rates as SVG.
//!
//! Horizontal lengths are in percent of the width, heights in pixels. A chart therefore fills its place, and its
//! letters keep their size. Colours are classes; the style sheet defines them for light and dark pages.

mod columns;
mod coverage;
mod map;
mod shares;

use std::ops::Range;

pub use self::columns::{Band, Column, columns};
pub use self::coverage::{Point, coverage, front};
pub use self::map::{LEVELS, MapColumn, MapRow, level, map};
pub use self::shares::{Share, shares};
use super::words::percent;
use crate::fault::Format;
use crate::outcome::Rate;

/// Escapes `text` for use between tags or in an attribute. Names from model files can contain any character.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // A document must not contain these characters, not even escaped.
            character if character.is_control() && !matches!(character, '\t' | '\n' | '\r') => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// Returns the label below the column of a bit. Every fourth bit of a field has one, from the field's first bit on.
pub fn bit_tick(format: Format, bit: u8) -> String {
    let labelled = |bits: &Range<u8>| bits.contains(&bit) && (bit - bits.start).is_multiple_of(4);
    if format.fields().iter().any(|(_, bits)| labelled(bits)) { bit.to_string() } else { String::new() }
}

/// Returns a share of the width, rounded to a hundredth of a percent.
fn across(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Returns a rate in words: `3.9 % (1.2 % to 9.8 %), 4 of 102`.
pub fn sentence(rate: &Rate) -> String {
    if rate.of == 0 {
        return "not known".to_owned();
    }
    format!(
        "{} ({} to {}), {} of {}",
        percent(rate.rate),
        percent(rate.low),
        percent(rate.high),
        super::words::thousands(rate.count),
        super::words::thousands(rate.of)
    )
}

/// Returns the end of a long name. The names of layers in one block have the same beginning.
fn shortened(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        return name.to_owned();
    }
    std::iter::once('…').chain(name.chars().skip(length + 1 - most)).collect()
}

#[cfg(test)]
mod tests;
