//! Making the protections of a campaign ready: learning from golden runs, choosing layers, counting costs.

use facts::campaign::compared::{Compared, Method, ProfileOf};
use facts::campaign::{OnBadImage, Plan};
use facts::data::ImageSource;
use facts::{Error, Result, limits};

use super::spread::Walk;
use super::{Against, Guards, Learner};
use crate::campaign::Lab;

/// What protections are to be compared, and what they are learnt from.
#[derive(Debug)]
pub struct Asked<'a, S> {
    /// The protections.
    pub methods: &'a [Method],
    /// The campaign without them: its faults say which layers are vulnerable.
    pub plan: &'a Plan,
    /// Images for learning, the first of which are used.
    pub source: &'a S,
    /// Their number and origin.
    pub profile: ProfileOf,
    /// What is done at one that cannot be read.
    pub on_bad_image: OnBadImage,
}

/// Protections that are being made ready, a golden run at a time, so that whoever waits can be told and can end it.
#[derive(Debug)]
pub struct Preparation {
    walk: Walk,
    learner: Learner,
}

/// Makes protections ready for campaigns on `lab`, which has none.
///
/// # Errors
/// If a protection does not go with the campaign's faults, an image cannot be read, a golden run fails, or `stopped` returns
/// true.
pub async fn guards<S: ImageSource>(lab: &Lab, asked: Asked<'_, S>, stopped: impl Fn() -> bool) -> Result<Guards> {
    let mut preparation = Preparation::new(lab, &asked)?;
    while preparation.step(lab, &asked).await? {
        if stopped() {
            return Err(Error::request("interrupted while the protections were learnt, before the first record"));
        }
    }
    preparation.finish(lab, asked)
}

impl Preparation {
    /// Checks what is `asked`. Nothing is learnt yet.
    ///
    /// # Errors
    /// If a protection does not go with the campaign's faults, is given twice, or is to be learnt from no image.
    pub fn new<S: ImageSource>(lab: &Lab, asked: &Asked<'_, S>) -> Result<Self> {
        let graph = lab.executor().graph();
        Compared::check_methods(&asked.methods.iter().collect::<Vec<_>>())?;
        let against = Against::from(&asked.plan.config().fault_model);
        for method in asked.methods {
            against.check(graph, method)?;
        }
        let learner = Learner::new(graph, asked.methods);
        if let Some(method) = asked.methods.iter().find(|method| matches!(method, Method::Abft(_))) {
            // Refused before time is spent on golden runs.
            learner.checksums(lab).map_err(|error| error.concerning(method.to_string()))?;
        }
        allow_bounds(lab, asked.methods, against)?;
        let walk = if asked.methods.iter().any(Method::is_learnt) {
            let count = asked.profile.images;
            // The first images of the campaign's own data, as it says; of other data evenly spaced ones.
            let all = if asked.profile.data.is_some() { asked.source.len() } else { count };
            Walk::new(asked.source, count, all, "protections are")?
        } else {
            Walk::default()
        };
        Ok(Self { walk, learner })
    }

    /// The number of images that were learnt from, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        self.walk.progress()
    }

    /// Learns from the next image, and returns whether there was one.
    ///
    /// # Errors
    /// If it cannot be read, the golden run fails, or none of the images could be read.
    pub async fn step<S: ImageSource>(&mut self, lab: &Lab, asked: &Asked<'_, S>) -> Result<bool> {
        let Some(run) = self.walk.next(lab, asked.source, asked.on_bad_image).await? else {
            return match (self.learner.runs(), self.walk.progress()) {
                (0, [_, count @ (1..)]) => Err(Error::request(format_args!(
                    "none of the {count} images that protections are learnt from can be read"
                ))),
                _ => Ok(false),
            };
        };
        if let Some(golden) = run {
            self.learner.include(lab, &golden, Some(asked.plan)).await?;
        }
        Ok(true)
    }

    /// Makes the protections from what was learnt.
    ///
    /// # Errors
    /// If a protection cannot be made.
    pub fn finish<S: ImageSource>(self, lab: &Lab, asked: Asked<'_, S>) -> Result<Guards> {
        let against = Against::from(&asked.plan.config().fault_model);
        self.learner.guards(lab, asked.methods, against, asked.profile)
    }
}

/// Refuses bounds that memory does not hold, before they are learnt.
fn allow_bounds(lab: &Lab, methods: &[Method], against: Against) -> Result<()> {
    /// While they are learnt, in the waves of the campaign, and in the network of its own of each clip.
    const COPIES: u64 = 4;
    let graph = lab.executor().graph();
    let bounds = methods.iter().map(|method| match method {
        Method::Clip(clip) => method.overhead(graph, &clip.rule.layers(graph), against.target()).bytes,
        _ => 0,
    });
    let bounds = bounds.fold(0, u64::saturating_add).saturating_mul(COPIES);
    let needed = lab.executor().footprint().with_runs(1).saturating_add(bounds);
    limits::allowed().check("an inference and the bounds of all protections need", needed)
}
