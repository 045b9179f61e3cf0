//! A faulty processing element of a systolic array, against a plain simulation of the array that shares nothing with the engine:
//! registers, tiles, and sums one after the other.

use faultscope::campaign::{Lab, Observe};
use faultscope::fault::{Bits, FaultKind, FaultModel, SiteSpace, Systolic, Target, sampler};
use faultscope::graph::{Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d};
use faultscope::model::{Card, Model};

/// A matrix, row by row.
struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f32>,
}

impl Matrix {
    fn at(&self, row: usize, column: usize) -> f32 {
        self.data[row * self.columns + column]
    }
}

/// The stuck bit: its number, and what it is stuck at.
type Stuck = (u8, bool);

fn stuck(value: f32, (bit, high): Stuck) -> f32 {
    let word = value.to_bits();
    f32::from_bits(if high { word | 1 << bit } else { word & !(1 << bit) })
}

/// `a` (m x k) times `b` (k x n) on an array of `rows` x `columns` elements that hold weights. Each tile loads its weights, then the
/// rows of `a` pass through: the element at row r adds its product to the sum that comes from above.
fn weight_stationary(a: &Matrix, b: &Matrix, [rows, columns]: [usize; 2], pe: [usize; 2], fault: Stuck) -> Matrix {
    let mut out = vec![0.0f32; a.rows * b.columns];
    for first_k in (0..b.rows).step_by(rows) {
        for first_n in (0..b.columns).step_by(columns) {
            let mut registers = vec![vec![0.0f32; columns]; rows];
            for (r, row) in registers.iter_mut().enumerate() {
                for (c, register) in row.iter_mut().enumerate() {
                    if first_k + r < b.rows && first_n + c < b.columns {
                        *register = b.at(first_k + r, first_n + c);
                    }
                    if [r, c] == pe {
                        *register = stuck(*register, fault);
                    }
                }
            }
            for m in 0..a.rows {
                for c in 0..columns.min(b.columns - first_n) {
                    let mut sum = 0.0;
                    for (r, row) in registers.iter().enumerate().take(b.rows - first_k) {
                        sum += a.at(m, first_k + r) * row[c];
                    }
                    out[m * b.columns + first_n + c] += sum;
                }
            }
        }
    }
    Matrix { rows: a.rows, columns: b.columns, data: out }
}

/// The same on an array whose elements hold sums: each tile makes `rows` x `columns` results, which the registers of results give out.
fn output_stationary(a: &Matrix, b: &Matrix, [rows, columns]: [usize; 2], pe: [usize; 2], fault: Stuck) -> Matrix {
    let mut out = vec![0.0f32; a.rows * b.columns];
    for first_m in (0..a.rows).step_by(rows) {
        for first_n in (0..b.columns).step_by(columns) {
            for r in 0..rows.min(a.rows - first_m) {
                for c in 0..columns.min(b.columns - first_n) {
                    let (m, n) = (first_m + r, first_n + c);
                    let mut result: f32 = (0..b.rows).map(|k| a.at(m, k) * b.at(k, n)).sum();
                    if [r, c] == pe {
                        result = stuck(result, fault);
                    }
                    out[m * b.columns + n] = result;
                }
            }
        }
    }
    Matrix { rows: a.rows, columns: b.columns, data: out }
}

/// Small whole numbers, whose sums are exact in any order. None is 0: a stuck bit would make a number of it that sums lose.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7 + seed * 13 + at / 5 + at * at / 3) % 4) as f32 * 2.0 - 3.0).collect()
}

const CHANNELS: usize = 4;
const SIDE: usize = 5;
const FILTERS: usize = 6;

/// A convolution of 3 x 3 with padding, in groups, and a product with its output.
fn network(groups: usize) -> Graph {
    let mut builder = GraphBuilder::new("array");
    let image = builder.input("image", [1, CHANNELS, SIDE, SIDE]).expect("an input");
    let kernel = HostTensor::new([FILTERS, CHANNELS / groups, 3, 3], numbers(FILTERS * CHANNELS / groups * 9, 1));
    let kernel = builder.parameter("kernel", kernel.expect("a tensor")).expect("a parameter");
    let padding = Padding2d { top: 1, left: 1, bottom: 1, right: 1 };
    let conv = Conv { strides: [1, 1], dilations: [1, 1], padding, groups };
    let map = builder.layer("conv", "Conv", Op::Conv(conv), &[image, kernel]).expect("a layer");
    let flat = Op::Reshape { shape: vec![1, FILTERS * SIDE * SIDE] };
    let flat = builder.layer("flat", "Reshape", flat, &[map]).expect("a layer");
    let weight = HostTensor::new([FILTERS * SIDE * SIDE, 3], numbers(FILTERS * SIDE * SIDE * 3, 2));
    let weight = builder.parameter("weight", weight.expect("a tensor")).expect("a parameter");
    let scores = builder.layer("scores", "MatMul", Op::MatMul, &[flat, weight]).expect("a layer");
    builder.finish(&[scores]).expect("a graph")
}

/// The positions of the image as the array sees them: one row for each output position, of `channels` channels from `first` on.
fn unfolded(image: &[f32], first: usize, channels: usize) -> Matrix {
    let mut data = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            for channel in first..first + channels {
                for dy in 0..3 {
                    for dx in 0..3 {
                        let inside = (1..=SIDE).contains(&(y + dy)) && (1..=SIDE).contains(&(x + dx));
                        let at = || image[channel * SIDE * SIDE + (y + dy - 1) * SIDE + x + dx - 1];
                        data.push(if inside { at() } else { 0.0 });
                    }
                }
            }
        }
    }
    Matrix { rows: SIDE * SIDE, columns: channels * 9, data }
}

/// The network on the array.
fn simulated(image: &[f32], groups: usize, product: &dyn Fn(&Matrix, &Matrix) -> Matrix) -> Vec<f32> {
    let (inputs, filters) = (CHANNELS / groups, FILTERS / groups);
    let kernel = numbers(FILTERS * inputs * 9, 1);
    let mut map = vec![0.0; FILTERS * SIDE * SIDE];
    for group in 0..groups {
        let a = unfolded(image, group * inputs, inputs);
        let data = (0..inputs * 9).flat_map(|k| (0..filters).map(move |n| (group * filters + n) * inputs * 9 + k));
        let b = Matrix { rows: inputs * 9, columns: filters, data: data.map(|at| kernel[at]).collect() };
        let made = product(&a, &b);
        assert_eq!(made.rows, SIDE * SIDE);
        for n in 0..filters {
            for m in 0..SIDE * SIDE {
                map[(group * filters + n) * SIDE * SIDE + m] = made.at(m, n);
            }
        }
    }
    let a = Matrix { rows: 1, columns: map.len(), data: map };
    let b = Matrix { rows: a.columns, columns: 3, data: numbers(a.columns * 3, 2) };
    product(&a, &b).data
}

#[test]
fn a_faulty_element_of_an_array_gives_what_the_array_gives() {
    let image = numbers(CHANNELS * SIDE * SIDE, 3);
    let mut differing = 0;
    for groups in [1, 2] {
        let graph = network(groups);
        let model = Model::new(graph.clone(), Card { name: "array".to_owned(), ..Card::default() }).expect("a model");
        let lab = Lab::cpu(model).expect("a lab");
        let input = HostTensor::new([1, CHANNELS, SIDE, SIDE], image.clone()).expect("a tensor");
        let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
        for (rows, columns) in [(4, 4), (3, 5), (8, 2), (1, 1), (64, 64)] {
            for pe in [[0, 0], [rows - 1, columns - 1], [rows / 2, columns / 2]] {
                for (bit, high) in [(22u8, true), (23, true), (24, false), (31, true)] {
                    for flow in ["ws", "os"] {
                        let text = format!("systolic:{rows}x{columns},{flow},pe:{},{}", pe[0], pe[1]);
                        let array: Systolic = text.parse().expect("an array");
                        let bits = Bits::one(bit.into()).expect("a bit");
                        let kind = if high { FaultKind::Stuck1 { bits } } else { FaultKind::Stuck0 { bits } };
                        let faults = FaultModel {
                            target: array.target(),
                            kind,
                            accelerator: Some(array),
                            ..FaultModel::default()
                        };
                        let space = SiteSpace::of(&graph, array.target());
                        let sites = sampler::draw(&graph, &space, &faults, 0, 0, 0).expect("a fault");
                        let trial =
                            pollster::block_on(lab.trial(&golden, &sites, Observe::default())).expect("a trial");
                        let expected = simulated(&image, groups, &|a, b| match array.target() {
                            Target::Weight => weight_stationary(a, b, [rows, columns], pe, (bit, high)),
                            _ => output_stationary(a, b, [rows, columns], pe, (bit, high)),
                        });
                        assert_eq!(trial.logits, expected, "{text}, bit {bit} stuck at {high}, {groups} groups");
                        differing += usize::from(trial.logits != golden.logits);
                    }
                }
            }
        }
    }
    assert!(differing > 100, "{differing} faults change the scores");
}

/// Without a fault the simulation computes the network.
#[test]
fn the_simulation_without_a_fault_is_the_network() {
    let image = numbers(CHANNELS * SIDE * SIDE, 3);
    let model = Model::new(network(2), Card { name: "array".to_owned(), ..Card::default() }).expect("a model");
    let lab = Lab::cpu(model).expect("a lab");
    let input = HostTensor::new([1, CHANNELS, SIDE, SIDE], image.clone()).expect("a tensor");
    let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
    // An element that the array does not have.
    let nowhere = [usize::MAX; 2];
    for make in [weight_stationary, output_stationary] {
        let plain = simulated(&image, 2, &|a, b| make(a, b, [4, 4], nowhere, (0, true)));
        assert_eq!(golden.logits, plain);
    }
}
