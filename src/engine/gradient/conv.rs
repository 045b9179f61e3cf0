//! Derivatives of convolutions.
//!
//! The gradient of a convolution's input is a convolution of the output's gradient with the turned weights, for strides
//! above 1 one for each phase: the positions of the input that leave the same remainder. Our own kernel computes them as fast
//! as the layer itself.

use std::borrow::Cow;
use std::sync::OnceLock;

use facts::graph::{Conv, ConvTranspose, HostTensor, Op, Padding2d, as_image};

use super::flat::Flat;
use super::product::add_rows;
use super::weights::weights;
use crate::kernels::{self, Form, Job, Kernel, Operand, Region, View};
use crate::ops::Extent;
use crate::platform::{self, Vector, Vectorised};

/// The data of a convolution's weights in the order that its derivative needs.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    phases: OnceLock<Option<Vec<Phase>>>,
    packed: OnceLock<Vec<f32>>,
}

/// The positions of the input that leave the same remainders on division by the strides.
#[derive(Debug)]
struct Phase {
    /// The first row and the first column.
    first: [usize; 2],
    /// The positions, counted within the phase.
    region: Region,
    /// The convolution that gives their gradient.
    kernel: Box<dyn Kernel>,
}

/// A phase along one axis.
struct AxisPhase {
    first: usize,
    count: usize,
    /// The taps that read it, in the order of the gradient's elements that they multiply.
    taps: Vec<usize>,
    /// Distance of those elements.
    step: usize,
    before: usize,
    after: usize,
}

/// Sizes of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// The same of the output.
    pub output: [usize; 3],
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    pub padding: Padding2d,
    pub groups: usize,
}

impl Sizes {
    fn of(conv: &Conv, x: &[usize], weight: &[usize], y: &[usize]) -> Option<Self> {
        let ([_, c, h, w], [_, o, oh, ow], [.., kh, kw]) = (as_image(x)?, as_image(y)?, as_image(weight)?);
        let Conv { strides, dilations, padding, groups } = *conv;
        Some(Self { input: [c, h, w], output: [o, oh, ow], kernel: [kh, kw], strides, dilations, padding, groups })
    }

    /// Calls `each` with each position of the output, each tap, and the position of the input that it reads.
    #[inline(always)]
    pub fn each(&self, mut each: impl FnMut(usize, usize, usize)) {
        let ([_, h, w], [_, oh, ow], [kh, kw]) = (self.input, self.output, self.kernel);
        for oy in 0..oh {
            for ky in 0..kh {
                let y = (oy * self.strides[0] + ky * self.dilations[0]).wrapping_sub(self.padding.top);
                if y >= h {
                    continue;
                }
                for ox in 0..ow {
                    for kx in 0..kw {
                        let x = (ox * self.strides[1] + kx * self.dilations[1]).wrapping_sub(self.padding.left);
                        if x < w {
                            each(oy * ow + ox, ky * kw + kx, y * w + x);
                        }
                    }
                }
            }
        }
    }

    /// Length of a group's rows in the input and in the output.
    pub fn parts(&self) -> [usize; 2] {
        [self.input[0] / self.groups, self.output[0] / self.groups]
    }
}

/// Returns the gradients of input, weight and bias. `constant` says that the weights are the same in all calls.
pub(super) fn conv(
    conv: &Conv,
    x: &[Flat<'_>],
    y: &Flat<'_>,
    g: &Flat<'_>,
    (prepared, constant): (&Prepared, bool),
    wanted: &[bool],
) -> Option<Vec<Option<Flat<'static>>>> {
    let sizes = Sizes::of(conv, &x[0].shape, &x[1].shape, &y.shape)?;
    let (shape_x, shape_y) = (as_image(&x[0].shape)?, as_image(&y.shape)?);
    let gradient = g.image(&shape_y);
    let mut found = vec![None; x.len()];
    if wanted[0] {
        let fresh = Prepared::default();
        let prepared = if constant { prepared } else { &fresh };
        let mut out = vec![0.0; x[0].data.len()];
        match prepared.phases.get_or_init(|| phases(&sizes, &x[1])) {
            Some(phases) => phases.iter().for_each(|phase| phase.fill(&sizes, &gradient, &mut out)),
            None => {
                let packed = prepared.packed.get_or_init(|| packed(&sizes, &x[1]));
                platform::vectorised(Scatter { sizes: &sizes, packed, gradient: &gradient, out: &mut out });
            }
        }
        found[0] =
            Some(Flat { shape: Cow::Owned(x[0].shape.to_vec()), extent: Extent::of(&shape_x), data: out.into() });
    }
    if wanted[1] {
        found[1] = Some(Flat::new(&x[1].shape, weights(&sizes, &x[0].image(&shape_x), &gradient)));
    }
    if wanted.get(2) == Some(&true) {
        let mut out = vec![0.0; shape_y[1]];
        for row in gradient.chunks_exact(shape_y[1]) {
            out.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
        }
        found[2] = Some(Flat::new(&x[2].shape, out));
    }
    Some(found)
}

/// Returns the phases of the input along an axis of `input` elements, of which the output has `output`; `None` where the
/// first elements of the gradient are not read, which no convolution leaves out.
fn along(
    input: usize,
    output: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    taps: usize,
) -> Option<Vec<AxisPhase>> {
    let signed = |size: usize| isize::try_from(size).ok();
    let (stride_i, output) = (signed(stride)?, signed(output)?);
    let mut found = Vec::new();
    for first in 0..stride.min(input) {
        let count = (input - first).div_ceil(stride);
        // The place of the gradient that a tap of the phase's first element multiplies, from the lowest.
        let place = |tap: usize| -> Option<isize> {
            let from = signed(first + before)? - signed(tap * dilation)?;
            (from % stride_i == 0).then_some(from / stride_i)
        };
        let read: Vec<(usize, isize)> = (0..taps).rev().filter_map(|tap| Some((tap, place(tap)?))).collect();
        let (Some(&(_, low)), Some(&(_, high))) = (read.first(), read.last()) else { continue };
        let step = read.get(1).map_or(1, |next| next.1 - low);
        found.push(AxisPhase {
            first,
            count,
            step: usize::try_from(step).ok()?,
            before: usize::try_from(-low).ok()?,
            after: usize::try_from(signed(count)? + high - output).unwrap_or(0),
            taps: read.into_iter().map(|(tap, _)| tap).collect(),
        });
    }
    Some(found)
}

/// Returns the convolutions that give the input's gradient, if they are some.
fn phases(sizes: &Sizes, weight: &Flat<'_>) -> Option<Vec<Phase>> {
    let Sizes { input: [c, h, w], output: [o, oh, ow], kernel: [kh, kw], strides, dilations, groups, padding } = *sizes;
    let rows = along(h, oh, strides[0], dilations[0], padding.top, kh)?;
    let columns = along(w, ow, strides[1], dilations[1], padding.left, kw)?;
    let ([part, features], elements) = (sizes.parts(), weight.elements());
    let phase = |y: &AxisPhase, x: &AxisPhase| {
        let mut data = Vec::with_capacity(c * features * y.taps.len() * x.taps.len());
        for (channel, feature) in (0..c).flat_map(|channel| (0..features).map(move |feature| (channel, feature))) {
            let filter = (channel / part * features + feature) * part + channel % part;
            for &ky in &y.taps {
                data.extend(x.taps.iter().map(|&kx| elements[(filter * kh + ky) * kw + kx]));
            }
        }
        let weight = HostTensor::new([c, features, y.taps.len(), x.taps.len()], data).ok()?;
        let padding = Padding2d { top: y.before, left: x.before, bottom: y.after, right: x.after };
        let op = Op::Conv(Conv { strides: [1, 1], dilations: [y.step, x.step], padding, groups });
        let made =
            |length: usize, axis: &AxisPhase| length + axis.before + axis.after - axis.step * (axis.taps.len() - 1);
        let (from, to) = ([1, o, oh, ow], [1, c, made(oh, y), made(ow, x)]);
        let operands = [Operand::Value(Form::of(&from)), Operand::Constant(&weight)];
        let kernel = kernels::build(&op, &operands, &[Form::of(&to)]).pop()?;
        let region = Region { top: 0, left: 0, bottom: y.count, right: x.count };
        Some(Phase { first: [y.first, x.first], region, kernel })
    };
    rows.iter().flat_map(|y| columns.iter().map(move |x| (y, x))).map(|(y, x)| phase(y, x)).collect()
}

impl Phase {
    /// Writes the gradients of the phase's positions to `out`, the rows of the input.
    fn fill(&self, sizes: &Sizes, gradient: &[f32], out: &mut [f32]) {
        let ([c, _, w], [o, oh, ow]) = (sizes.input, sizes.output);
        let inputs = vec![View::new(Extent::of(&[1, o, oh, ow]), gradient)];
        if sizes.strides == [1, 1] {
            return self.kernel.compute(&mut [Job { inputs, region: self.region, out }]);
        }
        let mut own = vec![0.0; self.region.positions() * c];
        self.kernel.compute(&mut [Job { inputs, region: self.region, out: &mut own }]);
        for (index, row) in own.chunks_exact(c).enumerate() {
            let (y, x) = (index / self.region.right, index % self.region.right);
            let at = (self.first[0] + y * sizes.strides[0]) * w + self.first[1] + x * sizes.strides[1];
            out[at * c..][..c].copy_from_slice(row);
        }
    }
}

/// Returns the weights as group, tap, feature, channel.
fn packed(sizes: &Sizes, weight: &Flat<'_>) -> Vec<f32> {
    let ([part, features], taps, elements) = (sizes.parts(), sizes.kernel[0] * sizes.kernel[1], weight.elements());
    let mut packed = Vec::with_capacity(elements.len());
    for (group, tap) in (0..sizes.groups).flat_map(|group| (0..taps).map(move |tap| (group, tap))) {
        for feature in 0..features {
            let filter = (group * features + feature) * part;
            packed.extend((0..part).map(|channel| elements[(filter + channel) * taps + tap]));
        }
    }
    packed
}

/// Adds the gradient of each position of the output to the positions of the input that it reads.
struct Scatter<'a, 'b> {
    sizes: &'a Sizes,
    packed: &'a [f32],
    gradient: &'a [f32],
    out: &'b mut [f32],
}

impl Vectorised for Scatter<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { sizes, packed, gradient, out } = self;
        let ([part, features], taps) = (sizes.parts(), sizes.kernel[0] * sizes.kernel[1]);
        let [channels, outputs] = [sizes.input[0], sizes.output[0]];
        sizes.each(|from, tap, to| {
            for group in 0..sizes.groups {
                let factors = &gradient[from * outputs + group * features..][..features];
                let matrix = &packed[(group * taps + tap) * features * part..][..features * part];
                add_rows(factors, matrix, &mut out[to * channels + group * part..][..part]);
            }
        });
    }
}

/// Returns the gradients of input, weight and bias of a transposed convolution.
pub(super) fn transposed(
    conv: &ConvTranspose,
    x: &[Flat<'_>],
    y: &Flat<'_>,
    g: &Flat<'_>,
    wanted: &[bool],
) -> Option<Vec<Option<Flat<'static>>>> {
    let ([_, c, h, w], [_, o, oh, ow]) = (as_image(&x[0].shape)?, as_image(&y.shape)?);
    let [.., kh, kw] = as_image(&x[1].shape)?;
    let (part, features) = (c / conv.groups, o / conv.groups);
    let (image, weight, gradient) = (x[0].elements(), x[1].elements(), g.elements());
    let mut of_x = vec![0.0; image.len()];
    let mut of_weight = vec![0.0; weight.len()];
    for channel in 0..c {
        let group = channel / part;
        for feature in 0..features {
            let plane = &gradient[(group * features + feature) * oh * ow..][..oh * ow];
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                let at = ((channel * features + feature) * kh + ky) * kw + kx;
                for (iy, ix) in (0..h).flat_map(|iy| (0..w).map(move |ix| (iy, ix))) {
                    let to_y = (iy * conv.strides[0] + ky * conv.dilations[0]).wrapping_sub(conv.padding.top);
                    let to_x = (ix * conv.strides[1] + kx * conv.dilations[1]).wrapping_sub(conv.padding.left);
                    if to_y < oh && to_x < ow {
                        let g = plane[to_y * ow + to_x];
                        of_x[(channel * h + iy) * w + ix] += g * weight[at];
                        of_weight[at] += g * image[(channel * h + iy) * w + ix];
                    }
                }
            }
        }
    }
    let mut found =
        vec![wanted[0].then(|| Flat::new(&x[0].shape, of_x)), wanted[1].then(|| Flat::new(&x[1].shape, of_weight))];
    if let Some(bias) = x.get(2) {
        let sums = gradient.chunks_exact(oh * ow).map(|plane| plane.iter().sum()).collect();
        found.push(wanted[2].then(|| Flat::new(&bias.shape, sums)));
    }
    Some(found)
}
