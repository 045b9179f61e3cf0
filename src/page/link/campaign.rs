//! What a link says of the campaign: every setting that decides which faults are injected.

use std::rc::Rc;

use facts::campaign::{Confidence, Until};
use facts::fault::{Bits, FaultKind, FaultModel, Sampling, Target};
use facts::labels::Grouping;
use facts::{Error, Name, Named};

use super::{name, number};

/// Most faults in an image that a link may ask for.
pub const MAX_FAULTS: usize = 10_000;
/// Most images that a link may ask for.
pub const MAX_IMAGES: usize = 1_000_000;
/// Most bytes of a grouping that a link may hold.
const MAX_GROUPS: usize = 50_000;
/// The margins that a link may ask for, in percentage points.
pub const MARGINS: std::ops::RangeInclusive<f64> = 0.1..=50.0;

/// Who decides how many faults an image gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// The user: the same number for each image.
    #[default]
    Fixed,
    /// The golden run: few where it is right, many where it is not.
    Study,
    /// The rate: as many as it takes to know it.
    Until,
}

impl Named for Counting {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Fixed, Name::new("fixed", "Fixed", "The same number for each image")),
        (Self::Study, Name::new("study", "Study", "Few where the golden run is right, many where it is not")),
        (Self::Until, Name::new("until", "Until", "As many as it takes to know the rate")),
    ];
}

/// The campaign's part of a link. What is `None` is left to the page's defaults. Names are those of the options of
/// `faultscope campaign`, with `campaign-` before them where a single fault has the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CampaignLink {
    /// Who decides how many faults an image gets.
    pub protocol: Option<Counting>,
    /// Faults for each image (fixed).
    pub faults: Option<usize>,
    /// Faults for each image that is classified correctly (study).
    pub correct: Option<usize>,
    /// Faults for each image that is not (study).
    pub misclassified: Option<usize>,
    /// Half the width that the SDC rate's interval may have, in percentage points (until).
    pub margin: Option<f64>,
    /// Of that interval (until).
    pub confidence: Option<Confidence>,
    /// The data set: none for the images on the page, else `file:NAME`.
    pub data: Option<String>,
    /// Only the first so many images.
    pub images: Option<usize>,
    /// Seed of every draw.
    pub seed: Option<u64>,
    /// What is struck.
    pub target: Option<Target>,
    /// What happens to a value.
    pub kind: Option<FaultKind>,
    /// The bits of which one flips; all of them where it does not say.
    pub bits: Option<Bits>,
    /// The layers that are struck, by name; without any, those that campaigns draw from.
    pub layers: Option<Vec<String>>,
    /// How a layer is drawn.
    pub sampling: Option<Sampling>,
    /// The grouping as the user has edited it.
    pub groups: Option<Rc<Grouping>>,
}

impl CampaignLink {
    /// Takes `value` where `key` is one of the campaign's; whether it is.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<bool, String> {
        const EACH: &str = "a campaign has 1 to 10000 faults an image";
        let faults = |value| number(value, |n| (1..=MAX_FAULTS).contains(n), EACH).map(Some);
        match key {
            "protocol" => self.protocol = Some(Named::named(value)?),
            "faults" => self.faults = faults(value)?,
            "correct" => self.correct = faults(value)?,
            "misclassified" => self.misclassified = faults(value)?,
            "margin" => {
                self.margin = Some(number(value, |m| MARGINS.contains(m), "a margin is 0.1 to 50 percentage points")?);
            }
            "confidence" => self.confidence = Some(Named::named(value)?),
            "data" => self.data = Some(name(value)?),
            "images" => {
                let expected = "a campaign has 1 to 1000000 images";
                self.images = Some(number(value, |n| (1..=MAX_IMAGES).contains(n), expected)?);
            }
            "seed" => self.seed = Some(number(value, |_| true, "a seed is a whole number from 0 on")?),
            "campaign-target" => self.target = Some(Named::named(value)?),
            "campaign-type" => self.kind = Some(Named::named(value)?),
            "campaign-bit" => self.bits = Some(value.parse().map_err(|error: Error| error.to_string())?),
            "campaign-layers" => self.layers = Some(value.split(',').map(name).collect::<Result<_, _>>()?),
            "sampling" => self.sampling = Some(Named::named(value)?),
            "groups" if value.len() > MAX_GROUPS => return Err(format!("a grouping has at most {MAX_GROUPS} bytes")),
            "groups" => self.groups = Some(Rc::new(serde_json::from_str(value).map_err(|error| error.to_string())?)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Hands on each setting that was made, under its name.
    pub(super) fn each(&self, put: &mut impl FnMut(&str, Option<String>)) {
        put("protocol", self.protocol.map(|protocol| protocol.name().to_owned()));
        put("faults", self.faults.map(|faults| faults.to_string()));
        put("correct", self.correct.map(|faults| faults.to_string()));
        put("misclassified", self.misclassified.map(|faults| faults.to_string()));
        put("margin", self.margin.map(|margin| margin.to_string()));
        put("confidence", self.confidence.map(|confidence| confidence.name().to_owned()));
        put("data", self.data.clone());
        put("images", self.images.map(|images| images.to_string()));
        put("seed", self.seed.map(|seed| seed.to_string()));
        put("campaign-target", self.target.map(|target| target.name().to_owned()));
        put("campaign-type", self.kind.map(|kind| kind.name().to_owned()));
        put("campaign-bit", self.bits.map(|bits| bits.to_string()));
        let layers = self.layers.as_ref().filter(|layers| !layers.is_empty());
        put("campaign-layers", layers.map(|layers| layers.join(",")));
        put("sampling", self.sampling.map(|sampling| sampling.name().to_owned()));
        put("groups", self.groups.as_ref().and_then(|groups| serde_json::to_string(&**groups).ok()));
    }

    /// Which faults are drawn.
    pub fn fault_model(&self) -> FaultModel {
        FaultModel {
            target: self.target.unwrap_or_default(),
            kind: match self.kind.unwrap_or_default() {
                FaultKind::BitFlip { .. } => FaultKind::BitFlip { bits: self.bits.unwrap_or_default() },
                other => other,
            },
            sampling: self.sampling.unwrap_or_default(),
            layers: self.layers.clone(),
            ..FaultModel::default()
        }
    }

    /// When enough is known, where that decides.
    pub fn until(&self) -> Until {
        Until { margin: self.margin.unwrap_or(DEFAULT_MARGIN) / 100.0, confidence: self.confidence.unwrap_or_default() }
    }
}

/// Percentage points.
const DEFAULT_MARGIN: f64 = 2.0;
