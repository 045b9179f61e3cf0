//! Derivatives of convolutions.
//!
//! The gradient of a convolution's input with stride 1 is a convolution of the output's gradient with the turned weights:
//! our own kernel computes it as fast as the layer itself. Other strides scatter each position's gradient.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use facts::graph::{Conv, ConvTranspose, HostTensor, Op, Padding2d, as_image};

use super::flat::Flat;
use super::product::add_rows;
use crate::kernels::{self, Form, Job, Kernel, Operand, View};
use crate::ops::Extent;
use crate::platform::{self, Vector, Vectorised};

/// The data of a convolution's weights in the order that its derivative needs.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    turned: OnceLock<Option<Box<dyn Kernel>>>,
    packed: OnceLock<Vec<f32>>,
}

/// Sizes of a convolution.
#[derive(Clone, Copy)]
struct Sizes {
    /// Channels, height and width of the input.
    input: [usize; 3],
    /// The same of the output.
    output: [usize; 3],
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    padding: Padding2d,
    groups: usize,
}

impl Sizes {
    fn of(conv: &Conv, x: &[usize], weight: &[usize], y: &[usize]) -> Option<Self> {
        let ([_, c, h, w], [_, o, oh, ow], [.., kh, kw]) = (as_image(x)?, as_image(y)?, as_image(weight)?);
        let Conv { strides, dilations, padding, groups } = *conv;
        Some(Self { input: [c, h, w], output: [o, oh, ow], kernel: [kh, kw], strides, dilations, padding, groups })
    }

    /// Calls `each` with each position of the output, each tap, and the position of the input that it reads.
    #[inline(always)]
    fn each(&self, rows: Range<usize>, mut each: impl FnMut(usize, usize, usize)) {
        let ([_, h, w], [_, _, ow], [kh, kw]) = (self.input, self.output, self.kernel);
        for oy in rows {
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
    fn parts(&self) -> [usize; 2] {
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
        let turned = prepared.turned.get_or_init(|| turned(&sizes, &x[1]));
        let mut out = vec![0.0; x[0].data.len()];
        match turned {
            Some(kernel) => {
                let inputs = vec![View::new(Extent::of(&shape_y), &gradient)];
                let region = Extent::of(&shape_x).region();
                kernel.compute(&mut [Job { inputs, region, out: &mut out }]);
            }
            None => {
                let packed = prepared.packed.get_or_init(|| packed(&sizes, &x[1]));
                platform::vectorised(Scatter { sizes: &sizes, packed, gradient: &gradient, out: &mut out });
            }
        }
        found[0] =
            Some(Flat { shape: Cow::Owned(x[0].shape.to_vec()), extent: Extent::of(&shape_x), data: out.into() });
    }
    if wanted[1] {
        let image = x[0].image(&shape_x);
        let mut out = vec![0.0; x[1].data.len()];
        platform::vectorised(Weights { sizes: &sizes, image: &image, gradient: &gradient, out: &mut out });
        found[1] = Some(Flat::new(&x[1].shape, unpacked(&sizes, &out)));
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

/// Returns the kernel of the convolution that gives the input's gradient, if it is one.
fn turned(sizes: &Sizes, weight: &Flat<'_>) -> Option<Box<dyn Kernel>> {
    let Sizes { input: [c, h, w], output: [o, oh, ow], kernel: [kh, kw], dilations, groups, padding, .. } = *sizes;
    let around = |dilation: usize, taps: usize, pad: usize| (dilation * (taps - 1)).checked_sub(pad);
    let padding = Padding2d {
        top: around(dilations[0], kh, padding.top)?,
        left: around(dilations[1], kw, padding.left)?,
        bottom: around(dilations[0], kh, padding.bottom)?,
        right: around(dilations[1], kw, padding.right)?,
    };
    if sizes.strides != [1, 1] || groups != 1 && groups != c {
        return None;
    }
    let [part, features] = sizes.parts();
    let elements = weight.elements();
    let mut data = vec![0.0; elements.len()];
    for feature in 0..o {
        for channel in 0..part {
            for tap in 0..kh * kw {
                let group = feature / features;
                let to = ((group * part + channel) * features + feature % features) * kh * kw + (kh * kw - 1 - tap);
                data[to] = elements[(feature * part + channel) * kh * kw + tap];
            }
        }
    }
    let weight = HostTensor::new([c, features, kh, kw], data).ok()?;
    let op = Op::Conv(Conv { strides: [1, 1], dilations, padding, groups });
    let (from, to) = ([1, o, oh, ow], [1, c, h, w]);
    let operands = [Operand::Value(Form::of(&from)), Operand::Constant(&weight)];
    kernels::build(&op, &operands, &[Form::of(&to)]).pop()
}

/// Returns the weights as group, tap, feature, channel.
fn packed(sizes: &Sizes, weight: &Flat<'_>) -> Vec<f32> {
    let elements = weight.elements();
    let mut packed = vec![0.0; elements.len()];
    places(sizes, |at, row_major| packed[at] = elements[row_major]);
    packed
}

/// The reverse of [`packed`].
fn unpacked(sizes: &Sizes, packed: &[f32]) -> Vec<f32> {
    let mut weight = vec![0.0; packed.len()];
    places(sizes, |at, row_major| weight[row_major] = packed[at]);
    weight
}

fn places(sizes: &Sizes, mut each: impl FnMut(usize, usize)) {
    let ([part, features], taps) = (sizes.parts(), sizes.kernel[0] * sizes.kernel[1]);
    for group in 0..sizes.groups {
        for tap in 0..taps {
            for feature in 0..features {
                for channel in 0..part {
                    let at = ((group * taps + tap) * features + feature) * part + channel;
                    each(at, ((group * features + feature) * part + channel) * taps + tap);
                }
            }
        }
    }
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
        sizes.each(0..sizes.output[1], |from, tap, to| {
            for group in 0..sizes.groups {
                let factors = &gradient[from * outputs + group * features..][..features];
                let matrix = &packed[(group * taps + tap) * features * part..][..features * part];
                add_rows(factors, matrix, &mut out[to * channels + group * part..][..part]);
            }
        });
    }
}

/// Adds up the products of the output's gradient and the input, for each weight.
struct Weights<'a, 'b> {
    sizes: &'a Sizes,
    image: &'a [f32],
    gradient: &'a [f32],
    out: &'b mut [f32],
}

impl Vectorised for Weights<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { sizes, image, gradient, out } = self;
        let ([part, features], taps) = (sizes.parts(), sizes.kernel[0] * sizes.kernel[1]);
        let [channels, outputs] = [sizes.input[0], sizes.output[0]];
        let mut pairs: Vec<Vec<(usize, usize)>> = vec![Vec::new(); taps];
        sizes.each(0..sizes.output[1], |from, tap, to| pairs[tap].push((from, to)));
        for group in 0..sizes.groups {
            for (tap, pairs) in pairs.iter().enumerate() {
                for feature in 0..features {
                    let out = &mut out[((group * taps + tap) * features + feature) * part..][..part];
                    for &(from, to) in pairs {
                        let factor = gradient[from * outputs + group * features + feature];
                        if factor == 0.0 {
                            continue;
                        }
                        let row = &image[to * channels + group * part..][..part];
                        out.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
                    }
                }
            }
        }
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
