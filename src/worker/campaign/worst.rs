//! The faults that one wants to look at first.

use std::cmp::Ordering;

use facts::campaign::Record;
use protocol::{Severity, WorstFault};

/// Faults in the list.
const MOST: usize = 50;

/// A bounded list of trials: safety-critical ones first, then other SDCs, those first that cost the golden class most of
/// its probability, then DUEs that changed nothing. Of equals the earlier one comes first.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    list: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    severity: Severity,
    drop: f32,
    index: usize,
}

impl Entry {
    fn order(&self, other: &Self) -> Ordering {
        let drops = other.drop.total_cmp(&self.drop);
        self.severity.cmp(&other.severity).then(drops).then(self.index.cmp(&other.index))
    }
}

/// What became of a trial; `None` where it changed nothing.
fn severity<S>(record: &Record<S>) -> Option<Severity> {
    match (record.scm, record.golden.class != record.faulty.class, record.due) {
        (Some(true), ..) => Some(Severity::Scm),
        (_, true, _) => Some(Severity::Sdc),
        (_, false, true) => Some(Severity::Due),
        _ => None,
    }
}

impl Worst {
    /// Looks at `record`, which is kept at `index`.
    pub fn add<S>(&mut self, index: usize, record: &Record<S>) {
        let Some(severity) = severity(record) else { return };
        let drop = record.confidence().map_or(f32::NEG_INFINITY, |[before, after]| before - after);
        let entry = Entry { severity, drop, index };
        let place = self.list.partition_point(|known| known.order(&entry) == Ordering::Less);
        if place < MOST {
            self.list.truncate(MOST - 1);
            self.list.insert(place, entry);
        }
    }

    /// Where the records of the list are kept.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        self.list.iter().map(|entry| entry.index)
    }
}

/// The first fault of `record` as the page shows it; `None` where nothing was struck.
pub fn shown(record: &Record<&str>) -> Option<WorstFault> {
    let fault = record.fault.as_ref()?;
    Some(WorstFault {
        severity: severity(record).unwrap_or(Severity::Due),
        due: record.due,
        image: record.image,
        golden: record.golden.class,
        faulty: record.faulty.class,
        confidence: record.confidence(),
        target: fault.target,
        layer: fault.layer.to_owned(),
        tensor: fault.tensor.to_owned(),
        element: fault.element,
        corruption: fault.corruption(),
        before: fault.before,
        after: fault.after,
        others: struck(record).saturating_sub(1),
        alike: alike(record),
    })
}

/// The number of elements that a trial struck.
fn struck(record: &Record<&str>) -> usize {
    record.errors.map_or(record.all_faults().len(), |errors| errors.elements)
}

/// The elements that a trial struck, if the record lists several and each was changed alike.
fn alike(record: &Record<&str>) -> Vec<usize> {
    let faults = record.all_faults();
    let [first, ..] = faults else { return Vec::new() };
    let same = faults.iter().all(|fault| {
        (fault.target, fault.layer, fault.tensor) == (first.target, first.layer, first.tensor)
            && fault.corruption() == first.corruption()
    });
    if !same || faults.len() < 2 || faults.len() < struck(record) {
        return Vec::new();
    }
    let mut elements: Vec<usize> = faults.iter().map(|fault| fault.element).collect();
    elements.sort_unstable();
    elements
}
