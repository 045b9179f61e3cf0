//! The rates by bit error rate.

use super::parts::Beyond;
use super::{estimate, explain_few, few, known};
use crate::campaign::Summary;
use crate::report::Table;
use crate::report::words::{average, scientific, thousands};

/// Returns accuracy and outcomes by bit error rate; none where faults are of another kind.
pub fn table(summary: &Summary) -> Option<Table> {
    if summary.rates.is_empty() {
        return None;
    }
    // Together the columns are wider than most terminals: intervals are left out before the rates.
    let mut table = Table::titled("By bit error rate").number("rate").spare("inferences").number("flips in each");
    table = table.number("accuracy").spare("low").spare("high");
    table = table.numbers(["SDC", "share"]).spare("low").spare("high").number("DUE");
    if summary.faults.scm.is_some() {
        table = table.number("SCM");
    }
    let beyond = Beyond::of(summary.rates.iter().map(|row| &row.faults), false);
    table = beyond.columns(table).word("");
    for row in &summary.rates {
        let faults = &row.faults;
        let mut cells = vec![scientific(row.rate), thousands(faults.injections), average(row.flips)];
        cells.extend(row.accuracy.as_ref().map_or_else(|| ["-".to_owned(), String::new(), String::new()], estimate));
        cells.push(thousands(faults.sdc.count));
        cells.extend(estimate(&faults.sdc));
        cells.push(known(&faults.due).map_or_else(|| "-".to_owned(), |due| thousands(due.count)));
        cells.extend(faults.scm.as_ref().map(|rate| thousands(rate.count)));
        cells.extend(beyond.cells(faults));
        cells.push(few(row.accuracy.iter().chain([&faults.sdc]).chain(beyond.rates(faults))));
        table.row(cells);
    }
    table.note("flips in each: flipped bits of an inference on average; accuracy: of the inferences with bit errors");
    beyond.explain(&mut table);
    explain_few(&mut table);
    Some(table)
}
