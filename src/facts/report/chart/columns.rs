//! Rates as columns with their intervals: by bit, by layer.

use std::fmt::Write;
use std::ops::Range;

use super::{across, escape, sentence};
use crate::fault::{BitField, Format};
use crate::outcome::Rate;

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name, shown under the pointer.
    pub name: String,
    /// Text below the column; empty for none.
    pub tick: String,
    /// Class of its colour.
    pub class: &'static str,
    /// Height and interval.
    pub rate: Rate,
    /// Layer for programs that read the chart, in the attribute `data-layer`.
    pub layer: Option<String>,
}

/// A group of columns with a mark below them.
#[derive(Clone, Debug)]
pub struct Band {
    /// Number of columns.
    pub columns: usize,
    /// Name of the group.
    pub name: &'static str,
    /// Class of its colour.
    pub class: &'static str,
}

impl Band {
    /// Returns a band for each field of `format`, the most significant field first.
    pub fn of(format: Format) -> Vec<Self> {
        let band = |(field, bits): &(BitField, Range<u8>)| Self {
            columns: bits.len(),
            name: field.name(),
            class: field.name(),
        };
        format.fields().iter().map(band).collect()
    }
}

/// Distances of the highest column's end and of the base line from the top.
const ABOVE: f64 = 14.0;
const FLOOR: f64 = 184.0;
/// Heights of the ticks, and of the marks of bands below them.
const TICKS: f64 = 22.0;
const BANDS: f64 = 24.0;
/// Width of the axis on the left.
const AXIS: f64 = 46.0;

/// Draws the chart. `label` describes it for screen readers. Intervals are drawn if there is room for them.
pub fn columns(label: &str, columns: &[Column], bands: &[Band]) -> String {
    let floor = FLOOR;
    let height = floor + TICKS + if bands.is_empty() { 0.0 } else { BANDS };
    let (top, step) = scale(columns);
    let y = |share: f64| floor - (floor - ABOVE) * (share / top).min(1.0);
    let mut axis = String::new();
    let mut plot = String::new();
    let mut tick = 0.0;
    while tick <= top * 1.000_001 {
        let at = y(tick);
        let percent = 100.0 * tick;
        let _ = write!(axis, r#"<text x="{:.0}" y="{:.1}" class="tick end">{percent} %</text>"#, AXIS - 6.0, at + 4.0);
        let _ = write!(plot, r#"<line x1="0" x2="100%" y1="{at:.1}" y2="{at:.1}" class="grid"/>"#);
        tick = ((tick + step) * 1e6).round() / 1e6;
    }
    let each = 1.0 / columns.len().max(1) as f64;
    // The intervals of very many columns would overlap.
    let intervals = columns.len() <= 128;
    let gap = if intervals { 0.14 } else { 0.0 };
    for (index, column) in columns.iter().enumerate() {
        let left = index as f64 * each;
        let layer =
            column.layer.as_ref().map_or_else(String::new, |layer| format!(r#" data-layer="{}""#, escape(layer)));
        let _ = write!(plot, "<g{layer}><title>{}: {}</title>", escape(&column.name), escape(&sentence(&column.rate)));
        // The pointer finds the column at any height.
        let _ = write!(
            plot,
            r#"<rect x="{}" width="{}" y="0" height="{floor}" class="ground"/>"#,
            across(left),
            across(each)
        );
        if column.rate.of > 0 {
            let (at, width) = (y(column.rate.rate), each * (1.0 - 2.0 * gap));
            let _ = write!(
                plot,
                r#"<rect x="{}" width="{}" y="{at:.1}" height="{:.1}" class="bar {}"/>"#,
                across(left + each * gap),
                across(width),
                floor - at,
                column.class
            );
            if intervals {
                let (middle, low, high) = (across(left + each / 2.0), y(column.rate.low), y(column.rate.high));
                let _ = write!(
                    plot,
                    r#"<line x1="{middle}" x2="{middle}" y1="{high:.1}" y2="{low:.1}" class="interval"/>"#
                );
            }
        }
        plot += "</g>";
        if !column.tick.is_empty() {
            let _ = write!(
                plot,
                r#"<text x="{}" y="{:.0}" class="tick middle">{}</text>"#,
                across(left + each / 2.0),
                floor + 16.0,
                escape(&column.tick)
            );
        }
    }
    let _ = write!(plot, r#"<line x1="0" x2="100%" y1="{floor}" y2="{floor}" class="base"/>"#);
    let mut left = 0.0;
    for band in bands {
        let width = band.columns as f64 * each;
        let _ = write!(
            plot,
            r#"<rect x="{}" width="{}" y="{:.0}" height="3" class="bar {}"/>"#,
            across(left + each * gap),
            across(width - 2.0 * each * gap),
            floor + 24.0,
            band.class
        );
        // A single column has no room for a word below it.
        if band.columns > 1 {
            let (middle, bottom) = (across(left + width / 2.0), floor + 40.0);
            let _ = write!(plot, r#"<text x="{middle}" y="{bottom:.0}" class="tick middle">{}</text>"#, band.name);
        }
        left += width;
    }
    format!(
        r#"<div class="plot" role="img" aria-label="{}"><svg width="{AXIS}" height="{height}" aria-hidden="true">{axis}</svg><svg width="100%" height="{height}" aria-hidden="true">{plot}</svg></div>"#,
        escape(label)
    )
}

/// Returns the upper end of the axis and the distance of its ticks. The end is the first round number above all columns
/// and above the intervals that are narrow enough for a statement.
fn scale(columns: &[Column]) -> (f64, f64) {
    let known = columns.iter().map(|column| &column.rate).filter(|rate| rate.of > 0);
    let highest = known.map(|rate| if rate.too_few() { rate.rate } else { rate.high }).fold(0.0, f64::max);
    const TOPS: [(f64, f64); 9] = [
        (0.01, 0.0025),
        (0.02, 0.005),
        (0.05, 0.01),
        (0.1, 0.02),
        (0.2, 0.05),
        (0.3, 0.1),
        (0.5, 0.1),
        (0.8, 0.2),
        (1.0, 0.25),
    ];
    TOPS.into_iter().find(|&(top, _)| highest <= top).unwrap_or((1.0, 0.25))
}
