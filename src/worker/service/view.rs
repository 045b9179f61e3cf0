//! The values that are looked at.

use std::rc::Rc;

use facts::fault::Target;
use facts::graph::{Graph, ValueId};
use facts::{Error, Result};
use protocol::{Response, TensorView, ViewRequest, Which, difference};
use serde_bytes::ByteBuf;

use super::describe::planes;
use super::{Host, Service};

impl<H: Host> Service<H> {
    pub(super) async fn view(&mut self, request: ViewRequest) -> Result<Response> {
        let lab = self.lab()?;
        let graph = lab.executor().graph();
        let id = request.tensor;
        if graph.values.get(id).is_none() {
            return Err(Error::request(format_args!("the model has no tensor {id}")));
        }
        let planes = planes(graph, id, graph.attention_maps()[id]);
        let golden = self.kept(graph, id, Which::Golden).await?;
        let faulty = match request.faulty {
            true => Some(self.kept(graph, id, Which::Faulty).await?),
            false => None,
        };
        let first = planes.sheet_of(request.first.min(planes.count.saturating_sub(1)));
        let count = planes.sheet().min(planes.count - first.min(planes.count));
        let part = first * planes.per_plane..(first + count) * planes.per_plane;
        let bytes = |values: &[f32]| {
            ByteBuf::from(values[part.clone()].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        };
        // A map without predictions is better than none; the request for the danger tells what is wrong.
        let danger = request.danger.and_then(|danger| self.effects(danger, id).ok().flatten());
        let differences = faulty
            .iter()
            .flat_map(|faulty| golden.iter().zip(&**faulty).map(|(&golden, &faulty)| difference(golden, faulty)));
        Ok(Response::View(TensorView {
            planes,
            first,
            golden: bytes(&golden),
            faulty: faulty.as_deref().map(bytes),
            danger: danger.as_deref().map(bytes),
            max_abs: [
                max_abs(golden.iter().copied()),
                max_abs(faulty.iter().flat_map(|faulty| faulty.iter().copied())),
                max_abs(differences),
            ],
        }))
    }

    pub(super) async fn scale(&mut self) -> Result<Response> {
        let lab = self.lab()?;
        let golden = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let mut largest = 0.0_f32;
        for id in lab.executor().graph().nodes.iter().flat_map(|node| &node.outputs) {
            if let Some(array) = golden.activations.get(*id) {
                largest = largest.max(max_abs(array.read().await?.into_iter()));
            }
        }
        Ok(Response::Scale { max_abs: largest })
    }

    /// The values of a tensor, read once while one looks at it.
    async fn kept(&mut self, graph: &Graph, id: ValueId, which: Which) -> Result<Rc<[f32]>> {
        self.read.retain(|((read, _), _)| *read == id);
        if let Some((_, values)) = self.read.iter().find(|(key, _)| *key == (id, which)) {
            return Ok(values.clone());
        }
        let values: Rc<[f32]> = match which {
            Which::Faulty => self.faulty(graph, id).await?,
            Which::Golden | Which::Difference | Which::Danger => self.golden_values(graph, id).await?,
        };
        self.read.push(((id, which), values.clone()));
        Ok(values)
    }

    async fn golden_values(&self, graph: &Graph, id: ValueId) -> Result<Rc<[f32]>> {
        if let Some(parameter) = graph.parameters.get(&id) {
            return Ok(Rc::from(&*parameter.data));
        }
        let run = self.golden.as_ref().ok_or_else(|| Error::request("there is no golden run yet"))?;
        let array = run.activations.get(id).ok_or_else(|| {
            Error::request(format_args!("tensor \"{}\" is not computed by any layer", graph.values[id].name))
        })?;
        Ok(array.read().await?.into())
    }

    /// What the last faulty run made of a tensor: the golden values where it did not change them.
    async fn faulty(&mut self, graph: &Graph, id: ValueId) -> Result<Rc<[f32]>> {
        let (strike, sites, trial) = self.trial.as_ref().ok_or_else(|| Error::request("there is no faulty run yet"))?;
        if let Some(array) = trial.activations.get(id) {
            return Ok(array.read().await?.into());
        }
        let golden = self.golden_values(graph, id).await?;
        if strike.site.target != Target::Weight || strike.site.tensor != id {
            return Ok(golden);
        }
        let mut values = golden.to_vec();
        let value = &graph.values[id];
        for site in sites {
            let stored = value.layout.stored_index(&value.shape, site.element);
            if let Some(element) = values.get_mut(stored) {
                *element = site.corruption.apply(*element, value.code(stored));
            }
        }
        Ok(values.into())
    }
}

/// Largest finite absolute value.
fn max_abs(values: impl Iterator<Item = f32>) -> f32 {
    values.map(f32::abs).filter(|value| value.is_finite()).fold(0.0, f32::max)
}
