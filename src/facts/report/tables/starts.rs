//! What faults do, by the golden run of the image they strike: the study's starting sets.

use std::collections::BTreeSet;

use super::{estimate, explain_few, few, is_exhaustive};
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

/// The sort of the shares of a set, and of their intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Counts of a fixed number of faults.
    Counted,
    /// Counts of a campaign that ended by its results.
    Until,
    /// Estimates with the faults' weights.
    Weighted,
    /// The same of a campaign that ended by its results.
    WeightedUntil,
    /// Shares of all faults that there are.
    Exact,
}

impl Sort {
    /// The sort of the sets of `report`.
    pub fn of(report: &Report) -> Self {
        let summary = &report.summary;
        match (&summary.design, &summary.aim) {
            // A draw is of a fixed number of faults, whatever it is from.
            _ if report.study_sample.is_some() => Self::Counted,
            _ if is_exhaustive(summary) => Self::Exact,
            (None, None) => Self::Counted,
            (None, Some(_)) => Self::Until,
            (Some(_), None) => Self::Weighted,
            (Some(_), Some(_)) => Self::WeightedUntil,
        }
    }

    /// The mark of a row among others; none for the usual sort.
    pub fn mark(self) -> Option<&'static str> {
        match self {
            Self::Counted => None,
            Self::Until => Some("until"),
            Self::Weighted => Some("weighted"),
            Self::WeightedUntil => Some("weighted, until"),
            Self::Exact => Some("exact"),
        }
    }

    /// What `low` and `high` are.
    fn words(self) -> &'static str {
        match self {
            Self::Counted => "low, high: 95 % Wilson interval",
            Self::Until => "low, high: 95 % Wilson interval, which is for a fixed number of faults",
            Self::Weighted => {
                "shares are estimated with the faults' weights (Horvitz and Thompson); low, high: 95 % interval by the variance of \
                 these estimates"
            }
            Self::WeightedUntil => {
                "shares are estimated with the faults' weights (Horvitz and Thompson); low, high: 95 % interval by the variance of \
                 these estimates, which is for a fixed number of faults"
            }
            Self::Exact => "every fault was tried: the shares are exact and have no interval",
        }
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
    let sort = Sort::of(report);
    notes(&mut table, starts, &[sort]);
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
        ratio_notes(&mut table, &[sort]);
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

/// Explains [`columns`] of rows of these `sorts`: of one, or of several whose rows have marks.
pub fn notes(table: &mut Table, starts: &[StartSummary], sorts: &[Sort]) {
    let columns = if judged(starts) {
        "benign: masked, of all faults; SCM and non-SCM: of the SDCs"
    } else {
        "benign (masked) and SDC: of all faults"
    };
    match sorts {
        [only] => table.note(format!("{columns}; {}", only.words())),
        several => {
            table.note(format!("{columns}; {}, except in rows with a mark", Sort::Counted.words()));
            explain_marks(table, several);
        }
    }
    explain_few(table);
}

/// Explains the marks of `sorts`, each once.
pub fn explain_marks(table: &mut Table, sorts: &[Sort]) {
    let sorts: BTreeSet<Sort> = sorts.iter().copied().collect();
    for (sort, mark) in sorts.into_iter().filter_map(|sort| Some((sort, sort.mark()?))) {
        table.note(format!("{mark}: {}", sort.words()));
    }
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

/// Explains [`ratio_columns`] of rows of these `sorts`.
pub fn ratio_notes(table: &mut Table, sorts: &[Sort]) {
    table.note(
        "low, high: 95 % score interval of the ratio (Koopman 1984), taking faults as independent; where it holds 1: \
         about the same if high is at most 1.5 times low, else too few to say",
    );
    if sorts.iter().any(|sort| matches!(sort, Sort::Weighted | Sort::WeightedUntil)) {
        table.note(
            "stratified campaigns: SDCs and SCM are counts of faults; ratio, low and high are computed from the shares that are \
             estimated with weights, and from their effective numbers of faults",
        );
    }
    if sorts.contains(&Sort::Exact) {
        table.note("exhaustive campaigns: the shares of faults are exact, so low and high are the ratio");
    }
}
