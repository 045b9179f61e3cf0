//! Algorithm-based fault tolerance by its definition: whole runs whose layers are compared by plain loops. Nothing here shares code
//! with waves, checksums or their tolerances.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultscope::Result;
use faultscope::campaign::compared::{Method, ProfileOf};
use faultscope::campaign::{
    self, Asked, CampaignConfig, Faults, Images as Plans, Lab, OnBadImage, Plan, Position, Subject,
};
use faultscope::exec::{Hook, Injector, faulty_parameters};
use faultscope::fault::{FaultModel, Site, Target};
use faultscope::graph::{Graph, HostTensor, NodeId, Op, ValueId};
use faultscope::ops::Array;

use super::networks::Network;

/// Faults of an image.
const FAULTS: usize = 50;

/// The difference that passes, as a factor of the sum of magnitudes, of a layer.
enum Tolerance {
    Bound,
    Factor(f32),
    Learnt(BTreeMap<NodeId, f32>, f32),
}

struct Oracle<'a> {
    graph: &'a Graph,
    sums: &'a BTreeMap<NodeId, Sums>,
    recomputes: bool,
    tolerance: Tolerance,
}

/// The sum of the filters of a layer and of their magnitudes, by tap and channel, and that of its constants.
struct Sums {
    filters: Vec<Vec<[f32; 2]>>,
    bias: [f32; 2],
    outer: usize,
}

/// A run under the protection.
struct Checked<'a, H> {
    oracle: &'a Oracle<'a>,
    inner: H,
    made: BTreeMap<ValueId, Vec<f32>>,
    stopped: bool,
    /// The largest quotient of difference and magnitude of each layer.
    largest: BTreeMap<NodeId, f32>,
}

/// The sum of terms as docs/PROTECTIONS.md states it: eight partial sums by the number of the channel, then these.
fn eight(terms: impl Iterator<Item = (usize, f32)>) -> f32 {
    let mut partial = [0f32; 8];
    for (channel, term) in terms {
        partial[channel % 8] += term;
    }
    partial.iter().fold(0.0, |sum, part| sum + part)
}

/// Whether a layer is a convolution or a product with parameters.
fn is_covered(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.nodes[id].op, Op::Conv(_) | Op::Gemm { .. })
}

fn sums(graph: &Graph, id: NodeId) -> Sums {
    let node = &graph.nodes[id];
    let weight = &graph.parameters[&node.inputs[1]];
    let sum_of = |values: &mut dyn Iterator<Item = f32>| {
        let (sum, size) =
            values.fold((0f64, 0f64), |(sum, size), value| (sum + f64::from(value), size + f64::from(value.abs())));
        [sum as f32, size as f32]
    };
    let bias = node.inputs.get(2).map(|bias| &graph.parameters[bias].data);
    let bias = bias.map_or([0.0; 2], |bias| sum_of(&mut bias.iter().copied()));
    let (outer, taps, depth) = match (&node.op, &weight.shape[..]) {
        (Op::Conv(conv), &[outer, depth, high, wide]) => {
            assert_eq!(conv.groups, 1);
            (outer, high * wide, depth)
        }
        (Op::Gemm { trans_b: true, .. }, &[outer, inner]) => (outer, 1, inner),
        (Op::Gemm { .. }, &[inner, outer]) => {
            let row = |k: usize| sum_of(&mut weight.data[k * outer..(k + 1) * outer].iter().copied());
            return Sums { filters: vec![(0..inner).map(row).collect()], bias, outer };
        }
        other => panic!("no product: {other:?}"),
    };
    let filter = |channel: usize, tap: usize| {
        sum_of(&mut (0..outer).map(|filter| weight.data[(filter * depth + channel) * taps + tap]))
    };
    let filters = (0..taps).map(|tap| (0..depth).map(|channel| filter(channel, tap)).collect());
    Sums { filters: filters.collect(), bias, outer }
}

/// For each position of layer `id` the difference of the sum of outputs and the checksum, and the sum of magnitudes.
fn compare(graph: &Graph, id: NodeId, sums: &Sums, x: &[f32], y: &[f32]) -> Vec<[f32; 2]> {
    let node = &graph.nodes[id];
    // Of one position: its outputs, and of each tap that lies in the image the place of its first channel.
    let residual = |outputs: &mut dyn Iterator<Item = f32>, taps: &[(usize, usize)], apart: usize| {
        let terms = |of: fn(f32, [f32; 2]) -> f32| {
            eight(taps.iter().flat_map(|&(tap, place)| {
                let channels = sums.filters[tap].iter().enumerate();
                channels.map(move |(channel, &filter)| (channel, of(x[place + channel * apart], filter)))
            }))
        };
        let (checksum, size) = (terms(|x, [sum, _]| x * sum), terms(|x, [_, size]| x.abs() * size));
        [(eight(outputs.enumerate()) - (sums.bias[0] + checksum)).abs(), sums.bias[1] + size]
    };
    let Op::Conv(conv) = &node.op else {
        return vec![residual(&mut y.iter().copied(), &[(0, 0)], 1)];
    };
    let shape = |value: ValueId| graph.values[value].shape.as_slice();
    let (&[_, _, rows, columns], &[_, _, down, right], &[_, _, high, wide]) =
        (shape(node.inputs[0]), shape(node.outputs[0]), shape(node.inputs[1]))
    else {
        panic!("images")
    };
    let position = |at: usize| {
        let mut taps = Vec::new();
        for tap in 0..high * wide {
            let row = (at / right * conv.strides[0] + tap / wide * conv.dilations[0]) as isize;
            let column = (at % right * conv.strides[1] + tap % wide * conv.dilations[1]) as isize;
            let (row, column) = (row - conv.padding.top as isize, column - conv.padding.left as isize);
            if (0..rows as isize).contains(&row) && (0..columns as isize).contains(&column) {
                taps.push((tap, row as usize * columns + column as usize));
            }
        }
        residual(&mut (0..sums.outer).map(|filter| y[filter * down * right + at]), &taps, rows * columns)
    };
    (0..down * right).map(position).collect()
}

impl Oracle<'_> {
    /// Whether layer `id` with the input `x` and the output `y` fails, and the largest quotient.
    fn fails(&self, id: NodeId, x: &[f32], y: &[f32]) -> (bool, f32) {
        let sums = &self.sums[&id];
        let residuals = compare(self.graph, id, sums, x, y);
        let (inner, outer) = (sums.filters.iter().map(Vec::len).sum::<usize>(), sums.outer);
        let factor = match &self.tolerance {
            Tolerance::Factor(factor) => *factor,
            Tolerance::Learnt(largest, multiple) => multiple * largest[&id],
            Tolerance::Bound => {
                let gamma = |n: f64| n * 2f64.powi(-24) / (1.0 - n * 2f64.powi(-24));
                let own = gamma((inner + outer + 12) as f64);
                (2.0 * own / (1.0 - own) * (1.0 + 2f64.powi(-22))) as f32
            }
        };
        let floor = (2.0 * (inner * (outer + 1)) as f64 * 2f64.powi(-149)) as f32;
        let fails = |[difference, size]: &[f32; 2]| !difference.is_finite() || *difference > factor * size + floor;
        let quotients = residuals.iter().map(|[difference, size]| difference / size).filter(|own| own.is_finite());
        (residuals.iter().any(fails), quotients.fold(0.0, f32::max))
    }

    fn run(&self, lab: &Lab, input: &HostTensor, sites: &[Site]) -> (Vec<f32>, bool, BTreeMap<NodeId, f32>) {
        let graph = self.graph;
        let (parameters, _) = faulty_parameters(graph, sites);
        let made = BTreeMap::from([(graph.inputs[0], input.data.to_vec())]);
        let inner = Injector::new(graph, sites);
        let mut hook = Checked { oracle: self, inner, made, stopped: false, largest: BTreeMap::new() };
        let input = [Array::upload(input, lab.executor().device())];
        let run = pollster::block_on(lab.executor().run_changed(&input, &parameters, &mut hook)).expect("a run");
        let scores = pollster::block_on(run.get(graph.outputs[0]).expect("scores").read()).expect("its elements");
        (lab.model().answer.scores(scores), hook.stopped, hook.largest)
    }
}

impl<H: Hook> Hook for Checked<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let before = array.read().await?;
        let mut array = self.inner.output(node, value, array).await?;
        if is_covered(self.oracle.graph, node) {
            let x = &self.made[&self.oracle.graph.nodes[node].inputs[0]];
            let (fails, largest) = self.oracle.fails(node, x, &array.read().await?);
            self.largest.insert(node, largest);
            if fails && self.oracle.recomputes && !self.oracle.fails(node, x, &before).0 {
                array = Array::from_slice(array.shape(), &before, &array.device());
            } else {
                self.stopped |= fails;
            }
        }
        self.made.insert(value, array.read().await?);
        Ok(array)
    }
}

/// Compares `faults` faults of `target` under the checks, whose tolerances are learnt from the first `profile` images where they are.
pub fn prove(network: &Network, target: Target, faults: usize, profile: usize) {
    let names = ["abft", "abft:detect", "abft:tolerance=1e-7", "abft:detect,learnt=1.5"];
    let methods: Vec<Method> = names.iter().map(|name| name.parse().expect("a protection")).collect();
    let lab = &network.bare;
    let graph = lab.executor().graph().clone();
    let config = CampaignConfig {
        faults: Faults::Each(faults.div_ceil(network.images.len())),
        fault_model: FaultModel { target, ..network.faults.clone() },
        ..CampaignConfig::new("network")
    };
    let plan = Plan::new(config, graph.clone(), Plans::All(network.images.len())).expect("a plan");
    let asked = Asked {
        methods: &methods,
        plan: &plan,
        source: &network.pictures,
        profile: ProfileOf { images: profile, data: None },
        on_bad_image: OnBadImage::Stop,
    };
    let guards = pollster::block_on(campaign::guards(lab, asked, || false)).expect("protections");
    let covered: Vec<&str> =
        (0..graph.nodes.len()).filter(|&id| is_covered(&graph, id)).map(|id| graph.nodes[id].name.as_str()).collect();
    for method in &guards.compared().methods {
        assert_eq!(method.layers, covered, "{}", method.method);
    }
    let compared = lab.compared_with(Arc::new(guards));
    let sums: BTreeMap<NodeId, Sums> =
        (0..graph.nodes.len()).filter(|&id| is_covered(&graph, id)).map(|id| (id, sums(&graph, id))).collect();
    let mut largest: BTreeMap<NodeId, f32> = BTreeMap::new();
    let mut bound = Oracle { graph: &graph, sums: &sums, recomputes: false, tolerance: Tolerance::Bound };
    for input in &network.images[..profile] {
        for (layer, own) in bound.run(lab, input, &[]).2 {
            let seen = largest.entry(layer).or_default();
            *seen = seen.max(own);
        }
    }
    bound.recomputes = true;
    let oracles = [
        bound,
        Oracle { graph: &graph, sums: &sums, recomputes: false, tolerance: Tolerance::Bound },
        Oracle { graph: &graph, sums: &sums, recomputes: true, tolerance: Tolerance::Factor(1e-7) },
        Oracle { graph: &graph, sums: &sums, recomputes: false, tolerance: Tolerance::Learnt(largest, 1.5) },
    ];
    let (mut struck, mut detected, mut mended, mut missed) = (0, [0; 4], [0; 4], [0; 4]);
    for (nth, input) in network.images.iter().enumerate() {
        let alarms: Vec<bool> = oracles.iter().map(|oracle| oracle.run(lab, input, &[]).1).collect();
        assert_eq!(alarms[..2], [false; 2], "a golden run is within the bound of rounding errors");
        for first in (0..plan.config().faults.at_most()).step_by(FAULTS) {
            let numbers = first..(first + FAULTS).min(plan.config().faults.at_most());
            let sites: Vec<Vec<Site>> =
                numbers.map(|fault| plan.sites(Position { nth, fault }).expect("a fault")).collect();
            let subject = Subject::new(input, sites.clone());
            let tried = pollster::block_on(compared.trials(&[subject], campaign::Settings::default()));
            let tried = tried.expect("trials").only().expect("a golden run");
            for (at, told) in tried.protected.iter().enumerate() {
                assert_eq!((told.alarm, told.golden), (alarms[at], None), "{}: image {nth}", names[at]);
            }
            for (sites, trial) in sites.iter().zip(&tried.trials) {
                struck += 1;
                for (at, oracle) in oracles.iter().enumerate() {
                    let told = trial.protected[at];
                    let context = || format!("{} under {}, {sites:?}", network.name, names[at]);
                    let (scores, stops, _) = oracle.run(lab, input, sites);
                    let own = lab.model().answer.class(&scores);
                    assert_eq!((told.detected, told.alarm), (stops, alarms[at]), "{}", context());
                    assert_eq!(told.class, if stops { trial.class } else { own }, "{}", context());
                    detected[at] += usize::from(stops);
                    mended[at] += usize::from(!stops && trial.class != tried.class && own == tried.class);
                    missed[at] += usize::from(!stops && trial.class != tried.class && own != tried.class);
                }
            }
        }
    }
    assert!(struck >= faults, "{struck} faults");
    println!("{}: {struck} faults; detected {detected:?}, mended {mended:?}, missed {missed:?}", network.name);
    assert!(detected[1] > faults / 50, "where nothing is detected nothing is proven");
    assert!(missed[0] > 0, "faults behind activations are not seen");
    if target == Target::Activation {
        assert!(mended[0] > 0 && detected[0] < detected[1], "a layer that is computed again is right");
    } else {
        assert_eq!(detected[0], detected[1], "a weight that differs does so again");
    }
}
