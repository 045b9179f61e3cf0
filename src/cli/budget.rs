//! `faultscope budget`: from measured shares of dangerous faults to failure rates.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use facts::fault::{Bits, FaultKind, Format, Mode, SiteSpace, Target};
use facts::{Name, Named, shown_json};

use super::args::{MemoryArguments, choice};
use super::exit::Exit;
use super::failure::Failure;
use super::open::ModelFile;
use super::output::{exact, finished, print};
use super::results::{self, Results};
use super::table::Render;
use super::write::{self, Existing};
use super::{locate, output, read};
use crate::campaign::{FaultSummary, Provenance};
use crate::graph::{Graph, ValueId};
use crate::import::Statements;
use crate::report::budget::{Assumptions, Budget, Dangerous, LayerMeasured, Measured, Residency, tables};
use crate::report::{self, Options, Origin, csv_line};
use crate::zoo::Architecture;
use crate::{Error, Result};

/// A form of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Csv,
    Html,
}

impl Named for Form {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Text, Name::new("text", "Text", "tables to read")),
        (Self::Json, Name::new("json", "JSON", "assumptions, measurements and failure rates, nested")),
        (Self::Csv, Name::new("csv", "CSV", "every layer of every memory, one per row")),
        (Self::Html, Name::new("html", "HTML", "a page with a chart, in one file")),
    ];
}

/// A memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Memory {
    Weights,
    Activations,
}

impl Memory {
    fn target(self) -> Target {
        match self {
            Self::Weights => Target::Weight,
            Self::Activations => Target::Activation,
        }
    }
}

/// The dangerous outcome, as users call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// A safety-critical misclassification
    Scm,
    /// Any changed prediction
    Sdc,
}

/// Turn campaigns into failure rates: is the network safe enough for its memories?
///
/// DIR holds a campaign of single bit flips over all bits: give one for the weights, one for the activations, or both. A
/// campaign with --protect measures its memory without a protection and under each of them: it takes the place of a campaign
/// without --protect, which is left away. Each layer is weighted by its bits. The failure rate is raw rate x bits x live share x
/// measured probability, with an upper bound. The raw rate and the live share are your assumptions. This is an estimate, no
/// certification.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directories of the campaigns
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,

    /// Raw rate of bit flips in FIT/Mbit (1 FIT: one in 10^9 hours; 1 Mbit: 2^20 bits): a number, or LOW..HIGH
    #[arg(long, value_name = "RATE", value_parser = raw_rates)]
    fit_per_mbit: RawRates,

    /// Failure rate that may not be exceeded, in FIT
    #[arg(long, value_name = "FIT")]
    target: f64,

    /// Memories to look at [default: those of the campaigns]
    #[arg(long, value_name = "MEMORY", value_delimiter = ',')]
    memory: Vec<Memory>,

    /// Shares of time in which bits are live, from a TOML file: weights = 1.0, activations = 0.3, and for single layers
    /// [layers] "NAME" = 0.1 [default: 1, the worst case]
    #[arg(long, value_name = "FILE")]
    residency: Option<PathBuf>,

    /// Outcome that counts as dangerous
    #[arg(long, value_enum, default_value = "scm")]
    of: Outcome,

    /// Model file, if it is not where the campaigns found it
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Format of the budget
    #[arg(long, default_value = "text", value_parser = choice::<Form>())]
    format: Form,

    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long, requires = "output")]
    force: bool,
}

/// Lowest and highest raw rate.
#[derive(Clone, Copy, Debug)]
struct RawRates([f64; 2]);

fn raw_rates(text: &str) -> std::result::Result<RawRates, String> {
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| format!("a number is expected, found \"{text}\""));
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    Ok(RawRates([number(low)?, number(high)?]))
}

/// Runs the command.
pub fn run(arguments: Arguments) -> std::result::Result<Exit, Failure> {
    MemoryArguments::default().allow();
    let format = if arguments.json { Form::Json } else { arguments.format };
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    if let (Some(path), Existing::Keep) = (&arguments.output, existing) {
        write::check_absent(path)?;
    }
    let assumed = Assumptions {
        fit_per_mbit: arguments.fit_per_mbit.0,
        target_fit: arguments.target,
        residency: arguments.residency.as_deref().map(residency).transpose()?.unwrap_or_default(),
        dangerous: match arguments.of {
            Outcome::Scm => Dangerous::Scm,
            Outcome::Sdc => Dangerous::Sdc,
        },
    };
    assumed.validate()?;
    let (model, campaigns) = measure(&arguments, assumed.dangerous)?;
    let budget = Budget::new(campaigns, assumed)?;
    // The other forms have it in them.
    if format == Form::Csv {
        budget.looked_at().iter().for_each(|notice| output::note(&format!("notice: {notice}")));
    }
    let text = match format {
        Form::Text => {
            let plain = arguments.output.is_some();
            let all = tables(&budget);
            let rendered = all.iter().map(|table| if plain { table.plain() } else { table.render() });
            let text =
                format!("failure budget of {}\n\n{}\n", facts::shown(&model), rendered.collect::<Vec<_>>().join("\n"));
            if !plain {
                print(&text)?;
                return Ok(Exit::Done);
            }
            finished(&text, false)
        }
        Form::Json => {
            let json = serde_json::to_string_pretty(&budget).map_err(|error| Error::input("JSON output", error))?;
            shown_json(&json).into_owned() + "\n"
        }
        Form::Csv => rows(&budget),
        Form::Html => report::html_budget(&model, &budget),
    };
    match &arguments.output {
        Some(path) => write::atomically(path, text.as_bytes(), existing)?,
        None => exact(&text)?,
    }
    Ok(Exit::Done)
}

fn residency(path: &Path) -> Result<Residency> {
    let name = path.display().to_string();
    toml::from_str(&read::text(path)?).map_err(|error| Error::input(name, error.message()))
}

/// Reads the campaigns: the model's name and the measurements.
fn measure(arguments: &Arguments, dangerous: Dangerous) -> Result<(String, Vec<Measured>)> {
    results::check_distinct(&arguments.directories)?;
    let mut model: Option<(String, String, Graph)> = None;
    let mut campaigns = Vec::new();
    for path in &arguments.directories {
        let name = path.display().to_string();
        let results = Results::open(path)?;
        let Origin::Campaign(provenance) = results.origin() else {
            let problem =
                "a log of the study does not say which layers and bits were struck; give a campaign's directory";
            return Err(Error::input(name, problem));
        };
        let target = provenance.campaign.fault_model.target;
        if !arguments.memory.is_empty() && arguments.memory.iter().all(|memory| memory.target() != target) {
            output::note(&format!("notice: {name} measures another memory and is left out"));
            continue;
        }
        check(&name, provenance)?;
        let graph = match &model {
            Some((_, sha256, graph)) if *sha256 == provenance.model.sha256 => graph,
            Some((known, ..)) => {
                return Err(Error::input(
                    name,
                    format_args!("the campaign is of another model than that of {known}; a budget is for one model"),
                ));
            }
            None => {
                let graph = graph(arguments, &name, provenance)?;
                &model.insert((name.clone(), provenance.model.sha256.clone(), graph)).2
            }
        };
        let report = results.report(Options::default())?;
        if !report.summary.complete {
            output::note(&format!("notice: {name} is incomplete; the budget uses the faults that it has"));
        }
        if let Some(alarm) = &report.summary.golden.alarm {
            output::alarm(alarm);
        }
        let count = |faults: &FaultSummary| match dangerous {
            Dangerous::Sdc => Ok(faults.sdc.count),
            Dangerous::Scm => faults.scm.map(|scm| scm.count).ok_or_else(|| {
                let problem = "SCM is not judged, because the campaign has no grouping of classes; \
                    --of sdc counts every changed prediction, and `faultscope campaign --grouping` judges SCM";
                Error::input(&name, problem)
            }),
        };
        let emulated = match target {
            Target::Weight => provenance.campaign.numbers.weights,
            _ => provenance.campaign.numbers.outputs,
        };
        let bits = |&(tensor, elements): &(ValueId, usize)| {
            let format = if emulated == Format::default() { graph.values[tensor].format } else { emulated };
            elements as u64 * u64::from(format.width())
        };
        let mut layers = Vec::new();
        for sites in SiteSpace::of(graph, target).layers() {
            let layer = graph.nodes[sites.layer].name.clone();
            let own = report.summary.layers.iter().find(|own| own.layer == layer);
            layers.push(LayerMeasured {
                bits: sites.tensors.iter().map(bits).sum(),
                faults: own.map_or(0, |own| own.faults.injections),
                dangerous: own.map_or(Ok(0), |own| count(&own.faults))?,
                layer,
            });
        }
        let protection = provenance.campaign.protect.as_ref().map(ToString::to_string);
        let until = provenance.campaign.until.is_some();
        let measured = Measured { name, target, protection, until, layers };
        let protected = measured.protected(&report.summary, dangerous);
        campaigns.push(measured);
        campaigns.extend(protected);
    }
    match model {
        Some(_) if !campaigns.is_empty() => {}
        _ => return Err(Error::request("no campaign measures a memory that was asked for")),
    }
    let name = match Results::open(&arguments.directories[0])?.origin() {
        Origin::Campaign(provenance) => provenance.campaign.model.clone(),
        Origin::Log(log) => log.log.model.clone(),
    };
    Ok((name, campaigns))
}

/// Checks that the faults of a campaign are single flips of any bit: then a fault is a flip of one bit of the memory.
fn check(name: &str, provenance: &Provenance) -> Result<()> {
    let model = &provenance.campaign.fault_model;
    let problem = match model.kind {
        _ if provenance.campaign.design.is_some() => {
            return Err(Error::input(
                name,
                "the faults of the campaign have weights (--design stratified); a budget counts those of a uniform campaign",
            ));
        }
        _ if !matches!(model.target, Target::Weight | Target::Activation) => {
            return Err(Error::input(
                name,
                format_args!("a budget is for faults in weights and activations, found target {}", model.target.name()),
            ));
        }
        _ if model.error_models.is_some() || model.accelerator.is_some() => {
            "each fault of the campaign strikes several elements"
        }
        _ if model.ber.is_some() => "the campaign flips every bit with some probability",
        _ if model.mode != Mode::Single || model.amount != 1 || !model.pattern.is_single() => {
            "each fault of the campaign strikes several elements"
        }
        FaultKind::BitFlip { bits } if bits == Bits::ALL => return Ok(()),
        FaultKind::BitFlip { .. } => "the campaign flips some of the bits only",
        FaultKind::BitFlips { .. } | FaultKind::Burst { .. } => {
            "each fault of the campaign flips several bits of a value"
        }
        FaultKind::Stuck0 { .. } | FaultKind::Stuck1 { .. } => "the bits of the campaign's faults are stuck",
        _ => "the campaign replaces values",
    };
    Err(Error::input(
        name,
        format_args!("{problem}; a budget needs the rate of single flips of any bit (--type bitflip, without --bit)"),
    ))
}

/// Opens the model of a campaign.
fn graph(arguments: &Arguments, name: &str, provenance: &Provenance) -> Result<Graph> {
    let source = &provenance.model;
    let architecture = source.architecture.as_deref().map(Architecture::of).transpose()?;
    let path = match &arguments.model {
        Some(name) => name.clone(),
        None => locate::again(&source.path).map_err(|error| {
            Error::input(name, format_args!("the model of the campaign is not found: {error}; --model names it"))
        })?,
    };
    let stated =
        Statements { output: source.output.clone(), input_size: source.input_size, threshold: source.threshold };
    let file = ModelFile::read(&path, architecture)?.stated_by(stated);
    if !source.sha256.is_empty() && file.sha256() != source.sha256 {
        return Err(Error::input(
            path,
            format_args!(
                "the file is not the model of the campaign: SHA-256 {} is expected, found {}; --model names the right one",
                source.sha256,
                file.sha256()
            ),
        ));
    }
    Ok(Graph::clone(&file.import()?.graph))
}

/// Writes every layer as a row.
fn rows(budget: &Budget) -> String {
    let header = "protection,memory,layer,bits,residency,faults,dangerous,probability,probability_upper,fit_per_raw";
    let mut text = format!("{header}\n");
    for variant in &budget.variants {
        for memory in &variant.memories {
            for layer in &memory.layers {
                let measured = &layer.measured;
                let number = |value: f64| serde_json::to_string(&value).unwrap_or_default();
                text += &csv_line([
                    memory.protection.clone().unwrap_or_default(),
                    memory.target.name().to_owned(),
                    measured.layer.clone(),
                    measured.bits.to_string(),
                    number(layer.residency),
                    measured.faults.to_string(),
                    measured.dangerous.to_string(),
                    layer.probability.map(number).unwrap_or_default(),
                    number(layer.probability_upper),
                    number(layer.fit_per_raw),
                ]);
            }
        }
    }
    text
}
