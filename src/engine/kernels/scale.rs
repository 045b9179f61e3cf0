//! A factor and an offset for each channel: batch normalisation with stored statistics, rescaling.

use super::band::in_bands;
use super::{Extent, Form, Job, Kernel, Order, Region};
use crate::platform::{self, Vector, Vectorised};

/// Minimum length of a repeated row of constants: few channels would make short loops.
const LONG: usize = 256;

/// `x * factor + offset`.
#[derive(Debug)]
pub(super) struct Scale {
    extent: Extent,
    factor: Constants,
    /// Without an offset nothing is added, which keeps the sign of zero.
    offset: Option<Constants>,
}

/// A constant for each element.
#[derive(Debug)]
pub(super) enum Constants {
    /// A row for all positions, [`repeated`].
    Row(Vec<f32>),
    /// A row for each position.
    Rows(Vec<f32>),
}

impl Scale {
    /// Makes the kernel for tensors with `extent`.
    pub fn new(extent: Extent, factor: Constants, offset: Option<Constants>) -> Self {
        Self { extent, factor, offset }
    }
}

impl Constants {
    /// Returns constants along `axis` of `x`: one for each index, or one for all.
    pub fn along(axis: usize, x: Form<'_>, constants: &[f32]) -> Self {
        let Form { shape, extent } = x;
        let is_row = match extent.order {
            Order::Channels => axis == 1,
            Order::Last => constants.len() == extent.channels && shape[axis + 1..].iter().all(|&length| length == 1),
        };
        match constants {
            &[one] => Self::Row(vec![one; extent.channels.max(LONG)]),
            _ if is_row => Self::Row(repeated(constants)),
            _ => {
                let after: usize = shape[axis + 1..].iter().product();
                let elements = (0..extent.elements()).map(|index| constants[index / after % constants.len()]);
                Self::of_rows(extent, extent.rows(&Vec::from_iter(elements)))
            }
        }
    }

    /// Returns the constants `rows` of all positions.
    pub fn of_rows(extent: Extent, rows: Vec<f32>) -> Self {
        let first = &rows[..extent.channels];
        let is_first = |row: &[f32]| row.iter().zip(first).all(|(a, b)| a.to_bits() == b.to_bits());
        if rows.chunks_exact(extent.channels).all(is_first) { Self::Row(repeated(first)) } else { Self::Rows(rows) }
    }

    /// Returns the constants for a run of rows that starts at `position`.
    pub fn at(&self, position: usize, channels: usize) -> &[f32] {
        match self {
            Self::Row(row) => row,
            Self::Rows(rows) => &rows[position * channels..],
        }
    }
}

/// Repeats a row of constants to at least [`LONG`] elements.
pub(super) fn repeated(row: &[f32]) -> Vec<f32> {
    row.repeat(LONG.div_ceil(row.len()))
}

impl Kernel for Scale {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let Extent { channels, width, .. } = self.extent;
        let for_all = matches!((&self.factor, &self.offset), (Constants::Row(_), None | Some(Constants::Row(_))));
        let scale = |position: usize, x: &[f32], out: &mut [f32]| {
            let factor = self.factor.at(position, channels);
            let offset = self.offset.as_ref().map(|offset| offset.at(position, channels));
            platform::vectorised(Scaled { factor, offset, channels, x, out });
        };
        in_bands(jobs, channels, |band| {
            if for_all {
                return band.each(|x, out| scale(0, x, out));
            }
            let mut out = band.out;
            for [y, x] in band.region.iter() {
                let (head, tail) = out.split_at_mut(channels);
                scale(y * width + x, band.inputs[0].row(y, x), head);
                out = tail;
            }
        });
    }
}

struct Scaled<'a> {
    factor: &'a [f32],
    offset: Option<&'a [f32]>,
    channels: usize,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        // Both are at least a row long, and the shorter of two repeated rows has all periods of the other.
        let length = self.factor.len().min(self.offset.map_or(usize::MAX, <[f32]>::len));
        let period = length / self.channels * self.channels;
        for (x, out) in self.x.chunks(period).zip(self.out.chunks_mut(period)) {
            match self.offset {
                Some(offset) => {
                    for (((out, x), factor), offset) in out.iter_mut().zip(x).zip(self.factor).zip(offset) {
                        *out = x * factor + offset;
                    }
                }
                None => {
                    for ((out, x), factor) in out.iter_mut().zip(x).zip(self.factor) {
                        *out = x * factor;
                    }
                }
            }
        }
    }
}
