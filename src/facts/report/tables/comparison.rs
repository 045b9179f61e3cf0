//! Several campaigns: the study's tables with a row for each model.

use super::starts::Sort;
use super::{estimate, explain_few, few, protections, starts};
use crate::campaign::{Start, StartSummary};
use crate::report::words::thousands;
use crate::report::{Report, Table};

/// Returns the study's tables of several campaigns, each with the name of its row.
pub fn comparison(rows: &[(String, &Report)]) -> Vec<Table> {
    let mut tables = vec![accuracy(rows)];
    tables.extend(golden_errors(rows));
    let first = tables.len();
    tables.extend(Start::ALL.into_iter().filter_map(|start| faults(rows, start)));
    // The meaning of the columns is stated once.
    let repeated: Vec<_> = tables[first..].first().map_or_else(Vec::new, |table| table.notes[..1].to_vec());
    for table in &mut tables[first..].iter_mut().skip(1) {
        table.notes.retain(|note| !repeated.contains(note));
    }
    tables.extend(ratios(rows));
    let summaries: Vec<_> = rows.iter().map(|(name, report)| (name.clone(), &report.summary)).collect();
    tables.extend(protections::comparison(&summaries));
    tables
}

fn accuracy(rows: &[(String, &Report)]) -> Table {
    let mut table = Table::titled("Golden runs").text("model").numbers(["images", "accuracy", "low", "high"]).word("");
    for (name, report) in rows {
        let golden = &report.summary.golden;
        let mut cells = vec![name.clone(), thousands(golden.images)];
        match &golden.accuracy {
            Some(accuracy) => cells.extend(estimate(accuracy).into_iter().chain([few([accuracy])])),
            None => cells.push("-".to_owned()),
        }
        table.row(cells);
    }
    let marked = rows.iter().any(|(_, report)| Sort::of(report).mark().is_some());
    let except = if marked { ", except in rows with a mark" } else { "" };
    table.note(format!("low, high: ends of the 95 % Wilson interval, here and below{except}"));
    explain_few(&mut table);
    table
}

fn golden_errors(rows: &[(String, &Report)]) -> Option<Table> {
    rows.iter().find(|(_, report)| report.summary.golden.scm.is_some())?;
    let columns = ["wrong", "SCM", "low", "high", "non-SCM"];
    let mut table = Table::titled("Golden errors").text("model").numbers(columns).word("");
    for (name, report) in rows {
        let golden = &report.summary.golden;
        let mut cells = vec![name.clone()];
        match (&golden.scm, &golden.non_scm) {
            (Some(scm), Some(rest)) => {
                cells.push(thousands(scm.of));
                cells.extend(estimate(scm));
                cells.extend([estimate(rest)[0].clone(), few([scm])]);
            }
            _ => cells.extend(["-", "-"].map(str::to_owned)),
        }
        table.row(cells);
    }
    explain_few(&mut table);
    Some(table)
}

/// Returns the row of each campaign that has the set.
fn sets<'a>(
    rows: &'a [(String, &'a Report)],
    start: Start,
) -> impl Iterator<Item = (&'a str, &'a Report, &'a StartSummary)> {
    rows.iter().filter_map(move |(name, report)| {
        let set = report.starts().iter().find(|set| set.start == start)?;
        Some((name.as_str(), *report, set))
    })
}

/// Returns the outcomes of faults in one starting set. Campaigns with and without a grouping have separate tables,
/// since their rates have different meanings.
fn faults(rows: &[(String, &Report)], start: Start) -> Option<Table> {
    let sets: Vec<_> = sets(rows, start).collect();
    let judged = |set: &StartSummary| set.faults.scm_of_sdc.is_some();
    let (_, first, _) = sets.first()?;
    let title = starts::title(first, format!("Faults in images that are initially {}", starts::label(start)));
    let all: Vec<StartSummary> = sets.iter().map(|&(_, _, set)| set.clone()).collect();
    let mut table = starts::columns(Table::titled(title).text("model"), &all);
    let mixed = all.iter().any(judged) && !all.iter().all(judged);
    let sorts: Vec<Sort> = sets.iter().map(|(_, report, _)| Sort::of(report)).collect();
    for (&(name, _, set), sort) in sets.iter().zip(&sorts) {
        let mut cells = vec![name.to_owned()];
        if mixed && !judged(set) {
            // Only the benign share of these is known.
            cells.extend(starts::cells(set).into_iter().take(4).chain(["-".to_owned()]));
        } else {
            cells.extend(starts::cells(set));
        }
        mark(&mut table, cells, *sort);
    }
    // Without a mark all rows are of the usual sort.
    let usual = sorts.iter().all(|sort| sort.mark().is_none());
    starts::notes(&mut table, &all, if usual { &[Sort::Counted] } else { &sorts });
    for (name, report, set) in sets {
        if let Some(sample) = &report.study_sample
            && starts::missing(sample).any(|missing| missing.start == set.start)
        {
            table.note(format!("{name}: {}", starts::shortage(set)));
        }
    }
    Some(table)
}

/// Adds a row. Its last cell, which says "few", has the mark of its sort as well.
fn mark(table: &mut Table, mut cells: Vec<String>, sort: Sort) {
    if let Some(mark) = sort.mark() {
        cells.resize(table.columns.len(), String::new());
        if let Some(last) = cells.last_mut() {
            *last = if last.is_empty() { mark.to_owned() } else { format!("{last}, {mark}") };
        }
    }
    table.row(cells);
}

fn ratios(rows: &[(String, &Report)]) -> Option<Table> {
    let title = "SCM share of the SDCs over that of the golden errors";
    let mut table = starts::ratio_columns(Table::titled(title).text("model"));
    for (name, report) in rows {
        for set in report.starts().iter().filter(|set| set.scm_ratio.is_some()) {
            let cells = [name.clone(), starts::label(set.start).to_owned()];
            table.row(cells.into_iter().chain(starts::ratio_cells(set)));
        }
    }
    let sorts: Vec<Sort> = rows.iter().map(|(_, report)| Sort::of(report)).collect();
    starts::ratio_notes(&mut table, &sorts);
    (!table.rows.is_empty()).then_some(table)
}
