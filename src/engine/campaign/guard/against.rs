//! Which protections go with which faults.

use facts::campaign::compared::{Code, Method};
use facts::fault::{Corruption, FaultKind, FaultModel, Site, Target};
use facts::graph::Graph;
use facts::{Error, Result};

use super::learn::check_clip;

/// Faults, as far as it depends on them whether a protection applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Against {
    /// The values that they strike.
    target: Target,
    /// Whether they flip bits, whatever the values.
    flips: bool,
    /// Whether they strike a register inside a processing element.
    in_accelerator: bool,
    /// Whether a second computation meets them, too.
    is_permanent: bool,
}

impl From<&FaultModel> for Against {
    fn from(model: &FaultModel) -> Self {
        let flips =
            matches!(model.kind, FaultKind::BitFlip { .. } | FaultKind::BitFlips { .. } | FaultKind::Burst { .. });
        Self {
            target: model.target,
            flips: flips && model.error_models.is_none(),
            in_accelerator: model.accelerator.is_some(),
            is_permanent: model.kind.is_permanent(),
        }
    }
}

impl From<&Site> for Against {
    fn from(site: &Site) -> Self {
        let flips = matches!(site.corruption, Corruption::Flip(_));
        let is_permanent = matches!(site.corruption, Corruption::StuckAt0(_) | Corruption::StuckAt1(_));
        Self { target: site.target, flips, in_accelerator: false, is_permanent }
    }
}

impl Against {
    pub(super) fn target(&self) -> Target {
        self.target
    }

    pub(super) fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// Checks that `method` on `graph` goes with the faults.
    ///
    /// # Errors
    /// If it does not; the error says why.
    pub fn check(&self, graph: &Graph, method: &Method) -> Result<()> {
        let target = self.target;
        let refused = |why: &str| Err(Error::request(format_args!("the protection {method} {why}")));
        let repairs = matches!(method, Method::Code(_) | Method::WeightClip | Method::Duplicate(_) | Method::Tmr(_));
        if repairs && self.in_accelerator {
            return refused(
                "knows nothing of a register inside a processing element, which lies behind every memory and computes every copy; \
                 leave --accelerator or the protection away",
            );
        }
        match method {
            Method::Code(Code::LsbParity | Code::InPlaceEcc) | Method::WeightClip if target != Target::Weight => {
                refused("is for faults in weights; use --target weight")
            }
            Method::Code(_) if !matches!(target, Target::Weight | Target::Activation) => {
                refused("is for faults in weights and activations; use --target weight or activation")
            }
            Method::Code(_) if target == Target::Activation && !self.flips => refused(
                "reads stored activations, and which bits of them a value of this --type changes is known only after a run; use \
                 --type bitflip",
            ),
            Method::Duplicate(_) | Method::Tmr(_) if target != Target::Activation => refused(
                "repeats a computation, and a fault of this target is in all repetitions; use --target activation",
            ),
            Method::Abft(_) if self.in_accelerator => refused(
                "computes a layer again on the same processing elements, and a stuck bit in one may be in the checksum, too; leave \
                 --accelerator or the protection away",
            ),
            Method::Abft(_) if !matches!(target, Target::Weight | Target::Activation) => {
                refused("is for faults in weights and activations; use --target weight or activation")
            }
            Method::Clip(clip) => check_clip(graph, *clip),
            _ => Ok(()),
        }
    }
}
