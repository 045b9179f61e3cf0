//! The outcomes of parts of the faults, a row for each.

use super::{estimate, explain_few, few, known};
use crate::campaign::{Criteria, FaultSummary, Summary};
use crate::outcome::Rate;
use crate::report::Table;
use crate::report::words::{counted, percent, thousands};

/// Returns `first_column` with the columns of outcomes, and the rows.
pub fn breakdown<'a>(
    first_column: Table,
    summary: &Summary,
    rows: impl Iterator<Item = (String, &'a FaultSummary)>,
) -> Table {
    let rows: Vec<_> = rows.collect();
    let mut table = first_column.numbers(["faults", "SDC", "share", "low", "high", "DUE"]);
    if summary.faults.scm.is_some() {
        table = table.number("SCM");
    }
    let beyond = Beyond::of(rows.iter().map(|(_, faults)| *faults), true);
    table = beyond.columns(table).word("");
    for (name, faults) in rows {
        let mut cells = vec![name, thousands(faults.injections), thousands(faults.sdc.count)];
        cells.extend(estimate(&faults.sdc));
        cells.push(known(&faults.due).map_or_else(|| "-".to_owned(), |due| thousands(due.count)));
        cells.extend(faults.scm.as_ref().map(|rate| thousands(rate.count)));
        cells.extend(beyond.cells(faults));
        cells.push(few([&faults.sdc].into_iter().chain(beyond.rates(faults))));
        table.row(cells);
    }
    beyond.explain(&mut table);
    explain_few(&mut table);
    table
}

/// The outcomes beyond the predicted class that the rows of a table have.
#[derive(Clone, Copy, Debug)]
pub struct Beyond {
    sdc5: bool,
    confidence: bool,
    accuracy: bool,
    margin: bool,
}

impl Beyond {
    /// Those of `rows`; the accuracy if it is `wanted`.
    pub fn of<'a>(rows: impl Iterator<Item = &'a FaultSummary> + Clone, wanted: bool) -> Self {
        let any = |has: fn(&Criteria) -> bool| rows.clone().any(|faults| faults.criteria.as_ref().is_some_and(has));
        Self {
            sdc5: any(|criteria| criteria.sdc5.is_some()),
            confidence: any(|_| true),
            accuracy: wanted && any(|criteria| criteria.accuracy.is_some()),
            margin: any(|criteria| criteria.margin.is_some()),
        }
    }

    /// Adds the columns for [`Beyond::cells`].
    pub fn columns(self, table: Table) -> Table {
        let named = [
            (self.sdc5, "SDC-5"),
            (self.confidence, "SDC-10 %"),
            (self.confidence, "SDC-20 %"),
            (self.accuracy, "correct"),
            (self.margin, "margin"),
        ];
        named.into_iter().filter(|(is_known, _)| *is_known).fold(table, |table, (_, name)| table.spare(name))
    }

    /// The rates of a row.
    pub fn rates(self, faults: &FaultSummary) -> impl Iterator<Item = &Rate> {
        let rates = faults.criteria.as_ref().map(|criteria| {
            [
                criteria.sdc5.as_ref().filter(|_| self.sdc5),
                Some(&criteria.sdc10pct),
                Some(&criteria.sdc20pct),
                criteria.accuracy.as_ref().filter(|_| self.accuracy),
            ]
        });
        rates.into_iter().flatten().flatten()
    }

    /// The shares of a row, and the mean change of its margin.
    pub fn cells(self, faults: &FaultSummary) -> Vec<String> {
        let criteria = faults.criteria.as_ref();
        let share =
            |rate: Option<&Rate>| rate.and_then(known).map_or_else(|| "-".to_owned(), |rate| percent(rate.rate));
        let margin = criteria.and_then(|criteria| criteria.margin);
        let cells = [
            (self.sdc5, share(criteria.and_then(|criteria| criteria.sdc5.as_ref()))),
            (self.confidence, share(criteria.map(|criteria| &criteria.sdc10pct))),
            (self.confidence, share(criteria.map(|criteria| &criteria.sdc20pct))),
            (self.accuracy, share(criteria.and_then(|criteria| criteria.accuracy.as_ref()))),
            (self.margin, margin.map_or_else(|| "-".to_owned(), |change| signed(change.mean))),
        ];
        cells.into_iter().filter(|(is_known, _)| *is_known).map(|(_, cell)| cell).collect()
    }

    /// Explains the columns.
    pub fn explain(self, table: &mut Table) {
        if !self.confidence {
            return;
        }
        let named = [(self.sdc5, "SDC-5, "), (true, "SDC-10 %, SDC-20 %"), (self.accuracy, ", correct")];
        let names: String = named.into_iter().filter(|(is_known, _)| *is_known).map(|(_, name)| name).collect();
        let margin = if self.margin { "; margin: its change on average" } else { "" };
        table.note(format!("{names}: shares of the faults, with counts and intervals in CSV and JSON{margin}"));
    }
}

/// Adds notes on the outcomes beyond the predicted class.
pub fn explain_criteria(table: &mut Table, summary: &Summary, criteria: &Criteria) {
    if criteria.sdc5.is_some() {
        table.note("SDC-5: the faulty class is not among the five best classes of the golden run");
    }
    table.note(
        "SDC-10 %, SDC-20 %: the confidence in the golden class (its probability) differs from the golden one by more than that \
         share of it, or there is none, as of NaN",
    );
    if summary.aim.is_some() {
        table.note("low, high of SDC-5, SDC-10 %, SDC-20 % and of correct faults: 95 % for a fixed number");
    }
    if let Some(margin) = criteria.margin {
        let weights = if summary.design.is_some() { ", estimated with their weights" } else { "" };
        table.note(format!(
            "the margin (score of the golden class less the highest other one) changes by {} on average, over {}{weights}",
            signed(margin.mean),
            counted(margin.trials, "fault")
        ));
    }
}

/// Returns a number with its sign and four digits.
fn signed(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if (0.001..100_000.0).contains(&size) => format!("{number:+.3}"),
        _ => format!("{number:+.3e}"),
    }
}
