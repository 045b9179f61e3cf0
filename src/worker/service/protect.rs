//! Range clipping: ranges are learnt an image at a time, so that requests are answered in between.

use engine::campaign::Observe;
use engine::exec::Ranges;
use facts::outcome::probabilities;
use facts::{Error, Result};
use protocol::{FileRef, MAX_IMAGES, ProtectRequest, Protection, RequestId, Response};

use super::describe::{class, scores};
use super::{Host, Service};

/// Ranges of the model at hand, and the images that they were learnt from or are still to be learnt from.
#[derive(Default)]
pub(super) struct Learnt {
    ranges: Ranges,
    seen: Vec<FileRef>,
}

/// A clipped run that waits for its ranges.
pub(super) struct Protecting {
    id: RequestId,
    request: ProtectRequest,
}

impl<H: Host> Service<H> {
    /// The request number of the clipped run that is waited for.
    pub fn protecting(&self) -> Option<RequestId> {
        self.protecting.as_ref().map(|protecting| protecting.id)
    }

    /// Begins to learn ranges, or goes on where the last request left off.
    pub(super) fn protect(&mut self, id: RequestId, mut request: ProtectRequest) -> Result<Response> {
        self.lab()?.check(&[request.site])?;
        if self.golden.is_none() {
            return Err(Error::request("there is no golden run yet"));
        }
        request.images.truncate(MAX_IMAGES);
        if self.learnt.seen.iter().any(|seen| !request.images.contains(seen)) {
            self.learnt = Learnt::default();
        }
        let total = request.images.len();
        self.protecting = Some(Protecting { id, request });
        Ok(Response::Protecting { done: self.learnt.seen.len(), total })
    }

    /// Learns from the next image, or makes the clipped run.
    pub async fn step_protection(&mut self) -> Option<Response> {
        let Protecting { id, request } = self.protecting.take()?;
        let next = request.images.iter().find(|image| !self.learnt.seen.contains(image)).cloned();
        let answer = match next {
            Some(image) => {
                // An image that cannot be read, or does not fit, has no range to teach.
                let _ = self.learn_from(&image).await;
                self.learnt.seen.push(image);
                let (done, total) = (self.learnt.seen.len(), request.images.len());
                self.protecting = Some(Protecting { id, request });
                Ok(Response::Protecting { done, total })
            }
            None => self.clipped(&request).await,
        };
        Some(answer.unwrap_or_else(|error| Response::Failed { message: format!("{error}.") }))
    }

    async fn learn_from(&mut self, image: &FileRef) -> Result<()> {
        let lab = self.lab()?;
        let golden = lab.golden(&self.input(&lab, image).await?).await?;
        self.learnt.ranges.include(lab.executor().graph(), &golden.activations).await
    }

    async fn clipped(&mut self, request: &ProtectRequest) -> Result<Response> {
        let lab = self.lab()?;
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        // The current image's own values are in range, whichever images the others are: its golden run is the protected
        // network's as well.
        let mut ranges = self.learnt.ranges.clone();
        ranges.include(lab.executor().graph(), &golden.activations).await?;
        let started = self.host.now();
        let observe = Observe { clipped: true, ..Observe::default() };
        let trial = lab.protected_by(ranges).trial(golden, &[request.site], observe).await?;
        let milliseconds = self.host.now() - started;
        Ok(Response::Protected(Protection {
            verdict: trial.verdict,
            faulty: class(&lab, trial.class),
            confidence: probabilities(&trial.logits).get(golden.class).copied().unwrap_or(f32::NAN),
            after: scores(&lab, &trial.logits),
            clipped: trial.clipped,
            // Without other images it is the current one alone.
            images: self.learnt.ranges.runs().max(1),
            milliseconds,
        }))
    }
}
