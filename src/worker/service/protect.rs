//! One fault under a protection. Protections learn from an image at a time, so that requests are answered in between.

use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{Against, Golden, Lab, Learner, Observe};
use facts::campaign::compared::{Kind, Method, Overhead, ProfileOf};
use facts::labels::Grouping;
use facts::outcome::confidences;
use facts::{Error, Named, Result};
use protocol::{FileRef, MAX_IMAGES, ProtectAnswer, ProtectRequest, Protection, RequestId, Response};

use super::describe::{class, scores};
use super::{Host, Service};

/// What is compared of a faulty run.
const OBSERVED: Observe = Observe { trace: true, keep: false, clipped: true };

/// What golden runs of the model at hand have shown to protections.
#[derive(Default)]
pub(super) struct Learnt {
    /// The protections that are learnt together, and what they know.
    learner: Option<(Vec<Method>, Learner)>,
    /// The images that they were learnt from, or that could not be read.
    seen: Vec<FileRef>,
    /// The protection that was asked for last.
    ready: Option<Ready>,
}

/// A protection that is ready for faults in the present image.
struct Ready {
    method: Method,
    against: Against,
    grouping: Option<Grouping>,
    /// The network, compared with it.
    lab: Lab,
    /// The golden run of the protected network, where it is another one.
    own: Option<Golden>,
    /// The number of golden runs that it was learnt from.
    images: usize,
}

impl Learnt {
    /// The image is no longer looked at.
    pub(super) fn leave_image(&mut self) {
        self.ready = None;
    }

    /// Begins anew where `method`, or an image that was learnt from, is not what the `request` asks for.
    fn turn_to(&mut self, lab: &Lab, request: &ProtectRequest) {
        let knows = |(methods, _): &(Vec<Method>, Learner)| methods.contains(&request.method);
        let other_images = self.seen.iter().any(|seen| !request.images.contains(seen));
        if !other_images && self.learner.as_ref().is_some_and(knows) {
            return;
        }
        // Those without options learn together, so that a change between them takes no golden run.
        let plain = Kind::ALL.iter().filter_map(|(_, row)| row.name.parse::<Method>().ok());
        let mut methods: Vec<Method> = plain.filter(Method::is_learnt).collect();
        if !methods.contains(&request.method) {
            methods.push(request.method.clone());
        }
        let learner = Learner::new(lab.executor().graph(), &methods);
        *self = Self { learner: Some((methods, learner)), ..Self::default() };
    }

    /// Whether the protection of `request` is ready for it.
    fn is_ready(&self, lab: &Lab, request: &ProtectRequest) -> bool {
        self.ready.as_ref().is_some_and(|ready| {
            ready.method == request.method
                && ready.against == Against::from(&request.strike.site)
                && ready.grouping.as_ref() == lab.grouping()
        })
    }
}

/// The answer where a protection does not apply.
fn unfit(error: &Error) -> Response {
    Response::Protected(ProtectAnswer::Unfit { why: format!("{error}.") })
}

/// A run under a protection that still has to learn.
pub(super) struct Protecting {
    id: RequestId,
    request: ProtectRequest,
}

impl<H: Host> Service<H> {
    /// The request number of the protected run that is waited for.
    pub fn protecting(&self) -> Option<RequestId> {
        self.protecting.as_ref().map(|protecting| protecting.id)
    }

    /// Begins to learn the protection, or goes on where the last request left off.
    pub(super) fn protect(&mut self, id: RequestId, mut request: ProtectRequest) -> Result<Response> {
        let lab = self.lab()?;
        lab.check(&request.strike.sites(lab.executor().graph())?)?;
        if self.golden.is_none() {
            return Err(Error::request("there is no golden run yet"));
        }
        if let Err(error) = Against::from(&request.strike.site).check(lab.executor().graph(), &request.method) {
            return Ok(unfit(&error));
        }
        let mut done = 0;
        if request.method.is_learnt() {
            request.images.truncate(MAX_IMAGES);
            self.learnt.turn_to(&lab, &request);
            done = self.learnt.seen.len();
        } else {
            request.images.clear();
        }
        let total = request.images.len();
        self.protecting = Some(Protecting { id, request });
        Ok(Response::Protecting { done, total })
    }

    /// Learns from the next image, or makes the run under the protection.
    pub async fn step_protection(&mut self) -> Option<Response> {
        let Protecting { id, request } = self.protecting.take()?;
        let next = request.images.iter().find(|image| !self.learnt.seen.contains(image)).cloned();
        let answer = match next {
            Some(image) => match self.learn_from(&image).await {
                Ok(()) => {
                    self.learnt.seen.push(image);
                    let (done, total) = (self.learnt.seen.len(), request.images.len());
                    self.protecting = Some(Protecting { id, request });
                    Ok(Response::Protecting { done, total })
                }
                Err(error) => Ok(unfit(&error)),
            },
            None => self.guarded(&request).await,
        };
        Some(answer.unwrap_or_else(|error| Response::Failed { message: format!("{error}.") }))
    }

    /// Shows the golden run of an image to the protections. An image that cannot be read, or does not fit, teaches nothing.
    async fn learn_from(&mut self, image: &FileRef) -> Result<()> {
        let lab = self.lab()?;
        let Ok(input) = self.input(&lab, image).await else { return Ok(()) };
        let Ok(golden) = lab.golden(&input).await else { return Ok(()) };
        self.learnt.ready = None;
        match &mut self.learnt.learner {
            Some((_, learner)) => learner.include(&lab, &golden, None).await,
            None => Ok(()),
        }
    }

    /// Makes the run under the protection, which has learnt all that it will.
    async fn guarded(&mut self, request: &ProtectRequest) -> Result<Response> {
        let lab = self.lab()?;
        if !self.learnt.is_ready(&lab, request) {
            self.learnt.ready = match self.ready(&lab, request).await {
                Ok(ready) => Some(ready),
                Err(error) => return Ok(unfit(&error)),
            };
        }
        let (Some(golden), Some(ready)) = (&self.golden, &self.learnt.ready) else {
            return Err(Error::request("there is no golden run yet"));
        };
        let started = self.host.now();
        let sites = request.strike.sites(lab.executor().graph())?;
        let made;
        let bare = match &self.trial {
            Some((strike, _, trial)) if *strike == request.strike => trial,
            _ => {
                made = lab.trial(golden, &sites, OBSERVED).await?;
                &made
            }
        };
        let under = ready.lab.trial_under(0, golden, ready.own.as_ref(), bare, &sites, OBSERVED).await?;
        let milliseconds = self.host.now() - started;
        let compared = ready.lab.guards().map(|guards| guards.compared());
        let (guarded, inference) = compared
            .and_then(|compared| Some((compared.methods.first()?, &compared.inference)))
            .ok_or_else(|| Error::request("there is no protection to compare with"))?;
        let Overhead { cost, operations_share, bytes_share, .. } = Overhead::new(guarded, inference);
        Ok(Response::Protected(ProtectAnswer::With(Box::new(Protection {
            method: guarded.method.clone(),
            layers: guarded.layers.clone(),
            effect: under.protected.effect(golden.class, bare.class),
            verdict: under.verdict,
            faulty: class(&lab, under.protected.class),
            golden: under.protected.golden.map(|golden| class(&lab, golden)),
            confidence: confidences(&golden.logits, &under.logits, golden.class)[1],
            after: scores(&lab, &under.logits),
            stops: under.stops,
            alarm: under.protected.alarm,
            trace: under.trace,
            clipped: under.clipped,
            images: ready.images,
            operations: (cost.operations, operations_share),
            bytes: (cost.bytes, bytes_share),
            milliseconds,
        }))))
    }

    /// Makes the protection ready. The present image is always learnt from, so that its golden run has no value beyond the bounds.
    async fn ready(&self, lab: &Rc<Lab>, request: &ProtectRequest) -> Result<Ready> {
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let methods = std::slice::from_ref(&request.method);
        let learns = request.method.is_learnt();
        let mut learner = match &self.learnt.learner {
            Some((_, learner)) if learns => learner.clone(),
            _ => Learner::new(lab.executor().graph(), methods),
        };
        let is_seen = self.golden_of.as_ref().is_some_and(|image| self.learnt.seen.contains(image));
        if learns && !is_seen {
            learner.include(lab, golden, None).await?;
        }
        let images = learner.runs();
        let against = Against::from(&request.strike.site);
        let guards = learner.guards(lab, methods, against, ProfileOf { images, data: None })?;
        let compared = lab.compared_with(Arc::new(guards));
        let own = compared.golden_under(0, golden).await?;
        Ok(Ready {
            method: request.method.clone(),
            against,
            grouping: lab.grouping().cloned(),
            lab: compared,
            own,
            images,
        })
    }
}
