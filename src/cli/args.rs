//! Arguments that several commands share.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use facts::Named;
use facts::limits::{self, DEFAULT_MEMORY, Memory};

use super::size;
use crate::data::{Normalise, Resize};
use crate::platform::DeviceChoice;
use crate::zoo::Architecture;

/// Returns a parser for the names of `T`, with the help of each.
pub fn choice<T: Named + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let values = T::ALL.iter().map(|(_, row)| PossibleValue::new(row.name).help(row.help));
    PossibleValuesParser::new(values).try_map(|name| T::named(&name))
}

/// The argument about memory.
#[derive(Debug, Args)]
pub struct MemoryArguments {
    /// Memory that the command may use in all, in bytes or with a unit, 512MiB or 2GB for example; a command that needs
    /// more is refused before it starts; does not change results
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size::bytes)]
    pub memory: usize,
}

impl MemoryArguments {
    /// Sets the memory of all readers of this process.
    pub fn allow(&self) {
        limits::allow(Memory::new(self.memory as u64));
    }
}

impl Default for MemoryArguments {
    fn default() -> Self {
        Self { memory: DEFAULT_MEMORY as usize }
    }
}

/// The arguments about a model file.
#[derive(Debug, Default, Args)]
pub struct ModelArguments {
    #[command(flatten)]
    pub memory: MemoryArguments,

    /// Architecture of a weights-only file (Keras .h5): an id from `faultscope architectures` [default: from the file's
    /// name]
    #[arg(long, value_name = "ID", value_parser = Architecture::of)]
    pub architecture: Option<&'static Architecture>,
}

/// The arguments about the execution of a model.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    /// Device that runs the model
    #[arg(long, default_value = "cpu", value_parser = choice::<DeviceChoice>())]
    pub device: DeviceChoice,

    #[command(flatten)]
    pub preprocess: PreprocessArguments,
}

/// The arguments that replace the preprocessing of the model file.
#[derive(Debug, Default, Args)]
pub struct PreprocessArguments {
    /// Conversion of pixels to input values [default: from the model file, or unit]
    #[arg(long = "preprocess", value_name = "PREPROCESS", value_parser = choice::<Normalise>())]
    pub normalise: Option<Normalise>,

    /// Conversion of an image to the input's size [default: from the model file, or stretch]
    #[arg(long, value_parser = choice::<Resize>())]
    pub resize: Option<Resize>,
}

/// The argument about safety-critical misclassifications.
#[derive(Debug, Args)]
pub struct GroupingArguments {
    /// Grouping of the classes: imagenet, cifar100, cifar10, gtsrb, or a TOML file [default: from the model file]
    #[arg(long, value_name = "NAME|FILE")]
    pub grouping: Option<String>,
}
