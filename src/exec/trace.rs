//! How a corruption spreads: a hook that compares every layer's output with the golden one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Activations, Hook};
use crate::Result;
use crate::graph::{Graph, NodeId, ValueId};
use crate::ops::Array;

/// The corruption of one layer's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceRow {
    /// Layer name.
    pub layer: String,
    /// Elements whose bits differ from the golden run's.
    pub changed: u64,
    /// Elements of the output.
    pub elements: u64,
    /// Largest absolute difference; infinite or NaN differences are counted in `non_finite`, not here.
    pub max_abs_delta: f32,
    /// Elements that are NaN or infinite.
    pub non_finite: u64,
}

/// The hook that compares.
#[derive(Debug)]
pub struct Trace<'a> {
    graph: &'a Graph,
    golden: &'a Activations,
    rows: BTreeMap<NodeId, TraceRow>,
}

impl<'a> Trace<'a> {
    /// Compares with `golden`.
    pub fn new(graph: &'a Graph, golden: &'a Activations) -> Self {
        Self { graph, golden, rows: BTreeMap::new() }
    }

    /// One row for each layer that the run visited, in layer order.
    pub fn into_rows(self) -> Vec<TraceRow> {
        self.rows.into_values().collect()
    }
}

impl Hook for Trace<'_> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let golden = match self.golden.get(value) {
            Some(golden) => golden.read().await?,
            None => return Ok(array),
        };
        let faulty = array.read().await?;
        let row = self.rows.entry(node).or_insert_with(|| TraceRow {
            layer: self.graph.nodes[node].name.clone(),
            changed: 0,
            elements: 0,
            max_abs_delta: 0.0,
            non_finite: 0,
        });
        row.elements += faulty.len() as u64;
        for (&before, &after) in golden.iter().zip(&faulty) {
            row.non_finite += u64::from(!after.is_finite());
            if before.to_bits() != after.to_bits() {
                row.changed += 1;
                let delta = (after - before).abs();
                if delta.is_finite() {
                    row.max_abs_delta = row.max_abs_delta.max(delta);
                }
            }
        }
        Ok(array)
    }
}
