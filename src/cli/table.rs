//! Tables as aligned text, cut to the terminal's width.

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};
use facts::shown;

use super::output::{Style, style};
use crate::report::ColumnKind;
pub use crate::report::Table;

/// Space between columns.
const GAP: &str = "  ";

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
    let table = &Table {
        title: shown(&table.title).into_owned(),
        columns: table.columns.clone(),
        rows: table.rows.iter().map(|row| row.iter().map(|cell| shown(cell).into_owned()).collect()).collect(),
        notes: table.notes.iter().map(|note| shown(note).into_owned()).collect(),
    };
    let mut widths: Vec<usize> = table.columns.iter().map(|column| measure_text_width(&column.header)).collect();
    for row in &table.rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    if let Some(limit) = limit {
        shrink(table, &mut widths, limit);
    }
    let header: Vec<_> = table.columns.iter().map(|column| column.header.to_string()).collect();
    let mut text = String::new();
    if !table.title.is_empty() {
        text += &(style(Style::Underlined, &table.title) + "\n");
    }
    text += &line(table, &header, &widths, Some(Style::Bold));
    for row in &table.rows {
        text += &line(table, row, &widths, None);
    }
    for note in &table.notes {
        text += &wrapped(note, limit.unwrap_or(NOTE_WIDTH));
    }
    text
}

/// Breaks `text` between words into lines of at most `width`.
fn wrapped(text: &str, width: usize) -> String {
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

/// Shrinks the widest column of text repeatedly until the table fits.
fn shrink(table: &Table, widths: &mut [usize], limit: usize) {
    const LEAST: usize = 8;
    let mut total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
    while total > limit {
        let elastic = (0..widths.len()).filter(|&index| table.columns[index].kind == ColumnKind::Text);
        match elastic.max_by_key(|&index| widths[index]) {
            Some(index) if widths[index] > LEAST => widths[index] -= 1,
            _ => return,
        }
        total -= 1;
    }
}

fn line(table: &Table, cells: &[String], widths: &[usize], bold: Option<Style>) -> String {
    let mut line = String::new();
    for (index, ((column, cell), &width)) in table.columns.iter().zip(cells).zip(widths).enumerate() {
        if index > 0 {
            line += GAP;
        }
        let alignment = match column.kind {
            ColumnKind::Text | ColumnKind::Word => Alignment::Left,
            ColumnKind::Number => Alignment::Right,
        };
        line += &pad_str(&truncate_str(cell, width, "…"), width, alignment, None);
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
        assert_eq!(wrapped("one two three", 7), "one two\nthree\n");
        assert_eq!(wrapped("immeasurable", 3), "immeasurable\n");
        assert_eq!(wrapped("", 3), "\n");
    }

    #[test]
    fn only_text_gives_way_on_a_narrow_terminal() {
        let expected = "\
layer       kind  count
features.…  Conv      5
fc          Gemm  1,000
";
        assert_eq!(finished(&render_to(&sample(), Some(23)), false), expected);
    }
}
