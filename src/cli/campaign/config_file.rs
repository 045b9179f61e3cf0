//! `--config`: a YAML file of arguments.
//!
//! Each entry becomes an argument. A key is the name of an argument, so the file can say everything that the command
//! line can. Arguments on the command line replace those of the file. TensorFI's own keys are translated:
//!
//! | key | values | argument |
//! | --- | --- | --- |
//! | `Target` | `layer_outputs`, `layer_states` | `--target activation`, `weight` |
//! | `Mode` | `single`, `multiple` | `--mode` |
//! | `Type` | `bitflips`, `zeros`, `random` | `--type bitflip`, `zero`, `random` |
//! | `Amount` | a number; for `zeros` a percentage of the elements | `--amount`, `--percent` |
//! | `Bit` | `random`, `N` (TensorFI 2's word for it) or a number; counts for `bitflips` only | `--bit` |

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde_saphyr::Spanned;

use super::arguments::Arguments;
use crate::cli::failure::Failure;
use crate::cli::read;
use crate::{Error, Result};

/// Arguments that a file cannot contain.
const NOT_IN_A_FILE: &[&str] = &["config", "help"];

/// Arguments that depend on each other: if the command line has the one on the left, those on the right are not taken
/// from the file.
const TOGETHER: &[(&str, &[&str])] = &[
    ("faults", &["protocol", "correct", "misclassified"]),
    ("protocol", &["faults"]),
    ("type", &["bit", "amount", "percent"]),
    ("amount", &["percent"]),
    ("percent", &["amount"]),
];

/// An entry of the file as an argument.
#[derive(Debug)]
struct Entry {
    line: u64,
    flag: String,
    value: String,
}

/// Returns the arguments of the file at `path`, replaced by those `given` on the command line after the name of the
/// command.
///
/// # Errors
/// If an entry of the file is invalid. The error names the line.
pub fn expand(path: &Path, given: &[OsString]) -> Result<Arguments, Failure> {
    let name = path.display().to_string();
    let text = read::text(path)?;
    let command = Arguments::augment_args(Command::new("campaign").no_binary_name(true));
    let mut entries = entries(&name, &text, &command)?;
    let on_command_line =
        command.clone().try_get_matches_from(given).map_err(|error| Error::request(message(&error)))?;
    let given_flag = |flag: &str| {
        let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
        argument.is_some_and(|argument| {
            on_command_line.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
    };
    entries.retain(|entry| {
        !TOGETHER.iter().any(|(flag, others)| given_flag(flag) && others.contains(&entry.flag.as_str()))
    });
    let mut arguments: Vec<OsString> = Vec::new();
    for entry in &entries {
        if let Some(argument) = argument(&name, entry, &command)? {
            // Parsed alone first, so that an error names the line.
            let alone = command.clone().try_get_matches_from([&argument]);
            alone.map_err(|error| at_line(&name, entry.line, &message(&error)))?;
            arguments.push(argument);
        }
    }
    arguments.extend(given.iter().cloned());
    let parse = |arguments| -> Result<Arguments, clap::Error> {
        let matches: ArgMatches = command.try_get_matches_from(arguments)?;
        Arguments::from_arg_matches(&matches)
    };
    parse(arguments).map_err(|error| Error::input(name, message(&error)).into())
}

/// Returns the entries of the file, with TensorFI's keys translated.
fn entries(name: &str, text: &str, command: &Command) -> Result<Vec<Entry>> {
    let map: Option<BTreeMap<String, Spanned<String>>> = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        at_line(name, line, &format!("expected a key with one value: {}", error.without_snippet()))
    })?;
    let map = map.unwrap_or_default();
    let zeros = map.get("Type").is_some_and(|kind| kind.value == "zeros");
    let flips = map.get("Type").is_none_or(|kind| kind.value == "bitflips");
    let mut entries = Vec::new();
    for (key, value) in &map {
        let line = value.referenced.line();
        let translated = |known: &[(&str, &str)]| {
            known.iter().find(|(theirs, _)| *theirs == value.value).map(|(_, ours)| (*ours).to_owned()).ok_or_else(
                || {
                    let known: Vec<_> = known.iter().map(|(theirs, _)| *theirs).collect();
                    at_line(name, line, &format!("{key} is {}, found {}", known.join(" or "), value.value))
                },
            )
        };
        let (flag, value) = match key.as_str() {
            "Target" => ("target", translated(&[("layer_outputs", "activation"), ("layer_states", "weight")])?),
            "Mode" => ("mode", translated(&[("single", "single"), ("multiple", "multiple")])?),
            "Type" => ("type", translated(&[("bitflips", "bitflip"), ("zeros", "zero"), ("random", "random")])?),
            "Amount" => (if zeros { "percent" } else { "amount" }, value.value.clone()),
            // TensorFI 2 writes N for a random bit.
            "Bit" if matches!(value.value.as_str(), "random" | "N") || !flips => continue,
            "Bit" => ("bit", value.value.clone()),
            key => (key, value.value.clone()),
        };
        if NOT_IN_A_FILE.contains(&flag) || !command.get_arguments().any(|argument| argument.get_long() == Some(flag)) {
            return Err(at_line(name, line, &format!("unknown key \"{key}\"; {}", known_keys(command))));
        }
        if entries.iter().any(|entry: &Entry| entry.flag == flag) {
            return Err(at_line(name, line, &format!("--{flag} is given twice, once as {key}")));
        }
        entries.push(Entry { line, flag: flag.to_owned(), value });
    }
    Ok(entries)
}

fn known_keys(command: &Command) -> String {
    let flags = command.get_arguments().filter_map(|argument| argument.get_long());
    let flags: Vec<_> = flags.filter(|flag| !NOT_IN_A_FILE.contains(flag)).collect();
    format!("keys are Target, Mode, Type, Amount, Bit, {}", flags.join(", "))
}

/// Returns `entry` in the form of the command line, or nothing if it is a switch that is off.
fn argument(name: &str, entry: &Entry, command: &Command) -> Result<Option<OsString>> {
    let Entry { line, flag, value } = entry;
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    if argument.is_some_and(|argument| matches!(argument.get_action(), ArgAction::SetTrue)) {
        return match value.as_str() {
            "true" => Ok(Some(format!("--{flag}").into())),
            "false" => Ok(None),
            _ => Err(at_line(name, *line, &format!("{flag} is true or false, found {value}"))),
        };
    }
    Ok(Some(format!("--{flag}={value}").into()))
}

fn at_line(name: &str, line: u64, problem: &str) -> Error {
    Error::input(name, format_args!("line {line}: {problem}"))
}

/// Returns the message of the argument parser without its advice on usage.
fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}
