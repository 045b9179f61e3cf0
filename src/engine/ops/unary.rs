//! Functions of one element.
//!
//! The formulas are those of the ONNX operators. Branches use comparisons, which are false for NaN. Each function is
//! written so that the branch taken by a NaN returns the NaN.

use burn::tensor::{Tensor, activation};
use facts::graph::Unary;

use super::Array;
use super::binary::power;

pub(super) fn unary(function: Unary, x: &Array) -> Array {
    Array::new(x.shape(), evaluate(function, x.tensor([x.elements()])))
}

fn evaluate(function: Unary, x: Tensor<1>) -> Tensor<1> {
    match function {
        Unary::Relu => activation::relu(x),
        Unary::ClippedRelu { max, slope, threshold } => {
            let below = x.clone().lower_equal_scalar(threshold);
            let low = x.clone().sub_scalar(threshold).mul_scalar(slope);
            clip(x, f32::NEG_INFINITY, max).mask_where(below, low)
        }
        Unary::LeakyRelu { alpha } => {
            let negative = x.clone().lower_scalar(0.0);
            x.clone().mask_where(negative, x.mul_scalar(alpha))
        }
        Unary::Elu { alpha } => elu(x, alpha, 1.0),
        Unary::Selu { alpha, gamma } => elu(x, alpha, 1.0).mul_scalar(gamma),
        Unary::Celu { alpha } => elu(x, alpha, alpha),
        // ONNX gives 0 where x is not greater than alpha, which would remove a NaN. PyTorch keeps the NaN.
        Unary::ThresholdedRelu { alpha } => {
            let below = x.clone().lower_equal_scalar(alpha);
            x.mask_fill(below, 0.0)
        }
        Unary::Sigmoid => activation::sigmoid(x),
        Unary::HardSigmoid { alpha, beta } => hard_sigmoid(x, alpha, beta),
        Unary::HardSwish => x.clone() * hard_sigmoid(x, 1.0 / 6.0, 0.5),
        Unary::Swish { alpha } => x.clone() * activation::sigmoid(x.mul_scalar(alpha)),
        // Some GPU drivers clamp their tanh, and a NaN with it.
        Unary::Tanh => x.clone().tanh().mask_where(x.clone().is_nan(), x),
        Unary::Softplus => softplus(x),
        Unary::Softsign => x.clone() / x.abs().add_scalar(1.0),
        Unary::Gelu { tanh: false } => activation::gelu(x),
        Unary::Gelu { tanh: true } => activation::gelu_approximate(x),
        Unary::Erf => x.erf(),
        Unary::Mish => x.clone() * softplus(x).tanh(),
        Unary::Clip { min, max } => clip(x, min, max),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Neg => x.neg(),
        Unary::Abs => x.abs(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Trunc => x.trunc(),
        Unary::Round => x.round(),
        Unary::Sign => x.sign(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Power { exponent } => powers(x, exponent),
        Unary::SparsePlus => {
            let (low, high) = (x.clone().lower_equal_scalar(-1.0), x.clone().greater_equal_scalar(1.0));
            let near = x.clone().add_scalar(1.0);
            (near.clone() * near).mul_scalar(0.25).mask_fill(low, 0.0).mask_where(high, x)
        }
        Unary::SquarePlus { b } => (x.clone() + (x.clone() * x).add_scalar(b).sqrt()).mul_scalar(0.5),
        Unary::TanhShrink => x.clone() - x.tanh(),
        Unary::IsNan => x.is_nan().float(),
        Unary::IsInf { negative, positive } => {
            let none = x.clone().is_nan().bool_and(x.clone().is_finite());
            let low = if negative { x.clone().equal_scalar(f32::NEG_INFINITY) } else { none.clone() };
            let high = if positive { x.equal_scalar(f32::INFINITY) } else { none };
            low.bool_or(high).float()
        }
        Unary::Shrink { bias, lambd } => {
            let (low, high) = (x.clone().lower_scalar(-lambd), x.clone().greater_scalar(lambd));
            let (inside, nan) = (low.clone().bool_or(high.clone()).bool_not(), x.clone().is_nan());
            let y = x.clone().mask_where(low, x.clone().add_scalar(bias)).mask_where(high, x.clone().sub_scalar(bias));
            y.mask_fill(inside, 0.0).mask_where(nan, x)
        }
        Unary::Not => x.equal_scalar(0.0).float(),
    }
}

/// Computes powers, with the NaN that they have.
fn powers(x: Tensor<1>, exponent: f32) -> Tensor<1> {
    let exponents = Tensor::<1>::full([1], exponent, &x.device()).expand(x.dims());
    power(x, exponents)
}

/// Computes `x` where x is positive, otherwise `alpha * (exp(x / width) - 1)`.
fn elu(x: Tensor<1>, alpha: f32, width: f32) -> Tensor<1> {
    let negative = x.clone().lower_equal_scalar(0.0);
    let scaled = if width == 1.0 { x.clone() } else { x.clone().div_scalar(width) };
    x.mask_where(negative, scaled.exp().sub_scalar(1.0).mul_scalar(alpha))
}

fn hard_sigmoid(x: Tensor<1>, alpha: f32, beta: f32) -> Tensor<1> {
    clip(x.mul_scalar(alpha).add_scalar(beta), 0.0, 1.0)
}

/// Computes `log(1 + exp(x))` in a form without an overflowing exponential.
fn softplus(x: Tensor<1>) -> Tensor<1> {
    activation::relu(x.clone()) + x.abs().neg().exp().log1p()
}

/// The upper bound applies if it is the smaller one, as in ONNX (burn's `clamp` would panic).
fn clip(x: Tensor<1>, min: f32, max: f32) -> Tensor<1> {
    let x = if min == f32::NEG_INFINITY { x } else { x.clamp_min(min) };
    if max == f32::INFINITY { x } else { x.clamp_max(max) }
}
