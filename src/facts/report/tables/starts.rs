//! What faults do, by the golden run of the image they strike: the study's starting sets.

use super::{estimate, explain_few, few};
use crate::campaign::{Start, StartSummary};
use crate::outcome::{Comparison, Ratio};
use crate::report::words::{counted, ratio, thousands};
use crate::report::{Report, SampleSummary, Table};

/// How a set is called under the header `initially`.
pub fn label(start: Start) -> &'static str {
    match start {
        Start::Correct => "correct",
        Start::Scm => "SCM",
        Start::NonScm => "non-SCM",
        Start::Misclassified => "wrong",
    }
}

/// The sets of one campaign, and how their SCM compare with the model's own.
pub fn tables(report: &Report) -> Vec<Table> {
    let starts = report.starts();
    if starts.is_empty() {
        return Vec::new();
    }
    let title = title(report, "Faults by the golden run of their image".to_owned());
    let mut table = columns(Table::titled(title).word("initially"), starts);
    for set in starts {
        table.row([label(set.start).to_owned()].into_iter().chain(cells(set)));
    }
    notes(&mut table, starts);
    if starts.iter().any(|set| set.start == Start::Scm) {
        table.note("wrong: initially SCM and non-SCM together");
    }
    if let Some(sample) = &report.study_sample {
        for set in missing(sample) {
            table.note(format!("initially {}: {}", label(set.start), shortage(set)));
        }
    }
    let mut tables = vec![table];
    if starts.iter().any(|set| set.scm_ratio.is_some()) {
        let mut table = ratio_columns(Table::titled("SCM share of the SDCs over that of the golden errors"));
        for set in starts {
            table.row([label(set.start).to_owned()].into_iter().chain(ratio_cells(set)));
        }
        ratio_notes(&mut table);
        tables.push(table);
    }
    tables
}

/// `title`, with the draw where there was one.
pub fn title(report: &Report, title: String) -> String {
    match &report.study_sample {
        Some(sample) => {
            format!("{title}: {} drawn of each set, seed {}", counted(sample.count, "fault"), sample.seed)
        }
        None => title,
    }
}

/// Sets with fewer faults than were to be drawn.
pub fn missing(sample: &SampleSummary) -> impl Iterator<Item = &StartSummary> {
    sample.starts.iter().filter(|set| set.faults.injections < sample.count as u64)
}

/// Says that all there was is used.
pub fn shortage(set: &StartSummary) -> String {
    match set.faults.injections {
        0 => "there is no fault to draw".to_owned(),
        1 => "there is only 1 fault, and it is used".to_owned(),
        faults => format!("there are only {}, all of them are used", counted(faults, "fault")),
    }
}

/// Adds the columns for [`cells`].
pub fn columns(table: Table, starts: &[StartSummary]) -> Table {
    let table = table.numbers(["faults", "benign", "low", "high"]);
    let table = if judged(starts) {
        table.numbers(["SCM", "low", "high", "non-SCM"])
    } else {
        table.numbers(["SDC", "low", "high"])
    };
    table.word("")
}

/// What faults did in one set: benign share, and the shares of SCM and of other errors among the SDCs, or the share of
/// SDCs where there is no grouping.
pub fn cells(set: &StartSummary) -> Vec<String> {
    let faults = &set.faults;
    let mut cells = vec![thousands(faults.injections)];
    cells.extend(estimate(&faults.masked));
    match (&faults.scm_of_sdc, &set.non_scm_of_sdc) {
        (Some(scm), Some(rest)) => {
            cells.extend(estimate(scm));
            cells.push(estimate(rest)[0].clone());
            cells.push(few([&faults.masked, scm]));
        }
        _ => {
            cells.extend(estimate(&faults.sdc));
            cells.push(few([&faults.masked]));
        }
    }
    cells
}

/// Explains [`columns`].
pub fn notes(table: &mut Table, starts: &[StartSummary]) {
    table.note(if judged(starts) {
        "benign: masked, of all faults; SCM and non-SCM: of the SDCs; low, high: 95 % Wilson interval"
    } else {
        "benign (masked) and SDC: of all faults; low, high: 95 % Wilson interval"
    });
    explain_few(table);
}

fn judged(starts: &[StartSummary]) -> bool {
    starts.iter().any(|set| set.faults.scm_of_sdc.is_some())
}

/// Adds the columns for [`ratio_cells`].
pub fn ratio_columns(table: Table) -> Table {
    table.word("initially").numbers(["SDCs", "SCM", "ratio", "low", "high"]).word("what it says")
}

/// How the SCM share of one set compares with that of the golden errors.
pub fn ratio_cells(set: &StartSummary) -> Vec<String> {
    let sdc = set.faults.sdc.count;
    let scm = set.faults.scm.map_or(0, |scm| scm.count);
    let mut cells = vec![thousands(sdc), thousands(scm)];
    match set.scm_ratio {
        Some(scm @ Ratio { ratio: Some(times), .. }) => {
            let high = scm.high.map_or_else(|| "-".to_owned(), ratio);
            let word = match scm.comparison() {
                Comparison::More => "more often SCM",
                Comparison::Less => "less often SCM",
                Comparison::Alike => "about the same",
                Comparison::Unknown => "too few to say",
            };
            cells.extend([ratio(times), ratio(scm.low), high, word.to_owned()]);
        }
        _ => cells.extend(["-", "", "", "too few to say"].map(str::to_owned)),
    }
    cells
}

/// Explains [`ratio_columns`].
pub fn ratio_notes(table: &mut Table) {
    table.note(
        "low, high: 95 % score interval of the ratio (Koopman 1984), taking faults as independent; where it holds 1: \
         about the same if high is at most 1.5 times low, else too few to say",
    );
}
