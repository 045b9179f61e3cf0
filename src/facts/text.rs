//! Text as people's tools write it: one reader for lists, tables and settings of every kind.

use crate::{Error, Result};

/// Returns the text in `bytes`: UTF-8, or UTF-16 with a byte-order mark. The mark is left out, and every line ends in
/// "\n". Messages call the file `name`.
///
/// # Errors
/// If the bytes are in another encoding; the message says where.
pub fn decode(name: &str, bytes: &[u8]) -> Result<String> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(name, rest)?,
        [0xff, 0xfe, rest @ ..] => utf16(name, rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(name, rest, u16::from_be_bytes)?,
        _ => utf8(name, bytes)?,
    };
    Ok(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text })
}

fn utf8(name: &str, bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        Error::input(
            name,
            format_args!("line {line}: expected a text file in UTF-8 (or UTF-16 with a byte-order mark)"),
        )
    })?;
    Ok(text.to_owned())
}

fn utf16(name: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: std::result::Result<String, _> = char::decode_utf16(units).collect();
    let whole = bytes.len().is_multiple_of(2);
    text.ok().filter(|_| whole).ok_or_else(|| {
        Error::input(name, "expected a text file; it begins with the byte-order mark of UTF-16 and is not UTF-16")
    })
}

/// What is wrong with bytes that are no zip, or the beginning of one.
pub(crate) const NO_LIST: &str = "it has no list of its files, as of a file that is cut short; copy it again";

/// Returns a number that may have any size, `1e-7`, with all of its digits; without a power of ten where it is short.
pub fn scientific(number: f64) -> String {
    if number == 0.0 || (0.1..1000.0).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

/// Reads names with commas between them, as a line of a CSV file: a name with a comma stands in quotes.
///
/// # Errors
/// If `text` is no such list.
pub fn names(text: &str) -> Result<Vec<String>> {
    let refused = |why: &str| {
        Err(Error::request(format_args!(
            "names with commas between them are expected, one with a comma in quotes; found {text}{why}"
        )))
    };
    if text.contains(['\n', '\r']) {
        return refused("");
    }
    let (mut names, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start();
        let (name, after) = match rest.strip_prefix('"').map(quoted) {
            None => {
                let (name, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                (name.to_owned(), after)
            }
            Some(Some(found)) => found,
            Some(None) => return refused(", where a quote is not closed"),
        };
        match name.trim() {
            "" => return refused(""),
            name => names.push(name.to_owned()),
        }
        match after.trim_start().strip_prefix(',') {
            Some(more) => rest = more,
            None if after.trim_start().is_empty() => return Ok(names),
            None => return refused(", where a name goes on after its closing quote"),
        }
    }
}

/// Splits `text`, which follows an opening quote, at the closing one; two quotes stand for one. `None` without a closing quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut name, mut rest) = (String::new(), text);
    loop {
        let (before, after) = rest.split_once('"')?;
        name += before;
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// The lines of `text` that say something, with their numbers from 1: trimmed, without empty lines and without comments,
/// which begin with "#".
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The name of a file in a list, in the form in which it is looked up: "\" is "/", and "./" before it is left out.
pub fn file_name(name: &str) -> String {
    let name = name.trim().replace('\\', "/");
    let mut rest = name.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter.trim_start_matches('/');
    }
    rest.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_and_line_end_gives_the_same_text() {
        let utf16 = |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| {
            mark.into_iter().chain("a ä\r\nb\n".encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
        };
        for bytes in [
            "a ä\nb\n".as_bytes().to_vec(),
            "\u{feff}a ä\r\nb\r\n".as_bytes().to_vec(),
            "a ä\rb\r".as_bytes().to_vec(),
            utf16(u16::to_le_bytes, [0xff, 0xfe]),
            utf16(u16::to_be_bytes, [0xfe, 0xff]),
        ] {
            assert_eq!(decode("list", &bytes).unwrap(), "a ä\nb\n");
        }
        let error = decode("list", b"a\n\xff\n").unwrap_err().to_string();
        assert!(error.starts_with("list: line 2: expected a text file in UTF-8"), "{error}");
        assert!(decode("list", &[0xff, 0xfe, 0x41]).is_err(), "half a unit");
    }

    #[test]
    fn names_are_read_as_a_line_of_a_table_and_a_lone_quote_is_refused() {
        let of = |text: &str| names(text).map_err(|error| error.to_string());
        let read = |text: &str| of(text).unwrap();
        assert_eq!(read(r#"conv1, "a,b" ,kind:Conv"#), ["conv1", "a,b", "kind:Conv"]);
        assert_eq!(read(r#""say ""a"", b",5"conv"#), [r#"say "a", b"#, r#"5"conv"#]);
        for (text, why) in [
            (r#""abc"#, "a quote is not closed"),
            (r#"a,"b,c"#, "a quote is not closed"),
            (r#""a"b"#, "after its closing quote"),
            ("a,,b", "are expected"),
            ("a,", "are expected"),
            ("", "are expected"),
            ("a\nb", "are expected"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(why) && error.contains("one with a comma in quotes"), "{text}: {error}");
        }
    }

    #[test]
    fn lines_without_content_are_left_out_and_keep_the_numbers() {
        let text = "\n a \n# no\n\tb c\t\n\n";
        assert_eq!(lines(text).collect::<Vec<_>>(), [(2, "a"), (4, "b c")]);
        for name in ["./x/a.png", "x/a.png", ".\\x\\a.png", " ././x/a.png "] {
            assert_eq!(file_name(name), "x/a.png");
        }
    }
}
