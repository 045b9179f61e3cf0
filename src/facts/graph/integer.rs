//! Operators on integers, with the scales that say what the integers mean.
//!
//! The tensors of these operators hold the integers themselves; a scale and a zero point are tensors of their own, so that
//! faults can strike them. An integer `q` means `(q - zero) * scale`.

use serde::{Deserialize, Serialize};

use super::{Conv, Pool, Unary};
use crate::format::Format;

/// An operator on integers; inputs as [`Integer::roles`] lists them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integer {
    /// What it computes.
    pub function: IntegerFunction,
    /// The role of each input.
    pub roles: Vec<Role>,
    /// The integers of the first tensor.
    pub input: Format,
    /// The output: sums of 32 bits ([`Format::I32`]), sums times the scales ([`Format::F32`]), or integers of 8 bits.
    pub output: Format,
}

/// What an [`Integer`] computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IntegerFunction {
    /// Convolution of the first tensor with the second.
    Conv(Conv),
    /// Matrix product as numpy's `matmul`.
    MatMul,
    /// `alpha * A' * B' + bias`.
    Gemm {
        /// Factor of the product.
        alpha: f32,
        /// Use the transpose of `a`.
        trans_a: bool,
        /// Use the transpose of `b`.
        trans_b: bool,
    },
    /// Sum of two tensors, with broadcasting.
    Add,
    /// Product of two tensors, with broadcasting.
    Mul,
    /// Function of each element.
    Unary(Unary),
    /// Mean over height and width, which keep length 1.
    GlobalAveragePool,
    /// Mean of each window.
    AveragePool {
        /// Window.
        pool: Pool,
        /// Count padding in the divisor.
        count_include_pad: bool,
    },
    /// Joined along `axis`.
    Concat {
        /// Axis.
        axis: usize,
    },
    /// Softmax along the axes from `axis` on, up to `end`.
    Softmax {
        /// First axis.
        axis: usize,
        /// First axis after.
        end: usize,
    },
}

/// What an input of an [`Integer`] is. A scale, zero point or bias belongs to the last tensor before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A tensor of integers.
    Tensor,
    /// Its scale.
    Scale,
    /// Its zero point; 0 where it is left out.
    Zero,
    /// Added to the sums: integers in units of the product of the two scales.
    Bias,
    /// The scale of the output.
    OutputScale,
    /// The zero point of the output.
    OutputZero,
}

/// The inputs of an operand or of the output, by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scaled {
    /// The tensor; of the output there is none.
    pub tensor: usize,
    /// Its scale.
    pub scale: Option<usize>,
    /// Its zero point.
    pub zero: Option<usize>,
}

impl Integer {
    /// The tensors in order, each with its scale and its zero point.
    pub fn operands(&self) -> Vec<Scaled> {
        let mut found: Vec<Scaled> = Vec::new();
        for (index, role) in self.roles.iter().enumerate() {
            match (role, found.last_mut()) {
                (Role::Tensor, _) => found.push(Scaled { tensor: index, ..Scaled::default() }),
                (Role::Scale, Some(last)) => last.scale = Some(index),
                (Role::Zero, Some(last)) => last.zero = Some(index),
                _ => {}
            }
        }
        found
    }

    /// The index of the input with this role, for those that an operator has once.
    pub fn input(&self, role: Role) -> Option<usize> {
        self.roles.iter().position(|own| *own == role)
    }

    /// The smallest and the largest integer of the output.
    pub fn bounds(&self) -> (f32, f32) {
        bounds(self.output)
    }
}

/// The smallest and the largest integer of a format of few bits.
pub fn bounds(format: Format) -> (f32, f32) {
    let half = 2f32.powi(i32::from(format.width()) - 1);
    match format {
        Format::U8 | Format::U16 | Format::U4 => (0.0, 2.0 * half - 1.0),
        _ => (-half, half - 1.0),
    }
}
