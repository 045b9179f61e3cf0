//! Numbers and names as text for people.

use serde::Serialize;

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
        assert_eq!(percent(0.0385), "3.9 %");
        assert_eq!([0.0, 1e-5, 0.99999, 1.0].map(percent), ["0.0 %", "<0.1 %", ">99.9 %", "100.0 %"]);
    }
}
