//! The user's statements about a model beside its file: answer, preprocessing, class names, grouping.

use facts::answer::Threshold;
use facts::campaign::NumberFormats;
use facts::data::{Color, Crop, Filter, InputSize, Normalise, Numbers, PreprocessChoice, Resize, Scale};

use facts::fault::Format;

use super::fields::{Key, choice, fields, parsed, switch, text};

fields! {
    /// Statements about the model; the model's file says what is `None` here.
    #[derive(Eq)]
    pub struct CardChoice {
        /// The output that is the answer, of a model with several.
        output: Option<String> = text("output");
        /// Probability of class 1 above which the answer of a binary model is class 1.
        threshold: Option<Threshold> = parsed::<Threshold>("threshold");
        /// Height and width of the input, where the file leaves them open.
        input_size: Option<InputSize> = parsed::<InputSize>("input-size");
        /// How pixel values become input values, by a known way.
        normalise: Option<Normalise> = choice::<Normalise>("preprocess");
        /// Order of the input's channels.
        color: Option<Color> = choice::<Color>("color");
        /// The factor of pixel values.
        scale: Option<Scale> = parsed::<Scale>("pixel-scale");
        /// Subtracted from scaled pixel values.
        mean: Option<Numbers> = parsed::<Numbers>("mean");
        /// What is left is divided by it.
        std: Option<Numbers> = parsed::<Numbers>("std");
        /// How an image gets the input's size.
        resize: Option<Resize> = choice::<Resize>("resize");
        /// How pixels between pixels are made.
        filter: Option<Filter> = choice::<Filter>("filter");
        /// Whether a reduction widens the filter.
        antialias: Option<bool> = switch("antialias");
        /// How much larger the image becomes than the part of its centre that is kept.
        crop: Option<Crop> = parsed::<Crop>("crop");
        /// A file of class names, as `file:NAME`.
        labels: Option<String> = text("labels");
        /// A grouping file, as `file:NAME`.
        grouping: Option<String> = text("grouping");
        /// The number format that layers' outputs are rounded to.
        format: Option<Format> = number_format("format"), else Format = Format::F32;
        /// The number format that parameters are rounded to.
        weight_format: Option<Format> = number_format("weight-format"), else Format = Format::F32;
    }
}

/// A number format that a float32 network can be rounded to.
pub(super) fn number_format(key: &'static str) -> Key<Format, impl Fn(&str) -> Result<Format, String>> {
    let read = |text: &str| {
        let format: Format = text.parse().map_err(|error: facts::Error| error.to_string())?;
        // A format that outputs cannot have, parameters cannot have either.
        let numbers = NumberFormats::usual(format, Format::F32, 1);
        numbers.validate().map(|()| format).map_err(|error| error.to_string())
    };
    Key::new(key, read, |format| Some(format.to_string()))
}

impl CardChoice {
    /// The statements about preprocessing.
    pub fn preprocess(&self) -> PreprocessChoice {
        let Self { normalise, color, scale, mean, std, resize, filter, antialias, crop, .. } = self.clone();
        PreprocessChoice { preset: normalise, color, scale, mean, std, resize, filter, antialias, crop }
    }

    /// Leaves preprocessing to the model's file.
    pub fn forget_preprocess(&mut self) {
        let Self { output, threshold, input_size, labels, grouping, format, weight_format, .. } = std::mem::take(self);
        *self = Self { output, threshold, input_size, labels, grouping, format, weight_format, ..Self::default() };
    }
}
