//! Many trials around one fault: every bit of its element, every element of its plane, every image.

use facts::fault::{Bits, Corruption};
use protocol::{Request, RequestId, SweepPart, SweepRequest, SweepTrial};

use super::{Effect, GoldenKey, State};
use crate::link::Sweep;

/// The trials so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweeping {
    asked: Option<(RequestId, GoldenKey, SweepRequest)>,
    /// What became of each; those that are still to come are `None`.
    pub trials: Vec<Option<Result<SweepTrial, String>>>,
    /// More will come.
    pub running: bool,
}

impl Sweeping {
    /// Trials that were made.
    pub fn done(&self) -> usize {
        self.trials.iter().flatten().count()
    }

    /// What was asked for.
    pub fn request(&self) -> Option<&SweepRequest> {
        self.asked.as_ref().map(|(_, _, request)| request)
    }

    pub(super) fn hear(&mut self, id: RequestId, part: SweepPart) {
        if self.asked.as_ref().is_none_or(|(asked, ..)| *asked != id) {
            return;
        }
        for (place, trial) in self.trials.iter_mut().skip(part.first).zip(part.trials) {
            *place = Some(trial);
        }
        self.running = !part.over;
    }

    pub(super) fn fail(&mut self, id: RequestId) -> bool {
        let mine = self.running && self.asked.as_ref().is_some_and(|(asked, ..)| *asked == id);
        if mine {
            self.running = false;
        }
        mine
    }

    /// The worker is gone. What it was at may have been the reason, so it is not asked for again by itself.
    pub(super) fn lose(&mut self) {
        self.running = false;
    }
}

impl State {
    /// Asks for the trials that the choices want, unless they are there or on their way.
    pub(super) fn reconcile_sweep(&mut self, golden: &GoldenKey, effects: &mut Vec<Effect>) {
        let Some(wanted) = self.wanted_sweep() else {
            if self.sweep.running {
                self.send(Request::EndSweep, effects);
            }
            self.sweep = Sweeping::default();
            return;
        };
        let asked = self.sweep.asked.as_ref();
        if asked.is_some_and(|(_, key, request)| key == golden && *request == wanted) {
            return;
        }
        let count = wanted.trials();
        let id = self.send(Request::Sweep(wanted.clone()), effects);
        self.sweep = Sweeping { asked: Some((id, golden.clone(), wanted)), trials: vec![None; count], running: true };
    }

    fn wanted_sweep(&self) -> Option<SweepRequest> {
        let (mut site, struck) = (self.site()?, self.struck()?);
        if !self.link.run {
            return None;
        }
        Some(match self.link.sweep? {
            Sweep::Bits => {
                site.corruption = Corruption::Flip(Bits::ALL);
                SweepRequest::Bits(site)
            }
            Sweep::Map => {
                let planes = struck.planes();
                let (first, count) = (struck.plane() * planes.per_plane, planes.per_plane);
                site.element = struck.tensor.element(first);
                SweepRequest::Map { site, first, count }
            }
            Sweep::Images => {
                let images = self.images().into_iter().map(|(_, file, _)| file).collect();
                SweepRequest::Images { site, images }
            }
        })
    }
}
