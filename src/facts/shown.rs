//! Text from files, made safe to print.
//!
//! A name in a model, a data set or a configuration can hold anything: the bytes that move a terminal's cursor or change
//! its colours, marks that turn the direction of the text around, ends of lines that forge a line of output. Where a
//! program prints text, these characters are written as `\u{1b}`, in the form that Rust and JavaScript read.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a terminal would act on the character instead of showing it.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Directions of text: marks, embeddings, overrides, isolates.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Ends of lines and paragraphs, and characters without width that hide differences between names.
            | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{00ad}'
            // Tags, which are invisible, and annotations.
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns `text` in one line, with every character that a terminal would act on written as an escape.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for a text of several lines, whose ends stay.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character == '\n')
}

/// Returns the JSON `text` with these characters written as JSON's own escapes: it is read as the same values.
pub fn shown_json(text: &str) -> Cow<'_, str> {
    // Between values JSON has no character that acts but ends of lines and tabs.
    let hides = |character: char| acts(character) && !matches!(character, '\n' | '\t' | '\r');
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if hides(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let hides = |character: char| acts(character) && !stays(character);
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if hides(character) {
            // Writing to a string does not fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_all_else_stays() {
        assert_eq!(shown("conv\u{1b}[31m\u{202e}1"), "conv\\u{1b}[31m\\u{202e}1");
        assert_eq!(shown("a\nb\tc\r\u{7f}\u{9b}"), "a\\u{a}b\\u{9}c\\u{d}\\u{7f}\\u{9b}");
        for plain in ["", "features/0.conv", "Bär, 熊, медведь, 🐻", "מודל", "a b \\u{1b}"] {
            assert!(matches!(shown(plain), Cow::Borrowed(same) if same == plain), "{plain}");
        }
        assert_eq!(shown_lines("a\nb\u{2069}\n"), "a\nb\\u{2069}\n");
    }

    #[test]
    fn json_is_read_as_the_same_values() {
        let value = serde_json::json!({"conv\u{1b}\u{202e}\u{9b}": ["\u{e0041}\n", "\u{2028}", 1.5]});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = shown_json(&text);
        assert!(!safe.contains(|character: char| acts(character) && character != '\n'), "{safe}");
        assert!(safe.contains("\\u202e") && safe.contains("\\udb40\\udc41"), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }

    #[test]
    fn what_is_shown_needs_no_escape() {
        for character in (0..=0x0e_01ff).filter_map(char::from_u32) {
            let text = character.to_string();
            let safe = shown(&text);
            assert!(!safe.contains(acts), "{character:?}");
            assert!(matches!(shown(&safe), Cow::Borrowed(_)), "{character:?}");
        }
    }
}
