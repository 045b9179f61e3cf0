//! Counting outcomes as they come in.

mod compared;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use self::compared::{ComparedTallies, Struck};
use super::clusters::ByImage;
use super::parts::Parts;
use super::{
    BitSummary, CampaignConfig, CriteriaTally, Criterion, Deviation, FaultSummary, FieldSummary, GoldenSummary,
    Guesses, Hits, LayerSummary, Observation, Position, Protected, ProtectionSummary, Provenance, RateSummary, Record,
    RoundedAccuracy, Shard, Start, StartSummary, Summary,
};
use crate::data::Preprocess;
use crate::fault::{BitField, Format};
use crate::labels::Grouping;
use crate::outcome::{Rate, Ratio};

/// Number of bits of the widest format.
const BITS: usize = Format::F32.width() as usize;

/// The counts behind a [`Summary`], fed one result at a time. Its size grows with the images of the campaign and not
/// with their faults, and what several of them have counted can be added up.
#[derive(Clone, Debug)]
pub struct Tallies {
    config: Option<CampaignConfig>,
    grouping: Option<Grouping>,
    preprocess: Option<Preprocess>,
    answer: Option<String>,
    notices: Vec<String>,
    rounded: Option<RoundedAccuracy>,
    shard: Option<Shard>,
    images: u64,
    skipped: u64,
    labelled: u64,
    correct: u64,
    golden_scm: u64,
    /// By true class, its images.
    classes: BTreeMap<usize, u64>,
    /// By true class and golden prediction, misclassified images.
    errors: BTreeMap<(usize, usize), u64>,
    starts: [(u64, Tally); Start::ALL.len()],
    trials: u64,
    all: Tally,
    /// The outcomes by image, where trials have no weights.
    by_image: ByImage,
    fields: BTreeMap<BitField, Tally>,
    /// The number formats of flipped bits.
    formats: BTreeSet<Format>,
    bits: [Tally; BITS],
    /// Bit errors by the bits of their rate, which order as the rates do.
    rates: BTreeMap<u64, RateTally>,
    layers: Vec<Layer>,
    layer_index: HashMap<String, usize>,
    /// The weighted sums, where trials have weights.
    parts: Option<Box<Parts>>,
    /// The outcomes by weight, where the campaign has a goal.
    hits: Hits,
    /// What each protection did, where several are compared.
    compared: Option<Box<ComparedTallies>>,
}

/// What was counted of one layer.
#[derive(Clone, Debug)]
struct Layer {
    name: String,
    all: Tally,
    bits: [Tally; BITS],
    /// The trial that struck it last, so that a trial counts once however often it strikes, and the bits it flipped.
    trial: u64,
    flipped: u32,
}

impl Layer {
    fn new(name: &str) -> Self {
        let none = Tally::default();
        Self { name: name.to_owned(), all: none, bits: [none; BITS], trial: 0, flipped: 0 }
    }
}

/// What was counted of one bit error rate.
#[derive(Clone, Copy, Debug, Default)]
struct RateTally {
    all: Tally,
    flips: u64,
    labelled: u64,
    correct: u64,
}

impl RateTally {
    fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.flips = self.flips.saturating_add(other.flips);
        self.labelled += other.labelled;
        self.correct += other.correct;
    }
}

/// One trial, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judgement {
    /// The prediction changed.
    pub sdc: bool,
    /// NaN or infinity reached the output; `None` where that is not known.
    pub due: Option<bool>,
    /// It is a safety-critical misclassification.
    pub scm: bool,
    /// What the criteria beyond the predicted class make of it; `None` where the scores are not known.
    pub deviation: Option<Deviation>,
}

impl<S> Observation<'_, S> {
    /// Judges the trial; without a grouping nothing is safety-critical.
    pub fn judge(&self, grouping: Option<&Grouping>) -> Judgement {
        let sdc = self.golden != self.faulty;
        let scm = sdc && grouping.is_some_and(|grouping| grouping.is_scm(self.golden, self.faulty));
        let correct = self.label.map(|label| label == self.faulty);
        Judgement { sdc, due: self.due, scm, deviation: self.scores.map(|scores| scores.deviation(correct)) }
    }
}

/// Trials of one kind, counted by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    injections: u64,
    sdc: u64,
    /// Trials of which it is known whether they are DUE.
    observed: u64,
    due: u64,
    scm: u64,
    criteria: CriteriaTally,
}

impl Tally {
    /// Counts a trial.
    pub fn add(&mut self, judgement: Judgement) {
        self.injections += 1;
        self.sdc += u64::from(judgement.sdc);
        self.observed += u64::from(judgement.due.is_some());
        self.due += u64::from(judgement.due == Some(true));
        self.scm += u64::from(judgement.scm);
        if let Some(deviation) = judgement.deviation {
            self.criteria.add(deviation);
        }
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.injections += other.injections;
        self.sdc += other.sdc;
        self.observed += other.observed;
        self.due += other.due;
        self.scm += other.scm;
        self.criteria.merge(&other.criteria);
    }

    /// Number of trials.
    pub fn injections(&self) -> u64 {
        self.injections
    }

    /// Number of trials with an outcome, as far as it is known.
    pub fn count(&self, criterion: Criterion) -> u64 {
        let [sdc5, sdc10, sdc20] = self.criteria.counts();
        match criterion {
            Criterion::Sdc => self.sdc,
            Criterion::Sdc5 => sdc5,
            Criterion::Sdc10 => sdc10,
            Criterion::Sdc20 => sdc20,
            Criterion::Scm => self.scm,
        }
    }

    /// The rates; those of SCM where the trials were `judged` by a grouping.
    pub fn summary(&self, judged: bool) -> FaultSummary {
        let of = |count| Rate::new(count, self.injections);
        FaultSummary {
            injections: self.injections,
            masked: of(self.injections - self.sdc),
            sdc: of(self.sdc),
            due: Rate::new(self.due, self.observed),
            scm: judged.then(|| of(self.scm)),
            scm_of_sdc: judged.then(|| Rate::new(self.scm, self.sdc)),
            criteria: self.criteria.summary(self.injections),
        }
    }
}

/// The golden errors of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassErrors {
    /// True class.
    pub class: usize,
    /// Its images.
    pub images: u64,
    /// What they were taken for, the most frequent first.
    pub errors: Vec<ClassError>,
}

/// A class that another one was taken for in golden runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassError {
    /// Predicted class.
    pub class: usize,
    /// Images.
    pub count: u64,
    /// Whether it is a safety-critical misclassification; `None` without a grouping.
    pub scm: Option<bool>,
}

/// Flips of one bit in one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerBit {
    /// Layer name.
    pub layer: String,
    /// 0 = least significant mantissa bit, 31 = sign.
    pub bit: u8,
    /// Trials.
    pub injections: u64,
    /// Trials that changed the prediction.
    pub sdc: u64,
    /// Safety-critical misclassifications; `None` without a grouping.
    pub scm: Option<u64>,
}

impl Tallies {
    /// Nothing counted yet. `layers` are the layers that faults are drawn from, in model order; all is judged by
    /// `grouping`. Where it is not known what was asked for, as for an imported log, there is no `config`.
    pub fn new(
        config: impl Into<Option<CampaignConfig>>,
        layers: impl IntoIterator<Item = String>,
        grouping: Option<Grouping>,
    ) -> Self {
        let layers: Vec<_> = layers.into_iter().map(|name| Layer::new(&name)).collect();
        let config: Option<CampaignConfig> = config.into();
        let compared = config.as_ref().and_then(|config| config.compared.as_ref());
        Self {
            compared: compared.map(|compared| Box::new(ComparedTallies::new(compared))),
            config,
            grouping,
            preprocess: None,
            answer: None,
            notices: Vec::new(),
            rounded: None,
            shard: None,
            images: 0,
            skipped: 0,
            labelled: 0,
            correct: 0,
            golden_scm: 0,
            classes: BTreeMap::new(),
            errors: BTreeMap::new(),
            starts: Default::default(),
            trials: 0,
            all: Tally::default(),
            by_image: ByImage::default(),
            fields: BTreeMap::new(),
            formats: BTreeSet::new(),
            bits: Default::default(),
            rates: BTreeMap::new(),
            layer_index: layers.iter().map(|layer| layer.name.clone()).zip(0..).collect(),
            layers,
            parts: None,
            hits: Hits::default(),
        }
    }

    /// Counts a golden run that predicts `class` for an image of class `label`.
    pub fn add_golden(&mut self, label: Option<usize>, class: usize) {
        self.images += 1;
        for &start in Start::containing(label, class, self.grouping.as_ref()) {
            self.starts[start as usize].0 += 1;
        }
        if let Some(label) = label {
            self.labelled += 1;
            *self.classes.entry(label).or_default() += 1;
            if label == class {
                self.correct += 1;
            } else {
                *self.errors.entry((label, class)).or_default() += 1;
                self.golden_scm +=
                    u64::from(self.grouping.as_ref().is_some_and(|grouping| grouping.is_scm(label, class)));
            }
        }
    }

    /// Counts the golden run of an image of class `label` under each protection. The unprotected network predicts `class`. The
    /// class of an entry is the prediction of the protected network without a fault.
    pub fn add_golden_protected(&mut self, label: Option<usize>, class: usize, protected: &[Protected]) {
        if let Some(compared) = &mut self.compared {
            compared.add_golden(label, class, protected);
        }
    }

    /// Counts an image that was skipped.
    pub fn skip(&mut self) {
        self.skipped += 1;
    }

    /// Counts the record that stands at `position`: the first of an image brings its golden run with it.
    pub fn replay<S: AsRef<str>>(&mut self, position: Position, record: &Record<S>) {
        if position.fault == 0 {
            self.add_golden(record.label, record.golden.class);
            if self.compared.is_some() {
                self.add_golden_protected(record.label, record.golden.class, &record.golden_protected());
            }
        }
        self.add(record);
    }

    /// Counts a trial. One that struck several layers or bits counts once for each of them.
    pub fn add<S: AsRef<str>>(&mut self, record: &Record<S>) {
        self.observe(&record.observation());
    }

    /// Counts a trial of which no more may be known than what was predicted.
    pub fn observe<S: AsRef<str>>(&mut self, trial: &Observation<'_, S>) {
        let judgement = trial.judge(self.grouping.as_ref());
        self.trials += 1;
        self.all.add(judgement);
        if let Some(config) = &self.config
            && config.until.is_some()
        {
            let weight =
                config.design.as_ref().zip(trial.draw).map(|(design, (_, drawn))| design.relative(drawn.weight));
            self.hits.add(weight.unwrap_or(1.0), judgement);
        }
        match trial.draw {
            Some(_) => self.parts.get_or_insert_default().add(trial, judgement, self.grouping.as_ref()),
            None => self.by_image.add(trial.image, judgement),
        }
        for &start in Start::containing(trial.label, trial.golden, self.grouping.as_ref()) {
            self.starts[start as usize].1.add(judgement);
        }
        if let Some((errors, rate)) = trial.errors.and_then(|errors| Some((errors, errors.rate?))) {
            let of_rate = self.rates.entry(rate.to_bits()).or_default();
            of_rate.all.add(judgement);
            of_rate.flips = of_rate.flips.saturating_add(errors.flips);
            of_rate.labelled += u64::from(trial.label.is_some());
            of_rate.correct += u64::from(trial.label == Some(trial.faulty));
        }
        let (mut flipped, mut fields, mut layers) = (0u32, BTreeSet::new(), Vec::new());
        for fault in trial.faults {
            let index = self.index_of(fault.layer.as_ref());
            let layer = &mut self.layers[index];
            if layer.trial != self.trials {
                (layer.trial, layer.flipped) = (self.trials, 0);
                layer.all.add(judgement);
                layers.push(index);
            }
            // A pattern of very many elements names the first of them, and the bits of all.
            let Some(bits) = trial.errors.and_then(|errors| errors.bits).or(fault.struck()) else { continue };
            for bit in bits.iter().filter(|bit| layer.flipped & (1 << bit) == 0) {
                layer.bits[usize::from(bit)].add(judgement);
            }
            layer.flipped |= bits.mask();
            flipped |= bits.mask();
            self.formats.insert(fault.format);
            fields.extend(fault.format.fields_of(bits.mask()));
        }
        if let Some(compared) = &mut self.compared {
            let fields: Vec<_> = fields.iter().copied().collect();
            let (record, rate) = (self.trials + self.skipped, trial.errors.and_then(|errors| errors.rate));
            let rate = rate.map(f64::to_bits);
            let struck = Struck { record, layers: &layers, fields: &fields, bits: flipped, rate };
            compared.add(trial, self.grouping.as_ref(), &struck);
        }
        for field in fields {
            self.fields.entry(field).or_default().add(judgement);
        }
        for bit in (0..Format::F32.width()).filter(|bit| flipped & (1 << bit) != 0) {
            self.bits[usize::from(bit)].add(judgement);
        }
    }

    fn index_of(&mut self, layer: &str) -> usize {
        if let Some(&index) = self.layer_index.get(layer) {
            return index;
        }
        self.layer_index.insert(layer.to_owned(), self.layers.len());
        self.layers.push(Layer::new(layer));
        self.layers.len() - 1
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        if self.compared.is_some()
            && let Some(others) = &other.compared
        {
            let layers: Vec<usize> = other.layers.iter().map(|layer| self.index_of(&layer.name)).collect();
            let records = self.trials + self.skipped;
            self.compared.iter_mut().for_each(|compared| compared.merge(others, &layers, records));
        }
        self.images += other.images;
        self.skipped += other.skipped;
        self.labelled += other.labelled;
        self.correct += other.correct;
        self.golden_scm += other.golden_scm;
        for (&class, count) in &other.classes {
            *self.classes.entry(class).or_default() += count;
        }
        for (&error, count) in &other.errors {
            *self.errors.entry(error).or_default() += count;
        }
        for ((images, tally), (more, other)) in self.starts.iter_mut().zip(&other.starts) {
            *images += more;
            tally.merge(other);
        }
        self.trials += other.trials;
        self.all.merge(&other.all);
        self.by_image.merge(&other.by_image);
        self.hits.merge(&other.hits);
        if let Some(parts) = &other.parts {
            self.parts.get_or_insert_default().merge(parts);
        }
        for (&field, tally) in &other.fields {
            self.fields.entry(field).or_default().merge(tally);
        }
        self.formats.extend(&other.formats);
        for (&rate, tally) in &other.rates {
            self.rates.entry(rate).or_default().merge(tally);
        }
        let merge = |bits: &mut [Tally; BITS], other: &[Tally; BITS]| {
            bits.iter_mut().zip(other).for_each(|(tally, other)| tally.merge(other));
        };
        merge(&mut self.bits, &other.bits);
        for layer in &other.layers {
            let index = self.index_of(&layer.name);
            self.layers[index].all.merge(&layer.all);
            merge(&mut self.layers[index].bits, &layer.bits);
        }
    }

    /// The golden predictions of images with labels.
    fn guesses(&self) -> Guesses {
        let mut guesses = Guesses::default();
        let mut right = self.classes.clone();
        for (&(label, class), &images) in &self.errors {
            guesses.add(label, class, images);
            right.entry(label).and_modify(|all| *all -= images);
        }
        right
            .into_iter()
            .filter(|(_, images)| *images > 0)
            .for_each(|(label, images)| guesses.add(label, label, images));
        guesses
    }

    /// The same, with what the results say about model and data: how images became inputs, what the output means, and what was
    /// assumed.
    #[must_use]
    pub fn about(self, provenance: &Provenance) -> Self {
        let (preprocess, notices) = (Some(provenance.model.preprocess.clone()), provenance.notices.clone());
        let (answer, rounded) = (provenance.model.answer.clone(), provenance.rounded);
        Self { preprocess, answer, notices, rounded, shard: provenance.shard, ..self }
    }

    /// The rates so far.
    pub fn summary(&self, complete: bool) -> Summary {
        let judged = self.grouping.is_some();
        let wrong = self.labelled - self.correct;
        let of_wrong = |count| (judged && self.labelled > 0).then(|| Rate::new(count, wrong));
        let golden = GoldenSummary {
            images: self.images,
            accuracy: (self.labelled > 0).then(|| Rate::new(self.correct, self.labelled)),
            scm: of_wrong(self.golden_scm),
            non_scm: of_wrong(wrong - self.golden_scm),
            alarm: self.guesses().alarm().map(|alarm| match self.rounded {
                Some(rounded) => rounded.alarm(&alarm),
                None => alarm,
            }),
        };
        let faults = self.all.summary(judged);
        let ratio = faults.scm_of_sdc.zip(golden.scm).map(|(faulty, golden)| Ratio::new(&faulty, &golden));
        let starts = Start::ALL.iter().zip(&self.starts);
        let starts = starts.filter(|(start, _)| judged || matches!(start, Start::Correct | Start::Misclassified));
        let starts = starts.map(|(&start, (images, tally))| {
            StartSummary::new(start, *images, tally.summary(judged), golden.scm.as_ref())
        });
        let starts = if self.labelled > 0 { starts.collect() } else { Vec::new() };
        let bits = (0..Format::F32.width()).zip(&self.bits).filter(|(_, tally)| tally.injections > 0);
        let mut summary = Summary {
            complete,
            config: self.config.clone(),
            preprocess: self.preprocess.clone(),
            answer: self.answer.clone(),
            notices: self.notices.clone(),
            rounded: self.rounded,
            shard: self.shard,
            grouping: self.grouping.as_ref().map(|grouping| grouping.name().to_owned()),
            skipped: self.skipped,
            golden,
            faults,
            design: None,
            clusters: self.by_image.clusters(judged),
            aim: None,
            scm_ratio: ratio.and_then(|ratio| ratio.ratio),
            scm_ratio_interval: ratio,
            starts,
            format: self.formats.iter().copied().max_by_key(|format| format.width()).unwrap_or_default(),
            formats: if self.formats.len() > 1 { self.formats.iter().copied().collect() } else { Vec::new() },
            fields: self
                .fields
                .iter()
                .map(|(&field, tally)| FieldSummary { field, faults: tally.summary(judged) })
                .collect(),
            rates: self
                .rates
                .iter()
                .map(|(&rate, tally)| RateSummary {
                    rate: f64::from_bits(rate),
                    flips: tally.flips as f64 / tally.all.injections.max(1) as f64,
                    accuracy: (tally.labelled > 0).then(|| Rate::new(tally.correct, tally.labelled)),
                    faults: tally.all.summary(judged),
                })
                .collect(),
            bits: bits.map(|(bit, tally)| BitSummary { bit, faults: tally.summary(judged) }).collect(),
            protections: self.protections(judged),
            layers: self
                .layers
                .iter()
                .map(|layer| LayerSummary { layer: layer.name.clone(), faults: layer.all.summary(judged) })
                .collect(),
        };
        if !self.all.criteria.is_ranked() {
            summary.forget_ranks();
        }
        if let (Some(config), Some(parts)) = (&self.config, &self.parts)
            && let Some(design) = &config.design
        {
            parts.estimate(config, design, config.until.map(|_| &self.hits), &mut summary);
        }
        if self.config.as_ref().is_some_and(|config| config.exhaustive) {
            summary.make_exact();
        }
        if let Some(config) = &self.config
            && let Some(goal) = &config.until
        {
            goal.conclude(&self.hits, config.design.as_ref(), &mut summary);
        }
        summary
    }

    /// What each protection that is compared has come to.
    fn protections(&self, judged: bool) -> Vec<ProtectionSummary> {
        let config = self.config.as_ref().and_then(|config| config.compared.as_ref());
        let layers: Vec<&str> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
        self.compared
            .as_ref()
            .zip(config)
            .map_or_else(Vec::new, |(compared, config)| compared.summary(config, judged, &layers))
    }

    /// By true class, what its images were taken for in golden runs; classes without an image are left out.
    pub fn classes(&self) -> Vec<ClassErrors> {
        let errors_of = |class: usize| {
            let mut errors: Vec<_> = self
                .errors
                .range((class, 0)..=(class, usize::MAX))
                .map(|(&(from, to), &count)| {
                    let scm = self.grouping.as_ref().map(|grouping| grouping.is_scm(from, to));
                    ClassError { class: to, count, scm }
                })
                .collect();
            errors.sort_by_key(|error| std::cmp::Reverse(error.count));
            errors
        };
        self.classes.iter().map(|(&class, &images)| ClassErrors { class, images, errors: errors_of(class) }).collect()
    }

    /// By layer, in model order, and bit: only bits that were flipped there. Nothing where trials have weights, since
    /// counts are no shares then.
    pub fn layer_bits(&self) -> Vec<LayerBit> {
        let cell = |(layer, bit, tally): (usize, u8, &Tally)| LayerBit {
            layer: self.layers[layer].name.clone(),
            bit,
            injections: tally.injections,
            sdc: tally.sdc,
            scm: self.grouping.is_some().then_some(tally.scm),
        };
        self.cells().map(cell).collect()
    }

    /// The counts behind [`Tallies::layer_bits`], by index of the layer and bit.
    pub fn cells(&self) -> impl Iterator<Item = (usize, u8, &Tally)> {
        let layers = self.layers.iter().enumerate().filter(|_| self.parts.is_none());
        let cells =
            layers.flat_map(|(index, layer)| (0u8..).zip(&layer.bits).map(move |(bit, tally)| (index, bit, tally)));
        cells.filter(|(_, _, tally)| tally.injections > 0)
    }
}

#[cfg(test)]
mod tests;
