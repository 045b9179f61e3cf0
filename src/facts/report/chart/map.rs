//! Rates as a map of colours: by layer and bit.

use std::fmt::Write;

use super::{across, escape, sentence, shortened};
use crate::outcome::Rate;

/// One row. A cell without a rate is not drawn.
#[derive(Clone, Debug)]
pub struct MapRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its cells.
    pub cells: Vec<Option<Rate>>,
}

/// One column.
#[derive(Clone, Debug)]
pub struct MapColumn {
    /// Its name.
    pub name: String,
    /// Text below the column; empty for none.
    pub tick: String,
}

/// The lowest share of each level.
pub const LEVELS: [f64; 7] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.7];

/// Returns the level of a share: 0 for a share of zero, otherwise 1 to 7 ([`LEVELS`]).
pub fn level(rate: &Rate) -> usize {
    if rate.count == 0 { 0 } else { LEVELS.iter().filter(|&&from| rate.rate >= from).count() }
}

/// Width of the names on the left, as in the style sheet, and width of a letter.
const NAMES: f64 = 132.0;
const LETTER: f64 = 6.3;
/// Largest number of cells with a text each. Texts of more cells would take megabytes.
const MOST_TITLES: usize = 4096;

/// Draws the map. `label` describes it for screen readers. Each row has a cell for each column.
pub fn map(label: &str, rows: &[MapRow<'_>], columns: &[MapColumn]) -> String {
    let height = match rows.len() {
        0..=40 => 15,
        41..=120 => 9,
        _ => 4,
    };
    // The names are as close to each other as is readable.
    let every = 14usize.div_ceil(height);
    let each = 1.0 / columns.len().max(1) as f64;
    let titles = rows.len() * columns.len() <= MOST_TITLES;
    let (mut names, mut plot) = (String::new(), String::new());
    for (index, row) in rows.iter().enumerate() {
        let top = index * height;
        if index % every == 0 {
            let _ = write!(
                names,
                r#"<text x="{:.0}" y="{}" class="tick end">{}<title>{}</title></text>"#,
                NAMES - 6.0,
                top + height.min(14) / 2 + 4,
                escape(&shortened(row.name, (NAMES / LETTER) as usize)),
                escape(row.name)
            );
        }
        let _ = write!(plot, r#"<g data-layer="{}">"#, escape(row.name));
        if !titles {
            let _ = write!(plot, "<title>{}</title>", escape(row.name));
        }
        let levels: Vec<_> = row.cells.iter().map(|cell| cell.as_ref().map(level)).collect();
        let mut from = 0;
        while from < levels.len() {
            // Without texts, neighbours of the same level are one rectangle.
            let same = levels[from..].iter().take_while(|&&level| !titles && level == levels[from]).count().max(1);
            if let Some(level) = levels[from] {
                let rect = format!(
                    r#"<rect x="{}" width="{}" y="{top}" height="{height}" class="cell q{level}""#,
                    across(from as f64 * each),
                    across(same as f64 * each)
                );
                match (&row.cells[from], titles) {
                    (Some(rate), true) => {
                        let name = format!("{}, {}", row.name, columns[from].name);
                        let _ =
                            write!(plot, "{rect}><title>{}: {}</title></rect>", escape(&name), escape(&sentence(rate)));
                    }
                    _ => {
                        let _ = write!(plot, "{rect}/>");
                    }
                }
            }
            from += same;
        }
        plot += "</g>";
    }
    let bottom = rows.len() * height;
    for (index, column) in columns.iter().enumerate().filter(|(_, column)| !column.tick.is_empty()) {
        let _ = write!(
            plot,
            r#"<text x="{}" y="{}" class="tick middle">{}</text>"#,
            across((index as f64 + 0.5) * each),
            bottom + 15,
            escape(&column.tick)
        );
    }
    let total = bottom + 22;
    format!(
        r#"<div class="plot map" role="img" aria-label="{}"><svg width="{NAMES}" height="{total}" aria-hidden="true">{names}</svg><svg width="100%" height="{total}" aria-hidden="true">{plot}</svg></div>"#,
        escape(label)
    )
}
