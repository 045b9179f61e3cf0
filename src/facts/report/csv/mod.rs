//! Reports as a tidy CSV: one rate per row, with columns that describe it.
//!
//! In pandas, the SDC share by bit: `df[(df.table == "bit") & (df.measure == "sdc")].set_index("bit").value`.

mod protections;

use super::Report;
use super::words::name;
use crate::campaign::{FaultSummary, StartSummary};
use crate::outcome::{Rate, Ratio};
use crate::shown;

/// A rate with its description. Columns that do not apply are empty.
#[derive(Clone, Default)]
struct Row<'a> {
    /// Name of the campaign's row in tables: the model, with the directory if the model alone is ambiguous.
    campaign: &'a str,
    /// `golden`, `faults`, `start`, `study_sample`, `field`, `bit`, `ber`, `layer`, `layer_bit`, `class`, `protection`,
    /// `protection_ber`, `protection_field`, `protection_bit`, `protection_layer` or `protection_saves`.
    table: &'static str,
    /// Starting set.
    start: Option<String>,
    field: Option<String>,
    bit: Option<u8>,
    /// Index of the layer among those that faults are drawn from, which is not that among all layers of the model.
    layer_index: Option<usize>,
    layer: Option<&'a str>,
    /// True class.
    class: Option<usize>,
    /// Predicted class.
    predicted: Option<usize>,
    /// `accuracy`, `skipped`, `masked`, `sdc`, `due`, `scm`, `scm_of_sdc`, `sdc5`, `faulty_accuracy` ...
    measure: &'static str,
    /// Number of cases, and number of trials.
    count: Option<u64>,
    of: Option<u64>,
    /// `count / of`, or a ratio.
    value: Option<f64>,
    /// Ends of the 95 % interval.
    low: Option<f64>,
    high: Option<f64>,
    /// Whether the interval is too wide for a statement.
    few: Option<bool>,
    /// Bit error rate.
    ber: Option<f64>,
    /// Protection.
    protection: Option<String>,
    /// The protection that loses a fault that `protection` saves.
    other: Option<String>,
    /// Conclusion on a difference.
    decision: Option<&'static str>,
    /// Line of the records, index of the image, element and bits of a fault.
    record: Option<u64>,
    image: Option<usize>,
    element: Option<usize>,
    bits: Option<String>,
}

impl Row<'_> {
    fn cells(self) -> [Option<String>; 24] {
        // The format of JSON: the shortest text that is read as the same number.
        let number = |value: Option<f64>| value.and_then(|value| serde_json::to_string(&value).ok());
        let count = |value: Option<u64>| value.map(|value| value.to_string());
        let place = |value: Option<usize>| value.map(|value| value.to_string());
        [
            Some(self.campaign.to_owned()),
            Some(self.table.to_owned()),
            self.start,
            self.field,
            self.bit.map(|bit| bit.to_string()),
            place(self.layer_index),
            self.layer.map(str::to_owned),
            place(self.class),
            place(self.predicted),
            Some(self.measure.to_owned()),
            count(self.count),
            count(self.of),
            number(self.value),
            number(self.low),
            number(self.high),
            self.few.map(|few| few.to_string()),
            number(self.ber),
            self.protection,
            self.other,
            self.decision.map(str::to_owned),
            count(self.record),
            place(self.image),
            place(self.element),
            self.bits,
        ]
    }

    fn rate(&self, measure: &'static str, rate: Rate) -> Self {
        let known = rate.of > 0;
        Self {
            measure,
            count: Some(rate.count),
            of: Some(rate.of),
            value: known.then_some(rate.rate),
            low: Some(rate.low),
            high: Some(rate.high),
            few: Some(rate.too_few()),
            ..self.clone()
        }
    }

    fn ratio(&self, measure: &'static str, ratio: Ratio) -> Self {
        Self { measure, value: ratio.ratio, low: Some(ratio.low), high: ratio.high, ..self.clone() }
    }

    fn faults(&self, faults: &FaultSummary) -> Vec<Self> {
        let rates = [
            ("masked", Some(faults.masked)),
            ("sdc", Some(faults.sdc)),
            ("due", (faults.due.of > 0).then_some(faults.due)),
            ("scm", faults.scm),
            ("scm_of_sdc", faults.scm_of_sdc),
        ];
        let criteria = faults.criteria.iter().flat_map(|criteria| {
            [
                ("sdc5", criteria.sdc5),
                ("sdc10pct", Some(criteria.sdc10pct)),
                ("sdc20pct", Some(criteria.sdc20pct)),
                ("faulty_accuracy", criteria.accuracy),
            ]
        });
        let margin = faults.criteria.and_then(|criteria| criteria.margin);
        let margin = margin.map(|change| Self {
            measure: "margin_change",
            of: Some(change.trials),
            value: Some(change.mean),
            ..self.clone()
        });
        let rates = rates.into_iter().chain(criteria);
        let rates = rates.filter_map(|(measure, rate)| rate.map(|rate| self.rate(measure, rate)));
        rates.chain(margin).collect()
    }
}

/// Returns all rates of all campaigns as CSV. Each campaign has the name of its row in tables.
pub fn csv<'a>(campaigns: impl IntoIterator<Item = (&'a str, &'a Report)>) -> String {
    let mut text = csv_line(COLUMNS);
    for (name, report) in campaigns {
        for row in rows(name, report) {
            text += &csv_line(row.cells().map(Option::unwrap_or_default));
        }
    }
    text
}

/// Returns one line of CSV (RFC 4180, with a line feed at its end).
pub fn csv_line(cells: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    cells.into_iter().map(|cell| quoted(cell.as_ref())).collect::<Vec<_>>().join(",") + "\n"
}

/// The columns, in their order.
const COLUMNS: [&str; 24] = [
    "campaign",
    "table",
    "start",
    "field",
    "bit",
    "layer_index",
    "layer",
    "class",
    "predicted",
    "measure",
    "count",
    "of",
    "value",
    "low",
    "high",
    "few",
    "ber",
    "protection",
    "other",
    "decision",
    "record",
    "image",
    "element",
    "bits",
];

/// Returns a cell with quotes if RFC 4180 requires them. A name is written as [`shown`] has it. A name that a
/// spreadsheet would take for a formula gets an apostrophe before it; numbers stay.
fn quoted(cell: &str) -> String {
    let mut cell = shown(cell);
    if cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err() {
        cell.to_mut().insert(0, '\'');
    }
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into_owned() }
}

fn rows<'a>(campaign: &'a str, report: &'a Report) -> Vec<Row<'a>> {
    let summary = &report.summary;
    let table = |table| Row { campaign, table, ..Row::default() };
    let mut rows = Vec::new();

    let golden = table("golden");
    rows.extend(summary.golden.accuracy.map(|rate| golden.rate("accuracy", rate)));
    rows.extend(summary.golden.scm.map(|rate| golden.rate("scm_of_errors", rate)));
    rows.extend(summary.golden.non_scm.map(|rate| golden.rate("non_scm_of_errors", rate)));
    if summary.skipped > 0 {
        rows.push(golden.rate("skipped", Rate::new(summary.skipped, summary.golden.images + summary.skipped)));
    }

    let faults = table("faults");
    rows.extend(faults.faults(&summary.faults));
    rows.extend(summary.scm_ratio_interval.map(|ratio| faults.ratio("scm_ratio", ratio)));

    starts(&mut rows, &table("start"), &summary.starts);
    if let Some(sample) = &report.study_sample {
        starts(&mut rows, &table("study_sample"), &sample.starts);
    }
    for field in &summary.fields {
        rows.extend(Row { field: Some(name(&field.field)), ..table("field") }.faults(&field.faults));
    }
    for of_rate in &summary.rates {
        let row = Row { ber: Some(of_rate.rate), ..table("ber") };
        rows.extend(of_rate.accuracy.map(|rate| row.rate("accuracy", rate)));
        rows.push(Row { measure: "flips", value: Some(of_rate.flips), ..row.clone() });
        rows.extend(row.faults(&of_rate.faults));
    }
    for bit in &summary.bits {
        rows.extend(Row { bit: Some(bit.bit), ..table("bit") }.faults(&bit.faults));
    }
    for (index, layer) in summary.layers.iter().enumerate() {
        let row = Row { layer_index: Some(index), layer: Some(&layer.layer), ..table("layer") };
        rows.extend(row.faults(&layer.faults));
    }
    let layers = summary.layers.iter().enumerate().map(|(index, layer)| (layer.layer.as_str(), index)).collect();
    for one in &summary.protections {
        rows.extend(protections::rows(one, &layers, table));
    }
    let mut index = 0;
    for cell in &report.layer_bits {
        // Cells are in the order of the layers.
        index += summary.layers[index..].iter().position(|layer| layer.layer == cell.layer).unwrap_or(0);
        let row = Row { bit: Some(cell.bit), layer_index: Some(index), layer: Some(&cell.layer), ..table("layer_bit") };
        rows.push(row.rate("sdc", Rate::new(cell.sdc, cell.injections)));
        rows.extend(cell.scm.map(|scm| row.rate("scm", Rate::new(scm, cell.injections))));
    }
    for class in &report.classes {
        for error in &class.errors {
            let measure = match error.scm {
                Some(true) => "scm",
                Some(false) => "non_scm",
                None => "error",
            };
            let row = Row { class: Some(class.class), predicted: Some(error.class), ..table("class") };
            rows.push(row.rate(measure, Rate::new(error.count, class.images)));
        }
    }
    rows
}

fn starts<'a>(rows: &mut Vec<Row<'a>>, row: &Row<'a>, starts: &[StartSummary]) {
    for set in starts {
        let row = Row { start: Some(name(&set.start)), ..row.clone() };
        rows.extend(row.faults(&set.faults));
        rows.extend(set.non_scm_of_sdc.map(|rate| row.rate("non_scm_of_sdc", rate)));
        rows.extend(set.scm_ratio.map(|ratio| row.ratio("scm_ratio", ratio)));
    }
}

#[cfg(test)]
mod tests;
