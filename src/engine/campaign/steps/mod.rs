//! The steps of a campaign, one at a time: golden runs and trials in the order of the plan.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Deref, Range};
use std::sync::Arc;

use facts::campaign::design::{Pick, Stratum};
use facts::campaign::{
    BadImage, CampaignConfig, Drawn, Images, OnBadImage, Plan, Position, Prediction, Record, Scores, Skipped,
    Stratified,
};
use facts::data::ImageSource;
use facts::fault::{BitErrors, Site, Target, ranges};
use facts::graph::HostTensor;
use facts::{Error, Result};

use super::lab::{Subject, Tried};
use super::score::Scorer;
use super::{Budget, CampaignEvent, Lab, Settings, Work, budget};

/// Makes the plan of `config` for the images `available` of `source`. The lab's grouping and protection replace those
/// in `config`.
///
/// # Errors
/// If the configuration does not fit the model or the images, or if a label is missing or is not a class of the model.
pub fn plan(lab: &Lab, mut config: CampaignConfig, source: &impl ImageSource, available: Images) -> Result<Plan> {
    config.grouping = lab.grouping().map(|grouping| grouping.name().to_owned());
    config.protect = lab.protection();
    let plan = Plan::new(config, lab.executor().graph().clone(), available)?;
    check_labels(source, &plan, lab.model().classes())?;
    source.upcoming((0..plan.images()).filter_map(|nth| plan.image(nth)).collect());
    Ok(plan)
}

fn check_labels(source: &impl ImageSource, plan: &Plan, classes: usize) -> Result<()> {
    for image in (0..plan.images()).filter_map(|nth| plan.image(nth)) {
        let problem = match source.label(image) {
            Some(label) if label >= classes => format!(
                "label {label} is out of range: the model has {classes} classes, 0 to {}",
                classes.saturating_sub(1)
            ),
            None if plan.config().faults.needs_labels() => "the image has no label, and the number of its faults \
                depends on whether its golden prediction is right"
                .to_owned(),
            _ => continue,
        };
        return Err(Error::input(source.name(image), problem));
    }
    Ok(())
}

/// The steps of a plan, or of a part of a plan, computed on one lab in waves.
///
/// A wave computes several images: the golden run of each image and the faults known so far. If a golden run shows
/// that its image gets more faults, the next wave computes these first. `L` is any reference to the lab, for example
/// an `Arc`.
#[derive(Debug)]
pub struct Steps<L, S> {
    lab: L,
    source: S,
    plan: Arc<Plan>,
    budget: Budget,
    /// The position of the next event to return.
    next: Position,
    end: Position,
    /// The number of the first fault of each image.
    first: usize,
    /// The images that were read, starting with the image of `next`.
    images: VecDeque<ImageAtWork>,
}

/// A candidate that is injected, and its stratum.
type Picked = (Pick, Stratum);

/// An image that was read.
#[derive(Debug)]
struct ImageAtWork {
    nth: usize,
    image: usize,
    label: Option<usize>,
    /// `None` if the image is skipped.
    input: Option<HostTensor>,
    /// The image before preprocessing, if faults strike it.
    pixels: Option<facts::data::Image>,
    /// The golden prediction, if it is computed.
    golden: Option<usize>,
    /// Events that were computed and not yet returned.
    events: VecDeque<CampaignEvent>,
    /// The numbers of the remaining faults, as far as known.
    faults: Range<usize>,
}

impl ImageAtWork {
    /// Width and height of the image, if faults strike it.
    fn size(&self) -> Option<[usize; 2]> {
        self.pixels.as_ref().map(|image| [image.width, image.height])
    }

    fn is_done(&self) -> bool {
        self.input.is_none() || self.golden.is_some() && self.faults.is_empty()
    }
}

impl<L: Deref<Target = Lab>, S: ImageSource> Steps<L, S> {
    /// Computes all of `plan`.
    pub fn new(lab: L, source: S, plan: Arc<Plan>) -> Self {
        let end = Position { nth: plan.images(), fault: 0 };
        let (budget, next) = (Budget::default(), Position::default());
        Self { lab, source, plan, budget, next, end, first: 0, images: VecDeque::new() }
    }

    /// Restricts the steps to the positions from `start` up to, but not including, `end`. An image's golden run is
    /// reported only before its fault 0.
    pub fn between(self, start: Position, end: Position) -> Self {
        Self { next: start, end: end.min(self.end), images: VecDeque::new(), ..self }
    }

    /// Omits the faults of each image before number `first`, which were made earlier. Golden runs are then not
    /// reported.
    pub fn beginning_with(self, first: usize) -> Self {
        let next = Position { fault: self.next.fault.max(first), ..self.next };
        Self { first, next, images: VecDeque::new(), ..self }
    }

    /// Whether all events were returned. Nothing is computed for the answer.
    pub fn is_over(&self) -> bool {
        let after_image = Position { nth: self.next.nth + 1, fault: self.first };
        let is_done = |at: &ImageAtWork| at.events.is_empty() && at.is_done();
        self.next >= self.end || after_image >= self.end && self.images.front().is_some_and(is_done)
    }

    /// Limits the waves to `budget`.
    pub fn within(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Reads the `nth` image.
    fn begin(&self, nth: usize) -> Result<ImageAtWork> {
        let image = self.plan.image(nth).ok_or_else(|| Error::request("the campaign has no such image"))?;
        let model = self.lab.model();
        let start = if nth == self.next.nth { self.next.fault } else { self.first };
        let read = || {
            let pixels = self.source.image(image)?;
            Ok((model.preprocess().apply(&pixels, model.input_shape())?, pixels))
        };
        let (input, pixels, skipped) = match read() {
            Ok((input, pixels)) => (Some(input), Some(pixels).filter(|_| self.plan.strikes_image()), None),
            Err(error) => (None, None, Some(self.skip(image, error)?)),
        };
        // An image that is read again for further faults has its line already.
        let events = skipped.filter(|_| start == 0).map(CampaignEvent::Skipped).into_iter().collect();
        // The golden run may raise this number.
        let faults = start..self.limit(nth, self.plan.config().faults.at_least()).max(start);
        let label = self.source.label(image);
        Ok(ImageAtWork { nth, image, label, input, pixels, golden: None, events, faults })
    }

    /// The line of an image that cannot be read for `error`, if such images are skipped.
    fn skip(&self, image: usize, error: Error) -> Result<Skipped> {
        let bad = match self.plan.config().on_bad_image {
            OnBadImage::Stop => None,
            OnBadImage::Skip => BadImage::of(self.source.short_name(image), &error),
        };
        match bad {
            Some(cause) => Ok(Skipped { image, cause }),
            None => Err(error.concerning(self.source.name(image))),
        }
    }

    /// Limits `faults`, the number of faults of the `nth` image, to the end of these steps.
    fn limit(&self, nth: usize, faults: usize) -> usize {
        if nth == self.end.nth { faults.min(self.end.fault) } else { faults }
    }

    /// Computes one wave: the remaining faults of images that were read, then those of further images.
    async fn wave(&mut self) -> Result<()> {
        if self.plan.config().design.is_some() {
            return self.picked().await;
        }
        let mut room = self.budget.slots(&self.lab);
        // For each image in the wave: its index and the sites of its trials.
        let mut drawn: Vec<(usize, Vec<Vec<Site>>)> = Vec::new();
        for index in 0.. {
            if index == self.images.len() {
                let nth = self.next.nth + index;
                if (Position { nth, fault: 0 }).max(self.next) >= self.end || room == 0 {
                    break;
                }
                match self.begin(nth) {
                    Ok(at) => self.images.push_back(at),
                    Err(error) if index == 0 => return Err(error),
                    // The error is reported when the steps reach this image: they then read it again.
                    Err(_) => break,
                }
            }
            let at = &self.images[index];
            if at.is_done() {
                continue;
            }
            let Some(faults) = self.draw(at, &mut room, drawn.is_empty())? else { break };
            drawn.push((index, faults));
        }
        let whose: Vec<usize> = drawn.iter().map(|(index, _)| *index).collect();
        let subject = |(index, faults): (usize, _)| {
            let at = &self.images[index];
            Some(Subject::new(at.input.as_ref()?, faults).of_image(at.pixels.as_ref()))
        };
        let subjects: Vec<Subject<'_>> = drawn.into_iter().filter_map(subject).collect();
        if subjects.is_empty() {
            return Ok(());
        }
        let made = self.lab.trials(&subjects, Settings::default()).await?;
        for (index, tried) in whose.into_iter().zip(made.images) {
            match tried.and_then(|tried| self.take(index, tried, Vec::new())) {
                Ok(()) => {}
                Err(error) if index == 0 => return Err(error.concerning(self.source.name(self.images[0].image))),
                // As above, for a golden run that fails.
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Returns the faults of `at` that fit into `room` beside its golden run. Returns `None` if some do not fit and
    /// `at` is not the wave's first image: a split image would need its golden run again in the next wave.
    fn draw(&self, at: &ImageAtWork, room: &mut usize, first: bool) -> Result<Option<Vec<Vec<Site>>>> {
        if !first && *room <= at.faults.len() {
            return Ok(None);
        }
        let mut rest = room.saturating_sub(1);
        let mut faults = Vec::new();
        for fault in at.faults.clone() {
            let sites = self.plan.sites_in(Position { nth: at.nth, fault }, at.size())?;
            let slots = budget::slots_of(&self.lab, &sites);
            if slots > rest && !(first && faults.is_empty()) {
                if first {
                    break;
                }
                return Ok(None);
            }
            rest = rest.saturating_sub(slots);
            faults.push(sites);
        }
        *room = rest;
        Ok(Some(faults))
    }

    /// Computes a wave of a stratified campaign: faults of one image. Which of its candidates they are depends on its golden
    /// run.
    async fn picked(&mut self) -> Result<()> {
        if self.images.is_empty() {
            let at = self.begin(self.next.nth)?;
            self.images.push_back(at);
        }
        let Some(at) = self.images.front() else { return Ok(()) };
        let (Some(input), false) = (&at.input, at.is_done()) else { return Ok(()) };
        let named = |error: Error| error.concerning(self.source.name(at.image));
        let golden = self.lab.golden(input).await.map_err(named)?;
        let config = self.plan.config();
        let Some(design) = &config.design else { return Ok(()) };
        let scorer = Scorer::new(&self.lab, &golden, config.fault_model.target == Target::Weight)?;
        let (picks, first_strata) = self.picks(design, &scorer, at)?;
        drop(scorer);
        let mut room = self.budget.slots(&self.lab).saturating_sub(1);
        let (mut draws, mut faults) = (Vec::new(), Vec::new());
        for number in at.faults.clone() {
            let Some(&(pick, stratum)) = picks.get(number - at.faults.start) else { break };
            let sites = self.plan.sites(Position { nth: at.nth, fault: pick.candidate })?;
            let slots = budget::slots_of(&self.lab, &sites);
            if slots > room && !faults.is_empty() {
                break;
            }
            room = room.saturating_sub(slots);
            faults.push(sites);
            let counts = || {
                let mut counts: BTreeMap<Stratum, u32> = BTreeMap::new();
                first_strata.iter().for_each(|&stratum| *counts.entry(stratum).or_default() += 1);
                counts.into_iter().collect()
            };
            draws.push(Drawn {
                candidate: pick.candidate,
                stratum,
                weight: pick.weight,
                candidates: if number == 0 { counts() } else { Vec::new() },
            });
        }
        let tried = self.lab.trials(&[Subject::new(&golden, faults)], Settings::default()).await?.only()?;
        self.take(0, tried, draws)
    }

    /// Returns the remaining faults of `at` with their strata, and the strata of the candidates of the first one. A wave takes
    /// no more faults than a few, so that candidates of faults far behind are not scored.
    fn picks(&self, design: &Stratified, scorer: &Scorer<'_>, at: &ImageAtWork) -> Result<(Vec<Picked>, Vec<Stratum>)> {
        let config = self.plan.config();
        let image = at.image as u64;
        if design.aim.is_none() {
            let strata = scorer.strata(&self.plan, at.nth, 0..design.candidates)?;
            let picks = design.pick(&strata, config.faults.at_most(), config.seed, image);
            let picks = picks.into_iter().skip(at.faults.start).map(|pick| (pick, strata[pick.candidate]));
            return Ok((picks.collect(), strata));
        }
        let single = design.singles(config.seed);
        let (mut picks, mut first_strata) = (Vec::new(), Vec::new());
        for fault in at.faults.clone().take(self.budget.slots(&self.lab)) {
            let first = fault * design.candidates;
            let strata = scorer.strata(&self.plan, at.nth, first..first + design.candidates)?;
            let Pick { candidate, weight } = single(image, fault as u64, &strata);
            picks.push((Pick { candidate: first + candidate, weight }, strata[candidate]));
            if fault == 0 {
                first_strata = strata;
            }
        }
        Ok((picks, first_strata))
    }

    /// Converts the results of an image to events.
    fn take(&mut self, index: usize, tried: Tried, draws: Vec<Drawn>) -> Result<()> {
        let mut draws = draws.into_iter();
        let nth = self.images[index].nth;
        let faults = self.limit(nth, self.plan.config().faults.of(self.images[index].label, tried.class)?);
        let at = &mut self.images[index];
        let (image, label, class) = (at.image, at.label, tried.class);
        if at.golden.replace(class).is_none() && at.faults.start == 0 {
            let correct = label.map(|label| label == class);
            at.events.push_back(CampaignEvent::Golden { image, label, class, correct, protected: tried.protected });
        }
        for trial in tried.trials {
            let fault = trial.faults.first().cloned();
            let struck = trial.faults.iter().map(|one| (&*one.layer, &*one.tensor, one.element, one.struck()));
            let errors = self.plan.errors_of(at.faults.start, struck);
            if fault.is_none() && errors.is_none() {
                return Err(Error::request("a trial injected no fault"));
            }
            let elements = if self.plan.is_in_ranges(trial.faults.len()) {
                ranges(trial.faults.iter().map(|fault| fault.element), <Record>::RANGES)
            } else {
                Vec::new()
            };
            let listed = if errors.is_some() { 2..=BitErrors::LISTED } else { 2..=usize::MAX };
            let record = Record {
                image,
                label,
                golden: Prediction { class },
                faulty: Prediction { class: trial.class },
                outcome: trial.verdict.outcome,
                due: trial.verdict.due,
                scm: trial.verdict.scm,
                fault,
                faults: if listed.contains(&trial.faults.len()) { trial.faults } else { Vec::new() },
                errors,
                pixels: at.size(),
                elements,
                drawn: draws.next(),
                protected: trial.protected,
                scores: Some(Scores::between(&tried.logits, class, &trial.logits, trial.class)),
            };
            at.events.push_back(CampaignEvent::Injection(Box::new(record)));
            at.faults.start += 1;
        }
        at.faults.end = faults.max(at.faults.start);
        Ok(())
    }
}

impl<L: Deref<Target = Lab>, S: ImageSource> Work for Steps<L, S> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn is_at_hand(&self) -> bool {
        self.images.front().is_some_and(|at| !at.events.is_empty())
    }

    /// Returns the next event; further events may be ready. After an error, the next call tries the same step again.
    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        loop {
            if self.next >= self.end {
                self.images.clear();
                return Ok(None);
            }
            let at = self.images.front_mut();
            if let Some(event) = at.and_then(|at| at.events.pop_front()) {
                self.next.fault += usize::from(matches!(event, CampaignEvent::Injection(_)));
                return Ok(Some(event));
            }
            match self.images.front() {
                Some(at) if at.is_done() => {
                    self.images.pop_front();
                    self.next = Position { nth: self.next.nth + 1, fault: self.first };
                }
                _ => self.wave().await?,
            }
        }
    }
}

#[cfg(test)]
mod tests;
