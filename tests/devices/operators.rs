//! The operators on the CPU and on the GPU: the same numbers to rounding, and the same NaN and infinities.

use burn::tensor::Device;
use faultscope::graph::{
    Binary, Conv, CoordinateMode, Interpolation, NearestMode, Op, PadMode, Padding2d, Pool, Reduction, Resize,
    SliceRange, Unary, infer,
};
use faultscope::ops::{Array, apply};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::gpu;

/// A tensor as both devices get it.
type Host = (Vec<usize>, Vec<f32>);

fn run(op: &Op, inputs: &[Host], device: &Device) -> Vec<Vec<f32>> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|(shape, _)| shape.as_slice()).collect();
    let outputs = infer(op, &shapes).unwrap_or_else(|problem| panic!("{op:?}: {problem}"));
    let arrays: Vec<Array> = inputs.iter().map(|(shape, data)| Array::from_slice(shape, data, device)).collect();
    let outputs = apply(op, &arrays.iter().collect::<Vec<_>>(), &outputs.iter().map(Vec::as_slice).collect::<Vec<_>>());
    outputs.iter().map(|output| pollster::block_on(output.read()).expect("the device can be read")).collect()
}

/// How `found` differs from `expected`, where it does: by more than 1e-4 of the value and of the whole tensor's
/// typical size, or in what is NaN and infinite.
fn difference(found: &[f32], expected: &[f32]) -> Option<String> {
    assert_eq!(found.len(), expected.len());
    let finite: Vec<f32> = expected.iter().copied().filter(|x| x.is_finite()).collect();
    let size = (finite.iter().map(|x| x * x).sum::<f32>() / finite.len().max(1) as f32).sqrt();
    let wrong = found.iter().zip(expected).enumerate().find(|(_, (found, expected))| {
        let same = found == expected || found.is_nan() && expected.is_nan();
        let near = (**found - **expected).abs() <= 1e-4 * (expected.abs() + size.min(1.0));
        !same && !near
    });
    wrong.map(|(index, (found, expected))| format!("element {index} is {found} on the GPU, {expected} on the CPU"))
}

#[track_caller]
fn agree(cases: &[(Op, Vec<Host>)]) {
    let Some(gpu) = gpu() else { return };
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|(op, inputs)| {
            let (found, expected) = (run(op, inputs, &gpu), run(op, inputs, &Device::flex()));
            let wrong = found.iter().zip(&expected).find_map(|(found, expected)| difference(found, expected))?;
            Some(format!("{op:?}: {wrong}"))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Random tensors, the same on every run.
struct Draw(ChaCha8Rng);

impl Draw {
    fn new() -> Self {
        Self(ChaCha8Rng::seed_from_u64(22))
    }

    fn between(&mut self, shape: &[usize], low: f32, high: f32) -> Host {
        let data = (0..shape.iter().product()).map(|_| self.0.random_range(low..high)).collect();
        (shape.to_vec(), data)
    }

    fn tensor(&mut self, shape: &[usize]) -> Host {
        self.between(shape, -2.0, 2.0)
    }
}

fn padding(top: usize, left: usize, bottom: usize, right: usize) -> Padding2d {
    Padding2d { top, left, bottom, right }
}

fn conv(strides: [usize; 2], dilations: [usize; 2], padding: Padding2d, groups: usize) -> Op {
    Op::Conv(Conv { strides, dilations, padding, groups })
}

fn pool(kernel: [usize; 2], strides: [usize; 2], padding: Padding2d, ceil_mode: bool) -> Pool {
    Pool { kernel, strides, dilations: [1, 1], padding, ceil_mode }
}

fn pools() -> Vec<Op> {
    let windows = [
        pool([2, 2], [2, 2], padding(0, 0, 0, 0), false),
        pool([3, 3], [2, 2], padding(1, 1, 1, 1), false),
        pool([3, 3], [2, 2], padding(0, 0, 1, 1), true),
        Pool { dilations: [2, 1], ..pool([2, 3], [1, 2], padding(1, 0, 0, 1), false) },
    ];
    let kinds = windows.into_iter().flat_map(|pool| {
        [
            Op::MaxPool(pool.clone()),
            Op::AveragePool { pool: pool.clone(), count_include_pad: false },
            Op::AveragePool { pool, count_include_pad: true },
        ]
    });
    kinds.collect()
}

fn functions() -> Vec<Op> {
    let functions = [
        Unary::Relu,
        Unary::LeakyRelu { alpha: 0.1 },
        Unary::Elu { alpha: 1.0 },
        Unary::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
        Unary::Celu { alpha: 2.0 },
        Unary::ThresholdedRelu { alpha: 1.0 },
        Unary::Sigmoid,
        Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Unary::HardSwish,
        Unary::Swish { alpha: 1.0 },
        Unary::Tanh,
        Unary::Softplus,
        Unary::Softsign,
        Unary::Gelu { tanh: false },
        Unary::Gelu { tanh: true },
        Unary::Erf,
        Unary::Mish,
        Unary::Clip { min: 0.0, max: 6.0 },
        Unary::ClippedRelu { max: 1.5, slope: 0.25, threshold: 0.5 },
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Exp,
        Unary::Log,
        Unary::Neg,
        Unary::Abs,
        Unary::Floor,
        Unary::Ceil,
    ];
    functions.into_iter().map(Op::Unary).collect()
}

fn softmax(log: bool) -> Op {
    Op::Softmax { axis: 1, to_end: false, log }
}

#[test]
fn convolutions_agree() {
    let mut draw = Draw::new();
    let mut case =
        |op, x: &[usize], weight: &[usize]| (op, vec![draw.tensor(x), draw.tensor(weight), draw.tensor(&weight[..1])]);
    agree(&[
        case(conv([1, 1], [1, 1], padding(1, 1, 1, 1), 1), &[1, 3, 16, 16], &[8, 3, 3, 3]),
        case(conv([2, 2], [1, 1], padding(0, 0, 1, 1), 1), &[1, 3, 16, 16], &[8, 3, 3, 3]),
        case(conv([1, 1], [2, 2], padding(2, 1, 0, 3), 1), &[1, 4, 11, 9], &[5, 4, 3, 3]),
        case(conv([1, 1], [1, 1], padding(0, 0, 0, 0), 1), &[1, 32, 8, 8], &[16, 32, 1, 1]),
        case(conv([1, 1], [1, 1], padding(1, 1, 1, 1), 4), &[1, 8, 9, 9], &[12, 2, 3, 3]),
        case(conv([2, 2], [1, 1], padding(2, 2, 2, 2), 8), &[1, 8, 15, 15], &[8, 1, 5, 5]),
        case(conv([2, 2], [1, 1], padding(0, 1, 1, 0), 8), &[1, 8, 14, 14], &[16, 1, 3, 3]),
        case(conv([1, 2], [1, 1], padding(0, 1, 0, 1), 1), &[1, 3, 17], &[4, 3, 3]),
    ]);
}

#[test]
fn matrix_products_agree() {
    let mut draw = Draw::new();
    let gemm = |trans_b| Op::Gemm { alpha: 0.5, beta: 2.0, trans_a: false, trans_b };
    agree(&[
        (gemm(false), vec![draw.tensor(&[3, 40]), draw.tensor(&[40, 10]), draw.tensor(&[10])]),
        (gemm(true), vec![draw.tensor(&[1, 64]), draw.tensor(&[43, 64]), draw.tensor(&[43])]),
        (Op::MatMul, vec![draw.tensor(&[2, 3, 5, 4]), draw.tensor(&[4, 6])]),
        (Op::MatMul, vec![draw.tensor(&[2, 1, 5, 4]), draw.tensor(&[3, 4, 6])]),
    ]);
}

#[test]
fn normalisations_agree() {
    let mut draw = Draw::new();
    let parameters = [draw.tensor(&[6]), draw.tensor(&[6]), draw.tensor(&[6]), draw.between(&[6], 0.1, 2.0)];
    let x = draw.tensor(&[1, 6, 7, 7]);
    agree(&[
        (Op::BatchNorm { epsilon: 1e-3, scale: true, bias: true }, [vec![x.clone()], parameters.to_vec()].concat()),
        (
            Op::BatchNorm { epsilon: 1e-3, scale: false, bias: false },
            [vec![x.clone()], parameters[2..].to_vec()].concat(),
        ),
        (Op::Affine { axis: 1, factor: vec![0.5; 6], offset: vec![-0.25; 6] }, vec![x.clone()]),
        (Op::Lrn { size: 5, alpha: 0.1, beta: 0.75, bias: 1.0 }, vec![x.clone()]),
        (softmax(false), vec![draw.between(&[1, 100], -80.0, 80.0)]),
        (softmax(true), vec![draw.between(&[1, 100], -80.0, 80.0)]),
        (Op::Softmax { axis: 1, to_end: true, log: false }, vec![x]),
    ]);
}

#[test]
fn pools_and_reductions_agree() {
    let mut draw = Draw::new();
    let mut cases: Vec<_> = pools().into_iter().map(|op| (op, vec![draw.tensor(&[1, 4, 10, 11])])).collect();
    for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::Min] {
        for axes in [vec![2, 3], vec![1], vec![0, 2]] {
            cases.push((Op::Reduce { reduction, axes, keep_dims: true }, vec![draw.tensor(&[2, 4, 7, 9])]));
        }
    }
    agree(&cases);
}

#[test]
fn functions_of_elements_agree() {
    let mut draw = Draw::new();
    let mut x = draw.between(&[200], -12.0, 12.0);
    x.1.extend([-1000.0, -88.0, -1e-6, 0.0, 1e-6, 88.0, 1000.0]);
    x.0 = vec![x.1.len()];
    let mut cases: Vec<_> = functions().into_iter().map(|op| (op, vec![x.clone()])).collect();
    for function in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Max, Binary::Min] {
        cases.push((Op::Binary(function), vec![draw.tensor(&[2, 3, 4, 5]), draw.tensor(&[3, 1, 5])]));
    }
    let (bases, exponents) = (vec![-3.0, -1.5, -1.0, 0.0, 0.5, 2.0], vec![-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    cases.push((Op::Binary(Binary::Pow), vec![(vec![6, 1], bases.clone()), (vec![7], exponents)]));
    cases.push((Op::Binary(Binary::Pow), vec![(vec![6, 1], bases), (vec![2], vec![0.5, -2.5])]));
    cases.push((Op::PRelu, vec![draw.tensor(&[1, 3, 4, 4]), draw.tensor(&[3, 1, 1])]));
    agree(&cases);
}

#[test]
fn moving_and_resampling_agree() {
    let mut draw = Draw::new();
    let x = draw.tensor(&[1, 4, 6, 5]);
    let range = |start, step, length| SliceRange { start, step, length };
    let mut cases = vec![
        (Op::Concat { axis: 1 }, vec![x.clone(), draw.tensor(&[1, 2, 6, 5]), x.clone()]),
        (Op::Split { axis: 2, sizes: vec![1, 5] }, vec![x.clone()]),
        (Op::Slice { ranges: vec![range(0, 1, 1), range(3, -2, 2), range(1, 2, 3), range(4, -1, 5)] }, vec![x.clone()]),
        (Op::Transpose { perm: vec![0, 2, 3, 1] }, vec![x.clone()]),
        (Op::Transpose { perm: vec![5, 0, 4, 1, 3, 2] }, vec![draw.tensor(&[2, 3, 2, 2, 3, 2])]),
        (Op::Gather { axis: 1, indices: vec![3, 0, 3], indices_shape: vec![3] }, vec![x.clone()]),
        (Op::Reshape { shape: vec![1, 120] }, vec![x.clone()]),
    ];
    for mode in [PadMode::Constant(0.5), PadMode::Constant(f32::NEG_INFINITY), PadMode::Edge, PadMode::Reflect] {
        cases.push((Op::Pad { mode, pads: vec![(0, 0), (-1, 0), (2, 1), (0, 3)] }, vec![x.clone()]));
    }
    for interpolation in [Interpolation::Linear, Interpolation::Nearest(NearestMode::RoundPreferFloor)] {
        for coordinates in [CoordinateMode::HalfPixel, CoordinateMode::AlignCorners, CoordinateMode::Asymmetric] {
            let resize = Resize { size: [9, 3], scales: [1.5, 0.6], interpolation, coordinates };
            cases.push((Op::Resize(resize), vec![x.clone()]));
        }
    }
    agree(&cases);
}

/// What faults make: a NaN and both infinities among ordinary numbers.
#[test]
fn nan_and_infinity_agree() {
    let mut draw = Draw::new();
    let mut cases = Vec::new();
    for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let spoilt = |draw: &mut Draw, shape: &[usize]| {
            let (shape, mut data) = draw.tensor(shape);
            let middle = data.len() / 2;
            data[middle] = special;
            (shape, data)
        };
        cases.extend(functions().into_iter().map(|op| (op, vec![spoilt(&mut draw, &[9])])));
        cases.extend(pools().into_iter().map(|op| (op, vec![spoilt(&mut draw, &[1, 4, 7, 7])])));
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::Min] {
            for (shape, axes) in [([1, 4, 7, 7], vec![2, 3]), ([1, 4, 7, 7], vec![1]), ([3, 1, 1, 300], vec![3])] {
                cases.push((Op::Reduce { reduction, axes, keep_dims: true }, vec![spoilt(&mut draw, &shape)]));
            }
        }
        for function in [Binary::Add, Binary::Mul, Binary::Div, Binary::Max, Binary::Min] {
            cases.push((Op::Binary(function), vec![spoilt(&mut draw, &[2, 6]), draw.tensor(&[6])]));
            cases.push((Op::Binary(function), vec![draw.tensor(&[2, 6]), spoilt(&mut draw, &[6])]));
        }
        cases.push((Op::Binary(Binary::Pow), vec![spoilt(&mut draw, &[2, 6]), draw.between(&[6], 0.5, 2.0)]));
        cases.push((Op::Binary(Binary::Pow), vec![(vec![3], vec![special; 3]), (vec![3], vec![0.0, 1.0, 2.5])]));
        cases.push((Op::Binary(Binary::Pow), vec![(vec![3], vec![0.5, 1.0, 2.0]), (vec![], vec![special])]));
        cases.push((
            Op::MaxPool(pool([2, 2], [1, 1], padding(0, 0, 0, 0), false)),
            vec![(vec![1, 1, 2, 2], vec![special; 4])],
        ));
        for log in [false, true] {
            cases.push((softmax(log), vec![spoilt(&mut draw, &[2, 40])]));
        }
        cases.push((Op::PRelu, vec![spoilt(&mut draw, &[1, 3, 4, 4]), draw.tensor(&[3, 1, 1])]));
        let weights = draw.tensor(&[4, 4, 3, 3]);
        let spread = conv([1, 1], [1, 1], padding(1, 1, 1, 1), 1);
        cases.push((spread, vec![spoilt(&mut draw, &[1, 4, 7, 7]), weights]));
        let weights = draw.tensor(&[4, 1, 3, 3]);
        let depthwise = conv([1, 1], [1, 1], padding(1, 1, 1, 1), 4);
        cases.push((depthwise, vec![spoilt(&mut draw, &[1, 4, 7, 7]), weights]));
        let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
        cases.push((gemm, vec![spoilt(&mut draw, &[2, 12]), draw.tensor(&[12, 5]), draw.tensor(&[5])]));
        let parameters: Vec<Host> = (0..4).map(|_| draw.between(&[4], 0.1, 2.0)).collect();
        cases.push((
            Op::BatchNorm { epsilon: 1e-5, scale: true, bias: true },
            [vec![spoilt(&mut draw, &[1, 4, 3, 3])], parameters].concat(),
        ));
        cases.push((Op::Lrn { size: 3, alpha: 0.1, beta: 0.75, bias: 1.0 }, vec![spoilt(&mut draw, &[1, 5, 2, 2])]));
    }
    agree(&cases);
}
