//! From sums to the elements of an output.

use crate::kernels::scale::repeated;
use crate::ops::integer::finished;
use crate::platform::{self, Vector, Vectorised};

/// What becomes of the sum of each column.
#[derive(Debug)]
pub(in crate::kernels) struct Finish {
    columns: usize,
    /// Added to the sums; a row, repeated.
    bias: Vec<f32>,
    /// Factors of the sums; none where the sums are the output.
    scale: Option<Vec<f32>>,
    zero: f32,
    /// The smallest and largest integer of the output; none where it is no integer of few bits.
    bounds: Option<(f32, f32)>,
    /// Whether sum and bias together are exact in float32.
    is_small: bool,
}

impl Finish {
    /// Makes the end of sums whose magnitude is at most `largest`; `bias` and `scale` have one number a column.
    pub fn new(bias: &[f32], scale: Option<&[f32]>, zero: f32, bounds: Option<(f32, f32)>, largest: f64) -> Self {
        let most = bias.iter().fold(0f64, |most, &bias| most.max(f64::from(bias).abs()));
        Self {
            columns: bias.len(),
            bias: repeated(bias),
            scale: scale.map(repeated),
            zero,
            bounds,
            is_small: most + largest <= EXACT,
        }
    }

    /// Finishes rows of sums in place.
    pub fn rows(&self, sums: &mut [f32]) {
        platform::vectorised(Rows { finish: self, sums });
    }

    /// Returns the columns of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the biases, less a number for each column, modulo 2^32.
    pub fn less(&self, columns: impl Iterator<Item = i32>) -> Vec<i32> {
        // A bias of 2^31 - 1 is 2^31 as a float32, which the conversion takes back.
        columns.zip(&self.bias).map(|(less, &bias)| (bias as i32).wrapping_sub(less)).collect()
    }

    /// Finishes the sums of the columns from `first` on; `ends` has the number to add to each, modulo 2^32.
    pub fn integers(&self, first: usize, sums: &[i32], ends: &[i32], out: &mut [f32]) {
        platform::vectorised(Integers { finish: self, first, sums, ends, out });
    }

    /// Finishes rows of sums that float32 cannot hold.
    pub fn wide(&self, sums: &[i64], out: &mut [f32]) {
        for (index, (out, &sum)) in out.iter_mut().zip(sums).enumerate() {
            let column = index % self.columns;
            let scale = self.scale.as_ref().map(|scale| scale[column]);
            *out = finished(sum, self.bias[column], scale, self.zero, self.bounds);
        }
    }
}

/// Integers up to here are float32 numbers.
pub(in crate::kernels) const EXACT: f64 = (1 << 24) as f64;

struct Rows<'a> {
    finish: &'a Finish,
    sums: &'a mut [f32],
}

impl Rows<'_> {
    #[inline(always)]
    fn each(self, finish: impl Fn(f32, f32, f32) -> f32) {
        let Finish { columns, bias, scale, .. } = self.finish;
        let period = bias.len() / columns * columns;
        let scale = scale.as_deref().unwrap_or(bias);
        for sums in self.sums.chunks_mut(period) {
            for ((sum, &bias), &scale) in sums.iter_mut().zip(bias).zip(scale) {
                *sum = finish(*sum, bias, scale);
            }
        }
    }
}

impl Vectorised for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Finish { zero, bounds, is_small, .. } = *self.finish;
        match (is_small, self.finish.scale.is_some(), bounds) {
            (true, false, _) => self.each(|sum, bias, _| sum + bias),
            (true, true, None) => self.each(|sum, bias, scale| (sum + bias) * scale),
            (true, true, Some(bounds)) => {
                self.each(|sum, bias, scale| crate::ops::integer::nearest((sum + bias) * scale, zero, bounds));
            }
            (false, scaled, bounds) => {
                self.each(|sum, bias, scale| finished(sum as i64, bias, scaled.then_some(scale), zero, bounds));
            }
        }
    }
}

struct Integers<'a> {
    finish: &'a Finish,
    first: usize,
    sums: &'a [i32],
    ends: &'a [i32],
    out: &'a mut [f32],
}

impl Integers<'_> {
    #[inline(always)]
    fn each(self, scale: &[f32], finish: impl Fn(f32, f32) -> f32) {
        for (((out, &sum), &end), &scale) in self.out.iter_mut().zip(self.sums).zip(self.ends).zip(scale) {
            *out = finish(sum.wrapping_add(end) as f32, scale);
        }
    }
}

impl Vectorised for Integers<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Finish { zero, bounds, scale, bias, .. } = self.finish;
        let scales = &scale.as_ref().unwrap_or(bias)[self.first..];
        match (scale, *bounds) {
            (None, _) => self.each(scales, |sum, _| sum),
            (Some(_), None) => self.each(scales, |sum, scale| sum * scale),
            (Some(_), Some(bounds)) => {
                let zero = *zero;
                self.each(scales, |sum, scale| crate::ops::integer::nearest(sum * scale, zero, bounds));
            }
        }
    }
}
