//! Lanes that a wave clips or checks beside those that it does not.
//!
//! Under a clip a faulty run is the same as without it until the clip changes an element. At that layer the lane forks: a copy
//! of it goes on with the clipped patch, and its later outputs are clipped too. Most faults never come beyond the bounds, so
//! that several clips cost a look at the patches. If a clip changes the golden run itself, the patches of that image are
//! patches of another run, and the wave says so.

use facts::graph::{NodeId, ValueId};

use super::lane::Faulty;
use super::lane_run::{Branch, Fork};
use super::patch::Patch;
use super::program::Step;
use super::wave::Walk;
use super::{Checks, Clips};
use crate::kernels::Bounds;

/// A protection that a wave computes beside the unprotected runs.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Outputs are clipped after the changes.
    Clip(Clips),
    /// Results are checked after the changes.
    Check(Checks),
}

/// The stages of a wave.
pub(super) struct Forks<'a> {
    pub stages: &'a [Stage],
    /// For each image and stage, whether the stage changes the golden run.
    pub moved: Vec<Vec<bool>>,
    /// For each image and stage, whether the stage stops the golden run.
    pub alarms: Vec<Vec<bool>>,
}

impl<'a> Forks<'a> {
    pub fn new(stages: &'a [Stage], images: usize) -> Self {
        let none = vec![vec![false; stages.len()]; images];
        Self { stages, moved: none.clone(), alarms: none }
    }

    /// Whether a stage checks layer `id`, in a step whose result is its output or not.
    pub fn checks(&self, id: NodeId, is_inside: bool) -> bool {
        self.stages.iter().any(|stage| match stage {
            Stage::Check(checks) => checks.of(id).is_some_and(|check| check.layer.is_inside == is_inside),
            Stage::Clip(_) => false,
        })
    }
}

impl Walk<'_> {
    /// Clips the output `value` of layer `id`, which `step` has computed, after the changes: in lanes that have forked, and in
    /// those that fork here. `touched` gets an entry for each new lane.
    pub(super) fn fork(&mut self, id: NodeId, value: ValueId, step: &Step, touched: &mut Vec<bool>) {
        let stages = self.forks.stages;
        for (at, stage) in stages.iter().enumerate() {
            let Stage::Clip(clips) = stage else { continue };
            let Some(bounds) = clips.get(value) else { continue };
            for (image, moved) in self.images.iter().zip(&mut self.forks.moved) {
                if let (Some(golden), false) = (&image.values[value], moved[at]) {
                    moved[at] = bounds.clips(step.extent, step.extent.region(), golden);
                }
            }
            for index in 0..self.lanes.len() {
                let lane = &self.lanes[index];
                let is_trunk = match &lane.branch {
                    Branch::Trunk(forks) if forks[at] == Fork::None => true,
                    Branch::Fork(own) if *own == at => false,
                    _ => continue,
                };
                let is_clipped = |patch: &Patch| {
                    !self.forks.moved[lane.image][at] && bounds.clips(step.extent, patch.region, &patch.rows)
                };
                if lane.patches.get(&value).is_some_and(is_clipped) {
                    let own = if is_trunk { self.branch_off(index, at, touched) } else { index };
                    self.clip(own, id, value, step, bounds);
                }
            }
        }
    }

    /// Copies the lane `trunk` for the stage `at`. Returns the index of the copy.
    pub(super) fn branch_off(&mut self, trunk: usize, at: usize, touched: &mut Vec<bool>) -> usize {
        let own = self.lanes.len();
        let mut copy = self.lanes[trunk].clone();
        copy.branch = Branch::Fork(at);
        if let Branch::Trunk(forks) = &mut self.lanes[trunk].branch {
            forks[at] = Fork::Lane(own);
        }
        self.lanes.push(copy);
        touched.push(true);
        own
    }

    /// Clips the patch of a lane.
    fn clip(&mut self, index: usize, id: NodeId, value: ValueId, step: &Step, bounds: &Bounds) {
        let lane = &mut self.lanes[index];
        let Some(mut patch) = lane.patches.remove(&value) else { return };
        let count = bounds.clip(step.extent, patch.region, &mut patch.rows);
        if self.settings.observe.clipped {
            lane.count_clipped(id, count);
        }
        let patch = match &self.images[lane.image].values[value] {
            // Clipping may restore the golden value.
            Some(golden) if !self.settings.whole => patch.trimmed(step.extent, golden, &mut self.pool),
            _ => Some(patch),
        };
        lane.patches.extend(patch.map(|patch| (value, patch)));
    }
}

/// Gives each lane the results of those that forked off it.
pub(super) fn gathered(lanes: Vec<(Faulty, Branch)>) -> Vec<Faulty> {
    let (mut results, branches): (Vec<Option<Faulty>>, Vec<Branch>) =
        lanes.into_iter().map(|(result, branch)| (Some(result), branch)).unzip();
    let mut gathered = Vec::with_capacity(results.len());
    for (index, branch) in branches.iter().enumerate() {
        let Some(mut result) = (match branch {
            Branch::Fork(_) => None,
            Branch::Plain | Branch::Trunk(_) => results[index].take(),
        }) else {
            continue;
        };
        if let Branch::Trunk(forks) = branch
            && forks.iter().any(|fork| *fork != Fork::None)
        {
            let of = |fork: &Fork| match *fork {
                Fork::None => None,
                Fork::Lane(own) => results[own].take(),
                Fork::Stopped(layer) => Some(Faulty { stopped: Some(layer), ..Faulty::default() }),
            };
            result.forks = forks.iter().map(of).collect();
        }
        gathered.push(result);
    }
    gathered
}
