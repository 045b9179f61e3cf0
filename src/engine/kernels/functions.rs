//! Transcendental functions that the compiler can vectorise: no branches, no calls, the same steps for every number.
//!
//! Each coefficient is a least-maximum fit, rounded to float32. The tests hold the functions against the standard library and
//! against 40 digits: about one unit in the last place. `fused` says whether multiply-adds round once, as elsewhere on this
//! machine.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

#[inline(always)]
fn add(fused: bool, a: f32, b: f32, c: f32) -> f32 {
    if fused { a.mul_add(b, c) } else { a * b + c }
}

/// `c[0] + c[1] x + ...`
#[inline(always)]
fn polynomial<const N: usize>(fused: bool, x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for index in (0..N - 1).rev() {
        sum = add(fused, sum, x, coefficients[index]);
    }
    sum
}

/// A float of this exponent: 2 to the power of `exponent`, which is within -126 and 127.
#[inline(always)]
fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits((exponent.wrapping_add(127) as u32) << 23)
}

/// `e` to the power of `x`, subnormal results included.
#[inline(always)]
pub(super) fn exp(fused: bool, x: f32) -> f32 {
    /// Beyond these the result is infinite, or rounds to 0.
    const MOST: f32 = 89.0;
    const LEAST: f32 = -104.0;
    /// ln 2 in two parts; the product of the first and an exponent is exact.
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    /// Adding this rounds a number to an integer, and leaves the integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // A NaN fails both comparisons and stays.
    let x = if x > MOST { MOST } else { x };
    let x = if x < LEAST { LEAST } else { x };
    let shifted = add(fused, x, LOG2_E, ROUND);
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let whole = shifted - ROUND;
    let rest = add(fused, whole, -LN_2_LOW, add(fused, whole, -LN_2_HIGH, x));
    let terms = polynomial(fused, rest, [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_716, 0.001_381_460_2]);
    let power = add(fused, rest * rest, terms, rest) + 1.0;
    // In two steps, since a factor alone may lie beyond the range of exponents.
    let half = exponent >> 1;
    power * power_of_two(half) * power_of_two(exponent.wrapping_sub(half))
}

/// The error function.
#[inline(always)]
pub(super) fn erf(fused: bool, x: f32) -> f32 {
    let (size, square) = (x.abs(), x * x);
    let near = polynomial(
        fused,
        square,
        [0.128_379_17, -0.376_126_26, 0.112_836, -0.026_854_444, 0.005_189_535_7, -8.020_843e-4, 7.889_123e-5],
    );
    let near = add(fused, near, x, x);
    // 1 - erf(4) is a quarter of a unit in the last place of 1.
    let far = if size > 4.0 { 4.0 } else { size };
    let far = polynomial(
        fused,
        far,
        [3.424_376_8e-4, 1.127_085_3, 0.638_151_6, 0.103_100_61, -0.021_834_977, 0.002_946_846, -1.862_918_6e-4],
    );
    let far = 1.0 - exp(fused, -far);
    // A NaN is not greater.
    (if size > 1.0 { far } else { near }).copysign(x)
}

/// The hyperbolic tangent.
#[inline(always)]
pub(super) fn tanh(fused: bool, x: f32) -> f32 {
    let (size, square) = (x.abs(), x * x);
    let near = polynomial(fused, square, [-0.333_332_84, 0.133_314_91, -0.053_743_497, 0.020_650_58, -0.005_717_037_7]);
    let near = add(fused, near * square, x, x);
    let far = 1.0 - 2.0 / (exp(fused, 2.0 * size) + 1.0);
    (if size > 0.625 { far } else { near }).copysign(x)
}

/// `1 / (1 + exp(-x))`, in a form without an exponential that overflows.
#[inline(always)]
pub(super) fn sigmoid(fused: bool, x: f32) -> f32 {
    let power = exp(fused, -x.abs());
    (if x >= 0.0 { 1.0 } else { power }) / (1.0 + power)
}

/// The Gaussian error linear unit.
#[inline(always)]
pub(super) fn gelu(fused: bool, x: f32) -> f32 {
    // Halved first, so that the largest numbers do not overflow.
    x * ((erf(fused, x * FRAC_1_SQRT_2) + 1.0) * 0.5)
}
