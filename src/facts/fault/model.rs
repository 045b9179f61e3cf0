//! Which faults a campaign draws from.

use serde::{Deserialize, Serialize};

use super::{BitErrors, ErrorModels, ErrorRates, FaultKind, Pattern, Systolic, systolic};
use crate::limits::LINE;
use crate::named::{Name, Named};
use crate::{Error, Result};

/// What a fault changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A layer's output, for one inference.
    #[default]
    Activation,
    /// A stored parameter.
    Weight,
    /// A byte of the image, before preprocessing.
    Input,
    /// A scale or a zero point of integers.
    Metadata,
}

impl Named for Target {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Activation, Name::new("activation", "Activations", "a layer's output, for one inference")),
        (Self::Weight, Name::new("weight", "Weights", "a stored parameter")),
        (Self::Input, Name::new("input", "Image", "a byte of the image, before preprocessing")),
        (
            Self::Metadata,
            Name::new("metadata", "Scales", "a scale or zero point of integers, which all elements follow"),
        ),
    ];
}

/// How many layers a fault hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One layer, drawn.
    #[default]
    Single,
    /// Every layer.
    Multiple,
}

impl Named for Mode {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Single, Name::new("single", "One layer", "one layer, drawn")),
        (Self::Multiple, Name::new("multiple", "Every layer", "every layer")),
    ];
}

/// How a single layer is drawn. The two answer different questions: what if each layer is equally likely to
/// be hit, and what if each stored value is?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Every layer equally likely, then every element of it (the study's).
    #[default]
    Layer,
    /// Every element of every layer equally likely.
    Element,
}

impl Named for Sampling {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Layer, Name::new("layer", "Layer", "every layer equally likely, then every element of it")),
        (Self::Element, Name::new("element", "Element", "every element of every layer equally likely")),
    ];
}

/// Which faults are possible, and how likely each is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultModel {
    /// What is changed.
    pub target: Target,
    /// How.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// In one layer or in all.
    pub mode: Mode,
    /// Distinct elements hit in each layer.
    pub amount: usize,
    /// How a layer is drawn.
    pub sampling: Sampling,
    /// The elements that are struck together with each that is drawn.
    #[serde(default, skip_serializing_if = "Pattern::is_single")]
    pub pattern: Pattern,
    /// The bit error rates, where every bit of the layers flips by chance in place of one that is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ber: Option<ErrorRates>,
    /// Published error models, where patterns and values are drawn from these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_models: Option<ErrorModels>,
    /// The array of which a processing element is faulty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<Systolic>,
    /// The number of images whose golden runs the ranges of values are learnt from, where values depend on these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges_of: Option<usize>,
    /// The layers that can be hit, each by its name or its index; without any, those that campaigns draw from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
}

/// Most bytes of a record with one fault in JSON, and of a line of a log.
pub const RECORD_BYTES: usize = LINE;

impl Default for FaultModel {
    /// The study's: one bit, drawn uniformly, of one element of one layer's output.
    fn default() -> Self {
        Self {
            target: Target::Activation,
            kind: FaultKind::default(),
            mode: Mode::Single,
            amount: 1,
            sampling: Sampling::Layer,
            pattern: Pattern::Single,
            ber: None,
            error_models: None,
            accelerator: None,
            ranges_of: None,
            layers: None,
        }
    }
}

impl FaultModel {
    /// Whether a draw needs the ranges of activations in golden runs.
    pub fn needs_ranges(&self) -> bool {
        self.target == Target::Activation && (self.kind.needs_range() || self.error_models.is_some())
    }

    /// Whether one fault is the same for every image.
    pub fn is_permanent(&self) -> bool {
        self.kind.is_permanent()
    }

    /// Most bytes of a record of a campaign in JSON. A reader needs no more memory for a line, whatever the file holds.
    pub fn most_record_bytes(&self) -> usize {
        /// Where the number of faults depends on the model: a percentage of a tensor, or every layer.
        const ANY: usize = 256 << 20;
        if self.ber.is_some() || self.accelerator.is_some() || self.error_models.is_some() {
            return RECORD_BYTES * (1 + BitErrors::LISTED);
        }
        let known = self.mode == Mode::Single
            && self.pattern.is_single()
            && !matches!(self.kind, FaultKind::Zero { percent: Some(_) });
        if known { RECORD_BYTES.saturating_mul(self.amount).min(ANY) } else { ANY }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Where the percentage or the amount is out of range, or no layer is left.
    pub fn validate(&self) -> Result<()> {
        self.kind.validate()?;
        if self.amount == 0 {
            return Err(Error::request("a fault hits at least one element; the amount is 0"));
        }
        if !self.pattern.is_single() && (self.amount > 1 || matches!(self.kind, FaultKind::Zero { percent: Some(_) })) {
            return Err(Error::request(format_args!(
                "pattern {} states the elements of a fault; --amount and --percent do not go with it",
                self.pattern
            )));
        }
        if self.ber.is_some() {
            let usual =
                Self { target: self.target, ber: self.ber.clone(), layers: self.layers.clone(), ..Self::default() };
            if !matches!(self.kind, FaultKind::BitFlip { .. }) || (Self { kind: usual.kind, ..self.clone() }) != usual {
                return Err(Error::request(
                    "--ber flips every bit of the chosen layers with the same probability; --type other than bitflip, \
                     --bits-per-word, --burst, --pattern, --amount, --mode and --sampling do not go with it",
                ));
            }
        }
        if self.error_models.is_some() || self.accelerator.is_some() {
            let usual = Self {
                target: self.target,
                kind: self.kind,
                error_models: self.error_models.clone(),
                accelerator: self.accelerator,
                ranges_of: self.ranges_of,
                layers: self.layers.clone(),
                sampling: self.sampling,
                ..Self::default()
            };
            if *self != usual || self.error_models.is_some() && self.accelerator.is_some() {
                return Err(Error::request(
                    "--pattern-file and --accelerator state the elements of a fault; --pattern, --amount, --mode, --ber and one \
                     beside the other do not go with them",
                ));
            }
        }
        if let Some(models) = &self.error_models {
            models.validate()?;
            if self.target != Target::Activation || self.kind != FaultKind::default() {
                return Err(Error::request(
                    "--pattern-file is for activations and states their values; --target and --type do not go with it",
                ));
            }
        }
        if let Some(array) = self.accelerator {
            systolic::check(self.kind)?;
            if self.target != array.target() {
                return Err(Error::request(format_args!(
                    "the faulty register of {array} holds {}: choose --target {}",
                    if array.target() == Target::Weight { "weights" } else { "activations" },
                    array.target().name()
                )));
            }
        }
        if self.kind.needs_range() && matches!(self.target, Target::Input | Target::Metadata) {
            return Err(Error::request("--type in-range and out-of-range go with --target activation and weight only"));
        }
        if self.needs_ranges() && self.ranges_of.is_none_or(|images| images == 0) {
            return Err(Error::request(
                "the ranges of golden values are learnt from at least one image; none is stated",
            ));
        }
        let several = self.amount > 1 || !self.pattern.is_single() || self.ber.is_some();
        if self.target == Target::Metadata && (several || matches!(self.kind, FaultKind::Zero { percent: Some(_) })) {
            return Err(Error::request(
                "a fault in metadata strikes one scale or zero point of a tensor; --pattern, --amount, --percent and --ber do \
                 not go with it",
            ));
        }
        if self.target == Target::Input && self.layers.is_some() {
            return Err(Error::request("the image is no layer; --layers does not go with --target input"));
        }
        if self.layers.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::request("a fault hits at least one layer; none is chosen"));
        }
        Ok(())
    }
}
