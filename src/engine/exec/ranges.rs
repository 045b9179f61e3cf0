//! Range restriction: what a layer puts out without a fault has a range, and a faulty value beyond it can be brought
//! back into it.
//!
//! Chen, Li and Pattabiraman, "A Low-cost Fault Corrector for Deep Neural Networks through Range Restriction" (Ranger,
//! DSN 2021), learn the ranges from fault-free runs and set values beyond them to the nearest bound; Hoang, Hanif and
//! Shafique, "FT-ClipAct" (DATE 2020), clip the activation functions. Here every layer's output is clipped, by one range
//! for each tensor.

use std::collections::BTreeMap;

use facts::Result;
use facts::graph::{Graph, NodeId, ValueId};

use super::{Activations, Hook};
use crate::ops::Array;

/// The smallest and the largest value of a tensor in golden runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The smallest.
    pub low: f32,
    /// The largest.
    pub high: f32,
}

impl Range {
    /// Of no value yet.
    const NONE: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY };

    /// `value` itself where it lies within, bit for bit; else the nearest bound. A NaN is on neither side: it becomes
    /// 0, or the bound next to it.
    pub fn clip(self, value: f32) -> f32 {
        if value < self.low {
            self.low
        } else if value > self.high {
            self.high
        } else if value.is_nan() {
            0.0f32.clamp(self.low, self.high)
        } else {
            value
        }
    }

    fn widen(&mut self, value: f32) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }
}

/// The range of every layer's output over golden runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    /// `None` of a tensor in which a golden run had a NaN: nothing is beyond its range.
    ranges: BTreeMap<ValueId, Option<Range>>,
    runs: usize,
}

impl Ranges {
    /// The range of the tensor `value`, where it has one.
    pub fn get(&self, value: ValueId) -> Option<Range> {
        self.ranges.get(&value).copied().flatten()
    }

    /// Golden runs that they were learnt from.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Widens the ranges to what one more golden run of `graph` has put out.
    ///
    /// # Errors
    /// Where the device fails; the ranges stay as they were.
    pub async fn include(&mut self, graph: &Graph, run: &Activations) -> Result<()> {
        let mut ranges = self.ranges.clone();
        for &value in graph.nodes.iter().flat_map(|node| &node.outputs) {
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

/// Clips what `inner` makes of a layer's output to its range: a fault that `inner` injects is clipped where it struck.
#[derive(Debug)]
pub struct Clip<'a, H> {
    ranges: &'a Ranges,
    inner: H,
    clipped: Vec<(NodeId, u64)>,
}

impl<'a, H: Hook> Clip<'a, H> {
    /// Clips to `ranges`.
    pub fn new(ranges: &'a Ranges, inner: H) -> Self {
        Self { ranges, inner, clipped: Vec::new() }
    }

    /// The hook within, and the layers in which something was clipped with the number of elements, in order.
    pub fn into_parts(self) -> (H, Vec<(NodeId, u64)>) {
        (self.inner, self.clipped)
    }
}

impl<H: Hook> Hook for Clip<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let array = self.inner.output(node, value, array).await?;
        let Some(range) = self.ranges.get(value) else { return Ok(array) };
        let mut elements = array.read().await?;
        let mut count = 0;
        for element in &mut elements {
            let clipped = range.clip(*element);
            count += u64::from(clipped.to_bits() != element.to_bits());
            *element = clipped;
        }
        if count == 0 {
            return Ok(array);
        }
        match self.clipped.last_mut() {
            Some((last, clipped)) if *last == node => *clipped += count,
            _ => self.clipped.push((node, count)),
        }
        Ok(Array::from_slice(array.shape(), &elements, &array.device()))
    }
}
