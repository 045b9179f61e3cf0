//! The arguments of `faultscope campaign`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use facts::{Name, Named, text};

use super::protect::ProtectArguments;
use super::replay::ReplayArgument;
use super::shard::ShardArgument;
use crate::campaign::{
    Confidence, DesignKind, FAULTS, Faults, Goal, HalfWidth, MAX_FAULTS, OnBadImage, Quantity, SEED,
};
use crate::cli::args::{CalibrationArguments, FormatArguments, GroupingArguments, RunArguments, choice};
use crate::cli::data::DataArguments;
use crate::cli::failure::Failure;
use crate::cli::read;
use crate::fault::{
    Bits, ErrorModels, ErrorRates, FaultKind, FaultModel, Format, Mode, Pattern, Sampling, Systolic, Target, systolic,
};

/// Inject many faults, drawn at random, into inferences over labelled images.
///
/// Writes DIR/config.json (everything needed to repeat the campaign), DIR/faults.jsonl (one record per line) and
/// DIR/summary.json. A fault depends only on the seed, the index of the image and the index of the fault. The same
/// arguments therefore give the same faults on every machine and device, in any number of shards and jobs. Ctrl-C ends
/// a campaign within seconds. The records are kept, and --resume continues.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct Arguments {
    /// YAML file of arguments, each under its name without the dashes, or TensorFI's keys Target, Mode, Type, Amount
    /// and Bit; arguments on the command line replace those of the file
    #[arg(long, value_name = "FILE.yaml")]
    pub config: Option<PathBuf>,

    /// Model file, id of a model, or zoo:ID
    #[arg(long)]
    model: Option<String>,

    /// Images: a folder (one sub-folder per class, or files called NAME_NN_LABEL.ext), ID/samples for the sample images
    /// of a model, an .npy file, CIFAR's test.bin or .tar.gz, GTSRB with its table, ImageNet's validation images with
    /// --devkit, or a folder of `faultscope prepare`
    #[arg(long)]
    data: Option<PathBuf>,

    #[command(flatten)]
    pub reading: DataArguments,

    /// Directory for the results; must not hold a campaign, except with --resume
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Continue the campaign in the directory, if there is one; all other arguments must be the same as at its start, except
    /// that --on-bad-image skip may be added
    #[arg(long)]
    pub resume: bool,

    /// Make one fault of the campaign in the directory again, print it, and compare it with its record: the index of its image
    /// and its number among the faults of this image, both from 0; all other arguments must be the same as at the start
    #[arg(long, value_name = "IMAGE:FAULT", conflicts_with = "resume")]
    pub replay: Option<ReplayArgument>,

    /// With --replay: follow the corruption layer by layer
    #[arg(long, requires = "replay")]
    pub trace: bool,

    /// Seed of all draws
    #[arg(long, default_value_t = SEED, value_name = "S")]
    pub seed: u64,

    /// Use only the images of this sample, which `faultscope sample` drew from the data
    #[arg(long, value_name = "FILE.json")]
    pub sample: Option<PathBuf>,

    /// Use only the first N images of the data or of the sample
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,

    #[command(flatten)]
    count: CountArguments,

    #[command(flatten)]
    pub goal: GoalArguments,

    #[command(flatten)]
    pub design: DesignArguments,

    #[command(flatten)]
    fault: FaultArguments,

    #[command(flatten)]
    pub formats: FormatArguments,

    #[command(flatten)]
    pub calibration: CalibrationArguments,

    #[command(flatten)]
    pub protect: ProtectArguments,

    /// Do one part only: I/N is the I-th of N parts, counted from 1, for `faultscope merge`; auto takes I and N from
    /// the array job of Slurm or the indexed job of Kubernetes; auto/N takes only I from it
    #[arg(long, value_name = "I/N|auto")]
    pub shard: Option<ShardArgument>,

    /// What to do at an image that cannot be read. Before the first fault, the beginnings of all images are checked [default:
    /// stop, or what the campaign to --resume says]
    #[arg(long, value_name = "ACTION", value_parser = choice::<OnBadImage>())]
    pub on_bad_image: Option<OnBadImage>,

    /// Number of threads [default: the number of cores, or as many as --memory allows]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    pub grouping: GroupingArguments,

    #[command(flatten)]
    pub run: RunArguments,
}

#[derive(Debug, Args)]
struct CountArguments {
    /// Faults for each image, one at a time; with --until those of the first round; not with --design exhaustive, which tries
    /// all [default: 5]
    #[arg(long, value_name = "K", conflicts_with = "protocol")]
    faults: Option<usize>,

    /// Rule that gives each image a number of faults, instead of --faults
    #[arg(long, value_parser = choice::<Protocol>())]
    protocol: Option<Protocol>,

    /// With --protocol study: faults for each correctly classified image [default: 5]
    #[arg(long, value_name = "K")]
    correct: Option<usize>,

    /// With --protocol study: faults for each misclassified image [default: 30; 50 for a model of 43 classes, as GTSRB
    /// has]
    #[arg(long, value_name = "K")]
    misclassified: Option<usize>,
}

#[derive(Debug, Args)]
pub struct GoalArguments {
    /// Inject round after round into all images until the interval of a rate is this narrow: half its width in percentage points,
    /// 0.1pp for example, or relative to the rate, 10% for example
    #[arg(long, value_name = "WIDTH")]
    until: Option<HalfWidth>,

    /// With --until: the quantity that is to be known [default: sdc]
    #[arg(long, value_name = "QUANTITY", value_parser = choice::<Quantity>())]
    of: Option<Quantity>,

    /// With --until: confidence of the interval in percent; the interval holds although the campaign looks at its results to
    /// stop [default: 95]
    #[arg(long, value_name = "PERCENT", value_parser = choice::<Confidence>())]
    confidence: Option<Confidence>,

    /// With --until: number of faults at which the campaign ends in any case; with --design exhaustive: number of faults above
    /// which it is refused [default: 1000000]
    #[arg(long, value_name = "N")]
    max_faults: Option<u64>,
}

impl GoalArguments {
    /// The largest number of faults.
    pub fn max_faults(&self) -> u64 {
        self.max_faults.unwrap_or(MAX_FAULTS)
    }

    /// Returns the goal, if there is one.
    pub fn resolve(&self, sharded: bool, exhaustive: bool) -> Result<Option<Goal>, Failure> {
        let Some(margin) = self.until else {
            if self.of.is_some() || self.confidence.is_some() || self.max_faults.is_some() && !exhaustive {
                let problem = "--of, --confidence and --max-faults go with --until only (--max-faults with --design exhaustive, too)";
                return Err(Failure::usage("campaign", problem));
            }
            return Ok(None);
        };
        if sharded {
            let problem = "--until decides by the records of all images, and a shard has those of its own only; run the campaign in \
                           one piece (--jobs uses all cores), or give the shards a fixed number of --faults";
            return Err(Failure::usage("campaign", problem));
        }
        Ok(Some(Goal {
            margin,
            of: self.of.unwrap_or_default(),
            confidence: self.confidence.unwrap_or_default(),
            max_faults: self.max_faults(),
        }))
    }
}

#[derive(Debug, Args)]
pub struct DesignArguments {
    /// Choice of the faults: stratified injects more where a gradient says that it tells more, and gives each fault a weight, so
    /// that the rates stay unbiased and need several times fewer faults; exhaustive tries every --bit of every element of --layers
    /// in each image, so that the rates are exact
    #[arg(long, default_value = "uniform", value_parser = choice::<DesignKind>())]
    design: DesignKind,

    /// With --design stratified: faults of each image that are scored, of which --faults are injected [default: 64 for each
    /// of --faults, at least 256]. With --until: faults that are scored for each one that is injected [default: 64]
    #[arg(long, value_name = "N")]
    candidates: Option<usize>,
}

impl DesignArguments {
    /// Whether every fault is tried.
    pub fn is_exhaustive(&self) -> bool {
        self.design == DesignKind::Exhaustive
    }

    /// Returns the number of candidates if the design is stratified: `Some(None)` is the usual number.
    pub fn stratified(&self) -> Result<Option<Option<usize>>, Failure> {
        match (self.design, self.candidates) {
            (DesignKind::Uniform | DesignKind::Exhaustive, Some(_)) => {
                Err(Failure::usage("campaign", "--candidates goes with --design stratified only"))
            }
            (DesignKind::Uniform | DesignKind::Exhaustive, None) => Ok(None),
            (DesignKind::Stratified, candidates) => Ok(Some(candidates)),
        }
    }
}

/// A rule for the number of faults of an image.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    /// The number depends on the result of the golden run.
    Study,
}

impl Named for Protocol {
    const ALL: &'static [(Self, Name)] = &[(
        Self::Study,
        Name::new("study", "Study", "few faults for correctly classified images, many for misclassified ones"),
    )];
}

#[derive(Debug, Args)]
struct FaultArguments {
    /// Where to inject the fault [default: activation; with --accelerator what its register holds]
    #[arg(long, value_parser = choice::<Target>())]
    target: Option<Target>,

    /// Change of the value: bitflip (bitflips and burst: two bits, two adjacent ones), zero, random (a number from 0 to 1), set:V, scale:F, noise:S (a normally distributed
    /// number of standard deviation S is added), in-range or out-of-range (a number inside or outside the range of the golden
    /// values), or the permanent stuck0 and stuck1, which are the same for every image
    #[arg(long = "type", value_name = "TYPE", default_value = "bitflip", value_parser = FaultKind::parse)]
    kind: FaultKind,

    /// Bits to draw from; each fault inverts one of them, and all are equally likely: 30 for example, 23-30, 0,31, or
    /// the fields of the number format: sign, exponent, mantissa [default: all]
    #[arg(long, visible_alias = "bits", value_name = "BITS")]
    bit: Option<String>,

    /// Number of bits of a word that one fault inverts, drawn from --bit
    #[arg(long, value_name = "K")]
    bits_per_word: Option<u8>,

    /// Number of adjacent bits of a word that one fault inverts, within --bit
    #[arg(long, value_name = "K", conflicts_with = "bits_per_word")]
    burst: Option<u8>,

    /// Bit error rate: in each inference every bit of the chosen layers flips with this probability, 1e-7 for example. A range
    /// such as 1e-9..1e-5, or several rates with commas between them, make a sweep; --faults are then for each rate
    #[arg(long, value_name = "RATE|A..B|LIST")]
    ber: Option<ErrorRates>,

    /// Published error model in the form of CLASSES, from which pattern, size and values of each fault are drawn; with KIND= for
    /// the layers of one kind of `faultscope inspect`, and then once for each kind
    #[arg(long, value_name = "[KIND=]FILE.json")]
    pattern_file: Vec<String>,

    /// Systolic array with a faulty processing element: systolic:RxC,ws (weight-stationary, a bit of its weight register is
    /// stuck) or systolic:RxC,os (output-stationary, a bit of its result); with --type stuck0 or stuck1
    #[arg(long, value_name = "ARRAY")]
    accelerator: Option<Systolic>,

    /// With --accelerator: row and column of the faulty processing element, from 0 [default: each fault draws one]
    #[arg(long, value_name = "R,C", value_parser = systolic::pe, requires = "accelerator")]
    pe: Option<[usize; 2]>,

    /// Elements of a tensor that one fault changes together: single, row, column, channel, full-channels[:K],
    /// bullet-wake[:K] (a position in K channels), shattered-glass[:K] (a wake with one channel hit in more places of a
    /// row), block:WxH, skip:N[xK] (at distances of N), or random:K
    #[arg(long, value_name = "PATTERN", default_value_t = Pattern::Single)]
    pattern: Pattern,

    /// Number of distinct elements of a layer that one fault changes
    #[arg(long, default_value_t = 1, value_name = "N")]
    amount: usize,

    /// Share of a layer's elements that one fault changes, in percent, with --type zero and instead of --amount
    #[arg(long, value_name = "P", conflicts_with = "amount")]
    percent: Option<f64>,

    /// Number of layers that one fault changes
    #[arg(long, default_value = "single", value_parser = choice::<Mode>())]
    mode: Mode,

    /// Layers to draw from, with commas between them: a name, an index, or kind:KIND for all layers of a kind of
    /// `faultscope inspect`, kind:Conv for example. A name with a comma stands in quotes; the option may be repeated [default:
    /// for weights all layers, for activations the study's, which are all but the last]
    #[arg(long, value_name = "NAME|INDEX|kind:KIND,..", value_parser = layer_list)]
    layers: Vec<LayerList>,

    /// Distribution of the faults over layers and elements; the rates of the two have different meanings
    #[arg(long, default_value = "layer", value_parser = choice::<Sampling>())]
    sampling: Sampling,
}

impl Arguments {
    /// Returns model, data and output directory.
    pub fn places(&self) -> Result<(&str, &PathBuf, &PathBuf), Failure> {
        let missing =
            |flag: &str| Failure::usage("campaign", format!("--{flag} is missing on the command line and in --config"));
        Ok((
            self.model.as_deref().ok_or_else(|| missing("model"))?,
            self.data.as_ref().ok_or_else(|| missing("data"))?,
            self.out.as_ref().ok_or_else(|| missing("out"))?,
        ))
    }

    /// Returns the number of faults of an image, for a model with `classes` classes.
    pub fn faults(&self, classes: usize) -> Result<Faults, Failure> {
        let faults = match self.count.protocol {
            None if self.count.correct.or(self.count.misclassified).is_some() => {
                let problem = "--correct and --misclassified go with --protocol study only";
                return Err(Failure::usage("campaign", problem));
            }
            None if self.count.faults.is_some() && self.design.is_exhaustive() => {
                let problem = "--design exhaustive tries every fault once in each image; leave --faults away";
                return Err(Failure::usage("campaign", problem));
            }
            None => Faults::Each(self.count.faults.unwrap_or(FAULTS)),
            Some(Protocol::Study) => {
                let usual = Faults::study(classes);
                let correct = self.count.correct.unwrap_or(usual.at_least());
                Faults::ByGolden { correct, misclassified: self.count.misclassified.unwrap_or(usual.at_most()) }
            }
        };
        let faults = faults.times(self.fault.ber.as_ref().map_or(1, |rates| rates.all().len()))?;
        faults.validate()?;
        Ok(faults)
    }

    /// Returns the fault model.
    pub fn fault_model(&self) -> Result<FaultModel, Failure> {
        self.fault.resolve(&self.formats, self.protect.images(usize::MAX))
    }
}

/// A list of layers.
#[derive(Clone, Debug)]
pub struct LayerList(pub Vec<String>);

/// Reads names with commas between them, as a line of a CSV file.
pub fn layer_list(text: &str) -> Result<LayerList, String> {
    text::names(text).map(LayerList).map_err(|error| error.to_string())
}

impl FaultArguments {
    /// The error models of the files.
    fn error_models(&self) -> Result<Option<ErrorModels>, Failure> {
        let mut models = ErrorModels::default();
        for stated in &self.pattern_file {
            // A path may have an equals sign, a kind has no slash.
            let (kind, path) = match stated.split_once('=') {
                Some((kind, path)) if !kind.contains(['/', '\\', '.']) => (kind, path),
                _ => ("", stated.as_str()),
            };
            models.add(kind, path, &read::text(Path::new(path))?)?;
        }
        Ok((!self.pattern_file.is_empty()).then_some(models))
    }

    /// Resolves the fault model. Ranges of values are learnt from `profile` images.
    fn resolve(&self, formats: &FormatArguments, profile: usize) -> Result<FaultModel, Failure> {
        let accelerator = match (self.accelerator, self.pe) {
            (Some(array), Some(pe)) => Some(array.with_pe(pe)?),
            (array, _) => array,
        };
        let target = self.target.unwrap_or(accelerator.map_or(Target::Activation, Systolic::target));
        let format = match target {
            Target::Input => Format::U8,
            // Most words are scales, which are float32.
            Target::Metadata => Format::F32,
            Target::Activation | Target::Weight => formats.of(target == Target::Weight),
        };
        let bits = self.bit.as_deref().map(|text| Bits::parse(text, format)).transpose()?;
        let kind = self.kind.with(bits, self.percent).map_err(|error| Failure::usage("campaign", error.to_string()))?;
        let kind = kind.of_many(self.bits_per_word, self.burst);
        let kind = kind.map_err(|error| Failure::usage("campaign", error.to_string()))?;
        let layers: Vec<String> = self.layers.iter().flat_map(|list| list.0.iter().cloned()).collect();
        let layers = (!layers.is_empty()).then_some(layers);
        let (mode, amount, sampling) = (self.mode, self.amount, self.sampling);
        let (pattern, ber) = (self.pattern, self.ber.clone());
        let error_models = self.error_models()?;
        let mut model = FaultModel {
            target,
            kind,
            mode,
            amount,
            sampling,
            layers,
            pattern,
            ber,
            error_models,
            accelerator,
            ranges_of: None,
        };
        model.ranges_of = model.needs_ranges().then_some(profile);
        model.validate()?;
        Ok(model)
    }
}
