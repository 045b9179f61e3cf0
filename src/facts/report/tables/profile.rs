//! The rates by bit, by layer, and by both.

use super::{Extent, breakdown};
use crate::campaign::{LayerBit, LayerSummary, Summary};
use crate::fault::Target;
use crate::report::words::{counted, name};
use crate::report::{Report, Table};

/// Number of layers that are shown from a longer list.
const TOP_LAYERS: usize = 10;

/// Returns the rates by field of the number format; none if no bit was flipped.
pub fn fields(summary: &Summary) -> Option<Table> {
    let rows = summary.fields.iter().map(|row| (name(&row.field), &row.faults));
    let mut table =
        (!summary.fields.is_empty()).then(|| breakdown(Table::titled("By field").word("field"), summary, rows))?;
    mixed(summary).into_iter().for_each(|note| table.note(note));
    Some(table)
}

/// Returns a sentence on rows that hold bits of several number formats; `None` if there is one format.
pub fn mixed(summary: &Summary) -> Option<String> {
    let names: Vec<_> = summary.formats.iter().map(|format| format.name()).collect();
    let (last, others) = names.split_last()?;
    Some(format!(
        "bits of several number formats are counted together ({} and {last}): bit n of one is not the same field as bit n of \
         another; faults.jsonl has the format of each fault",
        others.join(", ")
    ))
}

/// Returns the rates by bit; none if at most one bit was flipped.
pub fn bits(summary: &Summary) -> Option<Table> {
    let rows = summary.bits.iter().rev().map(|row| (row.bit.to_string(), &row.faults));
    let mut table =
        (summary.bits.len() > 1).then(|| breakdown(Table::titled("By bit").number("bit"), summary, rows))?;
    mixed(summary).into_iter().for_each(|note| table.note(note));
    Some(table)
}

/// Returns the rates by layer: all in model order, or those with the highest certain rates.
pub fn layers(summary: &Summary, extent: Extent) -> Option<Table> {
    let struck: Vec<_> = summary.layers.iter().filter(|row| row.faults.injections > 0).collect();
    // A fault in the image strikes no layer.
    let in_image = summary.config.as_ref().is_some_and(|config| config.fault_model.target == Target::Input);
    if struck.is_empty() || in_image {
        return None;
    }
    let all = struck.len();
    let vulnerable = most_vulnerable(summary);
    let found = vulnerable.len();
    let rows = if extent == Extent::All { struck } else { vulnerable.into_iter().take(TOP_LAYERS).collect() };
    let shown = rows.len();
    let rows = rows.into_iter().map(|row| (row.layer.clone(), &row.faults));
    let title = Table::titled("By layer");
    // Without a row the columns would say nothing.
    let mut table = if shown == 0 { title } else { breakdown(title.text("layer"), summary, rows) };
    table.note(match (found, shown < found) {
        (0, _) if all == 1 => "no SDC in the layer that was struck".to_owned(),
        (0, _) => format!("no SDC in any of the {} that were struck", counted(all, "layer")),
        (_, true) => {
            format!("the {shown} most vulnerable of {found} with an SDC, of {all} that were struck; --all shows all")
        }
        (_, false) => format!("{} with an SDC, of {all} that were struck", counted(found, "layer")),
    });
    Some(table)
}

/// Returns the layers with an SDC in the order of the lower ends of their intervals, so that one SDC in one fault does
/// not come first.
pub fn most_vulnerable(summary: &Summary) -> Vec<&LayerSummary> {
    let mut rows: Vec<&LayerSummary> = summary.layers.iter().filter(|row| row.faults.sdc.count > 0).collect();
    rows.sort_by(|a, b| b.faults.sdc.low.total_cmp(&a.faults.sdc.low));
    rows
}

/// By layer and bit, a sign for each; none where one bit at most was flipped.
pub fn map(report: &Report, extent: Extent) -> Option<Table> {
    // A letter for each bit: the first of its field's name.
    let summary = &report.summary;
    let format = summary.format;
    let header: String = format.bits().filter_map(|bit| format.field_name(bit).chars().next()).collect();
    if summary.bits.len() < 2 {
        return None;
    }
    let shown: Vec<&str> = most_vulnerable(summary).iter().map(|row| row.layer.as_str()).take(TOP_LAYERS).collect();
    let mut table = Table::titled("SDC share by layer and bit").text("layer").word(header);
    for cells in report.layer_bits.chunk_by(|a, b| a.layer == b.layer) {
        let layer = cells[0].layer.as_str();
        if extent == Extent::Part && !shown.contains(&layer) {
            continue;
        }
        let signs = format.bits().map(|bit| sign(cells.iter().find(|cell| cell.bit == bit)));
        table.row([layer.to_owned(), signs.collect()]);
    }
    if table.rows.is_empty() {
        return None;
    }
    let names: Vec<_> = format.fields().into_iter().map(|(field, _)| field.name()).collect();
    let letters: Vec<_> = names.iter().map(|name| &name[..1]).collect();
    table.note(format!(
        "{}: {}, bit {} to bit 0; a digit d: d0 % to below (d+1)0 % SDC, 9: 90 % to 100 %; a point: no SDC; blank: no \
         fault",
        letters.join(", "),
        names.join(", "),
        format.width() - 1
    ));
    if let Some(note) = mixed(summary) {
        table.note(format!("the letters are those of {}; {note}", format.name()));
    }
    Some(table)
}

/// The share of SDCs in one sign.
fn sign(cell: Option<&LayerBit>) -> char {
    match cell {
        None => ' ',
        Some(LayerBit { sdc: 0, .. }) => '.',
        Some(cell) => char::from(b'0' + (10 * cell.sdc / cell.injections).min(9) as u8),
    }
}
