//! The lab: one model on one device, golden runs and trials.
//!
//! Everything that injects a fault, a single one from the command line or the page, or a campaign, does it
//! here, which is why they all give the same answer.

use std::sync::Arc;

use burn::tensor::Device;
use facts::campaign::{Protection, ProtectionMethod, TensorRange};
use facts::fault::{InjectedFault, Site, Target};
use facts::graph::HostTensor;
use facts::labels::Grouping;
use facts::model::Model;
use facts::outcome::{Verdict, top1};
use facts::{DeviceChoice, Error, Result};

use crate::exec::{
    Activations, Change, Executor, Faulty, Image, Lane, MultiplyAdds, Observe, Plain, Ranges, Settings, TraceRow,
};
use crate::ops::Array;
use crate::platform;

/// A model ready to be experimented on. A clone shares what is large.
#[derive(Clone, Debug)]
pub struct Lab {
    model: Model,
    executor: Arc<Executor>,
    grouping: Option<Grouping>,
}

/// A fault-free inference.
#[derive(Clone, Debug)]
pub struct Golden {
    /// Predicted class.
    pub class: usize,
    /// The model's output.
    pub logits: Vec<f32>,
    /// Every layer's output, on the device.
    pub activations: Activations,
}

/// A faulty inference.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What became of the answer.
    pub verdict: Verdict,
    /// Predicted class.
    pub class: usize,
    /// The model's output.
    pub logits: Vec<f32>,
    /// The faults, in the order in which they struck.
    pub faults: Vec<InjectedFault>,
    /// The corruption layer by layer, where it was asked for.
    pub trace: Vec<TraceRow>,
    /// The tensors that differ from the golden ones, where they were asked for.
    pub activations: Activations,
    /// The layers in which the protection clipped elements that the faults had reached, with their number, in order, where
    /// they were asked for.
    pub clipped: Vec<(String, u64)>,
}

/// An inference, and the faults to be injected into it: the sites of one trial each.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The inference.
    pub inference: Inference<'a>,
    /// What is injected.
    pub faults: Vec<Vec<Site>>,
}

/// An inference that faults are injected into.
#[derive(Clone, Copy, Debug)]
pub enum Inference<'a> {
    /// Of a preprocessed image. The golden run is made along the way and not kept.
    Input(&'a HostTensor),
    /// Of which the golden run was made before, by this lab.
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
    /// `faults`, one trial each, in `inference`: a preprocessed image or its golden run.
    pub fn new(inference: impl Into<Inference<'a>>, faults: Vec<Vec<Site>>) -> Self {
        Self { inference: inference.into(), faults }
    }
}

/// What was made of a [`Subject`].
#[derive(Clone, Debug)]
pub struct Tried {
    /// The golden prediction.
    pub class: usize,
    /// The golden output.
    pub logits: Vec<f32>,
    /// By fault.
    pub trials: Vec<Trial>,
}

/// Trials that were made together.
#[derive(Debug)]
pub struct Trials {
    /// By image; an error where its golden run fails.
    pub images: Vec<Result<Tried>>,
    /// What it took.
    pub work: MultiplyAdds,
}

impl Trials {
    /// The trials of the only subject.
    ///
    /// # Errors
    /// Where its golden run failed.
    pub fn only(mut self) -> Result<Tried> {
        self.images.pop().unwrap_or_else(|| Err(Error::request("no inference was asked for")))
    }
}

impl Lab {
    /// Makes `model` ready for the CPU. The grouping is the model's own, unless [`Lab::with_grouping`] replaces it.
    ///
    /// # Errors
    /// Where the graph contradicts itself.
    pub fn cpu(model: Model) -> Result<Self> {
        Self::on(model, &Device::flex())
    }

    /// Makes `model` ready for the device `choice`. As [`Lab::cpu`] otherwise.
    ///
    /// # Errors
    /// As [`Lab::cpu`], or where there is no such device.
    pub async fn open(model: Model, choice: DeviceChoice) -> Result<Self> {
        Self::on(model, &platform::open(choice).await?)
    }

    /// Makes `model` ready for a device that was opened before. As [`Lab::cpu`] otherwise.
    ///
    /// # Errors
    /// As [`Lab::cpu`].
    pub fn on(model: Model, device: &Device) -> Result<Self> {
        let executor = Arc::new(Executor::new(model.graph.clone(), device)?);
        let grouping = model.card.grouping.clone();
        Ok(Self { model, executor, grouping })
    }

    /// Judges SCM by `grouping`.
    ///
    /// # Errors
    /// Where it is for another number of classes.
    pub fn with_grouping(self, grouping: Grouping) -> Result<Self> {
        self.judged_by(Some(grouping))
    }

    /// Judges SCM by `grouping`, or not at all.
    ///
    /// # Errors
    /// Where it is for another number of classes.
    pub fn judged_by(mut self, grouping: Option<Grouping>) -> Result<Self> {
        if let Some(grouping) = grouping.as_ref().filter(|grouping| grouping.classes() != self.model.classes()) {
            return Err(Error::request(format_args!(
                "the grouping \"{}\" is for {} classes, the model has {}",
                grouping.name(),
                grouping.classes(),
                self.model.classes()
            )));
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

    /// The same model with every layer's output clipped to `ranges`: golden runs and trials are the protected network's.
    /// Another protection is replaced; what is large is shared.
    pub fn protected_by(&self, ranges: Ranges) -> Self {
        Self { executor: Arc::new(self.executor.protected_by(ranges)), ..self.clone() }
    }

    /// The protection in force.
    pub fn protection(&self) -> Option<Protection> {
        let ranges = self.executor.protection()?;
        Some(Protection { method: ProtectionMethod::Range, profile: ranges.runs() })
    }

    /// The ranges that the protection clips to, in the order of the graph's tensors; none without a protection.
    pub fn tensor_ranges(&self) -> Vec<TensorRange> {
        self.executor.protection().map(|ranges| ranges.by_tensor(self.executor.graph())).unwrap_or_default()
    }

    /// The grouping in force.
    pub fn grouping(&self) -> Option<&Grouping> {
        self.grouping.as_ref()
    }

    /// The golden run of a preprocessed image.
    ///
    /// # Errors
    /// Where the input has the wrong shape, or the output is not finite: a model that fails without a fault
    /// has nothing to teach about faults.
    pub async fn golden(&self, input: &HostTensor) -> Result<Golden> {
        let input = Array::upload(input, self.executor.device());
        let activations = self.executor.run(&[input], &mut Plain).await?;
        let output = activations.get(self.executor.graph().outputs[0]);
        let logits =
            output.ok_or_else(|| Error::request("the model's output is not computed by any layer"))?.read().await?;
        let class = golden_class(&logits)?;
        Ok(Golden { class, logits, activations })
    }

    /// The class and the output of a preprocessed image, without a fault. No other tensor is kept.
    ///
    /// # Errors
    /// As [`Lab::golden`].
    pub async fn answer(&self, input: &HostTensor) -> Result<Tried> {
        self.trials(&[Subject::new(input, Vec::new())], Settings::default()).await?.only()
    }

    /// Injects `sites`, together, into the inference that `golden` is the golden run of: one trial of [`Lab::trials`].
    ///
    /// # Errors
    /// As [`Lab::trials`].
    pub async fn trial(&self, golden: &Golden, sites: &[Site], observe: Observe) -> Result<Trial> {
        let subject = Subject::new(golden, vec![sites.to_vec()]);
        let tried = self.trials(&[subject], Settings { observe, ..Settings::default() }).await?.only()?;
        tried.trials.into_iter().next().ok_or_else(|| Error::request("a trial has no end"))
    }

    /// Injects faults into inferences, all trials together.
    ///
    /// # Errors
    /// Where a site does not fit the model ([`Lab::check`]), an input has the wrong shape, or the device fails. A golden
    /// run whose output is not finite is an error of that image alone.
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
        let mut lanes = Vec::new();
        for (image, subject) in subjects.iter().enumerate() {
            for sites in &subject.faults {
                self.check(sites)?;
                lanes.push(self.lane(image, sites));
            }
        }
        let wave = self.executor.wave(&images, &lanes, settings).await?;
        let mut faulty = wave.lanes.into_iter();
        let tried = |(subject, output): (&Subject<'_>, Vec<f32>)| {
            let own = subject.faults.iter().zip(faulty.by_ref().take(subject.faults.len())).collect::<Vec<_>>();
            let (class, logits) = match subject.inference {
                Inference::Input(_) => (golden_class(&output)?, output),
                Inference::Golden(golden) => (golden.class, golden.logits.clone()),
            };
            let trials = own.into_iter().map(|(sites, faulty)| self.judge(&logits, class, sites, faulty)).collect();
            Ok(Tried { class, logits, trials })
        };
        Ok(Trials { images: subjects.iter().zip(wave.golden).map(tried).collect(), work: wave.work })
    }

    fn lane(&self, image: usize, sites: &[Site]) -> Lane {
        let graph = self.executor.graph();
        Lane { image, changes: sites.iter().map(|site| Change::of(graph, site)).collect() }
    }

    /// What became of the answer.
    fn judge(&self, golden: &[f32], class: usize, sites: &[Site], faulty: Faulty) -> Trial {
        let graph = self.executor.graph();
        let faults = sites.iter().zip(&faulty.changed).map(|(site, &values)| InjectedFault::new(graph, site, values));
        let logits = faulty.output.unwrap_or_else(|| golden.to_vec());
        Trial {
            verdict: Verdict::new(class, &logits, self.grouping.as_ref()),
            class: top1(&logits),
            logits,
            faults: faults.collect(),
            trace: faulty.trace,
            activations: faulty.activations,
            clipped: faulty.clipped.iter().map(|&(layer, count)| (graph.nodes[layer].name.clone(), count)).collect(),
        }
    }

    /// Checks that every site exists in the model.
    ///
    /// # Errors
    /// For the first that does not: no such layer or element, or bit 32.
    pub fn check(&self, sites: &[Site]) -> Result<()> {
        let graph = self.executor.graph();
        for site in sites {
            let fits = graph.nodes.get(site.layer).is_some_and(|node| match site.target {
                Target::Activation => node.outputs.contains(&site.tensor),
                Target::Weight => graph.parameters_of(site.layer).any(|tensor| tensor == site.tensor),
            });
            if !fits {
                return Err(Error::request(format_args!(
                    "the model has no layer {} with a tensor {} that a fault of this target can strike",
                    site.layer, site.tensor
                )));
            }
            let value = &graph.values[site.tensor];
            if site.element >= value.elements() {
                return Err(Error::request(format_args!(
                    "element {} is out of range: tensor \"{}\" has {} elements, 0 to {}",
                    site.element,
                    value.name,
                    value.elements(),
                    value.elements().saturating_sub(1)
                )));
            }
        }
        Ok(())
    }
}

/// The class that a golden run predicts.
fn golden_class(logits: &[f32]) -> Result<usize> {
    match logits.iter().position(|value| !value.is_finite()) {
        _ if logits.is_empty() => Err(Error::request("the model's output is not computed by any layer")),
        Some(class) => Err(Error::request(format_args!(
            "the golden run fails: score {class} is {} without any fault; check the preprocessing and the model",
            logits[class]
        ))),
        None => Ok(top1(logits)),
    }
}

#[cfg(test)]
mod tests;
