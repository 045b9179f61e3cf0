//! The workers beside this one: started for work that takes time, given parts of it, and let go with the model.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use engine::campaign::CampaignEvent;
use protocol::{CampaignAnswer, CampaignRequest, Envelope, Part, Request, RequestId, Response};

use super::Host;
use crate::campaign::{Hands, UnitId, heard};

/// Silence in milliseconds after which a worker counts as lost. A worker says a word after each wave of a unit.
const SILENCE: f64 = 20_000.0;
/// A worker may be silent for this many times the longest piece of work that this one has made: its core may be slower, or busy.
const PIECES: f64 = 20.0;
/// Most time in milliseconds between two looks at the answers that counts as silence: answers that came while this worker
/// computed, or while the computer slept, have not been delivered yet.
const GLANCE: f64 = 1000.0;

/// Work that the workers have parts in. They can have parts in all of it at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A campaign.
    Campaign,
    /// Trials around one fault, or predictions for the image at hand.
    Explore,
}

/// The number of jobs.
const JOBS: usize = 2;

/// The workers beside this one.
pub struct Team<H> {
    host: Rc<H>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    last: RequestId,
    mates: Vec<Mate>,
    /// Answers that have not been taken; `None` for a unit that its worker could not compute.
    done: BTreeMap<UnitId, (Job, Option<Response>)>,
    /// The last look at the answers.
    looked: f64,
    /// The longest piece of work that this worker has made, in milliseconds.
    longest: f64,
    /// The workers that were lost since the campaign began.
    lost: usize,
}

/// A worker beside this one.
#[derive(Default)]
struct Mate {
    stage: Stage,
    /// Its part in each job.
    jobs: [Joined; JOBS],
    units: Vec<(Job, UnitId)>,
    /// The time in milliseconds that it has been silent with a unit in hand.
    silence: f64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Absent,
    /// It has been started, with the model.
    Started,
    /// It has failed, and is not asked again.
    Gone,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Joined {
    #[default]
    No,
    /// It prepares; the last request has this number.
    Asked(RequestId),
    Yes,
}

impl Mate {
    fn is_ready(&self, job: Job) -> bool {
        self.stage == Stage::Started && self.jobs[job as usize] == Joined::Yes
    }
}

impl State {
    fn number(&mut self) -> RequestId {
        // Numbers of different jobs differ: an answer to an earlier one is not mistaken for one to this.
        self.last = self.last.wrapping_add(1).max(1);
        self.last
    }

    fn take(&mut self, from: usize, Envelope { id, body, .. }: Envelope<Response>) {
        let Some(mate) = self.mates.get_mut(from).filter(|mate| mate.stage != Stage::Gone) else { return };
        mate.silence = 0.0;
        let joins = mate.jobs.iter().position(|joined| *joined == Joined::Asked(id));
        let unit = mate.units.iter().position(|(_, unit)| *unit == id);
        match body {
            Response::Died { .. } => self.lose(from),
            // Words on the way to an answer.
            Response::Progress { .. } | Response::Ready => {}
            body => {
                let failed = matches!(body, Response::Failed { .. } | Response::Asked { .. });
                if let Some(job) = joins {
                    match failed {
                        true => return self.lose(from),
                        false => mate.jobs[job] = Joined::Yes,
                    }
                }
                if let Some(at) = unit {
                    let (job, unit) = mate.units.remove(at);
                    self.done.insert(unit, (job, (!failed).then_some(body)));
                }
            }
        }
    }

    /// A worker is gone; others compute its units.
    fn lose(&mut self, from: usize) {
        let mate = &mut self.mates[from];
        self.lost += usize::from(mate.stage != Stage::Gone);
        mate.stage = Stage::Gone;
        self.done.extend(mate.units.drain(..).map(|(job, unit)| (unit, (job, None))));
    }

    /// Loses the workers that have been silent for too long.
    fn count_silence(&mut self, now: f64) {
        let passed = (now - self.looked).clamp(0.0, GLANCE);
        self.looked = now;
        let limit = SILENCE.max(PIECES * self.longest);
        for at in 0..self.mates.len() {
            let mate = &mut self.mates[at];
            if mate.stage == Stage::Started && !mate.units.is_empty() {
                mate.silence += passed;
                if mate.silence > limit {
                    self.lose(at);
                }
            }
        }
    }
}

impl<H: Host> Team<H> {
    /// Nobody yet.
    pub fn new(host: Rc<H>) -> Self {
        Self { host, state: RefCell::default() }
    }

    /// Asks at most `most` workers to load the model and to prepare for the job with `requests`, of which the last is answered when
    /// all is prepared.
    pub fn invite(&self, most: usize, load: &Request, job: Job, requests: &[Request]) {
        let state = &mut *self.state.borrow_mut();
        let most = most.min(self.host.mates());
        if state.mates.len() < most {
            state.mates.resize_with(most, Mate::default);
        }
        for at in 0..most {
            if state.mates[at].stage == Stage::Gone {
                continue;
            }
            if state.mates[at].stage == Stage::Absent {
                state.mates[at].stage = Stage::Started;
                self.host.send(at, Envelope::new(state.number(), load.clone()));
            }
            for request in requests {
                let number = state.number();
                self.host.send(at, Envelope::new(number, request.clone()));
                state.mates[at].jobs[job as usize] = Joined::Asked(number);
            }
        }
    }

    /// Whether workers were asked to take part in the job.
    pub fn is_invited(&self, job: Job) -> bool {
        self.state.borrow().mates.iter().any(|mate| mate.jobs[job as usize] != Joined::No)
    }

    /// Forgets a unit: its answer is awaited no longer.
    pub fn release(&self, unit: UnitId) {
        let state = &mut *self.state.borrow_mut();
        state.done.remove(&unit);
        state.mates.iter_mut().for_each(|mate| mate.units.retain(|(_, of)| *of != unit));
    }

    /// Whether a worker has been started for this model.
    pub fn has_started(&self) -> bool {
        self.state.borrow().mates.iter().any(|mate| mate.stage == Stage::Started)
    }

    /// Forgets the job. The workers stay, with the model; they have no part in the next one until they are invited.
    pub fn forget(&self, job: Job) {
        let state = &mut *self.state.borrow_mut();
        state.done.retain(|_, (of, _)| *of != job);
        for mate in &mut state.mates {
            mate.units.retain(|(of, _)| *of != job);
            mate.jobs[job as usize] = Joined::No;
        }
        if job == Job::Campaign {
            state.lost = 0;
        }
    }

    /// Ends the workers, and frees their memory.
    pub fn disband(&self) {
        let mates = {
            let state = &mut *self.state.borrow_mut();
            // Numbers go on: a late answer of a worker that has ended is nobody's.
            let last = state.last;
            std::mem::replace(state, State { last, ..State::default() }).mates
        };
        for (at, mate) in mates.iter().enumerate() {
            if mate.stage != Stage::Absent {
                self.host.dismiss(at);
            }
        }
    }

    /// The number of workers that have a part in the job.
    pub fn ready_for(&self, job: Job) -> usize {
        self.state.borrow().mates.iter().filter(|mate| mate.is_ready(job)).count()
    }

    /// The number of workers that were lost since the campaign began.
    pub fn lost(&self) -> usize {
        self.state.borrow().lost
    }

    /// Notes how long a piece of work took here, which the others make in waves like this one.
    pub fn note_piece(&self, milliseconds: f64) {
        let longest = &mut self.state.borrow_mut().longest;
        *longest = longest.max(milliseconds);
    }

    /// Hands `request` to the worker with the fewest units of the job. `None` if each has `most` or none is ready.
    pub fn give_one(&self, job: Job, request: impl FnOnce() -> Request, most: usize) -> Option<UnitId> {
        self.hear();
        let state = &mut *self.state.borrow_mut();
        let units = |mate: &Mate| mate.units.iter().filter(|(of, _)| *of == job).count();
        let free = state.mates.iter().enumerate().filter(|(_, mate)| mate.is_ready(job));
        let (at, _) = free.min_by_key(|(_, mate)| units(mate)).filter(|(_, mate)| units(mate) < most)?;
        let unit = state.number();
        let mate = &mut state.mates[at];
        if mate.units.is_empty() {
            mate.silence = 0.0;
        }
        mate.units.push((job, unit));
        self.host.send(at, Envelope::new(unit, request()));
        Some(unit)
    }

    /// Takes the answer to a unit. `Some(None)` if its worker has failed.
    pub fn take_one(&self, unit: UnitId) -> Option<Option<Response>> {
        self.hear();
        Some(self.state.borrow_mut().done.remove(&unit)?.1)
    }

    /// Waits until a worker has answered, or some time has passed.
    pub async fn wait_a_while(&self) {
        self.host.answered().await;
    }

    fn hear(&self) {
        let state = &mut *self.state.borrow_mut();
        for (from, answer) in self.host.answers() {
            state.take(from, answer);
        }
        state.count_silence(self.host.now());
        for (at, mate) in state.mates.iter_mut().enumerate() {
            if mate.stage == Stage::Gone && mate.silence.is_finite() {
                // Once is enough.
                mate.silence = f64::INFINITY;
                self.host.dismiss(at);
            }
        }
    }
}

impl<H: Host> Hands for Team<H> {
    fn ready(&self) -> usize {
        self.ready_for(Job::Campaign)
    }

    fn give(&self, part: Part, most: usize) -> Option<UnitId> {
        self.give_one(Job::Campaign, || Request::Campaign(CampaignRequest::Part(part)), most)
    }

    fn take(&self, unit: UnitId) -> Option<Option<Vec<CampaignEvent>>> {
        let events = |response| match response {
            Response::Campaign(CampaignAnswer::Part { events }) => heard(&events).ok(),
            _ => None,
        };
        Some(self.take_one(unit)?.and_then(events))
    }

    async fn wait(&self) {
        self.wait_a_while().await;
    }
}
