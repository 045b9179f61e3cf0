//! The protections that a campaign compares.

use facts::Name;
use facts::campaign::compared::{Code, Method};
use facts::fault::{FaultKind, FaultModel, Target};
use protocol::{CampaignRequest, ProtectFile};

use super::super::asked::Order;
use super::super::{Effect, State};
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

    /// The protections with which the network can be written to a file.
    pub fn written_protections(&self) -> Vec<Offered> {
        let offered = self.offered_protections().into_iter();
        offered.filter(|one| matches!(one.method, Method::Clip(_))).collect()
    }

    /// Whether the network could be written with a protection now.
    pub fn can_protect(&self) -> bool {
        let images =
            self.chosen_set().is_some() || self.link.campaign.data.is_none() && !self.single_images().is_empty();
        self.model().is_some() && images && self.labelling().is_some() && self.bounding().is_none()
    }

    /// While a protected network is made: the number of images that its bounds have been learnt from, and of all of them.
    pub fn bounding(&self) -> Option<[usize; 2]> {
        self.asked.orders.any(|order| *order == Order::Protect).then_some(self.campaign.bounding)
    }

    /// Asks for the network with a protection.
    pub(super) fn write_protected(&mut self, method: Method, effects: &mut Vec<Effect>) {
        let Some(labelling) = self.labelling().filter(|_| self.can_protect()) else { return };
        let (images, profile) = (self.campaign_images(), self.link.campaign.profile);
        self.campaign.bounding = [0, 0];
        let request = ProtectFile { images, labelling, profile, method };
        self.order(CampaignRequest::Protect(Box::new(request)), Order::Protect, effects);
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
