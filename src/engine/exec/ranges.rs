//! Range restriction: the protection learns the range of each layer's output from golden runs, and clips faulty values
//! beyond it.
//!
//! Chen, Li and Pattabiraman, "A Low-cost Fault Corrector for Deep Neural Networks through Range Restriction" (Ranger,
//! DSN 2021), learn the ranges from fault-free runs and set values beyond them to the nearest bound. Hoang, Hanif and
//! Shafique, "FT-ClipAct" (DATE 2020), clip the activation functions. Faultscope clips every layer's output, with one
//! range for each tensor.

use std::collections::BTreeMap;

use facts::Result;
use facts::campaign::TensorRange;
use facts::graph::{Graph, ValueId};

use super::Activations;
pub use crate::ops::Range;

/// The range of every layer's output over golden runs. Constant outputs have no range.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    /// `None` for a tensor with a NaN in a golden run: it is not clipped.
    ranges: BTreeMap<ValueId, Option<Range>>,
    runs: usize,
}

impl Ranges {
    /// Returns the range of the tensor `value`, if it has one.
    pub fn get(&self, value: ValueId) -> Option<Range> {
        self.ranges.get(&value).copied().flatten().filter(|range| range.low <= range.high)
    }

    /// The ranges `ranges`, of no known number of runs.
    pub(super) fn of(ranges: BTreeMap<ValueId, Range>) -> Self {
        Self { ranges: ranges.into_iter().map(|(value, range)| (value, Some(range))).collect(), runs: 0 }
    }

    /// Returns the tensors that have a range, in order.
    pub fn iter(&self) -> impl Iterator<Item = (ValueId, Range)> {
        self.ranges.keys().filter_map(|&value| Some((value, self.get(value)?)))
    }

    /// Returns the ranges with the names of their tensors, in the order of the graph's tensors.
    pub fn by_tensor(&self, graph: &Graph) -> Vec<TensorRange> {
        let named = |&value: &ValueId| {
            let Range { low, high } = self.get(value)?;
            Some(TensorRange { tensor: graph.values.get(value)?.name.clone(), low, high })
        };
        self.ranges.keys().filter_map(named).collect()
    }

    /// Returns the number of golden runs that the ranges were learnt from.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Widens the ranges to the values of one more golden run of `graph`. An output that depends on parameters alone
    /// has no range: it is the same in every run, and an inference does not compute its layer.
    ///
    /// # Errors
    /// If the device fails; the ranges are then unchanged.
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
