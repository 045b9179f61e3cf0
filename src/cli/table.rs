//! Tables as aligned text, cut to the terminal's width.

use std::borrow::Cow;

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};
use facts::shown;

use super::output::{Style, style};
use crate::report::ColumnKind;
pub use crate::report::Table;

/// Space between columns.
const GAP: &str = "  ";

/// Width of a column of text below which columns are left out before it is cut further, and below which it is never cut.
const COMFORTABLE: usize = 16;
const LEAST: usize = 8;

/// Width of the notes below a table without a terminal.
const NOTE_WIDTH: usize = 100;

/// Writes tables as lines, for [`print`](super::output::print). Cells are text from anywhere.
pub trait Render {
    /// Returns the table as lines. On a terminal, long cells are cut to fit its width.
    fn render(&self) -> String;

    /// Returns the table as lines for a file. Nothing is cut.
    fn plain(&self) -> String;
}

impl Render for Table {
    fn render(&self) -> String {
        let terminal = Term::stdout();
        let width = terminal.is_term().then(|| usize::from(terminal.size().1));
        render_to(self, width)
    }

    fn plain(&self) -> String {
        render_to(self, None)
    }
}

fn render_to(table: &Table, limit: Option<usize>) -> String {
    let mut table = Table {
        title: shown(&table.title).into_owned(),
        columns: table.columns.clone(),
        rows: table.rows.iter().map(|row| row.iter().map(|cell| shown(cell).into_owned()).collect()).collect(),
        notes: table.notes.iter().map(|note| shown(note).into_owned()).collect(),
    };
    let mut left_out = Vec::new();
    loop {
        let mut widths = widths(&table);
        let fits = limit.is_none_or(|limit| shrink(&table, &mut widths, limit, COMFORTABLE));
        match table.columns.iter().rposition(|column| column.kind == ColumnKind::Spare) {
            Some(index) if !fits => left_out.insert(0, remove(&mut table, index)),
            _ => {
                if !left_out.is_empty() {
                    let names = left_out.join(", ");
                    table
                        .notes
                        .push(format!("without room for {names}; -o FILE, or a wider terminal, has the columns"));
                }
                if let Some(limit) = limit.filter(|_| !fits) {
                    shrink(&table, &mut widths, limit, LEAST);
                }
                return written(&table, &widths, limit);
            }
        }
    }
}

/// Takes a column out, and returns its header.
fn remove(table: &mut Table, index: usize) -> String {
    for row in table.rows.iter_mut().filter(|row| row.len() > index) {
        row.remove(index);
    }
    table.columns.remove(index).header.into_owned()
}

/// The widths of the columns where nothing is cut.
fn widths(table: &Table) -> Vec<usize> {
    let mut widths: Vec<usize> = table.columns.iter().map(|column| measure_text_width(&column.header)).collect();
    for row in &table.rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    widths
}

fn written(table: &Table, widths: &[usize], limit: Option<usize>) -> String {
    let header: Vec<_> = table.columns.iter().map(|column| column.header.to_string()).collect();
    let mut text = String::new();
    if !table.title.is_empty() {
        text += &(style(Style::Underlined, &table.title) + "\n");
    }
    if !header.is_empty() {
        text += &line(table, &header, widths, Some(Style::Bold));
    }
    for row in &table.rows {
        text += &line(table, row, widths, None);
    }
    for note in &table.notes {
        text += &broken(note, limit.unwrap_or(NOTE_WIDTH));
    }
    text
}

/// Returns a line of text, broken between words into lines that fit the terminal; as it is without one.
pub fn wrapped(text: &str) -> String {
    let terminal = Term::stdout();
    if terminal.is_term() { broken(text, usize::from(terminal.size().1)) } else { format!("{text}\n") }
}

/// Breaks `text` between words into lines of at most `width`.
pub fn broken(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let more = measure_text_width(word);
        if length > 0 && length + 1 + more > width {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines += word;
        length += more;
    }
    lines + "\n"
}

/// Shrinks the widest column of text, to `least` at most, repeatedly until the table fits, and returns whether it does.
fn shrink(table: &Table, widths: &mut [usize], limit: usize, least: usize) -> bool {
    let mut total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
    while total > limit {
        let elastic = (0..widths.len()).filter(|&index| table.columns[index].kind == ColumnKind::Text);
        match elastic.max_by_key(|&index| widths[index]) {
            Some(index) if widths[index] > least => widths[index] -= 1,
            _ => return false,
        }
        total -= 1;
    }
    true
}

/// Cuts `text` to `width` in its middle: names of layers and of protections with numbers differ at their ends.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if measure_text_width(text) <= width {
        return text.into();
    }
    let ends = width.saturating_sub(1);
    let mut tail = text.len();
    for (at, _) in text.char_indices().rev() {
        if measure_text_width(&text[at..]) > ends / 2 {
            break;
        }
        tail = at;
    }
    format!("{}…{}", truncate_str(text, ends - ends / 2, ""), &text[tail..]).into()
}

fn line(table: &Table, cells: &[String], widths: &[usize], bold: Option<Style>) -> String {
    let mut line = String::new();
    for (index, ((column, cell), &width)) in table.columns.iter().zip(cells).zip(widths).enumerate() {
        if index > 0 {
            line += GAP;
        }
        let alignment = match column.kind {
            ColumnKind::Text | ColumnKind::Word => Alignment::Left,
            ColumnKind::Number | ColumnKind::Spare => Alignment::Right,
        };
        line += &pad_str(&cut(cell, width), width, alignment, None);
    }
    line.truncate(line.trim_end().len());
    if let Some(bold) = bold {
        line = style(bold, line);
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::finished;

    fn sample() -> Table {
        let mut table = Table::new().text("layer").word("kind").number("count");
        table.row(["features.0.conv".to_owned(), "Conv".to_owned(), "5".to_owned()]);
        table.row(["fc".to_owned(), "Gemm".to_owned(), "1,000".to_owned()]);
        table
    }

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let expected = "\
layer            kind  count
features.0.conv  Conv      5
fc               Gemm  1,000
";
        assert_eq!(finished(&render_to(&sample(), None), false), expected);
    }

    #[test]
    fn notes_are_broken_between_words() {
        assert_eq!(broken("one two three", 7), "one two\nthree\n");
        assert_eq!(broken("immeasurable", 3), "immeasurable\n");
        assert_eq!(broken("", 3), "\n");
    }

    #[test]
    fn spare_columns_are_left_out_on_a_narrow_terminal() {
        let mut table = Table::new().text("layer").number("count").spare("margin").word("").spare("correct");
        table.row(["fc".to_owned(), "5".to_owned(), "-0.5".to_owned(), "few".to_owned(), "90 %".to_owned()]);
        let expected = "\
layer  count  margin
fc         5    -0.5  few
without room for correct;
-o FILE, or a wider
terminal, has the columns
";
        assert_eq!(finished(&render_to(&table, Some(25)), false), expected);
        assert!(finished(&render_to(&table, None), false).contains("correct\n"));
    }

    #[test]
    fn only_text_gives_way_on_a_narrow_terminal() {
        let expected = "\
layer       kind  count
featu…conv  Conv      5
fc          Gemm  1,000
";
        assert_eq!(finished(&render_to(&sample(), Some(23)), false), expected);
    }
}
