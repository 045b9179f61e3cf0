//! Making a fault happen: a hook for activations, a changed parameter for weights.

use std::collections::BTreeMap;

use super::{Corruption, InjectedFault, Site, Target};
use crate::Result;
use crate::exec::{Executor, Hook};
use crate::graph::{Graph, NodeId, ValueId};
use crate::ops::Array;

/// The hook that corrupts layers' outputs as they are made, and writes down what it did.
#[derive(Debug)]
pub struct Injector<'a> {
    graph: &'a Graph,
    sites: BTreeMap<NodeId, Vec<Site>>,
    injected: Vec<InjectedFault>,
}

impl<'a> Injector<'a> {
    /// Will inject the activation faults among `sites`.
    pub fn new(graph: &'a Graph, sites: &[Site]) -> Self {
        let mut by_layer: BTreeMap<NodeId, Vec<Site>> = BTreeMap::new();
        for site in sites.iter().filter(|site| site.target == Target::Activation) {
            by_layer.entry(site.layer).or_default().push(*site);
        }
        Self { graph, sites: by_layer, injected: Vec::new() }
    }

    /// What was injected so far.
    pub fn into_injected(self) -> Vec<InjectedFault> {
        self.injected
    }
}

impl Hook for Injector<'_> {
    fn changes(&self, node: NodeId) -> bool {
        self.sites.contains_key(&node)
    }

    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let Some(sites) = self.sites.get(&node) else { return Ok(array) };
        let sites: Vec<_> = sites.iter().filter(|site| site.tensor == value).copied().collect();
        corrupt(self.graph, array, &sites, &mut self.injected).await
    }
}

/// The parameters that the weight faults among `sites` change, and the record of each fault.
///
/// # Errors
/// Where a site does not fit the graph, or the device fails.
pub async fn faulty_parameters(
    executor: &Executor,
    sites: &[Site],
) -> Result<(BTreeMap<ValueId, Array>, Vec<InjectedFault>)> {
    let mut by_tensor: BTreeMap<ValueId, Vec<Site>> = BTreeMap::new();
    for site in sites.iter().filter(|site| site.target == Target::Weight) {
        by_tensor.entry(site.tensor).or_default().push(*site);
    }
    let mut changed = BTreeMap::new();
    let mut injected = Vec::new();
    for (tensor, sites) in by_tensor {
        if let Some(array) = executor.parameter(tensor) {
            changed.insert(tensor, corrupt(executor.graph(), array.clone(), &sites, &mut injected).await?);
        }
    }
    Ok((changed, injected))
}

async fn corrupt(graph: &Graph, array: Array, sites: &[Site], injected: &mut Vec<InjectedFault>) -> Result<Array> {
    if sites.is_empty() {
        return Ok(array);
    }
    let mut elements = array.read().await?;
    for site in sites {
        let value = &graph.values[site.tensor];
        let element = &mut elements[value.layout.stored_index(&value.shape, site.element)];
        let before = *element;
        let after = site.corruption.apply(before)?;
        *element = after;
        injected.push(InjectedFault {
            target: site.target,
            layer: graph.nodes[site.layer].name.clone(),
            tensor: value.name.clone(),
            element: site.element,
            bit: match site.corruption {
                Corruption::Flip(bit) => Some(bit),
                Corruption::Set(_) => None,
            },
            before,
            after,
        });
    }
    Ok(Array::from_slice(array.shape(), &elements, &array.device()))
}
