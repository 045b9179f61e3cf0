//! The vectorised functions against the standard library in double precision.

use super::super::functions::{erf, exp, gelu, sigmoid, tanh};

/// Distance of `found` from `expected` in units of the last place of the latter.
fn units(found: f32, expected: f64) -> f64 {
    let place = (f64::from(expected as f32).abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor() - 23.0).exp2();
    (f64::from(found) - expected).abs() / place
}

/// Compares `function` at many numbers between `low` and `high`.
fn check(
    name: &str,
    [low, high]: [f32; 2],
    most: f64,
    function: impl Fn(bool, f32) -> f32,
    exact: impl Fn(f64) -> f64,
) {
    const STEPS: u32 = 200_000;
    for fused in [false, true] {
        let at = |step: u32| low + (high - low) * (step as f32 / STEPS as f32);
        let apart = |x: f32| units(function(fused, x), exact(f64::from(x)));
        let worst = (0..=STEPS).map(at).max_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap();
        println!("{name}, fused {fused}: {:.2} at {worst}", apart(worst));
        assert!(apart(worst) <= most, "{name}({worst}) = {}, {} units off", function(fused, worst), apart(worst));
    }
}

/// The error function: its Taylor series near 0, the continued fraction of its complement elsewhere.
fn exact_erf(x: f64) -> f64 {
    let size = x.abs();
    let value = if size < 2.5 {
        let (mut term, mut sum) = (size, size);
        for n in 1..60 {
            term *= -size * size / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let fraction = (1..60).rev().fold(size, |below, n| size + f64::from(n) / 2.0 / below);
        1.0 - (-size * size).exp() / (fraction * std::f64::consts::PI.sqrt())
    };
    value.copysign(x)
}

#[test]
fn they_are_as_exact_as_float32() {
    check("exp", [-87.0, 88.7], 1.5, exp, f64::exp);
    check("exp", [-1.0, 1.0], 1.5, exp, f64::exp);
    check("erf", [-5.0, 5.0], 2.0, erf, exact_erf);
    check("tanh", [-10.0, 10.0], 2.5, tanh, f64::tanh);
    check("sigmoid", [-20.0, 20.0], 3.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp()));
    let exact_gelu = |x: f64| x * (1.0 + exact_erf(x / std::f64::consts::SQRT_2)) / 2.0;
    check("gelu", [0.0, 10.0], 3.0, gelu, exact_gelu);
}

#[test]
fn ends_are_kept() {
    for fused in [false, true] {
        for function in [exp, erf, tanh, sigmoid, gelu] {
            assert!(function(fused, f32::NAN).is_nan());
        }
        assert_eq!(exp(fused, f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(fused, 200.0), f32::INFINITY);
        assert_eq!(exp(fused, f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(fused, 0.0), 1.0);
        // Subnormal results, to half of the smallest.
        assert_eq!(exp(fused, -103.0), (-103.0f64).exp() as f32);
        for (x, erf_of, tanh_of) in [(f32::INFINITY, 1.0, 1.0), (f32::NEG_INFINITY, -1.0, -1.0), (0.0, 0.0, 0.0)] {
            assert_eq!((erf(fused, x), tanh(fused, x)), (erf_of, tanh_of));
        }
        assert!(erf(fused, -0.0).is_sign_negative() && tanh(fused, -0.0).is_sign_negative());
        assert_eq!((sigmoid(fused, f32::INFINITY), sigmoid(fused, f32::NEG_INFINITY)), (1.0, 0.0));
    }
}
