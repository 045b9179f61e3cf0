//! The lab: one model on one device, golden runs and trials.
//!
//! Every fault, from the command line, the page or a campaign, is injected here. Therefore all of them give the same
//! result.

use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use facts::campaign::{Protected, Protection, ProtectionMethod, TensorRange};
use facts::fault::metadata::{self, Word};
use facts::fault::{Format, InjectedFault, Site, SiteSpace, Target};
use facts::graph::{HostTensor, NodeId};
use facts::labels::Grouping;
use facts::model::Model;
use facts::outcome::Verdict;
use facts::{DeviceChoice, Error, Result};

use self::compare::Beside;
use super::{Guards, Scoring};
use crate::exec::{
    Activations, Change, Clips, Executor, Faulty, Image, Lane, MultiplyAdds, Observe, Plain, Ranges, Settings, TraceRow,
};
use crate::ops::Array;
use crate::platform;

/// A model that is ready for injections. Clones share the large data.
#[derive(Clone, Debug)]
pub struct Lab {
    model: Model,
    executor: Arc<Executor>,
    grouping: Option<Grouping>,
    scoring: Arc<OnceLock<Arc<Scoring>>>,
    guards: Option<Arc<Guards>>,
}

/// A fault-free inference.
#[derive(Clone, Debug)]
pub struct Golden {
    /// Predicted class.
    pub class: usize,
    /// The scores of the classes ([`Answer::scores`](facts::answer::Answer::scores)).
    pub logits: Vec<f32>,
    /// Every layer's output, on the device.
    pub activations: Activations,
}

/// A faulty inference.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Outcome of the fault.
    pub verdict: Verdict,
    /// Predicted class.
    pub class: usize,
    /// The scores of the classes.
    pub logits: Vec<f32>,
    /// The faults, in the order of injection.
    pub faults: Vec<InjectedFault>,
    /// The corruption of each layer, if requested.
    pub trace: Vec<TraceRow>,
    /// The tensors that differ from the golden run, if requested.
    pub activations: Activations,
    /// The layers in which the protection clipped elements that the faults had reached, and the number of these
    /// elements, in order, if requested.
    pub clipped: Vec<(String, u64)>,
    /// What became of the faults under each protection that is compared ([`Lab::compared_with`]).
    pub protected: Vec<Protected>,
    /// For each stage that had something to do, what became of the run under it; see [`Faulty::forks`].
    forks: Vec<Option<Forked>>,
}

/// What became of a run under a stage.
#[derive(Clone, Debug)]
struct Forked {
    /// The layer at which the stage has stopped it.
    stopped: Option<NodeId>,
    /// The output; `None` if it equals the golden output bit for bit.
    output: Option<Vec<f32>>,
}

impl From<Faulty> for Forked {
    fn from(Faulty { stopped, output, .. }: Faulty) -> Self {
        Self { stopped, output }
    }
}

/// An inference and the faults to inject into it: each entry of `faults` holds the sites of one trial.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The inference.
    pub inference: Inference<'a>,
    /// The sites of each trial.
    pub faults: Vec<Vec<Site>>,
    /// The image before preprocessing, for faults that strike its bytes.
    pub image: Option<&'a facts::data::Image>,
}

/// The inference that faults are injected into.
#[derive(Clone, Copy, Debug)]
pub enum Inference<'a> {
    /// A preprocessed image. The lab makes its golden run and discards the tensors afterwards.
    Input(&'a HostTensor),
    /// A golden run that this lab made before.
    Golden(&'a Golden),
}

impl<'a> From<&'a HostTensor> for Inference<'a> {
    fn from(input: &'a HostTensor) -> Self {
        Self::Input(input)
    }
}

impl<'a> From<&'a Golden> for Inference<'a> {
    fn from(golden: &'a Golden) -> Self {
        Self::Golden(golden)
    }
}

impl<'a> Subject<'a> {
    /// Combines an inference, given as a preprocessed image or a golden run, with `faults`: the sites of each trial.
    pub fn new(inference: impl Into<Inference<'a>>, faults: Vec<Vec<Site>>) -> Self {
        Self { inference: inference.into(), faults, image: None }
    }

    /// The same with the image before preprocessing, which faults of the target `input` strike.
    #[must_use]
    pub fn of_image(self, image: Option<&'a facts::data::Image>) -> Self {
        Self { image, ..self }
    }
}

/// The results of a [`Subject`].
#[derive(Clone, Debug)]
pub struct Tried {
    /// The golden prediction.
    pub class: usize,
    /// The golden scores of the classes.
    pub logits: Vec<f32>,
    /// The trials, in the order of the faults.
    pub trials: Vec<Trial>,
    /// The golden prediction under each protection that is compared.
    pub protected: Vec<Protected>,
}

/// Trials that were computed together.
#[derive(Debug)]
pub struct Trials {
    /// Results for each image; an error if its golden run failed.
    pub images: Vec<Result<Tried>>,
    /// Multiply-adds of these trials.
    pub work: MultiplyAdds,
}

impl Trials {
    /// Returns the trials of the only subject.
    ///
    /// # Errors
    /// If its golden run failed.
    pub fn only(mut self) -> Result<Tried> {
        self.images.pop().unwrap_or_else(|| Err(Error::request("no inference was asked for")))
    }
}

/// Where the values before and after a fault are found.
#[derive(Clone, Copy, Debug)]
enum Values {
    /// Beside the lane's change of this index.
    OfChange(usize),
    /// Here: no element of a tensor holds them.
    Known([f32; 2]),
}

impl Lab {
    /// Prepares `model` for the CPU. The grouping is the model's own, unless [`Lab::with_grouping`] replaces it.
    ///
    /// # Errors
    /// If the graph is inconsistent.
    pub fn cpu(model: Model) -> Result<Self> {
        Self::on(model, &Device::flex())
    }

    /// Prepares `model` for the device `choice`, like [`Lab::cpu`].
    ///
    /// # Errors
    /// As [`Lab::cpu`], or if the device does not exist.
    pub async fn open(model: Model, choice: DeviceChoice) -> Result<Self> {
        Self::on(model, &platform::open(choice).await?)
    }

    /// Prepares `model` for a device that is already open, like [`Lab::cpu`].
    ///
    /// # Errors
    /// As [`Lab::cpu`].
    pub fn on(model: Model, device: &Device) -> Result<Self> {
        let executor = Arc::new(Executor::new(model.graph.clone(), device)?);
        let grouping = model.card.grouping.clone();
        Ok(Self { model, executor, grouping, scoring: Arc::default(), guards: None })
    }

    /// Judges SCM by `grouping`.
    ///
    /// # Errors
    /// If `grouping` is for another number of classes.
    pub fn with_grouping(self, grouping: Grouping) -> Result<Self> {
        self.judged_by(Some(grouping))
    }

    /// Judges SCM by `grouping`; `None` switches SCM off.
    ///
    /// # Errors
    /// If `grouping` is for another number of classes.
    pub fn judged_by(mut self, grouping: Option<Grouping>) -> Result<Self> {
        if let Some(grouping) = &grouping {
            grouping.check_classes(self.model.classes())?;
        }
        self.grouping = grouping;
        Ok(self)
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The executor.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Returns the same model with every layer's output clipped to `ranges`, in golden runs and in trials. `ranges`
    /// replace an earlier protection. The two labs share the large data.
    pub fn protected_by(&self, ranges: Ranges) -> Self {
        Self { executor: Arc::new(self.executor.protected_by(ranges)), ..self.clone() }
    }

    /// Returns the same model with outputs clipped by `clips`, as [`Lab::protected_by`].
    ///
    /// # Errors
    /// On a GPU, if the clips are not simple ranges.
    pub fn clipped_by(&self, clips: &Clips) -> Result<Self> {
        Ok(Self { executor: Arc::new(self.executor.clipped_by(clips)?), guards: None, ..self.clone() })
    }

    /// Returns the same model, whose trials also tell what becomes of the faults under each of `guards`.
    pub fn compared_with(&self, guards: Arc<Guards>) -> Self {
        Self { guards: Some(guards), ..self.clone() }
    }

    /// Returns the protections that trials are compared with.
    pub fn guards(&self) -> Option<&Guards> {
        self.guards.as_deref()
    }

    /// Returns what scores of faults need, made at the first call.
    pub fn scoring(&self) -> Arc<Scoring> {
        self.scoring.get_or_init(|| Arc::new(Scoring::new(self))).clone()
    }

    /// Returns the active protection.
    pub fn protection(&self) -> Option<Protection> {
        let ranges = self.executor.protection()?;
        Some(Protection { method: ProtectionMethod::Range, profile: ranges.runs() })
    }

    /// Returns the ranges of the protection, in the order of the graph's tensors; empty without a protection.
    pub fn tensor_ranges(&self) -> Vec<TensorRange> {
        self.executor.protection().map(|ranges| ranges.by_tensor(self.executor.graph())).unwrap_or_default()
    }

    /// Returns the active grouping.
    pub fn grouping(&self) -> Option<&Grouping> {
        self.grouping.as_ref()
    }

    /// Makes the golden run of a preprocessed image.
    ///
    /// # Errors
    /// If the input has the wrong shape, or the output has a NaN, +infinity or no finite score: faults have no meaningful
    /// effect on a golden run that already fails.
    pub async fn golden(&self, input: &HostTensor) -> Result<Golden> {
        let input = Array::upload(input, self.executor.device());
        let activations = self.executor.run(&[input], &mut Plain).await?;
        let output = activations.get(self.executor.graph().outputs[0]);
        let logits =
            output.ok_or_else(|| Error::request("the model's output is not computed by any layer"))?.read().await?;
        let (class, logits) = self.golden_answer(logits)?;
        Ok(Golden { class, logits, activations })
    }

    /// Returns the class and the output of a preprocessed image without a fault. No other tensor is kept.
    ///
    /// # Errors
    /// As [`Lab::golden`].
    pub async fn answer(&self, input: &HostTensor) -> Result<Tried> {
        self.trials(&[Subject::new(input, Vec::new())], Settings::default()).await?.only()
    }

    /// Injects all `sites` into one inference, given by its golden run: one trial of [`Lab::trials`].
    ///
    /// # Errors
    /// As [`Lab::trials`].
    pub async fn trial(&self, golden: &Golden, sites: &[Site], observe: Observe) -> Result<Trial> {
        let subject = Subject::new(golden, vec![sites.to_vec()]);
        let tried = self.trials(&[subject], Settings { observe, ..Settings::default() }).await?.only()?;
        tried.trials.into_iter().next().ok_or_else(|| Error::request("a trial has no end"))
    }

    /// Injects faults into inferences and computes all trials together.
    ///
    /// # Errors
    /// If a site does not fit the model ([`Lab::check`]), an input has the wrong shape, or the device fails. A golden
    /// run with a non-finite output is an error of that image only.
    pub async fn trials(&self, subjects: &[Subject<'_>], settings: Settings) -> Result<Trials> {
        let device = self.executor.device();
        let upload = |subject: &Subject<'_>| match subject.inference {
            Inference::Input(input) => Some([Array::upload(input, device)]),
            Inference::Golden(_) => None,
        };
        let inputs: Vec<Option<[Array; 1]>> = subjects.iter().map(upload).collect();
        let mut images: Vec<Image<'_>> = Vec::with_capacity(subjects.len());
        for (subject, input) in subjects.iter().zip(&inputs) {
            images.push(match (subject.inference, input) {
                (Inference::Golden(golden), _) => Image::Golden(&golden.activations),
                (Inference::Input(_), input) => Image::Inputs(input.as_ref().map_or(&[], |input| &input[..])),
            });
        }
        let (mut lanes, mut values) = (Vec::new(), Vec::new());
        for (image, subject) in subjects.iter().enumerate() {
            for sites in &subject.faults {
                self.check(sites)?;
                let (lane, own) = self.lane(image, subject, sites)?;
                lanes.push(lane);
                values.push(own);
            }
        }
        let mut beside = Beside::new(self, subjects, &mut lanes)?;
        let mut values = values.into_iter();
        let wave = self.executor.wave_under(&images, &lanes, settings, self.stages()).await?;
        let (mut faulty, others) = beside.split(wave.lanes);
        let tried = |(subject, output): (&Subject<'_>, Vec<f32>)| {
            let own = subject.faults.iter().zip(faulty.by_ref().take(subject.faults.len())).collect::<Vec<_>>();
            let values: Vec<Vec<Values>> = values.by_ref().take(subject.faults.len()).collect();
            let (class, logits) = match subject.inference {
                Inference::Input(_) => self.golden_answer(output)?,
                Inference::Golden(golden) => (golden.class, golden.logits.clone()),
            };
            let trials = own.into_iter().zip(values);
            let trials = trials.map(|((sites, faulty), values)| self.judge(&logits, sites, &values, faulty)).collect();
            Ok(Tried { class, logits, trials, protected: Vec::new() })
        };
        let mut tried: Vec<Result<Tried>> = subjects.iter().zip(wave.golden).map(tried).collect();
        if self.guards.is_some() {
            beside.tell(self, subjects, [&wave.moved, &wave.alarms], others, &mut tried).await?;
        }
        Ok(Trials { images: tried, work: wave.work })
    }

    /// Returns the lane of a trial, and where the values of each site are found.
    fn lane(&self, image: usize, subject: &Subject<'_>, sites: &[Site]) -> Result<(Lane, Vec<Values>)> {
        let graph = self.executor.graph();
        let mut lane = Lane { image, ..Lane::default() };
        let mut values = Vec::with_capacity(sites.len());
        let mut struck = None;
        for site in sites {
            let first = lane.changes.len();
            Change::add_all(graph, site, &mut lane.changes);
            let word = Word::of(&graph.values[site.tensor], site.element);
            values.push(match (site.target, word) {
                (Target::Input, _) => {
                    let golden = subject.image.ok_or_else(|| {
                        Error::request("a fault in the image's bytes needs the image before preprocessing")
                    })?;
                    let image = struck.get_or_insert_with(|| golden.clone());
                    let bytes = image.rgb.len();
                    let byte = image.rgb.get_mut(site.element).ok_or_else(|| {
                        Error::request(format_args!(
                            "byte {} is out of range: the image has {bytes} bytes, 0 to {}",
                            site.element,
                            bytes.saturating_sub(1)
                        ))
                    })?;
                    let before = f32::from(*byte);
                    let after = site.corruption.apply(before, Format::U8);
                    // A byte is a whole number from 0 to 255.
                    *byte = after as u8;
                    Values::Known([before, after])
                }
                (Target::Metadata, Some(word)) => Values::Known([word.value, word.struck(site.corruption)]),
                _ => Values::OfChange(first),
            });
        }
        if let Some(image) = struck {
            lane.input = Some(self.model.preprocess().apply(&image, self.model.input_shape())?);
        }
        Ok((lane, values))
    }

    /// The class that a golden run predicts, and the scores of the classes.
    fn golden_answer(&self, output: Vec<f32>) -> Result<(usize, Vec<f32>)> {
        let fails = |score: f32| score.is_nan() || score == f32::INFINITY;
        let fails = |score: f32| fails(score) || (output.len() == 1 && !score.is_finite());
        if output.is_empty() {
            return Err(Error::request("the model's output is not computed by any layer"));
        }
        if let Some(class) = output.iter().position(|&score| fails(score)) {
            return Err(Error::request(format_args!(
                "the golden run fails: score {class} is {} without any fault; check the preprocessing and the model",
                output[class]
            )));
        }
        if output.iter().all(|score| !score.is_finite()) {
            return Err(Error::request(
                "the golden run fails: every score is -inf without any fault; check the preprocessing and the model",
            ));
        }
        let scores = self.model.answer.scores(output);
        Ok((self.model.answer.class(&scores), scores))
    }

    /// Judges the outcome of a trial.
    fn judge(&self, golden: &[f32], sites: &[Site], values: &[Values], faulty: Faulty) -> Trial {
        let graph = self.executor.graph();
        let values = values.iter().filter_map(|values| match *values {
            Values::OfChange(index) => faulty.changed.get(index).copied(),
            Values::Known(values) => Some(values),
        });
        let faults = sites.iter().zip(values).map(|(site, values)| InjectedFault::new(graph, site, values));
        let answer = self.model.answer;
        let logits = faulty.output.map_or_else(|| golden.to_vec(), |output| answer.scores(output));
        let class = answer.class(&logits);
        Trial {
            verdict: Verdict::between(golden, answer.class(golden), &logits, class, self.grouping.as_ref()),
            class,
            logits,
            faults: faults.collect(),
            trace: faulty.trace,
            activations: faulty.activations,
            clipped: faulty.clipped.iter().map(|&(layer, count)| (graph.nodes[layer].name.clone(), count)).collect(),
            protected: Vec::new(),
            forks: faulty.forks.into_iter().map(|fork| fork.map(Forked::from)).collect(),
        }
    }

    /// Checks that every site exists in the model.
    ///
    /// # Errors
    /// For the first site whose layer, element or bit does not exist.
    pub fn check(&self, sites: &[Site]) -> Result<()> {
        let graph = self.executor.graph();
        for site in sites {
            let fits = graph.nodes.get(site.layer).is_some_and(|node| match site.target {
                Target::Activation => node.outputs.contains(&site.tensor),
                Target::Weight => graph.parameters_of(site.layer).any(|tensor| tensor == site.tensor),
                Target::Input => graph.inputs.first() == Some(&site.tensor),
                Target::Metadata => {
                    let space = SiteSpace::of(graph, Target::Metadata);
                    let own = space.layers().iter().find(|sites| sites.layer == site.layer);
                    own.is_some_and(|own| own.tensors.iter().any(|(tensor, _)| *tensor == site.tensor))
                }
            });
            if !fits {
                return Err(Error::request(format_args!(
                    "the model has no layer {} with a tensor {} that a fault of this target can strike",
                    site.layer, site.tensor
                )));
            }
            let value = &graph.values[site.tensor];
            let elements = match site.target {
                // The image says how many bytes it has.
                Target::Input => usize::MAX,
                Target::Metadata if !value.scales.is_empty() => {
                    let of = |index: &usize| Word::of(value, *index).is_none();
                    (0..=site.element).find(of).unwrap_or(site.element + 1)
                }
                _ => value.elements(),
            };
            if site.element >= elements {
                let owner = format!("tensor \"{}\"", value.name);
                return Err(Site::out_of_range(site.target, site.element, &owner, elements));
            }
            if let Some(bits) = site.corruption.bits() {
                let within = bits.within(metadata::format_at(graph, site));
                within.map_err(|error| Error::request(format_args!("tensor \"{}\": {error}", value.name)))?;
            }
        }
        Ok(())
    }
}

mod compare;
mod under;

pub use self::under::Under;

#[cfg(test)]
mod tests;
