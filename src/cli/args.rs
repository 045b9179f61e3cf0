//! Arguments that several commands share.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use facts::Named;

use crate::data::{Normalise, Resize};
use crate::platform::DeviceChoice;
use crate::zoo::Architecture;

/// A parser for the names of `T`, each with its help.
pub fn choice<T: Named + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let values = T::ALL.iter().map(|(_, row)| PossibleValue::new(row.name).help(row.help));
    PossibleValuesParser::new(values).try_map(|name| T::named(&name))
}

/// What is said of a model file.
#[derive(Debug, Default, Args)]
pub struct ModelArguments {
    /// Architecture of a file that holds weights only (Keras .h5): an id that `faultscope architectures` lists; without
    /// this the file's name tells
    #[arg(long, value_name = "ID", value_parser = Architecture::of)]
    pub architecture: Option<&'static Architecture>,
}

/// How a model is run.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// Where to compute
    #[arg(long, default_value = "cpu", value_parser = choice::<DeviceChoice>())]
    pub device: DeviceChoice,

    #[command(flatten)]
    pub preprocess: PreprocessArguments,
}

/// How an image becomes the input, where it is not to be the model file's way.
#[derive(Debug, Default, Args)]
pub struct PreprocessArguments {
    /// How pixels become input values; the model file's own way, or unit where it states none
    #[arg(long = "preprocess", value_name = "PREPROCESS", value_parser = choice::<Normalise>())]
    pub normalise: Option<Normalise>,

    /// How an image gets the size of the input; the model file's own way, or stretch where it states none
    #[arg(long, value_parser = choice::<Resize>())]
    pub resize: Option<Resize>,
}

/// How safety-critical misclassifications are told.
#[derive(Debug, Args)]
pub struct GroupingArguments {
    /// Grouping of the classes: imagenet, cifar100, cifar10, gtsrb, or a TOML file; the model file's own where there is one
    #[arg(long, value_name = "NAME|FILE")]
    pub grouping: Option<String>,
}
