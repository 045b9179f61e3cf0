//! `faultscope campaign`: many faults over labelled images.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::args::{GroupingArguments, KINDS, Kind, RunArguments, TARGETS, choice};
use super::directory::{self, Directory};
use super::exit::Exit;
use super::failure::Failure;
use super::inject::bit_out_of_range;
use super::open::{self, ModelFile};
use super::output::{counted, name, print, thousands};
use super::progress::Progress;
use super::{data, report};
use crate::campaign::{CampaignConfig, CampaignEvent, Faults, Lab, ModelSource, Provenance, Runner, Steps, Summary};
use crate::data::Source;
use crate::fault::{FaultKind, FaultModel, Mode, Sampling, Target};
use crate::outcome::Outcome;
use crate::{Error, Result};

/// Names of [`Mode`].
pub const MODES: &[(&str, &str)] = &[("single", "one layer, drawn"), ("multiple", "every layer")];

/// Names of [`Sampling`].
pub const SAMPLINGS: &[(&str, &str)] = &[
    ("layer", "every layer equally likely, then every element of it"),
    ("element", "every element of every layer equally likely"),
];

/// Inject many faults, drawn at random, into inferences over labelled images.
///
/// Writes DIR/config.json (all that is needed to repeat the campaign), DIR/faults.jsonl (one record a line) and
/// DIR/summary.json. A fault depends only on the seed, the index of the image and the index of the fault, so the
/// same arguments give the same faults on every machine and device. Ctrl-C ends a campaign after the fault in
/// hand; what was done is kept.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, or id of a folder in models/
    #[arg(long)]
    model: String,

    /// Images: a folder (a sub-folder a class, or files called NAME_NN_LABEL.ext), or an .npy file (uint8, N x H x
    /// W x C)
    #[arg(long)]
    data: PathBuf,

    /// Labels of an .npy file of images; the file beside it with "labels" for "images" in its name
    #[arg(long, value_name = "FILE.npy")]
    labels: Option<PathBuf>,

    /// Directory for the results; it must not hold a campaign already
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Seed of all draws
    #[arg(long, default_value_t = 0, value_name = "S")]
    seed: u64,

    /// Use the first N images only
    #[arg(long, value_name = "N")]
    images: Option<usize>,

    /// Faults for each image, one at a time
    #[arg(long, default_value_t = 5, value_name = "K")]
    faults: usize,

    #[command(flatten)]
    fault: FaultArguments,

    #[command(flatten)]
    grouping: GroupingArguments,

    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Args)]
struct FaultArguments {
    /// What is struck
    #[arg(long, default_value = "activation", value_parser = choice::<Target>(TARGETS))]
    target: Target,

    /// What happens to a value
    #[arg(long = "type", value_name = "TYPE", default_value = "bitflip", value_parser = choice::<Kind>(KINDS))]
    kind: Kind,

    /// The bit that bit flips invert, 0 to 31; without it each is drawn uniformly
    #[arg(long, value_name = "B")]
    bit: Option<u32>,

    /// How many distinct elements of a layer are struck at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    amount: usize,

    /// Share of a layer's elements that --type zero strikes at once, instead of --amount
    #[arg(long, value_name = "P", conflicts_with = "amount")]
    percent: Option<f64>,

    /// How many layers are struck at once
    #[arg(long, default_value = "single", value_parser = choice::<Mode>(MODES))]
    mode: Mode,

    /// How a single layer is drawn; the rates answer different questions
    #[arg(long, default_value = "layer", value_parser = choice::<Sampling>(SAMPLINGS))]
    sampling: Sampling,
}

impl FaultArguments {
    fn resolve(&self) -> Result<FaultModel, Failure> {
        if self.bit.is_some() && self.kind != Kind::BitFlip {
            return Err(Failure::usage("campaign", "--bit goes with --type bitflip only"));
        }
        if self.percent.is_some() && self.kind != Kind::Zero {
            return Err(Failure::usage("campaign", "--percent goes with --type zero only"));
        }
        let kind = match self.kind {
            Kind::BitFlip => {
                let bit = self.bit.map(|bit| u8::try_from(bit).map_err(|_| bit_out_of_range(bit))).transpose()?;
                FaultKind::BitFlip { bit }
            }
            Kind::Zero => FaultKind::Zero { percent: self.percent },
            Kind::Random => FaultKind::Random,
        };
        let model =
            FaultModel { target: self.target, kind, mode: self.mode, amount: self.amount, sampling: self.sampling };
        model.validate()?;
        Ok(model)
    }
}

impl Arguments {
    fn config(&self) -> Result<CampaignConfig, Failure> {
        let config = CampaignConfig {
            // The model's own name, once it is known.
            model: self.model.clone(),
            seed: self.seed,
            images: self.images,
            faults: Faults::Each(self.faults),
            fault_model: self.fault.resolve()?,
            grouping: None,
        };
        config.validate()?;
        Ok(config)
    }
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut config = arguments.config()?;
    let grouping = arguments.grouping.grouping.as_deref().map(open::grouping).transpose()?;
    directory::check_free(&arguments.out)?;
    let file = ModelFile::read(&arguments.model)?;
    let (path, sha256) = (file.path.display().to_string(), file.sha256());
    let model = file.load(&arguments.run.preprocess)?;
    let data = data::open(&arguments.data, arguments.labels.as_deref(), &model.card.labels)?;
    config.model.clone_from(&model.card.name);
    let source = ModelSource { path, sha256, preprocess: model.preprocess() };
    let lab = open::lab(model, arguments.run.device, grouping)?;
    let mut runner = Runner::new(&lab, config, data.source)?;
    let provenance = Provenance {
        faultscope: env!("CARGO_PKG_VERSION").to_owned(),
        campaign: runner.plan().config().clone(),
        model: source,
        data: data.origin,
        sample: None,
        shard: None,
        device: name(&arguments.run.device),
        grouping: lab.grouping().cloned(),
        layers: runner.plan().layers(),
    };
    // The start and the first golden run: where that fails, no directory is left behind.
    for _ in 0..2 {
        pollster::block_on(runner.next())?;
    }
    let planned = runner.plan().trials();
    let interrupted = interruption()?;
    let summary = drive(runner, Directory::create(&arguments.out, &provenance)?, &interrupted)?;
    let out = arguments.out.display();
    print(&format!("{}\n`faultscope report {out}` breaks this down by bit and layer\n", report::overview(&summary)))?;
    if summary.complete {
        return Ok(Exit::Done);
    }
    let done = thousands(summary.faults.injections);
    eprintln!("interrupted after {done} of {}; what was done is in {out}", counted(planned, "fault"));
    Ok(Exit::Incomplete)
}

/// Pulls the campaign through and writes it down, to its end or until `interrupted`; the summary is written in
/// either case, and also where an error ends it.
fn drive(
    mut runner: Runner<Steps<&Lab, Arc<dyn Source + Send + Sync>>>,
    mut directory: Directory,
    interrupted: &AtomicBool,
) -> Result<Summary> {
    let mut progress = Progress::new(runner.plan().trials());
    let mut step = || {
        let event = pollster::block_on(runner.next())?;
        if let Some(CampaignEvent::Injection(record)) = &event {
            directory.append(record)?;
            progress.advance(record.outcome == Outcome::Sdc);
        }
        Ok(event.is_some())
    };
    let ended = loop {
        match step() {
            Ok(true) if !interrupted.load(Ordering::Relaxed) => {}
            Ok(_) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    progress.finish();
    let summary = runner.summary();
    let finished = directory.finish(&summary);
    ended.and(finished).map(|()| summary)
}

/// A flag that Ctrl-C, or a request to terminate, sets. The second time ends the process at once.
fn interruption() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down and raises it, the second finds it up and exits.
        flag::register_conditional_shutdown(signal, Exit::Incomplete as i32, Arc::clone(&interrupted))
            .and_then(|_| flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| Error::request(format_args!("Ctrl-C cannot be handled: {error}")))?;
    }
    Ok(interrupted)
}
