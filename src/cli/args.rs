//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use facts::Named;
use facts::limits::{self, DEFAULT_MEMORY, Memory};

use super::{directory, read, size};
use crate::answer::Threshold;
use crate::campaign::{Calibration, CoveredRange, Granularity, NumberFormats, Provenance, Rounded, Scaling};
use crate::data::{Color, Crop, Filter, InputSize, Normalise, Numbers, PreprocessChoice, Resize, Scale};
use crate::fault::Format;
use crate::import::Statements;
use crate::model::Model;
use crate::platform::DeviceChoice;
use crate::zoo::Architecture;
use crate::{Error, Result};

/// Returns a parser for the names of `T`, with the help of each.
pub fn choice<T: Named + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let values = T::ALL.iter().map(|(_, row)| PossibleValue::new(row.name).help(row.help));
    PossibleValuesParser::new(values).try_map(|name| T::named(&name))
}

/// The argument about memory.
#[derive(Debug, Args)]
pub struct MemoryArguments {
    /// Memory that the command may use in all, in bytes or with a unit, 512MiB or 2GB for example; a command that needs
    /// more is refused before it starts; does not change results
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size::bytes)]
    pub memory: usize,
}

impl MemoryArguments {
    /// Sets the memory of all readers of this process.
    pub fn allow(&self) {
        limits::allow(Memory::new(self.memory as u64));
    }
}

impl Default for MemoryArguments {
    fn default() -> Self {
        Self { memory: DEFAULT_MEMORY as usize }
    }
}

/// The arguments about a model file.
#[derive(Debug, Default, Args)]
pub struct ModelArguments {
    #[command(flatten)]
    pub memory: MemoryArguments,

    /// Architecture of a weights-only file (Keras .h5): an id from `faultscope architectures` [default: from the file's
    /// name]
    #[arg(long, value_name = "ID", value_parser = Architecture::of)]
    pub architecture: Option<&'static Architecture>,
}

/// The arguments about what a model file leaves open.
#[derive(Clone, Debug, Default, Args)]
pub struct StatementArguments {
    /// Output that holds the class scores, of a model with several: a name, or an index from 0 [default: the only one
    /// that looks like them]
    #[arg(id = "answer", long = "output", alias = "model-output", value_name = "NAME|INDEX")]
    pub output: Option<String>,

    #[command(flatten)]
    pub size: SizeArguments,
}

/// The same arguments for a command whose --output is a file.
#[derive(Clone, Debug, Default, Args)]
pub struct WriterStatementArguments {
    /// Output that holds the class scores, of a model with several, as --output of `faultscope inspect`: a name, or an index
    /// from 0 [default: the only one that looks like them]
    #[arg(long, value_name = "NAME|INDEX")]
    pub model_output: Option<String>,

    #[command(flatten)]
    pub size: SizeArguments,
}

impl From<WriterStatementArguments> for StatementArguments {
    fn from(WriterStatementArguments { model_output, size }: WriterStatementArguments) -> Self {
        Self { output: model_output, size }
    }
}

/// The argument about the size of the input.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct SizeArguments {
    /// Height and width of the input in pixels, of a model that leaves them open: 224x224
    #[arg(long, value_name = "HxW")]
    pub input_size: Option<InputSize>,
}

/// The arguments about what a model file leaves open, and about the decision that its output stands for.
#[derive(Debug, Default, Args)]
pub struct AnswerArguments {
    #[command(flatten)]
    pub stated: StatementArguments,

    /// Probability of class 1 above which the answer is class 1, of a model with one score (binary). For a logit, too, this
    /// is a probability: the logit is compared with ln(T / (1 - T)) [default: 0.5]
    #[arg(long, value_name = "T")]
    pub threshold: Option<Threshold>,
}

impl StatementArguments {
    /// Returns the user's statements.
    pub fn statements(&self) -> Statements {
        Statements { output: self.output.clone(), input_size: self.size.input_size, threshold: None }
    }
}

impl AnswerArguments {
    /// Returns the user's statements.
    pub fn statements(&self) -> Statements {
        Statements { threshold: self.threshold, ..self.stated.statements() }
    }
}

/// The arguments about the execution of a model.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    pub answer: AnswerArguments,

    /// Device that runs the model
    #[arg(long, default_value = "cpu", value_parser = choice::<DeviceChoice>())]
    pub device: DeviceChoice,

    #[command(flatten)]
    pub preprocess: PreprocessArguments,
}

/// The arguments that replace the preprocessing of the model file.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Preprocessing")]
pub struct PreprocessArguments {
    /// Conversion of pixels to input values, by name [default: from the model file, or unit]
    #[arg(long = "preprocess", value_name = "PREPROCESS", value_parser = choice::<Normalise>())]
    pub normalise: Option<Normalise>,

    /// Order of the input's channels [default: from the model file, or rgb]
    #[arg(long, value_name = "ORDER", value_parser = choice::<Color>())]
    pub color: Option<Color>,

    /// Factor of pixel values, which are 0 to 255: a number or a fraction. Input values are (x * SCALE - MEAN) / STD
    /// [default beside --mean or --std: 1/255]
    #[arg(long, value_name = "SCALE")]
    pub scale: Option<Scale>,

    /// Mean of scaled pixel values: one number, or one a channel, with commas between them [default beside --scale or --std: 0]
    #[arg(long, value_name = "MEAN")]
    pub mean: Option<Numbers>,

    /// Standard deviation of scaled pixel values: one number, or one a channel, with commas between them [default beside
    /// --scale or --mean: 1]
    #[arg(long, value_name = "STD")]
    pub std: Option<Numbers>,

    #[command(flatten)]
    pub sizing: SizingArguments,
}

/// The arguments about the way from an image's size to the input's.
#[derive(Debug, Default, Args)]
pub struct SizingArguments {
    /// Conversion of an image to the input's size [default: from the model file, or stretch; shorter-side for
    /// `faultscope prepare`]
    #[arg(long, value_name = "RESIZE", value_parser = choice::<Resize>())]
    pub resize: Option<Resize>,

    /// Filter that makes the pixels of a resized image [default: bilinear with stretch, bicubic with shorter-side]
    #[arg(long, value_name = "FILTER", value_parser = choice::<Filter>())]
    pub filter: Option<Filter>,

    /// Widen the filter when an image is reduced, as Pillow and torchvision do; --antialias=off as OpenCV and TensorFlow do
    /// [default: on with stretch, off with shorter-side]
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on",
        value_parser = switch)]
    pub antialias: Option<bool>,

    /// Image's size before its centre is kept, and after, 256/224 for torchvision, or the share that is kept, 0.875 (timm's
    /// crop_pct) [default with shorter-side: the study's 1.14286]
    #[arg(long, value_name = "CROP")]
    pub crop: Option<Crop>,
}

/// Reads `on` or `off`.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off is expected".to_owned()),
    }
}

impl PreprocessArguments {
    /// Returns the user's statements.
    pub fn choice(&self) -> PreprocessChoice {
        let Self { normalise, color, scale, mean, std, sizing } = self;
        let SizingArguments { resize, filter, antialias, crop } = *sizing;
        let (preset, mean, std) = (*normalise, mean.clone(), std.clone());
        PreprocessChoice { preset, color: *color, scale: *scale, mean, std, resize, filter, antialias, crop }
    }
}

/// The arguments about emulated number formats.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Number formats")]
pub struct FormatArguments {
    /// Number format of the layers' outputs, emulated on a float32 model: f32, f16, bf16, e4m3, e5m2, int8, uint8, int16,
    /// uint16, int4, uint4, or fixed:M.N with M bits before the point and N behind it [default: f32]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Number format of the parameters, as --format; without an exponent, those of convolutions and products only [default:
    /// f32]
    #[arg(long, value_name = "FORMAT")]
    weight_format: Option<Format>,

    /// Zero points of formats of integers, int8 for example [default: mixed]
    #[arg(long, value_name = "SCALING", value_parser = choice::<Scaling>())]
    scaling: Option<Scaling>,

    /// Scales of a parameter in a format of integers, int8 for example [default: channel]
    #[arg(long, value_name = "SCALES", value_parser = choice::<Granularity>())]
    scales: Option<Granularity>,
}

/// The arguments about learning the scales of layers' outputs.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Number formats")]
pub struct CalibrationArguments {
    /// Number of images, from the first of the data, whose golden runs the scales of layers' outputs are learnt from
    /// [default: 100, or all where the data has fewer]
    #[arg(long, value_name = "N")]
    calibrate: Option<usize>,

    /// Part of an output's values that its scale covers: min-max, or percentile:P, which leaves out (100 - P) / 2 % at
    /// either end [default: min-max]
    #[arg(long, value_name = "RANGE")]
    calibrate_range: Option<CoveredRange>,
}

impl FormatArguments {
    /// Returns the number formats, with scales learnt from some of the `available` images. Formats that need golden runs are
    /// refused where no image is available.
    ///
    /// # Errors
    /// If an argument has no effect, or a format cannot be emulated.
    pub fn resolve(&self, calibration: &CalibrationArguments, available: usize) -> Result<NumberFormats> {
        let outputs = self.format.unwrap_or_default();
        let weights = self.weight_format.unwrap_or_default();
        let (scaled, learns) = (outputs.is_scaled() || weights.is_scaled(), outputs.is_scaled());
        let integers = "goes with --format int8, uint8, int16, uint16, int4 or uint4";
        let unused = [
            ("--calibrate", calibration.calibrate.is_some() && !learns, integers),
            ("--calibrate-range", calibration.calibrate_range.is_some() && !learns, integers),
            ("--scaling", self.scaling.is_some() && !scaled, "goes with int8, uint8, int16, uint16, int4 and uint4"),
            (
                "--scales",
                self.scales.is_some() && !weights.is_scaled(),
                "goes with --weight-format int8, uint8, int16, uint16, int4 or uint4",
            ),
        ];
        if let Some((argument, _, rule)) = unused.into_iter().find(|(_, is_unused, _)| *is_unused) {
            return Err(Error::request(format_args!("{argument} {rule} only")));
        }
        let calibration = scaled.then(|| Calibration {
            images: calibration.calibrate.unwrap_or(Calibration::usual(available).images),
            range: calibration.calibrate_range.unwrap_or_default(),
            scaling: self.scaling.unwrap_or_default(),
            scales: self.scales.unwrap_or_default(),
        });
        let numbers = NumberFormats { outputs, weights, calibration };
        numbers.validate()?;
        Ok(numbers)
    }

    /// Whether a format is stated.
    pub fn is_given(&self) -> bool {
        self.format.or(self.weight_format).is_some() || self.scaling.is_some() || self.scales.is_some()
    }

    /// Returns the format of the layers' outputs, or of parameters.
    pub fn of(&self, weights: bool) -> Format {
        if weights { self.weight_format } else { self.format }.unwrap_or_default()
    }
}

/// The arguments about emulated number formats of a command without data to learn scales from.
#[derive(Clone, Debug, Default, Args)]
pub struct StoredArguments {
    #[command(flatten)]
    formats: FormatArguments,

    /// Take number formats and scales from this campaign: its directory, or its config.json
    #[arg(long, value_name = "DIR", help_heading = "Number formats")]
    formats_of: Option<PathBuf>,
}

impl StoredArguments {
    /// Returns `model` in the number formats that are stated, and these formats.
    ///
    /// # Errors
    /// If a format cannot be emulated, or the campaign is one of another model.
    pub fn stored(&self, model: Model) -> Result<(Model, NumberFormats)> {
        let (numbers, scales) = match &self.formats_of {
            Some(_) if self.formats.is_given() => {
                return Err(Error::request("--formats-of takes the place of the other arguments about number formats"));
            }
            Some(path) => {
                let (name, bytes) = match path.is_file() {
                    true => (path.display().to_string(), read::bytes(path)?),
                    false => directory::config(path)?,
                };
                let provenance: Provenance = serde_json::from_slice(&bytes).map_err(|error| {
                    Error::input(name, format_args!("not the configuration of a campaign: {error}"))
                })?;
                (provenance.campaign.numbers, provenance.scales)
            }
            None => (self.formats.resolve(&CalibrationArguments::default(), 1)?, Vec::new()),
        };
        if numbers.is_float32() {
            return Ok((model, numbers));
        }
        if numbers.learns() && scales.is_empty() {
            return Err(Error::request(format_args!(
                "{} needs the scales of the layers' outputs, which golden runs teach; --formats-of DIR takes them from a \
                 campaign with --format {}",
                numbers.outputs.name(),
                numbers.outputs
            )));
        }
        Ok((Rounded::again(&model, &numbers, &scales)?.model, numbers))
    }
}

/// The argument about safety-critical misclassifications.
#[derive(Debug, Args)]
pub struct GroupingArguments {
    /// Grouping of the classes: imagenet, cifar100, cifar10, gtsrb, or a TOML file [default: from the model file]
    #[arg(long, value_name = "NAME|FILE")]
    pub grouping: Option<String>,
}
