//! A lane under a check gives what a full run gives whose layers are compared by the definition: filters added up one by one, sums
//! by plain loops over row-major tensors, a layer that fails computed again or the run stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use facts::Result;
use facts::fault::{Corruption, Format, Site};
use facts::graph::{Binary, Conv, Graph, GraphBuilder, HostTensor, NodeId, Op, Step, Unary, ValueId};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::*;
use super::networks::recipes;
use super::numbers;
use super::reference::{elements, same};
use super::waves::{Draw, draws, forking};
use crate::ops::Array;

const IMAGES: usize = 3;

/// The sums of a layer's filters, of their magnitudes and of the constants, from parameters without a fault.
struct Sums {
    /// By tap and input channel.
    filter: Vec<[f32; 2]>,
    bias: [f32; 2],
    outer: usize,
}

/// A protection by its definition.
struct Oracle<'a> {
    graph: &'a Graph,
    inputs: Vec<ValueId>,
    sums: &'a BTreeMap<NodeId, Sums>,
    factors: BTreeMap<NodeId, f32>,
    recomputes: bool,
}

/// A run under the protection.
struct Checked<'a, H> {
    oracle: &'a Oracle<'a>,
    inner: H,
    /// Parameters with their faults.
    parameters: &'a Changed,
    made: BTreeMap<ValueId, Vec<f32>>,
    stopped: bool,
}

/// The operator that is checked, its own inputs, and whether more steps follow.
fn first(graph: &Graph, id: NodeId) -> (&Op, &[ValueId], bool) {
    let node = &graph.nodes[id];
    match &node.op {
        Op::Chain(steps) => (&steps[0].op, &node.inputs[..steps[0].inputs], steps.len() > 1),
        op => (op, &node.inputs, false),
    }
}

fn sums(graph: &Graph, id: NodeId, clean: impl Fn(ValueId) -> Vec<f32>) -> Sums {
    let (op, inputs, _) = first(graph, id);
    let shape = |value: ValueId| graph.values[value].shape.as_slice();
    let weight = clean(inputs[1]);
    // For each tap, input channel: the weights of all filters that read it.
    let (outer, read): (usize, Vec<Vec<f32>>) = match (op, shape(inputs[1])) {
        (Op::Conv(conv), &[outer, depth, height, width]) => {
            let mut read = vec![Vec::new(); height * width * shape(inputs[0])[1]];
            for (at, &value) in weight.iter().enumerate() {
                let (filter, channel, tap) =
                    (at / (depth * height * width), at / (height * width) % depth, at % (height * width));
                let group = filter / (outer / conv.groups);
                read[tap * shape(inputs[0])[1] + group * depth + channel].push(value);
            }
            (outer, read)
        }
        (Op::Gemm { trans_b: true, .. }, &[outer, inner]) => {
            let of = |k| (0..outer).map(|filter| weight[filter * inner + k]).collect();
            (outer, (0..inner).map(of).collect())
        }
        (_, &[_, outer]) => (outer, weight.chunks(outer).map(<[f32]>::to_vec).collect()),
        other => panic!("no product: {other:?}"),
    };
    let total = |values: &[f32]| {
        let sum = |of: fn(f64) -> f64| values.iter().map(|&value| of(f64::from(value))).sum::<f64>() as f32;
        [sum(|value| value), sum(f64::abs)]
    };
    let bias = inputs.get(2).map_or([0.0; 2], |&bias| {
        let values = clean(bias);
        total(&if values.len() == 1 { values.repeat(outer) } else { values })
    });
    Sums { filter: read.iter().map(|values| total(values)).collect(), bias, outer }
}

/// Adds terms up in eight partial sums: that of the given number for each.
fn eight(terms: impl IntoIterator<Item = (usize, f32)>) -> f32 {
    let mut sums = [0f32; 8];
    terms.into_iter().for_each(|(number, term)| sums[number % 8] += term);
    sums.iter().fold(0.0, |all, sum| all + sum)
}

impl Oracle<'_> {
    /// Whether a position of layer `id` fails. `x` and `y` are row-major, of these shapes.
    fn fails(&self, id: NodeId, [x, y]: [&[f32]; 2], [of_x, of_y]: [&[usize]; 2]) -> bool {
        let (op, inputs, _) = first(self.graph, id);
        let (sums, factor) = (&self.sums[&id], self.factors[&id]);
        // For each position: its outputs, and the number of the tap, the channel and the value of each input.
        type Position = (Vec<f32>, Vec<(usize, usize, f32)>);
        let positions: Vec<Position> = match op {
            Op::Conv(conv) => {
                let &[_, _, height, width] = self.graph.values[inputs[1]].shape.as_slice() else { panic!("a kernel") };
                let (&[_, channels, rows, columns], &[_, outer, down, right]) = (of_x, of_y) else { panic!("images") };
                let position = |at: usize| {
                    let outputs = (0..outer).map(|filter| y[filter * down * right + at]).collect();
                    let mut read = Vec::new();
                    for tap in 0..height * width {
                        let v = at / right * conv.strides[0] + tap / width * conv.dilations[0];
                        let h = at % right * conv.strides[1] + tap % width * conv.dilations[1];
                        let (Some(v), Some(h)) = (v.checked_sub(conv.padding.top), h.checked_sub(conv.padding.left))
                        else {
                            continue;
                        };
                        if v < rows && h < columns {
                            let of = |channel| (tap, channel, x[(channel * rows + v) * columns + h]);
                            read.extend((0..channels).map(of));
                        }
                    }
                    (outputs, read)
                };
                (0..down * right).map(position).collect()
            }
            _ => {
                let inner = sums.filter.len();
                let row = |row: &[f32]| row.iter().enumerate().map(|(channel, &x)| (0, channel, x)).collect();
                y.chunks(sums.outer).zip(x.chunks(inner)).map(|(y, x)| (y.to_vec(), row(x))).collect()
            }
        };
        let channels = if matches!(op, Op::Conv(_)) { of_x[1] } else { 0 };
        let terms = 2.0 * (sums.filter.len() * (sums.outer + 1)) as f64;
        let floor = (terms * f64::from(f32::from_bits(1))) as f32;
        positions.into_iter().any(|(outputs, read)| {
            let weight = |tap: usize, channel: usize| sums.filter[tap * channels + channel];
            let checksum = eight(read.iter().map(|&(tap, channel, x)| (channel, x * weight(tap, channel)[0])));
            let size = eight(read.iter().map(|&(tap, channel, x)| (channel, x.abs() * weight(tap, channel)[1])));
            let outputs = eight(outputs.into_iter().enumerate());
            let difference = (outputs - (sums.bias[0] + checksum)).abs();
            !difference.is_finite() || difference > factor * (sums.bias[1] + size) + floor
        })
    }

    /// The result of the step that a fused layer begins with, by a network of that step alone.
    fn inside(&self, id: NodeId, x: &[f32], parameter: impl Fn(ValueId) -> Vec<f32>) -> (Vec<f32>, Vec<usize>) {
        let (op, inputs, _) = first(self.graph, id);
        let shape = |value: ValueId| self.graph.values[value].shape.clone();
        let mut builder = GraphBuilder::new("step");
        let mut own = vec![builder.input("x", shape(inputs[0])).unwrap()];
        for &value in &inputs[1..] {
            let tensor = HostTensor::new(shape(value), parameter(value)).unwrap();
            own.push(builder.parameter(format!("{value}"), tensor).unwrap());
        }
        let y = builder.layer("step", "Step", op.clone(), &own).unwrap();
        let graph = builder.finish(&[y]).unwrap();
        let shape = graph.values[y].shape.clone();
        let executor = Executor::new(Arc::new(graph), &Device::flex()).unwrap();
        let x = [Array::from_slice(&self.graph.values[inputs[0]].shape, x, &Device::flex())];
        let run = pollster::block_on(executor.run(&x, &mut Plain)).unwrap();
        (elements(&run, y), shape)
    }
}

impl<H: Hook> Hook for Checked<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let before = array.read().await?;
        let mut array = self.inner.output(node, value, array).await?;
        let oracle = self.oracle;
        if oracle.sums.contains_key(&node) {
            let (_, inputs, is_inside) = first(oracle.graph, node);
            let x = self.made[&inputs[0]].clone();
            let of_x = &oracle.graph.values[inputs[0]].shape[..];
            let of_y = &oracle.graph.values[value].shape[..];
            let fails = |y: &[f32], of_y: &[usize]| oracle.fails(node, [&x, y], [of_x, of_y]);
            if is_inside {
                let parameter = |value: ValueId| match (self.parameters.get(&value), self.made.get(&value)) {
                    (Some(changed), _) => changed.data.to_vec(),
                    (None, Some(made)) => made.clone(),
                    (None, None) => oracle.graph.parameters[&value].data.to_vec(),
                };
                let (y, of_y) = oracle.inside(node, &x, parameter);
                self.stopped |= fails(&y, &of_y);
            } else if fails(&array.read().await?, of_y) {
                match oracle.recomputes && !fails(&before, of_y) {
                    true => array = Array::from_slice(array.shape(), &before, &array.device()),
                    false => self.stopped = true,
                }
            }
        }
        self.made.insert(value, array.read().await?);
        Ok(array)
    }
}

impl Oracle<'_> {
    /// The output of a run with the faults at `sites`, and whether it stops.
    fn run(&self, executor: &Executor, input: &[Array; 1], sites: &[Site]) -> (Vec<f32>, bool) {
        let (parameters, _) = faulty_parameters(self.graph, sites);
        let made = BTreeMap::from([(self.inputs[0], pollster::block_on(input[0].read()).unwrap())]);
        let inner = Injector::new(self.graph, sites);
        let mut hook = Checked { oracle: self, inner, parameters: &parameters, made, stopped: false };
        let run = pollster::block_on(executor.run_changed(input, &parameters, &mut hook)).unwrap();
        (elements(&run, self.graph.outputs[0]), hook.stopped)
    }
}

fn checked_lanes_give_what_checked_runs_give(graph: Graph, draws: &[Draw]) -> Result<(), TestCaseError> {
    let (graph, device) = (Arc::new(graph), Device::flex());
    let executor = Executor::new(graph.clone(), &device).unwrap();
    let checksums = executor.checksums().unwrap();
    let shape = &graph.values[graph.inputs[0]].shape;
    let input = |seed| [Array::from_slice(shape, &numbers(shape.iter().product(), 60 + seed as u32), &device)];
    let inputs: Vec<[Array; 1]> = (0..IMAGES).map(input).collect();
    let golden = |input: &[Array; 1]| pollster::block_on(executor.run(input, &mut Plain)).unwrap();
    let goldens: Vec<Activations> = inputs.iter().map(golden).collect();
    let clean = |value: ValueId| match graph.parameters.get(&value) {
        Some(parameter) => parameter.data.to_vec(),
        None => elements(&goldens[0], value),
    };
    let sums: BTreeMap<NodeId, Sums> = checksums.layers().into_iter().map(|id| (id, sums(&graph, id, clean))).collect();
    // The largest difference that the bound allows, much less, and so little that golden runs fail.
    let settings = [(true, 1.0), (false, 1.0), (true, 1e-2), (false, 1e-4)];
    let (mut stages, mut oracles) = (Vec::new(), Vec::new());
    for (recomputes, share) in settings {
        let mut factors = BTreeMap::new();
        let checks = checksums.checks(recomputes, |_, bound| share * bound);
        for &id in sums.keys() {
            // The bound by its formula.
            let terms = (sums[&id].filter.len() + sums[&id].outer + 12) as f64 * 2f64.powi(-24);
            let gamma = terms / (1.0 - terms);
            factors.insert(id, share * (2.0 * gamma / (1.0 - gamma) * (1.0 + 2f64.powi(-22))) as f32);
        }
        stages.push(Stage::Check(checks));
        oracles.push(Oracle { graph: &graph, inputs: graph.inputs.clone(), sums: &sums, factors, recomputes });
    }
    let (drawn, lanes) = forking(&graph, draws, IMAGES);
    let plain = pollster::block_on(executor.wave(&images(&inputs, &goldens, false), &lanes, Settings::default()));
    let plain = plain.unwrap();
    for (kept, whole) in [(false, false), (true, false), (true, true)] {
        let settings = Settings { whole, ..Settings::default() };
        let images = images(&inputs, &goldens, kept);
        let wave = pollster::block_on(executor.wave_under(&images, &lanes, settings, &stages)).unwrap();
        for (image, alarms) in wave.alarms.iter().enumerate() {
            for (oracle, alarm) in oracles.iter().zip(alarms) {
                prop_assert_eq!(*alarm, oracle.run(&executor, &inputs[image], &[]).1, "image {}", image);
            }
            let mut values = graph.nodes.iter().flat_map(|node| &node.outputs);
            let are_finite = values.all(|&value| elements(&goldens[image], value).iter().all(|x| x.is_finite()));
            prop_assert!(!alarms[0] || !are_finite, "a golden run is beyond the bound of rounding errors");
        }
        for (((image, sites), faulty), without) in drawn.iter().zip(&wave.lanes).zip(&plain.lanes) {
            let golden = elements(&goldens[*image], graph.outputs[0]);
            let trunk = faulty.output.as_deref().unwrap_or(&golden);
            prop_assert!(
                same(trunk, without.output.as_deref().unwrap_or(&golden)),
                "checks change the unprotected run"
            );
            for (at, oracle) in oracles.iter().enumerate() {
                let (output, stops) = oracle.run(&executor, &inputs[*image], sites);
                let (found, stopped) = match faulty.forks.get(at) {
                    Some(Some(fork)) => (fork.output.as_deref().unwrap_or(&golden), fork.stopped.is_some()),
                    _ => (trunk, false),
                };
                prop_assert_eq!(stopped, stops, "stage {}, {:?}", at, sites);
                prop_assert!(stopped || same(found, &output), "stage {at}: {found:?}, a checked run has {output:?}");
            }
        }
    }
    Ok(())
}

fn images<'a>(inputs: &'a [[Array; 1]], goldens: &'a [Activations], kept: bool) -> Vec<Image<'a>> {
    let image = |at: usize| if kept { Image::Golden(&goldens[at]) } else { Image::Inputs(&inputs[at]) };
    (0..IMAGES).map(image).collect()
}

proptest! {
    #[test]
    fn checked_lanes_of_waves_give_what_checked_runs_give(recipe in recipes(), draws in draws()) {
        let graph = recipe.graph();
        let is_rounded = |value: &facts::graph::Value| value.format != Format::F32;
        prop_assume!(!graph.values.iter().any(is_rounded));
        checked_lanes_give_what_checked_runs_give(graph, &draws)?;
    }
}

/// A convolution with its activation in one layer, and a product of tokens with its constants and activation.
fn fused() -> Graph {
    let mut b = GraphBuilder::new("fused");
    let tensor = |shape: &[usize], seed| HostTensor::new(shape, numbers(shape.iter().product(), seed)).unwrap();
    let image = b.input("image", [1, 2, 5, 5]).unwrap();
    let kernel = b.parameter("kernel", tensor(&[4, 2, 3, 3], 1)).unwrap();
    let conv = Op::Conv(Conv { strides: [1; 2], dilations: [1; 2], padding: Default::default(), groups: 1 });
    let relu = || Step { op: Op::Unary(Unary::Relu), inputs: 0 };
    let chain = Op::Chain(vec![Step { op: conv, inputs: 2 }, relu()]);
    let conv = b.layer("conv", "Conv2D", chain, &[image, kernel]).unwrap();
    let tokens = b.layer("tokens", "Reshape", Op::Reshape { shape: vec![1, 9, 4] }, &[conv]).unwrap();
    let weight = b.parameter("weight", tensor(&[4, 6], 2)).unwrap();
    let bias = b.parameter("bias", tensor(&[6], 3)).unwrap();
    let add = || Step { op: Op::Binary(Binary::Add), inputs: 1 };
    let chain = Op::Chain(vec![Step { op: Op::MatMul, inputs: 2 }, add(), relu()]);
    let dense = b.layer("dense", "Dense", chain, &[tokens, weight, bias]).unwrap();
    let second = b.parameter("second", tensor(&[6, 3], 4)).unwrap();
    let offset = b.parameter("offset", tensor(&[3], 5)).unwrap();
    let chain = Op::Chain(vec![Step { op: Op::MatMul, inputs: 2 }, add()]);
    let scores = b.layer("scores", "Dense", chain, &[dense, second, offset]).unwrap();
    let flat = b.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 27] }, &[scores]).unwrap();
    b.finish(&[flat]).unwrap()
}

#[test]
fn a_check_lies_before_a_fused_activation_and_behind_the_constants() {
    let executor = Executor::new(Arc::new(fused()), &Device::flex()).unwrap();
    let graph = executor.graph().clone();
    let checksums = executor.checksums().unwrap();
    let [conv, dense, scores] = ["conv", "dense", "scores"].map(|name| graph.find(name).unwrap());
    assert_eq!(checksums.layers(), [conv, dense, scores]);
    let stages = [true, false].map(|recomputes| Stage::Check(checksums.checks(recomputes, |_, bound| bound)));
    let input = [Array::from_slice(&[1, 2, 5, 5], &numbers(50, 6), &Device::flex())];
    let golden = pollster::block_on(executor.run(&input, &mut Plain)).unwrap();
    let far = Corruption::Set(100.0);
    let output = |layer: NodeId| Change { layer, tensor: graph.nodes[layer].outputs[0], element: 1, corruption: far };
    let parameter = |layer: NodeId, nth: usize, element| Change {
        tensor: graph.nodes[layer].inputs[nth],
        element,
        ..output(layer)
    };
    // Whether the run goes on as golden, as without the check, or stops.
    let under = |change: Change| {
        let lanes = [Lane { changes: vec![change], forks: true, ..Lane::default() }];
        let images = [Image::Golden(&golden)];
        let wave = pollster::block_on(executor.wave_under(&images, &lanes, Settings::default(), &stages)).unwrap();
        assert_eq!(wave.alarms, [[false; 2]]);
        [0, 1].map(|at| match wave.lanes[0].forks.get(at) {
            Some(Some(fork)) if fork.stopped.is_some() => "stopped",
            Some(Some(fork)) => {
                if fork.output.is_none() {
                    "golden"
                } else {
                    "other"
                }
            }
            _ => "as it",
        })
    };
    assert_eq!(under(output(conv)), ["as it"; 2], "behind the activation");
    assert_eq!(under(output(dense)), ["as it"; 2], "behind the activation");
    assert_eq!(under(output(scores)), ["golden", "stopped"], "the constants are part of the sum");
    // Elements that are multiplied with an input other than 0.
    for (layer, nth, element) in [(conv, 1, 1), (dense, 1, 1), (dense, 2, 1), (scores, 1, 4), (scores, 2, 1)] {
        assert_eq!(under(parameter(layer, nth, element)), ["stopped"; 2], "a weight that differs does so again");
    }
    let small = Corruption::flip(0).unwrap();
    assert_eq!(under(Change { corruption: small, ..output(scores) }), ["as it"; 2], "below the tolerance");
}
