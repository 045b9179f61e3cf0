//! Protections beside the unprotected network give what full runs give, with the faults that a protection leaves over and every
//! layer's output bounded by a hook. Nothing here shares code with waves, codes or clips.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultscope::Result;
use faultscope::campaign::compared::{Clip, ClipRule, Method, Per, ProfileOf, Stop};
use faultscope::campaign::{
    self, Asked, CampaignConfig, Faults, Images as Plans, Lab, OnBadImage, Plan, Position, Subject, Under,
};
use faultscope::exec::{Activations, Hook, Injector, Plain, faulty_parameters};
use faultscope::fault::{Corruption, FaultModel, Site, Target};
use faultscope::graph::{HostTensor, NodeId, Op, ValueId};
use faultscope::ops::Array;

use super::networks::Network;

/// Faults of an image.
const FAULTS: usize = 50;

/// Faults of an image that are looked at layer by layer.
const OBSERVED: usize = 4;

/// Compares `faults` faults of `target` in `network` under `protections`, learnt from the first `profile` images.
pub fn prove(network: &Network, target: Target, protections: &[&str], faults: usize, profile: usize) {
    let methods: Vec<Method> = protections.iter().map(|name| name.parse().expect("a protection")).collect();
    let lab = &network.bare;
    let config = CampaignConfig {
        faults: Faults::Each(faults.div_ceil(network.images.len())),
        fault_model: FaultModel { target, ..network.faults.clone() },
        ..CampaignConfig::new("network")
    };
    let plan = Plan::new(config, lab.executor().graph().clone(), Plans::All(network.images.len())).expect("a plan");
    let asked = Asked {
        methods: &methods,
        plan: &plan,
        source: &network.pictures,
        profile: ProfileOf { images: profile, data: None },
        on_bad_image: OnBadImage::Stop,
    };
    let guards = pollster::block_on(campaign::guards(lab, asked, || false)).expect("protections");
    let compared = lab.compared_with(Arc::new(guards));
    let observe = campaign::Observe { trace: true, ..campaign::Observe::default() };
    let oracles: Vec<Oracle> = methods.iter().map(|method| Oracle::new(lab, network, method, profile)).collect();
    let (mut struck, mut forked) = (0, vec![0u64; methods.len()]);
    for (nth, input) in network.images.iter().enumerate() {
        let golden = pollster::block_on(lab.golden(input)).expect("a golden run");
        let owns: Vec<_> = (0..methods.len())
            .map(|at| pollster::block_on(compared.golden_under(at, &golden)).expect("a golden run"))
            .collect();
        let goldens: Vec<Vec<f32>> = oracles.iter().map(|oracle| oracle.scores(lab, input, &[])).collect();
        for first in (0..plan.config().faults.at_most()).step_by(FAULTS) {
            let numbers = first..(first + FAULTS).min(plan.config().faults.at_most());
            let sites: Vec<Vec<Site>> =
                numbers.map(|fault| plan.sites(Position { nth, fault }).expect("a fault")).collect();
            let subject = Subject::new(input, sites.clone());
            let tried = pollster::block_on(compared.trials(&[subject], campaign::Settings::default()));
            let tried = tried.expect("trials").only().expect("a golden run");
            for (sites, trial) in sites.iter().zip(&tried.trials).filter(|_| first == 0).take(OBSERVED) {
                let bare = pollster::block_on(lab.trial(&golden, sites, observe)).expect("a trial");
                for (at, oracle) in oracles.iter().enumerate() {
                    let under = compared.trial_under(at, &golden, owns[at].as_ref(), &bare, sites, observe);
                    let under = pollster::block_on(under).expect("a trial");
                    assert_eq!(under.protected, trial.protected[at], "{} under {}", network.name, protections[at]);
                    let left = oracle.treat(sites).unwrap_or_else(|| sites.clone());
                    oracle.check_layers(lab, input, &left, &under, protections[at]);
                }
            }
            for (sites, trial) in sites.iter().zip(&tried.trials) {
                struck += 1;
                for (at, oracle) in oracles.iter().enumerate() {
                    let told = trial.protected[at];
                    let context = || format!("{} under {}, {sites:?}", network.name, protections[at]);
                    assert_eq!(told.golden(tried.class), class(&goldens[at]), "{}", context());
                    match oracle.treat(sites) {
                        None => assert!(told.detected, "{}", context()),
                        Some(left) => {
                            let scores = oracle.scores(lab, input, &left);
                            let stops = oracle.stops(&scores);
                            assert_eq!(told.detected, stops, "{}", context());
                            assert_eq!(told.class, class(&scores), "{}", context());
                            forked[at] += u64::from(told.class != trial.class);
                        }
                    }
                }
            }
        }
    }
    assert!(struck >= faults, "{struck} faults");
    println!("{}: {struck} faults; answers that a protection changed: {forked:?}", network.name);
}

/// The first maximum, or the first NaN.
fn class(scores: &[f32]) -> usize {
    let nan = scores.iter().position(|score| score.is_nan());
    nan.unwrap_or_else(|| (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0))
}

/// A protection by its definition.
enum Oracle {
    /// Bounds of each row-major element of a tensor.
    Clip {
        bounds: BTreeMap<ValueId, Vec<[f32; 2]>>,
        to_zero: bool,
    },
    /// A word with an odd number of flipped bits is 0.
    Parity,
    /// A block of 64 bits with one flipped bit is right, one with two stops the inference.
    Secded,
    Tmr(Vec<NodeId>),
    Duplicate(Vec<NodeId>),
    NotFinite,
}

impl Oracle {
    fn new(lab: &Lab, network: &Network, method: &Method, profile: usize) -> Self {
        let graph = lab.executor().graph();
        let convolutions = || (0..graph.nodes.len()).filter(|&id| matches!(graph.nodes[id].op, Op::Conv(_))).collect();
        match method {
            Method::Clip(clip) => {
                let mut ranges: BTreeMap<(ValueId, usize), [f32; 2]> = BTreeMap::new();
                let group = |value: ValueId, at: usize| match (clip.per, &graph.values[value].shape[..]) {
                    (Per::Tensor, _) => 0,
                    (Per::Channel, [1, _, height, width]) => at / (height * width),
                    (Per::Channel, shape) => at % shape.iter().rev().find(|length| **length != 1).unwrap_or(&1),
                    (Per::Neuron, _) => at,
                };
                for input in &network.images[..profile] {
                    let run = run(lab, input, &mut Plain, &[]);
                    for value in tensors(lab, *clip) {
                        for (at, &element) in read(&run, value).iter().enumerate() {
                            let [low, high] =
                                ranges.entry((value, group(value, at))).or_insert([f32::INFINITY, f32::NEG_INFINITY]);
                            (*low, *high) = (low.min(element), high.max(element));
                        }
                    }
                }
                let of = |value: ValueId| {
                    (0..graph.values[value].elements()).map(|at| ranges[&(value, group(value, at))]).collect()
                };
                let bounds = tensors(lab, *clip).into_iter().map(|value| (value, of(value))).collect();
                Self::Clip { bounds, to_zero: clip.rule == ClipRule::ClipToZero }
            }
            Method::Tmr(_) => Self::Tmr(convolutions()),
            Method::Duplicate(_) => Self::Duplicate(convolutions()),
            Method::Detector(_) => Self::NotFinite,
            other if other.to_string() == "secded" => Self::Secded,
            _ => Self::Parity,
        }
    }

    /// The faults that are left; `None` if the inference stops.
    fn treat(&self, sites: &[Site]) -> Option<Vec<Site>> {
        let mask = |site: &Site| match site.corruption {
            Corruption::Flip(bits) => bits.mask(),
            other => panic!("faults here are flips: {other:?}"),
        };
        match self {
            Self::Clip { .. } | Self::NotFinite => Some(sites.to_vec()),
            Self::Parity => {
                let zeroed = |site: &Site| match mask(site).count_ones() % 2 {
                    1 => Site { corruption: Corruption::Set(0.0), ..*site },
                    _ => *site,
                };
                Some(sites.iter().map(zeroed).collect())
            }
            Self::Secded => {
                let flips: u32 = sites.iter().map(|site| mask(site).count_ones()).sum();
                match flips {
                    1 => Some(Vec::new()),
                    2 => None,
                    many => panic!("{many} flips"),
                }
            }
            Self::Tmr(layers) => Some(sites.iter().filter(|site| !layers.contains(&site.layer)).copied().collect()),
            Self::Duplicate(layers) => (!sites.iter().any(|site| layers.contains(&site.layer))).then(|| sites.to_vec()),
        }
    }

    fn stops(&self, scores: &[f32]) -> bool {
        matches!(self, Self::NotFinite) && scores.iter().any(|score| !score.is_finite())
    }

    /// A full run with the faults at `sites`.
    fn run(&self, lab: &Lab, input: &HostTensor, sites: &[Site]) -> Activations {
        let injector = Injector::new(lab.executor().graph(), sites);
        match self {
            Self::Clip { bounds, to_zero } => {
                run(lab, input, &mut Bounded { bounds, to_zero: *to_zero, inner: injector }, sites)
            }
            _ => run(lab, input, &mut { injector }, sites),
        }
    }

    /// The scores of a full run with the faults at `sites`.
    fn scores(&self, lab: &Lab, input: &HostTensor, sites: &[Site]) -> Vec<f32> {
        let run = self.run(lab, input, sites);
        lab.model().answer.scores(read(&run, lab.executor().graph().outputs[0]))
    }

    /// Compares the corruption of each layer in `under` with that of full runs without faults and with those at `left`.
    fn check_layers(&self, lab: &Lab, input: &HostTensor, left: &[Site], under: &Under, name: &str) {
        let graph = lab.executor().graph();
        let (golden, faulty) = (self.run(lab, input, &[]), self.run(lab, input, left));
        let mut is_over = under.stops == Some(Stop::Read);
        for node in &graph.nodes {
            let own = under.trace.iter().find(|row| row.layer == node.name);
            let told = own.map_or(0, |row| row.changed);
            if is_over {
                assert_eq!(own, None, "the inference has stopped before {}", node.name);
                continue;
            }
            let changed = |&value: &ValueId| {
                let (Some(_), Some(_)) = (golden.get(value), faulty.get(value)) else { return 0 };
                let pairs = read(&golden, value).into_iter().zip(read(&faulty, value));
                pairs.filter(|(before, after)| before.to_bits() != after.to_bits()).count() as u64
            };
            let expected = node.outputs.iter().map(changed).sum::<u64>();
            assert_eq!(told, expected, "{} under {name}, {left:?}", node.name);
            is_over = under.stops == Some(Stop::Layer(node.name.clone()));
        }
    }
}

/// The tensors that a clip is for, named by what this network has.
fn tensors(lab: &Lab, clip: Clip) -> Vec<ValueId> {
    let graph = lab.executor().graph();
    let depends = graph.depends_on_input();
    let is_one = |id: &NodeId| {
        let last = match &graph.nodes[*id].op {
            Op::Chain(steps) => &steps.last().expect("a step").op,
            op => op,
        };
        let activation = matches!(last, Op::Unary(_));
        depends[*id]
            && match clip.rule {
                ClipRule::Range => !matches!(last, Op::Folded),
                ClipRule::ClipToZero => activation,
                ClipRule::Ranger => {
                    let pooling = matches!(last, Op::MaxPool(_) | Op::AveragePool { .. } | Op::Reduce { .. });
                    activation || pooling || matches!(last, Op::Concat { .. } | Op::BatchNorm { .. } | Op::Normalise(_))
                }
            }
    };
    (0..graph.nodes.len()).filter(is_one).flat_map(|id| graph.nodes[id].outputs.clone()).collect()
}

struct Bounded<'a, H> {
    bounds: &'a BTreeMap<ValueId, Vec<[f32; 2]>>,
    to_zero: bool,
    inner: H,
}

impl<H: Hook> Hook for Bounded<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let array = self.inner.output(node, value, array).await?;
        let Some(bounds) = self.bounds.get(&value) else { return Ok(array) };
        let mut elements = array.read().await?;
        for (element, [low, high]) in elements.iter_mut().zip(bounds) {
            *element = match *element {
                inside if inside >= *low && inside <= *high => inside,
                _ if self.to_zero => 0.0,
                nan if nan.is_nan() => 0f32.max(*low).min(*high),
                below if below < *low => *low,
                _ => *high,
            };
        }
        Ok(Array::from_slice(array.shape(), &elements, &array.device()))
    }
}

fn run<H: Hook>(lab: &Lab, input: &HostTensor, hook: &mut H, sites: &[Site]) -> Activations {
    let (parameters, _) = faulty_parameters(lab.executor().graph(), sites);
    let input = [Array::upload(input, lab.executor().device())];
    pollster::block_on(lab.executor().run_changed(&input, &parameters, hook)).expect("a run")
}

fn read(run: &Activations, value: ValueId) -> Vec<f32> {
    pollster::block_on(run.get(value).expect("a tensor").read()).expect("its elements")
}
