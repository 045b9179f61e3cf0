//! Amounts of memory as text.

use parse_size::parse_size;

/// Reads an amount such as `2GiB`, `1.5 GB` or `1073741824`, in bytes.
///
/// # Errors
/// If the text is not an amount, or is less than one byte.
pub fn bytes(text: &str) -> Result<usize, String> {
    let bytes = parse_size(text).ok().and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        format!("expected a number with B, kB, MB, GB, KiB, MiB or GiB, 2GiB for example, found \"{text}\"")
    })
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
            ("1.5GiB", 3 << 29),
            ("2gib", 2 << 30),
            ("2Gi", 2 << 30),
            ("1073741824", 1 << 30),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "GiB", "0", "0GiB", "-1", "2GiB2", "99999999999999999999", "99999999TiB"] {
            assert!(bytes(text).unwrap_err().contains("2GiB for example"), "{text}");
        }
    }
}
