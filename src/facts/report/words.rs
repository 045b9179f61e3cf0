//! Numbers and names as text for people.

use serde::Serialize;

pub use crate::text::scientific;

/// Returns the name of an enum's `value` in files and arguments.
pub fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("only enums without fields are asked for their name, not {other:?}"),
    }
}

/// Returns `count` with a comma before each three digits.
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

/// Returns `count` with a noun, `1 image` or `2,000 images`.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let text = thousands(count);
    let plural = if text == "1" { "" } else { "s" };
    format!("{text} {noun}{plural}")
}

/// Returns a share, `3.9 %`. A share between none and all is not rounded to 0 % or 100 %.
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0005 {
        "<0.1 %".to_owned()
    } else if (0.9995..1.0).contains(&share) {
        ">99.9 %".to_owned()
    } else {
        format!("{:.1} %", 100.0 * share)
    }
}

/// Returns a difference of shares in percentage points, `-3.9`, with two digits where it is small.
pub fn points(difference: f64) -> String {
    let points = 100.0 * difference;
    match points.abs() {
        0.0 => "0".to_owned(),
        size if size >= 0.95 => format!("{points:+.1}"),
        size if size < 1e-6 => format!("{points:+.0e}"),
        size => {
            // Two digits from the first one that is not 0.
            let digits = (1.0 - size.log10().floor()).clamp(1.0, 9.0) as usize;
            format!("{points:+.digits$}")
        }
    }
}

/// Returns an average with three digits, without a power of ten where there is room.
pub fn average(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < 0.001 => format!("{number:.1e}"),
        _ if number < 10.0 => format!("{number:.3}"),
        _ if number < 1000.0 => format!("{number:.1}"),
        _ => thousands(number.round() as u64),
    }
}

/// Returns a number that may have any size with four digits, without a power of ten where there is room.
pub fn four_digits(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if (0.001..10_000.0).contains(&size) => {
            let digits = (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{number:.digits$}")
        }
        size if size.is_finite() => format!("{number:.3e}"),
        _ => number.to_string(),
    }
}

/// Returns a p-value, `0.0312`.
pub fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// Returns a ratio, `2.31`.
pub fn ratio(ratio: f64) -> String {
    if ratio >= 100.0 { format!("{ratio:.0}") } else { format!("{ratio:.2}") }
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
        let points = [0.0, -0.0385, 0.5, 0.0012, -0.000_123, 1e-9].map(points);
        assert_eq!(points, ["0", "-3.9", "+50.0", "+0.12", "-0.012", "+1e-7"]);
        assert_eq!([0.031_25, 0.000_01, 1.0].map(p_value), ["0.0312", "<0.0001", "1.0000"]);
        assert_eq!(percent(0.0385), "3.9 %");
        assert_eq!([854.4, 2.45, 0.000_12, 0.0, 12_345.6].map(average), ["854.4", "2.450", "1.2e-4", "0", "12,346"]);
        assert_eq!([0.0, 0.5, 1e-7, 0.01, 1e4].map(scientific), ["0", "0.5", "1e-7", "1e-2", "1e4"]);
        let four = [2.819_31, -0.012_346, 0.0, 123.456, 1e20, 1e-9, f64::INFINITY].map(four_digits);
        assert_eq!(four, ["2.819", "-0.01235", "0", "123.5", "1.000e20", "1.000e-9", "inf"]);
        assert_eq!([0.0, 1e-5, 0.99999, 1.0].map(percent), ["0.0 %", "<0.1 %", ">99.9 %", "100.0 %"]);
    }
}
