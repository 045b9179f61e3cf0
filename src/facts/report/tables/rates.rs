//! The rates by bit error rate.

use super::parts::Beyond;
use super::{estimate, explain_few, few, known};
use crate::campaign::Summary;
use crate::report::Table;
use crate::report::words::thousands;

/// Returns accuracy and outcomes by bit error rate; none where faults are of another kind.
pub fn table(summary: &Summary) -> Option<Table> {
    if summary.rates.is_empty() {
        return None;
    }
    let mut table = Table::titled("By bit error rate").number("rate").numbers([
        "inferences",
        "flips in each",
        "accuracy",
        "low",
        "high",
        "SDC",
        "share",
        "low",
        "high",
        "DUE",
    ]);
    if summary.faults.scm.is_some() {
        table = table.number("SCM");
    }
    let beyond = Beyond::of(summary.rates.iter().map(|row| &row.faults), false);
    table = beyond.columns(table).word("");
    for row in &summary.rates {
        let faults = &row.faults;
        let mut cells = vec![format!("{:e}", row.rate), thousands(faults.injections), average(row.flips)];
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

/// Returns an average with three digits, without a power of ten where there is room.
fn average(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < 0.001 => format!("{number:.1e}"),
        _ if number < 10.0 => format!("{number:.3}"),
        _ if number < 1000.0 => format!("{number:.1}"),
        _ => thousands(number.round() as u64),
    }
}
