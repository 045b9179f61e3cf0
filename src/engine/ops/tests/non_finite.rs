//! NaN and infinity, which faults produce often.

use facts::graph::{
    Binary, Conv, CoordinateMode, Interpolation, Op, PadMode, Padding2d, Pool, Reduction, Resize, Unary,
};

use super::{array, values};

const NAN: f32 = f32::NAN;
const INFINITY: f32 = f32::INFINITY;

/// Returns for each element whether it is NaN.
fn nans(op: &Op, shape: &[usize], data: &[f32]) -> Vec<bool> {
    values(op, &[&array(shape, data)]).iter().map(|x| x.is_nan()).collect()
}

#[test]
fn a_nan_passes_every_function_of_one_element() {
    let functions = [
        Unary::Relu,
        Unary::LeakyRelu { alpha: 0.1 },
        Unary::Elu { alpha: 1.0 },
        Unary::Selu { alpha: 1.67, gamma: 1.05 },
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
        Unary::Sqrt,
        Unary::Reciprocal,
        Unary::Exp,
        Unary::Log,
        Unary::Neg,
        Unary::Abs,
        Unary::Floor,
        Unary::Ceil,
        Unary::Trunc,
    ];
    for function in functions {
        assert_eq!(nans(&Op::Unary(function), &[3], &[0.5, NAN, 0.25]), [false, true, false], "{function:?}");
    }
}

#[test]
fn infinities_take_their_limits() {
    let ends = |function| values(&Op::Unary(function), &[&array(&[2], &[-INFINITY, INFINITY])]);
    assert_eq!(ends(Unary::Relu), [0.0, INFINITY]);
    assert_eq!(ends(Unary::Clip { min: 0.0, max: 6.0 }), [0.0, 6.0]);
    assert_eq!(ends(Unary::Sigmoid), [0.0, 1.0]);
    assert_eq!(ends(Unary::Tanh), [-1.0, 1.0]);
    assert_eq!(ends(Unary::Erf), [-1.0, 1.0]);
    assert_eq!(ends(Unary::Elu { alpha: 1.0 }), [-1.0, INFINITY]);
    assert_eq!(ends(Unary::Softplus), [0.0, INFINITY]);
    assert_eq!(ends(Unary::HardSigmoid { alpha: 0.2, beta: 0.5 }), [0.0, 1.0]);
}

#[test]
fn the_largest_numbers_overflow_nowhere_they_need_not() {
    let of = |function| values(&Op::Unary(function), &[&array(&[2], &[-f32::MAX, f32::MAX])]);
    assert_eq!(of(Unary::Softplus), [0.0, f32::MAX]);
    assert_eq!(of(Unary::Mish), [0.0, f32::MAX]);
    assert_eq!(of(Unary::Sigmoid), [0.0, 1.0]);
    let softmax = |log| Op::Softmax { axis: 0, to_end: false, log };
    let x = array(&[3], &[f32::MAX, 0.0, -f32::MAX]);
    assert_eq!(values(&softmax(false), &[&x]), [1.0, 0.0, 0.0]);
    assert_eq!(values(&softmax(true), &[&x])[0], 0.0);
}

#[test]
fn max_and_min_of_a_nan_are_nan_whichever_side_it_is_on() {
    let (a, b) = (array(&[3], &[NAN, 1.0, 2.0]), array(&[3], &[1.0, NAN, 3.0]));
    for (function, last) in [(Binary::Max, 3.0), (Binary::Min, 2.0)] {
        let found = values(&Op::Binary(function), &[&a, &b]);
        assert!(found[0].is_nan() && found[1].is_nan(), "{function:?}: {found:?}");
        assert_eq!(found[2], last);
    }
    assert!(values(&Op::PRelu, &[&a, &b])[0].is_nan());
}

#[test]
fn a_nan_reaches_exactly_the_windows_that_hold_it() {
    let mut image = [1.0; 16];
    image[0] = NAN;
    for ceil_mode in [false, true] {
        let pool =
            Pool { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], padding: Padding2d::default(), ceil_mode };
        for op in [Op::MaxPool(pool.clone()), Op::AveragePool { pool, count_include_pad: false }] {
            assert_eq!(nans(&op, &[1, 1, 4, 4], &image), [true, false, false, false], "{op:?}");
        }
    }
}

#[test]
fn a_nan_reaches_exactly_the_rows_and_sums_that_hold_it() {
    let data = [1.0, NAN, 2.0, 3.0, 4.0, 5.0];
    for log in [false, true] {
        let softmax = Op::Softmax { axis: 1, to_end: false, log };
        assert_eq!(nans(&softmax, &[2, 3], &data), [true, true, true, false, false, false]);
    }
    for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::Min] {
        let reduce = Op::Reduce { reduction, axes: vec![1], keep_dims: false };
        assert_eq!(nans(&reduce, &[2, 3], &data), [true, false], "{reduction:?}");
    }
}

#[test]
fn a_convolution_spreads_a_nan_no_further_than_its_kernel() {
    let conv = Op::Conv(Conv {
        strides: [1, 1],
        dilations: [1, 1],
        padding: Padding2d { top: 1, left: 1, bottom: 1, right: 1 },
        groups: 1,
    });
    let mut image = [1.0; 25];
    image[0] = NAN;
    let found = values(&conv, &[&array(&[1, 1, 5, 5], &image), &array(&[1, 1, 3, 3], &[0.5; 9])]);
    for (index, x) in found.iter().enumerate() {
        assert_eq!(x.is_nan(), index / 5 < 2 && index % 5 < 2, "{index}");
    }
}

#[test]
fn nothing_times_infinity_is_not_hidden() {
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
    let found = values(&gemm, &[&array(&[1, 2], &[INFINITY, 1.0]), &array(&[2, 2], &[0.0, 1.0, 1.0, 1.0])]);
    assert!(found[0].is_nan());
    assert_eq!(found[1], INFINITY);
    let x = array(&[1, 1, 1, 1], &[INFINITY]);
    let parameter = |x: f32| array(&[1], &[x]);
    let norm = Op::BatchNorm { epsilon: 1e-5, scale: true, bias: true };
    let parameters = [parameter(0.0), parameter(0.0), parameter(0.0), parameter(1.0)];
    let [scale, bias, mean, variance] = &parameters;
    assert!(values(&norm, &[&x, scale, bias, mean, variance])[0].is_nan());
}

#[test]
fn moving_elements_keeps_their_bits() {
    let payload = f32::from_bits(0x7fa0_1234);
    let x = array(&[1, 1, 2, 2], &[payload, -0.0, 1.0, INFINITY]);
    let bits = |op: &Op| values(op, &[&x]).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let turned = bits(&Op::Transpose { perm: vec![0, 1, 3, 2] });
    assert_eq!(turned, [0x7fa0_1234, 0x3f80_0000, 0x8000_0000, 0x7f80_0000]);
    let padded = bits(&Op::Pad { mode: PadMode::Edge, pads: vec![(0, 0), (0, 0), (0, 0), (1, 0)] });
    assert_eq!(&padded[..3], [0x7fa0_1234, 0x7fa0_1234, 0x8000_0000]);
    let grown = bits(&Op::Resize(Resize {
        size: [2, 4],
        scales: [1.0, 2.0],
        interpolation: Interpolation::Nearest(facts::graph::NearestMode::Floor),
        coordinates: CoordinateMode::Asymmetric,
    }));
    assert_eq!(&grown[..4], [0x7fa0_1234, 0x7fa0_1234, 0x8000_0000, 0x8000_0000]);
}
