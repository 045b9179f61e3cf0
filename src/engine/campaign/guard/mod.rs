//! Protections that are ready to be tried beside the unprotected network.

mod against;
mod file;
mod learn;
mod learner;
mod prepare;
mod selection;
mod spread;
mod stored;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use facts::campaign::compared::{Code, Compared, Stop, Treated};
use facts::fault::{Corruption, InjectedFault, Site, Target};
use facts::graph::{Graph, NodeId, ValueId};
use facts::outcome::{margin, top1};

pub use self::against::Against;
pub use self::file::{Bounded, ProtectedFile, Unprotected, check_editable, images_of_file, protected_file};
pub use self::learn::{ClipLearning, learn_clips, learn_clips_from};
pub use self::learner::Learner;
pub use self::prepare::{Asked, Preparation, guards};
pub use self::spread::spread;
pub use self::time::measure_times;
use super::Lab;
use crate::exec::{Range, Stage};

/// The protections of a campaign, in the order of its configuration.
#[derive(Debug)]
pub struct Guards {
    guards: Vec<Guard>,
    /// The stages that fork lanes of a wave.
    stages: Vec<Stage>,
    compared: Compared,
}

/// One protection.
#[derive(Debug)]
pub(super) struct Guard {
    pub means: Means,
    /// The protected network, where its golden runs may differ from those of the unprotected one.
    pub network: Option<Lab>,
}

/// What a protection does.
#[derive(Debug)]
pub(super) enum Means {
    /// Lanes of the wave fork at the stage of this index, a clip; `None` where only the protected network tells.
    Clip(Option<usize>),
    /// Lanes of the wave fork or stop at the stage of this index, a check.
    Check(usize),
    Code(Code),
    /// The ranges of the parameters.
    WeightClip(BTreeMap<ValueId, Range>),
    /// These layers are computed twice.
    Duplicate(BTreeSet<NodeId>),
    /// These layers are computed three times.
    Tmr(BTreeSet<NodeId>),
    Detector(Watch),
}

/// A look at scores.
#[derive(Clone, Copy, Debug)]
pub(super) enum Watch {
    Finite,
    Range(Range),
    Margin(f32),
}

/// What becomes of a trial under a protection, as far as it is known before the wave.
#[derive(Debug)]
pub(super) enum Fate {
    /// The run is the unprotected one, or what the end of that run says.
    AsIt,
    Treated(Treated),
}

impl Guards {
    pub(super) fn new(guards: Vec<Guard>, stages: Vec<Stage>, compared: Compared) -> Self {
        Self { guards, stages, compared }
    }

    /// Returns what config.json says of the protections.
    pub fn compared(&self) -> &Compared {
        &self.compared
    }

    /// Returns the stages that fork lanes of a wave.
    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Guard> {
        self.guards.iter()
    }

    /// Returns the number of runs beside the unprotected one that a fault can need at once.
    pub fn runs(&self) -> usize {
        let has_own = |guard: &&Guard| !matches!(guard.means, Means::Duplicate(_) | Means::Detector(_));
        self.guards.iter().filter(has_own).count()
    }
}

impl Guard {
    /// Says what becomes of the faults at `sites`, before anything is computed.
    pub fn fate(&self, graph: &Graph, sites: &[Site]) -> Fate {
        let treated = match &self.means {
            Means::Clip(_) | Means::Check(_) | Means::Detector(_) | Means::Duplicate(_) => return Fate::AsIt,
            // The configuration was refused if faults of this kind cannot be known here.
            Means::Code(code) => code.treats(graph, sites).unwrap_or_else(|| Treated::Struck(sites.to_vec())),
            Means::WeightClip(ranges) => clipped(graph, ranges, sites),
            Means::Tmr(layers) => {
                let left = |site: &&Site| site.target != Target::Activation || !layers.contains(&site.layer);
                Treated::of(sites.iter().filter(left).copied().collect())
            }
        };
        match &treated {
            Treated::Struck(left) if left == sites && self.network.is_none() => Fate::AsIt,
            _ => Fate::Treated(treated),
        }
    }

    /// Returns whether the end of the unprotected run, with the `scores` and the `faults` that struck, makes the protection stop
    /// the inference.
    pub fn detects(&self, scores: &[f32], faults: &[InjectedFault], sites: &[Site]) -> bool {
        match &self.means {
            Means::Detector(watch) => watch.stops(scores),
            Means::Duplicate(layers) => noticed(layers, faults, sites).next().is_some(),
            _ => false,
        }
    }

    /// Returns where the protection stops the inference if [`Guard::detects`] the `faults`.
    pub fn stop(&self, graph: &Graph, faults: &[InjectedFault], sites: &[Site]) -> Stop {
        let first = match &self.means {
            Means::Duplicate(layers) => noticed(layers, faults, sites).min(),
            _ => None,
        };
        first.map_or(Stop::Scores, |layer| Stop::Layer(graph.nodes[layer].name.clone()))
    }

    /// Returns whether the protection stops an inference with these golden `scores`: a false alarm. `stopped` says of each stage
    /// whether it stops the golden run.
    pub fn alarms(&self, scores: &[f32], stopped: &[bool]) -> bool {
        match &self.means {
            Means::Detector(watch) => watch.stops(scores),
            Means::Check(stage) => stopped.get(*stage).copied().unwrap_or(false),
            _ => false,
        }
    }
}

/// Those of `layers` of which a second computation, without the faults, has another result.
fn noticed<'a>(
    layers: &'a BTreeSet<NodeId>,
    faults: &'a [InjectedFault],
    sites: &'a [Site],
) -> impl Iterator<Item = NodeId> + 'a {
    let own = sites.iter().zip(faults).filter(move |(site, fault)| {
        site.target == Target::Activation && layers.contains(&site.layer) && fault.changes()
    });
    own.map(|(site, _)| site.layer)
}

impl Watch {
    fn stops(self, scores: &[f32]) -> bool {
        match self {
            // A score of -infinity is a class that is masked.
            Self::Finite => scores.iter().any(|score| score.is_nan() || *score == f32::INFINITY),
            Self::Range(range) => !scores.iter().all(|&score| score == f32::NEG_INFINITY || range.contains(score)),
            Self::Margin(margin) => margin_of(scores).is_none_or(|own| own < margin),
        }
    }
}

/// The difference between the best score and the runner-up; `None` where a score is NaN or there is no runner-up.
pub(super) fn margin_of(scores: &[f32]) -> Option<f32> {
    Some(margin(scores, top1(scores))).filter(|margin| scores.len() > 1 && !margin.is_nan())
}

/// What is left of faults in parameters that are clipped to `ranges` when they are read.
fn clipped(graph: &Graph, ranges: &BTreeMap<ValueId, Range>, sites: &[Site]) -> Treated {
    let mut elements: BTreeMap<(ValueId, usize), (Site, f32, f32)> = BTreeMap::new();
    let mut left = Vec::new();
    for site in sites {
        let value = &graph.values[site.tensor];
        let stored = value.layout.stored_index(&value.shape, site.element);
        let parameter = graph.parameters.get(&site.tensor).and_then(|parameter| parameter.data.get(stored));
        let (Some(&golden), Target::Weight) = (parameter, site.target) else {
            left.push(*site);
            continue;
        };
        let (_, _, now) = elements.entry((site.tensor, site.element)).or_insert((*site, golden, golden));
        *now = site.corruption.apply(*now, value.code(stored));
    }
    for ((tensor, _), (site, golden, struck)) in elements {
        let read = ranges.get(&tensor).map_or(struck, |range| range.clip(struck));
        if read.to_bits() == struck.to_bits() {
            left.extend(sites.iter().filter(|own| own.tensor == tensor && own.element == site.element));
        } else if read.to_bits() != golden.to_bits() {
            left.push(Site { corruption: Corruption::Set(read), ..site });
        }
    }
    Treated::of(left)
}
