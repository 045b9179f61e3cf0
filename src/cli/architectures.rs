//! `faultscope architectures`: the networks for weights-only files.

use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;
use super::output::{json, name, print};
use super::table::{Render, Table};
use crate::data::Normalise;
use crate::zoo::Architecture;

/// List the architectures for weights-only files.
///
/// If the name of a file begins with an id, as in keras.applications, the architecture is recognised. For other names,
/// --architecture ID states it. MODEL zoo:ID or zoo:ID:CLASSES is the network with random weights. Networks for 32 x 32
/// pixels have as many classes as their weights; with random weights 100 or CLASSES.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: &'static str,
    name: &'static str,
    /// Height and width of the input.
    side: usize,
    /// None if the number depends on the weights.
    classes: Option<usize>,
    preprocess: Normalise,
    file: &'static str,
}

impl Row {
    fn of(architecture: &'static Architecture) -> Self {
        Self {
            id: architecture.id,
            name: architecture.name,
            side: architecture.side,
            classes: (!architecture.any_classes()).then(|| architecture.classes()),
            preprocess: architecture.normalise,
            file: architecture.file,
        }
    }
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let rows: Vec<Row> = Architecture::all().iter().map(Row::of).collect();
    if arguments.json {
        json(&rows)?;
        return Ok(Exit::Done);
    }
    let table = Table::new().word("id").word("network").number("input").number("classes").word("preprocess");
    let mut table = table.text("weights-only file");
    for row in rows {
        table.row([
            row.id.to_owned(),
            row.name.to_owned(),
            format!("{0} x {0}", row.side),
            row.classes.map_or_else(|| "any".to_owned(), |classes| classes.to_string()),
            name(&row.preprocess),
            row.file.to_owned(),
        ]);
    }
    print(&table.render())?;
    Ok(Exit::Done)
}
