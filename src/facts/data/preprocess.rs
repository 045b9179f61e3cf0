//! From an image to a network's input.

use serde::{Deserialize, Serialize};

use super::{Image, Resize};
use crate::graph::HostTensor;
use crate::named::{Name, Named};
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

impl Named for Normalise {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Unit, Name::new("unit", "x / 255 (unit)", "x / 255")),
        (Self::Byte, Name::new("byte", "x, 0 to 255 (byte)", "x, 0 to 255")),
        (Self::Tf, Name::new("tf", "x / 127.5 − 1 (tf)", "x / 127.5 - 1")),
        (
            Self::Torch,
            Name::new(
                "torch",
                "ImageNet mean and deviation (torch)",
                "(x / 255 - mean) / standard deviation, of ImageNet",
            ),
        ),
        (Self::Caffe, Name::new("caffe", "BGR minus ImageNet mean (caffe)", "BGR, minus the means of ImageNet")),
        (Self::Lite, Name::new("lite", "(x − 127) / 128 (lite)", "(x - 127) / 128")),
    ];
}

/// From an image to a network's input: [`Resize`] to the input size, then [`Normalise`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Pixel values.
    pub normalise: Normalise,
    /// Size. Files that do not say are of a time when there was one way.
    #[serde(default)]
    pub resize: Resize,
}

/// Where the channels of an input tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InputShape {
    channels: usize,
    height: usize,
    width: usize,
    channels_last: bool,
}

impl InputShape {
    fn of(shape: &[usize]) -> Option<Self> {
        match *shape {
            [1, channels @ (1 | 3), height, width] => Some(Self { channels, height, width, channels_last: false }),
            [1, height, width, channels @ (1 | 3)] => Some(Self { channels, height, width, channels_last: true }),
            _ => None,
        }
    }
}

impl Preprocess {
    /// Makes the input of shape `shape`: 1 x 3 x H x W or 1 x H x W x 3, or with one channel, which takes the
    /// luminance (ITU-R BT.601, as Pillow's "L"). Where both readings fit, channels come first.
    ///
    /// # Errors
    /// Where `shape` is neither, the image cannot be resized to it ([`Resize::apply`]), or a single channel is asked for
    /// under a normalisation that is defined for three.
    pub fn apply(&self, image: &Image, shape: &[usize]) -> Result<HostTensor> {
        let layout = InputShape::of(shape).ok_or_else(|| {
            Error::request(format_args!(
                "an image fits an input of shape 1 x C x H x W or 1 x H x W x C with 1 or 3 channels, the model's is {shape:?}"
            ))
        })?;
        if layout.channels == 1 && matches!(self.normalise, Normalise::Torch | Normalise::Caffe) {
            return Err(Error::request(format_args!(
                "the preprocessing {:?} is defined for three channels, the model's input has one",
                self.normalise
            )));
        }
        let rgb = self.resize.apply(image, layout.width, layout.height)?;
        let mut data = vec![0.0; rgb.len() / 3 * layout.channels];
        let plane = layout.height * layout.width;
        for (position, pixel) in rgb.chunks_exact(3).enumerate() {
            let values = self.normalise.pixel([pixel[0], pixel[1], pixel[2]], layout.channels);
            for (channel, &value) in values[..layout.channels].iter().enumerate() {
                let index = if layout.channels_last {
                    position * layout.channels + channel
                } else {
                    channel * plane + position
                };
                data[index] = value;
            }
        }
        HostTensor::new(shape, data)
    }
}

impl Normalise {
    /// Input values of one pixel; only the first counts where there is one channel.
    fn pixel(self, rgb: [u8; 3], channels: usize) -> [f32; 3] {
        const TORCH_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
        const TORCH_STD: [f32; 3] = [0.229, 0.224, 0.225];
        const CAFFE_MEAN_BGR: [f32; 3] = [103.939, 116.779, 123.68];
        let values = if channels == 1 { [luminance(rgb); 3] } else { rgb }.map(f32::from);
        match self {
            Self::Unit => values.map(|x| x / 255.0),
            Self::Byte => values,
            Self::Tf => values.map(|x| x / 127.5 - 1.0),
            Self::Torch => std::array::from_fn(|c| (values[c] / 255.0 - TORCH_MEAN[c]) / TORCH_STD[c]),
            Self::Caffe => std::array::from_fn(|c| values[2 - c] - CAFFE_MEAN_BGR[c]),
            Self::Lite => values.map(|x| (x - 127.0) / 128.0),
        }
    }
}

/// ITU-R BT.601 luma in 16-bit fixed point, rounded, which gives Pillow's values.
fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
    ((sum + 0x8000) >> 16) as u8
}
