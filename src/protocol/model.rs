//! What page and worker say to each other about a model's card.

use facts::data::{Normalise, Preprocess, Resize};
use serde::{Deserialize, Serialize};

use super::FileRef;

/// What the user says of a model beside its file; what is `None` is left to the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How pixel values become input values.
    pub normalise: Option<Normalise>,
    /// How an image gets the input's size.
    pub resize: Option<Resize>,
    /// Class names, one a line.
    pub labels: Option<FileRef>,
    /// A grouping, as TOML.
    pub grouping: Option<FileRef>,
}

/// How an image becomes a model's input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreprocessInfo {
    /// What is done.
    pub used: Preprocess,
    /// What the model file says; where it says nothing, `used` is a proposal.
    pub stated: Option<Preprocess>,
}
