//! Functions of elements: of one, of two, of many.

use serde::{Deserialize, Serialize};

use super::float;

/// Functions of one element.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each is the ONNX operator of that name, its attributes under their ONNX names, where nothing else is said"
)]
pub enum Unary {
    Relu,
    /// Keras' ReLU: `slope * (x - threshold)` up to the threshold, beyond it `x`, but `max` at most.
    ClippedRelu {
        #[serde(with = "float")]
        max: f32,
        slope: f32,
        threshold: f32,
    },
    LeakyRelu {
        alpha: f32,
    },
    Elu {
        alpha: f32,
    },
    Selu {
        alpha: f32,
        gamma: f32,
    },
    Celu {
        alpha: f32,
    },
    ThresholdedRelu {
        alpha: f32,
    },
    Sigmoid,
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    HardSwish,
    Swish {
        alpha: f32,
    },
    Tanh,
    Softplus,
    Softsign,
    Gelu {
        tanh: bool,
    },
    Erf,
    Mish,
    Clip {
        #[serde(with = "float")]
        min: f32,
        #[serde(with = "float")]
        max: f32,
    },
    Sqrt,
    Reciprocal,
    Exp,
    Log,
    Neg,
    Abs,
    Floor,
    Ceil,
    /// To the nearest whole number towards 0, as a cast to an integer.
    Trunc,
    /// To the nearest whole number, halves to the even one.
    Round,
    Sign,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Asinh,
    Acosh,
    Atanh,
    /// `x` to this power.
    Power {
        exponent: f32,
    },
    /// 0 up to -1, `x` from 1 on, a parabola between.
    SparsePlus,
    /// `(x + sqrt(x * x + b)) / 2`.
    SquarePlus {
        b: f32,
    },
    /// `x - tanh(x)`.
    TanhShrink,
    /// 1 for a NaN, otherwise 0.
    IsNan,
    /// 1 for an infinity of a sign that is asked for, otherwise 0.
    IsInf {
        negative: bool,
        positive: bool,
    },
    Shrink {
        bias: f32,
        lambd: f32,
    },
    /// 1 for 0, otherwise 0.
    Not,
}

/// Functions of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the ONNX operator of that name; truth values are 1 and 0")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Max,
    Min,
    /// The remainder with the sign of the first element (C's `fmod`).
    Mod,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    And,
    Or,
    Xor,
}

/// How [`Op::Reduce`] makes one element of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Reduction {
    Mean,
    Sum,
    Max,
    Min,
    Prod,
    /// Sum of absolute values.
    L1,
    /// Square root of the sum of squares.
    L2,
    SumSquare,
    LogSum,
    LogSumExp,
}
