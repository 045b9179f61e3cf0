//! Results on standard output.

use std::io::{ErrorKind, Write};

use console::Term;
use facts::{shown, shown_json, shown_lines};
use serde::Serialize;

use super::failure::Failure;
use super::table::broken;
use crate::Error;
pub use crate::report::words::{counted, name, percent, thousands};

/// A style of text on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bold,
    Underlined,
    Red,
    Green,
    Yellow,
    /// A bit that a fault has struck.
    Struck,
}

impl Style {
    const ALL: [Self; 6] = [Self::Bold, Self::Underlined, Self::Red, Self::Green, Self::Yellow, Self::Struck];

    /// The mark before text of this style, a code point that stands for no character. Names from files cannot become
    /// sequences for the terminal: [`finished`] escapes these, and makes sequences of marks only.
    fn mark(self) -> char {
        ['\u{fdd0}', '\u{fdd1}', '\u{fdd2}', '\u{fdd3}', '\u{fdd4}', '\u{fdd5}'][self as usize]
    }

    fn sequence(self) -> &'static str {
        ["\x1b[1m", "\x1b[4m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1;4;31m"][self as usize]
    }
}

/// The mark at the end of a style, and what it means to a terminal.
const END: char = '\u{fddf}';
const RESET: &str = "\x1b[0m";

/// Returns `text` in `style`, for [`print`].
pub fn style(style: Style, text: impl std::fmt::Display) -> String {
    format!("{}{text}{END}", style.mark())
}

/// Returns `text` as it is written: styles are sequences on a terminal with `colours` and nothing elsewhere, and what a
/// terminal would act on is escaped.
pub fn finished(text: &str, colours: bool) -> String {
    let mut safe = shown_lines(text).into_owned();
    for (mark, sequence) in Style::ALL.map(|style| (style.mark(), style.sequence())).into_iter().chain([(END, RESET)]) {
        if safe.contains(mark) {
            safe = safe.replace(mark, if colours { sequence } else { "" });
        }
    }
    safe
}

/// Writes `text`, which includes the end of each line. What a terminal would act on is escaped.
///
/// # Errors
/// If standard output is closed, or the operating system refuses.
pub fn print(text: &str) -> Result<(), Failure> {
    exact(&finished(text, console::colors_enabled()))
}

/// Writes `text` as one line. What a terminal would act on is escaped, ends of lines included.
///
/// # Errors
/// As [`print`].
pub fn line(text: &str) -> Result<(), Failure> {
    exact(&format!("{}\n", shown(text)))
}

/// Writes a line to stderr. What a terminal would act on is escaped, ends of lines included.
pub fn note(text: &str) {
    let terminal = Term::stderr();
    let text = shown(text);
    let lines = if terminal.is_term() { broken(&text, usize::from(terminal.size().1)) } else { format!("{text}\n") };
    // This fails if the stream is closed. Then nobody reads.
    let _ = write!(std::io::stderr().lock(), "{lines}");
}

/// Writes an alarm to stderr, in red on a terminal.
pub fn alarm(text: &str) {
    let line = finished(&style(Style::Red, format_args!("alarm: {}", shown(text))), console::colors_enabled_stderr());
    // This fails if the stream is closed. Then nobody reads.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes `text`, in which nothing acts on a terminal, as it is.
///
/// # Errors
/// As [`print`].
pub fn exact(text: &str) -> Result<(), Failure> {
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
    exact(&format!("{}\n", shown_json(&text)))
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
    fn a_name_gets_no_sequence_of_its_own() {
        let text = format!("{} \u{1b}[31mred\u{202e}\n", style(Style::Bold, "layer\u{1b}[2J"));
        assert_eq!(finished(&text, false), "layer\\u{1b}[2J \\u{1b}[31mred\\u{202e}\n");
        assert_eq!(finished(&text, true), "\u{1b}[1mlayer\\u{1b}[2J\u{1b}[0m \\u{1b}[31mred\\u{202e}\n");
    }

    proptest::proptest! {
        #[test]
        fn no_text_acts_on_a_terminal(text in proptest::prelude::any::<String>()) {
            let acts = |character: char| {
                character != '\n' && character.is_control() || ('\u{202a}'..='\u{202e}').contains(&character)
            };
            let written = finished(&format!("{} {text}", style(Style::Red, &text)), false);
            proptest::prop_assert!(!written.contains(acts), "{:?}", written);
            let one_line = !shown(&text).contains(['\n', '\r', '\u{2028}']);
            proptest::prop_assert!(one_line);
        }
    }

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
