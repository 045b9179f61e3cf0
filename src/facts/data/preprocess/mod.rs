//! From an image to a network's input.

mod choice;
mod first;
mod input;
mod number;
#[cfg(test)]
mod tests;
mod values;

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

pub use choice::PreprocessChoice;
pub use first::FirstLayers;
pub use input::{InputShape, InputSize};
pub use number::{Numbers, Scale};
pub use values::{Color, Normalise, Pixels, Values};

use super::{Image, Resize, Sizing};
use crate::graph::HostTensor;
use crate::named::Named;
use crate::{Error, Result};

/// From an image to a network's input: [`Sizing`] to the input's size, then [`Values`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Pixel values.
    pub normalise: Values,
    /// Size.
    #[serde(flatten)]
    pub sizing: Sizing,
    /// How the images got the input's size before, where they were prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Sizing>,
}

impl Preprocess {
    /// The known ways `normalise` and `resize`.
    pub fn known(normalise: Normalise, resize: Resize) -> Self {
        Self { normalise: normalise.into(), sizing: resize.into(), prepared: None }
    }

    /// Makes sure that images can become an input of shape `shape`.
    ///
    /// # Errors
    /// As [`Preprocess::apply`], whatever the image.
    pub fn check_input(&self, shape: &[usize]) -> Result<()> {
        let InputShape { channels, height, width, .. } = layout(shape)?;
        Table::new(&self.normalise, channels)?;
        self.sizing.check_size(width, height)
    }

    /// Makes the input of shape `shape` ([`InputShape::of`]). One channel takes the luminance (ITU-R BT.601, as Pillow's "L").
    ///
    /// # Errors
    /// Where no image fits `shape`, the image cannot be resized to it ([`Sizing::apply`]), or the means and deviations are for
    /// another number of channels.
    pub fn apply(&self, image: &Image, shape: &[usize]) -> Result<HostTensor> {
        let layout = layout(shape)?;
        let (values, channels) = (Table::new(&self.normalise, layout.channels)?, layout.channels);
        let rgb = self.sizing.apply(image, layout.width, layout.height)?;
        let mut data = vec![0.0; rgb.len() / 3 * channels];
        let plane = layout.height * layout.width;
        for (position, pixel) in rgb.chunks_exact(3).enumerate() {
            let bytes = values.bytes([pixel[0], pixel[1], pixel[2]]);
            for (channel, byte) in bytes.into_iter().take(channels).enumerate() {
                let index =
                    if layout.channels_last { position * channels + channel } else { channel * plane + position };
                data[index] = values.values[channel][usize::from(byte)];
            }
        }
        HostTensor::new(shape, data)
    }
}

/// The reading of an input's shape.
fn layout(shape: &[usize]) -> Result<InputShape> {
    InputShape::of(shape).ok_or_else(|| {
        Error::request(format_args!(
            "an image fits an input of shape 1 x C x H x W or 1 x H x W x C with 1, 3 or 4 channels, 1 x H x W, or 1 x N with the \
             pixels of a square, the model's is {shape:?}"
        ))
    })
}

impl Display for Preprocess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; ", self.normalise)?;
        let Some(prepared) = self.prepared else { return write!(formatter, "{}", self.sizing) };
        write!(formatter, "{prepared}, as prepared")?;
        // This leaves images of the input's size as they are.
        if self.sizing != Sizing::from(Resize::Stretch) {
            write!(formatter, ", then {}", self.sizing)?;
        }
        Ok(())
    }
}

/// The input value of each pixel value, for each channel.
struct Table {
    color: Color,
    values: Vec<[f32; 256]>,
}

impl Table {
    fn new(values: &Values, channels: usize) -> Result<Self> {
        let Pixels { color, scale, mean, std } = values.pixels();
        let (Some(means), Some(stds)) = (mean.of(channels), std.of(channels)) else {
            return Err(wrong_channels(values, channels));
        };
        if channels == 1 && color == Color::Bgr {
            return Err(wrong_channels(values, channels));
        }
        // As PyTorch and Keras compute it: each step in float32.
        let value = |byte: usize, channel: usize| {
            let scaled = (byte as f64 * scale.factor()) as f32;
            (scaled - means[channel]) / stds[channel]
        };
        let values = (0..channels).map(|channel| std::array::from_fn(|byte| value(byte, channel))).collect();
        Ok(Self { color: if channels == 1 { Color::Gray } else { color }, values })
    }

    /// The pixel values in the order of the input's channels; the last is alpha.
    fn bytes(&self, rgb @ [red, green, blue]: [u8; 3]) -> [u8; 4] {
        match self.color {
            Color::Rgb => [red, green, blue, u8::MAX],
            Color::Bgr => [blue, green, red, u8::MAX],
            Color::Gray => {
                let grey = luminance(rgb);
                [grey, grey, grey, u8::MAX]
            }
        }
    }
}

fn wrong_channels(values: &Values, channels: usize) -> Error {
    let input = match channels {
        1 => "one".to_owned(),
        _ => channels.to_string(),
    };
    match values {
        Values::Known(known) => Error::request(format_args!(
            "the preprocessing {} is defined for three channels, the model's input has {input}; --mean and --std state \
             the numbers of others",
            known.name()
        )),
        Values::Own(pixels) => Error::request(format_args!(
            "--mean {}, --std {} and --color {} do not fit the model's input, which has {input} channel{}; one number holds for \
             all channels",
            pixels.mean,
            pixels.std,
            pixels.color.name(),
            if channels == 1 { "" } else { "s" }
        )),
    }
}

/// ITU-R BT.601 luma in 16-bit fixed point, rounded, which gives Pillow's values.
fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
    ((sum + 0x8000) >> 16) as u8
}
