//! Many trials around one fault, a few at a time; those that take long, on several workers.

use std::collections::VecDeque;
use std::ops::Range;

use engine::campaign::{Lab, Settings, Subject, Trial};
use facts::fault::{Corruption, Site, Strike};
use facts::{Error, Result};
use protocol::{
    CampaignRequest, FileRef, Request, RequestId, Response, SweepPart, SweepRequest, SweepSpan, SweepTrial,
};

use super::describe::class;
use super::share::ALIVE_EVERY;
use super::team::Job;
use super::{Host, Service};
use crate::campaign::UnitId;

/// Time that a part should take, in milliseconds: requests wait no longer than this.
pub(super) const PART: f64 = 60.0;
/// Most trials in a part, and most struck elements of them: they are in memory together.
const MOST: usize = 256;
const MOST_ELEMENTS: usize = 1 << 18;

/// Spans of a worker beside this one that wait or are being tried. The second begins while the first travels.
const AHEAD: usize = 2;

/// Time in milliseconds after which a sweep is shared with other workers, if there is as much to do. Before, starting them
/// takes longer than the rest of the sweep.
const SHARE_AFTER: f64 = 1000.0;
/// The same for workers that have the model already.
const SHARE_SOON: f64 = 150.0;

/// A sweep under way.
pub(super) struct Sweeping {
    pub id: RequestId,
    request: SweepRequest,
    /// The first trial that nobody has begun.
    next: usize,
    /// Trials that were handed on.
    told: usize,
    /// Trials to make together, from the pace so far.
    together: usize,
    /// Trials begun and not told, in their order.
    coming: VecDeque<Span>,
    /// Time at work, in milliseconds.
    milliseconds: f64,
}

type Made = Result<SweepTrial, String>;

/// Trials next to each other.
struct Span {
    trials: Range<usize>,
    made: Stage,
}

enum Stage {
    /// Another worker makes them.
    Sent(UnitId),
    /// Another worker has failed to make them; this one does when their turn has come.
    Back,
    Made(Vec<Made>),
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
        self.end_sweep();
        self.sweep = Some(Sweeping::new(id, request));
        Ok(Response::Swept(SweepPart { first: 0, trials: Vec::new(), over: false }))
    }

    pub(super) fn end_sweep(&mut self) -> Response {
        if let Some(sweep) = self.sweep.take() {
            self.leave(&sweep);
        }
        Response::Swept(SweepPart { first: 0, trials: Vec::new(), over: true })
    }

    /// The request number of the sweep that is under way.
    pub fn sweep(&self) -> Option<RequestId> {
        self.sweep.as_ref().map(|sweep| sweep.id)
    }

    /// Makes the sweep's next trials. `None` where there is nothing to tell.
    pub async fn sweep_on(&mut self) -> Option<Response> {
        let mut sweep = self.sweep.take()?;
        match self.advance(&mut sweep).await {
            Ok(trials) => {
                let first = sweep.told - trials.len();
                let over = sweep.is_over();
                let tells = over || !trials.is_empty();
                if !over {
                    self.sweep = Some(sweep);
                }
                tells.then_some(Response::Swept(SweepPart { first, trials, over }))
            }
            Err(error) => {
                self.leave(&sweep);
                Some(Response::Failed { message: format!("The sweep has stopped: {error}.") })
            }
        }
    }

    /// The sweep is over before its end: nobody waits for what other workers make of it.
    pub(super) fn leave(&self, sweep: &Sweeping) {
        sweep.coming.iter().for_each(|span| {
            if let Stage::Sent(unit) = span.made {
                self.team.release(unit);
            }
        });
    }

    /// Makes some trials, or waits for those of the other workers. Returns the next ones in their order.
    pub(super) async fn advance(&self, sweep: &mut Sweeping) -> Result<Vec<Made>> {
        self.share_sweep(sweep);
        self.exchange(sweep);
        let lead = sweep.coming.len() < sweep.most(self.team.ready_for(Job::Explore));
        match sweep.coming.front_mut() {
            Some(Span { made: Stage::Made(_), .. }) => {}
            Some(Span { made: Stage::Back, trials }) => {
                let (own, rest) = (trials.clone(), sweep.together);
                let made = self.piece(sweep, own.start..own.end.min(own.start + rest)).await?;
                let done = own.start + made.len();
                let front = Span { trials: own.start..done, made: Stage::Made(made) };
                match done < own.end {
                    true => sweep.coming[0].trials = done..own.end,
                    false => drop(sweep.coming.pop_front()),
                }
                sweep.coming.push_front(front);
            }
            _ if sweep.next < sweep.request.trials() && lead => {
                let own = sweep.next..sweep.request.trials().min(sweep.next + sweep.together);
                let made = self.piece(sweep, own.clone()).await?;
                sweep.next += made.len();
                sweep.coming.push_back(Span { trials: own.start..sweep.next, made: Stage::Made(made) });
            }
            Some(_) => self.team.wait_a_while().await,
            None => {}
        }
        let mut told = Vec::new();
        while let Some(Span { made: Stage::Made(made), .. }) = sweep.coming.front_mut() {
            told.append(made);
            sweep.coming.pop_front();
        }
        sweep.told += told.len();
        Ok(told)
    }

    /// Takes what other workers have made, and keeps them busy. A short sweep is made before they would have heard of it.
    fn exchange(&self, sweep: &mut Sweeping) {
        for span in &mut sweep.coming {
            let Stage::Sent(unit) = span.made else { continue };
            span.made = match self.team.take_one(unit) {
                None => continue,
                Some(Some(Response::Swept(part))) if part.trials.len() == span.trials.len() => Stage::Made(part.trials),
                Some(_) => Stage::Back,
            };
        }
        let (all, most) = (sweep.request.trials(), sweep.most(self.team.ready_for(Job::Explore)));
        while sweep.milliseconds >= SHARE_SOON && sweep.next < all && sweep.coming.len() < most {
            let trials = sweep.next..all.min(sweep.next + sweep.together);
            let span = || Request::Try(SweepSpan::of(&sweep.request, trials.clone()));
            let Some(unit) = self.team.give_one(Job::Explore, span, AHEAD) else { return };
            sweep.next = trials.end;
            sweep.coming.push_back(Span { trials, made: Stage::Sent(unit) });
        }
    }

    /// Makes trials from the first of `trials` on, and learns how many to make together.
    async fn piece(&self, sweep: &mut Sweeping, trials: Range<usize>) -> Result<Vec<Made>> {
        let begun = self.host.now();
        let made = self.part(&sweep.request, trials).await?;
        let took = self.host.now() - begun;
        sweep.milliseconds += took;
        self.team.note_piece(took);
        let share = (PART / took.max(0.1)).clamp(0.25, 4.0);
        sweep.together = ((sweep.together as f64 * share) as usize).clamp(1, MOST);
        Ok(made)
    }

    /// Asks other workers to take part, if the sweep has taken some time and will take as much again.
    fn share_sweep(&self, sweep: &Sweeping) {
        let least = if self.team.has_started() { SHARE_SOON } else { SHARE_AFTER };
        let rest = sweep.request.trials() - sweep.told;
        if sweep.milliseconds < least || rest < sweep.told || self.team.is_invited(Job::Explore) {
            return;
        }
        let (Some(loaded), Some(image)) = (&self.lab, &self.golden_of) else { return };
        let edited = loaded.lab.grouping().cloned();
        let judge = Request::Campaign(CampaignRequest::Judge { edited });
        self.invite(Job::Explore, 1, &[judge, Request::Golden { image: image.clone() }]);
    }

    /// Makes trials of another worker's sweep. `progress` hears now and then that this worker is alive.
    pub(super) async fn try_span(&mut self, span: SweepSpan, progress: &dyn Fn(u64, Option<u64>)) -> Result<Response> {
        let SweepSpan { request, first, count } = span;
        let end = first.checked_add(count).filter(|&end| end <= request.trials());
        let end = end.ok_or_else(|| Error::request("the sweep has fewer trials"))?;
        let (mut trials, mut told_at) = (Vec::new(), self.host.now());
        while first + trials.len() < end {
            let next = first + trials.len();
            trials.extend(self.part(&request, next..end.min(next + MOST)).await?);
            if self.host.now() - told_at >= ALIVE_EVERY {
                told_at = self.host.now();
                progress(trials.len() as u64, None);
            }
        }
        Ok(Response::Swept(SweepPart { first, trials, over: false }))
    }

    /// Makes trials from the first of `trials` on, at least one.
    async fn part(&self, request: &SweepRequest, trials: Range<usize>) -> Result<Vec<Made>> {
        let lab = self.lab()?;
        if let SweepRequest::Images { strike, images } = request {
            let image = &images[trials.start];
            let tried = self.on_image(&lab, image, strike).await;
            return Ok(vec![tried.map_err(|error| format!("{}: {error}.", image.name))]);
        }
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let strikes = strikes(&lab, request, trials)?;
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

impl Sweeping {
    pub fn new(id: RequestId, request: SweepRequest) -> Self {
        Self { id, request, next: 0, told: 0, together: 4, coming: VecDeque::new(), milliseconds: 0.0 }
    }

    pub fn is_over(&self) -> bool {
        self.told >= self.request.trials()
    }

    /// Largest number of spans begun: their trials wait for those before them.
    fn most(&self, ready: usize) -> usize {
        2 * AHEAD * (ready + 1)
    }
}

/// The faults of some of the trials; the one fault where they differ in their images.
fn strikes(lab: &Lab, request: &SweepRequest, trials: Range<usize>) -> Result<Vec<Strike>> {
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
        SweepRequest::Each { strikes } => Ok(strikes.get(trials).unwrap_or_default().to_vec()),
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
