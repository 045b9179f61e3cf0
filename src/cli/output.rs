//! Results on standard output.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use super::failure::Failure;
use crate::Error;
pub use crate::report::words::{counted, name, percent, thousands};

/// Writes `text`, which includes the end of each line.
///
/// # Errors
/// If standard output is closed, or the operating system refuses.
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

/// Returns a shape as text, `3 x 32 x 32`.
pub fn shape(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// Returns a float32 with as many digits as distinguish it from its neighbours. Very large and very small values have
/// an exponent.
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
        assert_eq!(float(0.1), "0.1");
        assert_eq!(float(f32::MAX), "3.4028235e38");
        assert_eq!(float(-0.0), "-0");
        assert_eq!(float(f32::NAN), "NaN");
        assert_eq!(float(1.5e-9), "1.5e-9");
        assert_eq!(shape(&[1, 3, 32, 32]), "1 x 3 x 32 x 32");
    }
}
