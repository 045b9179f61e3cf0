//! What the user says of a model beside its file: preprocessing, class names, grouping.

use super::{choice, name, word};
use facts::data::{Normalise, Resize};

/// Ways to make pixel values input values, with their names in links and for `--preprocess`.
pub const NORMALISE: [(Normalise, &str); 6] = [
    (Normalise::Unit, "unit"),
    (Normalise::Byte, "byte"),
    (Normalise::Tf, "tf"),
    (Normalise::Torch, "torch"),
    (Normalise::Caffe, "caffe"),
    (Normalise::Lite, "lite"),
];

/// Ways to the input's size, with their names in links and for `--resize`.
pub const RESIZE: [(Resize, &str); 2] = [(Resize::Stretch, "stretch"), (Resize::ShorterSide, "shorter-side")];

/// What is said of the model; what is `None` is left to its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardChoice {
    /// How pixel values become input values.
    pub normalise: Option<Normalise>,
    /// How an image gets the input's size.
    pub resize: Option<Resize>,
    /// A file of class names, as `file:NAME`.
    pub labels: Option<String>,
    /// A grouping file, as `file:NAME`.
    pub grouping: Option<String>,
}

impl CardChoice {
    /// Takes `value` where `key` is one of its own, and says whether it is.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "preprocess" => self.normalise = Some(choice(&NORMALISE, value)?),
            "resize" => self.resize = Some(choice(&RESIZE, value)?),
            "labels" => self.labels = Some(name(value)?),
            "grouping" => self.grouping = Some(name(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Hands key and value of each part to `put`.
    pub(super) fn put(&self, put: &mut impl FnMut(&str, Option<String>)) {
        put("preprocess", self.normalise.map(|normalise| word(&NORMALISE, normalise)));
        put("resize", self.resize.map(|resize| word(&RESIZE, resize)));
        put("labels", self.labels.clone());
        put("grouping", self.grouping.clone());
    }
}
