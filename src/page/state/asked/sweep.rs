//! Many trials around one fault: every bit of its element, every element of its plane, every image.

use facts::fault::{Bits, Corruption};
use protocol::{Request, Response, SweepRequest, SweepTrial};

use super::super::State;
use super::{GoldenKey, Ground, Heard, JudgeKey, Unwanted, Want};
use crate::link::Sweep;

/// The data that a sweep depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepKey {
    golden: GoldenKey,
    /// The grouping that verdicts are by.
    judge: JudgeKey,
    /// The trials.
    pub request: SweepRequest,
}

/// The outcome of each trial; `None` for those that are still to come.
pub type Trials = Vec<Option<Result<SweepTrial, String>>>;

impl Want for SweepKey {
    type Answer = Trials;
    const GROUND: Ground = Ground::Golden;
    const UNWANTED: Unwanted = Unwanted::Ended(Request::EndSweep);

    fn wanted(state: &State) -> Option<Self> {
        let (mut strike, struck) = (state.fault()?, state.struck()?);
        if !state.link.run {
            return None;
        }
        let request = match state.link.sweep? {
            Sweep::Bits => {
                strike.site.corruption = Corruption::Flip(Bits::ALL);
                SweepRequest::Bits { strike, width: struck.tensor.format.width() }
            }
            Sweep::Map => {
                let planes = struck.planes();
                let (first, count) = (struck.plane() * planes.per_plane, planes.per_plane);
                strike.site.element = struck.tensor.element(first);
                SweepRequest::Map { strike, first, count }
            }
            Sweep::Images => {
                let images = state.images().into_iter().map(|(_, file, _)| file).collect();
                SweepRequest::Images { strike, images }
            }
        };
        Some(Self { golden: GoldenKey::wanted(state)?, judge: JudgeKey::wanted(state)?, request })
    }

    fn request(&self) -> Request {
        Request::Sweep(self.request.clone())
    }

    fn start(&self) -> Option<Trials> {
        Some(vec![None; self.request.trials()])
    }

    fn read(response: Response, so_far: Option<&mut Trials>) -> Heard<Trials> {
        match response {
            Response::Swept(part) => {
                let places = so_far.into_iter().flatten().skip(part.first);
                places.zip(part.trials).for_each(|(place, trial)| *place = Some(trial));
                Heard::Part { over: part.over }
            }
            other => Heard::Other(other),
        }
    }
}

impl State {
    /// The trials of the sweep, made and to come.
    pub fn trials(&self) -> &[Option<Result<SweepTrial, String>>] {
        self.asked.sweep.latest().map_or(&[], Vec::as_slice)
    }

    /// Number of trials that were made.
    pub fn trials_made(&self) -> usize {
        self.trials().iter().flatten().count()
    }
}
