//! Injecting faults in a full run: a hook for activations, changed parameters for weights.
//!
//! Campaigns do not use this path: they pass changes to a wave ([`exec`](crate::exec)). It is the reference for tests
//! of waves.

use facts::Result;
use facts::fault::metadata::Word;
use facts::fault::{InjectedFault, Site, Target};
use facts::graph::{Graph, HostTensor, NodeId, Value, ValueId};

use crate::exec::{Changed, Hook};
use crate::ops::Array;

/// A hook that corrupts layers' outputs and records the changes.
#[derive(Debug)]
pub struct Injector<'a> {
    graph: &'a Graph,
    sites: Vec<Site>,
    injected: Vec<InjectedFault>,
}

impl<'a> Injector<'a> {
    /// Prepares the injection of the activation faults among `sites`.
    pub fn new(graph: &'a Graph, sites: &[Site]) -> Self {
        let is_output = |site: &&Site| graph.nodes[site.layer].outputs.contains(&site.tensor);
        let sites = sites.iter().filter(|site| site.target != Target::Input).filter(is_output).copied().collect();
        Self { graph, sites, injected: Vec::new() }
    }

    /// Returns the faults injected so far.
    pub fn into_injected(self) -> Vec<InjectedFault> {
        self.injected
    }
}

impl Hook for Injector<'_> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let here = |site: &&Site| site.layer == node && site.tensor == value;
        if !self.sites.iter().any(|site| here(&site)) {
            return Ok(array);
        }
        let mut elements = array.read().await?;
        for site in self.sites.iter().filter(here) {
            self.injected.push(corrupt(self.graph, site, &mut elements));
        }
        Ok(Array::from_slice(array.shape(), &elements, &array.device()))
    }
}

/// Returns the parameters that the weight faults among `sites` change, and the record of each fault.
pub fn faulty_parameters(graph: &Graph, sites: &[Site]) -> (Changed, Vec<InjectedFault>) {
    let mut changed = Changed::new();
    let mut injected = Vec::new();
    for site in sites.iter().filter(|site| site.target != Target::Input) {
        let Some(parameter) = graph.parameters.get(&site.tensor) else { continue };
        let tensor = changed.entry(site.tensor).or_insert_with(|| parameter.clone());
        let mut elements = tensor.data.to_vec();
        injected.push(corrupt(graph, site, &mut elements));
        *tensor = HostTensor { shape: parameter.shape.clone(), data: elements.into() };
    }
    (changed, injected)
}

/// Reads the integers of `elements` with a struck scale or zero point.
fn reinterpret(value: &Value, site: &Site, word: Word, elements: &mut [f32]) {
    let old = value.scales.each[word.channel];
    let struck = word.struck(site.corruption);
    let (scale, zero) = if word.is_zero { (old.scale, struck as i64) } else { (struck, i64::from(old.zero)) };
    let channels = value.scales.each.len();
    for (at, element) in elements.iter_mut().enumerate() {
        // The index along the axis of the channels.
        let mut rest = at;
        let mut index = 0;
        for (axis, &length) in value.shape.iter().enumerate().rev() {
            if axis == value.scales.axis {
                index = rest % length;
            }
            rest /= length;
        }
        if channels > 1 && index != word.channel {
            continue;
        }
        // Values of the tensor are whole steps, so that the quotient is an integer but for rounding.
        let integer = (f64::from(*element) / f64::from(old.scale)).round() as i64 + i64::from(old.zero);
        *element = (integer - zero) as f32 * scale;
    }
}

fn corrupt(graph: &Graph, site: &Site, elements: &mut [f32]) -> InjectedFault {
    let value = &graph.values[site.tensor];
    if let Some(word) = Word::of(value, site.element).filter(|_| site.target == Target::Metadata) {
        reinterpret(value, site, word, elements);
        return InjectedFault::new(graph, site, [word.value, word.struck(site.corruption)]);
    }
    let stored = value.layout.stored_index(&value.shape, site.element);
    let element = &mut elements[stored];
    let before = *element;
    *element = site.corruption.apply(before, value.code(stored));
    InjectedFault::new(graph, site, [before, *element])
}
