//! Messages about campaigns.

use std::rc::Rc;

use facts::campaign::compared::{Effects, Method};
use facts::campaign::{
    Aim, Criterion, DesignKind, DesignSummary, FaultSummary, Goal, GoldenSummary, NumberFormats, RoundedAccuracy,
    Start, Stratified,
};
use facts::data::FolderOrder;
use facts::fault::{Corruption, FaultModel, Format, Pattern, Target};
use facts::labels::Grouping;
use facts::outcome::{Decision, Rate, Ratio};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{FileRef, RequestId};

/// A request about campaigns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CampaignRequest {
    /// Begin a campaign. The one before is forgotten.
    Start(Box<CampaignStart>),
    /// Hold it after the wave that is being computed.
    Pause,
    /// Go on.
    Resume,
    /// End it after the wave that is being computed; its results stay.
    Stop,
    /// Prepare to compute parts of this campaign, which another worker has begun.
    Share(Box<CampaignStart>),
    /// Compute a part of the campaign that was shared.
    Part(Part),
    /// Judge results and single faults by this grouping from now on.
    Judge {
        /// None: by their own.
        edited: Option<Grouping>,
    },
    /// Tell the model's class names and grouping.
    Classes,
    /// Make a file of the results.
    Export(Export),
    /// Read the results of a campaign that was made elsewhere: its files, or a zip of them.
    Import {
        /// `config.json` and `faults.jsonl`, or a zip.
        files: Vec<FileRef>,
    },
    /// Write the network with bounds in it, as an ONNX file.
    Protect(Box<ProtectFile>),
    /// Find an image of the campaign, so that a fault can be followed in it.
    Picture {
        /// Its index in the data.
        image: usize,
        /// The images that the page has.
        images: ImageSet,
        /// The user's statements about their labels.
        labelling: Labelling,
    },
}

/// A protected network as a file, for any runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectFile {
    /// The images that bounds are learnt from.
    pub images: ImageSet,
    /// The user's statements about their labels.
    pub labelling: Labelling,
    /// The number of them, evenly spaced; `None` for the usual number.
    pub profile: Option<usize>,
    /// The protection, which clips.
    pub method: Method,
}

/// A part of a campaign, between two positions of its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The number of faults of each image, in a campaign of rounds; `None` for the number of the plan.
    pub faults: Option<usize>,
    /// The design, in a stratified campaign: its strata are learnt by the worker that has begun it.
    pub design: Option<Stratified>,
    /// The number of the first fault of each image.
    pub first: usize,
    /// The first position: the number of the image in the plan, and the number of the fault in the image.
    pub start: [usize; 2],
    /// The position after the last.
    pub end: [usize; 2],
}

/// A campaign over images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignStart {
    /// The images.
    pub images: ImageSet,
    /// The user's statements about their labels.
    pub labelling: Labelling,
    /// Only so many of them, from the first.
    pub limit: Option<usize>,
    /// How many faults.
    pub protocol: Protocol,
    /// How they are chosen: uniform or stratified.
    pub design: DesignKind,
    /// Every draw depends on it.
    pub seed: u64,
    /// Which faults are drawn.
    pub fault_model: FaultModel,
    /// The number format that layers' outputs are rounded to. Scales of integers are learnt from the first images.
    pub format: Format,
    /// The number format that parameters are rounded to.
    pub weight_format: Format,
    /// The protections that every fault is tried under, beside the unprotected network.
    pub protections: Vec<Method>,
    /// The number of images that protections are learnt from, from the first; `None` for the usual number.
    pub profile: Option<usize>,
}

/// Where images come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageSet {
    /// Files of one image each.
    Files(Vec<FileRef>),
    /// A data set: a CIFAR file, or two arrays of images and labels.
    Set(Vec<FileRef>),
}

/// The user's statements about the labels of images, beside the images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelling {
    /// The source of labels; `None` for the names of folders and files.
    pub labels: Option<Labels>,
    /// The rule that gives a folder its class.
    pub folder_order: Option<FolderOrder>,
    /// The number that is added to each label.
    pub shift: isize,
}

/// A source of labels other than the images' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Labels {
    /// No image has a label.
    None,
    /// A list of labels, as text.
    List(FileRef),
}

/// How many faults an image gets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Protocol {
    /// The same number for each.
    Fixed {
        /// Faults for each image.
        faults: usize,
    },
    /// The study's: as the golden run has it.
    Study {
        /// Faults for each image that is classified correctly.
        correct: usize,
        /// Faults for each image that is not.
        misclassified: usize,
    },
    /// As many as it takes to know a quantity.
    Until(Goal),
}

/// A file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Export {
    /// Every rate, one a row.
    Csv,
    /// The summary.
    Json,
    /// The SDC rate of each layer, as node data of Model Explorer.
    NodeData,
    /// The directory that the command line writes, as a zip.
    Zip,
    /// Every fault, one a line.
    Records,
}

/// The worker's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CampaignAnswer {
    /// How a campaign stands; sent several times a second at most while it runs.
    Update(Box<CampaignUpdate>),
    /// Answers [`CampaignRequest::Classes`].
    Classes(Naming),
    /// Answers [`CampaignRequest::Import`] where the zip holds images and no campaign.
    Images(FileRef),
    /// Answers [`CampaignRequest::Judge`] where there are no results.
    Judged,
    /// Answers [`CampaignRequest::Share`].
    Shared,
    /// Answers [`CampaignRequest::Part`].
    Part {
        /// Its events, as the workers write them for each other.
        events: ByteBuf,
    },
    /// Bounds are learnt for [`CampaignRequest::Protect`].
    Bounding {
        /// The number of images that were learnt from, and of all of them.
        learnt: [usize; 2],
    },
    /// Answers [`CampaignRequest::Export`] and [`CampaignRequest::Protect`].
    File {
        /// Its name.
        name: String,
        /// Its type.
        mime: String,
        /// Its contents.
        bytes: ByteBuf,
        /// A sentence that users must know.
        note: Option<String>,
    },
    /// Answers [`CampaignRequest::Picture`].
    Picture {
        /// Index of the image.
        image: usize,
        /// The picture.
        picture: Picture,
    },
}

/// An image of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Picture {
    /// One of the files that the page has.
    File(FileRef),
    /// One of a data set, as a PNG.
    Made {
        /// A name for it.
        name: String,
        /// The PNG.
        png: ByteBuf,
    },
}

/// The classes and their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Naming {
    /// Number of classes.
    pub classes: usize,
    /// Their names; empty where they have none.
    pub labels: Vec<String>,
    /// The model's own grouping, or that of the campaign that was imported.
    pub grouping: Option<Grouping>,
}

impl Naming {
    /// The name of `class`, or its number.
    pub fn class(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
    }
}

/// Where a campaign is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// At work.
    Running,
    /// It can go on.
    Paused,
    /// Over before its end.
    Stopped,
    /// Over.
    Complete,
}

/// What a campaign learns from golden runs before its first fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Learnt {
    /// The scales of the outputs of layers, which are rounded to integers.
    Scales,
    /// The accuracy of the rounded network, and of that in float32.
    Accuracy,
    /// Its protections.
    Protections,
    /// Its strata.
    Strata,
}

/// How a campaign stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignUpdate {
    /// The request that began it.
    pub campaign: RequestId,
    /// Where it is in its life.
    pub stage: Stage,
    /// Faults in all, as far as is known now.
    pub planned: u64,
    /// While the campaign learns, before the first fault: what is learnt, the number of golden runs that it was learnt from, and
    /// of all of them.
    pub learning: Option<(Learnt, [usize; 2])>,
    /// Time at work, in milliseconds; 0 for one that was made elsewhere.
    pub milliseconds: f64,
    /// Workers that compute it.
    pub workers: usize,
    /// Workers that were lost; the others have made their parts.
    pub lost: usize,
    /// All faults together.
    pub faults: FaultSummary,
    /// The golden runs.
    pub golden: GoldenSummary,
    /// The golden accuracy with and without rounding, where the network is rounded and images have labels.
    pub rounded: Option<RoundedAccuracy>,
    /// The sentence on images that cannot be read and were skipped; `None` if there are none.
    pub skipped: Option<String>,
    /// How well the quantity is known, where the campaign ends when it is known well enough.
    pub aim: Option<Aim>,
    /// How many times as likely an error made by a fault is to be safety-critical as one of the model's own.
    pub scm_ratio: Option<Ratio>,
    /// Class names and the model's own grouping, when it begins.
    pub naming: Option<Naming>,
    /// The breakdown, at times: it is larger than the other fields.
    pub profile: Option<Rc<CampaignProfile>>,
}

/// The results of a campaign, broken down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignProfile {
    /// The format of the values that were struck.
    pub format: Format,
    /// The number formats that the network was rounded to.
    pub numbers: NumberFormats,
    /// The elements that each fault strikes together.
    pub pattern: Pattern,
    /// A description of the campaign, in two lines.
    pub heading: [String; 2],
    /// Where it was made, for one that was imported.
    pub imported: Option<String>,
    /// How images became inputs, in words.
    pub preprocess: String,
    /// What was assumed about model and data, a sentence each.
    pub notices: Vec<String>,
    /// Name of the grouping that it is judged by.
    pub grouping: Option<String>,
    /// The outcomes that are known of all faults; the first is the SDC.
    pub criteria: Vec<Criterion>,
    /// By bit, the rates of these outcomes among its flips.
    pub bits: Vec<(u8, Vec<Rate>)>,
    /// The layers that faults are drawn from, in model order.
    pub layers: Vec<LayerRates>,
    /// For each of these layers and each bit from 0 on, the number of faults, and of those with each of these outcomes:
    /// little-endian u32. Empty where the faults have weights.
    pub map: ByteBuf,
    /// By the outcome of the image's golden run, the share of SCM among the SDCs.
    pub starts: Vec<(Start, Rate)>,
    /// The strata and what they have saved, of a stratified campaign.
    pub design: Option<DesignSummary>,
    /// Rates on the way.
    pub history: Vec<Moment>,
    /// Which group was taken for which; `None` without a grouping.
    pub confusion: Option<Confusion>,
    /// The worst faults, those first that are worst.
    pub worst: Vec<WorstFault>,
    /// The protections that were tried with the same faults, in the order of the campaign.
    pub protections: Vec<ProtectionCounts>,
}

/// The results of one protection on the faults of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectionCounts {
    /// The protection.
    pub method: Method,
    /// Faults by the effect of the protection.
    pub effects: Effects,
    /// SDCs without the protection.
    pub without: Rate,
    /// Silent ones with it.
    pub with: Rate,
    /// The share of SDCs that it mends or detects.
    pub coverage: Rate,
    /// The conclusion from the comparison of the two rates.
    pub decision: Decision,
    /// Golden runs that it stops.
    pub false_alarms: Rate,
    /// The operations that it adds, as a share of those of the network; `None` where the network has none.
    pub operations: Option<f64>,
}

impl CampaignProfile {
    /// The place of an outcome among those that are known.
    pub fn place(&self, criterion: Criterion) -> Option<usize> {
        self.criteria.iter().position(|known| *known == criterion)
    }

    /// The rate of an outcome among flips of `bit`; without trials where that bit was not flipped, or the outcome is not known.
    pub fn bit(&self, bit: u8, criterion: Criterion) -> Rate {
        let row = self.bits.iter().find(|(known, _)| *known == bit);
        let rate = row.zip(self.place(criterion)).and_then(|((_, rates), place)| rates.get(place));
        rate.copied().unwrap_or_else(|| Rate::new(0, 0))
    }

    /// The rate of an outcome among the faults in the layer at this place; without trials where it is not known.
    pub fn layer(&self, layer: usize, criterion: Criterion) -> Rate {
        let rates = self.layers.get(layer).map(|row| &row.rates);
        let rate = rates.zip(self.place(criterion)).and_then(|(rates, place)| rates.get(place));
        rate.copied().unwrap_or_else(|| Rate::new(0, 0))
    }

    /// The rate of an outcome among flips of `bit` in the layer at this place; none where that bit was not flipped there.
    pub fn cell(&self, layer: usize, bit: u8, criterion: Criterion) -> Option<Rate> {
        let numbers = 1 + self.criteria.len();
        let cell = numbers * (layer * usize::from(self.format.width()) + usize::from(bit));
        let number = |at: usize| {
            self.map
                .get(4 * at..4 * at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map(u32::from_le_bytes)
                .map(u64::from)
        };
        let (of, count) = (number(cell)?, number(cell + 1 + self.place(criterion)?)?);
        (of > 0).then(|| Rate::new(count.min(of), of))
    }
}

/// Faults of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerRates {
    /// Its name.
    pub name: String,
    /// The rates of the outcomes of the profile.
    pub rates: Vec<Rate>,
}

/// Counts after so many faults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// SDCs.
    pub sdc: Rate,
    /// SCMs.
    pub scm: Rate,
}

impl Moment {
    /// The number of faults.
    pub fn faults(&self) -> u64 {
        self.sdc.of
    }
}

/// Groups that were taken for each other: a row for each that was lost, a column for each that came instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Groups, and whether they are critical.
    pub groups: Vec<(String, bool)>,
    /// SDCs, row by row.
    pub faults: Vec<u64>,
    /// Golden errors, row by row.
    pub golden: Vec<u64>,
}

/// The severity of an outcome, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// A safety-critical misclassification.
    Scm,
    /// Another class.
    Sdc,
    /// NaN or infinity reached the output, and the class stayed.
    Due,
}

/// A fault that changed much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorstFault {
    /// Its severity.
    pub severity: Severity,
    /// Whether NaN or infinity reached the output.
    pub due: bool,
    /// Index of the image.
    pub image: usize,
    /// Golden prediction.
    pub golden: usize,
    /// Faulty prediction.
    pub faulty: usize,
    /// Probability of the golden class without and with the fault, where it is known.
    pub confidence: Option<[f32; 2]>,
    /// The side of the layer that was struck.
    pub target: Target,
    /// Name of the layer.
    pub layer: String,
    /// Name of the tensor.
    pub tensor: String,
    /// Index into the tensor.
    pub element: usize,
    /// The change of the value.
    pub corruption: Corruption,
    /// The value before.
    #[serde(with = "facts::fault::number")]
    pub before: f32,
    /// The value after.
    #[serde(with = "facts::fault::number")]
    pub after: f32,
    /// How many elements the same trial struck beside this one.
    pub others: usize,
    /// All elements of the tensor that the trial struck, ascending, if there are several and each was changed alike.
    pub alike: Vec<usize>,
}
