//! The golden run of an image in a wave on the CPU.

use std::sync::Arc;

use facts::Result;
use facts::graph::Graph;

use super::Image;
use crate::ops::Extent;

/// The rows of a tensor, shared with a golden run that was kept.
pub(super) type Rows = Arc<Vec<f32>>;

/// The known tensors of an image's golden run.
pub(super) struct GoldenRows {
    /// By value.
    pub values: Vec<Option<Rows>>,
    /// The result of the previous step, inside a layer.
    pub previous: Option<Rows>,
}

impl GoldenRows {
    pub fn new(graph: &Graph, extents: &[Extent], image: &Image<'_>) -> Result<Self> {
        let mut values = vec![None; graph.values.len()];
        match image {
            Image::Inputs(arrays) => {
                for (&value, array) in graph.inputs.iter().zip(*arrays) {
                    values[value] = Some(array.rows(extents[value])?);
                }
            }
            Image::Golden(run) => {
                for (id, value) in values.iter_mut().enumerate() {
                    if let Some(array) = run.get(id) {
                        *value = Some(array.rows(extents[id])?);
                    }
                }
            }
        }
        Ok(Self { values, previous: None })
    }
}
