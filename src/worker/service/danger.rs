//! Where a corruption changes the answer: the effect of it in every element, to first order, and an injection where it is
//! largest.

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::campaign::{Lab, Scorer, Settings, Subject};
use facts::campaign::design::Score;
use facts::fault::{Site, SiteSpace, Target};
use facts::graph::{NodeId, ValueId};
use facts::{Error, Result, limits};
use protocol::{Danger, DangerRequest, Response, TensorDanger};

use super::sweep::told;
use super::{Host, Service};

/// The predicted effects of a corruption by tensor, row-major as it is stored.
pub(super) type Effects = Rc<BTreeMap<ValueId, Rc<[f32]>>>;

impl<H: Host> Service<H> {
    pub(super) async fn danger(&mut self, request: DangerRequest) -> Result<Response> {
        let started = self.host.now();
        let effects = self.predict(request)?;
        let milliseconds = self.host.now() - started;
        let lab = self.lab()?;
        let graph = lab.executor().graph();
        let mut found = Vec::new();
        for (layer, tensor) in struck(&lab, request) {
            let Some(effects) = effects.get(&tensor).filter(|effects| !effects.is_empty()) else { continue };
            let rank = |effect: f32| if effect.is_nan() { f32::INFINITY } else { effect };
            let largest = |best: usize, at: usize| if rank(effects[at]) > rank(effects[best]) { at } else { best };
            let worst = (0..effects.len()).fold(0, largest);
            let value = &graph.values[tensor];
            let site = Site { element: value.layout.source_index(&value.shape, worst), ..site(layer, tensor, request) };
            found.push((site, effects[worst], effects));
        }
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let faults = found.iter().map(|(site, ..)| vec![*site]).collect();
        let tried = lab.trials(&[Subject::new(golden, faults)], Settings::default()).await?.only()?;
        let tensors = found.into_iter().zip(tried.trials).map(|((site, effect, effects), trial)| {
            Ok(TensorDanger {
                layer: site.layer,
                tensor: site.tensor,
                elements: effects.len(),
                changes: effects.iter().filter(|&&effect| effect >= 1.0).count(),
                not_finite: effects.iter().filter(|effect| effect.is_nan()).count(),
                worst: site.element,
                effect,
                trial: told(&lab, golden.class, site.element, trial)?,
            })
        });
        Ok(Response::Danger(Danger { tensors: tensors.collect::<Result<_>>()?, milliseconds }))
    }

    /// Returns the predicted effects in the elements of `tensor`; `None` where the corruption cannot strike in it.
    pub(super) fn effects(&mut self, request: DangerRequest, tensor: ValueId) -> Result<Option<Rc<[f32]>>> {
        Ok(self.predict(request)?.get(&tensor).cloned())
    }

    /// Predicts the effect of a corruption in every element, unless that is known.
    fn predict(&mut self, request: DangerRequest) -> Result<Effects> {
        if let Some((_, effects)) = self.effects.as_ref().filter(|(known, _)| *known == request) {
            return Ok(effects.clone());
        }
        let lab = self.lab()?;
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let scoring = lab.scoring();
        scoring.derivative().map_err(Error::request)?;
        let graph = lab.executor().graph();
        let elements = |tensor: ValueId| graph.values[tensor].elements();
        let parameters = request.target == Target::Weight;
        // A gradient and an effect of each element; the pass itself holds gradients of layers' outputs as well.
        let outputs = graph.nodes.iter().flat_map(|node| &node.outputs).map(|&id| elements(id)).sum::<usize>();
        let places = struck(&lab, request);
        let all = places.iter().map(|&(_, tensor)| elements(tensor)).sum::<usize>();
        limits::allowed().check("the predictions need", 4 * (outputs as u64 + 2 * all as u64))?;
        let scorer = Scorer::new(&lab, golden, parameters)?;
        let mut effects = BTreeMap::new();
        for (layer, tensor) in places {
            let value = &graph.values[tensor];
            let first = site(layer, tensor, request);
            if lab.check(&[first]).is_err() {
                // The corruption names bits that this tensor's format lacks.
                continue;
            }
            let effect = |element| match scorer.score(&[Site { element, ..first }]) {
                Score::Finite(effect) => effect,
                Score::Proved | Score::Flat(_) => 0.0,
                Score::NotFinite | Score::Unknown(_) => f32::NAN,
            };
            let of = |stored| effect(value.layout.source_index(&value.shape, stored));
            effects.insert(tensor, (0..value.elements()).map(of).collect());
        }
        let effects = Effects::new(effects);
        self.effects = Some((request, effects.clone()));
        Ok(effects)
    }
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
