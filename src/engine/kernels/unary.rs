//! Functions of one element.
//!
//! Branches use comparisons, which are false for NaN. Each function is written so that the branch taken by a NaN
//! returns the NaN.

use facts::graph::Unary;

use super::band::in_bands;
use super::{Job, Kernel, Region, functions};
use crate::platform::{self, Vector, Vectorised};

/// A function of one element.
#[derive(Debug)]
pub(super) struct Elementwise {
    pub function: Unary,
    pub channels: usize,
}

impl Kernel for Elementwise {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let function = self.function;
        in_bands(jobs, self.channels, |band| {
            band.each(|x, out| platform::vectorised(Map { function, x, out }));
        });
    }
}

struct Map<'a> {
    function: Unary,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Map<'_> {
    #[inline(always)]
    fn each(self, function: impl Fn(f32) -> f32) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = function(x);
        }
    }
}

impl Vectorised for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let fused = V::FUSED;
        let exp = |x: f32| functions::exp(fused, x);
        let tanh = |x: f32| functions::tanh(fused, x);
        let sigmoid = |x: f32| functions::sigmoid(fused, x);
        let elu = |x: f32, alpha: f32, width: f32| if x <= 0.0 { (exp(x / width) - 1.0) * alpha } else { x };
        match self.function {
            Unary::Relu => self.each(relu),
            Unary::ClippedRelu { max, slope, threshold } => {
                self.each(|x| if x <= threshold { (x - threshold) * slope } else { at_most(x, max) });
            }
            Unary::LeakyRelu { alpha } => self.each(|x| if x < 0.0 { x * alpha } else { x }),
            Unary::Elu { alpha } => self.each(|x| elu(x, alpha, 1.0)),
            Unary::Selu { alpha, gamma } => self.each(|x| elu(x, alpha, 1.0) * gamma),
            Unary::Celu { alpha } => self.each(|x| elu(x, alpha, alpha)),
            Unary::ThresholdedRelu { alpha } => self.each(|x| if x <= alpha { 0.0 } else { x }),
            Unary::Sigmoid => self.each(sigmoid),
            Unary::HardSigmoid { alpha, beta } => self.each(|x| hard_sigmoid(x, alpha, beta)),
            Unary::HardSwish => self.each(|x| x * hard_sigmoid(x, 1.0 / 6.0, 0.5)),
            Unary::Swish { alpha } => self.each(|x| x * sigmoid(x * alpha)),
            Unary::Tanh => self.each(tanh),
            Unary::Softplus => self.each(softplus),
            Unary::Softsign => self.each(|x| x / (x.abs() + 1.0)),
            Unary::Gelu { tanh: true } => self.each(|x| gelu_by_tanh(x, tanh)),
            Unary::Gelu { tanh: false } => self.each(|x| functions::gelu(fused, x)),
            Unary::Erf => self.each(|x| functions::erf(fused, x)),
            Unary::Mish => self.each(|x| x * tanh(softplus(x))),
            Unary::Clip { min, max } => self.each(|x| at_most(if x < min { min } else { x }, max)),
            Unary::Sqrt => self.each(f32::sqrt),
            Unary::Reciprocal => self.each(f32::recip),
            Unary::Exp => self.each(exp),
            Unary::Log => self.each(f32::ln),
            Unary::Neg => self.each(|x| -x),
            Unary::Abs => self.each(f32::abs),
            Unary::Floor => self.each(f32::floor),
            Unary::Ceil => self.each(f32::ceil),
            Unary::Trunc => self.each(f32::trunc),
            Unary::Round => self.each(f32::round_ties_even),
            Unary::Sign => self.each(|x| {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    x + 0.0
                }
            }),
            Unary::Sin => self.each(f32::sin),
            Unary::Cos => self.each(f32::cos),
            Unary::Tan => self.each(f32::tan),
            Unary::Asin => self.each(f32::asin),
            Unary::Acos => self.each(f32::acos),
            Unary::Atan => self.each(f32::atan),
            Unary::Sinh => self.each(f32::sinh),
            Unary::Cosh => self.each(f32::cosh),
            Unary::Asinh => self.each(f32::asinh),
            Unary::Acosh => self.each(f32::acosh),
            Unary::Atanh => self.each(f32::atanh),
            Unary::Power { exponent } => self.each(|x| x.powf(exponent)),
            Unary::SparsePlus => self.each(|x| {
                if x <= -1.0 {
                    0.0
                } else if x >= 1.0 {
                    x
                } else {
                    (x + 1.0) * (x + 1.0) * 0.25
                }
            }),
            Unary::SquarePlus { b } => self.each(|x| (x + (x * x + b).sqrt()) * 0.5),
            Unary::TanhShrink => self.each(|x| x - tanh(x)),
            Unary::IsNan => self.each(|x| f32::from(x.is_nan())),
            Unary::IsInf { negative, positive } => {
                self.each(|x| f32::from(x.is_infinite() && if x > 0.0 { positive } else { negative }))
            }
            Unary::Shrink { bias, lambd } => self.each(|x| shrink(x, bias, lambd)),
            Unary::Not => self.each(|x| if x == 0.0 { 1.0 } else { 0.0 }),
        }
    }
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    if x <= 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn shrink(x: f32, bias: f32, lambd: f32) -> f32 {
    if x < -lambd {
        x + bias
    } else if x > lambd {
        x - bias
    } else if x.is_nan() {
        x
    } else {
        0.0
    }
}

#[inline(always)]
fn at_most(x: f32, max: f32) -> f32 {
    if x > max { max } else { x }
}

#[inline(always)]
fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> f32 {
    let y = x * alpha + beta;
    at_most(relu(y), 1.0)
}

/// `log(1 + exp(x))`, in a form without an overflowing exponential.
#[inline(always)]
fn softplus(x: f32) -> f32 {
    relu(x) + (-x.abs()).exp().ln_1p()
}

#[inline(always)]
fn gelu_by_tanh(x: f32, tanh: impl Fn(f32) -> f32) -> f32 {
    const SQRT_2_OVER_PI: f32 = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2;
    let inner = (x + x * x * x * 0.044715) * SQRT_2_OVER_PI;
    x * (tanh(inner) + 1.0) * 0.5
}
