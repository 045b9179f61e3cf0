//! How a corruption spreads: every layer's output compared with the golden one.

use serde::{Deserialize, Serialize};

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
    /// Positions at which an element differs.
    pub touched: u64,
    /// Positions: H x W of a map 1 x C x H x W, the tokens of any other output (all axes but the last); 1 for a vector.
    pub positions: u64,
}

impl TraceRow {
    /// Of a layer of which nothing was compared yet.
    pub fn new(layer: &str) -> Self {
        Self {
            layer: layer.to_owned(),
            changed: 0,
            elements: 0,
            max_abs_delta: 0.0,
            non_finite: 0,
            touched: 0,
            positions: 0,
        }
    }

    /// Counts elements, golden and faulty ones in the same order: whole rows of so many channels, one a position.
    pub fn compare(&mut self, golden: &[f32], faulty: &[f32], channels: usize) {
        self.elements += faulty.len() as u64;
        for (golden, faulty) in golden.chunks(channels.max(1)).zip(faulty.chunks(channels.max(1))) {
            let before = self.changed;
            for (&before, &after) in golden.iter().zip(faulty) {
                self.non_finite += u64::from(!after.is_finite());
                if before.to_bits() != after.to_bits() {
                    self.changed += 1;
                    let delta = (after - before).abs();
                    if delta.is_finite() {
                        self.max_abs_delta = self.max_abs_delta.max(delta);
                    }
                }
            }
            self.positions += 1;
            self.touched += u64::from(self.changed > before);
        }
    }
}
