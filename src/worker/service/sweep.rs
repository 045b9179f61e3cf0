//! Many trials around one fault, a few at a time.

use engine::campaign::{Lab, Settings, Subject, Trial};
use facts::fault::{Corruption, Site};
use facts::{Error, Result};
use protocol::{FileRef, RequestId, Response, SweepPart, SweepRequest, SweepTrial};

use super::describe::class;
use super::{Host, Service};

/// Time that a part should take, in milliseconds: requests wait no longer than this.
const PART: f64 = 60.0;
/// Most trials in a part: they are in memory together.
const MOST: usize = 256;

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
        match &request {
            SweepRequest::Images { site, .. } => lab.check(&[*site])?,
            SweepRequest::Bits(_) | SweepRequest::Map { .. } => {
                lab.check(&sites(&lab, &request, 0..request.trials())?)?
            }
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
        if let SweepRequest::Images { site, images } = &sweep.request {
            let image = &images[sweep.next];
            let tried = self.on_image(&lab, image, *site).await;
            return Ok(vec![tried.map_err(|error| format!("{}: {error}.", image.name))]);
        }
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let last = sweep.request.trials().min(sweep.next + sweep.together);
        let sites = sites(&lab, &sweep.request, sweep.next..last)?;
        let faults: Vec<Vec<Site>> = sites.into_iter().map(|site| vec![site]).collect();
        let tried = lab.trials(&[Subject::new(golden, faults)], Settings::default()).await?.only()?;
        tried.trials.into_iter().map(|trial| told(&lab, golden.class, trial).map(Ok)).collect()
    }

    async fn on_image(&self, lab: &Lab, file: &FileRef, site: Site) -> Result<SweepTrial> {
        let input = self.input(lab, file).await?;
        let mut tried = lab.trials(&[Subject::new(&input, vec![vec![site]])], Settings::default()).await?.only()?;
        let trial = tried.trials.pop().ok_or_else(|| Error::request("a trial has no end"))?;
        told(lab, tried.class, trial)
    }
}

/// The faults of some of the trials; none where they differ in their images.
fn sites(lab: &Lab, request: &SweepRequest, trials: std::ops::Range<usize>) -> Result<Vec<Site>> {
    match request {
        SweepRequest::Bits(site) => Ok(trials
            .filter_map(|bit| u8::try_from(bit).ok())
            .filter_map(|bit| Some(Site { corruption: Corruption::flip(bit).ok()?, ..*site }))
            .collect()),
        SweepRequest::Map { site, first, count } => {
            let value = lab.executor().graph().values.get(site.tensor);
            let value = value.filter(|value| first.checked_add(*count).is_some_and(|end| end <= value.elements()));
            let value = value.ok_or_else(|| Error::request("the model has no such part of a tensor"))?;
            let element = |trial: usize| value.layout.source_index(&value.shape, first + trial);
            Ok(trials.map(|trial| Site { element: element(trial), ..*site }).collect())
        }
        SweepRequest::Images { .. } => Ok(Vec::new()),
    }
}

pub(super) fn told(lab: &Lab, golden: usize, trial: Trial) -> Result<SweepTrial> {
    let fault = trial.faults.into_iter().next().ok_or_else(|| Error::request("a trial has no fault"))?;
    Ok(SweepTrial {
        verdict: trial.verdict,
        golden: class(lab, golden).label,
        faulty: class(lab, trial.class).label,
        fault,
    })
}
