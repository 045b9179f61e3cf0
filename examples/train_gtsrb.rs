//! Trains the network of `models/gtsrb-resnet8` on the German Traffic Sign Recognition Benchmark (Stallkamp et al.,
//! "Man vs. computer", Neural Networks 32, 2012).
//!
//! ```text
//! cargo run --release --features train --example train_gtsrb -- --data DATA/gtsrb
//! ```
//!
//! DATA/gtsrb holds `train_images.npy`, `test_images.npy` (uint8, N x 32 x 32 x 3) and `train_labels.npy`,
//! `test_labels.npy` (integers). After each epoch the state is kept in a checkpoint; the same command goes on from
//! there. The test set decides nothing: it is only looked at.

#[path = "train_gtsrb/checkpoint.rs"]
mod checkpoint;
#[path = "train_gtsrb/network.rs"]
mod network;
#[path = "train_gtsrb/signs.rs"]
mod signs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use clap::Parser;
use faultscope::campaign::Lab;
use faultscope::cli::write::{self, Existing};
use faultscope::data::{Normalise, Preprocess, Resize};
use faultscope::import::Format;
use faultscope::labels::{self, Grouping};
use faultscope::model::{Card, Model};
use faultscope::platform::{self, DeviceChoice};
use faultscope::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::network::SignNet;
use crate::signs::Signs;

const NAME: &str = "GTSRB ResNet-8";
/// Share of the steps in which the learning rate rises to its peak.
const WARM_UP: f64 = 0.15;
/// Images to compare the exported network with the trained one.
const COMPARED: usize = 100;

/// Train a small network to read traffic signs.
#[derive(Parser)]
struct Arguments {
    /// Folder of train_images.npy, train_labels.npy, test_images.npy and test_labels.npy
    #[arg(long)]
    data: PathBuf,

    /// The model file to write
    #[arg(long, default_value = "models/gtsrb-resnet8/gtsrb-resnet8.bpk")]
    out: PathBuf,

    /// Folder for the state after each epoch
    #[arg(long, default_value = "target/train_gtsrb")]
    checkpoint: PathBuf,

    /// Compute on the GPU
    #[arg(long)]
    gpu: bool,

    #[command(flatten)]
    recipe: Recipe,
}

/// What decides the result.
#[derive(Clone, Debug, PartialEq, clap::Args, Serialize, Deserialize)]
pub struct Recipe {
    /// Passes over the training images
    #[arg(long, default_value_t = 10)]
    epochs: usize,

    /// Images a step
    #[arg(long, default_value_t = 128)]
    batch: usize,

    /// Peak of the learning rate
    #[arg(long, default_value_t = 4e-3)]
    rate: f64,

    /// Decides the first weights, the order of the images and how they are varied
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Recipe {
    /// One cycle: up along a line, down along half a cosine.
    fn rate_at(&self, progress: f64) -> f64 {
        let factor = if progress < WARM_UP {
            progress / WARM_UP
        } else {
            let rest = (progress - WARM_UP) / (1.0 - WARM_UP);
            (1.0 + (std::f64::consts::PI * rest).cos()) / 2.0
        };
        self.rate * factor.max(1e-3)
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let recipe = &arguments.recipe;
    // What cannot be written should be known now, and not after the training.
    let folder = arguments.out.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
    let train = Signs::open(&arguments.data, "train")?;
    let test = Signs::open(&arguments.data, "test")?;
    let choice = if arguments.gpu { DeviceChoice::Gpu } else { DeviceChoice::Cpu };
    let device = pollster::block_on(platform::open(choice))?.autodiff();
    device.seed(recipe.seed);

    let fresh = SignNet::new(&device);
    let optimizer = AdamWConfig::new().with_weight_decay(0.02).init();
    let (mut net, mut optimizer, done) = match Checkpoint::find(&arguments.checkpoint, recipe)? {
        Some(found) => (found.network(fresh)?, found.optimizer(optimizer)?, found.epochs),
        None => (fresh, optimizer, 0),
    };
    println!("{} training images, {} test images, {} parameters", train.len(), test.len(), net.num_params());

    for epoch in done..recipe.epochs {
        let start = Instant::now();
        let loss;
        (net, loss) = one_epoch(net, &mut optimizer, &train, recipe, epoch, &device);
        let trained = start.elapsed();
        let correct = correct(&net.valid(), &test, &device.clone().inner());
        Checkpoint::save(&arguments.checkpoint, recipe, epoch + 1, &net, &optimizer)?;
        println!(
            "epoch {:2} of {}: loss {loss:.4}, {correct} of {} test images right ({:.2} %), {:.0} s + {:.0} s",
            epoch + 1,
            recipe.epochs,
            test.len(),
            100.0 * correct as f64 / test.len() as f64,
            trained.as_secs_f64(),
            (start.elapsed() - trained).as_secs_f64(),
        );
    }
    export(&net.valid(), &test, &device.inner(), &arguments.out)
}

/// Trains on every image once and returns the mean loss.
fn one_epoch(
    mut net: SignNet,
    optimizer: &mut ModuleOptimizer,
    train: &Signs,
    recipe: &Recipe,
    epoch: usize,
    device: &Device,
) -> (SignNet, f32) {
    let loss = CrossEntropyLossConfig::new().with_smoothing(Some(0.05)).init(device);
    let order = train.shuffled(recipe.seed, epoch);
    // The last few images wait for the next epoch's order: a small batch has poor statistics.
    let steps = order.len() / recipe.batch;
    let mut sum = 0.0;
    for (step, indices) in order.chunks_exact(recipe.batch).enumerate() {
        let batch = train.augmented(indices, recipe.seed, epoch, device);
        let loss = loss.forward(net.forward(batch.images), batch.labels);
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        let progress = (epoch * steps + step) as f64 / (recipe.epochs * steps) as f64;
        net = optimizer.step(recipe.rate_at(progress), net, gradients);
        sum += loss.into_scalar::<f32>();
    }
    (net, sum / steps as f32)
}

/// How many of the images the network names rightly.
fn correct(net: &SignNet, signs: &Signs, device: &Device) -> usize {
    let all: Vec<usize> = (0..signs.len()).collect();
    let right = |indices: &[usize]| {
        let batch = signs.plain(indices, device);
        let named = net.forward(batch.images).argmax(1).flatten::<1>(0, 1);
        named.equal(batch.labels).int().sum().into_scalar::<i64>() as usize
    };
    all.chunks(256).map(right).sum()
}

/// Writes the network as a model file, once it is known to compute there what it computes here.
fn export(net: &SignNet, test: &Signs, device: &Device, out: &Path) -> Result<()> {
    let card = Card {
        name: NAME.to_owned(),
        preprocess: Some(Preprocess::known(Normalise::Tf, Resize::default())),
        labels: labels::builtin("gtsrb")?,
        grouping: Some(Grouping::builtin("gtsrb")?),
        notices: Vec::new(),
    };
    let model = Model::new(net.graph(NAME)?, card)?;
    let bytes = Format::Burnpack.write(&model)?;
    let lab = Lab::on(model, device)?;
    let mut difference = 0.0f32;
    for index in 0..COMPARED.min(test.len()) {
        let trained = net.forward(test.plain(&[index], device).images).into_data();
        let trained = trained.try_to_vec::<f32>().map_err(|error| Error::request(format_args!("{error:?}")))?;
        let input = lab.model().preprocess().apply(&test.image(index), lab.model().input_shape())?;
        let exported = pollster::block_on(lab.golden(&input))?.logits;
        let worst = trained.iter().zip(&exported).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        difference = difference.max(worst);
    }
    if difference.is_nan() || difference > 1e-3 {
        return Err(Error::request(format_args!("the exported network's scores differ by {difference}")));
    }
    write::atomically(out, &bytes, Existing::Replace)?;
    println!(
        "{} is written: {} bytes, SHA-256 {}, scores within {difference:.0e} of the trained network's",
        out.display(),
        bytes.len(),
        write::sha256(&bytes),
    );
    Ok(())
}
