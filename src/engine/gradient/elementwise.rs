//! Derivatives of functions of one element or of two.

use facts::graph::{Binary, Unary};

use super::flat::{Flat, broadcast, flow, unbroadcast};

/// Returns the gradient of `x` for the gradient `g` of `y`, the function's value.
pub(super) fn unary(function: Unary, x: &Flat<'_>, y: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let (y, g) = (y.rows(x.extent), g.rows(x.extent));
    if function == Unary::Relu {
        // The most frequent function, in a form that the compiler vectorises.
        return x.with(y.iter().zip(&*g).map(|(&y, &g)| if y > 0.0 { g } else { 0.0 }).collect());
    }
    if is_told_by_output(function) {
        // The elements of x may be missing, and the slope does not read them.
        return x.with(y.iter().zip(&*g).map(|(&y, &g)| flow(slope(function, y, y), g)).collect());
    }
    let slopes = x.data.iter().zip(&*y).zip(&*g);
    x.with(slopes.map(|((&x, &y), &g)| flow(slope(function, x, y), g)).collect())
}

/// Whether the output of the function tells its slope.
pub(super) fn is_told_by_output(function: Unary) -> bool {
    matches!(function, Unary::Relu | Unary::Sigmoid | Unary::Tanh | Unary::Exp)
}

/// Returns the slope of the function at `x`, where its value is `y`. At a kink it is PyTorch's.
fn slope(function: Unary, x: f32, y: f32) -> f32 {
    let step = |inside: bool, slope: f32| if inside { slope } else { 0.0 };
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    match function {
        Unary::Relu => step(x > 0.0, 1.0),
        Unary::ClippedRelu { max, slope, threshold } => {
            if x <= threshold {
                slope
            } else {
                step(x < max, 1.0)
            }
        }
        Unary::LeakyRelu { alpha } => {
            if x > 0.0 {
                1.0
            } else {
                alpha
            }
        }
        Unary::Elu { alpha } => {
            if x <= 0.0 {
                alpha * x.exp()
            } else {
                1.0
            }
        }
        Unary::Selu { alpha, gamma } => {
            if x <= 0.0 {
                gamma * alpha * x.exp()
            } else {
                gamma
            }
        }
        Unary::Celu { alpha } => {
            if x <= 0.0 {
                (x / alpha).exp()
            } else {
                1.0
            }
        }
        Unary::ThresholdedRelu { alpha } => step(x > alpha, 1.0),
        Unary::Sigmoid => y * (1.0 - y),
        Unary::HardSigmoid { alpha, .. } => step(y > 0.0 && y < 1.0, alpha),
        Unary::HardSwish => {
            if x <= -3.0 {
                0.0
            } else if x < 3.0 {
                x / 3.0 + 0.5
            } else {
                1.0
            }
        }
        Unary::Swish { alpha } => {
            let s = sigmoid(alpha * x);
            s + alpha * x * s * (1.0 - s)
        }
        Unary::Tanh => 1.0 - y * y,
        Unary::Softplus => sigmoid(x),
        Unary::Softsign => (1.0 + x.abs()).powi(-2),
        Unary::Gelu { tanh: false } => {
            const SCALE: f32 = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2 * 0.5;
            // The function is x times the normal distribution.
            let share = if x == 0.0 { 0.5 } else { y / x };
            share + x * SCALE * (-0.5 * x * x).exp()
        }
        Unary::Gelu { tanh: true } => {
            const ROOT: f32 = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2;
            let t = ((x + x * x * x * 0.044_715) * ROOT).tanh();
            0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * ROOT * (1.0 + 3.0 * 0.044_715 * x * x)
        }
        Unary::Erf => std::f32::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
        Unary::Mish => {
            let t = (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh();
            t + x * sigmoid(x) * (1.0 - t * t)
        }
        Unary::Clip { min, max } => step(x >= min && x <= max, 1.0),
        Unary::Sqrt => 0.5 / y,
        Unary::Reciprocal => -y * y,
        Unary::Exp => y,
        Unary::Log => x.recip(),
        Unary::Neg => -1.0,
        Unary::Abs => {
            if x == 0.0 {
                0.0
            } else {
                x.signum()
            }
        }
        Unary::Sin => x.cos(),
        Unary::Cos => -x.sin(),
        Unary::Tan => 1.0 + y * y,
        Unary::Asin => (1.0 - x * x).sqrt().recip(),
        Unary::Acos => -(1.0 - x * x).sqrt().recip(),
        Unary::Atan => (1.0 + x * x).recip(),
        Unary::Sinh => x.cosh(),
        Unary::Cosh => x.sinh(),
        Unary::Asinh => (1.0 + x * x).sqrt().recip(),
        Unary::Acosh => (x * x - 1.0).sqrt().recip(),
        Unary::Atanh => (1.0 - x * x).recip(),
        Unary::SparsePlus => ((x + 1.0) * 0.5).clamp(0.0, 1.0),
        Unary::SquarePlus { b } => 0.5 + 0.5 * x / (x * x + b).sqrt(),
        Unary::TanhShrink => x.tanh().powi(2),
        Unary::Power { exponent } => exponent * x.powf(exponent - 1.0),
        Unary::Shrink { lambd, .. } => step(x.abs() > lambd, 1.0),
        Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Round | Unary::Sign | Unary::Not => 0.0,
        Unary::IsNan | Unary::IsInf { .. } => 0.0,
    }
}

/// Returns the gradients of both operands, if they are `wanted`.
pub(super) fn binary(
    function: Binary,
    a: &Flat<'_>,
    b: &Flat<'_>,
    y: &Flat<'_>,
    g: &Flat<'_>,
    wanted: &[bool],
) -> Vec<Option<Flat<'static>>> {
    if a.shape == b.shape {
        if function == Binary::Add {
            return wanted.iter().map(|&wanted| wanted.then(|| a.with(g.rows(a.extent).into_owned()))).collect();
        }
        let (b_rows, y, g) = (b.rows(a.extent), y.rows(a.extent), g.rows(a.extent));
        let terms = || a.data.iter().zip(&*b_rows).zip(y.iter().zip(&*g));
        let of = |first: bool| {
            let slope = |((&a, &b), (&y, &g)): ((&f32, &f32), (&f32, &f32))| flow(slopes(function, a, b, y, first), g);
            a.with(terms().map(slope).collect())
        };
        return [true, false].into_iter().zip(wanted).map(|(first, &wanted)| wanted.then(|| of(first))).collect();
    }
    let shape = &*y.shape;
    let (left, right) = (broadcast(&a.shape, shape), broadcast(&b.shape, shape));
    let (a_all, b_all, y_all, g_all) = (a.elements(), b.elements(), y.elements(), g.elements());
    let of = |first: bool| {
        let terms = left.iter().zip(&right).zip(y_all.iter().zip(&*g_all));
        let full: Vec<f32> = terms
            .map(|((&left, &right), (&y, &g))| flow(slopes(function, a_all[left], b_all[right], y, first), g))
            .collect();
        unbroadcast(&full, shape, if first { &a.shape } else { &b.shape })
    };
    [true, false].into_iter().zip(wanted).map(|(first, &wanted)| wanted.then(|| of(first))).collect()
}

/// Returns the slope of the function along its first or its second operand.
#[inline(always)]
fn slopes(function: Binary, a: f32, b: f32, y: f32, first: bool) -> f32 {
    let wins = |one: f32, other: f32| {
        if one == other {
            0.5
        } else if one > other {
            1.0
        } else {
            0.0
        }
    };
    match (function, first) {
        (Binary::Add, _) | (Binary::Sub | Binary::Mod, true) => 1.0,
        (Binary::Sub, false) => -1.0,
        (Binary::Mul, true) => b,
        (Binary::Mul, false) => a,
        (Binary::Div, true) => b.recip(),
        (Binary::Div, false) => -y / b,
        (Binary::Pow, true) if b == 0.0 => 0.0,
        (Binary::Pow, true) => b * a.powf(b - 1.0),
        (Binary::Pow, false) if a == 0.0 => 0.0,
        (Binary::Pow, false) => y * a.ln(),
        (Binary::Max, true) => wins(a, b),
        (Binary::Max, false) => wins(b, a),
        (Binary::Min, true) => wins(b, a),
        (Binary::Min, false) => wins(a, b),
        (Binary::Mod, false) => -(a / b).trunc(),
        // Truth values are steps.
        _ => 0.0,
    }
}

/// Returns the gradients of `x` and of the slope.
pub(super) fn prelu(x: &Flat<'_>, slope: &Flat<'_>, g: &Flat<'_>, wanted: &[bool]) -> Vec<Option<Flat<'static>>> {
    let places = broadcast(&slope.shape, &x.shape);
    let (x_all, slope_all, g_all) = (x.elements(), slope.elements(), g.elements());
    let terms = || x_all.iter().zip(&places).zip(&*g_all);
    let of_x = || terms().map(|((&x, &at), &g)| flow(if x > 0.0 { 1.0 } else { slope_all[at] }, g)).collect();
    let of_slope = || {
        let full: Vec<f32> = terms().map(|((&x, _), &g)| flow(if x > 0.0 { 0.0 } else { x }, g)).collect();
        unbroadcast(&full, &x.shape, &slope.shape)
    };
    vec![wanted[0].then(|| Flat::new(&x.shape, of_x())), wanted[1].then(of_slope)]
}

/// Returns the gradients of the condition, which has none, and of the two choices.
pub(super) fn choice(x: &[Flat<'_>], y: &Flat<'_>, g: &Flat<'_>, wanted: &[bool]) -> Vec<Option<Flat<'static>>> {
    let (condition, g_all) = (x[0].elements(), g.elements());
    let places = broadcast(&x[0].shape, &y.shape);
    let of = |chosen: bool, shape: &[usize]| {
        let full: Vec<f32> = places
            .iter()
            .zip(&*g_all)
            .map(|(&at, &g)| if (condition[at] != 0.0) == chosen { g } else { 0.0 })
            .collect();
        unbroadcast(&full, &y.shape, shape)
    };
    vec![None, wanted[1].then(|| of(true, &x[1].shape)), wanted[2].then(|| of(false, &x[2].shape))]
}
