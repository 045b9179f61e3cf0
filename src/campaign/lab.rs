//! The lab: one model on one device, golden runs and trials.
//!
//! Everything that injects a fault, a single one from the command line or the page, or a campaign, does it
//! here, which is why they all give the same answer.

use std::collections::BTreeMap;

use burn::tensor::Device;

use crate::exec::{Activations, Both, Executor, Plain, Trace, TraceRow};
use crate::fault::{InjectedFault, Injector, Site, Target, faulty_parameters};
use crate::graph::{HostTensor, ValueId};
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
    /// The faulty tensors that were asked for.
    pub activations: Activations,
}

/// What a trial is to tell beside its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observe {
    /// Compare every layer with the golden run.
    pub trace: bool,
    /// Keep every tensor that was computed anew.
    pub keep: bool,
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
        let logits = self.logits(&activations, None).await?;
        if let Some(class) = logits.iter().position(|value| !value.is_finite()) {
            return Err(Error::request(format_args!(
                "the golden run fails: score {class} is {} without any fault; check the preprocessing and the model",
                logits[class]
            )));
        }
        Ok(Golden { class: top1(&logits), logits, activations })
    }

    /// Injects `sites` into the inference that `golden` is the golden run of.
    ///
    /// # Errors
    /// Where a site does not fit the model ([`Lab::check`]), or the device fails.
    pub async fn trial(&self, golden: &Golden, sites: &[Site], observe: Observe) -> Result<Trial> {
        self.check(sites)?;
        let graph = self.executor.graph();
        let (changed, mut faults) = faulty_parameters(&self.executor, sites).await?;
        let mut injector = Injector::new(graph, sites);
        let (activations, trace) = if observe.trace {
            let mut trace = Trace::new(graph, &golden.activations);
            let run = self.rerun(golden, &changed, &mut Both(&mut injector, &mut trace), observe).await?;
            (run, trace.into_rows())
        } else {
            (self.rerun(golden, &changed, &mut injector, observe).await?, Vec::new())
        };
        faults.extend(injector.into_injected());
        let logits = self.logits(&activations, Some(golden)).await?;
        let verdict = Verdict::new(golden.class, &logits, self.grouping.as_ref());
        Ok(Trial { verdict, class: top1(&logits), logits, faults, trace, activations })
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

    async fn rerun<H: crate::exec::Hook>(
        &self,
        golden: &Golden,
        changed: &BTreeMap<ValueId, Array>,
        hook: &mut H,
        observe: Observe,
    ) -> Result<Activations> {
        self.executor.rerun(&golden.activations, changed, hook, |_| observe.keep).await
    }

    /// The first output; a re-run that never reached it has the golden one.
    async fn logits(&self, run: &Activations, golden: Option<&Golden>) -> Result<Vec<f32>> {
        let output = self.executor.graph().outputs[0];
        match (run.get(output), golden) {
            (Some(array), _) => array.read().await,
            (None, Some(golden)) => Ok(golden.logits.clone()),
            (None, None) => Err(Error::request("the model's output is not computed by any layer")),
        }
    }
}
