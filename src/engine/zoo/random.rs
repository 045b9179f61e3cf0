//! Weights for an architecture without any: enough to list its layers and to time it.

use facts::Error;
use facts::graph::{HostTensor, elements};
use facts::limits::{self, PROGRAM};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::import::keras::Weights;

/// Random weights, the same for the same `seed`: kernels are uniform in +-sqrt(6 / fan_in), which keeps the signal's scale
/// from layer to layer under ReLU (He et al., "Delving Deep into Rectifiers", ICCV 2015); scales and variances are 1, all
/// else is 0. `name` is what messages call them.
pub(super) fn weights(name: &str, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bytes = 0u64;
    Weights::made(name, move |role, shape| {
        let count = elements(shape).ok_or_else(|| Error::request("the weights are larger than any memory"))?;
        bytes = bytes.saturating_add((count as u64).saturating_mul(4));
        // The parameters, and the copies that kernels make of them.
        let needed = PROGRAM.saturating_add(bytes.saturating_mul(2));
        limits::allowed().check("the random weights need", needed)?;
        let fan_in = match shape {
            // A kernel for each channel, H x W x C x 1.
            [height, width, _, 1] => height * width,
            [inner @ .., _] => inner.iter().product(),
            [] => 0,
        };
        let data = match role {
            "gamma" | "moving_variance" | "variance" => vec![1.0; count],
            "kernel" | "depthwise_kernel" | "pointwise_kernel" => {
                let limit = (6.0 / fan_in as f32).sqrt();
                (0..count).map(|_| limit * (2.0 * rng.random::<f32>() - 1.0)).collect()
            }
            _ => vec![0.0; count],
        };
        HostTensor::new(shape, data)
    })
}
