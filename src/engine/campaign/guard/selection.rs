//! The layers that a protection by repetition is in.

use std::collections::BTreeMap;

use facts::campaign::compared::{Method, Selection, layers::operations};
use facts::campaign::design::Score;
use facts::campaign::{Plan, Position};
use facts::fault::{FaultModel, SiteSpace, Target};
use facts::graph::{Graph, NodeId};
use facts::{Error, Result};

use crate::campaign::Lab;
use crate::campaign::lab::Golden;
use crate::campaign::score::Scorer;

/// Faults of each image that are scored.
const FAULTS: usize = 2000;

/// Images whose faults are scored.
pub(super) const IMAGES: usize = 16;

/// Faults by layer: how many were scored, and of how many a change of the answer is predicted.
#[derive(Clone, Debug, Default)]
pub(super) struct Vulnerability {
    layers: BTreeMap<NodeId, (u64, u64)>,
    images: usize,
}

impl Vulnerability {
    /// Scores faults of `plan` in a golden run.
    ///
    /// # Errors
    /// If the network has no derivative.
    pub fn include(&mut self, lab: &Lab, plan: &Plan, golden: &Golden) -> Result<()> {
        if self.images == IMAGES {
            return Ok(());
        }
        if let Err(problem) = lab.scoring().derivative() {
            return Err(Error::request(format_args!(
                "{problem}; without it the most vulnerable layers are not known: name them instead of auto"
            )));
        }
        let scorer = Scorer::new(lab, golden, plan.config().fault_model.target == Target::Weight)?;
        let nth = self.images % plan.images().max(1);
        for fault in 0..FAULTS {
            let sites = plan.sites(Position { nth, fault: self.images * FAULTS + fault })?;
            let predicted = match scorer.score(&sites) {
                Score::Finite(score) => score >= 1.0,
                Score::NotFinite => true,
                Score::Proved | Score::Flat(_) | Score::Unknown(_) => false,
            };
            for site in &sites {
                let (all, hits) = self.layers.entry(site.layer).or_default();
                *all += 1;
                *hits += u64::from(predicted);
            }
        }
        self.images += 1;
        Ok(())
    }

    /// The layers with the most predicted changes for each operation, that cost at most `most` operations.
    fn best(&self, cost: impl Fn(NodeId) -> u64, most: u64) -> Vec<NodeId> {
        let mut layers: Vec<(NodeId, u64, u64)> = self
            .layers
            .iter()
            .filter(|(_, (_, hits))| *hits > 0)
            .map(|(&id, (_, hits))| (id, *hits, cost(id)))
            .collect();
        // a / b before c / d where a d > c b.
        layers.sort_by(|(a, hits, cost), (b, other_hits, other_cost)| {
            let (ours, theirs) =
                (u128::from(*hits) * u128::from(*other_cost), u128::from(*other_hits) * u128::from(*cost));
            theirs.cmp(&ours).then(a.cmp(b))
        });
        let mut rest = most;
        layers.retain(|(_, _, cost)| {
            let fits = *cost <= rest;
            rest -= if fits { *cost } else { 0 };
            fits
        });
        let mut layers: Vec<NodeId> = layers.into_iter().map(|(id, ..)| id).collect();
        layers.sort_unstable();
        layers
    }
}

/// Resolves the layers of `method`.
///
/// # Errors
/// If a layer does not exist, or no layer is cheap enough.
pub(super) fn layers(
    graph: &Graph,
    method: &Method,
    selection: &Selection,
    vulnerability: &Vulnerability,
    operations_of_all: u64,
) -> Result<Vec<NodeId>> {
    match selection {
        Selection::Layers(named) => {
            let model = FaultModel { target: Target::Activation, layers: Some(named.clone()), ..FaultModel::default() };
            let space = SiteSpace::drawn_from(graph, &model).map_err(|error| error.concerning(method.to_string()))?;
            Ok(space.layers().iter().map(|sites| sites.layer).collect())
        }
        Selection::Auto(percent) => {
            let copies = if matches!(method, Method::Tmr(_)) { 2 } else { 1 };
            let cost = |id: NodeId| copies * (operations(graph, id) + graph.output_elements(id) as u64);
            let most = (operations_of_all as f64 * percent / 100.0) as u64;
            let layers = vulnerability.best(cost, most);
            if !layers.is_empty() {
                return Ok(layers);
            }
            let vulnerable = vulnerability.layers.iter().filter(|(_, (_, hits))| *hits > 0).map(|(&id, _)| id);
            Err(Error::request(match vulnerable.min_by_key(|&id| cost(id)) {
                None => format!(
                    "{method}: no fault in any layer is predicted to change the answer on {} images; name the layers instead",
                    vulnerability.images
                ),
                Some(least) => format!(
                    "{method}: no vulnerable layer costs as little as {percent} % of the operations; the cheapest, \"{}\", costs \
                     {:.1e} %",
                    graph.nodes[least].name,
                    100.0 * cost(least) as f64 / operations_of_all.max(1) as f64
                ),
            }))
        }
    }
}
