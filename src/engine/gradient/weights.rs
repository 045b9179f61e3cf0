//! The gradient of a convolution's weights.
//!
//! It is a matrix product: for each weight, a row of the elements that its tap reads at all positions of the output, times
//! the output's gradient. Such a row consists of pieces of the image's channels, one for each line of the output.

use super::conv::Sizes;
use super::product::{Matrix, Pieces, add_pieces};
use crate::ops::transposed;
use crate::platform::{self, Vector, Vectorised};

/// Numbers between two channels, so that channels do not all lie in the same lines of a cache.
const GAP: usize = 16;

/// Returns the gradient of the weights, row-major, from the rows of the input and of the output's gradient.
pub(super) fn weights(sizes: &Sizes, image: &[f32], gradient: &[f32]) -> Vec<f32> {
    let ([part, features], taps) = (sizes.parts(), sizes.kernel[0] * sizes.kernel[1]);
    let [channels, outputs] = [sizes.input[0], sizes.output[0]];
    if [part, features] == [1, 1] {
        let mut sums = vec![0.0; taps * channels];
        platform::vectorised(Depthwise { sizes, image, gradient, sums: &mut sums });
        return transposed(&sums, taps, channels);
    }
    let [_, lines, length] = sizes.output;
    let mut found = Vec::with_capacity(outputs * part * taps);
    for group in 0..sizes.groups {
        let planes = Planes::new(sizes, image, group * part);
        let own: Vec<f32>;
        let right = if sizes.groups == 1 {
            gradient
        } else {
            let rows = gradient.chunks_exact(outputs);
            own = rows.flat_map(|row| &row[group * features..][..features]).copied().collect();
            &own
        };
        let mut sums = vec![0.0; part * taps * features];
        let starts = planes.starts();
        let piece = |row: usize, line: usize| planes.piece(starts[row], line);
        let rows = Pieces { number: lines, length, piece: &piece };
        add_pieces(1.0, rows, Matrix { data: right, turned: false }, [lines * length, features], &mut sums);
        let own = transposed(&sums, part * taps, features);
        if sizes.groups == 1 {
            return own;
        }
        found.extend(own);
    }
    found
}

/// The input's channels, each as a map whose lines have the padding.
struct Planes<'a> {
    sizes: &'a Sizes,
    /// By channel, remainder of the column and row: every so-manyth element of the line, as the stride is.
    data: Vec<f32>,
    /// Length of such a line, and of a channel.
    across: usize,
    channel: usize,
    zeros: Vec<f32>,
}

impl<'a> Planes<'a> {
    /// Cuts the channels of a group from the rows of `image`; `first` is the first one.
    fn new(sizes: &'a Sizes, image: &[f32], first: usize) -> Self {
        let ([channels, height, width], [_, _, length]) = (sizes.input, sizes.output);
        let (stride, left) = (sizes.strides[1], sizes.padding.left);
        let across = length + (sizes.kernel[1] - 1) * sizes.dilations[1] / stride;
        let channel = stride * height * across + GAP;
        let mut data = vec![0.0; sizes.parts()[0] * channel];
        for (own, plane) in data.chunks_exact_mut(channel).enumerate() {
            for (number, line) in plane[..stride * height * across].chunks_exact_mut(across).enumerate() {
                let (remainder, y) = (number / height, number % height);
                let from = &image[y * width * channels..][..width * channels];
                for (index, to) in line.iter_mut().enumerate() {
                    let column = (index * stride + remainder).wrapping_sub(left);
                    if column < width {
                        *to = from[column * channels + first + own];
                    }
                }
            }
        }
        Self { sizes, data, across, channel, zeros: vec![0.0; length] }
    }

    /// Returns for each channel and tap the offset of its lines, and the row that it reads for line 0, counted from the first
    /// row of the padding.
    fn starts(&self) -> Vec<(usize, usize)> {
        let Sizes { input: [_, height, _], kernel: [rows, columns], strides, dilations, .. } = *self.sizes;
        let taps = || (0..rows).flat_map(|y| (0..columns).map(move |x| (y * dilations[0], x * dilations[1])));
        let start =
            |channel: usize, x: usize| channel * self.channel + x % strides[1] * height * self.across + x / strides[1];
        let channels = 0..self.sizes.parts()[0];
        channels.flat_map(|channel| taps().map(move |(y, x)| (start(channel, x), y))).collect()
    }

    /// Returns the elements that a tap reads for a line of the output.
    fn piece(&self, (start, row): (usize, usize), line: usize) -> &[f32] {
        let y = (line * self.sizes.strides[0] + row).wrapping_sub(self.sizes.padding.top);
        if y >= self.sizes.input[1] {
            return &self.zeros;
        }
        &self.data[start + y * self.across..][..self.zeros.len()]
    }
}

/// The weights' gradient where each channel is a group of its own: by tap, the products of two rows.
struct Depthwise<'a, 'b> {
    sizes: &'a Sizes,
    image: &'a [f32],
    gradient: &'a [f32],
    sums: &'b mut [f32],
}

impl Vectorised for Depthwise<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { sizes, image, gradient, sums } = self;
        let channels = sizes.input[0];
        sizes.each(|from, tap, to| {
            let (row, g) = (&image[to * channels..][..channels], &gradient[from * channels..][..channels]);
            let sums = &mut sums[tap * channels..][..channels];
            for ((sum, value), g) in sums.iter_mut().zip(row).zip(g) {
                *sum += value * g;
            }
        });
    }
}
