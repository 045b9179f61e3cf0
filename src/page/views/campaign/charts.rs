//! The campaign's charts, drawn by the same code as those of `faultscope report`.

use std::fmt::Write;

use facts::Named as _;
use facts::campaign::{Criterion, Start};
use facts::outcome::Rate;
use facts::report::chart::{Band, Column, MapColumn, MapRow, Share, bit_tick, columns, map, shares};
use protocol::{CampaignProfile, Moment};

use crate::words;

/// The rate of an outcome by bit, the sign on the left.
pub fn bits(profile: &CampaignProfile, outcome: Criterion) -> String {
    let format = profile.format;
    let column = |bit: u8| Column {
        name: format!("bit {bit} ({})", format.field_name(bit)),
        tick: bit_tick(format, bit),
        class: format.field_name(bit),
        rate: profile.bit(bit, outcome),
        layer: None,
    };
    let all: Vec<_> = format.bits().map(column).collect();
    let bands = Band::of(format);
    columns(&format!("{} rate by bit; a table below says the same in numbers", outcome.label()), &all, &bands)
}

/// The rate of an outcome by layer, in model order; each column says which layer it is.
pub fn layers(profile: &CampaignProfile, outcome: Criterion) -> String {
    let count = profile.layers.len();
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|every| count / every <= 8).unwrap_or(1000);
    let all: Vec<_> = profile
        .layers
        .iter()
        .enumerate()
        .map(|(index, row)| Column {
            name: row.name.clone(),
            tick: if index % every == 0 { index.to_string() } else { String::new() },
            class: if outcome == Criterion::Scm { "scm" } else { "sdc" },
            rate: profile.layer(index, outcome),
            layer: Some(row.name.clone()),
        })
        .collect();
    let label = format!("{} rate by layer, in model order; a table below says the same in numbers", outcome.label());
    columns(&label, &all, &[])
}

/// The rate of an outcome by layer and bit.
pub fn layer_bits(profile: &CampaignProfile, outcome: Criterion) -> String {
    let format = profile.format;
    let rows: Vec<_> = profile
        .layers
        .iter()
        .enumerate()
        .map(|(layer, row)| MapRow {
            name: &row.name,
            cells: format.bits().map(|bit| profile.cell(layer, bit, outcome)).collect(),
        })
        .collect();
    let column = |bit: u8| MapColumn { name: format!("bit {bit}"), tick: bit_tick(format, bit) };
    let columns: Vec<_> = format.bits().map(column).collect();
    let label = format!("{} rate by layer and bit; a table below says the same in numbers", outcome.label());
    map(&label, &rows, &columns)
}

/// The study's question: SCM among golden errors, and among SDCs.
pub fn scm(rows: &[Share]) -> String {
    shares("Share of SCM among golden errors and among SDCs; a table below says the same in numbers", rows)
}

/// The rows of [`scm`].
pub fn scm_shares(profile: &CampaignProfile, golden: Option<Rate>, faulty: Option<Rate>) -> Vec<Share> {
    let mut rows = Vec::new();
    if let Some(rate) = golden {
        rows.push(Share { name: "Golden errors".to_owned(), class: "golden", rate });
    }
    if let Some(rate) = faulty {
        rows.push(Share { name: "SDCs, all images".to_owned(), class: "scm", rate });
    }
    for (start, rate) in &profile.starts {
        let name = match start {
            Start::Correct => "SDCs, correct images",
            Start::Scm => "SDCs, SCM images",
            Start::NonScm => "SDCs, wrong images, not SCM",
            Start::Misclassified => "SDCs, wrong images",
        };
        rows.push(Share { name: name.to_owned(), class: "scm", rate: *rate });
    }
    rows
}

/// Height of the history, of its axis below, and width of that on the left.
const HEIGHT: f64 = 150.0;
const BELOW: f64 = 20.0;
const AXIS: f64 = 46.0;

/// How the rates and their intervals came about: lines over the number of faults.
pub fn history(points: &[Moment], judged: bool) -> String {
    let Some(last) = points.last() else { return String::new() };
    let sdc = |moment: &Moment| moment.sdc;
    let scm = |moment: &Moment| moment.scm;
    // The first intervals are as wide as the chart, so the scale is made for the later ones.
    let settled = points.iter().filter(|point| 10 * point.faults() >= last.faults());
    let highest = settled.map(|point| sdc(point).high).fold(0.01, f64::max);
    let top = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8].into_iter().find(|top| highest <= *top).unwrap_or(1.0);
    let x = |faults: u64| 1000.0 * faults as f64 / last.faults().max(1) as f64;
    let y = |share: f64| HEIGHT - HEIGHT * (share / top).min(1.0);
    let mut plot = String::new();
    let mut curve = |class: &str, rate: &dyn Fn(&Moment) -> Rate| {
        let mut band = String::new();
        let mut line = String::new();
        for point in points {
            let _ = write!(band, "{:.1},{:.1} ", x(point.faults()), y(rate(point).high));
            let _ = write!(line, "{:.1},{:.1} ", x(point.faults()), y(rate(point).rate));
        }
        for point in points.iter().rev() {
            let _ = write!(band, "{:.1},{:.1} ", x(point.faults()), y(rate(point).low));
        }
        let _ = write!(plot, r#"<polygon points="{band}" class="band {class}"/>"#);
        let _ = write!(plot, r#"<polyline points="{line}" class="line {class}" vector-effect="non-scaling-stroke"/>"#);
    };
    curve("sdc", &sdc);
    if judged {
        curve("scm", &scm);
    }
    let mut axis = String::new();
    let mut grid = String::new();
    for part in 0..=2 {
        let (share, at) = (top * f64::from(part) / 2.0, HEIGHT - HEIGHT * f64::from(part) / 2.0);
        let shown = words::trimmed(100.0 * share);
        let _ = write!(axis, r#"<text x="{:.0}" y="{:.1}" class="tick end">{shown} %</text>"#, AXIS - 6.0, at + 4.0);
        let _ = write!(grid, r#"<line x1="0" x2="100%" y1="{at}" y2="{at}" class="grid"/>"#);
    }
    let total = HEIGHT + BELOW;
    let end = HEIGHT + 15.0;
    let label = format!(
        "SDC rate over the number of faults: {} after {} faults",
        words::percent(sdc(last).rate),
        last.faults()
    );
    format!(
        r#"<div class="plot" role="img" aria-label="{label}"><svg width="{AXIS}" height="{total}" aria-hidden="true">{axis}</svg><svg width="100%" height="{total}" aria-hidden="true">{grid}<svg width="100%" height="{HEIGHT}" viewBox="0 0 1000 {HEIGHT}" preserveAspectRatio="none">{plot}</svg><text x="0" y="{end}" class="tick">0</text><text x="100%" y="{end}" class="tick end">{} faults</text></svg></div>"#,
        words::count(last.faults())
    )
}
