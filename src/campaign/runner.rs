//! The loop of a campaign, turned inside out: whoever wants the next result asks for it.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::{CampaignConfig, Golden, Lab, Observe, Plan, Position, Prediction, Record, Summary, Tallies};
use crate::data::Source;
use crate::{Error, Result};

/// What a campaign tells while it runs, in order: `Started`; for each image one `Golden` and then its
/// `Injection`s; `Finished`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CampaignEvent {
    /// Before the first image.
    Started {
        /// Images of the whole campaign.
        images: usize,
        /// Trials of the whole campaign.
        faults: u64,
    },
    /// A golden run was made.
    Golden {
        /// Index of the image.
        image: usize,
        /// Its true class, where known.
        label: Option<usize>,
        /// The golden prediction.
        class: usize,
        /// Whether that is right, where the true class is known.
        correct: Option<bool>,
    },
    /// A trial was made.
    Injection(Box<Record>),
    /// Every trial was made.
    Finished(Box<Summary>),
}

/// A campaign in progress.
///
/// [`Runner::next`] does one piece of work, a golden run or a trial, and returns. The caller owns pace, pause
/// and stop: a campaign is stopped by not asking again. `L` is whatever leads to the lab: a reference, an `Arc`.
#[derive(Debug)]
pub struct Runner<L, S> {
    lab: L,
    source: S,
    plan: Plan,
    tallies: Tallies,
    next: Position,
    golden: Option<(usize, Golden)>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Running,
    Finished,
}

impl<L: Deref<Target = Lab>, S: Source> Runner<L, S> {
    /// A campaign from its beginning. The grouping is the lab's: its name replaces the one in `config`.
    ///
    /// # Errors
    /// Where the configuration does not fit the model or the images, or a label is no class of the model.
    pub fn new(lab: L, mut config: CampaignConfig, source: S) -> Result<Self> {
        config.grouping = lab.grouping().map(|grouping| grouping.name().to_owned());
        let plan = Plan::new(config, lab.executor().graph().clone(), source.len())?;
        check_labels(&source, plan.images(), lab.model().classes())?;
        let tallies = Tallies::new(plan.config().clone(), plan.layers(), lab.grouping().cloned());
        Ok(Self { lab, source, plan, tallies, next: Position::default(), golden: None, state: State::Fresh })
    }

    /// The same campaign from `position` on; [`Runner::summary`] counts what this runner does.
    ///
    /// # Errors
    /// Where the campaign has no such trial.
    pub fn starting_at(mut self, position: Position) -> Result<Self> {
        if !self.plan.contains(position) {
            return Err(Error::request(format_args!(
                "the campaign has no fault {} of image {}",
                position.fault, position.image
            )));
        }
        self.next = position;
        Ok(self)
    }

    /// What is to be done.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The rates so far.
    pub fn summary(&self) -> Summary {
        self.tallies.summary(self.state == State::Finished)
    }

    /// Does the next piece of work; `None` after [`CampaignEvent::Finished`].
    ///
    /// # Errors
    /// Where an image cannot be read, a golden run fails, or the device does. Asking again tries the same
    /// piece of work again.
    pub async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        if self.state == State::Finished {
            return Ok(None);
        }
        if self.state == State::Fresh {
            self.state = State::Running;
            return Ok(Some(CampaignEvent::Started { images: self.plan.images(), faults: self.plan.trials() }));
        }
        let position = self.next;
        if !self.plan.contains(position) {
            self.state = State::Finished;
            self.golden = None;
            return Ok(Some(CampaignEvent::Finished(Box::new(self.summary()))));
        }
        let image = position.image;
        let label = self.source.label(image);
        match &self.golden {
            Some((made, golden)) if *made == image => {
                let sites = self.plan.sites(position)?;
                let trial = self.lab.trial(golden, &sites, Observe::default()).await;
                let trial = trial.map_err(|error| error.concerning(self.source.name(image)))?;
                let fault = trial.faults.first().cloned();
                let record = Record {
                    image,
                    label,
                    golden: Prediction { class: golden.class },
                    faulty: Prediction { class: trial.class },
                    outcome: trial.verdict.outcome,
                    due: trial.verdict.due,
                    scm: trial.verdict.scm,
                    fault: fault.ok_or_else(|| Error::request("a trial injected no fault"))?,
                    faults: if trial.faults.len() > 1 { trial.faults } else { Vec::new() },
                };
                self.tallies.add(&record);
                self.next = self.plan.after(position);
                Ok(Some(CampaignEvent::Injection(Box::new(record))))
            }
            _ => {
                // Let go of the last image's activations before the next ones are made.
                self.golden = None;
                let golden = self.golden(image).await.map_err(|error| error.concerning(self.source.name(image)))?;
                let class = golden.class;
                self.golden = Some((image, golden));
                self.tallies.add_golden(label, class);
                Ok(Some(CampaignEvent::Golden { image, label, class, correct: label.map(|label| label == class) }))
            }
        }
    }

    async fn golden(&self, image: usize) -> Result<Golden> {
        let model = self.lab.model();
        let input = model.preprocess().apply(&self.source.image(image)?, model.input_shape())?;
        self.lab.golden(&input).await
    }
}

fn check_labels(source: &impl Source, images: usize, classes: usize) -> Result<()> {
    for index in 0..images {
        if let Some(label) = source.label(index)
            && label >= classes
        {
            return Err(Error::input(
                source.name(index),
                format_args!(
                    "label {label} is out of range: the model has {classes} classes, 0 to {}",
                    classes.saturating_sub(1)
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
