//! Campaigns that are simulated from faults whose outcomes are all known.
//!
//! Pilot, allocation, picks, rounds, order of the records, weights and estimates are the functions of real campaigns. Only the
//! injection is replaced: the outcome of a fault is looked up.

mod population;
mod tests;

use std::collections::BTreeMap;

use self::population::{Outcome, Population};
use super::design::{Learning, Pick, Stratum};
use super::{
    CampaignConfig, Drawn, Faults, Goal, Prediction, Quantity, Record, Sequence, Stratified, Summary, Tallies,
};
use crate::labels::Grouping;
use crate::outcome;

/// Images of a simulated data set.
const IMAGES: usize = 200;

/// Candidates of a fault that has its own.
const OWN: usize = 64;

/// A simulated campaign.
struct Simulation<'a> {
    population: &'a Population,
    config: CampaignConfig,
    tallies: Tallies,
    sequence: Sequence,
}

impl<'a> Simulation<'a> {
    /// A campaign with `faults` faults in each image; with a goal, in the first round. It is `stratified` or uniform.
    fn new(population: &'a Population, faults: usize, goal: Option<Goal>, stratified: bool, seed: u64) -> Self {
        let aim = goal.map(|goal| goal.of);
        let mut config = CampaignConfig {
            seed,
            faults: Faults::Each(faults),
            grouping: Some("g".to_owned()),
            until: goal,
            ..CampaignConfig::new("m")
        };
        let trials = goal.map_or((IMAGES * faults) as u64, |goal| goal.max_faults);
        config.design = stratified.then(|| pilot(population, faults, aim, trials, seed));
        config.validate().unwrap();
        let tallies = Tallies::new(config.clone(), ["a".to_owned()], Some(grouping()));
        let sequence = Sequence::of(&config, IMAGES, true);
        Self { population, config, tallies, sequence }
    }

    /// Makes all faults of each image.
    fn finish(mut self) -> Summary {
        let Faults::Each(faults) = self.config.faults else { unreachable!() };
        for image in 0..IMAGES {
            match self.config.design.clone() {
                None => (0..faults).for_each(|fault| self.uniform(image, fault)),
                Some(design) => {
                    let candidates: Vec<_> = (0..design.candidates).map(|at| self.draw(image, at)).collect();
                    let strata: Vec<Stratum> = candidates.iter().map(|candidate| candidate.0).collect();
                    for (fault, pick) in
                        design.pick(&strata, faults, self.config.seed, image as u64).into_iter().enumerate()
                    {
                        let (stratum, outcome) = candidates[pick.candidate];
                        self.take(image, outcome, Some(drawn(fault, stratum, pick, &strata)));
                    }
                }
            }
        }
        assert!(self.sequence.complete());
        self.tallies.summary(true)
    }

    /// Makes the next round; returns the rates after it, `None` if there is no further one.
    fn round(&mut self) -> Option<Summary> {
        let course = self.sequence.course().unwrap();
        let (round, design) = (course.round()?, course.design());
        for image in 0..IMAGES {
            let Some(design) = &design else {
                round.clone().for_each(|fault| self.uniform(image, fault));
                continue;
            };
            let single = design.singles(self.config.seed);
            for fault in round.clone() {
                let first = fault * design.candidates;
                let candidates: Vec<_> = (first..first + design.candidates).map(|at| self.draw(image, at)).collect();
                let strata: Vec<Stratum> = candidates.iter().map(|candidate| candidate.0).collect();
                let Pick { candidate, weight } = single(image as u64, fault as u64, &strata);
                let (stratum, outcome) = candidates[candidate];
                let pick = Pick { candidate: first + candidate, weight };
                self.take(image, outcome, Some(drawn(fault, stratum, pick, &strata)));
            }
        }
        Some(self.tallies.summary(self.sequence.complete()))
    }

    fn draw(&self, image: usize, candidate: usize) -> (Stratum, Outcome) {
        self.population.draw(self.config.seed, image, candidate)
    }

    fn uniform(&mut self, image: usize, fault: usize) {
        self.take(image, self.draw(image, fault).1, None);
    }

    /// Counts a record.
    fn take(&mut self, image: usize, outcome: Outcome, drawn: Option<Drawn>) {
        let judgement = outcome.judgement();
        let record: Record = Record {
            image,
            label: Some(0),
            golden: Prediction { class: 0 },
            faulty: Prediction {
                class: [Outcome::Masked, Outcome::Sdc, Outcome::Scm].iter().position(|one| *one == outcome).unwrap(),
            },
            outcome: if judgement.sdc { outcome::Outcome::Sdc } else { outcome::Outcome::Masked },
            due: false,
            scm: Some(judgement.scm),
            fault: None,
            faults: Vec::new(),
            errors: None,
            pixels: None,
            elements: Vec::new(),
            drawn,
            protected: Vec::new(),
            scores: None,
        };
        let position = self.sequence.take(&record).unwrap();
        self.tallies.replay(position, &record);
    }
}

/// What the record of fault number `fault` says of its draw.
fn drawn(fault: usize, stratum: Stratum, pick: Pick, strata: &[Stratum]) -> Drawn {
    let mut counts: BTreeMap<Stratum, u32> = BTreeMap::new();
    if fault == 0 {
        strata.iter().for_each(|&stratum| *counts.entry(stratum).or_default() += 1);
    }
    Drawn { candidate: pick.candidate, stratum, weight: pick.weight, candidates: counts.into_iter().collect() }
}

/// Makes the pilot of a campaign.
fn pilot(population: &Population, faults: usize, aim: Option<Quantity>, trials: u64, seed: u64) -> Stratified {
    let candidates = if aim.is_some() { OWN } else { Stratified::usual_candidates(faults) };
    let design = Stratified { aim, ..Stratified::new(candidates, true, vec![1]) };
    let mut learning = Learning::new(design, trials, IMAGES);
    for image in learning.places() {
        let candidates: Vec<_> = learning.candidates().map(|at| population.draw(seed, image, at)).collect();
        let strata: Vec<Stratum> = candidates.iter().map(|candidate| candidate.0).collect();
        for pick in learning.picks(&strata, seed, image as u64) {
            let (stratum, outcome) = candidates[pick.candidate];
            learning.add(stratum, outcome.judgement());
        }
    }
    learning.learnt().unwrap()
}

/// Class 2 instead of class 0 is safety-critical, and class 1 is not.
fn grouping() -> Grouping {
    let text = r#"
        name = "g"
        classes = 3
        [[group]]
        name = "people"
        critical = true
        classes = "0-1"
        [[group]]
        name = "things"
        critical = false
        classes = "2"
    "#;
    Grouping::from_toml("g", text).unwrap()
}
