//! Trains the networks of `models/gtsrb-resnet8` and `models/gtsrb-vit` on the German Traffic Sign Recognition Benchmark (Stallkamp et al.,
//! "Man vs. computer", Neural Networks 32, 2012).
//!
//! ```text
//! cargo run --release --features train --example train_gtsrb -- --data DATA/gtsrb --network resnet8
//! ```
//!
//! DATA/gtsrb holds `train_images.npy`, `test_images.npy` (uint8, N x 32 x 32 x 3) and `train_labels.npy`,
//! `test_labels.npy` (integers). After each epoch the state is kept in a checkpoint; the same command goes on from
//! there. The test set decides nothing: it is only looked at.

#[path = "train_gtsrb/checkpoint.rs"]
mod checkpoint;
#[path = "train_gtsrb/network.rs"]
mod network;
#[path = "train_gtsrb/resnet.rs"]
mod resnet;
#[path = "train_gtsrb/signs.rs"]
mod signs;
#[path = "train_gtsrb/vit.rs"]
mod vit;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use clap::{Parser, ValueEnum};
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
use crate::resnet::ResNet8;
use crate::signs::Signs;
use crate::vit::SignVit;

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

    /// The network to train
    #[arg(long, value_enum, default_value_t = Network::Resnet8)]
    network: Network,

    /// The model file to write; that of the network below models/ unless named
    #[arg(long)]
    out: Option<PathBuf>,

    /// Folder for the state after each epoch; one of the network's below target/train_gtsrb/ unless named
    #[arg(long)]
    checkpoint: Option<PathBuf>,

    /// Compute on the GPU
    #[arg(long)]
    gpu: bool,

    /// Passes over the training images; as many as the network was made with unless named
    #[arg(long)]
    epochs: Option<usize>,

    /// Images a step
    #[arg(long, default_value_t = 128)]
    batch: usize,

    /// Peak of the learning rate; that which the network was made with unless named
    #[arg(long)]
    rate: Option<f64>,

    /// Decides the first weights, the order of the images and how they are varied
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The networks.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum, Serialize, Deserialize)]
enum Network {
    /// A residual network
    Resnet8,
    /// A vision transformer
    Vit,
}

impl Network {
    /// Folder below `models/`.
    fn id(self) -> &'static str {
        match self {
            Self::Resnet8 => "gtsrb-resnet8",
            Self::Vit => "gtsrb-vit",
        }
    }

    /// Display name.
    fn name(self) -> &'static str {
        match self {
            Self::Resnet8 => "GTSRB ResNet-8",
            Self::Vit => "GTSRB ViT",
        }
    }

    /// Epochs, and the peak of the learning rate.
    fn defaults(self) -> (usize, f64) {
        match self {
            Self::Resnet8 => (10, 4e-3),
            Self::Vit => (24, 2e-3),
        }
    }
}

/// What decides the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    network: Network,
    epochs: usize,
    batch: usize,
    rate: f64,
    seed: u64,
}

impl Recipe {
    fn of(arguments: &Arguments) -> Self {
        let &Arguments { network, epochs, batch, rate, seed, .. } = arguments;
        let (usual_epochs, usual_rate) = network.defaults();
        Self { network, epochs: epochs.unwrap_or(usual_epochs), batch, rate: rate.unwrap_or(usual_rate), seed }
    }

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
    let arguments = Arguments::parse();
    let result = match arguments.network {
        Network::Resnet8 => run::<ResNet8>(&arguments),
        Network::Vit => run::<SignVit>(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run<N: SignNet>(arguments: &Arguments) -> Result<()> {
    let recipe = &Recipe::of(arguments);
    let id = arguments.network.id();
    let out = arguments.out.clone().unwrap_or_else(|| format!("models/{id}/{id}.bpk").into());
    let kept = arguments.checkpoint.clone().unwrap_or_else(|| Path::new("target/train_gtsrb").join(id));
    // What cannot be written should be known now, and not after the training.
    let folder = out.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
    let train = Signs::open(&arguments.data, "train")?;
    let test = Signs::open(&arguments.data, "test")?;
    let choice = if arguments.gpu { DeviceChoice::Gpu } else { DeviceChoice::Cpu };
    let device = pollster::block_on(platform::open(choice))?.autodiff();
    device.seed(recipe.seed);

    let fresh = N::new(&device);
    let optimizer = AdamWConfig::new().with_weight_decay(0.02).init();
    let (mut net, mut optimizer, done) = match Checkpoint::find(&kept, recipe)? {
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
        Checkpoint::save(&kept, recipe, epoch + 1, &net, &optimizer)?;
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
    export(&net.valid(), arguments.network.name(), &test, &device.inner(), &out)
}

/// Trains on every image once and returns the mean loss.
fn one_epoch<N: SignNet>(
    mut net: N,
    optimizer: &mut ModuleOptimizer,
    train: &Signs,
    recipe: &Recipe,
    epoch: usize,
    device: &Device,
) -> (N, f32) {
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
fn correct(net: &impl SignNet, signs: &Signs, device: &Device) -> usize {
    let all: Vec<usize> = (0..signs.len()).collect();
    let right = |indices: &[usize]| {
        let batch = signs.plain(indices, device);
        let named = net.forward(batch.images).argmax(1).flatten::<1>(0, 1);
        named.equal(batch.labels).int().sum().into_scalar::<i64>() as usize
    };
    all.chunks(256).map(right).sum()
}

/// Writes the network as a model file, once it is known to compute there what it computes here.
fn export(net: &impl SignNet, name: &str, test: &Signs, device: &Device, out: &Path) -> Result<()> {
    let card = Card {
        name: name.to_owned(),
        preprocess: Some(Preprocess::known(Normalise::Tf, Resize::default())),
        labels: labels::builtin("gtsrb")?,
        grouping: Some(Grouping::builtin("gtsrb")?),
        notices: Vec::new(),
    };
    let model = Model::new(net.graph(name)?, card)?;
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
