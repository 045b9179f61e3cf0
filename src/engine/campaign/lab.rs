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
use facts::{Error, Result};

use crate::exec::{
    Activations, Change, Executor, Faulty, Image, Lane, Observe, Plain, Ranges, Settings, TraceRow, Work,
};
use crate::ops::Array;

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

/// A preprocessed image, and the faults to be injected into its inference: the sites of one trial each.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The model's input.
    pub input: HostTensor,
    /// What is injected.
    pub faults: Vec<Vec<Site>>,
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
    pub work: Work,
}

impl Lab {
    /// Puts `model` on `device`. The grouping is the model's own, unless [`Lab::with_grouping`] replaces it.
    ///
    /// # Errors
    /// Where the graph contradicts itself.
    pub fn new(model: Model, device: &Device) -> Result<Self> {
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

    /// Injects `sites` into the inference that `golden` is the golden run of.
    ///
    /// # Errors
    /// Where a site does not fit the model ([`Lab::check`]), or the device fails.
    pub async fn trial(&self, golden: &Golden, sites: &[Site], observe: Observe) -> Result<Trial> {
        self.check(sites)?;
        let lane = self.lane(0, sites);
        let settings = Settings { observe, ..Settings::default() };
        let mut wave = self.executor.wave(&[Image::Golden(&golden.activations)], &[lane], settings).await?;
        let faulty = wave.lanes.pop().ok_or_else(|| Error::request("a trial has no end"))?;
        Ok(self.judge(&golden.logits, golden.class, sites, faulty))
    }

    /// Injects each of `faults`, one after the other, into the inference that `golden` is the golden run of.
    ///
    /// # Errors
    /// As [`Lab::trial`].
    pub async fn trials_of(&self, golden: &Golden, faults: &[Vec<Site>]) -> Result<Vec<Trial>> {
        faults.iter().try_for_each(|sites| self.check(sites))?;
        let lanes: Vec<Lane> = faults.iter().map(|sites| self.lane(0, sites)).collect();
        let wave = self.executor.wave(&[Image::Golden(&golden.activations)], &lanes, Settings::default()).await?;
        let judge = |(sites, faulty): (&Vec<Site>, Faulty)| self.judge(&golden.logits, golden.class, sites, faulty);
        Ok(faults.iter().zip(wave.lanes).map(judge).collect())
    }

    /// Injects faults into the inferences of several images. The golden runs are made along the way and not kept. With
    /// `whole` every layer that a fault can reach is computed in full, to compare with.
    ///
    /// # Errors
    /// As [`Lab::trial`], or where an input has the wrong shape. A golden run whose output is not finite is an error of
    /// that image alone.
    pub async fn trials(&self, subjects: &[Subject], whole: bool) -> Result<Trials> {
        let device = self.executor.device();
        let inputs: Vec<[Array; 1]> = subjects.iter().map(|subject| [Array::upload(&subject.input, device)]).collect();
        let images: Vec<Image<'_>> = inputs.iter().map(|inputs| Image::Inputs(inputs)).collect();
        let mut lanes = Vec::new();
        for (image, subject) in subjects.iter().enumerate() {
            for sites in &subject.faults {
                self.check(sites)?;
                lanes.push(self.lane(image, sites));
            }
        }
        let wave = self.executor.wave(&images, &lanes, Settings { whole, ..Settings::default() }).await?;
        let mut faulty = wave.lanes.into_iter();
        let tried = |(subject, golden): (&Subject, Vec<f32>)| {
            let own = subject.faults.iter().zip(faulty.by_ref().take(subject.faults.len())).collect::<Vec<_>>();
            let class = golden_class(&golden)?;
            let trials = own.into_iter().map(|(sites, faulty)| self.judge(&golden, class, sites, faulty)).collect();
            Ok(Tried { class, logits: golden, trials })
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
mod protection;
