//! The steps of a campaign, one at a time: golden runs and trials, in the order of the plan.

use std::ops::Deref;
use std::sync::Arc;

use super::{CampaignConfig, CampaignEvent, Golden, Images, Lab, Observe, Plan, Position, Prediction, Record};
use crate::data::Source;
use crate::{Error, Result};

/// Whoever makes the golden runs and trials of a plan, in its order: [`Steps`] where it is asked, or several threads.
#[allow(async_fn_in_trait, reason = "work is awaited where it is made; nothing here needs Send")]
pub trait Work {
    /// What is to be done.
    fn plan(&self) -> &Plan;

    /// The next [`CampaignEvent::Golden`] or [`CampaignEvent::Injection`]; `None` after the last.
    ///
    /// # Errors
    /// Where an image cannot be read, a golden run fails, or the device does.
    async fn next(&mut self) -> Result<Option<CampaignEvent>>;
}

/// The steps of a plan, or of a part of it, made on one lab.
///
/// `L` is whatever leads to the lab: a reference, an `Arc`.
#[derive(Debug)]
pub struct Steps<L, S> {
    lab: L,
    source: S,
    plan: Arc<Plan>,
    next: Position,
    end: Position,
    image: Option<ImageAtWork>,
}

/// An image whose golden run was made.
#[derive(Debug)]
struct ImageAtWork {
    image: usize,
    label: Option<usize>,
    golden: Golden,
    faults: usize,
}

/// The plan of `config` for the images `available` of `source`; the grouping is the lab's, whose name replaces the
/// one in `config`.
///
/// # Errors
/// Where the configuration does not fit the model or the images, or where a label is missing or no class of the
/// model.
pub fn plan(lab: &Lab, mut config: CampaignConfig, source: &impl Source, available: Images) -> Result<Plan> {
    config.grouping = lab.grouping().map(|grouping| grouping.name().to_owned());
    let plan = Plan::new(config, lab.executor().graph().clone(), available)?;
    check_labels(source, &plan, lab.model().classes())?;
    source.upcoming((0..plan.images()).filter_map(|nth| plan.image(nth)).collect());
    Ok(plan)
}

fn check_labels(source: &impl Source, plan: &Plan, classes: usize) -> Result<()> {
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

impl<L: Deref<Target = Lab>, S: Source> Steps<L, S> {
    /// All of `plan`.
    pub fn new(lab: L, source: S, plan: Arc<Plan>) -> Self {
        let end = Position { nth: plan.images(), fault: 0 };
        Self { lab, source, plan, next: Position::default(), end, image: None }
    }

    /// From `start` on, up to but not including `end`. The golden run of an image is announced before its fault 0 only.
    pub fn between(self, start: Position, end: Position) -> Self {
        Self { next: start, end: end.min(self.end), image: None, ..self }
    }

    /// The golden run of the `nth` image.
    async fn begin(&self, nth: usize) -> Result<ImageAtWork> {
        let image = self.plan.image(nth).ok_or_else(|| Error::request("the campaign has no such image"))?;
        let label = self.source.label(image);
        let made = async {
            let model = self.lab.model();
            let input = model.preprocess().apply(&self.source.image(image)?, model.input_shape())?;
            let golden = self.lab.golden(&input).await?;
            let faults = self.plan.config().faults.of(label, golden.class)?;
            Ok(ImageAtWork { image, label, golden, faults })
        };
        made.await.map_err(|error: Error| error.concerning(self.source.name(image)))
    }

    async fn trial(&self, at: &ImageAtWork) -> Result<Record> {
        let sites = self.plan.sites(self.next)?;
        let trial = self.lab.trial(&at.golden, &sites, Observe::default()).await;
        let trial = trial.map_err(|error| error.concerning(self.source.name(at.image)))?;
        let fault = trial.faults.first().cloned();
        Ok(Record {
            image: at.image,
            label: at.label,
            golden: Prediction { class: at.golden.class },
            faulty: Prediction { class: trial.class },
            outcome: trial.verdict.outcome,
            due: trial.verdict.due,
            scm: trial.verdict.scm,
            fault: fault.ok_or_else(|| Error::request("a trial injected no fault"))?,
            faults: if trial.faults.len() > 1 { trial.faults } else { Vec::new() },
        })
    }
}

impl<L: Deref<Target = Lab>, S: Source> Work for Steps<L, S> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Does the next piece of work. After an error, asking again tries the same piece again.
    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        loop {
            if self.next >= self.end {
                self.image = None;
                return Ok(None);
            }
            let Some(at) = &self.image else {
                let at = self.begin(self.next.nth).await?;
                let (image, label, class) = (at.image, at.label, at.golden.class);
                self.image = Some(at);
                if self.next.fault > 0 {
                    continue;
                }
                let correct = label.map(|label| label == class);
                return Ok(Some(CampaignEvent::Golden { image, label, class, correct }));
            };
            if self.next.fault < at.faults {
                let record = self.trial(at).await?;
                self.next.fault += 1;
                return Ok(Some(CampaignEvent::Injection(Box::new(record))));
            }
            // Let go of this image's activations before the next ones are made.
            self.image = None;
            self.next = Position { nth: self.next.nth + 1, fault: 0 };
        }
    }
}
