//! Messages of the argument parser without those of Rust's number parsers, which say nothing of the expected number.

use std::io::Write as _;

/// The messages of Rust's number parsers, and those for users.
const WORDS: [(&str, &str); 8] = [
    ("invalid digit found in string", "a whole number is expected"),
    ("cannot parse integer from empty string", "a whole number is expected"),
    ("number too large to fit in target type", "the number is larger than any that is taken here"),
    ("number too small to fit in target type", "the number is smaller than any that is taken here"),
    ("number would be zero for non-zero type", "a whole number from 1 on is expected"),
    ("invalid float literal", "a number is expected"),
    ("cannot parse float from empty string", "a number is expected"),
    ("provided string was not `true` or `false`", "true or false is expected"),
];

/// Writes `message` to the stream that it is for, with colours on a terminal.
pub fn print(message: &clap::Error) {
    let is_error = message.use_stderr();
    let colours = if is_error { console::colors_enabled_stderr() } else { console::colors_enabled() };
    let rendered = message.render();
    let text = words(&if colours { rendered.ansi().to_string() } else { rendered.to_string() });
    // This fails if the stream is closed. Then nobody reads an error either.
    let _ = if is_error { write!(std::io::stderr(), "{text}") } else { write!(std::io::stdout(), "{text}") };
}

/// Returns `text` with words for users.
pub fn words(text: &str) -> String {
    let plain = |text: String, (rust, user): &(&str, &str)| text.replace(rust, user);
    WORDS.iter().fold(text.to_owned(), plain)
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroUsize, ParseFloatError, ParseIntError};

    use super::*;

    #[test]
    fn no_message_of_a_number_parser_is_left() {
        let whole = |text: &str| text.parse::<u8>().map_err(|error: ParseIntError| error.to_string()).unwrap_err();
        let real = |text: &str| text.parse::<f64>().map_err(|error: ParseFloatError| error.to_string()).unwrap_err();
        let small = "-129".parse::<i8>().unwrap_err().to_string();
        let zero = "0".parse::<NonZeroUsize>().unwrap_err().to_string();
        let flag = "x".parse::<bool>().unwrap_err().to_string();
        for found in [whole("x"), whole(""), whole("256"), real("x"), real(""), small, zero, flag] {
            let said = words(&found);
            assert!(said.contains("expected") || said.contains("than any that is taken here"), "{found}: {said}");
            assert!(WORDS.iter().all(|(rust, _)| !said.contains(rust)), "{found}: {said}");
        }
    }
}
