//! Depthwise convolution: each channel separately.
//!
//! Weights skip the zeros of the padding: an infinite or NaN weight does not show at the edge of the image.

use std::ops::Range;

use facts::graph::HostTensor;

use super::band::{Band, in_bands};
use super::window::{Sources, Window};
use super::{Job, Kernel, Region};
use crate::platform::{self, Vector, Vectorised};

/// Vectors of channels that are accumulated together.
const WIDE: usize = 4;

/// A convolution with one input channel in each group.
#[derive(Debug)]
pub(super) struct Depthwise {
    sources: Sources,
    /// The first input channel that the kernel reads.
    first: usize,
    /// Number of input channels that the kernel reads.
    depth: usize,
    /// Output channels.
    features: usize,
    /// One row of weights for each tap.
    weights: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Depthwise {
    /// Makes the output channels `features` of the convolution with `weight`, O x 1 x KH x KW, in `groups` groups.
    pub fn new(
        window: Window,
        groups: usize,
        weight: &HostTensor,
        bias: Option<&HostTensor>,
        features: Range<usize>,
    ) -> Self {
        let taps = window.kernel[0] * window.kernel[1];
        let multiplier = weight.shape[0] / groups;
        let of_tap = |tap: usize| features.clone().map(move |feature| weight.data[feature * taps + tap]);
        let (first, end) = (features.start / multiplier, features.end.div_ceil(multiplier));
        Self {
            sources: Sources::new(window),
            first,
            depth: end - first,
            features: features.len(),
            weights: (0..taps).flat_map(of_tap).collect(),
            bias: bias.map(|bias| bias.data[features].to_vec()),
        }
    }
}

impl Kernel for Depthwise {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        self.sources.window.reach(changed)
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.features, |band| platform::vectorised(Filtered { kernel: self, band }));
    }

    fn multiply_adds(&self) -> u64 {
        self.weights.len() as u64
    }
}

struct Filtered<'k, 'b, 'a> {
    kernel: &'k Depthwise,
    band: Band<'b, 'a>,
}

/// The inputs of a tap and the tap's weights.
type Tap<'t> = (&'t [f32], &'t [f32]);

impl Vectorised for Filtered<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Depthwise { sources, first, depth, features, weights, bias } = self.kernel;
        let (depth, features) = (*depth, *features);
        let Band { inputs, region, out } = self.band;
        let mut taps: Vec<Tap<'_>> = Vec::with_capacity(weights.len() / features);
        let mut spread = vec![0.0; if features > depth { weights.len() } else { 0 }];
        for ([y, x], out) in region.iter().zip(out.chunks_exact_mut(features)) {
            taps.clear();
            sources.each(&inputs[0], [y, x], |tap, row| {
                taps.push((&row[*first..][..depth], &weights[tap * features..][..features]));
            });
            if features == depth {
                sums::<LANES>(V::FUSED, &taps, out);
            } else {
                // Each channel is repeated once for each of its filters.
                let mut wide: Vec<Tap<'_>> = Vec::with_capacity(taps.len());
                for ((row, weights), spread) in taps.iter().zip(spread.chunks_exact_mut(features)) {
                    for (spread, x) in spread.chunks_exact_mut(features / depth).zip(*row) {
                        spread.fill(*x);
                    }
                    wide.push((spread, weights));
                }
                sums::<LANES>(V::FUSED, &wide, out);
            }
            if let Some(bias) = bias {
                for (out, bias) in out.iter_mut().zip(bias) {
                    *out += bias;
                }
            }
        }
    }
}

/// Adds the products over the taps, for each channel.
#[inline(always)]
fn sums<const LANES: usize>(fused: bool, taps: &[Tap<'_>], out: &mut [f32]) {
    let (vectors, rest) = out.as_chunks_mut::<LANES>();
    let (wide, narrow) = vectors.as_chunks_mut::<WIDE>();
    let mut at = 0;
    for out in wide {
        *out = tile::<LANES, WIDE>(fused, taps, at);
        at += LANES * WIDE;
    }
    for out in narrow {
        [*out] = tile::<LANES, 1>(fused, taps, at);
        at += LANES;
    }
    for out in rest {
        [[*out]] = tile::<1, 1>(fused, taps, at);
        at += 1;
    }
}

/// Returns the channels from `at` on.
#[inline(always)]
fn tile<const LANES: usize, const WIDTH: usize>(fused: bool, taps: &[Tap<'_>], at: usize) -> [[f32; LANES]; WIDTH] {
    let mut sums = [[0.0; LANES]; WIDTH];
    for (row, weights) in taps {
        let rows = row[at..][..LANES * WIDTH].as_chunks::<LANES>().0;
        let weights = weights[at..][..LANES * WIDTH].as_chunks::<LANES>().0;
        for vector in 0..WIDTH {
            for lane in 0..LANES {
                let (x, y, sum) = (rows[vector][lane], weights[vector][lane], &mut sums[vector][lane]);
                *sum = if fused { x.mul_add(y, *sum) } else { x * y + *sum };
            }
        }
    }
    sums
}
