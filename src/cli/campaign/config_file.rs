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
//! | `Layer` | `N` for a random one, or its index | `--layers` |
//! | `Seed` | a number (TensorFI 1) | `--seed` |
//! | `TensorFaultType` | `bitFlip-element`, `Rand-element`, `Zero` (TensorFI 1) | `--type bitflip`, `random`, `zero` with `--percent 100` |
//!
//! TensorFI 1's other keys may say what a campaign does anyway, one fault a run in any layer, and are refused where they ask for
//! something else: `ScalarFaultType`, `InjectMode`, `Ops`, `SkipCount`. `Instances` and `ConfigInst` count operations of the model,
//! which the model itself tells. In older samples of TensorFI 2 `Mode` has the values of `Target`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde_saphyr::Spanned;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use super::arguments::Arguments;
use crate::cli::failure::Failure;
use crate::cli::{plain, read};
use crate::fault::{Bits, Format};
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
    // An argument that may be repeated would be added to those of the file.
    entries.retain(|entry| !(is_repeated(&command, &entry.flag) && given_flag(&entry.flag)));
    entries.retain(|entry| {
        !TOGETHER.iter().any(|(flag, others)| given_flag(flag) && others.contains(&entry.flag.as_str()))
    });
    let mut arguments: Vec<OsString> = Vec::new();
    for entry in &entries {
        if let Some(argument) = argument(&name, entry, &command)? {
            // Parsed alone first, so that an error names the line.
            let alone = command.clone().try_get_matches_from([&argument]);
            alone.map_err(|error| at_line(&name, entry.line, &message(&error)))?;
            check_bits(entry).map_err(|error| at_line(&name, entry.line, &error.to_string()))?;
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

/// Checks bits, whose names and largest number depend on the number format: they must be bits in one format.
fn check_bits(entry: &Entry) -> Result<()> {
    if !matches!(entry.flag.as_str(), "bit" | "bits") {
        return Ok(());
    }
    let Err(error) = Bits::parse(&entry.value, Format::F32) else { return Ok(()) };
    let fixed = Format::Fixed { whole: 4, fraction: 11 };
    let mut others = Format::NAMED.into_iter().chain([fixed]);
    if others.any(|format| Bits::parse(&entry.value, format).is_ok()) { Ok(()) } else { Err(error) }
}

/// A value of the file.
#[derive(Debug)]
enum Given {
    Text(String),
    List(Vec<String>),
    Nothing,
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Given;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("one value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Given, E> {
                Ok(Given::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Given, E> {
                Ok(Given::Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Given, E> {
                Ok(Given::Text(value.to_string()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Given, E> {
                if value.is_finite() {
                    Ok(Given::Text(value.to_string()))
                } else {
                    Err(E::custom("a number is expected"))
                }
            }

            fn visit_str<E>(self, value: &str) -> Result<Given, E> {
                Ok(Given::Text(value.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<Given, E> {
                Ok(Given::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Given::List(texts))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// What a key of TensorFI's comes to.
enum Translated {
    /// Arguments with their values.
    Arguments(Vec<(&'static str, String)>),
    /// What a campaign does anyway.
    Anyway,
    /// It is none of theirs.
    Other,
}

/// Translates TensorFI's `key`. `kind` is the value of `Type`.
///
/// # Errors
/// The values that are expected.
fn translated(key: &str, value: &str, kind: Option<&str>) -> Result<Translated, String> {
    use Translated::{Anyway, Arguments, Other};
    const TARGETS: &[(&str, &str)] = &[("layer_outputs", "activation"), ("layer_states", "weight")];
    let one = |flag, known: &[(&str, &str)]| {
        let ours = known.iter().find(|(theirs, _)| *theirs == value).map(|(_, ours)| (*ours).to_owned());
        ours.map(|ours| Arguments(vec![(flag, ours)])).ok_or_else(|| {
            let known: Vec<_> = known.iter().map(|(theirs, _)| *theirs).collect();
            format!("{key} is {}, found {value}", known.join(" or "))
        })
    };
    let anyway = |known: &[&str], instead: &str| {
        if known.contains(&value) {
            Ok(Anyway)
        } else {
            Err(format!("{key} is {}, found {value}; {instead}", known.join(" or ")))
        }
    };
    let text = |flag| Ok(Arguments(vec![(flag, value.to_owned())]));
    match key {
        "Target" => one("target", TARGETS),
        "Mode" if TARGETS.iter().any(|(theirs, _)| *theirs == value) => one("target", TARGETS),
        "Mode" => one("mode", &[("single", "single"), ("multiple", "multiple")]),
        "Type" => one("type", &[("bitflips", "bitflip"), ("zeros", "zero"), ("random", "random")]),
        "Amount" => text(if kind == Some("zeros") { "percent" } else { "amount" }),
        // TensorFI 2 writes N for a random bit, or layer.
        "Bit" if matches!(value, "random" | "N") || kind.is_some_and(|kind| kind != "bitflips") => Ok(Anyway),
        "Bit" => text("bit"),
        "Layer" if matches!(value, "random" | "N") => Ok(Anyway),
        "Layer" => text("layers"),
        "Seed" => text("seed"),
        "TensorFaultType" => match value {
            "Zero" => Ok(Arguments(vec![("type", "zero".to_owned()), ("percent", "100".to_owned())])),
            _ => one("type", &[("bitFlip-element", "bitflip"), ("Rand-element", "random"), ("Zero", "zero")]),
        },
        "ScalarFaultType" => anyway(
            &["None", "bitFlip-element", "Rand-element"],
            "layers make tensors, and TensorFaultType says what happens to them",
        ),
        "InjectMode" => anyway(
            &["dynamicInstance", "oneFaultPerRun"],
            "a campaign injects one fault into each run; --amount and --mode multiple inject several",
        ),
        "Ops" => {
            let all = value.split_once('=').is_some_and(|(name, share)| {
                name.trim() == "ALL" && share.trim().parse::<f64>().is_ok_and(|share| share == 1.0)
            });
            let instead = "--layers with kind:KIND draws from layers of one kind, as `faultscope inspect` names them";
            if all { Ok(Anyway) } else { Err(format!("Ops is ALL = 1.0, found {value}; {instead}")) }
        }
        "SkipCount" => anyway(&["0"], "no layer is passed over; --layers says which ones are drawn from"),
        "Instances" | "ConfigInst" => Ok(Anyway),
        _ => Ok(Other),
    }
}

/// Returns the entries of the file, with TensorFI's keys translated.
fn entries(name: &str, text: &str, command: &Command) -> Result<Vec<Entry>> {
    // TensorFI means the letter N, which YAML 1.1 takes for "no".
    let options = serde_saphyr::options! { strict_booleans: true };
    let map: Option<BTreeMap<String, Spanned<Given>>> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            match error.without_snippet() {
                serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                    at_line(name, line, &format!("the key \"{key}\" is given twice; leave one away"))
                }
                other => at_line(name, line, &format!("expected a key with one value: {other}")),
            }
        })?;
    let map = map.unwrap_or_default();
    let kind = map.get("Type").and_then(|given| match &given.value {
        Given::Text(kind) => Some(kind.as_str()),
        _ => None,
    });
    let mut entries: Vec<Entry> = Vec::new();
    for (key, given) in &map {
        let line = given.referenced.line();
        let values: &[String] = match &given.value {
            Given::Text(value) => std::slice::from_ref(value),
            Given::List(list) if matches!(key.as_str(), "Ops" | "Instances") || is_repeated(command, key) => list,
            Given::Nothing if matches!(key.as_str(), "Ops" | "Instances") => &[],
            Given::List(_) | Given::Nothing => {
                return Err(at_line(
                    name,
                    line,
                    &format!("expected a key with one value, \"{key}\" has none or a list"),
                ));
            }
        };
        let before = entries.len();
        for value in values {
            let arguments = match translated(key, value, kind).map_err(|problem| at_line(name, line, &problem))? {
                Translated::Arguments(arguments) => arguments,
                Translated::Anyway => continue,
                Translated::Other => vec![(key.as_str(), value.clone())],
            };
            for (flag, value) in arguments {
                let known = command.get_arguments().any(|argument| argument.get_long() == Some(flag));
                if NOT_IN_A_FILE.contains(&flag) || !known {
                    return Err(at_line(name, line, &format!("unknown key \"{key}\"; {}", known_keys(command))));
                }
                if entries[..before].iter().any(|entry| entry.flag == flag) {
                    return Err(at_line(name, line, &format!("--{flag} is given twice, once as {key}")));
                }
                entries.push(Entry { line, flag: flag.to_owned(), value });
            }
        }
    }
    Ok(entries)
}

/// Whether the argument may be given several times: a list in the file.
fn is_repeated(command: &Command, flag: &str) -> bool {
    let mut arguments = command.get_arguments().filter(|argument| argument.get_long() == Some(flag));
    arguments.any(|argument| matches!(argument.get_action(), ArgAction::Append))
}

fn known_keys(command: &Command) -> String {
    let flags = command.get_arguments().filter_map(|argument| argument.get_long());
    let flags: Vec<_> = flags.filter(|flag| !NOT_IN_A_FILE.contains(flag)).collect();
    format!("keys are Target, Mode, Type, Amount, Bit, Layer, {}", flags.join(", "))
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
    let text = plain::words(&error.to_string());
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}
