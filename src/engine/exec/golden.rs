//! The golden run of an image, as a wave on the CPU holds it.

use std::sync::Arc;

use facts::Result;
use facts::graph::Graph;

use super::Image;

/// A tensor's rows, shared with the golden run that was kept.
pub(super) type Rows = Arc<Vec<f32>>;

/// What is known of an image's golden run.
pub(super) struct GoldenRows {
    /// By value.
    pub values: Vec<Option<Rows>>,
    /// The result of the step before the present one, inside a layer.
    pub previous: Option<Rows>,
}

impl GoldenRows {
    pub fn new(graph: &Graph, image: &Image<'_>) -> Result<Self> {
        let mut values = vec![None; graph.values.len()];
        match image {
            Image::Inputs(arrays) => {
                for (&value, array) in graph.inputs.iter().zip(*arrays) {
                    values[value] = Some(array.rows()?);
                }
            }
            Image::Golden(run) => {
                for (id, value) in values.iter_mut().enumerate() {
                    if let Some(array) = run.get(id) {
                        *value = Some(array.rows()?);
                    }
                }
            }
        }
        Ok(Self { values, previous: None })
    }
}
