//! All there is to show of one campaign.

use std::fmt::Write;

use super::table;
use crate::campaign::{Provenance, Start, Summary};
use crate::fault::Format;
use crate::outcome::Rate;
use crate::report::chart::{Band, Column, LEVELS, MapColumn, MapRow, Share, columns, escape, map, shares};
use crate::report::tables::{Extent, classes, headline, outcomes, profile, starts};
use crate::report::words::{counted, percent, ratio, thousands};
use crate::report::{LogOrigin, Origin, Report, Table, heading};

/// What the colours of [`shares`] mean.
pub const SHARES_LEGEND: &str = "<ul class=\"legend\"><li><i class=\"swatch-golden\"></i>SCM among the model's own \
     errors</li><li><i class=\"swatch-scm\"></i>SCM among errors made by faults</li><li><i class=\"swatch-rest\"></i>other \
     errors</li><li>line: 95 % interval</li><li>few: too few to say, the interval is wider than 20 percentage points</li></ul>";

/// Longest table of layers that stands open.
const OPEN_LAYERS: usize = 12;

/// What was done, in words.
pub fn lead(page: &mut String, origin: &Origin, report: &Report) {
    let [title, sampling] = heading(origin.model(), &report.summary);
    let title = title.strip_prefix(&format!("{}: ", origin.model())).unwrap_or(&title).to_owned();
    let _ = write!(page, "<p class=\"lead\">{}</p><p class=\"muted lead\">{}</p>", escape(&title), escape(&sampling));
    if !report.summary.complete {
        let torn = if report.truncated { "; the last line breaks off and is not counted" } else { "" };
        let (records, planned) = (thousands(report.records), counted(report.planned, "fault"));
        let _ = write!(page, "<p class=\"warn\">Incomplete: {records} of {planned}{torn}.</p>");
    }
}

/// Figures, charts and tables.
pub fn body(page: &mut String, origin: &Origin, report: &Report) {
    figures(page, &report.summary);
    scm(page, report);
    let summary = &report.summary;
    section(page, "Outcomes", |page| table::write(page, "h3", &outcomes(summary)));
    let mut sets = starts::tables(report).into_iter();
    if let Some(first) = sets.next() {
        section(page, &first.title.clone(), |page| {
            let untitled = Table { title: String::new(), ..first };
            table::write(page, "h3", &untitled);
            sets.for_each(|more| table::write(page, "h3", &more));
        });
    }
    bits(page, summary);
    layers(page, summary);
    layer_bits(page, report);
    if let Some(all) = classes::table(origin, report, Extent::All) {
        section(page, "Golden errors by class", |page| {
            page.push_str("<p class=\"muted\">What the images of a class were taken for without any fault.</p>");
            let untitled = Table { title: String::new(), ..all };
            folded(page, untitled.rows.len() <= OPEN_LAYERS, &counted_classes(untitled.rows.len()), |page| {
                table::write(page, "h3", &untitled);
            });
        });
    }
    section(page, "Provenance", |page| match origin {
        Origin::Campaign(provenance) => campaign_provenance(page, provenance, report),
        Origin::Log(log) => log_provenance(page, log, report),
    });
}

fn section(page: &mut String, title: &str, content: impl FnOnce(&mut String)) {
    let _ = write!(page, "<section><h2>{}</h2>", escape(title));
    content(page);
    page.push_str("</section>\n");
}

fn folded(page: &mut String, open: bool, what: &str, content: impl FnOnce(&mut String)) {
    let open = if open { " open" } else { "" };
    let _ = write!(page, "<details{open}><summary>{}</summary>", escape(what));
    content(page);
    page.push_str("</details>");
}

fn counted_classes(classes: usize) -> String {
    if classes == 1 { "1 class".to_owned() } else { format!("{} classes", thousands(classes)) }
}

/// The numbers to remember.
fn figures(page: &mut String, summary: &Summary) {
    page.push_str("<div class=\"figures\">");
    let mut figure = |what: &str, value: String, detail: String| {
        let _ = write!(
            page,
            "<div class=\"figure\"><span class=\"what\">{what}</span><b>{}</b><span>{}</span></div>",
            escape(&value),
            escape(&detail)
        );
    };
    let mut rate = |what: &str, rate: Option<&Rate>| {
        let Some(rate) = rate.filter(|rate| rate.of > 0) else { return };
        let few = if rate.too_few() { "; too few to say" } else { "" };
        let detail = format!(
            "{} to {}, {} of {}{few}",
            percent(rate.low),
            percent(rate.high),
            thousands(rate.count),
            thousands(rate.of)
        );
        figure(what, percent(rate.rate), detail);
    };
    let faults = &summary.faults;
    rate("Accuracy without faults", summary.golden.accuracy.as_ref());
    rate("Faults that change the answer (SDC)", Some(&faults.sdc));
    rate("SDCs that are safety-critical (SCM)", faults.scm_of_sdc.as_ref());
    rate("Faults that show as NaN or infinity (DUE)", Some(&faults.due));
    if let Some(scm) = summary.scm_ratio_interval
        && let Some(times) = scm.ratio
    {
        let high = scm.high.map_or_else(|| "or more".to_owned(), |high| format!("to {}", ratio(high)));
        figure(
            "SCM share, faults over golden errors",
            format!("{} ×", ratio(times)),
            format!("{} {high}", ratio(scm.low)),
        );
    }
    page.push_str("</div>\n");
}

/// The study's question: which errors are worse?
fn scm(page: &mut String, report: &Report) {
    let summary = &report.summary;
    let Some(golden) = summary.golden.scm else { return };
    let mut rows = vec![Share { name: "golden errors".to_owned(), class: "golden", rate: golden }];
    for set in report.starts() {
        let Some(rate) = set.faults.scm_of_sdc else { continue };
        let name = match set.start {
            Start::Misclassified => "SDCs in all initially wrong images".to_owned(),
            start => format!("SDCs in initially {} images", starts::label(start)),
        };
        rows.push(Share { name, class: "scm", rate });
    }
    section(page, "How much of the errors is safety-critical", |page| {
        if let Some(scm) = &summary.scm_ratio_interval {
            let _ = write!(page, "<p>{}.</p>", escape(&capitalised(&headline(scm))));
        }
        page.push_str(&shares("Share of SCM among golden errors and among SDCs", &rows));
        page.push_str(SHARES_LEGEND);
        if let Some(grouping) = &summary.grouping {
            let _ = write!(page, "<p class=\"note\">Judged by the grouping {}.</p>", escape(grouping));
        }
    });
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What stands below the column of a bit.
fn bit_tick(bit: u8) -> &'static str {
    match bit {
        0 => "0",
        4 => "4",
        8 => "8",
        12 => "12",
        16 => "16",
        20 => "20",
        23 => "23",
        27 => "27",
        31 => "31",
        _ => "",
    }
}

fn bits(page: &mut String, summary: &Summary) {
    let Some(mut all) = profile::bits(summary) else { return };
    let column = |bit: u8| {
        let known = summary.bits.iter().find(|row| row.bit == bit);
        let rate = known.map_or(Rate::new(0, 0), |row| row.faults.sdc);
        Column {
            name: format!("bit {bit}"),
            tick: bit_tick(bit).to_owned(),
            class: Format::F32.field_name(bit),
            rate,
            layer: None,
        }
    };
    let profile: Vec<_> = Format::F32.bits().map(column).collect();
    let bands = Band::of(Format::F32);
    section(page, "By bit", |page| {
        page.push_str("<p class=\"muted\">Share of flips of each bit that change the answer, with 95 % intervals; bit 31 is the sign.</p>");
        page.push_str(&columns("SDC share by bit", &profile, &bands));
        all.title.clear();
        folded(page, false, "Table", |page| {
            if let Some(fields) = profile::fields(summary) {
                table::write(page, "h3", &fields);
            }
            table::write(page, "h3", &all);
        });
    });
}

fn layers(page: &mut String, summary: &Summary) {
    let Some(mut all) = profile::layers(summary, Extent::All) else { return };
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
    section(page, "By layer", |page| {
        page.push_str(
            "<p class=\"muted\">Share of faults in each layer that change the answer; layers that faults are drawn from, \
             in model order, counted from 0.</p>",
        );
        page.push_str(&columns("SDC share by layer", &profile, &[]));
        let worst: Vec<_> = profile::most_vulnerable(summary).into_iter().take(8).collect();
        if !worst.is_empty() {
            page.push_str("<h3>Most vulnerable for certain</h3>");
            let rows: Vec<_> = worst
                .into_iter()
                .map(|row| Share { name: row.layer.clone(), class: "sdc", rate: row.faults.sdc })
                .collect();
            page.push_str(&shares("Layers with the highest SDC share", &rows));
            page.push_str("<p class=\"note\">In the order of the lower ends of their intervals.</p>");
        }
        all.title.clear();
        folded(page, all.rows.len() <= OPEN_LAYERS, "Table", |page| table::write(page, "h3", &all));
    });
}

fn layer_bits(page: &mut String, report: &Report) {
    if report.summary.bits.len() < 2 {
        return;
    }
    let rows: Vec<_> = report
        .layer_bits
        .chunk_by(|a, b| a.layer == b.layer)
        .map(|cells| MapRow {
            name: &cells[0].layer,
            cells: Format::F32
                .bits()
                .map(|bit| cells.iter().find(|cell| cell.bit == bit).map(|cell| Rate::new(cell.sdc, cell.injections)))
                .collect(),
        })
        .collect();
    let columns: Vec<_> =
        Format::F32.bits().map(|bit| MapColumn { name: format!("bit {bit}"), tick: bit_tick(bit) }).collect();
    section(page, "By layer and bit", |page| {
        page.push_str("<p class=\"muted\">Share of flips that change the answer; bit 31, the sign, on the left.</p>");
        page.push_str(&map("SDC share by layer and bit", &rows, &columns));
        page.push_str("<ul class=\"legend\"><li><i class=\"q0\"></i>none</li>");
        for (index, from) in LEVELS.iter().enumerate() {
            let to = LEVELS.get(index + 1).map_or(100.0, |to| 100.0 * to);
            let _ = write!(page, "<li><i class=\"q{}\"></i>{} to {to} %</li>", index + 1, 100.0 * from);
        }
        page.push_str("<li><i></i>no fault</li></ul>");
    });
}

fn list(page: &mut String, items: &[(&str, String)]) {
    page.push_str("<dl>");
    for (name, value) in items {
        let _ = write!(page, "<dt>{name}</dt><dd>{}</dd>", escape(value));
    }
    page.push_str("</dl>");
}

fn campaign_provenance(page: &mut String, provenance: &Provenance, report: &Report) {
    let config = &provenance.campaign;
    let mut items = vec![
        ("Model", provenance.model.path.clone()),
        ("SHA-256", provenance.model.sha256.clone()),
        ("Data", provenance.data.path.clone()),
        ("SHA-256", provenance.data.sha256.clone()),
    ];
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
    list(page, &items);
}

fn log_provenance(page: &mut String, log: &LogOrigin, report: &Report) {
    let mut items: Vec<_> =
        log.files.iter().map(|file| ("Log", format!("{}, SHA-256 {}", file.path, file.sha256))).collect();
    items.extend([("Imported by", format!("faultscope {}", log.faultscope)), ("Faults", thousands(report.records))]);
    list(page, &items);
}
