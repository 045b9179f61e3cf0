//! NaN and infinity, which faults produce often, appear at the same places as with burn.

use facts::graph::{Conv, Op, Padding2d, Pool, Reduction};

use super::dense::{BINARY, functions};
use super::{Input, check, tensor, value};

const SPECIAL: [f32; 9] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0, -1.0, f32::MAX, f32::MIN];

/// Makes an input with special numbers among ordinary ones.
fn sprinkled(shape: &[usize], seed: u32) -> Input {
    let data = super::noise(seed).enumerate().map(move |(index, x)| match index * 7 % 23 {
        place @ 0..9 => SPECIAL[(place + seed as usize) % 9],
        _ => x,
    });
    Input::Value(tensor(shape, data))
}

/// Makes an image with one special number.
fn single(shape: &[usize], place: usize, x: f32) -> Input {
    let mut data: Vec<f32> = value(shape, 5).tensor().data.to_vec();
    data[place] = x;
    Input::Value(tensor(shape, data))
}

#[test]
fn in_functions_of_one_element() {
    for function in functions() {
        for shape in [&[1, 9][..], &[1, 5, 7, 3], &[1, 37, 2, 2]] {
            check(&Op::Unary(function), &[sprinkled(shape, 1)]);
        }
    }
}

#[test]
fn in_functions_of_two_elements() {
    for function in BINARY {
        let op = Op::Binary(function);
        for shape in [&[1, 81][..], &[1, 9, 3, 3]] {
            let pairs = |by: usize| tensor(shape, (0..81).map(|index| SPECIAL[index / by % 9]));
            check(&op, &[Input::Value(pairs(1)), Input::Value(pairs(9))]);
            check(&op, &[Input::Value(pairs(1)), Input::Constant(pairs(9))]);
            check(&op, &[Input::Constant(pairs(1)), Input::Value(pairs(9))]);
            check(&Op::PRelu, &[Input::Value(pairs(1)), Input::Constant(pairs(9))]);
        }
        let gate = Input::Value(tensor(&[1, 9, 1, 1], SPECIAL));
        check(&op, &[sprinkled(&[1, 9, 4, 5], 1), gate.clone()]);
        check(&op, &[gate, sprinkled(&[1, 9, 4, 5], 1)]);
    }
}

#[test]
fn in_windows() {
    let padding = Padding2d { top: 1, left: 1, bottom: 1, right: 1 };
    for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
        for (shape, place) in [([1, 3, 6, 6], 0), ([1, 3, 6, 6], 50), ([1, 40, 5, 5], 999)] {
            let channels = shape[1];
            for ceil_mode in [false, true] {
                let pool = Pool { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], padding, ceil_mode };
                check(&Op::MaxPool(pool.clone()), &[single(&shape, place, x)]);
                check(&Op::AveragePool { pool, count_include_pad: false }, &[single(&shape, place, x)]);
            }
            for (groups, depth) in [(1, channels), (channels, 1)] {
                let conv = Op::Conv(Conv { strides: [1, 1], dilations: [1, 1], padding, groups });
                let weight = super::constant(&[channels, depth, 3, 3], 2);
                check(&conv, &[single(&shape, place, x), weight]);
            }
        }
    }
}

#[test]
fn in_sums_and_rows() {
    for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::Max, Reduction::Min] {
            let op = Op::Reduce { reduction, axes: vec![2, 3], keep_dims: true };
            check(&op, &[single(&[1, 5, 4, 4], 17, x)]);
        }
        for log in [false, true] {
            check(&Op::Softmax { axis: 1, to_end: false, log }, &[single(&[1, 10], 3, x)]);
        }
        check(&Op::Lrn { size: 3, alpha: 0.1, beta: 0.75, bias: 1.0 }, &[single(&[1, 9, 2, 2], 17, x)]);
    }
}
