//! Reports as tables of text.

use facts::shown;

use super::campaign::Campaign;
use crate::campaign::Summary;
use crate::cli::output::{Style, counted, finished, style, thousands};
use crate::cli::table::{Render, wrapped};
use crate::report::{self, Extent, Origin, Report, Table};

/// Returns the heading and the rates over all faults of a campaign.
pub fn overview(summary: &Summary) -> String {
    let model = summary.config.as_ref().map_or("", |config| &config.model);
    let head = heading(model, summary)
        + &preprocessing(summary)
        + &summary.answer.as_ref().map_or_else(String::new, |answer| format!("answer: {}\n", shown(answer)))
        + &alarm(summary)
        + if summary.complete { "" } else { "incomplete: the rates are those of the faults that were made\n" };
    fitted(&head, false) + "\n" + &rendered(&report::overview(summary), false)
}

/// Returns the preprocessing as a line; nothing where it is not known.
fn preprocessing(summary: &Summary) -> String {
    summary.preprocess.as_ref().map_or_else(String::new, |preprocess| format!("preprocessing: {preprocess}\n"))
}

/// Returns the chance alarm as a line; nothing where there is none.
fn alarm(summary: &Summary) -> String {
    summary
        .golden
        .alarm
        .as_ref()
        .map_or_else(String::new, |alarm| format!("{}\n", style(Style::Red, format_args!("alarm: {}", shown(alarm)))))
}

/// Returns the report of one campaign, or of several side by side. Text for a `file` has neither colours nor a limit of
/// its width.
pub fn write(campaigns: &[Campaign], extent: Extent, file: bool) -> String {
    let text = match campaigns {
        [one] => single(one, extent, file),
        several => {
            let rows: Vec<_> = several.iter().map(|campaign| (campaign.name.clone(), &campaign.report)).collect();
            let mut partial = String::new();
            for campaign in several {
                partial += &skipped(&campaign.report, &format!("{}: ", campaign.name));
                if let Some(partly) = partly(&campaign.report) {
                    partial += &format!("{}: {partly}\n", shown(&campaign.name));
                }
            }
            let gap = if partial.is_empty() { "" } else { "\n" };
            format!("{}{gap}{}", fitted(&partial, file), rendered(&report::comparison(&rows), file))
        }
    };
    if file { finished(&text, false) } else { text }
}

fn single(campaign: &Campaign, extent: Extent, file: bool) -> String {
    let Campaign { results, report, .. } = campaign;
    let tables = report::tables(results.origin(), report, extent);
    let mut text = heading(results.origin().model(), &report.summary);
    text += &alarm(&report.summary);
    // On top: all numbers below it are those of a part.
    if !report.summary.complete {
        text += &format!("{}\n", incomplete(report));
    }
    let above = fitted(&text, file) + "\n" + &rendered(&tables, file) + "\n";
    text = skipped(report, "");
    if let Some(grouping) = &report.summary.grouping {
        text += &format!("SCM judged by the grouping {}\n", shown(grouping));
    }
    match results.origin() {
        Origin::Campaign(provenance) => {
            text += &format!(
                "model {}, on {}\ndata {}{}\nmade by faultscope {}\n",
                shown(&provenance.model.path),
                shown(&provenance.device),
                shown(&provenance.data.path),
                provenance
                    .data
                    .labelled
                    .as_ref()
                    .map_or_else(String::new, |rule| format!(", labelled {}", shown(rule))),
                shown(&provenance.faultscope)
            );
            text += &format!("preprocessing: {}\n", provenance.model.preprocess);
            if let Some(output) = &provenance.model.output {
                text += &format!("output \"{}\"\n", shown(output));
            }
            if let Some(answer) = &provenance.model.answer {
                text += &format!("answer: {}\n", shown(answer));
            }
            for notice in &provenance.notices {
                text += &format!("notice: {}\n", shown(notice));
            }
        }
        Origin::Log(log) => {
            let files: Vec<_> = log.files.iter().map(|file| file.path.as_str()).collect();
            text += &format!("log {}\nimported by faultscope {}\n", shown(&files.join(", ")), shown(&log.faultscope));
        }
    }
    above + &fitted(&text, file)
}

/// Returns the lines of `text`, each broken to fit the terminal; as they are for a `file`.
fn fitted(text: &str, file: bool) -> String {
    if file { text.to_owned() } else { text.lines().map(wrapped).collect() }
}

fn heading(model: &str, summary: &Summary) -> String {
    let [title, sampling] = report::heading(model, summary);
    format!("{}\n{}\n", style(Style::Bold, shown(&title)), shown(&sampling))
}

fn rendered(tables: &[Table], file: bool) -> String {
    let texts: Vec<_> = tables.iter().map(|table| if file { table.plain() } else { table.render() }).collect();
    texts.join("\n")
}

/// Returns the line on images that were skipped; nothing where there are none.
fn skipped(report: &Report, before: &str) -> String {
    report::skipped(&report.summary, &report.skipped_images)
        .map_or_else(String::new, |skipped| format!("{}\n", shown(&format!("{before}{skipped}"))))
}

/// Returns the sentence on results that are those of a part of a campaign: a shard, or an interrupted one.
pub fn partly(report: &Report) -> Option<String> {
    let shard = report.summary.shard.map(|shard| shard.words());
    let incomplete = (!report.summary.complete).then(|| incomplete(report));
    let all: Vec<String> = shard.into_iter().chain(incomplete).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn incomplete(report: &Report) -> String {
    format!(
        "incomplete: {} of {}{}",
        thousands(report.records),
        counted(report.planned, "fault"),
        if report.truncated { "; the last line breaks off and is not counted" } else { "" }
    )
}
