//! What a campaign learns before its first fault, in stages that follow one another: the scales of a number format, the accuracy of
//! the rounded network beside that of the float32 network, then protections or strata.

use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{AccuracyBeside, Asked, Lab, Piloting, Preparation, Rounding, plan};
use facts::campaign::compared::{Method, ProfileOf};
use facts::campaign::{CampaignConfig, DesignKind, Images, Plan, RoundedAccuracy, TensorScale};
use facts::model::Model;
use facts::{Error, Result};
use protocol::{CampaignStart, Learnt};

use super::campaign::BUDGET;
use crate::campaign::{Opened, SharedSource};

/// A campaign before its first step.
pub(super) struct Planned {
    pub lab: Rc<Lab>,
    pub opened: Opened,
    pub plan: Arc<Plan>,
    /// The scales of the outputs of layers, where they are rounded to integers.
    pub scales: Vec<TensorScale>,
    /// The golden accuracy with and without rounding, where it is known.
    pub rounded: Option<RoundedAccuracy>,
    /// What users must know of the protections, a sentence each.
    pub notices: Vec<String>,
}

/// What is asked for beside the plan.
pub(super) struct Wanted {
    pub protections: Vec<Method>,
    /// The number of images that protections are learnt from.
    pub profile: Option<usize>,
    pub design: DesignKind,
}

/// A campaign that learns.
pub(super) struct Preparing {
    /// The campaign without what is learnt.
    bare: Planned,
    wanted: Wanted,
    stage: Learning,
}

/// What is learnt now.
enum Learning {
    Scales(Box<Scales>),
    Accuracy(Box<Accuracy>),
    Protections(Box<Protecting>),
    Strata(Box<Piloting>),
}

/// Scales that are learnt.
struct Scales {
    plain: Rc<Lab>,
    rounding: Rounding,
}

/// The accuracies of two networks that are compared.
struct Accuracy {
    plain: Rc<Lab>,
    beside: AccuracyBeside,
}

/// Protections that are learnt.
struct Protecting {
    methods: Vec<Method>,
    profile: ProfileOf,
    preparation: Preparation,
}

/// The beginning of a campaign, or of its next stage.
pub(super) enum Beginning {
    /// Nothing has to be learnt any more.
    Ready(Box<Planned>),
    Learns(Box<Preparing>),
}

impl Wanted {
    pub fn of(start: &CampaignStart) -> Self {
        Self { protections: start.protections.clone(), profile: start.profile, design: start.design }
    }

    fn is_stratified(&self) -> Result<bool> {
        match self.design {
            DesignKind::Uniform => Ok(false),
            DesignKind::Stratified if self.protections.is_empty() => Ok(true),
            DesignKind::Stratified => Err(Error::request(
                "several protections are compared on faults of equal weight; choose the uniform design, or no protection",
            )),
            DesignKind::Exhaustive => {
                Err(Error::request("an exhaustive campaign is one of the command line: --design exhaustive"))
            }
        }
    }
}

fn asked<'a>(bare: &'a Planned, methods: &'a [Method], profile: &ProfileOf) -> Asked<'a, SharedSource> {
    let on_bad_image = bare.plan.config().on_bad_image;
    Asked { methods, plan: &bare.plan, source: &bare.opened.source, profile: profile.clone(), on_bad_image }
}

impl Planned {
    /// The same campaign on `lab`, with what `change` makes of its configuration.
    fn on(self, lab: Lab, change: impl FnOnce(&mut CampaignConfig)) -> Result<Self> {
        let mut config = self.plan.config().clone();
        change(&mut config);
        let source = &self.opened.source;
        let plan = Arc::new(plan(&lab, config, source, Images::All(source.len()))?);
        Ok(Self { lab: Rc::new(lab), plan, ..self })
    }
}

impl Beginning {
    /// Begins a campaign whose network is as it shall be.
    pub fn of(mut bare: Planned, wanted: Wanted) -> Result<Self> {
        match Learning::last(&mut bare, &wanted)? {
            Some(stage) => Self::go_on(bare, wanted, stage),
            None => Ok(Self::Ready(Box::new(bare))),
        }
    }

    /// Begins a campaign in a number format. `bare` is on the network that `rounding` makes before it learns, and `loaded` is that
    /// of the explorer; `plain` is the network before it is rounded, on the CPU.
    pub fn rounded(
        mut bare: Planned,
        wanted: Wanted,
        [loaded, plain]: [Rc<Lab>; 2],
        rounding: Rounding,
    ) -> Result<Self> {
        // What does not go with the campaign is refused now, and not after many golden runs.
        Learning::last(&mut bare, &wanted)?;
        match rounding.progress() {
            [_, 0] => Self::accuracy(bare, wanted, plain),
            // The network without scales has done its work, and memory is short in a tab.
            _ => {
                let bare = Planned { lab: loaded, ..bare };
                Self::go_on(bare, wanted, Learning::Scales(Box::new(Scales { plain, rounding })))
            }
        }
    }

    fn accuracy(bare: Planned, wanted: Wanted, plain: Rc<Lab>) -> Result<Self> {
        let beside = AccuracyBeside::new(&plain, &bare.opened.source, &bare.plan);
        Self::go_on(bare, wanted, Learning::Accuracy(Box::new(Accuracy { plain, beside })))
    }

    /// Goes on with `stage`, or after it where it needs no golden run.
    fn go_on(bare: Planned, wanted: Wanted, stage: Learning) -> Result<Self> {
        let preparing = Preparing { bare, wanted, stage };
        match preparing.stage.progress() {
            [_, 0] => preparing.finish(),
            _ => Ok(Self::Learns(Box::new(preparing))),
        }
    }

    /// The campaign without what is not learnt yet.
    pub fn planned(&self) -> &Planned {
        match self {
            Self::Ready(planned) => planned,
            Self::Learns(preparing) => &preparing.bare,
        }
    }

    /// Learns at once what a worker needs that computes parts of the campaign: all that changes what the network computes. The
    /// strata come with each part of the work.
    pub async fn for_parts(mut self) -> Result<Planned> {
        loop {
            self = match self {
                Self::Ready(planned) => return Ok(*planned),
                Self::Learns(preparing) if matches!(preparing.stage, Learning::Strata(_)) => return Ok(preparing.bare),
                Self::Learns(preparing) if matches!(preparing.stage, Learning::Accuracy(_)) => preparing.finish()?,
                Self::Learns(mut preparing) => {
                    while preparing.step().await? {}
                    preparing.finish()?
                }
            }
        }
    }
}

impl Learning {
    /// The last stage of `bare`, protections or strata, and the notices on it.
    fn last(bare: &mut Planned, wanted: &Wanted) -> Result<Option<Self>> {
        if wanted.is_stratified()? {
            let pilot = Piloting::new(&bare.lab, Plan::clone(&bare.plan), None)?;
            bare.notices = Piloting::unscored(&bare.lab).into_iter().collect();
            return Ok(Some(Self::Strata(Box::new(pilot))));
        }
        if wanted.protections.is_empty() {
            return Ok(None);
        }
        let methods = wanted.protections.clone();
        let (profile, notice) = ProfileOf::own(&methods, &bare.plan, wanted.profile, bare.opened.source.len());
        let preparation = Preparation::new(&bare.lab, &asked(bare, &methods, &profile))?;
        bare.notices = notice.into_iter().collect();
        Ok(Some(Self::Protections(Box::new(Protecting { methods, profile, preparation }))))
    }

    fn progress(&self) -> [usize; 2] {
        match self {
            Self::Scales(scales) => scales.rounding.progress(),
            Self::Accuracy(accuracy) => accuracy.beside.progress(),
            Self::Protections(protecting) => protecting.preparation.progress(),
            Self::Strata(pilot) => pilot.progress(),
        }
    }
}

impl Preparing {
    /// What is learnt, the number of golden runs of it that were made, and of all of them.
    pub fn progress(&self) -> (Learnt, [usize; 2]) {
        let learnt = match &self.stage {
            Learning::Scales(_) => Learnt::Scales,
            Learning::Accuracy(_) => Learnt::Accuracy,
            Learning::Protections(_) => Learnt::Protections,
            Learning::Strata(_) => Learnt::Strata,
        };
        (learnt, self.stage.progress())
    }

    /// Learns from the next image or wave of this stage, and returns whether there was one.
    pub async fn step(&mut self) -> Result<bool> {
        let Self { bare, stage, .. } = self;
        let source = &bare.opened.source;
        match stage {
            Learning::Scales(scales) => {
                scales.rounding.step(&scales.plain, source, bare.plan.config().on_bad_image).await
            }
            Learning::Accuracy(accuracy) => {
                let Accuracy { plain, beside } = &mut **accuracy;
                beside.step(plain, &bare.lab, source, &bare.plan, BUDGET).await
            }
            Learning::Protections(protecting) => {
                let Protecting { methods, profile, preparation } = &mut **protecting;
                preparation.step(&bare.lab, &asked(bare, methods, profile)).await
            }
            Learning::Strata(pilot) => pilot.step(&bare.lab, source, BUDGET).await,
        }
    }

    /// Ends this stage and begins the next one.
    pub fn finish(self) -> Result<Beginning> {
        let Self { bare, wanted, stage } = self;
        match stage {
            Learning::Scales(scales) => {
                let Scales { plain, rounding } = *scales;
                let rounded = rounding.finish(plain.model())?;
                let lab = on_device_of(&bare.lab, rounded.model)?;
                let bare = Planned { scales: rounded.scales, ..bare.on(lab, |_| ())? };
                Beginning::accuracy(bare, wanted, plain)
            }
            Learning::Accuracy(accuracy) => {
                Beginning::of(Planned { rounded: accuracy.beside.finish(), ..bare }, wanted)
            }
            Learning::Protections(protecting) => {
                let Protecting { methods, profile, preparation } = *protecting;
                let guards = preparation.finish(&bare.lab, asked(&bare, &methods, &profile))?;
                let compared = guards.compared().clone();
                let lab = bare.lab.compared_with(Arc::new(guards));
                Ok(Beginning::Ready(Box::new(bare.on(lab, |config| config.compared = Some(compared))?)))
            }
            Learning::Strata(pilot) => {
                Ok(Beginning::Ready(Box::new(Planned { plan: Arc::new(pilot.finish()?), ..bare })))
            }
        }
    }
}

/// A lab of `model` on the device of `lab`, which judges as `lab` does.
pub(super) fn on_device_of(lab: &Lab, model: Model) -> Result<Lab> {
    Lab::on(model, lab.executor().device())?.judged_by(lab.grouping().cloned())
}
