//! Messages about a model's card.

use facts::data::{InputSize, Preprocess, PreprocessChoice};
use serde::{Deserialize, Serialize};

use super::FileRef;

/// The user's statements about a model beside its file. The file decides where a field is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Height and width of the input, where the file leaves them open.
    pub input_size: Option<InputSize>,
    /// How an image becomes the input.
    pub preprocess: PreprocessChoice,
    /// Class names, one a line.
    pub labels: Option<FileRef>,
    /// A grouping, as TOML.
    pub grouping: Option<FileRef>,
    /// Files that came with the model and may hold its weights.
    pub beside: Vec<FileRef>,
}

/// How an image becomes a model's input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreprocessInfo {
    /// The preprocessing in use.
    pub used: Preprocess,
    /// The preprocessing that the model file states. Without one, `used` is a proposal.
    pub stated: Option<Preprocess>,
}
