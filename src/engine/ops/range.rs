//! Ranges of values, and clipping to them.

use super::Array;
use crate::platform::{self, Vector, Vectorised};

/// The smallest and the largest value of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The smallest.
    pub low: f32,
    /// The largest.
    pub high: f32,
}

impl Range {
    /// The range of an empty set of values.
    pub const NONE: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY };

    /// Returns `value` unchanged, bit for bit, if it is in the range; otherwise the nearest bound. A NaN becomes 0, or
    /// the bound nearest to 0 if 0 is outside.
    #[inline(always)]
    pub fn clip(self, value: f32) -> f32 {
        let value = if value.is_nan() { 0.0 } else { value };
        let value = if value < self.low { self.low } else { value };
        if value > self.high { self.high } else { value }
    }

    /// Clips each of `tensors` in place. Returns for each tensor the number of elements with changed bits.
    pub fn clip_all<'a>(self, tensors: impl IntoIterator<Item = &'a mut [f32]>) -> Vec<u64> {
        /// Elements that justify another thread.
        const WORTH: usize = 16 << 10;
        let mut tensors: Vec<(&mut [f32], u64)> = tensors.into_iter().map(|tensor| (tensor, 0)).collect();
        let clip = |(elements, count): &mut (&mut [f32], u64)| {
            *count = platform::vectorised(Clipped { range: self, elements });
        };
        if tensors.iter().map(|(elements, _)| elements.len()).sum::<usize>() > WORTH {
            platform::for_each(tensors.iter_mut().collect(), clip);
        } else {
            tensors.iter_mut().for_each(clip);
        }
        tensors.into_iter().map(|(_, count)| count).collect()
    }

    /// Widens the range to include `value`.
    pub fn widen(&mut self, value: f32) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }
}

struct Clipped<'a> {
    range: Range,
    elements: &'a mut [f32],
}

impl Vectorised for Clipped<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> u64 {
        // The counter has the width of an element and covers one block, so that the compiler vectorises the loop.
        const BLOCK: usize = 1 << 12;
        let mut total = 0;
        for block in self.elements.chunks_mut(BLOCK) {
            let mut count = 0u32;
            for element in block {
                let clipped = self.range.clip(*element);
                count += u32::from(clipped.to_bits() != element.to_bits());
                *element = clipped;
            }
            total += u64::from(count);
        }
        total
    }
}

impl Array {
    /// Clips every element to `range`, on a GPU: as [`Range::clip`], except for the sign of a zero at a bound.
    pub fn clipped(&self, range: Range) -> Self {
        let elements: burn::tensor::Tensor<1> = self.tensor([self.elements()]);
        // A shader may return either result for a comparison with NaN.
        let is_nan = elements.clone().is_nan();
        let clipped = elements.clamp(range.low, range.high).mask_fill(is_nan, range.clip(f32::NAN));
        Self::new(self.shape(), clipped)
    }
}
