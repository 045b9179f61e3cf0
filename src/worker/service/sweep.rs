//! Many trials around one fault, a few at a time.

use engine::campaign::{Lab, Settings, Subject, Trial};
use facts::fault::{Corruption, Site, Strike};
use facts::{Error, Result};
use protocol::{FileRef, RequestId, Response, SweepPart, SweepRequest, SweepTrial};

use super::describe::class;
use super::{Host, Service};

/// Time that a part should take, in milliseconds: requests wait no longer than this.
const PART: f64 = 60.0;
/// Most trials in a part, and most struck elements of them: they are in memory together.
const MOST: usize = 256;
const MOST_ELEMENTS: usize = 1 << 18;

/// A sweep under way.
pub(super) struct Sweeping {
    id: RequestId,
    request: SweepRequest,
    next: usize,
    /// Trials to make together, from the pace so far.
    together: usize,
}

impl<H: Host> Service<H> {
    pub(super) fn start_sweep(&mut self, id: RequestId, request: SweepRequest) -> Result<Response> {
        let lab = self.lab()?;
        if self.golden.is_none() {
            return Err(Error::request("there is no golden run yet"));
        }
        for strike in strikes(&lab, &request, 0..request.trials())? {
            lab.check(&[strike.site])?;
        }
        self.sweep = Some(Sweeping { id, request, next: 0, together: 4 });
        Ok(Response::Swept(SweepPart { first: 0, trials: Vec::new(), over: false }))
    }

    pub(super) fn end_sweep(&mut self) -> Response {
        self.sweep = None;
        Response::Swept(SweepPart { first: 0, trials: Vec::new(), over: true })
    }

    /// The request number of the sweep that is under way.
    pub fn sweep(&self) -> Option<RequestId> {
        self.sweep.as_ref().map(|sweep| sweep.id)
    }

    /// Makes the sweep's next trials.
    pub async fn sweep_on(&mut self) -> Option<Response> {
        let mut sweep = self.sweep.take()?;
        let before = self.host.now();
        match self.part(&sweep).await {
            Ok(trials) => {
                let first = sweep.next;
                let share = (PART / (self.host.now() - before).max(0.1)).clamp(0.25, 4.0);
                sweep.next += trials.len();
                sweep.together = ((sweep.together as f64 * share) as usize).clamp(1, MOST);
                let over = sweep.next >= sweep.request.trials();
                if !over {
                    self.sweep = Some(sweep);
                }
                Some(Response::Swept(SweepPart { first, trials, over }))
            }
            Err(error) => Some(Response::Failed { message: format!("The sweep has stopped: {error}.") }),
        }
    }

    async fn part(&self, sweep: &Sweeping) -> Result<Vec<Result<SweepTrial, String>>> {
        let lab = self.lab()?;
        if let SweepRequest::Images { strike, images } = &sweep.request {
            let image = &images[sweep.next];
            let tried = self.on_image(&lab, image, strike).await;
            return Ok(vec![tried.map_err(|error| format!("{}: {error}.", image.name))]);
        }
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let last = sweep.request.trials().min(sweep.next + sweep.together);
        let strikes = strikes(&lab, &sweep.request, sweep.next..last)?;
        let (mut faults, mut elements) = (Vec::<Vec<Site>>::new(), 0);
        for strike in &strikes {
            let sites = strike.sites(lab.executor().graph())?;
            elements += sites.len();
            if elements > MOST_ELEMENTS && !faults.is_empty() {
                break;
            }
            faults.push(sites);
        }
        let tried = lab.trials(&[Subject::new(golden, faults)], Settings::default()).await?.only()?;
        let trials = strikes.iter().zip(tried.trials);
        trials.map(|(strike, trial)| told(&lab, golden.class, strike.site.element, trial).map(Ok)).collect()
    }

    async fn on_image(&self, lab: &Lab, file: &FileRef, strike: &Strike) -> Result<SweepTrial> {
        let input = self.input(lab, file).await?;
        let sites = strike.sites(lab.executor().graph())?;
        let mut tried = lab.trials(&[Subject::new(&input, vec![sites])], Settings::default()).await?.only()?;
        let trial = tried.trials.pop().ok_or_else(|| Error::request("a trial has no end"))?;
        told(lab, tried.class, strike.site.element, trial)
    }
}

/// The faults of some of the trials; the one fault where they differ in their images.
fn strikes(lab: &Lab, request: &SweepRequest, trials: std::ops::Range<usize>) -> Result<Vec<Strike>> {
    match request {
        SweepRequest::Bits { strike, .. } => Ok(trials
            .filter_map(|bit| u8::try_from(bit).ok())
            .filter_map(|bit| Some(Site { corruption: Corruption::flip(bit).ok()?, ..strike.site }))
            .map(|site| Strike { site, ..*strike })
            .collect()),
        SweepRequest::Map { strike, first, count } => {
            let value = lab.executor().graph().values.get(strike.site.tensor);
            let value = value.filter(|value| first.checked_add(*count).is_some_and(|end| end <= value.elements()));
            let value = value.ok_or_else(|| Error::request("the model has no such part of a tensor"))?;
            let element = |trial: usize| value.layout.source_index(&value.shape, first + trial);
            let site = |trial| Site { element: element(trial), ..strike.site };
            Ok(trials.map(|trial| Strike { site: site(trial), ..*strike }).collect())
        }
        SweepRequest::Images { strike, .. } => Ok(vec![*strike]),
    }
}

/// The outcome of `trial`, which is about `element`.
pub(super) fn told(lab: &Lab, golden: usize, element: usize, trial: Trial) -> Result<SweepTrial> {
    let place = trial.faults.iter().position(|fault| fault.element == element).unwrap_or(0);
    let fault = trial.faults.into_iter().nth(place).ok_or_else(|| Error::request("a trial has no fault"))?;
    Ok(SweepTrial {
        verdict: trial.verdict,
        golden: class(lab, golden).label,
        faulty: class(lab, trial.class).label,
        fault,
    })
}
