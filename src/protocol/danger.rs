//! The places where a corruption changes the answer: predicted from one backward pass, then confirmed by injections.

use facts::fault::{Corruption, Target};
use facts::graph::{NodeId, ValueId};
use serde::{Deserialize, Serialize};

use crate::SweepTrial;

/// Asks where in the network a corruption changes the answer to the image at hand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DangerRequest {
    /// Layers' outputs or parameters.
    pub target: Target,
    /// The corruption, in each element in turn.
    pub corruption: Corruption,
}

/// Answers [`crate::Request::Danger`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Danger {
    /// The tensors in which the corruption can strike, in the order of the layers.
    pub tensors: Vec<TensorDanger>,
    /// Duration of the backward pass and of all predictions, in milliseconds.
    pub milliseconds: f64,
}

/// The effect of a corruption in the elements of one tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorDanger {
    /// The layer.
    pub layer: NodeId,
    /// The tensor.
    pub tensor: ValueId,
    /// Number of its elements.
    pub elements: usize,
    /// Elements for which the answer is predicted to change.
    pub changes: usize,
    /// Elements in which the corruption leaves NaN or infinity, or whose effect is no finite number.
    pub not_finite: usize,
    /// The element with the largest predicted effect, counted in the layout of the model's file.
    pub worst: usize,
    /// Its predicted effect: the change of the lead of the best class over the second, over that lead. From 1 on the
    /// answer changes. NaN where it is no finite number.
    pub effect: f32,
    /// An injection there.
    pub trial: SweepTrial,
}

impl TensorDanger {
    /// Number of elements that are dangerous: the answer is predicted to change, or the effect is no finite number.
    pub fn dangerous(&self) -> usize {
        self.changes + self.not_finite
    }

    /// The share of them, 0 to 1.
    pub fn share(&self) -> f64 {
        self.dangerous() as f64 / self.elements.max(1) as f64
    }
}
