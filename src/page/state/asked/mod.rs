//! Everything that the page asks of the worker.
//!
//! A *want* is a request that follows from the user's choices. It has a key, which is all that its answer depends on. A key
//! that is wanted and not there is asked for once; an answer or a failure is kept under it. One row of [`Asked`] for each
//! want is enough: asking, routing of answers, failing, trying again, and a worker that dies are the same code for all.
//!
//! An *order* is a request that the user gives once, as a click on Start. It is never repeated by itself.

mod danger;
mod golden;
mod injection;
mod judge;
mod lab;
mod orders;
mod protect;
mod scale;
mod slot;
mod sweep;
mod view;

use std::fmt::Debug;

use protocol::{Request, RequestId, Response};

pub use danger::DangerKey;
pub use golden::GoldenKey;
pub use injection::InjectionKey;
pub use judge::JudgeKey;
pub use lab::{Lab, LabKey};
pub use orders::{Order, Orders};
pub use protect::ProtectKey;
pub use scale::ScaleKey;
pub use slot::{Progress, Slot};
pub use sweep::{SweepKey, Trials};
pub use view::ViewKey;

use super::{Effect, State};

/// The precondition of a request, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// A worker that answers.
    Worker,
    /// The wanted model on its device.
    Lab,
    /// The wanted golden run as well.
    Golden,
}

/// The treatment of a request that the choices do not need any more.
pub enum Unwanted {
    /// It goes on: its answer may be needed again.
    Stays,
    /// The page waits no longer.
    GivenUp,
    /// The worker is asked to end it, and its answer is forgotten.
    Ended(Request),
}

/// A response, as seen by the want that awaits it.
pub enum Heard<A> {
    /// The whole answer.
    Answer(A),
    /// The answer, in a response that others need as well.
    Shared(A, Response),
    /// A part, which was added to the answer so far.
    Part {
        /// Whether it was the last one.
        over: bool,
    },
    /// How far the work is.
    Progress(Progress),
    /// Not an answer to this.
    Other(Response),
}

/// A request that follows from the choices; the implementing type is its key.
pub trait Want: Clone + Debug + PartialEq + 'static {
    /// The answer.
    type Answer: Clone + Debug + PartialEq;

    /// The precondition of the request.
    const GROUND: Ground;
    /// Whether later requests need the answer in the worker: then it is gone with the worker, and with its ground.
    const IN_WORKER: bool = false;
    /// The treatment of a request that is not wanted any more.
    const UNWANTED: Unwanted = Unwanted::Stays;

    /// The key that the choices need now.
    fn wanted(state: &State) -> Option<Self>;

    /// The request for this key.
    fn request(&self) -> Request;

    /// An empty answer, where answers come in parts.
    fn start(&self) -> Option<Self::Answer> {
        None
    }

    /// Reads a response to the request.
    fn read(response: Response, so_far: Option<&mut Self::Answer>) -> Heard<Self::Answer>;

    /// Follows the sending of the request.
    fn asked(_: &mut State) {}

    /// Follows the answer.
    fn answered(_: &mut State) {}

    /// Follows a failure.
    fn failed(_: &mut State) {}
}

/// A want with its slot.
pub trait Kept: Want {
    /// The slot of this want.
    fn slot(asked: &Asked) -> &Slot<Self, Self::Answer>;
    /// The same, to be changed.
    fn slot_mut(asked: &mut Asked) -> &mut Slot<Self, Self::Answer>;
}

macro_rules! table {
    ($($(#[$doc:meta])* $slot:ident: $want:ty,)*) => {
        /// All that was asked of the worker.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Asked {
            $($(#[$doc])* pub $slot: Slot<$want, <$want as Want>::Answer>,)*
            /// The user's orders.
            pub(super) orders: Orders,
        }

        $(impl Kept for $want {
            fn slot(asked: &Asked) -> &Slot<Self, Self::Answer> {
                &asked.$slot
            }

            fn slot_mut(asked: &mut Asked) -> &mut Slot<Self, Self::Answer> {
                &mut asked.$slot
            }
        })*

        const TABLE: &[Row] = &[$(Row::of::<$want>(),)*];
    };
}

// In the order in which they are asked for.
table! {
    /// The model on its device.
    lab: LabKey,
    /// The grouping by which the worker judges.
    judge: JudgeKey,
    /// The golden run.
    golden: GoldenKey,
    /// The faulty run.
    injection: InjectionKey,
    /// The planes on show.
    view: ViewKey,
    /// Largest finite absolute value of all layers' golden outputs.
    scale: ScaleKey,
    /// The faulty run once more, under a protection.
    protect: ProtectKey,
    /// Where the corruption changes the answer.
    danger: DangerKey,
    /// Trials around the fault.
    sweep: SweepKey,
}

/// The operations on a want, for any key and answer.
struct Row {
    ground: Ground,
    reconcile: fn(&mut State, &mut Vec<Effect>),
    hear: fn(&mut State, RequestId, Response) -> Option<Response>,
    fail: fn(&mut State, RequestId) -> bool,
    stuck: fn(&State) -> bool,
    busy: fn(&Asked) -> bool,
    restart: fn(&mut Asked),
    lose: fn(&mut Asked),
    forgive: fn(&mut Asked),
}

impl Row {
    const fn of<W: Kept>() -> Self {
        Self {
            ground: W::GROUND,
            reconcile: reconcile::<W>,
            hear: hear::<W>,
            fail: fail::<W>,
            stuck: |state| W::wanted(state).is_some_and(|key| W::slot(&state.asked).failed(&key)),
            busy: |asked| W::slot(asked).busy(),
            restart: |asked| {
                let slot = W::slot_mut(asked);
                slot.give_up();
                if W::IN_WORKER {
                    slot.forget();
                }
            },
            lose: |asked| {
                let slot = W::slot_mut(asked);
                slot.fail();
                if W::IN_WORKER {
                    slot.lose();
                }
            },
            forgive: |asked| W::slot_mut(asked).forgive(),
        }
    }
}

/// Sends the request if the choices need its answer and the answer is not there.
fn reconcile<W: Kept>(state: &mut State, effects: &mut Vec<Effect>) {
    let wanted = W::wanted(state);
    match W::UNWANTED {
        Unwanted::Stays => {}
        Unwanted::GivenUp => W::slot_mut(&mut state.asked).keep(wanted.as_ref()),
        Unwanted::Ended(end) => {
            if wanted.is_none() {
                let slot = std::mem::take(W::slot_mut(&mut state.asked));
                if slot.busy() {
                    state.send(end, effects);
                }
            }
        }
    }
    let Some(key) = wanted.filter(|_| state.stands_on(W::GROUND)) else { return };
    if W::slot(&state.asked).wants(&key) {
        let id = state.send(key.request(), effects);
        let start = key.start();
        W::slot_mut(&mut state.asked).ask(id, key, start);
        W::asked(state);
    }
}

/// Takes a response to request `id`; gives it back where it is none of this want's.
fn hear<W: Kept>(state: &mut State, id: RequestId, response: Response) -> Option<Response> {
    let slot = W::slot_mut(&mut state.asked);
    if !slot.awaits(id) {
        return Some(response);
    }
    if let Response::Progress { received, total } = response {
        slot.note_progress(Progress { done: received, all: total, left: None });
        return None;
    }
    let mut rest = None;
    match W::read(response, slot.so_far()) {
        Heard::Answer(answer) => slot.answer(answer),
        Heard::Shared(answer, response) => {
            slot.answer(answer);
            rest = Some(response);
        }
        Heard::Part { over: true } => slot.finish(),
        Heard::Part { over: false } => return None,
        Heard::Progress(progress) => {
            slot.note_progress(progress);
            return None;
        }
        Heard::Other(response) => return Some(response),
    }
    W::answered(state);
    rest
}

/// Notes that request `id` has failed; false where it is none of this want's.
fn fail<W: Kept>(state: &mut State, id: RequestId) -> bool {
    let slot = W::slot_mut(&mut state.asked);
    let mine = slot.awaits(id);
    if mine {
        slot.fail();
        W::failed(state);
    }
    mine
}

impl Asked {
    /// The worker is gone with all that it held. Its open requests count as failed: one of them may have been the
    /// reason.
    pub(super) fn lose(&mut self) {
        TABLE.iter().for_each(|row| (row.lose)(self));
        self.orders = Orders::default();
    }

    /// Whether the worker owes an answer.
    pub(super) fn waits(&self) -> bool {
        TABLE.iter().any(|row| (row.busy)(self)) || self.orders.any(|_| true)
    }

    /// Lets everything that failed be asked for again.
    pub(super) fn forgive(&mut self) {
        TABLE.iter().for_each(|row| (row.forgive)(self));
    }

    /// The worker has made `ground` anew, and has dropped what stood on the old one.
    fn restart(&mut self, ground: Ground) {
        TABLE.iter().filter(|row| row.ground >= ground).for_each(|row| (row.restart)(self));
    }
}

impl State {
    /// Asks for everything that is wanted, can be had now, and is not there.
    pub(super) fn ask(&mut self, effects: &mut Vec<Effect>) {
        TABLE.iter().for_each(|row| (row.reconcile)(self, effects));
    }

    /// Hands a response to the want that awaits it. Returns a response that no want takes.
    pub(super) fn hear_answer(&mut self, id: RequestId, response: Response) -> Option<Response> {
        TABLE.iter().try_fold(response, |response, row| (row.hear)(self, id, response))
    }

    /// Request `id` has failed; false where nobody waits for it any more.
    pub(super) fn fail_want(&mut self, id: RequestId) -> bool {
        TABLE.iter().any(|row| (row.fail)(self, id))
    }

    /// Whether a need of the choices has failed, and will not be tried again by itself.
    pub(super) fn want_failed(&self) -> bool {
        TABLE.iter().any(|row| (row.stuck)(self))
    }

    /// Whether requests that need `ground` can be sent.
    pub(super) fn stands_on(&self, ground: Ground) -> bool {
        let lab = || LabKey::wanted(self).is_some_and(|key| self.asked.lab.get(&key).is_some());
        let golden = || GoldenKey::wanted(self).is_some_and(|key| self.asked.golden.get(&key).is_some());
        self.worker_ready
            && match ground {
                Ground::Worker => true,
                Ground::Lab => lab(),
                Ground::Golden => lab() && golden(),
            }
    }

    /// The answer that the choices need now, if it is there.
    pub fn now<W: Kept>(&self) -> Option<&W::Answer> {
        W::slot(&self.asked).get(&W::wanted(self)?)
    }
}
