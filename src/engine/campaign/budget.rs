//! How much is done in one wave.

use facts::campaign::{Plan, Position};
use facts::fault::Site;
use facts::graph::ValueId;

use super::Lab;
use crate::exec::SITE;

/// What one wave of a campaign may take. It has no say in what is injected, in which order results come, or in what
/// they are.
///
/// Counted are runs: each image has one, the golden, and each of its faults another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes for the tensors of the runs. Parameters are not counted: they are there once, whatever the wave.
    pub bytes: usize,
    /// Multiplications with addition, were each run a full one. It bounds the time until results come.
    pub multiply_adds: u64,
    /// Runs.
    pub runs: usize,
}

impl Default for Budget {
    /// 2 GiB, and as much work as a core does in a second as a rule, in several where faults spread at once (weights).
    fn default() -> Self {
        Self { bytes: 1 << 31, multiply_adds: 1 << 38, runs: 256 }
    }
}

impl Budget {
    /// Runs of a wave; at least the golden run of one image, and one fault.
    pub fn slots(&self, lab: &Lab) -> usize {
        let by_work = self.multiply_adds.checked_div(lab.executor().multiply_adds()).unwrap_or(u64::MAX);
        let by_work = usize::try_from(by_work).unwrap_or(usize::MAX);
        (self.bytes / bytes(lab)).min(by_work).min(self.runs).max(2)
    }

    /// How many faults of one image a wave of `plan` has room for, if all are as large as its first.
    pub fn faults(&self, lab: &Lab, plan: &Plan) -> usize {
        let each = plan.sites(Position::default()).map_or(1, |sites| slots_of(lab, &sites));
        ((self.slots(lab) - 1) / each).max(1)
    }
}

/// Bytes of a run: its tensors, and what is kept of one fault.
fn bytes(lab: &Lab) -> usize {
    usize::try_from(lab.executor().footprint().run.saturating_add(SITE)).unwrap_or(usize::MAX)
}

/// How many runs the trial of `sites` counts for: one, unless what it keeps beside its tensors is large.
pub fn slots_of(lab: &Lab, sites: &[Site]) -> usize {
    let parameters = &lab.executor().graph().parameters;
    let parameter = |tensor: ValueId| parameters.get(&tensor).map_or(0, |parameter| 4 * parameter.data.len());
    // Several weights of a layer at once take a copy of the parameter, and its kernel another; layer by layer.
    let copied = if sites.len() > 1 { sites.iter().map(|site| parameter(site.tensor)).max() } else { None };
    1 + (sites.len().saturating_sub(1) * SITE as usize + 2 * copied.unwrap_or(0)) / bytes(lab)
}
