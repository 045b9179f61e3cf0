//! Amounts of memory, as one writes them.

/// Bytes of each unit.
const UNITS: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Bytes of an amount like `2GiB`, `1500MB` or `1073741824`.
///
/// # Errors
/// Where it is no such amount, or none at all.
pub fn bytes(text: &str) -> Result<usize, String> {
    let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim_start() {
        "" => Some(1),
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes),
    };
    let bytes = unit.zip(number.parse::<u64>().ok()).and_then(|(unit, number)| number.checked_mul(unit));
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).filter(|bytes| *bytes > 0).ok_or_else(|| {
        format!("a whole number with B, kB, MB, GB, KiB, MiB or GiB is expected, 2GiB for example, found \"{text}\"")
    })
}

/// `bytes` as one reads them, rounded up.
pub fn shown(bytes: usize) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_or_decimal() {
        for (text, expected) in [
            ("2GiB", 2 << 30),
            ("512MiB", 512 << 20),
            ("1500MB", 1_500_000_000),
            ("3 kB", 3_000),
            ("7B", 7),
            ("1073741824", 1 << 30),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "GiB",
            "0",
            "0GiB",
            "-1",
            "1.5GiB",
            "2gib",
            "2Gi",
            "1e9",
            "2GiB2",
            "99999999999999999999",
            "99999999TiB",
        ] {
            assert!(bytes(text).unwrap_err().contains("2GiB for example"), "{text}");
        }
    }

    #[test]
    fn amounts_are_rounded_up() {
        assert_eq!([10_239, 10_240, 10_241].map(shown), ["10239 bytes", "10 KiB", "11 KiB"]);
        assert_eq!(shown((2 << 30) + 1), "2049 MiB");
    }
}
