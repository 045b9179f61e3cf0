//! From pixel values to input values.

use serde::{Deserialize, Serialize};

use super::number::{Numbers, Scale};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// Known ways from pixel values to input values (names of `--preprocess`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// (x / 255 - mean) / standard deviation, of CIFAR-10's training images.
    Cifar10,
    /// (x / 255 - mean) / standard deviation, of CIFAR-100's training images.
    Cifar100,
    /// (x / 255 - 0.1307) / 0.3081, of MNIST's training images.
    Mnist,
    /// As `torch`. Chosen by its name it is the size, too: [`super::PreprocessChoice`].
    ImagenetTorchvision,
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
        (
            Self::Cifar10,
            Name::new(
                "cifar10",
                "CIFAR-10 mean and deviation (cifar10)",
                "(x / 255 - mean) / standard deviation, of CIFAR-10",
            ),
        ),
        (
            Self::Cifar100,
            Name::new(
                "cifar100",
                "CIFAR-100 mean and deviation (cifar100)",
                "(x / 255 - mean) / standard deviation, of CIFAR-100",
            ),
        ),
        (
            Self::Mnist,
            Name::new("mnist", "MNIST mean and deviation (mnist)", "(x / 255 - 0.1307) / 0.3081, for one channel"),
        ),
        (
            Self::ImagenetTorchvision,
            Name::new(
                "imagenet-torchvision",
                "torchvision's for ImageNet (imagenet-torchvision)",
                "torch, and the size as torchvision's Resize(256) and CenterCrop(224) make it",
            ),
        ),
    ];
}

impl Normalise {
    /// The same in numbers.
    pub fn pixels(self) -> Pixels {
        let pixels = |color, scale, mean: &[f64], std: &[f64]| Pixels {
            color,
            scale,
            mean: Numbers::known(mean),
            std: Numbers::known(std),
        };
        let unit = Scale::over(255.0);
        match self {
            Self::Unit => pixels(Color::Rgb, unit, &[0.0], &[1.0]),
            Self::Byte => pixels(Color::Rgb, Scale::over(1.0), &[0.0], &[1.0]),
            Self::Tf => pixels(Color::Rgb, Scale::over(127.5), &[1.0], &[1.0]),
            Self::Torch | Self::ImagenetTorchvision => {
                pixels(Color::Rgb, unit, &[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225])
            }
            Self::Caffe => pixels(Color::Bgr, Scale::over(1.0), &[103.939, 116.779, 123.68], &[1.0]),
            Self::Lite => pixels(Color::Rgb, Scale::over(1.0), &[127.0], &[128.0]),
            Self::Cifar10 => pixels(Color::Rgb, unit, &[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
            Self::Cifar100 => pixels(Color::Rgb, unit, &[0.5071, 0.4865, 0.4409], &[0.2673, 0.2564, 0.2762]),
            Self::Mnist => pixels(Color::Rgb, unit, &[0.1307], &[0.3081]),
        }
    }
}

/// The order of an input's channels (names of `--color`). An input with one channel takes the luminance in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV reads images.
    Bgr,
    /// The luminance (ITU-R BT.601, as Pillow's "L") in every channel.
    Gray,
}

impl Named for Color {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Rgb, Name::new("rgb", "Red, green, blue", "red, green, blue")),
        (Self::Bgr, Name::new("bgr", "Blue, green, red", "blue, green, red, as OpenCV reads images")),
        (Self::Gray, Name::new("gray", "Grey in every channel", "the luminance in every channel")),
    ];
}

/// The way from pixel values to input values in numbers: `(x * scale - mean) / std`, with x from 0 to 255.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pixels {
    /// Order of the channels.
    pub color: Color,
    /// The factor of pixel values.
    pub scale: Scale,
    /// One number, or one a channel in the input's order.
    pub mean: Numbers,
    /// One number, or one a channel in the input's order.
    pub std: Numbers,
}

impl Pixels {
    /// The same for channels in the order `color`: what belongs to red goes with red.
    #[must_use]
    pub fn reordered(mut self, color: Color) -> Self {
        if matches!((self.color, color), (Color::Rgb, Color::Bgr) | (Color::Bgr, Color::Rgb)) {
            self.mean.reverse();
            self.std.reverse();
        }
        Self { color, ..self }
    }

    /// Makes sure that the numbers belong together.
    ///
    /// # Errors
    /// Where a mean lies outside of the values that it is taken from, or the standard deviation is not positive.
    pub(super) fn check(&self) -> Result<()> {
        let most = 255.0 * self.scale.factor();
        if let Some(mean) = self.mean.list().iter().find(|&&mean| !(0.0..=most).contains(&mean)) {
            return Err(Error::request(format_args!(
                "--mean {mean} lies outside of the pixel values, which are 0 to {most} under --scale {}; a mean of values from 0 \
                 to 255 goes with --scale 1, one of values from 0 to 1 with --scale 1/255",
                self.scale
            )));
        }
        match self.std.list().iter().find(|&&std| std <= 0.0) {
            Some(std) => Err(Error::request(format_args!("--std must be above 0, found {std}"))),
            None => Ok(()),
        }
    }
}

/// How pixel values become input values: by a known way, or in numbers of the user's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// A known way.
    Known(Normalise),
    /// In numbers.
    Own(Pixels),
}

impl Default for Values {
    fn default() -> Self {
        Normalise::default().into()
    }
}

impl From<Normalise> for Values {
    fn from(known: Normalise) -> Self {
        Self::Known(known)
    }
}

impl Values {
    /// In numbers.
    pub fn pixels(&self) -> Pixels {
        match self {
            Self::Known(known) => known.pixels(),
            Self::Own(pixels) => pixels.clone(),
        }
    }
}

impl std::fmt::Display for Values {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(known) => write!(formatter, "{} ({})", known.row().help, known.name()),
            Self::Own(pixels) => write!(formatter, "{pixels}"),
        }
    }
}

impl std::fmt::Display for Pixels {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.color {
            Color::Rgb => {}
            Color::Bgr => write!(formatter, "BGR, ")?,
            Color::Gray => write!(formatter, "grey, ")?,
        }
        let scaled = match self.scale.divisor() {
            Some(1.0) => "x".to_owned(),
            Some(divisor) => format!("x / {divisor}"),
            None => format!("x * {}", self.scale.factor()),
        };
        let (mean, std) = (self.mean.list() != [0.0], self.std.list() != [1.0]);
        match (mean, std) {
            (false, false) => write!(formatter, "{scaled}"),
            (true, false) => write!(formatter, "{scaled} - {}", self.mean.shown()),
            (false, true) => write!(formatter, "({scaled}) / {}", self.std.shown()),
            (true, true) => write!(formatter, "({scaled} - {}) / {}", self.mean.shown(), self.std.shown()),
        }
    }
}
