//! The workers beside this one: started for a campaign that takes time, given parts of it, and let go with the model.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use engine::campaign::CampaignEvent;
use protocol::{CampaignAnswer, CampaignRequest, Envelope, Part, Request, RequestId, Response};

use super::Host;
use crate::campaign::{Hands, UnitId, heard};

/// The workers beside this one.
pub struct Team<H> {
    host: Rc<H>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    last: RequestId,
    mates: Vec<Mate>,
    /// Results that have not been taken; `None` for a unit that its worker could not compute.
    done: BTreeMap<UnitId, Option<Vec<CampaignEvent>>>,
}

/// A worker beside this one.
#[derive(Default)]
struct Mate {
    stage: Stage,
    units: Vec<UnitId>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Absent,
    /// It has the model, and no part in the present campaign.
    Idle,
    /// It loads the model and opens the images; the last request has this number.
    Joining(RequestId),
    Ready,
    /// It has failed, and is not asked again.
    Gone,
}

impl State {
    fn number(&mut self) -> RequestId {
        // Numbers of different campaigns differ: an answer to an earlier one is not mistaken for one to this.
        self.last = self.last.wrapping_add(1).max(1);
        self.last
    }

    fn take(&mut self, from: usize, Envelope { id, body, .. }: Envelope<Response>) {
        let Some(mate) = self.mates.get_mut(from) else { return };
        let joins = mate.stage == Stage::Joining(id);
        let unit = mate.units.iter().position(|unit| *unit == id).map(|at| mate.units.remove(at));
        match body {
            Response::Campaign(CampaignAnswer::Shared) if joins => mate.stage = Stage::Ready,
            Response::Campaign(CampaignAnswer::Part { events }) => {
                if let Some(unit) = unit {
                    self.done.insert(unit, heard(&events).ok());
                }
            }
            Response::Failed { .. } | Response::Asked { .. } => {
                if joins {
                    mate.stage = Stage::Gone;
                }
                if let Some(unit) = unit {
                    self.done.insert(unit, None);
                }
            }
            Response::Died { .. } => {
                mate.stage = Stage::Gone;
                self.done.extend(unit.into_iter().chain(mate.units.drain(..)).map(|unit| (unit, None)));
            }
            // Words on the way to an answer.
            _ => mate.units.extend(unit),
        }
    }
}

impl<H: Host> Team<H> {
    /// Nobody yet.
    pub fn new(host: Rc<H>) -> Self {
        Self { host, state: RefCell::default() }
    }

    /// Asks at most `most` workers to load the model and to prepare for the campaign.
    pub fn invite(&self, most: usize, load: &Request, share: &CampaignRequest) {
        let state = &mut *self.state.borrow_mut();
        state.mates.resize_with(most.min(self.host.mates()), Mate::default);
        for at in 0..state.mates.len() {
            if state.mates[at].stage == Stage::Gone {
                continue;
            }
            if state.mates[at].stage == Stage::Absent {
                self.host.send(at, Envelope::new(state.number(), load.clone()));
            }
            let number = state.number();
            self.host.send(at, Envelope::new(number, Request::Campaign(share.clone())));
            state.mates[at] = Mate { stage: Stage::Joining(number), units: Vec::new() };
        }
    }

    /// Forgets the campaign. The workers stay, with the model; they have no part in another campaign until they are invited.
    pub fn forget(&self) {
        let state = &mut *self.state.borrow_mut();
        state.done.clear();
        for mate in &mut state.mates {
            mate.units.clear();
            if matches!(mate.stage, Stage::Joining(_) | Stage::Ready) {
                mate.stage = Stage::Idle;
            }
        }
    }

    /// Ends the workers, and frees their memory.
    pub fn disband(&self) {
        self.forget();
        let mates = std::mem::take(&mut self.state.borrow_mut().mates);
        for (at, mate) in mates.iter().enumerate() {
            if mate.stage != Stage::Absent {
                self.host.dismiss(at);
            }
        }
    }

    fn hear(&self) {
        let state = &mut *self.state.borrow_mut();
        for (from, answer) in self.host.answers() {
            state.take(from, answer);
            if state.mates.get(from).is_some_and(|mate| mate.stage == Stage::Gone) {
                self.host.dismiss(from);
            }
        }
    }
}

impl<H: Host> Hands for Team<H> {
    fn ready(&self) -> usize {
        self.state.borrow().mates.iter().filter(|mate| mate.stage == Stage::Ready).count()
    }

    fn give(&self, part: Part, most: usize) -> Option<UnitId> {
        self.hear();
        let state = &mut *self.state.borrow_mut();
        let free = state.mates.iter().enumerate().filter(|(_, mate)| mate.stage == Stage::Ready);
        let (at, _) = free.min_by_key(|(_, mate)| mate.units.len()).filter(|(_, mate)| mate.units.len() < most)?;
        let unit = state.number();
        state.mates[at].units.push(unit);
        self.host.send(at, Envelope::new(unit, Request::Campaign(CampaignRequest::Part(part))));
        Some(unit)
    }

    fn take(&self, unit: UnitId) -> Option<Option<Vec<CampaignEvent>>> {
        self.hear();
        self.state.borrow_mut().done.remove(&unit)
    }

    async fn wait(&self) {
        self.host.answered().await;
    }
}
