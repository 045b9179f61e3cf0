//! Whole outputs compared with burn.

use facts::graph::{
    Binary, Conv, CoordinateMode, Interpolation, NearestMode, Op, PadMode, Padding2d, Pool, Reduction, Resize,
    SliceRange, Unary,
};

use super::{Input, check, constant, is_own, noise, tensor, value};

/// Checks a case that our own kernel must compute.
pub(super) fn own(op: &Op, inputs: &[Input]) {
    assert!(is_own(op, inputs), "{op:?} is left to burn");
    check(op, inputs);
}

/// Checks a case that burn computes.
pub(super) fn left(op: &Op, inputs: &[Input]) {
    assert!(!is_own(op, inputs), "{op:?} has a kernel");
    check(op, inputs);
}

fn padding(top: usize, left: usize, bottom: usize, right: usize) -> Padding2d {
    Padding2d { top, left, bottom, right }
}

fn conv(strides: [usize; 2], dilations: [usize; 2], padding: Padding2d, groups: usize) -> Op {
    Op::Conv(Conv { strides, dilations, padding, groups })
}

#[test]
fn convolutions() {
    for (channels, features, size, kernel, op) in [
        (3, 20, [9, 11], [3, 3], conv([1, 1], [1, 1], padding(1, 1, 1, 1), 1)),
        (3, 70, [12, 9], [7, 5], conv([2, 2], [1, 1], padding(3, 2, 3, 2), 1)),
        (1, 5, [8, 8], [3, 3], conv([1, 1], [1, 1], padding(0, 0, 0, 0), 1)),
        (16, 130, [5, 6], [1, 1], conv([1, 1], [1, 1], padding(0, 0, 0, 0), 1)),
        (17, 9, [5, 7], [1, 1], conv([2, 2], [1, 1], padding(0, 0, 0, 0), 1)),
        (4, 6, [5, 5], [1, 1], conv([1, 1], [1, 1], padding(0, 0, 1, 2), 1)),
        (4, 6, [9, 9], [3, 2], conv([2, 1], [2, 3], padding(2, 0, 1, 3), 1)),
        (8, 12, [6, 6], [3, 3], conv([1, 1], [1, 1], padding(1, 1, 1, 1), 4)),
        (37, 37, [7, 9], [3, 3], conv([1, 1], [1, 1], padding(1, 1, 1, 1), 37)),
        (80, 80, [7, 9], [5, 5], conv([2, 2], [1, 1], padding(1, 2, 2, 2), 80)),
        (6, 18, [7, 9], [3, 3], conv([1, 1], [2, 2], padding(2, 2, 2, 2), 6)),
    ] {
        let Op::Conv(Conv { groups, .. }) = op else { unreachable!("a convolution") };
        let weight = constant(&[features, channels / groups, kernel[0], kernel[1]], 2);
        let x = value(&[1, channels, size[0], size[1]], 1);
        own(&op, &[x.clone(), weight.clone()]);
        own(&op, &[x.clone(), weight.clone(), constant(&[features], 3)]);
        left(&op, &[x, Input::Value(weight.tensor().clone())]);
    }
    left(&conv([1, 1], [1, 1], padding(0, 1, 0, 1), 1), &[value(&[1, 3, 9], 1), constant(&[5, 3, 3], 2)]);
}

#[test]
fn dense_layers() {
    let gemm = |alpha, beta, trans_a, trans_b| Op::Gemm { alpha, beta, trans_a, trans_b };
    let (x, weight, turned) = (value(&[1, 40], 1), constant(&[40, 75], 2), constant(&[75, 40], 2));
    own(&gemm(1.0, 1.0, false, false), &[x.clone(), weight.clone(), constant(&[75], 3)]);
    own(&gemm(1.0, 0.5, false, true), &[x.clone(), turned.clone(), constant(&[1, 75], 3)]);
    own(&gemm(1.0, 2.0, true, true), &[value(&[40, 1], 1), turned.clone(), constant(&[], 3)]);
    own(&gemm(1.0, 1.0, false, true), &[value(&[3, 40], 1), turned.clone(), constant(&[75], 3)]);
    own(&gemm(1.0, 0.0, false, true), &[x.clone(), turned.clone(), constant(&[75], 3)]);
    left(&gemm(0.5, 1.0, false, true), &[x.clone(), turned.clone(), constant(&[75], 3)]);
    left(&gemm(1.0, 1.0, false, true), &[value(&[3, 40], 1), turned.clone(), constant(&[3, 1], 3)]);
    left(&gemm(1.0, 1.0, true, true), &[value(&[40, 3], 1), turned.clone()]);
    left(&gemm(1.0, 1.0, false, true), &[x.clone(), turned.clone(), value(&[75], 3)]);
    left(&gemm(1.0, 1.0, false, true), &[constant(&[1, 40], 1), Input::Value(turned.tensor().clone())]);
    own(&Op::MatMul, &[x, weight.clone()]);
    own(&Op::MatMul, &[value(&[40], 1), weight.clone()]);
    own(&Op::MatMul, &[value(&[1, 5, 40], 1), weight.clone()]);
    own(&Op::MatMul, &[value(&[40], 1), constant(&[40], 2)]);
    left(&Op::MatMul, &[value(&[1, 1, 5, 40], 1), weight]);
}

#[test]
fn factors_and_offsets() {
    let norm = |scale, bias| Op::BatchNorm { epsilon: 1e-3, scale, bias };
    let variance = |channels| Input::Constant(tensor(&[channels], noise(9).map(|x| x.abs() + 0.1)));
    for shape in [&[1, 5, 4, 3][..], &[1, 70, 2, 2], &[1, 33], &[1, 6, 7], &[2, 6, 3, 3]] {
        let [mean, scale, bias] = [3, 4, 5].map(|seed| constant(&[shape[1]], seed));
        let x = value(shape, 1);
        own(&norm(true, true), &[x.clone(), scale.clone(), bias.clone(), mean.clone(), variance(shape[1])]);
        own(&norm(true, false), &[x.clone(), scale, mean.clone(), variance(shape[1])]);
        own(&norm(false, true), &[x.clone(), bias, mean.clone(), variance(shape[1])]);
        own(&norm(false, false), &[x, mean, variance(shape[1])]);
    }
    let affine =
        |axis, factor: &[f32], offset: &[f32]| Op::Affine { axis, factor: factor.into(), offset: offset.into() };
    own(&affine(0, &[2.0], &[1.0]), &[value(&[1, 3, 4, 5], 1)]);
    own(&affine(1, &[2.0, 3.0, -1.0], &[1.0, 0.0, 5.0]), &[value(&[1, 3, 4, 5], 1)]);
    own(&affine(1, &[2.0, 3.0, -1.0], &[0.0; 3]), &[value(&[1, 3, 5], 1)]);
    own(&affine(2, &[2.0, 3.0], &[0.0, 1.0]), &[value(&[1, 3, 2], 1)]);
    own(&affine(3, &[2.0, 3.0], &[0.0, 1.0]), &[value(&[1, 3, 2, 2], 1)]);
    own(&affine(1, &[2.0, 3.0, 0.5], &[1.0, 0.0, 0.0]), &[value(&[2, 3, 4], 1)]);
}

#[test]
fn functions_of_one_element() {
    for function in functions() {
        own(&Op::Unary(function), &[value(&[1, 5, 7, 3], 1)]);
        let wide = tensor(&[1, 999], noise(2).map(|x| x * x * x * 12.0));
        if !matches!(function, Unary::Exp) {
            own(&Op::Unary(function), &[Input::Value(wide)]);
        }
    }
}

pub(super) fn functions() -> [Unary; 31] {
    [
        Unary::Relu,
        Unary::ClippedRelu { max: 1.5, slope: 0.5, threshold: 0.25 },
        Unary::ClippedRelu { max: f32::INFINITY, slope: 0.0, threshold: 1.0 },
        Unary::LeakyRelu { alpha: 0.1 },
        Unary::Elu { alpha: 0.7 },
        Unary::Selu { alpha: 1.67, gamma: 1.05 },
        Unary::Celu { alpha: 2.0 },
        Unary::ThresholdedRelu { alpha: 1.0 },
        Unary::Sigmoid,
        Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Unary::HardSwish,
        Unary::Swish { alpha: 1.0 },
        Unary::Swish { alpha: 1.7 },
        Unary::Tanh,
        Unary::Softplus,
        Unary::Softsign,
        Unary::Gelu { tanh: false },
        Unary::Gelu { tanh: true },
        Unary::Erf,
        Unary::Mish,
        Unary::Clip { min: 0.0, max: 6.0 },
        Unary::Clip { min: 1.0, max: -1.0 },
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Exp,
        Unary::Log,
        Unary::Neg,
        Unary::Abs,
        Unary::Floor,
        Unary::Ceil,
        Unary::Trunc,
    ]
}

pub(super) const BINARY: [Binary; 7] =
    [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow, Binary::Max, Binary::Min];

#[test]
fn functions_of_two_elements() {
    for function in BINARY {
        let op = Op::Binary(function);
        for map in [&[1, 5, 6, 3][..], &[1, 40], &[1, 300, 2, 1], &[1, 3, 4]] {
            own(&op, &[value(map, 1), value(map, 2)]);
            for other in [&[][..], &[1], map] {
                own(&op, &[value(map, 1), constant(other, 2)]);
                own(&op, &[constant(other, 2), value(map, 1)]);
            }
        }
        let map = [1, 5, 6, 3];
        for other in [&[1, 5, 1, 1][..], &[5, 1, 1]] {
            own(&op, &[value(&map, 1), constant(other, 2)]);
            own(&op, &[constant(other, 2), value(&map, 1)]);
        }
        own(&op, &[value(&map, 1), value(&[1, 5, 1, 1], 2)]);
        own(&op, &[value(&[1, 5, 1, 1], 2), value(&map, 1)]);
        own(&op, &[value(&map, 1), constant(&[6, 3], 2)]);
        own(&op, &[value(&map, 1), value(&[1, 1, 6, 3], 2)]);
        own(&op, &[value(&[1, 1, 6, 3], 1), value(&map, 2)]);
        left(&op, &[value(&map, 1), value(&[1, 1, 1, 3], 2)]);
        left(&op, &[value(&[1, 5, 1, 1], 1), constant(&map, 2)]);
    }
    for (x, slope) in [(&[1, 5, 6, 3][..], &[5, 1, 1][..]), (&[1, 5, 6, 3], &[1]), (&[1, 7], &[7])] {
        own(&Op::PRelu, &[value(x, 1), constant(slope, 2)]);
    }
    left(&Op::PRelu, &[value(&[1, 5], 1), value(&[1, 5], 2)]);
}

#[test]
fn pools() {
    let pool = |kernel, strides, dilations, padding, ceil_mode| Pool { kernel, strides, dilations, padding, ceil_mode };
    for pool in [
        pool([2, 2], [2, 2], [1, 1], padding(0, 0, 0, 0), false),
        pool([3, 3], [2, 2], [1, 1], padding(1, 1, 1, 1), false),
        pool([3, 2], [1, 2], [1, 1], padding(1, 0, 0, 1), false),
        pool([3, 3], [2, 2], [1, 1], padding(0, 0, 0, 0), true),
        pool([3, 3], [2, 2], [2, 2], padding(1, 2, 3, 0), true),
        pool([2, 2], [1, 1], [4, 4], padding(4, 4, 4, 4), false),
    ] {
        for shape in [[1, 3, 9, 8], [1, 70, 6, 7]] {
            own(&Op::MaxPool(pool.clone()), &[value(&shape, 1)]);
            for count_include_pad in [false, true] {
                own(&Op::AveragePool { pool: pool.clone(), count_include_pad }, &[value(&shape, 1)]);
            }
        }
        left(&Op::MaxPool(Pool { kernel: [1, 2], padding: padding(0, 0, 0, 0), ..pool }), &[value(&[1, 3, 9], 1)]);
    }
}

#[test]
fn reductions() {
    for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::Min] {
        for keep_dims in [false, true] {
            own(&Op::Reduce { reduction, axes: vec![2, 3], keep_dims }, &[value(&[1, 37, 5, 6], 1)]);
            own(&Op::Reduce { reduction, axes: vec![2, 3], keep_dims }, &[value(&[1, 3, 1, 1], 1)]);
            own(&Op::Reduce { reduction, axes: vec![1], keep_dims }, &[value(&[1, 3], 1)]);
            own(&Op::Reduce { reduction, axes: vec![0, 1], keep_dims }, &[value(&[2, 5, 37], 1)]);
            own(&Op::Reduce { reduction, axes: vec![1], keep_dims }, &[value(&[1, 5, 37], 1)]);
            left(&Op::Reduce { reduction, axes: vec![1], keep_dims }, &[value(&[2, 5, 37], 1)]);
        }
        own(&Op::Reduce { reduction, axes: vec![1], keep_dims: true }, &[value(&[1, 3, 2, 2], 1)]);
        left(&Op::Reduce { reduction, axes: vec![1], keep_dims: false }, &[value(&[1, 3, 2, 2], 1)]);
    }
    for reduction in
        [Reduction::Prod, Reduction::L1, Reduction::L2, Reduction::SumSquare, Reduction::LogSum, Reduction::LogSumExp]
    {
        let positive = Input::Value(tensor(&[1, 37, 4, 3], noise(4).map(|x| x.abs() + 0.5)));
        own(&Op::Reduce { reduction, axes: vec![1], keep_dims: true }, &[positive]);
    }
}

#[test]
fn what_mixes_channels() {
    for log in [false, true] {
        let softmax = |axis, to_end| Op::Softmax { axis, to_end, log };
        own(&softmax(1, false), &[value(&[1, 10], 1)]);
        own(&softmax(1, true), &[value(&[1, 10, 1], 1)]);
        own(&softmax(1, true), &[value(&[1, 10, 1, 1], 1)]);
        own(&softmax(1, false), &[value(&[1, 4, 3, 2], 1)]);
        left(&softmax(1, true), &[value(&[1, 4, 3, 2], 1)]);
        own(&softmax(2, false), &[value(&[1, 4, 3], 1)]);
        own(&softmax(2, true), &[value(&[1, 4, 3], 1)]);
        left(&softmax(1, false), &[value(&[1, 4, 3], 1)]);
    }
    for size in [1, 4, 5, 30] {
        let lrn = Op::Lrn { size, alpha: 0.3, beta: 0.75, bias: 1.0 };
        own(&lrn, &[value(&[1, 11, 3, 2], 1)]);
        own(&lrn, &[value(&[1, 11], 1)]);
        left(&lrn, &[value(&[1, 11, 2], 1)]);
    }
    let concat = |axis| Op::Concat { axis };
    own(&concat(1), &[value(&[1, 3, 4, 2], 1), value(&[1, 5, 4, 2], 2), value(&[1, 1, 4, 2], 3)]);
    own(&concat(1), &[value(&[1, 3], 1), value(&[1, 5], 2)]);
    own(&concat(0), &[value(&[3, 2], 1), value(&[5, 2], 2)]);
    own(&concat(2), &[value(&[1, 3, 4, 2], 1), value(&[1, 3, 2, 2], 2), constant(&[1, 3, 1, 2], 3)]);
    own(&concat(3), &[constant(&[1, 3, 4, 2], 1), value(&[1, 3, 4, 5], 2)]);
    own(&concat(1), &[constant(&[1, 1, 6], 1), value(&[1, 7, 6], 2)]);
    own(&concat(0), &[value(&[2, 4, 6], 1), value(&[1, 4, 6], 2)]);
    own(&concat(2), &[value(&[1, 4, 6], 1), value(&[1, 4, 3], 2)]);
    check(&concat(2), &[value(&[1, 4, 1], 1), value(&[1, 4, 3], 2)]);
    check(&concat(1), &[value(&[2, 4, 3], 1), value(&[2, 1, 3], 2)]);
    check(&concat(1), &[value(&[2, 1, 3], 1), value(&[2, 1, 3], 2)]);
    left(&concat(1), &[value(&[1, 3], 1), constant(&[1, 5], 2)]);
}

#[test]
fn what_moves_elements() {
    let image = value(&[1, 6, 4, 5], 1);
    let range = |start, step, length| SliceRange { start, step, length };
    let all = |length| range(0, 1, length);
    let resize = |coordinates, mode| {
        let interpolation = Interpolation::Nearest(mode);
        Op::Resize(Resize { size: [7, 3], scales: [1.75, 0.6], interpolation, coordinates })
    };
    for op in [
        Op::Identity,
        Op::Transpose { perm: vec![0, 1, 3, 2] },
        Op::Transpose { perm: vec![0, 2, 3, 1] },
        Op::Reshape { shape: vec![1, 120] },
        Op::Reshape { shape: vec![1, 6, 20] },
        Op::Reshape { shape: vec![1, 3, 8, 5] },
        Op::Reshape { shape: vec![1, 2, 3, 4, 5] },
        Op::Slice { ranges: vec![all(1), range(5, -2, 3), all(4), all(5)] },
        Op::Slice { ranges: vec![all(1), all(6), range(1, 2, 2), range(4, -1, 5)] },
        Op::Gather { axis: 1, indices: vec![5, 0, 0], indices_shape: vec![3] },
        Op::Gather { axis: 2, indices: vec![3], indices_shape: vec![] },
        Op::Split { axis: 1, sizes: vec![2, 4] },
        Op::Split { axis: 3, sizes: vec![1, 1, 3] },
        Op::Pad { mode: PadMode::Constant(0.5), pads: vec![(0, 0), (0, 0), (1, 2), (0, -1)] },
        Op::Pad { mode: PadMode::Constant(f32::NEG_INFINITY), pads: vec![(0, 0), (1, 0), (0, 0), (0, 1)] },
        Op::Pad { mode: PadMode::Edge, pads: vec![(0, 0), (0, 0), (1, 2), (3, 0)] },
        Op::Pad { mode: PadMode::Reflect, pads: vec![(0, 0), (0, 0), (1, 2), (3, 0)] },
        Op::Pad { mode: PadMode::Wrap, pads: vec![(0, 0), (2, 0), (1, 2), (3, 0)] },
        resize(CoordinateMode::HalfPixel, NearestMode::RoundPreferFloor),
        resize(CoordinateMode::Asymmetric, NearestMode::Floor),
    ] {
        own(&op, std::slice::from_ref(&image));
    }
    own(&Op::Reshape { shape: vec![1, 6] }, &[value(&[1, 6, 1, 1], 1)]);
    own(&Op::Reshape { shape: vec![1, 6, 1, 1] }, &[value(&[6], 1)]);
    own(&Op::Transpose { perm: vec![1, 0] }, &[value(&[6, 4], 1)]);
    let interpolation = Interpolation::Linear;
    let coordinates = CoordinateMode::HalfPixel;
    left(&Op::Resize(Resize { size: [7, 3], scales: [1.75, 0.6], interpolation, coordinates }), &[image]);
}

#[test]
fn tensors_without_elements() {
    check(&Op::Unary(Unary::Relu), &[value(&[1, 0, 3, 3], 1)]);
    check(&Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true }, &[value(&[1, 2, 0, 3], 1)]);
    check(&Op::Split { axis: 1, sizes: vec![0, 4] }, &[value(&[1, 4, 2, 2], 1)]);
    check(&Op::Concat { axis: 1 }, &[value(&[1, 0], 1), value(&[1, 3], 1)]);
}
