//! Lanes that a wave checks by checksums beside those that it does not.
//!
//! A layer is checked when its result is struck and known. A lane whose result fails stops, or forks: the layer is computed again
//! from its inputs, which is the patch before the changes. Each lane is compared where it differs from the golden run; elsewhere
//! the comparison is that of the golden run.

use facts::graph::{NodeId, ValueId};

use super::checks::Check;
use super::fork::Stage;
use super::golden::Rows;
use super::lane_run::{Branch, Fork};
use super::patch::Patch;
use super::program::Step;
use super::wave::Walk;
use crate::kernels::{Residual, View};
use crate::ops::{Extent, Region};

/// A check of the layer at work.
struct Here<'a> {
    /// Index of the stage.
    at: usize,
    check: &'a Check,
    recomputes: bool,
    /// For each image, the positions of the golden run that fail.
    golden: Vec<Vec<[usize; 2]>>,
}

/// The comparison of a lane's result where it may differ from the golden one.
struct Compared {
    region: Region,
    residuals: Vec<Residual>,
}

impl Here<'_> {
    /// Whether a result of `image` fails that is golden outside of the compared region.
    fn fails(&self, image: usize, compared: &Compared) -> bool {
        let Check { layer, factor } = self.check;
        self.golden[image].iter().any(|&[y, x]| !compared.region.contains(y, x))
            || compared.residuals.iter().any(|residual| !layer.checksum.passes(*factor, *residual))
    }
}

impl Walk<'_> {
    /// Checks the result of step `nth` of layer `id`, after the changes. `touched` gets an entry for each new lane.
    pub(super) fn check(&mut self, id: NodeId, nth: usize, step: &Step, touched: &mut Vec<bool>) {
        let mut here: Vec<Here<'_>> = Vec::new();
        let stages = self.forks.stages;
        for (at, stage) in stages.iter().enumerate() {
            if let Stage::Check(checks) = stage
                && let Some(check) = checks.at(id, nth)
            {
                here.push(Here { at, check, recomputes: checks.recomputes, golden: Vec::new() });
            }
        }
        if here.is_empty() {
            return;
        }
        for image in 0..self.images.len() {
            let compared = self.compared(&here[0], image, None, None, step);
            for own in &mut here {
                let Check { layer, factor } = own.check;
                let failing = compared.region.iter().zip(&compared.residuals);
                let failing = failing.filter(|(_, residual)| !layer.checksum.passes(*factor, **residual));
                own.golden.push(failing.map(|(place, _)| place).collect());
                self.forks.alarms[image][own.at] |= own.golden.last().is_some_and(|failing| !failing.is_empty());
            }
        }
        for index in 0..self.lanes.len() {
            let before = self.lanes[index].before.take();
            let mut compared: Option<Compared> = None;
            for own in &here {
                let lane = &self.lanes[index];
                let is_trunk = match &lane.branch {
                    Branch::Trunk(forks) if forks[own.at] == Fork::None => true,
                    Branch::Fork(at) if *at == own.at && lane.answer.stopped.is_none() => false,
                    _ => continue,
                };
                let image = lane.image;
                let compared = compared.get_or_insert_with(|| {
                    let output = if own.check.layer.is_inside {
                        lane.previous.as_ref()
                    } else {
                        step.output.and_then(|value| lane.patches.get(&value))
                    };
                    self.compared(own, image, Some(index), output, step)
                });
                if !own.fails(image, compared) {
                    continue;
                }
                // Without a change in this result, the layer comes to the same again.
                let again = before.as_ref().filter(|_| own.recomputes);
                let again = again
                    .filter(|before| !own.fails(image, &self.compared(own, image, Some(index), before.as_ref(), step)));
                match (again, step.output) {
                    (Some(before), Some(value)) => {
                        let before = before.clone();
                        let lane = if is_trunk { self.branch_off(index, own.at, touched) } else { index };
                        self.replace(lane, value, before);
                    }
                    _ => self.stop(index, own.at, id),
                }
            }
            if let Some(patch) = before.flatten() {
                self.pool.give(patch.rows);
            }
        }
    }

    /// Compares the result of an image, or of a lane whose result has the patch `output`, where it may differ from the golden one.
    fn compared(
        &self,
        here: &Here<'_>,
        image: usize,
        lane: Option<usize>,
        output: Option<&Patch>,
        step: &Step,
    ) -> Compared {
        let (layer, golden) = (&here.check.layer, &self.images[image]);
        let input = lane.and_then(|lane| self.lanes[lane].patches.get(&layer.input));
        let region = match lane {
            None => step.extent.region(),
            Some(_) => {
                let reached = input.map_or(Region::EMPTY, |patch| layer.checksum.reach(patch.region));
                output.map_or(Region::EMPTY, |patch| patch.region).union(reached)
            }
        };
        if region.is_empty() {
            return Compared { region, residuals: Vec::new() };
        }
        let rows = if layer.is_inside { &golden.previous } else { &golden.values[step.output.unwrap_or(layer.input)] };
        let input = view(self.program.extents[layer.input], golden.values[layer.input].as_ref(), input);
        let output = view(step.extent, rows.as_ref(), output);
        Compared { region, residuals: layer.checksum.residuals(input, output, region) }
    }

    /// Replaces the patch of a lane in the tensor `value`.
    fn replace(&mut self, index: usize, value: ValueId, patch: Option<Patch>) {
        let patches = &mut self.lanes[index].patches;
        let old = match patch {
            Some(patch) => patches.insert(value, patch),
            None => patches.remove(&value),
        };
        if let Some(old) = old {
            self.pool.give(old.rows);
        }
    }

    /// Ends a lane under the stage `at` at layer `id`.
    fn stop(&mut self, index: usize, at: usize, id: NodeId) {
        let lane = &mut self.lanes[index];
        if let Branch::Trunk(forks) = &mut lane.branch {
            forks[at] = Fork::Stopped(id);
            return;
        }
        lane.answer.stopped = Some(id);
        lane.gone = true;
        let patches = std::mem::take(&mut lane.patches).into_values().chain(lane.previous.take());
        patches.for_each(|patch| self.pool.give(patch.rows));
    }
}

/// Returns the view of golden rows with the patch of a lane over them.
fn view<'a>(extent: Extent, rows: Option<&'a Rows>, patch: Option<&'a Patch>) -> View<'a> {
    let rows = rows.map_or(&[][..], |rows| &rows[..]);
    patch.map_or(View::new(extent, rows), |patch| patch.over(extent, rows))
}
