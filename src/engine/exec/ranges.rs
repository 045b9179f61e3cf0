//! Range restriction: what a layer puts out without a fault has a range, and a faulty value beyond it can be brought
//! back into it.
//!
//! Chen, Li and Pattabiraman, "A Low-cost Fault Corrector for Deep Neural Networks through Range Restriction" (Ranger,
//! DSN 2021), learn the ranges from fault-free runs and set values beyond them to the nearest bound; Hoang, Hanif and
//! Shafique, "FT-ClipAct" (DATE 2020), clip the activation functions. Here every layer's output is clipped, by one range
//! for each tensor.

use std::collections::BTreeMap;

use facts::Result;
use facts::campaign::TensorRange;
use facts::graph::{Graph, ValueId};

use super::Activations;
pub use crate::ops::Range;

/// The range of every layer's output over golden runs, where the output depends on the image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    /// `None` of a tensor in which a golden run had a NaN: nothing is beyond its range.
    ranges: BTreeMap<ValueId, Option<Range>>,
    runs: usize,
}

impl Ranges {
    /// The range of the tensor `value`, where it has one.
    pub fn get(&self, value: ValueId) -> Option<Range> {
        self.ranges.get(&value).copied().flatten().filter(|range| range.low <= range.high)
    }

    /// The ranges with the names of their tensors, in the order of the graph's tensors.
    pub fn by_tensor(&self, graph: &Graph) -> Vec<TensorRange> {
        let named = |&value: &ValueId| {
            let Range { low, high } = self.get(value)?;
            Some(TensorRange { tensor: graph.values.get(value)?.name.clone(), low, high })
        };
        self.ranges.keys().filter_map(named).collect()
    }

    /// Golden runs that they were learnt from.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Widens the ranges to the values of one more golden run of `graph`. An output that is computed from parameters alone
    /// has no range: it is the same in every run, and no layer of an inference.
    ///
    /// # Errors
    /// Where the device fails; the ranges stay as they were.
    pub async fn include(&mut self, graph: &Graph, run: &Activations) -> Result<()> {
        let mut ranges = self.ranges.clone();
        let depends = graph.depends_on_input();
        let nodes = graph.nodes.iter().zip(depends).filter(|(_, depends)| **depends);
        for &value in nodes.flat_map(|(node, _)| &node.outputs) {
            let Some(array) = run.get(value) else { continue };
            let range = ranges.entry(value).or_insert(Some(Range::NONE));
            for element in array.read().await? {
                if element.is_nan() {
                    *range = None;
                }
                let Some(range) = range else { break };
                range.widen(element);
            }
        }
        (self.ranges, self.runs) = (ranges, self.runs + 1);
        Ok(())
    }
}
