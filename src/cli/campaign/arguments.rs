//! What `faultscope campaign` is asked for.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use facts::{Name, Named};

use super::shard::ShardArgument;
use crate::campaign::{FAULTS, Faults, SEED};
use crate::cli::args::{GroupingArguments, RunArguments, choice};
use crate::cli::data::DataArguments;
use crate::cli::failure::Failure;
use crate::cli::size;
use crate::fault::{FaultKind, FaultModel, Mode, Sampling, Target};

/// Inject many faults, drawn at random, into inferences over labelled images.
///
/// Writes DIR/config.json (all that is needed to repeat the campaign), DIR/faults.jsonl (one record a line) and
/// DIR/summary.json. A fault depends only on the seed, the index of the image and the index of the fault, so the
/// same arguments give the same faults on every machine and device, in any number of shards and jobs. Ctrl-C ends a
/// campaign within seconds; what was done is kept, and --resume goes on with it.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct Arguments {
    /// YAML file of arguments, each under its name without the dashes, or TensorFI's keys Target, Mode, Type, Amount
    /// and Bit; what stands on the command line wins
    #[arg(long, value_name = "FILE.yaml")]
    pub config: Option<PathBuf>,

    /// Model file, id of a folder in models/, or zoo:ID
    #[arg(long)]
    model: Option<String>,

    /// Images: a folder (a sub-folder a class, or files called NAME_NN_LABEL.ext), an .npy file, CIFAR's test.bin or
    /// .tar.gz, GTSRB with its table, ImageNet's validation images with --devkit, or what `faultscope prepare` wrote
    #[arg(long)]
    data: Option<PathBuf>,

    #[command(flatten)]
    pub reading: DataArguments,

    /// Directory for the results; without --resume it must not hold a campaign
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with the campaign in the directory where there is one; the arguments must be those it was begun with
    #[arg(long)]
    pub resume: bool,

    /// Seed of all draws
    #[arg(long, default_value_t = SEED, value_name = "S")]
    pub seed: u64,

    /// Use the images of this sample only, which `faultscope sample` drew from the data
    #[arg(long, value_name = "FILE.json")]
    pub sample: Option<PathBuf>,

    /// Use the first N images only, of the data or of the sample
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,

    #[command(flatten)]
    count: CountArguments,

    #[command(flatten)]
    fault: FaultArguments,

    /// Do one part only, I/N: the I-th of N, from 1, to be put together by `faultscope merge`; auto: as the array job
    /// of Slurm or the indexed job of Kubernetes has it that this process belongs to; auto/N where it does not say
    #[arg(long, value_name = "I/N|auto")]
    pub shard: Option<ShardArgument>,

    /// Threads, each on images of its own; as many as there are cores
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// Memory for the tensors of all images and faulty inferences at work, in bytes or with a unit, 512MiB or 2GB for
    /// example; the model comes on top. It has no say in the results
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size::bytes)]
    pub memory: usize,

    #[command(flatten)]
    pub grouping: GroupingArguments,

    #[command(flatten)]
    pub run: RunArguments,
}

#[derive(Debug, Args)]
struct CountArguments {
    /// Faults for each image, one at a time
    #[arg(long, value_name = "K", default_value_t = FAULTS, conflicts_with = "protocol")]
    faults: usize,

    /// Let the golden run decide how many faults an image gets
    #[arg(long, value_parser = choice::<Protocol>())]
    protocol: Option<Protocol>,

    /// With --protocol study: faults for each image that is classified correctly [default: 5]
    #[arg(long, value_name = "K")]
    correct: Option<usize>,

    /// With --protocol study: faults for each image that is not [default: 30; 50 for a model of 43 classes, GTSRB's]
    #[arg(long, value_name = "K")]
    misclassified: Option<usize>,
}

/// Who decides how many faults an image gets.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    /// The golden run.
    Study,
}

impl Named for Protocol {
    const ALL: &'static [(Self, Name)] = &[(
        Self::Study,
        Name::new("study", "Study", "few faults in images that are classified correctly, many in the others"),
    )];
}

#[derive(Debug, Args)]
struct FaultArguments {
    /// What is struck
    #[arg(long, default_value = "activation", value_parser = choice::<Target>())]
    target: Target,

    /// What happens to a value
    #[arg(long = "type", value_name = "TYPE", default_value = "bitflip", value_parser = choice::<FaultKind>())]
    kind: FaultKind,

    /// The bits that bit flips invert, each equally likely: 30 for example, 23-30, 0,31, or the fields sign, exponent,
    /// mantissa [default: all, 0-31]
    #[arg(long, value_name = "BITS")]
    bit: Option<String>,

    /// How many distinct elements of a layer are struck at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    amount: usize,

    /// Share of a layer's elements that --type zero strikes at once, instead of --amount
    #[arg(long, value_name = "P", conflicts_with = "amount")]
    percent: Option<f64>,

    /// How many layers are struck at once
    #[arg(long, default_value = "single", value_parser = choice::<Mode>())]
    mode: Mode,

    /// The layers that can be struck, as names or indices with commas between them [default: for activations those that
    /// the study draws from, all but the last, for weights all]
    #[arg(long, value_name = "NAME|INDEX,..")]
    layers: Option<String>,

    /// How a single layer is drawn; the rates answer different questions
    #[arg(long, default_value = "layer", value_parser = choice::<Sampling>())]
    sampling: Sampling,
}

impl Arguments {
    /// Model, data and output directory, which there must be.
    pub fn places(&self) -> Result<(&str, &PathBuf, &PathBuf), Failure> {
        let missing = |flag: &str| Failure::usage("campaign", format!("--{flag} is missing, here and in --config"));
        Ok((
            self.model.as_deref().ok_or_else(|| missing("model"))?,
            self.data.as_ref().ok_or_else(|| missing("data"))?,
            self.out.as_ref().ok_or_else(|| missing("out"))?,
        ))
    }

    /// The number of faults of an image, for a model of so many classes.
    pub fn faults(&self, classes: usize) -> Result<Faults, Failure> {
        let faults = match self.count.protocol {
            None if self.count.correct.or(self.count.misclassified).is_some() => {
                let problem = "--correct and --misclassified go with --protocol study only";
                return Err(Failure::usage("campaign", problem));
            }
            None => Faults::Each(self.count.faults),
            Some(Protocol::Study) => {
                let usual = Faults::study(classes);
                let correct = self.count.correct.unwrap_or(usual.at_least());
                Faults::ByGolden { correct, misclassified: self.count.misclassified.unwrap_or(usual.at_most()) }
            }
        };
        faults.validate()?;
        Ok(faults)
    }

    /// The fault model.
    pub fn fault_model(&self) -> Result<FaultModel, Failure> {
        self.fault.resolve()
    }
}

impl FaultArguments {
    fn resolve(&self) -> Result<FaultModel, Failure> {
        if self.bit.is_some() && !self.kind.is_bit_flip() {
            return Err(Failure::usage("campaign", "--bit goes with --type bitflip only"));
        }
        if self.percent.is_some() && !matches!(self.kind, FaultKind::Zero { .. }) {
            return Err(Failure::usage("campaign", "--percent goes with --type zero only"));
        }
        let kind = match self.kind {
            FaultKind::BitFlip { .. } => {
                let bits = self.bit.as_deref().map(str::parse).transpose()?.unwrap_or_default();
                FaultKind::BitFlip { bits }
            }
            FaultKind::Zero { .. } => FaultKind::Zero { percent: self.percent },
            FaultKind::Random => FaultKind::Random,
        };
        let layers = self.layers.as_ref().map(|layers| layers.split(',').map(|name| name.trim().to_owned()).collect());
        let (target, mode, amount, sampling) = (self.target, self.mode, self.amount, self.sampling);
        let model = FaultModel { target, kind, mode, amount, sampling, layers };
        model.validate()?;
        Ok(model)
    }
}
