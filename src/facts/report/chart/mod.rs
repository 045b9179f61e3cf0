//! Charts as SVG, drawn from rates and nothing else.
//!
//! Lengths along a chart are in percent of its width and heights in pixels, so a chart takes the width it is given and
//! its letters keep their size. Colours are classes, which the style sheet around it gives in light and dark.

mod columns;
mod map;
mod shares;

pub use self::columns::{Band, Column, columns};
pub use self::map::{LEVELS, MapColumn, MapRow, level, map};
pub use self::shares::{Share, shares};
use super::words::percent;
use crate::outcome::Rate;

/// `text` between tags or in an attribute: names from model files may hold anything.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // No document may hold these, not even escaped.
            character if character.is_control() && !matches!(character, '\t' | '\n' | '\r') => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// A share of the width, to a hundredth of a percent.
fn across(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A rate in words: `3.9 % (1.2 % to 9.8 %), 4 of 102`.
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

/// The end of a long name: layers of one block begin alike.
fn shortened(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        return name.to_owned();
    }
    std::iter::once('…').chain(name.chars().skip(length + 1 - most)).collect()
}

#[cfg(test)]
mod tests;
