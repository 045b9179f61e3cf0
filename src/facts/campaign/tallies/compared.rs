//! Counting what each protection did to each trial.

use std::collections::BTreeMap;

use super::super::compared::{
    BitEffects, Effect, Effects, FieldEffects, LayerEffects, Overhead, PairedSummary, PartEffects, ProtectedGolden,
    ProtectionSummary, RateEffects, SavedFault, Saves,
};
use super::super::{Compared, Observation, Protected};
use crate::fault::BitField;
use crate::labels::Grouping;
use crate::outcome::{Pairs, Rate, holm};

/// The counts of protections that are compared. Lists hold an entry for each protection, in the order of the configuration.
#[derive(Clone, Debug)]
pub struct ComparedTallies {
    golden: Vec<GoldenCounts>,
    all: Vec<Counts>,
    fields: BTreeMap<BitField, Vec<Counts>>,
    bits: BTreeMap<u8, Vec<Counts>>,
    /// By the index of the layer among those of all tallies.
    layers: BTreeMap<usize, Vec<Counts>>,
    /// By the bits of the bit error rate.
    rates: BTreeMap<u64, Vec<RateCounts>>,
    /// For each protection, the faults that it saves and each of all protections loses.
    saves: Vec<Vec<List>>,
}

/// Golden runs under one protection.
#[derive(Clone, Copy, Debug, Default)]
struct GoldenCounts {
    images: u64,
    labelled: u64,
    correct_without: u64,
    correct: u64,
    changed: u64,
    false_alarms: u64,
}

/// Trials under one protection.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    effects: Effects,
    scm: Pairs,
    due: u64,
}

/// Trials at one bit error rate under one protection.
#[derive(Clone, Copy, Debug, Default)]
struct RateCounts {
    counts: Counts,
    labelled: u64,
    correct: u64,
}

/// Faults that one protection saves and another one loses.
#[derive(Clone, Debug, Default)]
struct List {
    faults: u64,
    first: Vec<SavedFault>,
}

/// The judgement of a trial under one protection.
#[derive(Clone, Copy, Debug)]
struct Case {
    effect: Effect,
    /// Whether it is a safety-critical misclassification, without the protection and with it.
    scm: [bool; 2],
    due: bool,
    sdc: bool,
    correct: bool,
}

/// The places of a trial.
#[derive(Debug)]
pub struct Struck<'a> {
    /// Number of its record, from 1.
    pub record: u64,
    /// Indices of the layers, each once.
    pub layers: &'a [usize],
    /// The fields of the number format.
    pub fields: &'a [BitField],
    /// The flipped bits.
    pub bits: u32,
    /// The bits of the bit error rate.
    pub rate: Option<u64>,
}

impl Counts {
    fn add(&mut self, case: &Case) {
        self.effects.add(case.effect);
        self.scm.add(case.scm[0], case.scm[1]);
        self.due += u64::from(case.due);
    }

    fn merge(&mut self, other: &Self) {
        self.effects.merge(&other.effects);
        self.scm.merge(&other.scm);
        self.due += other.due;
    }

    fn part(&self, judged: bool) -> PartEffects {
        PartEffects::new(self.effects, judged.then_some(self.scm))
    }
}

/// Adds what each of `others` has counted to the entry at its place.
fn merge<T: Clone + Default>(own: &mut Vec<T>, others: &[T], merge: impl Fn(&mut T, &T)) {
    if own.len() < others.len() {
        own.resize(others.len(), T::default());
    }
    own.iter_mut().zip(others).for_each(|(own, other)| merge(own, other));
}

impl ComparedTallies {
    /// Nothing counted yet of the protections of `compared`.
    pub fn new(compared: &Compared) -> Self {
        let methods = compared.methods.len();
        Self {
            golden: vec![GoldenCounts::default(); methods],
            all: vec![Counts::default(); methods],
            fields: BTreeMap::new(),
            bits: BTreeMap::new(),
            layers: BTreeMap::new(),
            rates: BTreeMap::new(),
            saves: vec![vec![List::default(); methods]; methods],
        }
    }

    /// Counts a golden run, which predicts `class` without a protection.
    pub fn add_golden(&mut self, label: Option<usize>, class: usize, protected: &[Protected]) {
        for (counts, run) in self.golden.iter_mut().zip(protected) {
            let own = run.golden.unwrap_or(run.class);
            counts.images += 1;
            counts.labelled += u64::from(label.is_some());
            counts.correct_without += u64::from(label == Some(class));
            counts.correct += u64::from(label == Some(own));
            counts.changed += u64::from(own != class);
            counts.false_alarms += u64::from(run.alarm || run.detected);
        }
    }

    /// Counts a trial.
    pub fn add<S: AsRef<str>>(&mut self, trial: &Observation<'_, S>, grouping: Option<&Grouping>, struck: &Struck<'_>) {
        let methods = self.all.len();
        let bad = trial.golden != trial.faulty;
        let is_scm = |from, to| grouping.is_some_and(|grouping| grouping.is_scm(from, to));
        let scm = bad && is_scm(trial.golden, trial.faulty);
        let judge = |run: &Protected| {
            let sdc = run.is_sdc(trial.golden);
            Case {
                effect: run.effect(trial.golden, trial.faulty),
                scm: [scm, sdc && is_scm(run.golden(trial.golden), run.class)],
                due: run.due,
                sdc,
                correct: !run.detected && trial.label == Some(run.class),
            }
        };
        let cases: Vec<Case> = trial.protected.iter().take(methods).map(judge).collect();
        let count = |part: &mut Vec<Counts>| {
            part.resize(methods, Counts::default());
            part.iter_mut().zip(&cases).for_each(|(counts, case)| counts.add(case));
        };
        count(&mut self.all);
        struck.fields.iter().for_each(|&field| count(self.fields.entry(field).or_default()));
        struck.layers.iter().for_each(|&layer| count(self.layers.entry(layer).or_default()));
        for bit in (0..u32::BITS as u8).filter(|bit| struck.bits & (1 << bit) != 0) {
            count(self.bits.entry(bit).or_default());
        }
        if let Some(rate) = struck.rate {
            let part = self.rates.entry(rate).or_default();
            part.resize(methods, RateCounts::default());
            for (counts, case) in part.iter_mut().zip(&cases) {
                counts.counts.add(case);
                counts.labelled += u64::from(trial.label.is_some());
                counts.correct += u64::from(case.correct);
            }
        }
        for (saving, _) in cases.iter().enumerate().filter(|(_, case)| !case.sdc) {
            for (losing, _) in cases.iter().enumerate().filter(|(_, case)| case.sdc) {
                let list = &mut self.saves[saving][losing];
                list.faults += 1;
                if list.first.len() < Saves::LISTED {
                    list.first.push(saved(trial, struck.record, [saving, losing]));
                }
            }
        }
    }

    /// Counts what `other` has counted, whose layer of index i has the index `layers[i]` here, and whose records follow `records`
    /// others.
    pub fn merge(&mut self, other: &Self, layers: &[usize], records: u64) {
        merge(&mut self.golden, &other.golden, |own, other| {
            own.images += other.images;
            own.labelled += other.labelled;
            own.correct_without += other.correct_without;
            own.correct += other.correct;
            own.changed += other.changed;
            own.false_alarms += other.false_alarms;
        });
        merge(&mut self.all, &other.all, Counts::merge);
        for (&field, part) in &other.fields {
            merge(self.fields.entry(field).or_default(), part, Counts::merge);
        }
        for (&bit, part) in &other.bits {
            merge(self.bits.entry(bit).or_default(), part, Counts::merge);
        }
        for (&layer, part) in &other.layers {
            merge(self.layers.entry(layers[layer]).or_default(), part, Counts::merge);
        }
        for (&rate, part) in &other.rates {
            merge(self.rates.entry(rate).or_default(), part, |own, other| {
                own.counts.merge(&other.counts);
                own.labelled += other.labelled;
                own.correct += other.correct;
            });
        }
        let lists = self.saves.iter_mut().flatten().zip(other.saves.iter().flatten());
        for (own, other) in lists {
            own.faults += other.faults;
            let more = Saves::LISTED.saturating_sub(own.first.len());
            let later = |fault: &SavedFault| SavedFault { record: records + fault.record, ..fault.clone() };
            own.first.extend(other.first.iter().take(more).map(later));
        }
    }

    /// The results so far. `judged` tells whether there is a grouping; `layers` are the names of all layers.
    pub fn summary(&self, compared: &Compared, judged: bool, layers: &[&str]) -> Vec<ProtectionSummary> {
        // All tests that are made together: SDC, then SCM.
        let pairs: Vec<Pairs> = (self.all.iter().map(|counts| counts.effects.pairs()))
            .chain(self.all.iter().filter(|_| judged).map(|counts| counts.scm))
            .collect();
        let p: Vec<f64> = pairs.iter().map(Pairs::mcnemar).collect();
        let adjusted = holm(&p);
        let paired = |test: usize| PairedSummary::new(&pairs[test], p[test], adjusted[test], p.len());
        let methods = self.all.len();
        let one = |index: usize| {
            let (guarded, counts) = (&compared.methods[index], &self.all[index]);
            ProtectionSummary {
                method: guarded.method.clone(),
                layers: guarded.layers.clone(),
                overhead: Overhead::new(guarded, &compared.inference),
                time: None,
                profile: guarded.method.is_learnt().then(|| compared.profile.clone()),
                golden: self.golden[index].summary(),
                effects: counts.effects,
                due: Rate::new(counts.due, pairs[index].all()),
                sdc: paired(index),
                scm: judged.then(|| paired(methods + index)),
                by_field: (self.fields.iter())
                    .map(|(&field, part)| FieldEffects { field, part: part[index].part(judged) })
                    .collect(),
                by_bit: (self.bits.iter())
                    .map(|(&bit, part)| BitEffects { bit, part: part[index].part(judged) })
                    .collect(),
                by_layer: (self.layers.iter())
                    .map(|(&layer, part)| LayerEffects {
                        layer: layers[layer].to_owned(),
                        part: part[index].part(judged),
                    })
                    .collect(),
                by_rate: self.rates.iter().map(|(&rate, part)| part[index].summary(rate, judged)).collect(),
                saves: (self.saves[index].iter().zip(&compared.methods))
                    .filter(|(list, _)| list.faults > 0)
                    .map(|(list, other)| Saves {
                        other: other.method.clone(),
                        faults: list.faults,
                        listed: list.first.clone(),
                    })
                    .collect(),
            }
        };
        (0..methods).map(one).collect()
    }
}

impl GoldenCounts {
    fn summary(&self) -> ProtectedGolden {
        let correct = |count| (self.labelled > 0).then(|| Rate::new(count, self.labelled));
        ProtectedGolden {
            accuracy_without: correct(self.correct_without),
            accuracy: correct(self.correct),
            changed: Rate::new(self.changed, self.images),
            false_alarms: Rate::new(self.false_alarms, self.images),
        }
    }
}

impl RateCounts {
    fn summary(&self, rate: u64, judged: bool) -> RateEffects {
        RateEffects {
            rate: f64::from_bits(rate),
            accuracy: (self.labelled > 0).then(|| Rate::new(self.correct, self.labelled)),
            part: self.counts.part(judged),
        }
    }
}

/// The fault of a trial that one protection saves and another one loses.
fn saved<S: AsRef<str>>(trial: &Observation<'_, S>, record: u64, [saving, losing]: [usize; 2]) -> SavedFault {
    let fault = trial.faults.first();
    SavedFault {
        record,
        image: trial.image,
        layer: fault.map(|fault| fault.layer.as_ref().to_owned()),
        element: fault.map(|fault| fault.element),
        bits: fault.and_then(|fault| fault.struck()),
        golden: trial.golden,
        faulty: trial.faulty,
        saved: trial.protected[saving].class,
        stopped: trial.protected[saving].detected,
        lost: trial.protected[losing].class,
    }
}
