//! How fast golden runs and injections are, each step's gain apart, and beside PyTorch and PyTorchFI: what
//! `cargo xtask bench` runs.
//!
//! What is compared is measured in turn, round by round within one run, and a ratio is the median of the rounds' ratios: a
//! machine that is slow for a while is slow for both.

mod campaigns;
mod engine;
mod limit;
mod machine;
mod peer;
mod rounds;
mod subject;
mod table;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use faultscope::platform::{self, DeviceChoice};

use crate::engine::{Engine, Step};
use crate::peer::Peer;
use crate::rounds::{Rounds, median};
use crate::subject::Subject;
use crate::table::Table;

/// Anything that ends a measurement.
type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
struct Options {
    /// Network: resnet50, vgg16-32x32, efficientnet-lite0, resnet20, gtsrb; with --peer vit-b16, swin-t, convnext-t,
    /// resnet50-int8, too; or an architecture that `faultscope architectures` lists; may be repeated [default: all that are
    /// named here]
    #[arg(long, value_name = "ID")]
    net: Vec<String>,
    /// Nothing but this step of the engine, for a profiler to look at: dense, single, naive, downstream, batched, patches,
    /// protected, weights, scores, bfloat16, int8, bullet-wake, shattered-glass
    #[arg(long, value_name = "STEP", value_parser = Step::named)]
    step: Option<Step>,
    /// Fewer and shorter rounds: for a first look
    #[arg(long)]
    quick: bool,
    /// Python of an environment with PyTorch and PyTorchFI, to measure them side by side
    #[arg(long, value_name = "PYTHON", requires = "peer_models")]
    peer: Option<PathBuf>,
    /// Folder of the networks that both sides run
    #[arg(long, value_name = "FOLDER")]
    peer_models: Option<PathBuf>,
    /// Write the table there, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the table there, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How long it is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// For each measure in a round.
    budget: Duration,
    /// About how long the shorter of two campaigns takes.
    campaign: Duration,
}

fn main() -> ExitCode {
    match measure(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), Failure> {
    let effort = match options.quick {
        true => Effort { rounds: 3, budget: Duration::from_millis(400), campaign: Duration::from_millis(500) },
        false => Effort { rounds: 7, budget: Duration::from_millis(2000), campaign: Duration::from_secs(4) },
    };
    let mut table = Table::new(machine::describe());
    let ids = match options.net.is_empty() {
        true => {
            let today = options.peer.iter().flat_map(|_| subject::TODAY);
            subject::DEFAULT.into_iter().chain(today).map(str::to_owned).collect()
        }
        false => options.net.clone(),
    };
    for id in &ids {
        let Some(subject) = Subject::open(id, options.peer_models.as_deref())? else { continue };
        eprintln!("{}", subject.title);
        if let Some(step) = options.step {
            only(step, &subject, effort, &mut table)?;
            continue;
        }
        let rate = inference(&subject, options, effort, &mut table)?;
        if subject.is_of_today() {
            continue;
        }
        campaigns::measure(&subject, rate, effort, &mut table)?;
        if subject.id == "resnet20" || subject.id == "gtsrb" {
            gpu(&subject, effort, &mut table)?;
        }
    }
    print!("{}", table.text());
    if let Some(path) = &options.json {
        std::fs::write(path, table.json())?;
    }
    if let Some(path) = &options.markdown {
        std::fs::write(path, table.markdown())?;
    }
    Ok(())
}

/// One step on the CPU.
fn only(step: Step, subject: &Subject, effort: Effort, table: &mut Table) -> Result<(), Failure> {
    let device = pollster::block_on(platform::open(DeviceChoice::Cpu))?;
    let mut engine = Engine::new(subject, &device)?;
    let rates = (0..effort.rounds).map(|round| engine.rate(step, round, effort.budget));
    let mut rates = rates.collect::<Result<Vec<_>, _>>()?;
    table.push(&subject.title, step.measure(), median(&mut rates), step.unit());
    Ok(())
}

/// Golden runs and injections on the CPU, and the peer's. Answers the injections a second.
fn inference(subject: &Subject, options: &Options, effort: Effort, table: &mut Table) -> Result<f64, Failure> {
    let device = pollster::block_on(platform::open(DeviceChoice::Cpu))?;
    let mut engine = Engine::new(subject, &device)?;
    let mut peer = match (&options.peer, subject.has_peer) {
        (Some(python), true) => Some(Peer::start(python, subject)?),
        _ => None,
    };
    let mut rounds = Rounds::default();
    for round in 0..=effort.rounds {
        for &step in subject.steps() {
            rounds.push(step.name(), engine.rate(step, round, effort.budget)?);
        }
        rounds.push("gemm", limit::gemm_rate(&device)?);
        if let Some(peer) = &mut peer {
            peer.round(subject, &engine, round, effort.budget, &mut rounds)?;
        }
        if round == 0 {
            // The first round warms up.
            rounds.clear();
        }
        eprint!(".");
    }
    eprintln!();

    let id = &subject.id;
    for step in subject.steps() {
        table.push(&subject.title, step.measure(), rounds.median(step.name()), step.unit());
    }
    for step in subject.steps() {
        let Some(other) = step.compared_with() else { continue };
        let ratio = rounds.ratio(step.name(), other.name());
        table.judge(id, &subject.title, &format!("{} / {}", step.measure(), other.name_in_ratios()), ratio, "x");
    }
    if !subject.is_of_today() {
        limit::report(subject, &engine, &rounds, table);
    }
    if let Some(peer) = &peer {
        peer.report(subject, &rounds, table);
    }
    Ok(rounds.median(Step::Patches.name()))
}

/// The same engine on the GPU, for as much of it as compares with itself.
fn gpu(subject: &Subject, effort: Effort, table: &mut Table) -> Result<(), Failure> {
    let device = match pollster::block_on(platform::open(DeviceChoice::Gpu)) {
        Ok(device) => device,
        Err(error) => {
            eprintln!("  no GPU measured: {error}");
            return Ok(());
        }
    };
    let adapter = machine::adapter(&device);
    let mut engine = Engine::new(subject, &device)?;
    let mut ratios = Vec::new();
    for round in 0..=effort.rounds {
        let dense = engine.rate(Step::Dense, round, effort.budget)?;
        let faults = engine.rate(Step::Patches, round, effort.budget)?;
        if round > 0 {
            ratios.push(faults / dense);
        }
    }
    table.judge("gpu", &subject.title, &format!("injections / dense on {adapter}"), median(&mut ratios), "x");
    Ok(())
}
