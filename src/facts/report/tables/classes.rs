//! The golden predictions for the images of each class: the study's first question.

use super::Extent;
use crate::campaign::{ClassError, ClassErrors};
use crate::report::words::thousands;
use crate::report::{Origin, Report, Table};

/// Number of classes and of predicted classes that are shown from a longer list.
const TOP_CLASSES: usize = 10;
const TOP_ERRORS: usize = 5;

/// Returns the classes with an error: all in order, or those with most of the important errors. None if no class has an
/// error.
pub fn table(origin: &Origin, report: &Report, extent: Extent) -> Option<Table> {
    let mut classes: Vec<&ClassErrors> = report.classes.iter().filter(|class| !class.errors.is_empty()).collect();
    if classes.is_empty() {
        return None;
    }
    let all = classes.len();
    if extent == Extent::Part {
        classes.sort_by_key(|class| std::cmp::Reverse((wrong(class, Some(true)), total(class))));
        classes.truncate(TOP_CLASSES);
    }
    let judged = report.summary.grouping.is_some();
    let mut table = Table::titled("Golden errors by class").text("class").numbers(["images", "wrong"]);
    table = if judged { table.text("SCM: taken for").text("non-SCM: taken for") } else { table.text("taken for") };
    for class in &classes {
        let mut cells = vec![origin.class(class.class), thousands(class.images), thousands(total(class))];
        let kinds: &[Option<bool>] = if judged { &[Some(true), Some(false)] } else { &[None] };
        cells.extend(kinds.iter().map(|&scm| list(origin, class, scm, extent)));
        table.row(cells);
    }
    if classes.len() < all {
        table.note(format!(
            "the {} with most SCM, of {} classes with an error; --all shows all",
            classes.len(),
            thousands(all)
        ));
    }
    Some(table)
}

fn errors(class: &ClassErrors, scm: Option<bool>) -> impl Iterator<Item = &ClassError> {
    class.errors.iter().filter(move |error| error.scm == scm)
}

fn wrong(class: &ClassErrors, scm: Option<bool>) -> u64 {
    errors(class, scm).map(|error| error.count).sum()
}

fn total(class: &ClassErrors) -> u64 {
    class.errors.iter().map(|error| error.count).sum()
}

/// Returns `dog 3, frog 1`, the most frequent class first.
pub fn list(origin: &Origin, class: &ClassErrors, scm: Option<bool>, extent: Extent) -> String {
    let all = errors(class, scm).count();
    let shown = extent.of(TOP_ERRORS, all);
    let names = errors(class, scm).take(shown).map(|error| format!("{} {}", origin.class(error.class), error.count));
    let mut names: Vec<_> = names.collect();
    if shown < all {
        names.push(format!("{} more", all - shown));
    }
    names.join(", ")
}
