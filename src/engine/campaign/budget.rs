//! The limits of one wave.

use facts::campaign::{Plan, Position};
use facts::fault::{Site, metadata};
use facts::graph::ValueId;

use super::{Guards, Lab};
use crate::exec::SITE;

/// Limits for one wave of a campaign. The limits change neither the faults, nor the results, nor their order.
///
/// The unit is a run. An image needs one golden run, and one faulty run for each fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes for the tensors of the runs. Parameters are not counted: a process holds them once, for waves of any
    /// size.
    pub bytes: usize,
    /// Multiply-adds of the wave if each run were a full run. This limit bounds the time until results arrive.
    pub multiply_adds: u64,
    /// Number of runs.
    pub runs: usize,
}

impl Default for Budget {
    /// 2 GiB, and about one second of work for one core. A wave takes several seconds where faults spread at once
    /// (weights).
    fn default() -> Self {
        Self { bytes: 1 << 31, multiply_adds: 1 << 38, runs: 256 }
    }
}

impl Budget {
    /// Returns the number of runs in a wave: at least the golden run of one image and one faulty run.
    pub fn slots(&self, lab: &Lab) -> usize {
        let by_work = self.multiply_adds.checked_div(lab.executor().multiply_adds()).unwrap_or(u64::MAX);
        let by_work = usize::try_from(by_work).unwrap_or(usize::MAX);
        (self.bytes / bytes(lab)).min(by_work).min(self.runs).max(2)
    }

    /// Returns the number of faults of one image that fit a wave of `plan`, if each fault is as large as the first.
    pub fn faults(&self, lab: &Lab, plan: &Plan) -> usize {
        let each = plan.sites(Position::default()).map_or(1, |sites| slots_of(lab, &sites));
        ((self.slots(lab) - 1) / each).max(1)
    }
}

/// Bytes of the change of an element whose scale is struck.
const FOLLOWER: usize = 128;

/// Returns the bytes of a run: its tensors and the record of one fault.
fn bytes(lab: &Lab) -> usize {
    usize::try_from(lab.executor().footprint().run.saturating_add(SITE)).unwrap_or(usize::MAX)
}

/// Returns the number of runs that the trial of `sites` counts as: one, unless its data besides the tensors are large.
pub fn slots_of(lab: &Lab, sites: &[Site]) -> usize {
    let parameters = &lab.executor().graph().parameters;
    let parameter = |tensor: ValueId| parameters.get(&tensor).map_or(0, |parameter| 4 * parameter.data.len());
    // Several weight faults in one layer copy the parameter, and the kernel copies it again. Layers are processed one
    // at a time, so the largest parameter decides.
    let copied = if sites.len() > 1 { sites.iter().map(|site| parameter(site.tensor)).max() } else { None };
    let graph = lab.executor().graph();
    let followers = |site: &Site| metadata::reinterpreted(graph, site).map_or(0, Iterator::count);
    let followers: usize = sites.iter().map(followers).sum();
    let runs = 1 + lab.guards().map_or(0, Guards::runs);
    runs + (sites.len().saturating_sub(1) * SITE as usize + followers * FOLLOWER + 2 * copied.unwrap_or(0)) / bytes(lab)
}
