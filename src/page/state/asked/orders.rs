//! Orders of the user, each given once: start a campaign, make a file, find the image of a fault.

use protocol::{RequestId, WorstFault};

/// One order.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Begin a campaign.
    Start,
    /// Hold the campaign, let it go on, or end it.
    Steer,
    /// Read a campaign that was made elsewhere.
    Import,
    /// Make a file of the results.
    Export,
    /// Write the network with a protection.
    Protect,
    /// Tell the class names.
    Classes,
    /// Find the image of this fault, to follow the fault in it.
    Follow(Box<WorstFault>),
}

impl Order {
    /// Whether the campaign's stage changes with it.
    pub(in crate::state) fn changes_stage(&self) -> bool {
        matches!(self, Self::Start | Self::Steer | Self::Import)
    }

    /// Whether an earlier order has lost its point through this one.
    fn replaces(&self, earlier: &Self) -> bool {
        let follows = |order: &Self| matches!(order, Self::Follow(_));
        let protects = |order: &Self| *order == Self::Protect;
        self.changes_stage() && earlier.changes_stage()
            || follows(self) && follows(earlier)
            || protects(self) && protects(earlier)
    }
}

/// The orders that were not carried out yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orders {
    open: Vec<(RequestId, Order)>,
}

impl Orders {
    /// Notes the order that request `id` gives.
    pub(in crate::state) fn place(&mut self, id: RequestId, order: Order) {
        self.open.retain(|(_, earlier)| !order.replaces(earlier));
        self.open.push((id, order));
    }

    /// The order of request `id`, which is carried out or has failed.
    pub(in crate::state) fn take(&mut self, id: RequestId) -> Option<Order> {
        let place = self.open.iter().position(|(open, _)| *open == id)?;
        Some(self.open.remove(place).1)
    }

    /// The order of request `id`, which is not carried out yet.
    pub(in crate::state) fn order(&self, id: RequestId) -> Option<&Order> {
        self.open.iter().find(|(open, _)| *open == id).map(|(_, order)| order)
    }

    /// Whether an order of this sort is open.
    pub(in crate::state) fn any(&self, sort: impl Fn(&Order) -> bool) -> bool {
        self.open.iter().any(|(_, order)| sort(order))
    }

    /// Forgets orders of this sort.
    pub(in crate::state) fn forget(&mut self, sort: impl Fn(&Order) -> bool) {
        self.open.retain(|(_, order)| !sort(order));
    }
}
