//! Where a corruption changes the answer: the effect of it in every element, to first order, and an injection where it is
//! largest. Both are made a few tensors at a time, so that requests are answered in between; injections that take long, on
//! several workers.

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::campaign::{Foresight, Lab, Scorer};
use facts::campaign::design::Score;
use facts::fault::{Site, SiteSpace, Strike, Target};
use facts::graph::{NodeId, ValueId};
use facts::{Error, Result, limits};
use protocol::{Danger, DangerRequest, RequestId, Response, SweepRequest, SweepTrial, TensorDanger};

use super::sweep::{PART, Sweeping};
use super::{Host, Service};

/// The predicted effects of a corruption by tensor, row-major as it is stored.
pub(super) type Effects = Rc<BTreeMap<ValueId, Rc<[f32]>>>;

/// A prediction with its injections under way.
pub(super) struct Endangering {
    id: RequestId,
    /// The time of the host at its start.
    begun: f64,
    predicting: Predicting,
    /// Duration of the predictions, in milliseconds.
    milliseconds: f64,
    /// The injections, once the effects are known.
    injecting: Option<Injecting>,
}

/// The effects of a corruption, tensor by tensor.
struct Predicting {
    request: DangerRequest,
    /// The gradients, once they are needed.
    foresight: Option<Foresight>,
    /// The tensors, with their layers.
    places: Vec<(NodeId, ValueId)>,
    /// Number of tensors that are done with.
    done: usize,
    effects: BTreeMap<ValueId, Rc<[f32]>>,
}

/// Injections into the worst element of each tensor.
struct Injecting {
    effects: Effects,
    worst: Vec<Site>,
    sweep: Sweeping,
    made: Vec<SweepTrial>,
}

impl Predicting {
    fn is_over(&self) -> bool {
        self.done == self.places.len()
    }
}

impl<H: Host> Service<H> {
    pub(super) fn start_danger(&mut self, id: RequestId, request: DangerRequest) -> Result<Response> {
        self.end_danger();
        let predicting = self.predicting(request)?;
        let danger = Endangering { id, begun: self.host.now(), predicting, milliseconds: 0.0, injecting: None };
        let answer = danger.progress(danger.begun);
        self.danger = Some(danger);
        Ok(answer)
    }

    pub(super) fn end_danger(&mut self) -> Response {
        if let Some(injecting) = self.danger.take().and_then(|danger| danger.injecting) {
            self.leave(&injecting.sweep);
        }
        Response::Danger(None)
    }

    /// The request number of the prediction that is under way.
    pub fn endangering(&self) -> Option<RequestId> {
        self.danger.as_ref().map(|danger| danger.id)
    }

    /// Predicts for the next tensors, or injects into the next ones.
    pub async fn step_danger(&mut self) -> Option<Response> {
        let mut danger = self.danger.take()?;
        let stepped = self.endanger(&mut danger).await;
        Some(match stepped {
            Ok(None) => {
                let answer = danger.progress(self.host.now());
                self.danger = Some(danger);
                answer
            }
            Ok(found) => Response::Danger(found),
            Err(error) => {
                danger.injecting.iter().for_each(|injecting| self.leave(&injecting.sweep));
                Response::Failed { message: format!("{error}.") }
            }
        })
    }

    /// Makes the next step; returns the answer after the last one.
    async fn endanger(&mut self, danger: &mut Endangering) -> Result<Option<Danger>> {
        let begun = self.host.now();
        let Some(injecting) = &mut danger.injecting else {
            // At least one tensor, and then as many as fit.
            while self.predict_one(&mut danger.predicting)? && self.host.now() - begun < PART {}
            danger.milliseconds += self.host.now() - begun;
            if danger.predicting.is_over() {
                let effects = self.keep_effects(&mut danger.predicting);
                danger.injecting = Some(self.injecting(danger.id, &danger.predicting, effects)?);
            }
            return Ok(None);
        };
        if !injecting.sweep.is_over() {
            for trial in self.advance(&mut injecting.sweep).await? {
                injecting.made.push(trial.map_err(Error::request)?);
            }
        }
        if !injecting.sweep.is_over() {
            return Ok(None);
        }
        let tensors = injecting.worst.iter().zip(injecting.made.drain(..)).map(|(site, trial)| {
            let effects = &injecting.effects[&site.tensor];
            TensorDanger {
                layer: site.layer,
                tensor: site.tensor,
                elements: effects.len(),
                changes: effects.iter().filter(|&&effect| effect >= 1.0).count(),
                not_finite: effects.iter().filter(|effect| effect.is_nan()).count(),
                worst: site.element,
                effect: effects[worst(effects)],
                trial,
            }
        });
        Ok(Some(Danger { tensors: tensors.collect(), milliseconds: danger.milliseconds }))
    }

    fn injecting(&self, id: RequestId, predicting: &Predicting, effects: Effects) -> Result<Injecting> {
        let lab = self.lab()?;
        let values = &lab.executor().graph().values;
        let sites = predicting.places.iter().filter_map(|&(layer, tensor)| {
            let effects = effects.get(&tensor).filter(|effects| !effects.is_empty())?;
            let element = values[tensor].layout.source_index(&values[tensor].shape, worst(effects));
            Some(Site { element, ..site(layer, tensor, predicting.request) })
        });
        let worst: Vec<Site> = sites.collect();
        let strikes = worst.iter().map(|&site| Strike::from(site)).collect();
        let sweep = Sweeping::new(id, SweepRequest::Each { strikes });
        Ok(Injecting { effects, worst, sweep, made: Vec::new() })
    }

    /// Returns the predicted effects in the elements of `tensor`; `None` where the corruption cannot strike in it.
    pub(super) fn effects(&mut self, request: DangerRequest, tensor: ValueId) -> Result<Option<Rc<[f32]>>> {
        if self.effects.as_ref().is_none_or(|(known, _)| *known != request) {
            let mut predicting = self.predicting(request)?;
            while self.predict_one(&mut predicting)? {}
            self.keep_effects(&mut predicting);
        }
        Ok(self.effects.as_ref().and_then(|(_, effects)| effects.get(&tensor).cloned()))
    }

    /// Prepares predictions; where they are known, nothing is left to predict.
    fn predicting(&self, request: DangerRequest) -> Result<Predicting> {
        let lab = self.lab()?;
        if self.golden.is_none() {
            return Err(Error::request("there is no golden run yet"));
        }
        lab.scoring().derivative().map_err(Error::request)?;
        let graph = lab.executor().graph();
        let places = struck(&lab, request);
        if self.effects.as_ref().is_some_and(|(known, _)| *known == request) {
            return Ok(Predicting { request, foresight: None, done: places.len(), places, effects: BTreeMap::new() });
        }
        let elements = |tensor: ValueId| graph.values[tensor].elements();
        // A gradient and an effect of each element; the pass itself holds gradients of layers' outputs as well.
        let outputs = graph.nodes.iter().flat_map(|node| &node.outputs).map(|&id| elements(id)).sum::<usize>();
        let all = places.iter().map(|&(_, tensor)| elements(tensor)).sum::<usize>();
        limits::allowed().check("the predictions need", 4 * (outputs as u64 + 2 * all as u64))?;
        Ok(Predicting { request, foresight: None, places, done: 0, effects: BTreeMap::new() })
    }

    /// Predicts the effect in each element of the next tensor; false where that was the last one.
    fn predict_one(&self, predicting: &mut Predicting) -> Result<bool> {
        let Some(&(layer, tensor)) = predicting.places.get(predicting.done) else { return Ok(false) };
        let lab = self.lab()?;
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let foresight = match &predicting.foresight {
            Some(foresight) => foresight.clone(),
            None => Foresight::of(&lab, golden, predicting.request.target == Target::Weight)?,
        };
        predicting.foresight = Some(foresight.clone());
        predicting.done += 1;
        let first = site(layer, tensor, predicting.request);
        // A corruption may name bits that this tensor's format lacks.
        if lab.check(&[first]).is_ok() {
            let scorer = Scorer::with(&lab, golden, foresight)?;
            let value = &lab.executor().graph().values[tensor];
            let effect = |element| match scorer.score(&[Site { element, ..first }]) {
                Score::Finite(effect) => effect,
                Score::Proved | Score::Flat(_) => 0.0,
                Score::NotFinite | Score::Unknown(_) => f32::NAN,
            };
            let of = |stored| effect(value.layout.source_index(&value.shape, stored));
            predicting.effects.insert(tensor, (0..value.elements()).map(of).collect());
        }
        Ok(!predicting.is_over())
    }

    /// Keeps the effects for the maps, unless they were known.
    fn keep_effects(&mut self, predicting: &mut Predicting) -> Effects {
        predicting.foresight = None;
        match &self.effects {
            Some((known, effects)) if *known == predicting.request => effects.clone(),
            _ => {
                let effects = Effects::new(std::mem::take(&mut predicting.effects));
                self.effects = Some((predicting.request, effects.clone()));
                effects
            }
        }
    }
}

impl Endangering {
    fn progress(&self, now: f64) -> Response {
        let made = self.injecting.as_ref().map_or(0, |injecting| injecting.made.len());
        let (done, total) = (self.predicting.done + made, 2 * self.predicting.places.len());
        let left = (done > 0).then(|| (now - self.begun) / done as f64 * (total - done) as f64);
        Response::Predicting { done, total, left }
    }
}

/// The place of the largest effect. One that is no number counts as the largest; of equal ones the first is taken.
fn worst(effects: &[f32]) -> usize {
    let rank = |at: usize| if effects[at].is_nan() { f32::INFINITY } else { effects[at] };
    (0..effects.len()).fold(0, |best, at| if rank(at) > rank(best) { at } else { best })
}

/// The tensors that faults of the request's target strike, with their layers.
fn struck(lab: &Lab, request: DangerRequest) -> Vec<(NodeId, ValueId)> {
    let space = SiteSpace::of(lab.executor().graph(), request.target);
    let tensors = space.layers().iter().flat_map(|sites| sites.tensors.iter().map(|&(id, _)| (sites.layer, id)));
    tensors.collect()
}

fn site(layer: NodeId, tensor: ValueId, request: DangerRequest) -> Site {
    Site { target: request.target, layer, tensor, element: 0, corruption: request.corruption }
}
