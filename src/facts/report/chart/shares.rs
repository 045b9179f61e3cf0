//! Shares of a whole as bars with their intervals: SCM among errors.

use std::fmt::Write;

use super::{across, escape, sentence, shortened};
use crate::outcome::Rate;
use crate::report::words::percent;

/// One bar.
#[derive(Clone, Debug)]
pub struct Share {
    /// Name.
    pub name: String,
    /// Class of its colour.
    pub class: &'static str,
    /// Filled share, and its interval.
    pub rate: Rate,
}

/// Height of a bar with its line of text, and height of the text.
const ROW: f64 = 46.0;
const TEXT: f64 = 18.0;
const BAR: f64 = 14.0;
/// Number of letters of a name that fit beside a number on a telephone.
const LONGEST: usize = 38;

/// Draws the chart. `label` describes it for screen readers.
pub fn shares(label: &str, rows: &[Share]) -> String {
    let mut plot = String::new();
    for (index, row) in rows.iter().enumerate() {
        let top = index as f64 * ROW;
        let (text, bar, middle) = (top + TEXT - 5.0, top + TEXT, top + TEXT + BAR / 2.0);
        let value = if row.rate.of == 0 {
            "none to count".to_owned()
        } else {
            let few = if row.rate.too_few() { "few, " } else { "" };
            format!("{few}{}", percent(row.rate.rate))
        };
        let _ = write!(
            plot,
            r#"<g><title>{}: {}</title><text x="0" y="{text}" class="name">{}</text><text x="100%" y="{text}" class="value end">{value}</text><rect x="0" width="100%" y="{bar}" height="{BAR}" class="rest"/>"#,
            escape(&row.name),
            escape(&sentence(&row.rate)),
            escape(&shortened(&row.name, LONGEST)),
        );
        if row.rate.of > 0 {
            let (low, high) = (across(row.rate.low), across(row.rate.high));
            let _ = write!(
                plot,
                r#"<rect x="0" width="{}" y="{bar}" height="{BAR}" class="bar {}"/>"#,
                across(row.rate.rate),
                row.class
            );
            // Drawn wider in the background's colour first, so that it is visible on the bar.
            for class in ["halo", "interval"] {
                let mut line = |from: &str, to: &str, y1: f64, y2: f64| {
                    let _ = write!(plot, r#"<line x1="{from}" x2="{to}" y1="{y1:.0}" y2="{y2:.0}" class="{class}"/>"#);
                };
                line(&low, &high, middle, middle);
                line(&low, &low, middle - 4.0, middle + 4.0);
                line(&high, &high, middle - 4.0, middle + 4.0);
            }
        }
        plot += "</g>";
    }
    let height = rows.len() as f64 * ROW - (ROW - TEXT - BAR - 4.0);
    format!(
        r#"<svg class="shares" role="img" aria-label="{}" width="100%" height="{height:.0}">{plot}</svg>"#,
        escape(label)
    )
}
