//! Set-up and chores of Faultscope: `cargo xtask --help` lists them.
//!
//! Every chore installs what it needs, prints each of its steps, and can be repeated.

mod bench;
mod catalogue;
mod check;
mod deny;
mod dist;
mod fuzz;
mod layering;
mod names;
mod offline;
mod packages;
mod page;
mod plan;
mod process;
mod serve;
mod server;
mod setup;
mod sizes;
mod steps;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::steps::Steps;

/// Set-up and chores of Faultscope.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Chore {
    /// Build the explorer and serve it; fetch EfficientNet-Lite0 and its sample images meanwhile.
    Serve(serve::Options),
    /// Run every check and every test, the browser's included. What CI runs.
    Test(test::Options),
    /// Check formatting, lints, the order of modules, the size of source files, and dependencies (with cargo-deny).
    Check,
    /// Measure how fast golden runs and injections are, also beside PyTorch and PyTorchFI.
    Bench(bench::Options),
    /// Run every fuzz target of fuzz/ for some seconds.
    Fuzz(fuzz::Options),
    /// Build the page for publishing, into dist/, and say how large it is.
    Dist,
    /// Fetch EfficientNet-Lite0 and its sample images, where they are not here yet.
    FetchModels,
}

fn main() -> ExitCode {
    let mut steps = Steps::new();
    let outcome = match Chore::parse() {
        Chore::Serve(options) => serve::run(&options, &mut steps),
        Chore::Test(options) => {
            let outcome = test::run(options, &mut steps);
            steps.summary();
            outcome
        }
        Chore::Check => check::run(&mut steps),
        Chore::Bench(options) => bench::run(&options, &mut steps),
        Chore::Fuzz(options) => fuzz::run(&options, &mut steps),
        Chore::Dist => dist::run(&mut steps),
        Chore::FetchModels => steps.run("fetch EfficientNet-Lite0", page::fetch_models),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
