//! A table of words and numbers, before it is text or HTML.

use std::borrow::Cow;

/// Columns and rows; what the cells say is ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What it is about; empty where that is clear from its place.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// Rows of cells; a row may be shorter than there are columns.
    pub rows: Vec<Vec<String>>,
    /// Explanations, a line each, to stand below.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub header: Cow<'static, str>,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds, which decides how it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, flush left; it gives way where there is no room.
    Text,
    /// A short word, flush left, never shortened.
    Word,
    /// A number, flush right.
    Number,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// A table without columns that is about `title`.
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

    fn column(mut self, header: impl Into<Cow<'static, str>>, kind: ColumnKind) -> Self {
        self.columns.push(Column { header: header.into(), kind });
        self
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds an explanation.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}
