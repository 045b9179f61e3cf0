//! `faultscope sample`: draws images from a data set.

use std::path::PathBuf;

use clap::Args;

use super::args::{ModelArguments, WriterStatementArguments};
use super::data::{self, DataArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::open::classes;
use super::output::{counted, line};
use super::write::{self, Existing};
use crate::Error;
use crate::campaign::SEED;
use crate::data::Sample;

/// Draw images at random, without replacement, for `faultscope campaign --sample`.
///
/// The images keep their indices and their order. The same data, seed and numbers give the same sample on every machine.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The images, as --data of `faultscope campaign`
    data: PathBuf,

    #[command(flatten)]
    reading: DataArguments,

    /// Number of images to draw
    #[arg(long, value_name = "N")]
    count: usize,

    /// Seed of the draw
    #[arg(long, default_value_t = SEED, value_name = "S")]
    seed: u64,

    /// Draw the same number from each class, with a difference of at most one
    #[arg(long)]
    balanced: bool,

    /// Model with the class names for sub-folders that are named by class and not by number
    #[arg(long)]
    model: Option<String>,

    #[command(flatten)]
    file: ModelArguments,

    #[command(flatten)]
    answer: WriterStatementArguments,

    /// File to write
    #[arg(short, long, value_name = "SAMPLE.json")]
    output: PathBuf,

    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.file.memory.allow();
    let classes = classes(arguments.model.as_deref(), &arguments.file, &arguments.answer.into())?;
    let data = data::open(&arguments.data, &arguments.reading, &classes)?;
    let path = data.origin.path.clone();
    let sample = Sample::draw(&*data.source, data.origin, arguments.seed, arguments.count, arguments.balanced)
        .map_err(|error| error.concerning(&path))?;
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut text =
        serde_json::to_string(&sample).map_err(|error| Error::input(arguments.output.display().to_string(), error))?;
    text.push('\n');
    write::atomically(&arguments.output, text.as_bytes(), existing)?;
    line(&format!("{} of {path} are listed in {}", counted(sample.count, "image"), arguments.output.display()))?;
    Ok(Exit::Done)
}
