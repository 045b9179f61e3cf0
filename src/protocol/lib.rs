//! The messages between the page and its worker.
//!
//! A request carries a number, and every answer to it carries the same number. Files travel as URLs, blob URLs
//! included, so that only the worker holds their bytes; tensors travel as bytes, a few channels at a time.

mod campaign;
mod danger;
#[cfg(target_family = "wasm")]
pub mod fetch;
mod model;
pub mod planes;
mod protect;
#[cfg(target_family = "wasm")]
pub mod start;
mod sweep;

use std::mem::discriminant;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

pub use campaign::{
    CampaignAnswer, CampaignProfile, CampaignRequest, CampaignStart, CampaignUpdate, Confusion, Export, ImageSet,
    Labelling, Labels, LayerRates, Learnt, Moment, Naming, Part, Picture, ProtectFile, ProtectionCounts, Protocol,
    Severity, Stage, WorstFault,
};
pub use danger::{Danger, DangerRequest, TensorDanger};
pub use model::{AnswerInfo, Changes, PreprocessInfo};
pub use protect::{LayerBeside, MAX_IMAGES, ProtectAnswer, ProtectRequest, Protection};
pub use sweep::{SweepPart, SweepRequest, SweepSpan, SweepTrial};

use crate::planes::Planes;
use facts::TraceRow;
use facts::fault::{Code, Format, InjectedFault, Strike, Target};
use facts::format::Scales;
use facts::graph::{Layout, NodeId, ValueId};
use facts::outcome::Verdict;
use facts::report::diagram::{Family, Role};
use facts::{DeviceChoice, Name, Named, Question};

/// Version of this protocol. Page and worker are built together; a difference means that a browser has mixed
/// two releases in its cache.
pub const VERSION: u32 = 9;

/// The global variable of the worker that holds the page's address, from which relative addresses count.
pub const PAGE: &str = "faultscopePage";

/// Number of a request; 0 for a message of the worker that answers none.
pub type RequestId = u32;

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// [`VERSION`] of the sender.
    pub version: u32,
    /// The request this is, or answers.
    pub id: RequestId,
    /// The request or the answer itself.
    pub body: T,
}

impl<T> Envelope<T> {
    /// Wraps `body` in this build's version.
    pub fn new(id: RequestId, body: T) -> Self {
        Self { version: VERSION, id, body }
    }
}

/// A file that the worker can fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// File name. Its ending tells the format.
    pub name: String,
    /// Where to fetch it: relative to the page, or a blob URL.
    pub url: String,
}

/// From the page to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Load a model, unless it is loaded already, and put it on a device.
    Load {
        /// The model file.
        model: FileRef,
        /// The user's statements about it beside its file.
        changes: Box<Changes>,
        /// Where to compute; without WebGPU the worker computes on the CPU and says so.
        device: DeviceChoice,
    },
    /// Run an image without a fault.
    Golden {
        /// The image file.
        image: FileRef,
    },
    /// Send a few planes of a tensor.
    View(ViewRequest),
    /// Run the current image with one fault.
    Inject {
        /// The fault.
        strike: Strike,
    },
    /// Try many faults around one; a sweep that is under way ends.
    Sweep(SweepRequest),
    /// Make some trials of another worker's sweep.
    Try(SweepSpan),
    /// End the sweep.
    EndSweep,
    /// Find the largest finite absolute value of all layers' golden outputs.
    Scale,
    /// Predict where a corruption changes the answer; a prediction that is under way ends.
    Danger(DangerRequest),
    /// End the prediction.
    EndDanger,
    /// Inject a fault into the protected network.
    Protect(ProtectRequest),
    /// Something about many faults.
    Campaign(CampaignRequest),
}

impl Request {
    /// Whether an earlier request, which still waits, has lost its point through this one: who clicks through layers faster
    /// than they are computed wants to see the last one.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            // Every part is wanted.
            (Self::Campaign(CampaignRequest::Part(_)), Self::Campaign(CampaignRequest::Part(_)))
            | (Self::Try(_), Self::Try(_)) => false,
            (Self::Campaign(this), Self::Campaign(earlier)) => discriminant(this) == discriminant(earlier),
            _ => discriminant(self) == discriminant(earlier),
        }
    }
}

/// Which planes of which tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRequest {
    /// A layer's output or a parameter.
    pub tensor: ValueId,
    /// First plane wanted.
    pub first: usize,
    /// Whether the last faulty run's values are wanted beside the golden ones.
    pub faulty: bool,
    /// The corruption whose predicted effect in each element is wanted, too.
    pub danger: Option<DangerRequest>,
}

/// The run whose values a view shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Which {
    /// The golden run's, or the stored parameter.
    #[default]
    Golden,
    /// The last faulty run's.
    Faulty,
    /// Faulty minus golden.
    Difference,
    /// The predicted effect of the present corruption in each element. From 1 on the answer changes.
    Danger,
}

impl Named for Which {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Golden, Name::new("golden", "Golden", "The golden run's values")),
        (Self::Faulty, Name::new("faulty", "Faulty", "The faulty run's values")),
        (Self::Difference, Name::new("difference", "Difference", "Faulty minus golden")),
        (Self::Danger, Name::new("danger", "Danger", "The predicted effect of this corruption in each element")),
    ];
}

/// From the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The worker has started.
    Ready,
    /// Bytes of the file that is being fetched.
    Progress {
        /// Bytes so far.
        received: u64,
        /// Bytes in all, where the server says.
        total: Option<u64>,
    },
    /// Answers [`Request::Load`].
    Loaded {
        /// The model.
        model: Box<ModelInfo>,
        /// Where it computes.
        device: DeviceInfo,
    },
    /// Answers [`Request::Golden`].
    Golden(GoldenInfo),
    /// Answers [`Request::View`].
    View(TensorView),
    /// Answers [`Request::Inject`].
    Injected(Injection),
    /// More of a sweep; also answers [`Request::Sweep`].
    Swept(SweepPart),
    /// Answers [`Request::Scale`].
    Scale {
        /// The largest finite absolute value.
        max_abs: f32,
    },
    /// A protection is being learnt for [`Request::Protect`].
    Protecting {
        /// Images done with.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// Tensors are gone through for [`Request::Danger`], once for the prediction and once for the injections.
    Predicting {
        /// Tensors done with, of both rounds.
        done: usize,
        /// Tensors of both rounds.
        total: usize,
        /// Estimated rest of the time in milliseconds, once something is done.
        left: Option<f64>,
    },
    /// Answers [`Request::Danger`], or ends it.
    Danger(Option<Danger>),
    /// Answers [`Request::Protect`].
    Protected(ProtectAnswer),
    /// Answers [`Request::Campaign`], and reports the progress of a campaign.
    Campaign(CampaignAnswer),
    /// The worker has panicked and will not answer again.
    Died {
        /// The panic's message.
        message: String,
    },
    /// The model file of [`Request::Load`] leaves something open that the user has to state.
    Asked {
        /// A sentence for the user.
        message: String,
        /// What is open.
        question: Question,
    },
    /// The request could not be answered.
    Failed {
        /// A sentence for the user.
        message: String,
    },
}

/// A model, as far as the page needs to know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Number of classes.
    pub classes: usize,
    /// Number of parameters.
    pub parameters: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// How an image becomes its input.
    pub preprocess: PreprocessInfo,
    /// What its output means.
    pub answer: AnswerInfo,
    /// What was assumed about the model, a sentence each.
    pub notices: Vec<String>,
    /// Name of the grouping that tells which mistakes are safety-critical.
    pub grouping: Option<String>,
    /// The layers, in order.
    pub layers: Vec<LayerInfo>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerInfo {
    /// Position in the model.
    pub index: NodeId,
    /// Name.
    pub name: String,
    /// Operator, as the source framework calls it.
    pub kind: String,
    /// Its outputs, where an activation fault can strike in them; else none.
    pub outputs: Vec<TensorInfo>,
    /// Its parameters.
    pub parameters: Vec<TensorInfo>,
    /// Shape of its first output, as the source framework lays it out.
    pub shape: Vec<usize>,
    /// The layers whose outputs it reads, in ascending order.
    pub inputs: Vec<NodeId>,
    /// The kind of layer; none where it computes nothing at run time.
    pub family: Option<Family>,
    /// Where it lies between image and answer.
    pub role: Role,
    /// Whether campaigns draw activation faults in it where no layers are named.
    pub sampled: bool,
}

impl LayerInfo {
    /// The tensors in which a fault of `target` can strike.
    pub fn tensors(&self, target: Target) -> &[TensorInfo] {
        match target {
            Target::Activation => &self.outputs,
            Target::Weight => &self.parameters,
            Target::Input | Target::Metadata => &[],
        }
    }

    /// Whether campaigns draw faults of `target` in it where no layers are named.
    pub fn is_drawn_from(&self, target: Target) -> bool {
        match target {
            Target::Activation => self.sampled,
            Target::Weight => !self.parameters.is_empty(),
            Target::Input | Target::Metadata => false,
        }
    }
}

/// A tensor in which a fault can strike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorInfo {
    /// Its id in the graph.
    pub id: ValueId,
    /// Its name.
    pub name: String,
    /// Its shape as stored, which is how it is drawn.
    pub shape: Vec<usize>,
    /// How the source framework lays it out, which is how its elements are counted.
    pub layout: Layout,
    /// The format in which its values are stored.
    pub format: Format,
    /// The scales of its integers, where the format has scales.
    pub scales: Scales,
    /// The pictures that it is drawn as.
    pub planes: Planes,
}

impl TensorInfo {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Its shape as the source framework lays it out.
    pub fn source_shape(&self) -> Vec<usize> {
        self.layout.shape(&self.shape)
    }

    /// Where `element` is stored, and so drawn.
    pub fn spot(&self, element: usize) -> usize {
        self.layout.stored_index(&self.shape, element)
    }

    /// How the element at `spot` is coded.
    pub fn code(&self, spot: usize) -> Code {
        Code::new(self.format, self.scales.of(&self.shape, spot))
    }

    /// The element that is stored at `spot`.
    pub fn element(&self, spot: usize) -> usize {
        self.layout.source_index(&self.shape, spot)
    }
}

/// Where a model computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// CPU or GPU.
    pub choice: DeviceChoice,
    /// The GPU's name as the browser tells it; may be empty.
    pub name: String,
    /// Why it is not the device that was asked for.
    pub note: Option<String>,
}

/// A class with its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Class number.
    pub class: usize,
    /// Class name.
    pub label: String,
    /// The model's output for it.
    #[serde(with = "facts::fault::number")]
    pub logit: f32,
    /// Probability, 0 to 1; NaN where the run came to that.
    pub probability: f32,
}

/// A fault-free run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldenInfo {
    /// The five most probable classes.
    pub top: Vec<Score>,
    /// Time for the run, in milliseconds.
    pub milliseconds: f64,
}

/// A few planes of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorView {
    /// How the tensor is laid out.
    pub planes: Planes,
    /// First plane in `golden` and `faulty`.
    pub first: usize,
    /// The golden run's values, or the stored parameters, as little-endian float32: bit for bit, NaN included.
    pub golden: ByteBuf,
    /// The faulty run's, where they were asked for.
    pub faulty: Option<ByteBuf>,
    /// The predicted effect of a corruption in each element, where it was asked for and can be predicted.
    pub danger: Option<ByteBuf>,
    /// Largest finite absolute value of the whole tensor: golden, faulty, and their difference.
    pub max_abs: [f32; 3],
}

impl TensorView {
    /// `length` values of the view from `start`, counted from its first; fewer where it ends before.
    pub fn slice(&self, which: Which, start: usize, length: usize) -> Vec<f32> {
        let end = start.saturating_add(length).min(self.golden.len() / 4);
        (start..end).filter_map(|at| self.at(which, at)).collect()
    }

    /// The value at `spot` of the tensor as stored, where this view holds it.
    pub fn value(&self, which: Which, spot: usize) -> Option<f32> {
        self.at(which, spot.checked_sub(self.first * self.planes.per_plane)?)
    }

    fn at(&self, which: Which, at: usize) -> Option<f32> {
        let read = |bytes: &ByteBuf| {
            let bytes = bytes.get(at.checked_mul(4)?..at.checked_mul(4)?.checked_add(4)?)?;
            bytes.try_into().ok().map(f32::from_le_bytes)
        };
        match which {
            Which::Golden => read(&self.golden),
            Which::Faulty => read(self.faulty.as_ref()?),
            Which::Danger => read(self.danger.as_ref()?),
            Which::Difference => Some(difference(read(&self.golden)?, read(self.faulty.as_ref()?)?)),
        }
    }
}

/// Faulty minus golden; the difference of two equal infinities is none.
pub fn difference(golden: f32, faulty: f32) -> f32 {
    if faulty.to_bits() == golden.to_bits() { 0.0 } else { faulty - golden }
}

/// A class with the group it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassInfo {
    /// Class number.
    pub class: usize,
    /// Class name.
    pub label: String,
    /// Name of its group, where there is a grouping.
    pub group: Option<String>,
    /// Whether the group is critical.
    pub critical: bool,
}

/// A faulty run beside its golden one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// The outcome.
    pub verdict: Verdict,
    /// Golden prediction.
    pub golden: ClassInfo,
    /// Faulty prediction.
    pub faulty: ClassInfo,
    /// Probability of the golden class before and after.
    pub confidence: [f32; 2],
    /// Whether the faulty prediction is the first NaN rather than a maximum.
    pub nan_wins: bool,
    /// The five most probable classes before.
    pub before: Vec<Score>,
    /// And after.
    pub after: Vec<Score>,
    /// The struck elements, the first [`BitErrors::LISTED`](facts::fault::BitErrors::LISTED) of them.
    pub faults: Vec<InjectedFault>,
    /// The number of struck elements.
    pub struck: usize,
    /// The corruption layer by layer.
    pub trace: Vec<TraceRow>,
    /// Time for the faulty run with its trace, in milliseconds.
    pub milliseconds: f64,
}

/// A class in both runs; a probability is known where the class is among the five most probable of that run.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// Class number.
    pub class: usize,
    /// Class name.
    pub label: String,
    /// Probability without the fault.
    pub golden: Option<f32>,
    /// And with it.
    pub faulty: Option<f32>,
}

/// Classes of each run in a list of both.
const SHOWN: usize = 3;

impl Injection {
    /// The likeliest classes of both runs: those of the golden run first.
    pub fn classes(&self) -> Vec<ClassScores> {
        let find = |scores: &[Score], class: usize| {
            scores.iter().find(|score| score.class == class).map(|score| score.probability)
        };
        let mut rows: Vec<ClassScores> = Vec::new();
        for score in self.before.iter().take(SHOWN).chain(self.after.iter().take(SHOWN)) {
            if rows.iter().all(|row| row.class != score.class) {
                rows.push(ClassScores {
                    class: score.class,
                    label: score.label.clone(),
                    golden: find(&self.before, score.class),
                    faulty: find(&self.after, score.class),
                });
            }
        }
        rows
    }
}
