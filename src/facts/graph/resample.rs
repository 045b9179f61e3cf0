//! Settings of operators that resample, of those on three spatial axes, and of an attention with its projections.

use serde::{Deserialize, Serialize};

use super::{Attention, float};

/// Settings of [`Op::Mix`](super::Op::Mix): what each entry along an axis is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// Axis.
    pub axis: usize,
    /// For each entry of the output, the entries of the input with their shares, added up in this order.
    pub taps: Vec<Vec<(u32, f32)>>,
    /// The value of an entry without taps.
    #[serde(with = "float")]
    pub fill: f32,
}

/// Settings of [`Op::Conv3`](super::Op::Conv3). The axes are depth, height and width.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv3 {
    /// Step; of a transposed convolution the distance between the outputs of neighbouring inputs.
    pub strides: [usize; 3],
    /// Distance between kernel taps.
    pub dilations: [usize; 3],
    /// Zeros before and after the input; of a transposed convolution what is cut off the output.
    pub padding: [(usize, usize); 3],
    /// Groups of channels convolved apart.
    pub groups: usize,
    /// For a transposed convolution, what is added to the output's end.
    pub transposed: Option<[usize; 3]>,
}

/// Settings of [`Op::GridSample`](super::Op::GridSample).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridSample {
    /// How a value between pixels is found.
    pub mode: GridMode,
    /// What lies outside of the image.
    pub outside: Outside,
    /// -1 and 1 are the centres of the corner pixels, not their edges.
    pub align_corners: bool,
}

/// ONNX GridSample `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is ONNX's mode of that name")]
pub enum GridMode {
    Nearest,
    Linear,
    Cubic,
}

/// ONNX GridSample `padding_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outside {
    /// Zeros.
    Zeros,
    /// The nearest pixel of the edge.
    Border,
    /// The image, mirrored at its edges.
    Reflection,
}

/// Settings of [`Op::MultiHead`](super::Op::MultiHead). Queries, keys and values are N x tokens x length; each is multiplied with a
/// matrix, cut into heads, and what the heads see is multiplied with a last matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiHead {
    /// Heads of the queries, and of keys and values.
    pub heads: [usize; 2],
    /// Factor of the products of queries and keys.
    pub scale: f32,
    /// Whether each matrix comes with a bias.
    pub bias: bool,
    /// A query sees the keys up to its own place only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub causal: bool,
    /// Whether a mask is the last input, which chooses the keys that are seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mask: bool,
}

impl MultiHead {
    /// Returns the settings of the attention between the projections.
    pub fn attention(&self) -> Attention {
        Attention {
            heads: Some(self.heads),
            scale: self.scale,
            causal: self.causal,
            softcap: 0.0,
            mask: self.mask,
            selects: self.mask,
        }
    }
}
