//! The lab: one model on one device, golden runs and trials.
//!
//! Everything that injects a fault, a single one from the command line or the page, or a campaign, does it
//! here, which is why they all give the same answer.

use burn::tensor::Device;

use crate::exec::{Activations, Executor, Faulty, Image, Lane, Observe, Plain, Settings, TraceRow, Work};
use crate::fault::{InjectedFault, Site, Target};
use crate::graph::HostTensor;
use crate::labels::Grouping;
use crate::model::Model;
use crate::ops::Array;
use crate::outcome::{Verdict, top1};
use crate::{Error, Result};

/// A model ready to be experimented on.
#[derive(Debug)]
pub struct Lab {
    model: Model,
    executor: Executor,
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
}

/// Trials that were made together.
#[derive(Clone, Debug)]
pub struct Trials {
    /// By image, the golden run's output.
    pub golden: Vec<Vec<f32>>,
    /// By fault, as they were asked for.
    pub trials: Vec<Trial>,
    /// What it took.
    pub work: Work,
}

impl Lab {
    /// Puts `model` on `device`. The grouping is the model's own, unless [`Lab::with_grouping`] replaces it.
    ///
    /// # Errors
    /// Where the graph contradicts itself.
    pub fn new(model: Model, device: &Device) -> Result<Self> {
        let executor = Executor::new(model.graph.clone(), device)?;
        let grouping = model.card.grouping.clone();
        Ok(Self { model, executor, grouping })
    }

    /// Judges SCM by `grouping`.
    ///
    /// # Errors
    /// Where it is for another number of classes.
    pub fn with_grouping(mut self, grouping: Grouping) -> Result<Self> {
        if grouping.classes() != self.model.classes() {
            return Err(Error::request(format_args!(
                "the grouping \"{}\" is for {} classes, the model has {}",
                grouping.name(),
                grouping.classes(),
                self.model.classes()
            )));
        }
        self.grouping = Some(grouping);
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

    /// Injects faults into the inferences of preprocessed images: each of `faults` is the number of an image and the
    /// sites of one trial. The golden runs are made along the way and not kept.
    ///
    /// # Errors
    /// As [`Lab::golden`] and [`Lab::trial`]; an error of one image names no image.
    pub async fn trials(&self, images: &[HostTensor], faults: &[(usize, Vec<Site>)], whole: bool) -> Result<Trials> {
        for (_, sites) in faults {
            self.check(sites)?;
        }
        let inputs: Vec<[Array; 1]> =
            images.iter().map(|image| [Array::upload(image, self.executor.device())]).collect();
        let images: Vec<Image<'_>> = inputs.iter().map(|inputs| Image::Inputs(inputs)).collect();
        let lanes: Vec<Lane> = faults.iter().map(|(image, sites)| self.lane(*image, sites)).collect();
        let wave = self.executor.wave(&images, &lanes, Settings { whole, ..Settings::default() }).await?;
        let classes = wave.golden.iter().map(|logits| golden_class(logits)).collect::<Result<Vec<_>>>()?;
        let trials = faults
            .iter()
            .zip(wave.lanes)
            .map(|((image, sites), faulty)| self.judge(&wave.golden[*image], classes[*image], sites, faulty));
        Ok(Trials { trials: trials.collect(), golden: wave.golden, work: wave.work })
    }

    fn lane(&self, image: usize, sites: &[Site]) -> Lane {
        let graph = self.executor.graph();
        Lane { image, changes: sites.iter().map(|site| site.change(graph)).collect() }
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
            site.corruption.apply(0.0)?;
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
