//! `faultscope report`: the rates of a campaign.

use std::path::PathBuf;

use clap::Args;
use console::style;

use super::directory;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{counted, json, name, percent, print, thousands};
use super::table::Table;
use crate::campaign::{FaultSummary, LayerSummary, Summary};
use crate::fault::{FaultKind, FaultModel, Mode, Sampling};
use crate::outcome::Rate;

/// Layers shown; JSON has all.
const TOP_LAYERS: usize = 10;

/// Show the rates of a campaign, with 95 % Wilson intervals.
///
/// Reads the campaign's records again, so it also works on one that was interrupted or is still running.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of the campaign
    dir: PathBuf,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (provenance, report) = directory::report(&arguments.dir)?;
    if arguments.json {
        json(&report)?;
        return Ok(Exit::Done);
    }
    let mut text = text(&report.summary);
    text += &format!(
        "\nmodel {}, on {}\ndata {}\nmade by faultscope {}\n",
        provenance.model.path, provenance.device, provenance.data.path, provenance.faultscope
    );
    if !report.summary.complete {
        text += &format!(
            "incomplete: {} of {}{}\n",
            thousands(report.records),
            counted(report.planned, "fault"),
            if report.truncated { "; the last line breaks off and is not counted" } else { "" }
        );
    }
    print(&text)?;
    Ok(Exit::Done)
}

/// All tables of a campaign.
fn text(summary: &Summary) -> String {
    let mut parts = vec![overview(summary)];
    if summary.bits.len() > 1 {
        let rows = summary.bits.iter().rev().map(|row| (row.bit.to_string(), &row.faults));
        parts.push(breakdown(Table::new().number("bit"), summary, rows));
    }
    parts.push(layers(summary));
    parts.join("\n")
}

/// What was done, and the rates over all of it.
pub fn overview(summary: &Summary) -> String {
    let mut parts = vec![heading(summary), outcomes(summary)];
    if !summary.fields.is_empty() {
        let rows = summary.fields.iter().map(|row| (name(&row.field), &row.faults));
        parts.push(breakdown(Table::new().word("field"), summary, rows));
    }
    parts.join("\n")
}

fn heading(summary: &Summary) -> String {
    let config = &summary.config;
    let title = format!(
        "{}: {}, {}",
        config.model,
        counted(summary.golden.images, "image"),
        fault_model(&config.fault_model, summary.faults.injections),
    );
    let sampling = match (config.fault_model.mode, config.fault_model.sampling) {
        (Mode::Multiple, _) => "every layer is struck".to_owned(),
        (Mode::Single, sampling @ Sampling::Layer) => {
            format!("sampling {}: every layer equally likely, then every element of it", name(&sampling))
        }
        (Mode::Single, sampling @ Sampling::Element) => {
            format!("sampling {}: every element of every layer equally likely", name(&sampling))
        }
    };
    format!("{}\n{sampling}; seed {}\n", style(title).bold(), config.seed)
}

fn fault_model(model: &FaultModel, injections: u64) -> String {
    let kind = match model.kind {
        FaultKind::BitFlip { bit: Some(bit) } => format!("bit {bit} flipped"),
        FaultKind::BitFlip { bit: None } => "one bit flipped".to_owned(),
        FaultKind::Zero { percent: Some(percent) } => format!("{percent} % of a layer's values set to zero"),
        FaultKind::Zero { percent: None } => "value set to zero".to_owned(),
        FaultKind::Random => "value replaced at random".to_owned(),
    };
    let amount = if model.amount > 1 { format!(", {} elements at once", model.amount) } else { String::new() };
    let target = format!("{} fault", name(&model.target));
    format!("{} ({kind}{amount})", counted(injections, &target))
}

fn outcomes(summary: &Summary) -> String {
    let mut table = Table::new().text("").number("count").number("of").number("share").number("low").number("high");
    let mut row = |name: &str, rate: Option<&Rate>| {
        if let Some(rate) = rate {
            let counts = [name.to_owned(), thousands(rate.count), thousands(rate.of)];
            table.row(counts.into_iter().chain(estimate(rate)));
        }
    };
    let (golden, faults) = (&summary.golden, &summary.faults);
    row("golden runs: correct", golden.accuracy.as_ref());
    row("golden runs: SCM among the wrong ones", golden.scm.as_ref());
    row("faults: masked", Some(&faults.masked));
    row("faults: SDC", Some(&faults.sdc));
    row("faults: SCM", faults.scm.as_ref());
    row("faults: SCM among SDCs", faults.scm_of_sdc.as_ref());
    row("faults: DUE, masked or not", Some(&faults.due));
    let mut text = table.render() + "low, high: ends of the 95 % Wilson interval\n";
    if let Some(ratio) = summary.scm_ratio {
        text += &format!(
            "an error made by a fault was {ratio:.2} times as likely to be safety-critical as one of the model's own\n"
        );
    } else if faults.scm.is_none() {
        text += "SCM is not judged: the model has no grouping; --grouping gives one\n";
    }
    text
}

fn breakdown<'a>(
    first_column: Table,
    summary: &Summary,
    rows: impl Iterator<Item = (String, &'a FaultSummary)>,
) -> String {
    let mut table =
        first_column.number("faults").number("SDC").number("share").number("low").number("high").number("DUE");
    if summary.faults.scm.is_some() {
        table = table.number("SCM");
    }
    for (name, faults) in rows {
        let mut cells = vec![name, thousands(faults.injections), thousands(faults.sdc.count)];
        cells.extend(estimate(&faults.sdc));
        cells.push(thousands(faults.due.count));
        cells.extend(faults.scm.as_ref().map(|rate| thousands(rate.count)));
        table.row(cells);
    }
    table.render()
}

/// The layers that are most vulnerable for certain: by the lower end of the interval, so that one SDC in one fault
/// does not come first.
fn layers(summary: &Summary) -> String {
    let struck = summary.layers.iter().filter(|row| row.faults.injections > 0).count();
    let mut rows: Vec<&LayerSummary> = summary.layers.iter().filter(|row| row.faults.sdc.count > 0).collect();
    if rows.is_empty() {
        return format!("no SDC in any of the {} that were struck\n", counted(struck, "layer"));
    }
    rows.sort_by(|a, b| b.faults.sdc.low.total_cmp(&a.faults.sdc.low));
    let vulnerable = rows.len();
    rows.truncate(TOP_LAYERS);
    let shown = if rows.len() < vulnerable { format!("the {} most vulnerable of ", rows.len()) } else { String::new() };
    let table =
        breakdown(Table::new().text("layer"), summary, rows.into_iter().map(|row| (row.layer.clone(), &row.faults)));
    format!(
        "{table}{shown}{} with an SDC, of {struck} that were struck; --json has all\n",
        counted(vulnerable, "layer")
    )
}

/// Share, low and high end of its interval; without trials nothing is known.
fn estimate(rate: &Rate) -> [String; 3] {
    if rate.of == 0 {
        return [String::from("-"), String::new(), String::new()];
    }
    [rate.rate, rate.low, rate.high].map(percent)
}
