//! What the user says of a model beside its file: preprocessing, class names, grouping.

use facts::Named;
use facts::data::{Normalise, Resize};

use super::name;

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
            "preprocess" => self.normalise = Some(Named::named(value)?),
            "resize" => self.resize = Some(Named::named(value)?),
            "labels" => self.labels = Some(name(value)?),
            "grouping" => self.grouping = Some(name(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Hands key and value of each part to `put`.
    pub(super) fn put(&self, put: &mut impl FnMut(&str, Option<String>)) {
        put("preprocess", self.normalise.map(|normalise| normalise.name().to_owned()));
        put("resize", self.resize.map(|resize| resize.name().to_owned()));
        put("labels", self.labels.clone());
        put("grouping", self.grouping.clone());
    }
}
