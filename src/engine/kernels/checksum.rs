//! The checksum of a product or a convolution with constant weights.
//!
//! The sum of a position's outputs over all channels equals the product of its inputs with the sum of all filters. Beside it the
//! product of magnitudes is computed, which rounding errors are in proportion to. All arithmetic is that of float32, each operation
//! with a rounding of its own, so that every machine has the same bits.

use facts::graph::{HostTensor, Op};

use super::window::{Sources, Window};
use super::{Extent, Region, View};
use crate::platform::{self, Vector, Vectorised};

/// Partial sums of a sum, of which each takes every eighth term.
const SUMS: usize = 8;

/// Half of the distance from 1 to the next float32: the largest relative error of a rounding.
const UNIT: f64 = 1.0 / (1u64 << 24) as f64;

/// The checksum of one layer.
#[derive(Debug)]
pub struct Checksum {
    sources: Sources,
    /// The sum of all filters and the sum of their magnitudes, tap by tap, each a row of input channels.
    filters: [Vec<f32>; 2],
    /// The sum of all constants that are added, and of their magnitudes.
    bias: [f32; 2],
    /// The factor of [`Checksum::bound`].
    bound: f32,
    /// The sum of the smallest errors that products near 0 can have.
    floor: f32,
}

/// The comparison of a position's outputs with their checksum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// The absolute difference of the sum of the outputs and the checksum.
    pub difference: f32,
    /// The sum of the magnitudes of all products.
    pub magnitude: f32,
}

/// A product or a convolution with its constants.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    /// The operator.
    pub op: &'a Op,
    /// The weights.
    pub weight: &'a HostTensor,
    /// The constants that are added: one for each output channel, or one for all.
    pub bias: Option<&'a HostTensor>,
    /// The size of the input.
    pub input: Extent,
    /// The size of the result.
    pub output: Extent,
}

impl Checksum {
    /// Adds the filters of a layer up. Returns `None` if a position of the result is no row of its tensor.
    pub fn new(checked: &Checked<'_>) -> Option<Self> {
        let Checked { op, weight, bias, input, output } = *checked;
        let places = |extent: Extent| [extent.height, extent.width];
        let (window, groups) = match (op, &weight.shape[..]) {
            (Op::Conv(conv), &[_, _, rows, columns]) => {
                let window = Window {
                    kernel: [rows, columns],
                    strides: conv.strides,
                    dilations: conv.dilations,
                    before: [conv.padding.top, conv.padding.left],
                    input: places(input),
                    output: places(output),
                };
                (window, conv.groups)
            }
            (Op::Gemm { .. } | Op::MatMul, _) if places(input) == places(output) => {
                let one = [1; 2];
                let size = places(output);
                (Window { kernel: one, strides: one, dilations: one, before: [0; 2], input: size, output: size }, 1)
            }
            _ => return None,
        };
        let taps = window.kernel[0] * window.kernel[1];
        let (depth, wide) = (input.channels.checked_div(groups)?, output.channels.checked_div(groups)?);
        if depth * groups != input.channels
            || wide * groups != output.channels
            || weight.data.len() != taps * depth * output.channels
        {
            return None;
        }
        let (factor, of_bias, turned) = match op {
            Op::Gemm { alpha, beta, trans_b, .. } => (*alpha, *beta, *trans_b),
            Op::MatMul => (1.0, 1.0, false),
            _ => (1.0, 1.0, true),
        };
        // Convolutions have a filter after the other, each channel by channel; so has a product whose matrix is transposed.
        let at = |filter: usize, channel: usize, tap: usize| match turned {
            true => weight.data[(filter * depth + channel) * taps + tap],
            false => weight.data[channel * output.channels + filter],
        };
        let sum_of = |of: fn(f64) -> f64| -> Vec<f32> {
            let mut rows = Vec::with_capacity(taps * input.channels);
            for tap in 0..taps {
                for channel in 0..input.channels {
                    let group = channel / depth;
                    let filters = group * wide..(group + 1) * wide;
                    let sum: f64 = filters.map(|filter| of(f64::from(at(filter, channel % depth, tap)))).sum();
                    rows.push((sum * of(f64::from(factor))) as f32);
                }
            }
            rows
        };
        let same = |value: f64| value;
        let copies = |bias: &HostTensor| if bias.data.len() == 1 { output.channels } else { 1 };
        let bias_of = |of: fn(f64) -> f64| {
            let sum = |bias: &HostTensor| {
                bias.data.iter().map(|&value| of(f64::from(value))).sum::<f64>() * copies(bias) as f64
            };
            (bias.map_or(0.0, sum) * of(f64::from(of_bias))) as f32
        };
        let (inner, outer) = (taps * input.channels, output.channels);
        Some(Self {
            sources: Sources::new(window),
            filters: [sum_of(same), sum_of(f64::abs)],
            bias: [bias_of(same), bias_of(f64::abs)],
            bound: bound(inner + outer),
            floor: (2.0 * (inner * (outer + 1)) as f64 * f64::from(f32::from_bits(1))) as f32,
        })
    }

    /// Returns the factor of the sum of magnitudes that rounding errors never exceed, in whatever order the kernels add.
    pub fn bound(&self) -> f32 {
        self.bound
    }

    /// Returns whether a difference passes with `factor` as its tolerance. A sum that is not finite does not.
    pub fn passes(&self, factor: f32, residual: Residual) -> bool {
        residual.difference.is_finite() && residual.difference <= factor * residual.magnitude + self.floor
    }

    /// Returns the positions of the result that read any position in `changed` of the input.
    pub fn reach(&self, changed: Region) -> Region {
        self.sources.window.reach(changed)
    }

    /// Compares the outputs at the positions of `region`, row by row.
    pub fn residuals(&self, input: View<'_>, output: View<'_>, region: Region) -> Vec<Residual> {
        platform::vectorised(Compare { checksum: self, input, output, region })
    }
}

/// Returns the factor of rounding errors of a sum of `terms` products and outputs: twice Higham's gamma, for the sum of the outputs
/// and for the checksum (Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). A few roundings more are those of the
/// filters, the difference and the tolerance itself.
fn bound(terms: usize) -> f32 {
    let roundings = (terms + 12) as f64 * UNIT;
    let gamma = roundings / (1.0 - roundings).max(UNIT);
    // Rounded upwards.
    ((2.0 * gamma / (1.0 - gamma).max(UNIT)) * (1.0 + 4.0 * UNIT)) as f32
}

struct Compare<'a> {
    checksum: &'a Checksum,
    input: View<'a>,
    output: View<'a>,
    region: Region,
}

impl Vectorised for Compare<'_> {
    type Output = Vec<Residual>;

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> Vec<Residual> {
        let Checksum { sources, filters: [filter, magnitudes], bias, .. } = self.checksum;
        let channels = self.input.extent().channels;
        let mut residuals = Vec::with_capacity(self.region.positions());
        for place in self.region.iter() {
            let (mut sums, mut sizes) = ([0.0; SUMS], [0.0; SUMS]);
            sources.each(&self.input, place, |tap, row| {
                let taken = tap * channels..(tap + 1) * channels;
                add_products(&mut sums, &mut sizes, row, &filter[taken.clone()], &magnitudes[taken]);
            });
            let mut outputs = [0.0; SUMS];
            for part in self.output.row(place[0], place[1]).chunks(SUMS) {
                outputs.iter_mut().zip(part).for_each(|(sum, element)| *sum += element);
            }
            let checksum = bias[0] + total(sums);
            residuals
                .push(Residual { difference: (total(outputs) - checksum).abs(), magnitude: bias[1] + total(sizes) });
        }
        residuals
    }
}

#[inline(always)]
fn add_products(sums: &mut [f32; SUMS], sizes: &mut [f32; SUMS], row: &[f32], filter: &[f32], magnitudes: &[f32]) {
    let (rows, rest) = row.as_chunks::<SUMS>();
    let ((filters, of_rest), (sized, sizes_of_rest)) = (filter.as_chunks::<SUMS>(), magnitudes.as_chunks::<SUMS>());
    for ((row, filter), magnitudes) in rows.iter().zip(filters).zip(sized) {
        for lane in 0..SUMS {
            sums[lane] += row[lane] * filter[lane];
            sizes[lane] += row[lane].abs() * magnitudes[lane];
        }
    }
    for (lane, element) in rest.iter().enumerate() {
        sums[lane] += element * of_rest[lane];
        sizes[lane] += element.abs() * sizes_of_rest[lane];
    }
}

/// Adds partial sums up, from the first on.
#[inline(always)]
fn total(sums: [f32; SUMS]) -> f32 {
    sums.into_iter().fold(0.0, |total, sum| total + sum)
}
