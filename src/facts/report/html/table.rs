//! A table in HTML.

use std::fmt::Write;

use crate::report::chart::escape;
use crate::report::{ColumnKind, Table};

/// Adds `table` to `page`, its title in a `heading` element. A wide one is scrolled by itself.
pub fn write(page: &mut String, heading: &str, table: &Table) {
    if !table.title.is_empty() {
        let _ = write!(page, "<{heading}>{}</{heading}>", escape(&table.title));
    }
    page.push_str("<div class=\"scroll\"><table><thead><tr>");
    for column in &table.columns {
        let _ = write!(page, "<th class=\"{}\" scope=\"col\">{}</th>", class(column.kind), escape(&column.header));
    }
    page.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        page.push_str("<tr>");
        for (column, cell) in table.columns.iter().zip(row) {
            let _ = write!(page, "<td class=\"{}\">", class(column.kind));
            // A word in a column without a name is a mark on its row.
            if column.header.is_empty() && column.kind == ColumnKind::Word && !cell.is_empty() {
                let _ = write!(page, "<span class=\"few\">{}</span>", escape(cell));
            } else {
                page.push_str(&escape(cell));
            }
            page.push_str("</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>");
    for note in &table.notes {
        let _ = write!(page, "<p class=\"note\">{}</p>", escape(note));
    }
}

fn class(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text",
        ColumnKind::Word => "word",
        ColumnKind::Number => "number",
    }
}
