//! What a user says about preprocessing, in the place of the model file's statement.

use serde::{Deserialize, Serialize};

use super::super::{Crop, Filter, Sizing};
use super::{Color, Normalise, Numbers, Pixels, Preprocess, Resize, Scale, Values};
use crate::named::Named;
use crate::{Error, Result};

/// Statements about preprocessing. The model file decides where all of a group are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreprocessChoice {
    /// A known way.
    pub preset: Option<Normalise>,
    /// Order of the channels.
    pub color: Option<Color>,
    /// The factor of pixel values.
    pub scale: Option<Scale>,
    /// Subtracted from scaled pixel values.
    pub mean: Option<Numbers>,
    /// What is left is divided by it.
    pub std: Option<Numbers>,
    /// The way to the input's size.
    pub resize: Option<Resize>,
    /// How pixels between pixels are made.
    pub filter: Option<Filter>,
    /// Whether a reduction widens the filter.
    pub antialias: Option<bool>,
    /// How much larger the image becomes than the part of its centre that is kept.
    pub crop: Option<Crop>,
}

impl PreprocessChoice {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it says how pixel values become input values.
    pub fn states_values(&self) -> bool {
        let Self { preset, color, scale, mean, std, .. } = self;
        preset.is_some() || color.is_some() || scale.is_some() || mean.is_some() || std.is_some()
    }

    /// The preprocessing with these statements in the place of those of `own`.
    ///
    /// Scale, mean and deviation belong together: where one of them is stated, the others are 1/255, 0 and 1 unless they are
    /// stated, too. A new way to the size takes its own filter and crop along.
    ///
    /// # Errors
    /// Where the statements contradict one another.
    pub fn over(&self, own: &Preprocess) -> Result<Preprocess> {
        let Self { preset, color, scale, mean, std, resize, filter, antialias, crop } = self.clone();
        let numbers = scale.is_some() || mean.is_some() || std.is_some();
        let mut made = own.clone();
        if let Some(preset) = preset {
            if numbers {
                return Err(Error::request(format_args!(
                    "--preprocess {} states scale, mean and deviation itself; leave it out to state --scale, --mean or --std",
                    preset.name()
                )));
            }
            made.normalise = preset.into();
        }
        if preset == Some(Normalise::ImagenetTorchvision) {
            made = Preprocess::torchvision();
        }
        if numbers {
            let color = color.unwrap_or(made.normalise.pixels().color);
            let mean = mean.unwrap_or_default();
            let std = std.unwrap_or_else(|| Numbers::known(&[1.0]));
            let pixels = Pixels { color, scale: scale.unwrap_or_default(), mean, std };
            pixels.check()?;
            made.normalise = Values::Own(pixels);
        } else if let Some(color) = color
            && color != made.normalise.pixels().color
        {
            made.normalise = Values::Own(made.normalise.pixels().reordered(color));
        }
        let mut sizing = made.sizing;
        if let Some(resize) = resize
            && resize != sizing.resize
        {
            sizing = resize.into();
        }
        sizing.filter = filter.or(sizing.filter);
        sizing.antialias = antialias.or(sizing.antialias);
        sizing.crop = crop.or(sizing.crop);
        sizing.check()?;
        Ok(Preprocess { sizing, ..made })
    }
}

impl Preprocess {
    /// Torchvision's for ImageNet: `Resize(256)`, `CenterCrop(224)`, mean and deviation.
    pub fn torchvision() -> Self {
        let sizing = Sizing {
            resize: Resize::ShorterSide,
            filter: Some(Filter::Bilinear),
            antialias: Some(true),
            crop: Some(Crop::TORCHVISION),
        };
        Self { normalise: Normalise::Torch.into(), sizing, prepared: None }
    }
}
