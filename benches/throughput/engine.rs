//! What is timed: golden runs and injections, each step of the way from the one to the other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use faultscope::campaign::{self, Golden, Lab, NumberFormats, Rounded, Scorer, TensorScale};
use faultscope::exec::{Change, Image, Injector, Lane, Ranges, Settings, Wave};
use faultscope::fault::{FaultModel, Format, Pattern, Site, Target, sampler};
use faultscope::graph::Graph;
use faultscope::ops::Array;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

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
    /// The gradients of images' margins, with respect to all tensors and weights, from golden runs that are kept.
    Scores,
    /// The engine as it is, on the network in bfloat16: parameters and layers' outputs.
    Bfloat16,
    /// The same in int8.
    Int8,
    /// The engine as it is, with one position of several channels struck.
    BulletWake,
    /// The same, with more positions of one of these channels.
    ShatteredGlass,
}

impl Step {
    pub const ALL: [Self; 13] = [
        Self::Dense,
        Self::Single,
        Self::Naive,
        Self::Downstream,
        Self::Batched,
        Self::Patches,
        Self::Protected,
        Self::Weights,
        Self::Scores,
        Self::Bfloat16,
        Self::Int8,
        Self::BulletWake,
        Self::ShatteredGlass,
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
            Self::Bfloat16 => "bfloat16",
            Self::Int8 => "int8",
            Self::BulletWake => "bullet-wake",
            Self::ShatteredGlass => "shattered-glass",
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
            Self::Bfloat16 => "injections, bfloat16",
            Self::Int8 => "injections, int8",
            Self::BulletWake => "injections, bullet wake",
            Self::ShatteredGlass => "injections, shattered glass",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Dense | Self::Single | Self::Scores => "images/s",
            Self::Weights => "(fault, image) pairs/s",
            _ => "injections/s",
        }
    }

    /// The step that it is set against.
    pub fn compared_with(self) -> Option<Self> {
        match self {
            Self::Dense | Self::Single => None,
            Self::Protected | Self::Bfloat16 | Self::Int8 | Self::BulletWake | Self::ShatteredGlass => {
                Some(Self::Patches)
            }
            _ => Some(Self::Dense),
        }
    }

    /// The name of a step that others are set against.
    pub fn name_in_ratios(self) -> &'static str {
        if self == Self::Dense { self.name() } else { self.measure() }
    }

    /// The number format of the network.
    fn format(self) -> Format {
        match self {
            Self::Bfloat16 => Format::Bf16,
            Self::Int8 => Format::I8,
            _ => Format::F32,
        }
    }

    fn pattern(self) -> Pattern {
        match self {
            Self::BulletWake => Pattern::BulletWake(None),
            Self::ShatteredGlass => Pattern::ShatteredGlass(None),
            _ => Pattern::Single,
        }
    }
}

/// A network with golden runs that are kept, of the first images.
struct Kept {
    lab: Lab,
    golden: Vec<Golden>,
}

impl Kept {
    fn new(lab: Lab, subject: &Subject) -> Result<Self, Failure> {
        let graph = lab.executor().graph();
        let bytes: usize = (0..graph.nodes.len()).map(|node| 4 * graph.output_elements(node)).sum();
        let kept = (KEPT / bytes).clamp(4, subject.inputs.len());
        let golden = subject.inputs[..kept].iter().map(|input| pollster::block_on(lab.golden(input)));
        let golden = golden.collect::<Result<_, _>>()?;
        Ok(Self { lab, golden })
    }
}

/// A network ready to be measured.
pub struct Engine<'a> {
    subject: &'a Subject,
    plain: Kept,
    /// The same network, protected by the ranges of the golden runs that are kept.
    protected: Lab,
    ranges: Ranges,
    /// By name of a step, the network in its number format.
    rounded: BTreeMap<&'static str, Kept>,
    /// By name of a step, multiply-adds of faulty runs, and their number.
    counted: BTreeMap<&'static str, (u64, usize)>,
}

impl<'a> Engine<'a> {
    pub fn new(subject: &'a Subject, device: &Device) -> Result<Self, Failure> {
        let plain = Kept::new(Lab::on(subject.model.clone(), device)?, subject)?;
        let mut ranges = Ranges::default();
        for golden in &plain.golden {
            pollster::block_on(ranges.include(plain.lab.executor().graph(), &golden.activations))?;
        }
        let protected = plain.lab.protected_by(ranges.clone());
        Ok(Self { subject, plain, protected, ranges, rounded: BTreeMap::new(), counted: BTreeMap::new() })
    }

    /// Rounds the network to the format of `step`, if that was not done before.
    fn prepare(&mut self, step: Step) -> Result<(), Failure> {
        if step.format() == Format::F32 || self.rounded.contains_key(step.name()) {
            return Ok(());
        }
        let model = &self.subject.model;
        let numbers = NumberFormats::usual(step.format(), step.format(), self.plain.golden.len());
        let scale = |range: campaign::TensorRange| TensorScale {
            scale: numbers.output_scale(range.low, range.high),
            tensor: range.tensor,
        };
        let scales: Vec<_> = match numbers.learns() {
            true => self.ranges.by_tensor(&model.graph).into_iter().map(scale).collect(),
            false => Vec::new(),
        };
        let rounded = Rounded::again(model, &numbers, &scales)?;
        let device = self.plain.lab.executor().device();
        self.rounded.insert(step.name(), Kept::new(Lab::on(rounded.model, device)?, self.subject)?);
        Ok(())
    }

    /// Images, faults or pairs a second, measured for about as long as `budget`. Each round draws faults of its own.
    pub fn rate(&mut self, step: Step, round: usize, budget: Duration) -> Result<f64, Failure> {
        self.prepare(step)?;
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
        let (inputs, kept) = (&self.subject.inputs, self.plain.golden.len());
        let net = self.rounded.get(step.name()).unwrap_or(&self.plain);
        let wave = |lab, target, count, whole| self.wave(step, (lab, &net.golden), target, turn, (count, whole));
        let wave = match step {
            Step::Dense => return self.infer(0..BATCH),
            Step::Single => return self.infer(turn % inputs.len()..turn % inputs.len() + 1),
            Step::Scores => {
                // As a campaign does it: each thread has an image of its own.
                let each = |golden: &Golden| Scorer::new(&net.lab, golden, true).map(drop);
                net.golden.par_iter().try_for_each(each)?;
                return Ok(kept);
            }
            Step::Naive => {
                let image = turn % kept;
                let executor = net.lab.executor();
                let sites = self.subject.fault(executor.graph(), step, Target::Activation, image, turn)?;
                let input = Array::upload(&inputs[image], executor.device());
                let mut injector = Injector::new(executor.graph(), &sites);
                pollster::block_on(executor.run(&[input], &mut injector))?;
                return Ok(1);
            }
            Step::Downstream => wave(&net.lab, Target::Activation, 1, true),
            Step::Batched => wave(&net.lab, Target::Activation, WHOLE_LANES, true),
            Step::Protected => wave(&self.protected, Target::Activation, LANES, false),
            Step::Weights => wave(&net.lab, Target::Weight, kept.max(WHOLE_LANES), false),
            Step::Patches | Step::Bfloat16 | Step::Int8 | Step::BulletWake | Step::ShatteredGlass => {
                wave(&net.lab, Target::Activation, LANES, false)
            }
        }?;
        let counted = self.counted.entry(step.name()).or_default();
        counted.0 += wave.work.lanes;
        counted.1 += wave.lanes.len();
        Ok(wave.lanes.len())
    }

    /// Golden runs of these images at once.
    fn infer(&self, images: std::ops::Range<usize>) -> Result<usize, Failure> {
        let images = self.subject.inputs[images].iter();
        let subjects: Vec<_> = images.map(|input| campaign::Subject::new(input, Vec::new())).collect();
        pollster::block_on(self.plain.lab.trials(&subjects, Settings::default()))?;
        Ok(subjects.len())
    }

    /// `count` faulty runs at once, their images in turn; faults in weights are each on all images.
    fn wave(
        &self,
        step: Step,
        (lab, golden): (&Lab, &[Golden]),
        target: Target,
        turn: usize,
        (count, whole): (usize, bool),
    ) -> Result<Wave, Failure> {
        let executor = lab.executor();
        let (graph, kept) = (executor.graph(), golden.len());
        let first = turn * count;
        let lane = |number: usize| -> Result<Lane, Failure> {
            let image = number % kept;
            let of_fault = if target == Target::Activation { image } else { 0 };
            let sites = self.subject.fault(graph, step, target, of_fault, number / kept)?;
            Ok(Lane { image, changes: sites.iter().map(|site| Change::of(graph, site)).collect(), ..Lane::default() })
        };
        let lanes = (first..first + count).map(lane).collect::<Result<Vec<_>, _>>()?;
        let images: Vec<_> = golden.iter().map(|golden| Image::Golden(&golden.activations)).collect();
        Ok(pollster::block_on(executor.wave(&images, &lanes, Settings { whole, ..Settings::default() }))?)
    }

    /// Multiply-adds that an injection of `step` took, on average.
    pub fn multiply_adds_per_fault(&self, step: Step) -> f64 {
        let (sum, runs) = self.counted.get(step.name()).copied().unwrap_or_default();
        sum as f64 / runs as f64
    }

    /// By image of a batch, the class predicted after its fault.
    pub fn classes(&self, faults: &[Vec<Site>]) -> Result<Vec<usize>, Failure> {
        let images = self.subject.inputs[..BATCH].iter().zip(faults);
        let subjects: Vec<_> =
            images.map(|(input, sites)| campaign::Subject::new(input, vec![sites.clone()])).collect();
        let trials = pollster::block_on(self.plain.lab.trials(&subjects, Settings::default()))?;
        let mut classes = Vec::with_capacity(subjects.len());
        for tried in trials.images {
            classes.extend(tried?.trials.iter().map(|trial| trial.class));
        }
        Ok(classes)
    }
}

impl Subject {
    /// Fault number `fault` of image number `image`, as `step` has them: layers are drawn uniformly, and one bit of an element
    /// flips.
    pub fn fault(
        &self,
        graph: &Graph,
        step: Step,
        target: Target,
        image: usize,
        fault: usize,
    ) -> Result<Vec<Site>, Failure> {
        let model = FaultModel { target, pattern: step.pattern(), ..FaultModel::default() };
        let space = match target {
            Target::Activation => &self.activations,
            _ => &self.weights,
        };
        Ok(sampler::draw(graph, space, &model, 0, image as u64, fault as u64)?)
    }
}
