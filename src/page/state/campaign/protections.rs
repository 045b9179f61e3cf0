//! The protections that a campaign compares.

use facts::Name;
use facts::campaign::compared::{Code, Method};
use facts::fault::{FaultKind, FaultModel, Target};

use super::super::State;
use crate::link::offered;

/// A protection that the page offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// The protection.
    pub method: Method,
    /// Its name and an explanation.
    pub row: &'static Name,
    /// Whether the campaign compares it.
    pub chosen: bool,
    /// Why it does not go with the campaign's faults; `None` where it does.
    pub unfit: Option<&'static str>,
}

impl State {
    /// The protections on offer. One that does not go with the faults is not compared, even if the link names it.
    pub fn offered_protections(&self) -> Vec<Offered> {
        let link = &self.link.campaign;
        let faults = link.fault_model();
        let named = link.protections.as_deref().unwrap_or_default();
        let offered = offered().map(|(method, row)| {
            let unfit = unfit(&method, &faults);
            Offered { chosen: unfit.is_none() && named.contains(&method), method, row, unfit }
        });
        offered.collect()
    }

    /// The protections that the campaign compares.
    pub fn protections(&self) -> Vec<Method> {
        let offered = self.offered_protections().into_iter();
        offered.filter(|one| one.chosen).map(|one| one.method).collect()
    }
}

/// Why `method` does not go with `faults`; `None` where it does.
fn unfit(method: &Method, faults: &FaultModel) -> Option<&'static str> {
    let flips = matches!(faults.kind, FaultKind::BitFlip { .. } | FaultKind::BitFlips { .. } | FaultKind::Burst { .. });
    match method {
        Method::WeightClip if faults.target != Target::Weight => Some("For faults in weights only"),
        Method::Code(Code::Secded | Code::ParityZero) if faults.target == Target::Activation && !flips => Some(
            "Which bits of an activation a value of this type changes is known only after a run: for bit flips only",
        ),
        _ => None,
    }
}
