//! The geometry of sliding windows.

use std::ops::Range;

use super::{Region, View};

/// A window that slides over an image. All arrays are [vertical, horizontal].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Number of taps.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub strides: [usize; 2],
    /// Distance between taps.
    pub dilations: [usize; 2],
    /// Padding above and on the left.
    pub before: [usize; 2],
    /// Size of the input.
    pub input: [usize; 2],
    /// Size of the output.
    pub output: [usize; 2],
}

impl Window {
    /// Returns the window of a single position.
    pub fn each(size: [usize; 2]) -> Self {
        Self { kernel: [1; 2], strides: [1; 2], dilations: [1; 2], before: [0; 2], input: size, output: size }
    }

    /// Returns whether each position of the output reads only the same position of the input.
    pub fn is_each(&self) -> bool {
        // Dilations of a single tap say nothing.
        Self { dilations: [1; 2], ..*self } == Self::each(self.input)
    }

    /// Returns the input position along `axis` that tap `tap` of output position `place` reads; `None` in the padding.
    pub fn source(&self, axis: usize, place: usize, tap: usize) -> Option<usize> {
        let padded = place * self.strides[axis] + tap * self.dilations[axis];
        padded.checked_sub(self.before[axis]).filter(|&index| index < self.input[axis])
    }

    /// Returns the taps of output position `place` that read inside the image along `axis`, and the first position
    /// they read.
    pub fn taps(&self, axis: usize, place: usize) -> (Range<usize>, usize) {
        let (start, dilation) = (place * self.strides[axis], self.dilations[axis]);
        let first = self.before[axis].saturating_sub(start).div_ceil(dilation).min(self.kernel[axis]);
        let end = (self.before[axis] + self.input[axis]).saturating_sub(start).div_ceil(dilation);
        let end = end.clamp(first, self.kernel[axis]);
        (first..end, (start + first * dilation).saturating_sub(self.before[axis]))
    }

    /// Returns the input positions that the windows of `region` span.
    pub fn sources(&self, region: Region) -> Region {
        if region.is_empty() {
            return Region::EMPTY;
        }
        let along = |axis: usize, from: usize, to: usize| {
            let span = (self.kernel[axis] - 1) * self.dilations[axis];
            let first = (from * self.strides[axis]).saturating_sub(self.before[axis]);
            let end = ((to - 1) * self.strides[axis] + span + 1).saturating_sub(self.before[axis]);
            (first.min(self.input[axis]), end.min(self.input[axis]))
        };
        let (top, bottom) = along(0, region.top, region.bottom);
        let (left, right) = along(1, region.left, region.right);
        let sources = Region { top, left, bottom, right };
        if sources.is_empty() { Region::EMPTY } else { sources }
    }

    /// Returns the output positions with a window that spans any position in `changed`.
    pub fn reach(&self, changed: Region) -> Region {
        if changed.is_empty() {
            return Region::EMPTY;
        }
        let along = |axis: usize, from: usize, to: usize| {
            let stride = self.strides[axis];
            let span = (self.kernel[axis] - 1) * self.dilations[axis];
            let first = (from + self.before[axis]).saturating_sub(span).div_ceil(stride);
            let last = (to - 1 + self.before[axis]) / stride;
            (first, (last + 1).min(self.output[axis]))
        };
        let (top, bottom) = along(0, changed.top, changed.bottom);
        let (left, right) = along(1, changed.left, changed.right);
        let region = Region { top, left, bottom, right };
        if region.is_empty() { Region::EMPTY } else { region }
    }
}

/// A table of the positions that windows read.
#[derive(Debug)]
pub(super) struct Sources {
    pub window: Window,
    /// For each axis and each position along it, the result of [`Window::taps`].
    axes: [Vec<(Range<usize>, usize)>; 2],
}

impl Sources {
    pub fn new(window: Window) -> Self {
        Self {
            window,
            axes: [0, 1].map(|axis| (0..window.output[axis]).map(|place| window.taps(axis, place)).collect()),
        }
    }

    /// Returns the taps of a column of output positions that read inside the image, and the first position they read.
    pub fn column(&self, x: usize) -> (Range<usize>, usize) {
        self.axes[1][x].clone()
    }

    /// Passes each tap of an output position that reads inside the image to `work`, with its index row by row and the
    /// input row.
    #[inline(always)]
    pub fn each<'a>(&self, input: &View<'a>, [y, x]: [usize; 2], mut work: impl FnMut(usize, &'a [f32])) {
        let Window { kernel: [_, columns], dilations: [down, right], .. } = self.window;
        let ((lines, top), (inside, left)) = (&self.axes[0][y], &self.axes[1][x]);
        if inside.is_empty() {
            return;
        }
        let channels = input.extent().channels;
        for (index, line) in lines.clone().enumerate() {
            let y = top + index * down;
            // Neighbouring taps read neighbouring rows.
            let run = if right == 1 { input.joined(y, *left..left + inside.len()) } else { None };
            for (place, tap) in inside.clone().enumerate() {
                let row = match run {
                    Some(run) => &run[place * channels..][..channels],
                    None => input.row(y, left + place * right),
                };
                work(line * columns + tap, row);
            }
        }
    }
}
