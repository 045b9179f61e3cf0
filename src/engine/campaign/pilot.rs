//! The pilot of a stratified campaign: a few images, many strata.

use facts::campaign::design::Learning;
use facts::campaign::{BadImage, Judgement, OnBadImage, Plan, Position, Stratified};
use facts::data::ImageSource;
use facts::fault::Target;
use facts::outcome::Outcome;
use facts::{Error, Result};

use super::score::Scorer;
use super::{Budget, Lab, Settings, Subject, budget};

/// Candidates of a fault that has its own, unless the user chooses another number.
const OWN: usize = 64;

/// Makes `plan` a stratified one: draws `candidates` for each image, or the usual number, and injects a few of them into
/// evenly spaced images, to learn which strata tell most. Images that cannot be read are left out if the plan skips such.
///
/// The pilot depends on nothing but the plan, so each shard of a campaign makes the same one.
///
/// # Errors
/// If an image cannot be read, a golden run fails, the lab computes on a GPU, or `stopped` returns true.
pub async fn stratify(
    lab: &Lab,
    plan: Plan,
    source: &impl ImageSource,
    candidates: Option<usize>,
    within: Budget,
    stopped: impl Fn() -> bool,
) -> Result<Plan> {
    let mut pilot = Piloting::new(lab, plan, candidates)?;
    while pilot.step(lab, source, within).await? {
        if stopped() {
            return Err(Error::request("interrupted during the pilot, before the first record"));
        }
    }
    pilot.finish()
}

/// A pilot under way, an image at a time, so that whoever waits can be told and can end it.
#[derive(Debug)]
pub struct Piloting {
    plan: Plan,
    learning: Learning,
    /// The images, by their place in the plan.
    places: Vec<usize>,
    /// The place of the next one in this list.
    next: usize,
}

impl Piloting {
    /// Begins the pilot of `plan`, with `candidates` for each image or the usual number. Nothing is injected yet.
    ///
    /// # Errors
    /// If the lab computes on a GPU, or the numbers do not fit.
    pub fn new(lab: &Lab, plan: Plan, candidates: Option<usize>) -> Result<Self> {
        if *lab.executor().device() != burn::tensor::Device::flex() {
            return Err(Error::request(
                "a stratified campaign scores its faults on the CPU, found --device gpu; choose --device cpu, or --design \
                 uniform",
            ));
        }
        let faults = plan.config().faults.at_most();
        let aim = plan.config().until.map(|goal| goal.of);
        let usual = || if aim.is_some() { OWN } else { Stratified::usual_candidates(faults) };
        let candidates = candidates.unwrap_or_else(usual);
        let scored = lab.scoring().derivative().is_ok();
        let design = Stratified { aim, ..Stratified::new(candidates, scored, plan.elements()) };
        design.validate(if aim.is_some() { 2 } else { faults })?;
        let each = plan.config().until.map_or(0, |goal| goal.max_faults / plan.images().max(1) as u64);
        if aim.is_some() && each.saturating_mul(candidates as u64) > Learning::APART as u64 {
            return Err(Error::request(format_args!(
                "an image has at most {} candidates, found {each} faults (--max-faults over the images) with {candidates} \
                 candidates each; lower --max-faults or --candidates",
                Learning::APART
            )));
        }
        let learning = Learning::new(design, plan.trials(), plan.images());
        let places = learning.places().collect();
        Ok(Self { plan, learning, places, next: 0 })
    }

    /// The sentence on a network without a derivative, whose strata have no scores.
    pub fn unscored(lab: &Lab) -> Option<String> {
        let scoring = lab.scoring();
        let problem = scoring.derivative().err()?;
        Some(format!("{problem}; the strata are of bits and changes alone"))
    }

    /// The number of images that were tried, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        [self.next, self.places.len()]
    }

    /// Tries the next image, and returns whether there was one.
    ///
    /// # Errors
    /// If it cannot be read and is not to be skipped, or its golden run fails.
    pub async fn step(&mut self, lab: &Lab, source: &impl ImageSource, within: Budget) -> Result<bool> {
        let Some(&nth) = self.places.get(self.next) else { return Ok(false) };
        self.next += 1;
        let Self { plan, learning, .. } = self;
        let Some(image) = plan.image(nth) else { return Ok(true) };
        let model = lab.model();
        let skips = plan.config().on_bad_image == OnBadImage::Skip;
        let read = || model.preprocess().apply(&source.image(image)?, model.input_shape());
        let input = match read() {
            Ok(input) => input,
            Err(error) if skips && BadImage::of(String::new(), &error).is_some() => return Ok(true),
            Err(error) => return Err(error.concerning(source.name(image))),
        };
        let golden = lab.golden(&input).await.map_err(|error| error.concerning(source.name(image)))?;
        let scorer = Scorer::new(lab, &golden, plan.config().fault_model.target == Target::Weight)?;
        let strata = scorer.strata(plan, nth, learning.candidates())?;
        drop(scorer);
        let picks = learning.picks(&strata, plan.config().seed, image as u64);
        let mut rest = &picks[..];
        while !rest.is_empty() {
            let mut sites = Vec::new();
            let mut room = within.slots(lab).saturating_sub(1);
            for pick in rest {
                let own = plan.sites(Position { nth, fault: learning.candidates().start + pick.candidate })?;
                let slots = budget::slots_of(lab, &own);
                if slots > room && !sites.is_empty() {
                    break;
                }
                room = room.saturating_sub(slots);
                sites.push(own);
            }
            let (now, later) = rest.split_at(sites.len());
            rest = later;
            let tried = lab.trials(&[Subject::new(&golden, sites)], Settings::default()).await?.only()?;
            for (pick, trial) in now.iter().zip(tried.trials) {
                let (sdc, scm) = (trial.verdict.outcome == Outcome::Sdc, trial.verdict.scm == Some(true));
                let judgement = Judgement { sdc, due: None, scm, deviation: None };
                learning.add(strata[pick.candidate], judgement);
            }
        }
        Ok(true)
    }

    /// Returns the plan with the strata.
    ///
    /// # Errors
    /// If no image could be read.
    pub fn finish(self) -> Result<Plan> {
        match self.learning.learnt() {
            Some(design) => self.plan.with_design(design),
            None => Err(Error::request("none of the images of the pilot can be read")),
        }
    }
}
