//! Messages about a model's card.

use facts::answer::Threshold;
use facts::campaign::NumberFormats;
use facts::data::{InputSize, Preprocess, PreprocessChoice};
use serde::{Deserialize, Serialize};

use super::FileRef;

/// The user's statements about a model beside its file. The file decides where a field is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// The output that is the answer, by its name or its index.
    pub output: Option<String>,
    /// Height and width of the input, where the file leaves them open.
    pub input_size: Option<InputSize>,
    /// Probability of class 1 above which the answer of a binary model is class 1.
    pub threshold: Option<Threshold>,
    /// How an image becomes the input.
    pub preprocess: PreprocessChoice,
    /// Class names, one a line.
    pub labels: Option<FileRef>,
    /// A grouping, as TOML.
    pub grouping: Option<FileRef>,
    /// Files that came with the model and may hold its weights.
    pub beside: Vec<FileRef>,
    /// The number formats that the network is rounded to.
    pub numbers: NumberFormats,
    /// The images whose golden runs the scales of layers' outputs are learnt from, where the format has scales.
    pub calibrate: Vec<FileRef>,
}

/// What a model's output means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerInfo {
    /// Names of the file's outputs, in order.
    pub outputs: Vec<String>,
    /// Name of the one that is the answer.
    pub output: String,
    /// What it means, in words.
    pub meaning: String,
    /// The threshold in use, of a binary model.
    pub threshold: Option<Threshold>,
}

/// How an image becomes a model's input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreprocessInfo {
    /// The preprocessing in use.
    pub used: Preprocess,
    /// The preprocessing that the model file states. Without one, `used` is a proposal.
    pub stated: Option<Preprocess>,
}
