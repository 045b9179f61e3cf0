//! Protections that are compared on the same faults: what is compared, what each did to a trial, and what it costs.
//!
//! Every fault of such a campaign is tried in the unprotected network and under each protection. The record holds the outcome
//! of the unprotected network and, in `protected`, one entry for each protection, in the order of the configuration.

pub mod abft;
pub mod ecc;
pub mod layers;
mod memory;
mod method;
mod names;
mod summary;
mod sweep;
mod time;

pub use abft::{Abft, Product, Tolerance};
pub use method::{Clip, ClipRule, Code, Detector, Method, Per, Selection};
pub use names::Kind;
pub use summary::{
    BitEffects, Effect, Effects, FieldEffects, LayerEffects, Overhead, PairedSummary, PartEffects, ProtectedGolden,
    ProtectionSummary, RateEffects, SavedFault, Saves,
};
pub use time::{Timed, TimedUnder};

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::fault::Site;
use crate::{Error, Result};

/// The protections of a campaign, as config.json holds them (key `protections`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The protections, in the order of the entries of records.
    pub methods: Vec<Guarded>,
    /// Images that protections were learnt from.
    pub profile: ProfileOf,
    /// What one inference of the unprotected network costs.
    pub inference: Cost,
}

impl Compared {
    /// Most protections of a campaign: counts are kept for each of them, and for each pair.
    pub const MOST: usize = 32;

    /// Checks the list of protections.
    ///
    /// # Errors
    /// If it is empty, too long, or names a protection twice.
    pub fn validate(&self) -> Result<()> {
        Self::check_methods(&self.methods.iter().map(|one| &one.method).collect::<Vec<_>>())
    }

    /// Checks a list of protections that are to be compared.
    ///
    /// # Errors
    /// As [`Compared::validate`].
    pub fn check_methods(methods: &[&Method]) -> Result<()> {
        let count = methods.len();
        if !(1..=Self::MOST).contains(&count) {
            return Err(Error::request(format_args!(
                "expected 1 to {} protections to compare, found {count}",
                Self::MOST
            )));
        }
        match methods.iter().enumerate().find(|(index, one)| methods[..*index].contains(one)) {
            Some((_, one)) => Err(Error::request(format_args!("the protection {one} is given twice; leave one away"))),
            None => Ok(()),
        }
    }
}

/// A protection that is ready: its layers are known, and its cost is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guarded {
    /// The protection, with its options.
    pub method: Method,
    /// Names of the layers that it is in; empty where it is in none, as a code in a memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// What it adds to one inference.
    pub overhead: Cost,
    /// What was learnt from golden runs: CRC-32 of all bounds, so that a later run can tell whether it learnt the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learnt: Option<u32>,
}

/// The images that protections are learnt from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileOf {
    /// Number of images.
    pub images: usize,
    /// Where they come from; `None` where they are the first images of the campaign's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl ProfileOf {
    /// Images that protections are learnt from where nothing is said.
    pub const USUAL: usize = 100;

    /// The first images of the campaign's own data: `stated` ones, or the usual number of the `available`; none where `methods` learn
    /// nothing. If `plan` tests some of them, there is a sentence that users must know.
    pub fn own<'a>(
        methods: impl IntoIterator<Item = &'a Method>,
        plan: &Plan,
        stated: Option<usize>,
        available: usize,
    ) -> (Self, Option<String>) {
        let learns = methods.into_iter().any(Method::is_learnt);
        let images = if learns { stated.unwrap_or(Self::USUAL.min(available)) } else { 0 };
        let tested = (0..plan.images()).filter_map(|nth| plan.image(nth)).filter(|&image| image < images).count();
        let notice = (tested > 0).then(|| {
            format!(
                "{tested} of the {images} images that protections are learnt from are tested, too, and what is learnt fits these \
                 images better than others"
            )
        });
        (Self { images, data: None }, notice)
    }
}

/// A cost, counted from the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Operations of one inference: a multiply-add is two, a comparison one.
    pub operations: u64,
    /// Numbers that are stored.
    pub parameters: u64,
    /// Bytes of memory for parameters, check bits and copies.
    pub bytes: u64,
}

/// What became of a trial under a protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Protected {
    /// Predicted class. Where the inference was stopped by a detection, the class that it would have come to.
    pub class: usize,
    /// The protection noticed the fault and stopped the inference: DUE.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detected: bool,
    /// NaN or infinity reached the output.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub due: bool,
    /// The class that the protected network predicts without a fault, where it is another one than the unprotected network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<usize>,
    /// The protection stops the inference without a fault, too: a false alarm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alarm: bool,
}

impl Protected {
    /// Most bytes of an entry in a record.
    pub const BYTES: usize = 128;

    /// The golden run under the protection, as a record of a trial states it. `golden` is the golden prediction of the unprotected
    /// network.
    pub fn of_golden(&self, golden: usize) -> Self {
        Self { class: self.golden(golden), detected: self.alarm, due: false, ..*self }
    }

    /// Adds the golden run under the protection to a sum over several of them.
    pub(super) fn add_to_sum(&self, sum: u64) -> u64 {
        // Fowler, Noll and Vo's prime.
        let golden = self.golden.map_or(0, |class| (class as u64).wrapping_add(1));
        (sum ^ (golden << 1 | u64::from(self.alarm))).wrapping_mul(0x0000_0100_0000_01b3).wrapping_add(1)
    }

    /// The class that the protected network predicts without a fault. `golden` is that of the unprotected network.
    pub fn golden(&self, golden: usize) -> usize {
        self.golden.unwrap_or(golden)
    }

    /// What the protection did to a trial in which the unprotected network predicts `faulty`, and `golden` without the faults.
    pub fn effect(&self, golden: usize, faulty: usize) -> Effect {
        Effect::new(golden != faulty, self.detected, self.is_sdc(golden))
    }

    /// Whether the answer is wrong and nothing says so. `golden` is the golden prediction of the unprotected network.
    pub fn is_sdc(&self, golden: usize) -> bool {
        !self.detected && self.class != self.golden(golden)
    }
}

/// Where a protection that notices a fault stops the inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// Where the struck value is read.
    Read,
    /// After the layer of this name.
    Layer(String),
    /// At the scores.
    Scores,
}

/// What a protection makes of the faults of a trial before anything is computed.
#[derive(Clone, Debug, PartialEq)]
pub enum Treated {
    /// None is left: the run is the golden one.
    Golden,
    /// It notices that it cannot mend them, and stops the inference.
    Detected,
    /// These are left.
    Struck(Vec<Site>),
}

impl Treated {
    /// The faults that are left.
    pub fn of(sites: Vec<Site>) -> Self {
        if sites.is_empty() { Self::Golden } else { Self::Struck(sites) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::fault::Format;
    use crate::format::Scales;
    use crate::graph::{Graph, GraphBuilder, HostTensor, Op};

    /// A dense layer, "dense", of eight weights in `format`, 0.5, 1.5, .. and their ReLU.
    pub fn dense(format: Format) -> Graph {
        let mut b = GraphBuilder::new("dense");
        let input = b.input("input", vec![1, 2]).unwrap();
        let data: Vec<f32> = (0..8).map(|at| at as f32 + 0.5).collect();
        let weight = b.parameter("weight", HostTensor { shape: vec![2, 4], data: data.into() }).unwrap();
        if format != Format::F32 {
            b.store(weight, format, Scales::default()).unwrap();
        }
        let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
        let dense = b.layer("dense", "Gemm", gemm, &[input, weight]).unwrap();
        let relu = b.layer("relu", "Relu", Op::Unary(crate::graph::Unary::Relu), &[dense]).unwrap();
        b.finish(&[relu]).unwrap()
    }

    #[test]
    fn costs_are_counted_from_the_graph() {
        use super::{Cost, Method};
        use crate::fault::Target;
        let graph = dense(Format::F32);
        assert_eq!(Cost::of(&graph), Cost { operations: 16 + 4, parameters: 8, bytes: 32 });
        let cost = |name: &str, layers: &[usize], target| {
            let Cost { operations, parameters, bytes } =
                name.parse::<Method>().unwrap().overhead(&graph, layers, target);
            (operations, parameters, bytes)
        };
        // Two comparisons for each of four outputs of each of two layers.
        assert_eq!(cost("range", &[0, 1], Target::Activation), (16, 4, 16));
        assert_eq!(cost("ranger:channel", &[1], Target::Activation), (8, 8, 32));
        assert_eq!(cost("secded", &[], Target::Weight), (0, 0, 4), "a byte for two float32");
        assert_eq!(cost("secded", &[], Target::Activation), (0, 0, 4));
        assert_eq!(cost("parity-zero", &[], Target::Weight), (0, 0, 1));
        assert_eq!(cost("lsb-parity", &[], Target::Weight), (0, 0, 0));
        assert_eq!(cost("weight-clip", &[], Target::Weight), (16, 2, 8));
        assert_eq!(cost("duplicate:dense", &[0], Target::Activation), (16 + 4, 0, 0));
        assert_eq!(cost("tmr:dense", &[0], Target::Activation), (32 + 8, 0, 0));
        // For one position of two inputs and four outputs: two products of two inputs, the sum, and four more.
        assert_eq!(cost("abft", &[0], Target::Activation), (8 + 4 + 4, 2 * 2 + 3, 28));
        assert_eq!(cost("nan-check", &[], Target::Activation), (4, 0, 0));
    }

    #[test]
    fn truth_values_and_places_are_not_clipped() {
        use super::ClipRule;
        use crate::graph::{Binary, GraphBuilder, HostTensor, Op, Unary};
        let mut builder = GraphBuilder::new("test");
        let image = builder.input("image", [1, 4]).unwrap();
        let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[image]).unwrap();
        let zero = builder.parameter("zero", HostTensor::new([1], vec![0.0]).unwrap()).unwrap();
        let mut truth =
            |name: &str, kind: &str, op: Op, inputs: &[usize]| builder.layer(name, kind, op, inputs).unwrap();
        let above = truth("above", "Greater", Op::Binary(Binary::Greater), &[relu, zero]);
        let is_nan = truth("is_nan", "IsNaN", Op::Unary(Unary::IsNan), &[relu]);
        let chosen = truth("chosen", "Where", Op::Where, &[above, is_nan, above]);
        let same = truth("same", "Identity", Op::Identity, &[chosen]);
        let number = truth("number", "Cast", Op::Identity, &[same]);
        let mended = truth("mended", "Where", Op::Where, &[same, relu, number]);
        let graph = builder.finish(&[mended]).unwrap();
        let names = |rule: ClipRule| -> Vec<&str> {
            rule.layers(&graph).into_iter().map(|id| graph.nodes[id].name.as_str()).collect()
        };
        assert_eq!(names(ClipRule::Range), ["relu", "number", "mended"]);
        assert_eq!(names(ClipRule::Ranger), ["relu"]);
        assert_eq!(names(ClipRule::ClipToZero), ["relu"]);
    }

    #[test]
    fn a_rule_names_its_layers() {
        use super::ClipRule;
        let graph = dense(Format::F32);
        assert_eq!(ClipRule::Range.layers(&graph), [0, 1]);
        assert_eq!(ClipRule::Ranger.layers(&graph), [1]);
        assert_eq!(ClipRule::ClipToZero.layers(&graph), [1]);
    }
}
