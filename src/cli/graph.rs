//! `faultscope graph`: draws a network.

use std::path::PathBuf;

use clap::Args;

use super::args::{ModelArguments, PreprocessArguments, StatementArguments, WriterStatementArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::open::ModelFile;
use super::output::line;
use super::write::{self, Existing};
use crate::Error;
use crate::model::Model;
use crate::report::diagram;

/// Draw a model, with the layers marked that every path passes.
///
/// A "super node" is a layer that every path from input to output passes. Between two of them the network can branch. A
/// fault in a branch reaches the output only through the next super node.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, id of a model, or zoo:ID
    model: String,

    #[command(flatten)]
    file: ModelArguments,

    #[command(flatten)]
    answer: WriterStatementArguments,

    /// File to write: a picture (.svg), or a graph for Graphviz (.dot or .gv)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { model, file, answer, output, force } = arguments;
    file.memory.allow();
    let extension = output.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let draw: fn(&Model) -> String = match extension.as_str() {
        "svg" => diagram::svg,
        "dot" | "gv" => diagram::dot,
        _ => {
            let name = output.display().to_string();
            return Err(Error::input(name, "expected a name that ends in .svg or .dot").into());
        }
    };
    let stated = StatementArguments::from(answer).statements();
    let model = ModelFile::read(&model, file.architecture)?.stated_by(stated).load(&PreprocessArguments::default())?;
    model.card.notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
    let existing = if force { Existing::Replace } else { Existing::Keep };
    write::atomically(&output, draw(&model).as_bytes(), existing)?;
    line(&format!("{} is drawn in {}", model.card.name, output.display()))?;
    Ok(Exit::Done)
}
