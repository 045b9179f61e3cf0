//! What a campaign is to do: everything but the model and the images themselves.

use serde::{Deserialize, Serialize};

use super::{Compared, Faults, Goal, NumberFormats, OnBadImage, Protected, Protection, Stratified};
use crate::fault::{FaultModel, Target};
use crate::{Error, Result};

/// The number of faults for each image, unless the user chooses another one.
pub const FAULTS: usize = 5;

/// The seed of the draws, unless the user chooses another one.
pub const SEED: u64 = 0;

/// A campaign, to be written down and repeated.
///
/// Together with the model and the images it fixes every fault of the campaign: the device, the order of work
/// and the platform have no say in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignConfig {
    /// Name of the model.
    pub model: String,
    /// Seed of every draw.
    pub seed: u64,
    /// How many images, from the first of the data or of the sample; all of them where there is no number.
    pub images: Option<usize>,
    /// Faults injected into each image, one at a time.
    pub faults: Faults,
    /// Which faults are possible, and how likely each is.
    #[serde(flatten)]
    pub fault_model: FaultModel,
    /// Name of the grouping that SCM is judged by; without one it is not judged.
    pub grouping: Option<String>,
    /// The protection of the network; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<Protection>,
    /// The protections that every fault is tried under, beside the unprotected network.
    #[serde(rename = "protections", default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// What is done at an image that cannot be read. It changes no fault.
    #[serde(default)]
    pub on_bad_image: OnBadImage,
    /// How faults are chosen; `None` where all of them have the same weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<Stratified>,
    /// Whether every bit of every element is struck once in each image, and nothing is drawn. `faults` is then their number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exhaustive: bool,
    /// When the campaign ends; `None` where each image gets the number of faults that `faults` says. With a goal that is the
    /// number of the first round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Goal>,
    /// Number formats that are emulated on the network.
    #[serde(flatten)]
    pub numbers: NumberFormats,
}

impl CampaignConfig {
    /// The default campaign on the model called `model`: [`FAULTS`] faults of the default fault model in each image.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            seed: SEED,
            images: None,
            faults: Faults::Each(FAULTS),
            fault_model: FaultModel::default(),
            grouping: None,
            protect: None,
            compared: None,
            on_bad_image: OnBadImage::Stop,
            design: None,
            exhaustive: false,
            until: None,
            numbers: NumberFormats::default(),
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Where there is nothing to do, or the fault model is invalid.
    pub fn validate(&self) -> Result<()> {
        if self.images == Some(0) {
            return Err(Error::request("a campaign needs at least one image; 0 were asked for"));
        }
        self.faults.validate()?;
        match (&self.design, self.faults) {
            // With a goal each fault has candidates of its own.
            (Some(design), Faults::Each(faults)) => design.validate(if self.until.is_some() { 2 } else { faults })?,
            (Some(_), Faults::ByGolden { .. }) => {
                return Err(Error::request(
                    "a stratified campaign gives each image the same number of faults; leave --protocol away, or choose \
                     --design uniform",
                ));
            }
            (None, _) => {}
        }
        if self.exhaustive && (self.until.is_some() || self.design.is_some() || self.faults.needs_labels()) {
            return Err(Error::request(
                "--design exhaustive tries every fault once in each image; leave --until and --protocol away",
            ));
        }
        if let Some(goal) = &self.until {
            goal.validate()?;
            if matches!(self.faults, Faults::ByGolden { .. }) {
                return Err(Error::request(
                    "a campaign that ends at a margin gives each image the same number of faults; leave --protocol or \
                     --until away",
                ));
            }
            if self.fault_model.is_permanent() {
                return Err(Error::request(
                    "permanent faults are the same for every image, so that more images or rounds do not make their rate \
                     surer; leave --until away",
                ));
            }
            if self.fault_model.ber.as_ref().is_some_and(|rates| rates.all().len() > 1) {
                return Err(Error::request(
                    "--until ends at the rate of one sort of faults, and --ber has several; state one bit error rate",
                ));
            }
        }
        if let Some(compared) = &self.compared {
            compared.validate()?;
            if self.design.is_some() {
                return Err(Error::request(
                    "several protections are compared on faults of equal weight; choose --design uniform or exhaustive",
                ));
            }
        }
        if self.design.is_some() {
            self.check_design()?;
        }
        self.numbers.validate()?;
        self.fault_model.validate()
    }

    /// Most bytes of a record's line.
    pub fn most_record_bytes(&self) -> usize {
        let methods = self.compared.as_ref().map_or(0, |compared| compared.methods.len());
        self.fault_model.most_record_bytes() + methods * Protected::BYTES
    }

    /// Checks that a stratified design can choose among the faults.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn check_design(&self) -> Result<()> {
        let is_by_file = self.fault_model.error_models.is_some() || self.fault_model.kind.needs_range();
        if is_by_file || self.fault_model.accelerator.is_some() {
            return Err(Error::request(
                "--design stratified goes with neither --pattern-file, --accelerator nor values that depend on ranges",
            ));
        }
        if self.fault_model.ber.is_some() {
            return Err(Error::request("--ber strikes every bit at once; --design stratified chooses single faults"));
        }
        if !matches!(self.fault_model.target, Target::Activation | Target::Weight) {
            return Err(Error::request("--design stratified goes with --target activation and weight only"));
        }
        Ok(())
    }
}
