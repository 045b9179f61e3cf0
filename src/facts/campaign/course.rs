//! The rounds of a campaign with a goal: a function of its configuration and its records alone.

use std::collections::BTreeMap;
use std::ops::Range;

use super::anytime::Hits;
use super::design::{Stratum, Tried};
use super::{CampaignConfig, Faults, Goal, Judgement, Record, Stratified};
use crate::outcome::Outcome;

/// A round makes the number of faults at most this many times as large: the first estimates are rough.
const GROWTH: usize = 3;

/// Follows the records of a campaign with a goal, and says after each round whether there is another one, and how large it is.
/// A round gives each image the same number of faults.
#[derive(Clone, Debug)]
pub struct Course {
    goal: Goal,
    design: Option<Stratified>,
    /// Images that can be read, as far as it is known.
    images: usize,
    hits: Hits,
    /// Faults injected by stratum, and those before the present round.
    strata: BTreeMap<Stratum, Tried>,
    learnt: BTreeMap<Stratum, Tried>,
    /// The numbers of the faults of each image in the present round; `None` after the last one.
    round: Option<Range<usize>>,
    /// Faults of each image that the goal seems to take, as the round before the present one has shown.
    wanted: usize,
}

impl Course {
    /// The course of a campaign over `images` images; `None` if it has no goal.
    pub fn new(config: &CampaignConfig, images: usize) -> Option<Self> {
        let (goal, Faults::Each(first)) = (config.until?, config.faults) else { return None };
        Some(Self {
            goal,
            design: config.design.clone(),
            images,
            hits: Hits::default(),
            strata: BTreeMap::new(),
            learnt: BTreeMap::new(),
            round: Some(0..first),
            wanted: first,
        })
    }

    /// Returns the numbers of the faults of each image in the present round; `None` at the end.
    pub fn round(&self) -> Option<Range<usize>> {
        self.round.clone()
    }

    /// Returns the design of the present round, which knows the faults of the rounds before it.
    pub fn design(&self) -> Option<Stratified> {
        self.design.as_ref().map(|design| design.with(&self.learnt))
    }

    /// Counts a record.
    pub fn add<S>(&mut self, record: &Record<S>) {
        let judgement = Judgement {
            sdc: record.outcome == Outcome::Sdc,
            due: Some(record.due),
            scm: record.scm == Some(true),
            deviation: None,
        };
        let weight = match (&self.design, &record.drawn) {
            (Some(design), Some(drawn)) => {
                self.strata.entry(drawn.stratum).or_default().add(judgement);
                design.relative(drawn.weight)
            }
            _ => 1.0,
        };
        self.hits.add(weight, judgement);
    }

    /// Counts an image that was skipped.
    pub fn skip(&mut self) {
        self.images = self.images.saturating_sub(1);
    }

    /// Whether each image has had its faults of the present round.
    pub fn is_round_done(&self) -> bool {
        self.round.as_ref().is_none_or(|round| self.hits.trials() >= self.images as u64 * round.end as u64)
    }

    /// Begins the next round, or ends the campaign.
    pub fn end_round(&mut self) {
        let Some(round) = self.round.take() else { return };
        let most = usize::try_from(self.goal.max_faults / self.images.max(1) as u64).unwrap_or(usize::MAX);
        let done = round.end;
        if self.images == 0 || done >= most {
            return;
        }
        let distance = self.goal.distance(&self.hits, self.design.as_ref());
        if distance <= 1.0 {
            return;
        }
        // The width falls at least with the root of the number.
        let wanted = (done as f64 * distance * distance * 1.05).min(1e15).ceil() as usize;
        self.wanted = wanted.min(most);
        let end = wanted.clamp(done + done.div_ceil(8), done.saturating_mul(GROWTH)).min(most);
        self.learnt = self.strata.clone();
        self.round = Some(done..end);
    }

    /// Estimates the number of faults of the whole campaign.
    pub fn expected(&self) -> u64 {
        let round = self.round.as_ref().map_or(0, |round| self.images as u64 * round.end.max(self.wanted) as u64);
        self.hits.trials().max(round)
    }
}
