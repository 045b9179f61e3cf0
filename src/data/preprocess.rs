//! From an image to a network's input.

use serde::{Deserialize, Serialize};

use super::Image;
use crate::graph::HostTensor;
use crate::{Error, Result};

/// How pixel values become input values (names of `--preprocess`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// x / 255.
    #[default]
    Unit,
    /// x, 0 to 255.
    Byte,
    /// x / 127.5 - 1 (Keras "tf").
    Tf,
    /// (x / 255 - mean) / standard deviation, ImageNet's (Keras "torch", torchvision).
    Torch,
    /// BGR, minus ImageNet's means 103.939, 116.779, 123.68 (Keras "caffe").
    Caffe,
    /// (x - 127) / 128 (EfficientNet-Lite).
    Lite,
}

/// From an image to a network's input: a bilinear resize of the whole image to the input size, then [`Normalise`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Pixel values.
    pub normalise: Normalise,
}

impl Preprocess {
    /// Makes the input of shape `shape` (1 x 3 x H x W or 1 x 1 x H x W, which takes the luminance).
    ///
    /// # Errors
    /// Where `shape` is neither.
    pub fn apply(&self, image: &Image, shape: &[usize]) -> Result<HostTensor> {
        let _ = image;
        Err(Error::request(format_args!("todo {shape:?}")))
    }
}
