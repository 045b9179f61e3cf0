//! Ranges of values, and clipping to them.

use super::Array;

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

    /// Returns whether `value` is in the range; a NaN is not.
    #[inline(always)]
    pub fn contains(self, value: f32) -> bool {
        value >= self.low && value <= self.high
    }

    /// Returns `value` unchanged, bit for bit, if it is in the range; otherwise 0.
    #[inline(always)]
    pub fn zeroed(self, value: f32) -> f32 {
        if self.contains(value) { value } else { 0.0 }
    }

    /// Widens the range to include `value`.
    pub fn widen(&mut self, value: f32) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
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
