//! `faultscope grouping`: checks and shows groupings of classes.

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::failure::Failure;
use super::open;
use super::output::{counted, print};
use super::table::{Render, Table};
use crate::Error;
use crate::labels::Grouping;

/// Check a grouping of classes, or show the built-in ones.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a grouping: every class in exactly one group, and at least one group critical
    Check {
        /// TOML file; models/README.md describes the format
        file: String,
    },

    /// List the built-in groupings
    List,

    /// Show the groups of a grouping
    Show {
        /// Name of a built-in grouping, or a TOML file
        #[arg(value_name = "NAME|FILE")]
        name: String,
    },
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let text = match arguments.action {
        Action::Check { file } => {
            let grouping = open::grouping_file(&file)?;
            if !grouping.groups().iter().any(|group| group.critical) {
                return Err(Error::input(file, "no group is critical, so no mistake would be safety-critical").into());
            }
            format!("{file}: fine\n\n{}", table(&grouping))
        }
        Action::Show { name } => table(&open::grouping(&name)?),
        Action::List => {
            let mut table = Table::new().text("name").number("classes").number("groups");
            for name in Grouping::builtin_names() {
                let grouping = Grouping::builtin(name)?;
                table.row([name.to_owned(), grouping.classes().to_string(), grouping.groups().len().to_string()]);
            }
            table.render()
        }
    };
    print(&text)?;
    Ok(Exit::Done)
}

fn table(grouping: &Grouping) -> String {
    let mut critical = 0;
    let mut table = Table::new().text("group").word("critical").number("classes");
    for group in grouping.groups() {
        let of_group = |&class: &usize| grouping.group_of(class).is_some_and(|other| other.name == group.name);
        let size = (0..grouping.classes()).filter(of_group).count();
        critical += if group.critical { size } else { 0 };
        table.row([group.name.clone(), if group.critical { "yes" } else { "no" }.to_owned(), size.to_string()]);
    }
    format!(
        "{}: {} classes in {}, {critical} of them in critical ones\n\n{}",
        grouping.name(),
        grouping.classes(),
        counted(grouping.groups().len(), "group"),
        table.render()
    )
}
