//! `cargo xtask bench`: how fast golden runs and injections are, and beside PyTorch and PyTorchFI.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{packages, page, process, steps::Steps, workspace};

/// Long enough for PyTorch over a slow line: PyPI's build brings gigabytes for GPUs along.
const LIMIT: Duration = Duration::from_secs(3600);

/// What is measured, and how thoroughly.
#[derive(clap::Args)]
pub struct Options {
    /// Fewer and shorter rounds: for a first look.
    #[arg(long)]
    quick: bool,
    /// Only this network: resnet50, vgg16-32x32, efficientnet-lite0, resnet20, gtsrb; with --peer vit-b16, swin-t, convnext-t,
    /// resnet50-int8, too; or any that `faultscope architectures` lists. May be repeated.
    #[arg(long, value_name = "ID")]
    net: Vec<String>,
    /// Measure PyTorch, PyTorchFI and onnxruntime side by side; they are installed from PyPI into target/peers-venv.
    #[arg(long)]
    peer: bool,
    /// Write the table there, too, as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// Builds what is measured, and measures it.
///
/// # Errors
/// Where something cannot be installed, built or measured.
pub fn run(options: &Options, steps: &mut Steps) -> Result<()> {
    let target = workspace::target()?;
    steps.run("fetch EfficientNet-Lite0", page::fetch_models)?;
    let peer = options.peer.then(|| peers(&target, steps)).transpose()?;
    let json = target.join("bench.json");
    let mut bench = packages::cargo()?;
    bench.args(["bench", "--locked", "--bench", "throughput", "--", "--json"]).arg(&json);
    bench.args(options.quick.then_some("--quick"));
    bench.args(options.net.iter().flat_map(|net| ["--net", net]));
    if let Some(markdown) = &options.markdown {
        bench.arg("--markdown").arg(env::current_dir()?.join(markdown));
    }
    if let Some(Peers { python, models }) = &peer {
        bench.arg("--peer").arg(python).arg("--peer-models").arg(models);
    }
    steps.run("measure", || process::run(&mut bench))?;
    println!("\nThe table is in {}, too.", json.display());
    Ok(())
}

/// What PyTorch and PyTorchFI need.
struct Peers {
    python: PathBuf,
    models: PathBuf,
}

/// Installs PyTorch and PyTorchFI, and exports the networks that both sides run.
fn peers(target: &Path, steps: &mut Steps) -> Result<Peers> {
    let scripts = workspace::root()?.join("benches/peers");
    let venv = target.join("peers-venv");
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = scripts.join("requirements.txt");
    let wanted =
        fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    // Written last: an environment that has it is complete.
    let stamp = venv.join("installed.txt");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
        steps.run("install PyTorch, PyTorchFI and onnxruntime", || {
            let system = ["python3", "python"].into_iter().find_map(process::find);
            let system = system.context("no Python is found; please install Python 3.11 or newer")?;
            process::run_quietly(Command::new(system).args(["-m", "venv", "--clear"]).arg(&venv), LIMIT)?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
            process::run_quietly(&mut pip, LIMIT)?;
            fs::write(&stamp, &wanted).with_context(|| format!("cannot write {}", stamp.display()))
        })?;
    }
    let models = target.join("peers");
    steps.run("export the networks that both sides run", || {
        process::run_quietly(Command::new(&python).arg(scripts.join("export.py")).arg(&models), LIMIT)
    })?;
    Ok(Peers { python, models })
}
