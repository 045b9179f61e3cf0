//! Writing results to standard output.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use super::failure::Failure;
use crate::Error;

/// Writes `text`, which ends its own lines.
///
/// # Errors
/// Where standard output does not take it.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Error::io("standard output", error).into(),
    })
}

/// Writes `value` as indented JSON.
///
/// # Errors
/// As [`print`].
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::input("JSON output", error))?;
    print(&format!("{text}\n"))
}

/// The name of an enum's `value`, as files and arguments write it.
pub fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("only enums without fields are asked for their name, not {other:?}"),
    }
}

/// `count` with a comma after each three digits.
pub fn thousands(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `count` with the noun it counts, `1 image` or `2,000 images`.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let text = thousands(count);
    let plural = if text == "1" { "" } else { "s" };
    format!("{text} {noun}{plural}")
}

/// A shape, `3 x 32 x 32`.
pub fn shape(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// A share, `3.9 %`. What is neither nothing nor all is not rounded to look like it.
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0005 {
        "<0.1 %".to_owned()
    } else if (0.9995..1.0).contains(&share) {
        ">99.9 %".to_owned()
    } else {
        format!("{:.1} %", 100.0 * share)
    }
}

/// A float32 in as many digits as tell it from its neighbours, very large and very small ones with an exponent.
pub fn float(value: f32) -> String {
    let magnitude = value.abs();
    if value.is_finite() && magnitude != 0.0 && !(1e-4..1e7).contains(&magnitude) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0u8), "0");
        assert_eq!(thousands(999u32), "999");
        assert_eq!(thousands(1000u32), "1,000");
        assert_eq!(thousands(12_345_678usize), "12,345,678");
        assert_eq!(counted(1u8, "image"), "1 image");
        assert_eq!(counted(0u8, "image"), "0 images");
        assert_eq!(float(0.1), "0.1");
        assert_eq!(float(f32::MAX), "3.4028235e38");
        assert_eq!(float(-0.0), "-0");
        assert_eq!(float(f32::NAN), "NaN");
        assert_eq!(float(1.5e-9), "1.5e-9");
        assert_eq!(percent(0.0385), "3.9 %");
        assert_eq!([0.0, 1e-5, 0.99999, 1.0].map(percent), ["0.0 %", "<0.1 %", ">99.9 %", "100.0 %"]);
        assert_eq!(shape(&[1, 3, 32, 32]), "1 x 3 x 32 x 32");
    }
}
