//! A table of words and numbers, for output as text or HTML.

use std::borrow::Cow;

/// Columns and rows. The text of the cells is final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Title; empty if the context makes it clear.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// Rows of cells. A row can have fewer cells than there are columns.
    pub rows: Vec<Vec<String>>,
    /// Notes below the table, one per line.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub header: Cow<'static, str>,
    /// Kind of the cells.
    pub kind: ColumnKind,
}

/// The kind of a column, which decides its alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, flush left. It is shortened if there is no room.
    Text,
    /// A short word, flush left. It is not shortened.
    Word,
    /// A number, flush right.
    Number,
    /// A number, flush right. The column is left out if there is no room.
    Spare,
}

impl Table {
    /// Returns a table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a table without columns, with a title.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a column of text.
    pub fn text(self, header: &'static str) -> Self {
        self.column(header, ColumnKind::Text)
    }

    /// Adds a column of short words.
    pub fn word(self, header: impl Into<Cow<'static, str>>) -> Self {
        self.column(header, ColumnKind::Word)
    }

    /// Adds a column of numbers.
    pub fn number(self, header: &'static str) -> Self {
        self.column(header, ColumnKind::Number)
    }

    /// Adds columns of numbers.
    pub fn numbers<const N: usize>(self, headers: [&'static str; N]) -> Self {
        headers.into_iter().fold(self, Self::number)
    }

    /// Adds a column of numbers that is left out if there is no room.
    pub fn spare(self, header: &'static str) -> Self {
        self.column(header, ColumnKind::Spare)
    }

    fn column(mut self, header: impl Into<Cow<'static, str>>, kind: ColumnKind) -> Self {
        self.columns.push(Column { header: header.into(), kind });
        self
    }

    /// Adds a row. Missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a note.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}
