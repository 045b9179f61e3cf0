//! Tables of text, aligned, and cut to the terminal's width.

use console::{Alignment, Style, Term, measure_text_width, pad_str, truncate_str};

/// Space between columns.
const GAP: &str = "  ";

/// A table; its cells may carry colour.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    header: &'static str,
    alignment: Alignment,
    /// Gives way where the table is wider than the terminal.
    elastic: bool,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self { columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds a column of text, flush left. It is shortened where the table is wider than the terminal.
    pub fn text(self, header: &'static str) -> Self {
        self.column(header, Alignment::Left, true)
    }

    /// Adds a column of short words, flush left, never shortened.
    pub fn word(self, header: &'static str) -> Self {
        self.column(header, Alignment::Left, false)
    }

    /// Adds a column of numbers, flush right.
    pub fn number(self, header: &'static str) -> Self {
        self.column(header, Alignment::Right, false)
    }

    fn column(mut self, header: &'static str, alignment: Alignment, elastic: bool) -> Self {
        self.columns.push(Column { header, alignment, elastic });
        self
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, each with its end. On a terminal it fits its width, elsewhere nothing is cut.
    pub fn render(&self) -> String {
        let terminal = Term::stdout();
        let width = terminal.is_term().then(|| usize::from(terminal.size().1));
        self.render_to(width)
    }

    fn render_to(&self, limit: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| measure_text_width(column.header)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        if let Some(limit) = limit {
            self.shrink(&mut widths, limit);
        }
        let header: Vec<_> = self.columns.iter().map(|column| column.header.to_owned()).collect();
        let mut text = self.line(&header, &widths, &Style::new().bold());
        for row in &self.rows {
            text += &self.line(row, &widths, &Style::new());
        }
        text
    }

    /// Takes what is too much from the widest elastic column, again and again.
    fn shrink(&self, widths: &mut [usize], limit: usize) {
        const LEAST: usize = 8;
        let mut total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        while total > limit {
            let widest =
                (0..widths.len()).filter(|&index| self.columns[index].elastic).max_by_key(|&index| widths[index]);
            match widest {
                Some(index) if widths[index] > LEAST => widths[index] -= 1,
                _ => return,
            }
            total -= 1;
        }
    }

    fn line(&self, cells: &[String], widths: &[usize], style: &Style) -> String {
        let mut line = String::new();
        for (index, ((column, cell), &width)) in self.columns.iter().zip(cells).zip(widths).enumerate() {
            if index > 0 {
                line += GAP;
            }
            let cell = truncate_str(cell, width, "…");
            line += &pad_str(&style.apply_to(cell).to_string(), width, column.alignment, None);
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(console::strip_ansi_codes(&sample().render_to(None)), expected);
    }

    #[test]
    fn only_text_gives_way_on_a_narrow_terminal() {
        let expected = "\
layer       kind  count
features.…  Conv      5
fc          Gemm  1,000
";
        assert_eq!(console::strip_ansi_codes(&sample().render_to(Some(23))), expected);
    }
}
