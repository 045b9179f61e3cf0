//! Records in little memory: a name is kept once, and so is an outcome under a protection. A trial takes some eighty bytes, and four
//! for each protection.

use std::collections::HashMap;
use std::rc::Rc;

use facts::campaign::{Drawn, Prediction, Protected, Record, Scores};
use facts::fault::{BitErrors, Bits, CorruptionKind, Format, InjectedFault, Target};
use facts::labels::Grouping;
use facts::outcome::Outcome;

/// No label.
const NONE: u32 = u32::MAX;

/// Trials, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Store {
    names: Vec<Rc<str>>,
    index_of: HashMap<Rc<str>, u32>,
    trials: Vec<Trial>,
    faults: Vec<Fault>,
    outcomes: Vec<Protected>,
    index_of_outcome: HashMap<Protected, u32>,
    /// What only some records have, by trial.
    rare: HashMap<usize, Box<Rare>>,
    /// For each trial and each protection, the place of its outcome. All trials have the same number of them.
    protected: Vec<u32>,
}

/// The parts of a record that most trials lack.
#[derive(Clone, Debug)]
struct Rare {
    errors: Option<BitErrors>,
    elements: Vec<[usize; 2]>,
    pixels: Option<[usize; 2]>,
    drawn: Option<Drawn>,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    image: usize,
    /// Which fault of its image.
    nth: u32,
    label: u32,
    golden: u32,
    faulty: u32,
    due: bool,
    /// Its first fault in the list of all.
    first: usize,
    scores: Option<Scores>,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    target: Target,
    layer: u32,
    tensor: u32,
    element: usize,
    kind: Option<CorruptionKind>,
    /// The bits that were struck, as a mask; 0 for none.
    bits: u32,
    format: Format,
    before: f32,
    after: f32,
}

impl Store {
    /// Number of trials.
    pub fn len(&self) -> usize {
        self.trials.len()
    }

    /// The format of the values that were struck: the first one's, if they differ.
    pub fn format(&self) -> Format {
        self.faults.first().map_or_else(Format::default, |fault| fault.format)
    }

    /// Keeps `record`, of fault number `nth` of its image.
    pub fn push<S: AsRef<str>>(&mut self, nth: usize, record: &Record<S>) {
        let small = |number: usize| u32::try_from(number).unwrap_or(NONE - 1);
        let first = self.faults.len();
        let Record { errors, elements, pixels, drawn, .. } = record;
        if errors.is_some() || !elements.is_empty() || pixels.is_some() || drawn.is_some() {
            let rare = Rare { errors: *errors, elements: elements.clone(), pixels: *pixels, drawn: drawn.clone() };
            self.rare.insert(self.trials.len(), Box::new(rare));
        }
        for fault in record.all_faults() {
            let fault = Fault {
                target: fault.target,
                layer: self.name(fault.layer.as_ref()),
                tensor: self.name(fault.tensor.as_ref()),
                element: fault.element,
                kind: fault.kind,
                bits: fault.struck().map_or(0, Bits::mask),
                format: fault.format,
                before: fault.before,
                after: fault.after,
            };
            self.faults.push(fault);
        }
        for &outcome in &record.protected {
            let next = self.outcomes.len() as u32;
            let index = *self.index_of_outcome.entry(outcome).or_insert(next);
            if index == next {
                self.outcomes.push(outcome);
            }
            self.protected.push(index);
        }
        self.trials.push(Trial {
            image: record.image,
            nth: small(nth),
            label: record.label.map_or(NONE, small),
            golden: small(record.golden.class),
            faulty: small(record.faulty.class),
            due: record.due,
            first,
            scores: record.scores,
        });
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.index_of.get(name) {
            return index;
        }
        let (name, index) = (Rc::<str>::from(name), self.names.len() as u32);
        self.names.push(name.clone());
        self.index_of.insert(name, index);
        index
    }

    /// Which fault of its image the trial at `index` is.
    pub fn nth(&self, index: usize) -> usize {
        self.trials[index].nth as usize
    }

    /// The record at `index`, judged by `grouping`.
    pub fn record(&self, index: usize, grouping: Option<&Grouping>) -> Record<&str> {
        let trial = &self.trials[index];
        let end = self.trials.get(index + 1).map_or(self.faults.len(), |next| next.first);
        let name = |index: u32| &*self.names[index as usize];
        let fault = |fault: &Fault| {
            let bits = Bits::from_mask(fault.bits);
            InjectedFault {
                target: fault.target,
                layer: name(fault.layer),
                tensor: name(fault.tensor),
                element: fault.element,
                kind: fault.kind,
                bit: bits.and_then(Bits::single),
                bits: bits.filter(|bits| bits.count() > 1),
                format: fault.format,
                before: fault.before,
                after: fault.after,
            }
        };
        let faults = &self.faults[trial.first..end];
        let rare = self.rare.get(&index);
        let (golden, faulty) = (trial.golden as usize, trial.faulty as usize);
        let each = self.protected.len() / self.trials.len();
        let protected = &self.protected[each * index..each * (index + 1)];
        Record {
            image: trial.image,
            label: (trial.label != NONE).then_some(trial.label as usize),
            golden: Prediction { class: golden },
            faulty: Prediction { class: faulty },
            outcome: if golden == faulty { Outcome::Masked } else { Outcome::Sdc },
            due: trial.due,
            scm: grouping.map(|grouping| grouping.is_scm(golden, faulty)),
            fault: faults.first().map(fault),
            errors: rare.and_then(|rare| rare.errors),
            pixels: rare.and_then(|rare| rare.pixels),
            elements: rare.map(|rare| rare.elements.clone()).unwrap_or_default(),
            faults: if faults.len() > 1 { faults.iter().map(fault).collect() } else { Vec::new() },
            drawn: rare.and_then(|rare| rare.drawn.clone()),
            protected: protected.iter().map(|&index| self.outcomes[index as usize]).collect(),
            scores: trial.scores,
        }
    }
}
