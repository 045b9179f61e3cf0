//! What is timed: golden runs and injections, each step of the way from the one to the other.

use std::time::{Duration, Instant};

use burn::tensor::Device;
use faultscope::campaign::{self, Golden, Lab, Scorer};
use faultscope::exec::{Change, Image, Injector, Lane, Ranges, Settings, Wave};
use faultscope::fault::{FaultModel, Site, Target, sampler};
use faultscope::ops::Array;

use crate::Failure;
use crate::subject::Subject;

/// Images that are inferred together.
pub const BATCH: usize = 16;
/// Bytes of golden runs that are kept.
const KEPT: usize = 3 << 29;
/// Faulty runs of a wave: of those that are computed in full, and of those of which little is.
const WHOLE_LANES: usize = 32;
const LANES: usize = 256;

/// A way to use the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Golden runs of a batch of images.
    Dense,
    /// The golden run of one image.
    Single,
    /// A whole inference for each fault.
    Naive,
    /// Only the layers after the fault, one fault after the other.
    Downstream,
    /// The same, many faults at once.
    Batched,
    /// The engine as it is: of each layer, what the fault has touched.
    Patches,
    /// The engine as it is, every layer's output clipped to its range in golden runs.
    Protected,
    /// The engine as it is, with faults in weights, each on all images.
    Weights,
    /// The gradient of an image's margin, with respect to all tensors and weights, from a golden run that is kept.
    Scores,
}

impl Step {
    pub const ALL: [Self; 9] = [
        Self::Dense,
        Self::Single,
        Self::Naive,
        Self::Downstream,
        Self::Batched,
        Self::Patches,
        Self::Protected,
        Self::Weights,
        Self::Scores,
    ];

    /// What measures are kept under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Single => "single",
            Self::Naive => "naive",
            Self::Downstream => "downstream",
            Self::Batched => "batched",
            Self::Patches => "patches",
            Self::Protected => "protected",
            Self::Weights => "weights",
            Self::Scores => "scores",
        }
    }

    /// The step of that name.
    pub fn named(name: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        let step = Self::ALL.into_iter().find(|step| step.name() == name);
        step.ok_or_else(|| format!("there is no step \"{name}\"; there are {names}"))
    }

    /// What the table calls it.
    pub fn measure(self) -> &'static str {
        match self {
            Self::Dense => "dense, batch 16",
            Self::Single => "single image",
            Self::Naive => "whole inference a fault",
            Self::Downstream => "downstream-only",
            Self::Batched => "downstream-only, batched",
            Self::Patches => "injections",
            Self::Protected => "injections, protected",
            Self::Weights => "weight faults",
            Self::Scores => "gradients",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Dense | Self::Single | Self::Scores => "images/s",
            Self::Weights => "(fault, image) pairs/s",
            _ => "injections/s",
        }
    }

    /// Whether it is set against dense inference.
    pub fn is_compared(self) -> bool {
        !matches!(self, Self::Dense | Self::Single)
    }
}

/// A network ready to be measured.
pub struct Engine<'a> {
    subject: &'a Subject,
    lab: Lab,
    /// The same network, protected by the ranges of the golden runs that are kept.
    protected: Lab,
    /// Golden runs that are kept, of the first images.
    golden: Vec<Golden>,
    /// Multiply-adds of faulty runs, and how many runs, of [`Step::Patches`].
    counted: (u64, usize),
}

impl<'a> Engine<'a> {
    pub fn new(subject: &'a Subject, device: &Device) -> Result<Self, Failure> {
        let lab = Lab::on(subject.model.clone(), device)?;
        let graph = lab.executor().graph();
        let bytes: usize = (0..graph.nodes.len()).map(|node| 4 * graph.output_elements(node)).sum();
        let kept = (KEPT / bytes).clamp(4, subject.inputs.len());
        let golden = subject.inputs[..kept].iter().map(|input| pollster::block_on(lab.golden(input)));
        let golden = golden.collect::<Result<Vec<_>, _>>()?;
        let mut ranges = Ranges::default();
        for golden in &golden {
            pollster::block_on(ranges.include(graph, &golden.activations))?;
        }
        let protected = lab.protected_by(ranges);
        Ok(Self { subject, lab, protected, golden, counted: (0, 0) })
    }

    /// Images, faults or pairs a second, measured for about as long as `budget`. Each round draws faults of its own.
    pub fn rate(&mut self, step: Step, round: usize, budget: Duration) -> Result<f64, Failure> {
        let begun = Instant::now();
        let (mut done, mut turn) = (0, round << 20);
        while done == 0 || begun.elapsed() < budget {
            done += self.turn(step, turn)?;
            turn += 1;
        }
        Ok(done as f64 / begun.elapsed().as_secs_f64())
    }

    /// Does some work of the kind and says how many images, faults or pairs it was.
    fn turn(&mut self, step: Step, turn: usize) -> Result<usize, Failure> {
        let (inputs, kept) = (&self.subject.inputs, self.golden.len());
        let wave = match step {
            Step::Dense => return self.infer(0..BATCH),
            Step::Single => return self.infer(turn % inputs.len()..turn % inputs.len() + 1),
            Step::Scores => {
                Scorer::new(&self.lab, &self.golden[turn % kept], true)?;
                return Ok(1);
            }
            Step::Naive => {
                let image = turn % kept;
                let sites = self.subject.fault(Target::Activation, image, turn)?;
                let executor = self.lab.executor();
                let input = Array::upload(&inputs[image], executor.device());
                let mut injector = Injector::new(executor.graph(), &sites);
                pollster::block_on(executor.run(&[input], &mut injector))?;
                return Ok(1);
            }
            Step::Downstream => self.wave(&self.lab, Target::Activation, turn, 1, true),
            Step::Batched => self.wave(&self.lab, Target::Activation, turn, WHOLE_LANES, true),
            Step::Patches => {
                let wave = self.wave(&self.lab, Target::Activation, turn, LANES, false)?;
                self.counted.0 += wave.work.lanes;
                self.counted.1 += wave.lanes.len();
                return Ok(wave.lanes.len());
            }
            Step::Protected => self.wave(&self.protected, Target::Activation, turn, LANES, false),
            Step::Weights => self.wave(&self.lab, Target::Weight, turn, kept.max(WHOLE_LANES), false),
        };
        Ok(wave?.lanes.len())
    }

    /// Golden runs of these images at once.
    fn infer(&self, images: std::ops::Range<usize>) -> Result<usize, Failure> {
        let images = self.subject.inputs[images].iter();
        let subjects: Vec<_> = images.map(|input| campaign::Subject::new(input, Vec::new())).collect();
        pollster::block_on(self.lab.trials(&subjects, Settings::default()))?;
        Ok(subjects.len())
    }

    /// `count` faulty runs at once, their images in turn; faults in weights are each on all images.
    fn wave(&self, lab: &Lab, target: Target, turn: usize, count: usize, whole: bool) -> Result<Wave, Failure> {
        let executor = lab.executor();
        let (graph, kept) = (executor.graph(), self.golden.len());
        let first = turn * count;
        let lane = |number: usize| -> Result<Lane, Failure> {
            let image = number % kept;
            let sites = match target {
                Target::Activation => self.subject.fault(target, image, number / kept)?,
                _ => self.subject.fault(target, 0, number / kept)?,
            };
            Ok(Lane { image, changes: sites.iter().map(|site| Change::of(graph, site)).collect(), ..Lane::default() })
        };
        let lanes = (first..first + count).map(lane).collect::<Result<Vec<_>, _>>()?;
        let images: Vec<_> = self.golden.iter().map(|golden| Image::Golden(&golden.activations)).collect();
        Ok(pollster::block_on(executor.wave(&images, &lanes, Settings { whole, ..Settings::default() }))?)
    }

    /// Multiply-adds that an injection took, on average.
    pub fn multiply_adds_per_fault(&self) -> f64 {
        self.counted.0 as f64 / self.counted.1 as f64
    }

    /// By image of a batch, the class predicted after its fault.
    pub fn classes(&self, faults: &[Vec<Site>]) -> Result<Vec<usize>, Failure> {
        let images = self.subject.inputs[..BATCH].iter().zip(faults);
        let subjects: Vec<_> =
            images.map(|(input, sites)| campaign::Subject::new(input, vec![sites.clone()])).collect();
        let trials = pollster::block_on(self.lab.trials(&subjects, Settings::default()))?;
        let mut classes = Vec::with_capacity(subjects.len());
        for tried in trials.images {
            classes.extend(tried?.trials.iter().map(|trial| trial.class));
        }
        Ok(classes)
    }
}

impl Subject {
    /// Fault number `fault` of image number `image`: a single bit flip, layers drawn uniformly.
    pub fn fault(&self, target: Target, image: usize, fault: usize) -> Result<Vec<Site>, Failure> {
        let model = FaultModel { target, ..FaultModel::default() };
        let space = match target {
            Target::Activation => &self.activations,
            _ => &self.weights,
        };
        Ok(sampler::draw(&self.model.graph, space, &model, 0, image as u64, fault as u64)?)
    }
}
