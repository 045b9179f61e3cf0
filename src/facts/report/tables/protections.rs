//! Protections that were tried with the same faults: coverage, rates with and without, cost, parts, and the faults on which two of
//! them differ.

use super::{Extent, estimate, explain_few, few};
use crate::campaign::compared::{Method, Overhead, PairedSummary, PartEffects, Saves};
use crate::campaign::{ProtectionSummary, Summary};
use crate::outcome::{Decision, SIGNIFICANCE};
use crate::report::table::{Column, ColumnKind};
use crate::report::words::{counted, name, p_value, percent, points, scientific, thousands};
use crate::report::{Origin, Table};

/// Protections in one table of parts; more go into further tables.
const BESIDE: usize = 4;

/// Share of golden predictions that a protection may change without a note.
const CHANGES: f64 = 0.01;

/// In place of a prediction, where the inference was stopped.
const STOPPED: &str = "stopped";

/// Layers that are shown from a longer list, and faults of a pair of protections.
const TOP_LAYERS: usize = 10;
const TOP_FAULTS: usize = 3;

/// Returns the tables over all faults; none if no protections were compared.
pub fn overall(summary: &Summary) -> Vec<Table> {
    if summary.protections.is_empty() {
        return Vec::new();
    }
    let mut tables = vec![coverage(summary), rate(summary, "SDC", |one| Some(&one.sdc))];
    if summary.protections.iter().any(|one| one.scm.is_some()) {
        // The notes are those of the table above.
        tables.push(Table { notes: Vec::new(), ..rate(summary, "SCM", |one| one.scm.as_ref()) });
    }
    tables.push(cost(summary));
    tables
}

/// Returns the tables of parts of the faults: by bit error rate, field, bit and layer.
pub fn parts(summary: &Summary, extent: Extent) -> Vec<Table> {
    let mut tables: Vec<_> = error_rates(summary).into_iter().collect();
    for some in summary.protections.chunks(BESIDE) {
        let more = match some {
            [first, .., last] if some.len() < summary.protections.len() => {
                format!(": {} to {}", first.method, last.method)
            }
            [only] if summary.protections.len() > 1 => format!(": {}", only.method),
            _ => String::new(),
        };
        let title = |by: &str| format!("SDC by {by} under protections{more}");
        let first = &some[0];
        let fields: Vec<_> = first.by_field.iter().map(|row| name(&row.field)).collect();
        let mixed = |mut table: Table| {
            super::profile::mixed(summary).into_iter().for_each(|note| table.note(note));
            table
        };
        let by_field =
            table(title("field"), "field", ColumnKind::Word, &fields, some, |one, row| &one.by_field[row].part);
        tables.extend(by_field.map(mixed));
        if first.by_bit.len() > 1 {
            let bits: Vec<_> = first.by_bit.iter().rev().map(|row| row.bit.to_string()).collect();
            let last = bits.len() - 1;
            let by_bit =
                table(title("bit"), "bit", ColumnKind::Number, &bits, some, |one, row| &one.by_bit[last - row].part);
            tables.extend(by_bit.map(mixed));
        }
        tables.extend(layers(title("layer"), some, extent));
    }
    tables
}

/// Returns the pairs of protections that differ, and faults to look into.
pub fn saves(origin: &Origin, summary: &Summary, extent: Extent) -> Vec<Table> {
    let pairs: Vec<(&Method, &Saves)> =
        summary.protections.iter().flat_map(|one| one.saves.iter().map(move |saves| (&one.method, saves))).collect();
    if pairs.is_empty() {
        return Vec::new();
    }
    let title = "Faults that one protection saves and another loses";
    let mut counts = Table::titled(title).number("pair").text("saved by").text("lost by").number("faults");
    // The names of two protections beside four classes are wider than a terminal.
    let mut list = Table::titled("Such faults, the first of each pair").numbers(["pair", "line"]).spare("image");
    list = list.text("layer").spare("element").spare("bits");
    for header in ["golden", "faulty", "saved", "lost"] {
        list = list.text(header);
    }
    for (pair, (method, saves)) in pairs.into_iter().enumerate() {
        let pair = (pair + 1).to_string();
        counts.row([pair.clone(), method.to_string(), saves.other.to_string(), thousands(saves.faults)]);
        for fault in saves.listed.iter().take(extent.of(TOP_FAULTS, saves.listed.len())) {
            let place = [
                pair.clone(),
                thousands(fault.record),
                fault.image.to_string(),
                fault.layer.clone().unwrap_or_else(|| "many".to_owned()),
                fault.element.map_or_else(String::new, |element| element.to_string()),
                fault.bits.map_or_else(String::new, |bits| bits.to_string()),
            ];
            let mut classes = [fault.golden, fault.faulty, fault.saved, fault.lost].map(|class| origin.class(class));
            if fault.stopped {
                STOPPED.clone_into(&mut classes[2]);
            }
            list.row(place.into_iter().chain(classes));
        }
    }
    counts.note("saved: no silent error under the one; lost: a silent error under the other, with the same fault");
    list.note(
        "pair: of the table above; line: of faults.jsonl, from 1; image: index in the data; golden, faulty: predictions without a protection; saved, lost: \
         predictions under the two, or the word stopped where the one stops the inference. `faultscope inject` with layer, element and bit repeats a fault",
    );
    vec![counts, list]
}

/// Returns the rates of several campaigns under their protections; none if no campaign compares any.
pub fn comparison(rows: &[(String, &Summary)]) -> Option<Table> {
    let mut table = with_rates(Table::titled("Protections on the same faults: SDC").text("model").text("protection"));
    for (model, summary) in rows {
        for one in &summary.protections {
            table.row([model.clone(), one.method.to_string()].into_iter().chain(rate_cells(&one.sdc)));
        }
    }
    if table.rows.is_empty() {
        return None;
    }
    table.note("p: McNemar's exact test, corrected by Holm within each campaign; low, high: Newcombe's 95 % interval");
    Some(table)
}

fn coverage(summary: &Summary) -> Table {
    let mut table = Table::titled("Protections: effects on the same faults").text("protection");
    table = table.numbers(["mended", "detected", "missed", "worse"]).spare("needless");
    table = table.numbers(["coverage", "low", "high"]).word("");
    for one in &summary.protections {
        let effects = &one.effects;
        let counts = [effects.mended, effects.detected, effects.missed, effects.worse, effects.needless].map(thousands);
        let rate = &one.sdc.coverage;
        table.row([one.method.to_string()].into_iter().chain(counts).chain(estimate(rate)).chain([few([rate])]));
    }
    table.note(
        "mended, detected, missed: SDCs without the protection that become right, are noticed, or stay silent errors; worse: right \
         without, a silent error with; needless: right without, stopped with; coverage: mended and detected among the SDCs without",
    );
    explain_few(&mut table);
    table
}

fn with_rates(table: Table) -> Table {
    table.numbers(["without", "with", "points", "low", "high", "p"]).word("verdict")
}

/// Returns the shares without and with, the difference in percentage points, and the conclusion.
fn rate_cells(paired: &PairedSummary) -> Vec<String> {
    let difference = &paired.difference;
    let mut cells = vec![percent(paired.without.rate), percent(paired.with.rate)];
    cells.extend([difference.difference, difference.low, difference.high].map(points));
    cells.push(paired.p_adjusted.map_or_else(|| "-".to_owned(), p_value));
    cells.push(paired.decision.words().to_owned());
    cells
}

fn rate<'a>(
    summary: &'a Summary,
    outcome: &str,
    paired: impl Fn(&'a ProtectionSummary) -> Option<&'a PairedSummary>,
) -> Table {
    let mut table = with_rates(Table::titled(format!("Protections: {outcome} rate")).text("protection"));
    for one in &summary.protections {
        let Some(paired) = paired(one) else { continue };
        table.row([one.method.to_string()].into_iter().chain(rate_cells(paired)));
    }
    if summary.config.as_ref().is_some_and(|config| config.exhaustive) {
        table.note("every fault was tried: differences are exact, and no test is needed");
        return table;
    }
    let judged = summary.protections.iter().filter(|one| one.scm.is_some()).count();
    let tests = summary.protections.len() + judged;
    table.note(format!(
        "points: with less without, in percentage points; low, high: Newcombe's 95 % interval for the same faults; p: McNemar's exact \
         test, corrected by Holm for {}",
        counted(tests, "test")
    ));
    table.note(format!(
        "better, worse: fewer or more silent errors, with p below {SIGNIFICANCE}; needless stops, false alarms and golden accuracy stand \
         beside; too few to say: p is not below {SIGNIFICANCE}, and the outcomes differ on fewer than {} faults, which only smaller \
         p-values of the other tests could have made enough; no difference seen: on as many or more, and p is not below {SIGNIFICANCE}",
        Decision::least(tests),
    ));
    if summary.aim.is_some() {
        table.note("the campaign stopped at an aim for the unprotected network: these intervals are for a fixed number of faults");
    }
    table
}

/// Returns an overhead as a share, or as a number where there is nothing that it is a share of.
fn overhead(cost: u64, share: Option<f64>) -> String {
    match share {
        _ if cost == 0 => "0".to_owned(),
        Some(share) if share < 0.0005 => percent(share),
        Some(share) => format!("+{}", percent(share)),
        None => format!("+{}", thousands(cost)),
    }
}

/// Returns the overhead in operations, parameters and bytes.
pub fn overheads(overhead_of: &Overhead) -> [String; 3] {
    let Overhead { cost, operations_share, parameters_share, bytes_share } = overhead_of;
    [
        overhead(cost.operations, *operations_share),
        overhead(cost.parameters, *parameters_share),
        overhead(cost.bytes, *bytes_share),
    ]
}

fn cost(summary: &Summary) -> Table {
    let timed = summary.protections.iter().any(|one| one.time.is_some());
    let mut table = Table::titled("Protections: cost, and golden runs").text("protection");
    table = table.spare("layers").number("operations").spare("parameters").number("bytes");
    if timed {
        table = table.number("time");
    }
    table = table.numbers(["accuracy", "without", "changed", "false alarms"]);
    for one in &summary.protections {
        let layers = if one.layers.is_empty() { "-".to_owned() } else { thousands(one.layers.len()) };
        let golden = &one.golden;
        let share = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), percent);
        let known = |rate: &crate::outcome::Rate| share((rate.of > 0).then_some(rate.rate));
        let runs = [
            share(golden.accuracy.map(|rate| rate.rate)),
            share(golden.accuracy_without.map(|rate| rate.rate)),
            known(&golden.changed),
            known(&golden.false_alarms),
        ];
        let time = timed.then(|| one.time.map_or_else(|| "-".to_owned(), |times| format!("{times:.2}x")));
        table.row([one.method.to_string(), layers].into_iter().chain(overheads(&one.overhead)).chain(time).chain(runs));
    }
    table.note(
        "operations, parameters, bytes: added to one inference, counted from the graph, as shares of the network's own; accuracy: golden runs with the protection; \
         changed: golden predictions that the protection changes; false alarms: golden runs that it stops",
    );
    if timed {
        table.note(
            "time: of one golden inference over that without a protection, measured on the campaign's machine, the fastest of some; \
             -: not computed in an inference",
        );
    }
    for one in summary.protections.iter().filter(|one| one.golden.changed.rate > CHANGES) {
        table.note(format!(
            "{} changes {} of the golden predictions: its rates are those of a network that answers differently without any fault",
            one.method,
            percent(one.golden.changed.rate)
        ));
    }
    let learnt = summary.protections.iter().find_map(|one| one.profile.as_ref());
    if let Some(profile) = learnt {
        let of = profile.data.as_ref().map_or_else(|| "the campaign's own data".to_owned(), Clone::clone);
        table.note(format!("learnt from {} of {of}", counted(profile.images, "image")));
    }
    table
}

/// Returns accuracy and SDC by bit error rate.
fn error_rates(summary: &Summary) -> Option<Table> {
    let mut table = Table::titled("Protections by bit error rate").number("rate").text("protection").number("accuracy");
    table = table.spare("low").spare("high").numbers(["without", "with", "points"]).spare("low").spare("high");
    let rates = summary.protections.first().map_or(0, |one| one.by_rate.len());
    for (index, plain) in summary.rates.iter().enumerate().take(rates) {
        let bare = plain.accuracy.as_ref().map_or_else(|| ["-".to_owned(), String::new(), String::new()], estimate);
        let mut cells = vec![scientific(plain.rate), "none".to_owned()];
        cells.extend(bare);
        cells.push(percent(plain.faults.sdc.rate));
        table.row(cells);
        for one in &summary.protections {
            let row = &one.by_rate[index];
            let mut cells = vec![scientific(row.rate), one.method.to_string()];
            cells
                .extend(row.accuracy.as_ref().map_or_else(|| ["-".to_owned(), String::new(), String::new()], estimate));
            let difference = &row.part.difference;
            cells.extend([percent(row.part.without.rate), percent(row.part.with.rate)]);
            cells.extend([difference.difference, difference.low, difference.high].map(points));
            table.row(cells);
        }
    }
    if table.rows.is_empty() {
        return None;
    }
    table.note(
        "accuracy: of the inferences with bit errors, a stopped one counts as wrong; without, with: SDC; points: with less without, \
         in percentage points, with Newcombe's 95 % interval",
    );
    Some(table)
}

/// Returns a table of parts with a column for each of `some` protections; none without parts.
fn table<'a>(
    title: String,
    header: &'static str,
    kind: ColumnKind,
    names: &[String],
    some: &'a [ProtectionSummary],
    part: impl Fn(&'a ProtectionSummary, usize) -> &'a PartEffects,
) -> Option<Table> {
    if names.is_empty() {
        return None;
    }
    let mut table = Table::titled(title);
    table.columns.push(Column { header: header.into(), kind });
    table = table.numbers(["faults", "without"]);
    for one in some {
        table.columns.push(Column { header: one.method.to_string().into(), kind: ColumnKind::Number });
    }
    for (row, name) in names.iter().enumerate() {
        let without = &part(&some[0], row).without;
        let mut cells = vec![name.clone(), thousands(without.of), percent(without.rate)];
        cells.extend(some.iter().map(|one| percent(part(one, row).with.rate)));
        table.row(cells);
    }
    Some(table)
}

/// Returns the layers: all in model order, or those with the most SDCs for certain without a protection.
fn layers(title: String, some: &[ProtectionSummary], extent: Extent) -> Option<Table> {
    let all = &some[0].by_layer;
    let mut order: Vec<usize> = (0..all.len()).collect();
    let shown = extent.of(TOP_LAYERS, all.len());
    if shown < all.len() {
        order.sort_by(|&a, &b| all[b].part.without.low.total_cmp(&all[a].part.without.low));
        order.truncate(shown);
    }
    let names: Vec<_> = order.iter().map(|&row| all[row].layer.clone()).collect();
    let mut table = table(title, "layer", ColumnKind::Text, &names, some, |one, row| &one.by_layer[order[row]].part)?;
    if shown < all.len() {
        table.note(format!(
            "the {shown} most vulnerable of {} without a protection; --all shows all",
            counted(all.len(), "layer")
        ));
    }
    Some(table)
}
