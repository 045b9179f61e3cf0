//! A campaign on several workers.
//!
//! The plan is cut into units. The workers beside this one compute some of them, this one the others, and the results are
//! passed on in the order of the plan: they do not depend on the number of workers.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{Alone, Budget, CampaignEvent, Lab, StepMaker, Steps, Units, Work};
use facts::Result;
use facts::campaign::{Plan, Position, Stratified};
use facts::data::ImageSource;
use protocol::Part;

/// Images that a campaign shares with the rest of the worker.
pub type SharedSource = Arc<dyn ImageSource + Send + Sync>;

/// Units of a worker beside this one that wait or are being computed: the next begin while the first travels, and while this
/// worker makes a wave and hears nothing.
const UNITS_AHEAD: usize = 4;

/// The size of a unit: several waves, so that a worker beside this one has work for as long as its answers travel, and that few
/// golden runs are made twice. Only its records are in memory together.
const UNIT: Budget = Budget { bytes: usize::MAX, multiply_adds: 1 << 34, runs: 512 };

/// Unit number of a campaign, of which a worker beside this one computes the events.
pub type UnitId = u32;

/// The workers beside this one, as a campaign needs them.
pub trait Hands {
    /// Number of workers that can compute now.
    fn ready(&self) -> usize;

    /// Hands `part` to the worker with the fewest waiting units. `None` if each has `most` units or none is ready.
    fn give(&self, part: Part, most: usize) -> Option<UnitId>;

    /// Takes the result of a unit. `Some(None)` if the worker has failed: the caller computes the unit itself.
    fn take(&self, unit: UnitId) -> Option<Option<Vec<CampaignEvent>>>;

    /// Waits until a worker has answered.
    #[allow(async_fn_in_trait, reason = "the worker has one thread; nothing here needs Send")]
    async fn wait(&self);
}

/// Computes the steps of a plan together with other workers.
pub struct Together<H> {
    /// The part that this worker computes.
    pub here: Alone<Rc<Lab>, SharedSource>,
    /// The other workers.
    pub hands: Rc<H>,
}

impl<H: Hands> StepMaker for Together<H> {
    type Steps = Crew<H>;

    fn begin(&self, plan: Arc<Plan>, first: usize) -> Crew<H> {
        let here = self.here.clone();
        let parts = UNITS_AHEAD * (self.hands.ready() + 1);
        let units = Units::of(&plan, &here.lab, Position::default(), first, parts, UNIT);
        // Each round has its own number.
        let faults = plan.config().until.map(|_| plan.config().faults.at_most());
        let design = plan.config().design.clone();
        Crew { plan, here, hands: self.hands.clone(), units, faults, design, first, coming: VecDeque::new() }
    }
}

/// The steps of a plan, or of a round, on several workers.
pub struct Crew<H> {
    plan: Arc<Plan>,
    here: Alone<Rc<Lab>, SharedSource>,
    hands: Rc<H>,
    units: Units,
    faults: Option<usize>,
    design: Option<Stratified>,
    first: usize,
    /// Units begun, in the order of the plan.
    coming: VecDeque<Coming>,
}

type Unit = (Position, Position);

enum Coming {
    /// This worker computes it when its turn has come.
    Own(Box<Steps<Rc<Lab>, SharedSource>>),
    /// Another worker computes it.
    Sent(UnitId, Unit),
    /// This worker computes it, a wave at a time, while it waits for those before it.
    Making(Unit, Box<Steps<Rc<Lab>, SharedSource>>, VecDeque<CampaignEvent>),
    Here(VecDeque<CampaignEvent>),
}

impl Coming {
    /// Whether all of its events were passed on.
    fn is_over(&self) -> bool {
        match self {
            Self::Own(steps) => steps.is_over(),
            Self::Making(_, steps, events) => events.is_empty() && steps.is_over(),
            Self::Here(events) => events.is_empty(),
            Self::Sent(..) => false,
        }
    }
}

impl<H: Hands> Crew<H> {
    fn steps(&self, (start, end): Unit) -> Steps<Rc<Lab>, SharedSource> {
        self.here.begin(self.plan.clone(), self.first).between(start, end)
    }

    /// Takes what has arrived, and keeps the other workers busy.
    fn exchange(&mut self) {
        for at in 0..self.coming.len() {
            let Coming::Sent(id, unit) = &self.coming[at] else { continue };
            let (id, unit) = (*id, *unit);
            match self.hands.take(id) {
                Some(Some(events)) => self.coming[at] = Coming::Here(events.into()),
                Some(None) => self.coming[at] = Coming::Own(Box::new(self.steps(unit))),
                None => {}
            }
        }
        let most = self.most();
        while self.coming.len() < most {
            let mut rest = self.units.clone();
            let Some(unit) = rest.next() else { return };
            let position = |position: Position| [position.nth, position.fault];
            let (start, end) = (position(unit.0), position(unit.1));
            let part = Part { faults: self.faults, design: self.design.clone(), first: self.first, start, end };
            let Some(id) = self.hands.give(part, UNITS_AHEAD) else { return };
            self.coming.push_back(Coming::Sent(id, unit));
            self.units = rest;
        }
    }

    /// Makes a wave of a unit whose turn has not come; false where all units that may be begun are made or given away.
    async fn make_ahead(&mut self) -> bool {
        let making = |unit: &Coming| matches!(unit, Coming::Making(..));
        if !self.coming.iter().any(making) {
            let most = self.most();
            let Some(unit) = (self.coming.len() < most).then(|| self.units.next()).flatten() else { return false };
            let steps = Box::new(self.steps(unit));
            self.coming.push_back(Coming::Making(unit, steps, VecDeque::new()));
        }
        let Some(at) = self.coming.iter().position(making) else { return false };
        let taken = std::mem::replace(&mut self.coming[at], Coming::Here(VecDeque::new()));
        let Coming::Making(unit, mut steps, mut events) = taken else { return false };
        self.coming[at] = loop {
            match steps.next().await {
                Ok(Some(event)) => events.push_back(event),
                Ok(None) => break Coming::Here(events),
                // Its turn comes later: it is then computed, and fails, again.
                Err(_) => break Coming::Own(Box::new(self.steps(unit))),
            }
            if !steps.is_at_hand() {
                break Coming::Making(unit, steps, events);
            }
        };
        true
    }

    /// Largest number of units begun: their results wait in memory for those before them.
    fn most(&self) -> usize {
        2 * UNITS_AHEAD * (self.hands.ready() + 1)
    }
}

impl<H: Hands> Work for Crew<H> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn is_at_hand(&self) -> bool {
        match self.coming.front() {
            Some(Coming::Own(steps)) => steps.is_at_hand(),
            Some(Coming::Here(events) | Coming::Making(_, _, events)) if !events.is_empty() => true,
            Some(Coming::Making(_, steps, _)) => steps.is_at_hand(),
            Some(Coming::Here(..) | Coming::Sent(..)) | None => false,
        }
    }

    async fn advance(&mut self) -> Result<bool> {
        self.exchange();
        // What is over goes here: `next` would make one wave after the other until the unit behind it has arrived, and
        // hear of no answer meanwhile.
        while self.coming.front().is_some_and(Coming::is_over) {
            self.coming.pop_front();
        }
        if !matches!(self.coming.front(), Some(Coming::Sent(..))) {
            return Ok(true);
        }
        if !self.make_ahead().await {
            self.hands.wait().await;
        }
        self.exchange();
        Ok(!matches!(self.coming.front(), Some(Coming::Sent(..))))
    }

    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        loop {
            match self.coming.front_mut() {
                Some(Coming::Own(steps)) => match steps.next().await? {
                    Some(event) => return Ok(Some(event)),
                    None => drop(self.coming.pop_front()),
                },
                Some(Coming::Here(events)) => match events.pop_front() {
                    Some(event) => return Ok(Some(event)),
                    None => drop(self.coming.pop_front()),
                },
                // Its turn has come before it was made.
                Some(Coming::Making(_, steps, events)) => match events.pop_front() {
                    Some(event) => return Ok(Some(event)),
                    None => match steps.next().await? {
                        Some(event) => return Ok(Some(event)),
                        None => drop(self.coming.pop_front()),
                    },
                },
                Some(Coming::Sent(..)) => drop(self.advance().await?),
                None => match self.units.next() {
                    Some(unit) => {
                        let steps = Box::new(self.steps(unit));
                        self.coming.push_back(Coming::Own(steps));
                        self.exchange();
                    }
                    None => return Ok(None),
                },
            }
        }
    }
}

/// Writes `events` for another worker.
///
/// # Errors
/// If an event cannot be written.
pub fn told(events: &[CampaignEvent]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(events)
}

/// Reads the events of another worker.
///
/// # Errors
/// If they are damaged.
pub fn heard(bytes: &[u8]) -> Result<Vec<CampaignEvent>, serde_json::Error> {
    serde_json::from_slice(bytes)
}
