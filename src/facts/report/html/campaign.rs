//! Everything about one campaign.

use maud::{Markup, PreEscaped, html};

use super::table;
use crate::campaign::{Provenance, Start, Summary};
use crate::fault::{BitField, Format};
use crate::outcome::Rate;
use crate::report::chart::{Band, Column, LEVELS, MapColumn, MapRow, Share, bit_tick, columns, map, shares};
use crate::report::tables::{Extent, classes, headline, outcomes, profile, rates, starts};
use crate::report::words::{counted, percent, ratio, scientific, thousands};
use crate::report::{LogOrigin, Origin, Report, Table, heading, skipped};

/// Longest table that is shown unfolded.
const OPEN_ROWS: usize = 12;

/// The colours of [`shares`].
pub fn shares_legend() -> Markup {
    html! {
        ul.legend {
            li { i.swatch-golden {} "SCM among the model's own errors" }
            li { i.swatch-scm {} "SCM among errors made by faults" }
            li { i.swatch-rest {} "other errors" }
            li { "line: 95 % interval" }
            li { "few: too few to say, the interval is wider than 20 percentage points" }
        }
    }
}

/// The campaign in words.
pub fn lead(origin: &Origin, report: &Report) -> Markup {
    let [title, sampling] = heading(origin.model(), &report.summary);
    let title = title.strip_prefix(&format!("{}: ", origin.model())).unwrap_or(&title);
    html! {
        p.lead { (title) }
        p.muted.lead { (sampling) }
        @if let Some(alarm) = &report.summary.golden.alarm {
            p.alarm role="alert" { strong { "Alarm: " } (alarm) "." }
        }
        @if let Some(skipped) = skipped(&report.summary, &report.skipped_images) {
            p.warn { (capitalised(&skipped)) "." }
        }
        @if !report.summary.complete {
            p.warn {
                "Incomplete: " (thousands(report.records)) " of " (counted(report.planned, "fault"))
                @if report.truncated { "; the last line breaks off and is not counted" }
                "."
            }
        }
    }
}

/// Figures, charts and tables.
pub fn body(origin: &Origin, report: &Report) -> Markup {
    let summary = &report.summary;
    html! {
        (figures(summary))
        (scm(report))
        (section("Outcomes", table::write(&outcomes(summary))))
        (error_rates(summary))
            (super::protections::part(origin, report))
        (starting_sets(report))
        (bits(summary))
        (layers(summary))
        (layer_bits(report))
        (golden_errors(origin, report))
        (section("Provenance", match origin {
            Origin::Campaign(provenance) => campaign_provenance(provenance, report),
            Origin::Log(log) => log_provenance(log, report),
        }))
    }
}

pub(super) fn section(title: &str, content: Markup) -> Markup {
    html! { section { h2 { (title) } (content) } }
}

pub(super) fn folded(open: bool, title: &str, content: Markup) -> Markup {
    html! { details open[open] { summary { (title) } (content) } }
}

pub(super) fn untitled(table: Table) -> Table {
    Table { title: String::new(), ..table }
}

/// Accuracy over bit error rate.
fn error_rates(summary: &Summary) -> Markup {
    let Some(all) = rates::table(summary) else { return html! {} };
    let column = |(rate, class): (&Rate, _), at: Option<f64>| Column {
        name: at.map_or_else(|| "without faults".to_owned(), |at| format!("rate {}", scientific(at))),
        tick: at.map_or_else(|| "none".to_owned(), scientific),
        class,
        rate: *rate,
        layer: None,
    };
    let golden = summary.golden.accuracy.iter().map(|rate| column((rate, "golden"), None));
    let faulty = summary.rates.iter();
    let faulty = faulty.filter_map(|row| Some(column((row.accuracy.as_ref()?, "sdc"), Some(row.rate))));
    let profile: Vec<_> = golden.chain(faulty).collect();
    section(
        "By bit error rate",
        html! {
            @if profile.len() > 1 {
                p.muted { "Accuracy without faults, and over the probability with which each bit flips, with 95 % intervals." }
                (PreEscaped(columns("Accuracy over bit error rate", &profile, &[])))
            }
            (table::write(&untitled(all)))
        },
    )
}

fn starting_sets(report: &Report) -> Markup {
    let mut sets = starts::tables(report).into_iter();
    let Some(first) = sets.next() else { return html! {} };
    let title = first.title.clone();
    section(&title, html! { (table::write(&untitled(first))) @for more in sets { (table::write(&more)) } })
}

fn golden_errors(origin: &Origin, report: &Report) -> Markup {
    let Some(all) = classes::table(origin, report, Extent::All) else { return html! {} };
    let rows = all.rows.len();
    let title = if rows == 1 { "1 class".to_owned() } else { format!("{} classes", thousands(rows)) };
    section(
        "Golden errors by class",
        html! {
            p.muted { "The classes that golden runs, without a fault, predicted for the images of each class." }
            (folded(rows <= OPEN_ROWS, &title, table::write(&untitled(all))))
        },
    )
}

/// The most important numbers.
fn figures(summary: &Summary) -> Markup {
    let figure = |title: &str, value: &str, detail: &str| {
        html! { div.figure { span.what { (title) } b { (value) } span { (detail) } } }
    };
    let rate = |title: &str, rate: Option<&Rate>| {
        let Some(rate) = rate.filter(|rate| rate.of > 0) else { return html! {} };
        let few = if rate.too_few() { "; too few to say" } else { "" };
        let (low, high) = (percent(rate.low), percent(rate.high));
        let detail = format!("{low} to {high}, {} of {}{few}", thousands(rate.count), thousands(rate.of));
        figure(title, &percent(rate.rate), &detail)
    };
    let faults = &summary.faults;
    html! {
        div.figures {
            (rate("Accuracy without faults", summary.golden.accuracy.as_ref()))
            (rate("Faults that change the answer (SDC)", Some(&faults.sdc)))
            (rate("SDCs that are safety-critical (SCM)", faults.scm_of_sdc.as_ref()))
            (rate("Faults that show as NaN or infinity (DUE)", Some(&faults.due)))
            @if let Some(scm) = &summary.scm_ratio_interval {
                @if let Some(times) = scm.ratio {
                    @let high = scm.high.map_or_else(|| "or more".to_owned(), |high| format!("to {}", ratio(high)));
                    (figure(
                        "SCM share, faults over golden errors",
                        &format!("{} ×", ratio(times)),
                        &format!("{} {high}", ratio(scm.low)),
                    ))
                }
            }
        }
    }
}

/// The study's question: which errors are worse?
fn scm(report: &Report) -> Markup {
    let summary = &report.summary;
    let Some(golden) = summary.golden.scm else { return html! {} };
    let mut rows = vec![Share { name: "golden errors".to_owned(), class: "golden", rate: golden }];
    for set in report.starts() {
        let Some(rate) = set.faults.scm_of_sdc else { continue };
        let name = match set.start {
            Start::Misclassified => "SDCs in all initially wrong images".to_owned(),
            start => format!("SDCs in initially {} images", starts::label(start)),
        };
        rows.push(Share { name, class: "scm", rate });
    }
    section(
        "How much of the errors is safety-critical",
        html! {
            @if let Some(scm) = &summary.scm_ratio_interval { p { (capitalised(&headline(scm))) "." } }
            (PreEscaped(shares("Share of SCM among golden errors and among SDCs", &rows)))
            (shares_legend())
            @if let Some(grouping) = &summary.grouping { p.note { "Judged by the grouping " (grouping) "." } }
        },
    )
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn bits(summary: &Summary) -> Markup {
    let Some(all) = profile::bits(summary) else { return html! {} };
    let format = summary.format;
    let column = |bit: u8| {
        let known = summary.bits.iter().find(|row| row.bit == bit);
        let rate = known.map_or(Rate::new(0, 0), |row| row.faults.sdc);
        Column {
            name: format!("bit {bit}"),
            tick: bit_tick(format, bit),
            class: format.field_name(bit),
            rate,
            layer: None,
        }
    };
    let profile: Vec<_> = format.bits().map(column).collect();
    let tables = html! {
        @if let Some(fields) = profile::fields(summary) { (table::write(&fields)) }
        (table::write(&untitled(all)))
    };
    section(
        "By bit",
        html! {
            p.muted {
                "Share of flips of each bit that change the answer, with 95 % intervals; bit " (format.width() - 1) " is the "
                (top(format)) "."
            }
            (PreEscaped(columns("SDC share by bit", &profile, &Band::of(format))))
            (folded(false, "Table", tables))
        },
    )
}

/// The most significant bit in words.
fn top(format: Format) -> &'static str {
    match format.field(format.width() - 1) {
        Some(BitField::Sign) => "sign",
        _ => "most significant one",
    }
}

fn layers(summary: &Summary) -> Markup {
    let Some(all) = profile::layers(summary, Extent::All) else { return html! {} };
    let count = summary.layers.len();
    // Ticks at round places, eight at most.
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|every| count / every <= 8).unwrap_or(1000);
    let profile: Vec<_> = summary
        .layers
        .iter()
        .enumerate()
        .map(|(index, row)| Column {
            name: format!("{index} {}", row.layer),
            tick: if index % every == 0 { index.to_string() } else { String::new() },
            class: "sdc",
            rate: row.faults.sdc,
            layer: Some(row.layer.clone()),
        })
        .collect();
    let worst: Vec<_> = profile::most_vulnerable(summary)
        .into_iter()
        .take(8)
        .map(|row| Share { name: row.layer.clone(), class: "sdc", rate: row.faults.sdc })
        .collect();
    section(
        "By layer",
        html! {
            p.muted {
                "Share of faults in each layer that change the answer; layers that faults are drawn from, in model order, "
                "counted from 0."
            }
            (PreEscaped(columns("SDC share by layer", &profile, &[])))
            @if !worst.is_empty() {
                h3 { "Most vulnerable for certain" }
                (PreEscaped(shares("Layers with the highest SDC share", &worst)))
                p.note { "In the order of the lower ends of their intervals." }
            }
            (folded(all.rows.len() <= OPEN_ROWS, "Table", table::write(&untitled(all))))
        },
    )
}

fn layer_bits(report: &Report) -> Markup {
    if report.summary.bits.len() < 2 {
        return html! {};
    }
    let format = report.summary.format;
    let rows: Vec<_> = report
        .layer_bits
        .chunk_by(|a, b| a.layer == b.layer)
        .map(|cells| MapRow {
            name: &cells[0].layer,
            cells: format
                .bits()
                .map(|bit| cells.iter().find(|cell| cell.bit == bit).map(|cell| Rate::new(cell.sdc, cell.injections)))
                .collect(),
        })
        .collect();
    let columns: Vec<_> =
        format.bits().map(|bit| MapColumn { name: format!("bit {bit}"), tick: bit_tick(format, bit) }).collect();
    section(
        "By layer and bit",
        html! {
            p.muted {
                "Share of flips that change the answer; bit " (format.width() - 1) ", the " (top(format)) ", on the left."
            }
            @if let Some(note) = profile::mixed(&report.summary) { p.muted { (note) "." } }
            (PreEscaped(map("SDC share by layer and bit", &rows, &columns)))
            ul.legend {
                li { i.q0 {} "none" }
                @for (index, from) in LEVELS.iter().enumerate() {
                    @let to = LEVELS.get(index + 1).map_or(100.0, |to| 100.0 * to);
                    li { i class=(format!("q{}", index + 1)) {} (100.0 * from) " to " (to) " %" }
                }
                li { i {} "no fault" }
            }
        },
    )
}

fn list(items: &[(&str, String)]) -> Markup {
    html! { dl { @for (name, value) in items { dt { (name) } dd { (value) } } } }
}

fn campaign_provenance(provenance: &Provenance, report: &Report) -> Markup {
    let config = &provenance.campaign;
    let mut items = vec![
        ("Model", provenance.model.path.clone()),
        ("SHA-256", provenance.model.sha256.clone()),
        ("Data", provenance.data.path.clone()),
        ("SHA-256", provenance.data.sha256.clone()),
    ];
    items.extend(provenance.data.labelled.clone().map(|rule| ("Labelled", rule)));
    items.push(("Preprocessing", provenance.model.preprocess.to_string()));
    items.extend(provenance.model.input_size.map(|size| ("Input size", size.to_string())));
    items.extend(provenance.model.output.clone().map(|output| ("Output", output)));
    items.extend(provenance.model.answer.clone().map(|answer| ("Answer", answer)));
    if let Some(sample) = &provenance.sample {
        items.push(("Sample", format!("{}, {}", sample.path, counted(sample.images, "image"))));
    }
    if let Some(shard) = &provenance.shard {
        items.push(("Part", shard.to_string()));
    }
    items.extend([
        ("Campaign", serde_json::to_string(config).unwrap_or_default()),
        ("Computed on", provenance.device.clone()),
        ("Made by", format!("faultscope {}", provenance.faultscope)),
        ("Records", thousands(report.records)),
    ]);
    items.extend(provenance.notices.iter().map(|notice| ("Assumed", notice.clone())));
    list(&items)
}

fn log_provenance(log: &LogOrigin, report: &Report) -> Markup {
    let mut items: Vec<_> =
        log.files.iter().map(|file| ("Log", format!("{}, SHA-256 {}", file.path, file.sha256))).collect();
    items.extend([("Imported by", format!("faultscope {}", log.faultscope)), ("Faults", thousands(report.records))]);
    list(&items)
}
