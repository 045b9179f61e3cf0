//! A table in HTML.

use maud::{Markup, html};

use crate::report::{ColumnKind, Table};

/// Writes `table` below its title.
pub fn write(table: &Table) -> Markup {
    titled(table, html! { h3 { (table.title) } })
}

/// Writes `table` below `heading`, or without it if the table has no title. A wide table scrolls by itself.
pub fn titled(table: &Table, heading: Markup) -> Markup {
    html! {
        @if !table.title.is_empty() { (heading) }
        div.scroll {
            table {
                thead {
                    tr { @for column in &table.columns { th class=(class(column.kind)) scope="col" { (column.header) } } }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (column, cell) in table.columns.iter().zip(row) {
                                td class=(class(column.kind)) {
                                    // A word in a column without a name is a mark on its row.
                                    @if column.header.is_empty() && column.kind == ColumnKind::Word && !cell.is_empty() {
                                        span.few { (cell) }
                                    } @else {
                                        (cell)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @for note in &table.notes { p.note { (note) } }
    }
}

fn class(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text",
        ColumnKind::Word => "word",
        ColumnKind::Number | ColumnKind::Spare => "number",
    }
}
