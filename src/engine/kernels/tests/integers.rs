//! Operators on integers: kernels compared with plain loops, element by element and exactly.

use facts::format::Format;
use facts::graph::{Conv, Integer, IntegerFunction, Op, Padding2d, Pool, Role, Unary};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::{ConstantEdit, build_channel};
use super::{
    Extent, Form, Input, Operand, Region, View, by_burn, compute, is_own, kernels, noise, rows, shapes, tensor, whole,
};

const TWO: [Role; 6] = [Role::Tensor, Role::Scale, Role::Zero, Role::Tensor, Role::Scale, Role::Zero];
const OUTPUT: [Role; 2] = [Role::OutputScale, Role::OutputZero];

fn whole_numbers(shape: &[usize], seed: u32, (low, high): (f32, f32)) -> facts::graph::HostTensor {
    tensor(shape, noise(seed).map(move |x| (low + (x + 2.0) / 4.0 * (high - low)).round()))
}

fn one(value: f32) -> Input {
    Input::Constant(tensor(&[], [value]))
}

/// Integers of 8 bits with zero points.
fn kinds() -> impl Strategy<Value = (Format, f32)> {
    select(vec![(Format::U8, 0.0), (Format::I8, 0.0), (Format::U8, 128.0), (Format::I8, -128.0), (Format::U8, 77.0)])
}

fn bounds(format: Format) -> (f32, f32) {
    if format == Format::U8 { (0.0, 255.0) } else { (-128.0, 127.0) }
}

/// A convolution or product, with all its inputs constant but the first tensor.
fn product(
    function: IntegerFunction,
    x: &[usize],
    weight: &[usize],
    columns: usize,
    (kind, of_weight, bias, each): ((Format, f32), (Format, f32), bool, bool),
) -> (Op, Vec<Input>) {
    let terms = (weight.iter().product::<usize>() / columns) as f32;
    let several: &[usize] = if each { &[columns] } else { &[] };
    let mut inputs = vec![
        Input::Value(whole_numbers(x, 1, bounds(kind.0))),
        one(0.02),
        one(kind.1),
        Input::Constant(whole_numbers(weight, 2, bounds(of_weight.0))),
        Input::Constant(tensor(several, noise(3).map(|x| 0.01 + x / 1000.0))),
        Input::Constant(whole_numbers(several, 4, (of_weight.1, of_weight.1))),
    ];
    let mut roles = TWO.to_vec();
    if bias {
        inputs.push(Input::Constant(whole_numbers(&[columns], 5, (-4000.0, 4000.0))));
        roles.push(Role::Bias);
    }
    inputs.extend([one(0.02 * 0.01 * terms.sqrt() * 40.0), one(kind.1)]);
    roles.extend(OUTPUT);
    (Op::Integer(Integer { function, roles, input: kind.0, output: kind.0 }), inputs)
}

fn products() -> impl Strategy<Value = (Op, Vec<Input>)> {
    let settings = (kinds(), kinds(), any::<bool>(), any::<bool>()).boxed();
    let groups = prop_oneof![Just((1, 3)), Just((1, 33)), Just((3, 2)), Just((7, 1)), Just((1, 300))];
    let window = ([1usize..4, 1usize..4], [1usize..3, 1usize..3], [1usize..3, 1usize..3], [0usize..3, 0usize..3]);
    let convolution = (settings.clone(), groups, select(vec![1usize, 2, 17]), window, [3usize..8, 3usize..8]);
    let convolution = convolution.prop_filter_map(
        "the window fits",
        |(settings, (groups, depth), wide, (kernel, strides, dilations, [top, left]), [h, w])| {
            let padding = Padding2d { top, left, bottom: left, right: top };
            let conv = Conv { strides, dilations, padding, groups };
            let fits =
                |length: usize, padding: usize, axis: usize| length + padding > (kernel[axis] - 1) * dilations[axis];
            if !fits(h, top + left, 0) || !fits(w, left + top, 1) {
                return None;
            }
            let (features, channels) = (groups * wide, groups * depth);
            let weight = [features, depth, kernel[0], kernel[1]];
            Some(product(IntegerFunction::Conv(conv), &[1, channels, h, w], &weight, features, settings))
        },
    );
    let dense = (settings, 1usize..900, 1usize..40, any::<bool>(), any::<bool>());
    let dense = dense.prop_map(|(settings, inner, columns, trans_b, is_gemm)| {
        let weight = if is_gemm && trans_b { [columns, inner] } else { [inner, columns] };
        let function = match is_gemm {
            true => IntegerFunction::Gemm { alpha: 1.0, trans_a: false, trans_b },
            false => IntegerFunction::MatMul,
        };
        let settings = (settings.0, settings.1, settings.2 && is_gemm, settings.3);
        product(function, &[1, inner], &weight, columns, settings)
    });
    prop_oneof![2 => convolution, 1 => dense]
}

fn part(within: Extent, corners: [Index; 4]) -> Region {
    let along = |a: Index, b: Index, length: usize| {
        let (a, b) = (a.index(length), b.index(length));
        (a.min(b), a.max(b) + 1)
    };
    let (top, bottom) = along(corners[0], corners[1], within.height);
    let (left, right) = along(corners[2], corners[3], within.width);
    Region { top, left, bottom, right }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn products_are_those_of_integers((op, inputs) in products(), corners in [any::<Index>(), any::<Index>(), any::<Index>(), any::<Index>()]) {
        prop_assert!(is_own(&op, &inputs), "{op:?}");
        let expected = by_burn(&op, &inputs).remove(0);
        prop_assert_eq!(&whole(&op, &inputs)[0], &expected);
        // A part has the elements of the whole.
        let extent = Extent::of(&shapes(&op, &inputs)[0]);
        let region = part(extent, corners);
        let rows = rows(&inputs);
        let views = rows.iter().map(|(extent, rows)| View::new(*extent, rows)).collect();
        let mut own = vec![0.0; region.positions() * extent.channels];
        View::new(extent, &expected).copy(region, &mut own);
        prop_assert_eq!(compute(kernels(&op, &inputs)[0].as_ref(), views, region, extent.channels), own);
    }

    #[test]
    fn a_changed_constant_changes_one_channel((op, inputs) in products(), input in 3usize..7, element in any::<Index>(), to in -100i8..100) {
        let Input::Constant(constant) = &inputs[input] else { return Ok(()) };
        let element = element.index(constant.data.len());
        let value = if input == 4 { 0.013 } else { f32::from(to) };
        let edit = ConstantEdit { operand: input, element, value };
        let operands: Vec<Operand<'_>> = inputs.iter().map(Input::operand).collect();
        let shapes = shapes(&op, &inputs);
        let form = [Form::of(&shapes[0])];
        let Some((kernel, channel)) = build_channel(&op, &operands, &form, edit) else { return Ok(()) };
        let mut data = constant.data.to_vec();
        data[element] = value;
        let mut edited = inputs.clone();
        edited[input] = Input::Constant(tensor(&constant.shape.clone(), data));
        let expected = by_burn(&op, &edited).remove(0);
        let extent = form[0].extent;
        let column: Vec<f32> = expected.chunks_exact(extent.channels).map(|row| row[channel]).collect();
        let rows = rows(&inputs);
        let views = rows.iter().map(|(extent, rows)| View::new(*extent, rows)).collect();
        prop_assert_eq!(compute(kernel.as_ref(), views, extent.region(), 1), column);
        for (at, (a, b)) in by_burn(&op, &inputs)[0].iter().zip(&expected).enumerate() {
            prop_assert!(at % extent.channels == channel || a == b, "another channel changes, too");
        }
    }
}

/// Sums beyond 2^24, which float32 does not hold.
#[test]
fn large_sums_are_exact() {
    let settings = ((Format::U8, 0.0), (Format::U8, 0.0), true, false);
    let (op, mut inputs) =
        product(IntegerFunction::MatMul, &[1, 1500], &[1500, 3], 3, (settings.0, settings.1, false, false));
    inputs[0] = Input::Value(whole_numbers(&[1, 1500], 1, (254.0, 255.0)));
    inputs[3] = Input::Constant(whole_numbers(&[1500, 3], 2, (200.0, 255.0)));
    let Op::Integer(integer) = op else { unreachable!("an operator on integers") };
    let sums = Op::Integer(Integer {
        roles: vec![Role::Tensor, Role::Zero, Role::Tensor, Role::Zero],
        output: Format::I32,
        ..integer
    });
    let inputs: Vec<Input> = [0, 2, 3, 5].into_iter().map(|index: usize| inputs[index].clone()).collect();
    let (found, expected) = (whole(&sums, &inputs), by_burn(&sums, &inputs));
    assert!(expected[0].iter().all(|&sum| sum > 2f32.powi(26)), "{expected:?}");
    assert_eq!(found, expected);
}

#[test]
fn pieces_are_those_of_the_loops() {
    let x = || Input::Value(whole_numbers(&[1, 5, 6, 7], 1, (-128.0, 127.0)));
    let y = || Input::Value(whole_numbers(&[1, 5, 6, 7], 9, (-128.0, 127.0)));
    let pool = Pool {
        kernel: [3, 2],
        strides: [2, 1],
        dilations: [1; 2],
        padding: Padding2d { top: 1, left: 0, bottom: 1, right: 1 },
        ceil_mode: false,
    };
    let one_of = |function| {
        Op::Integer(Integer { function, roles: [&TWO[..3], &OUTPUT].concat(), input: Format::I8, output: Format::I8 })
    };
    let two_of = |function| {
        Op::Integer(Integer { function, roles: [&TWO[..], &OUTPUT].concat(), input: Format::I8, output: Format::I8 })
    };
    let (a, b, to) = ([one(0.02), one(3.0)], [one(0.031), one(-7.0)], [one(0.04), one(-5.0)]);
    let single = |op: Op| {
        let inputs: Vec<Input> = std::iter::once(x()).chain(a.clone()).chain(to.clone()).collect();
        (op, inputs)
    };
    let double = |op: Op| {
        let inputs = std::iter::once(x()).chain(a.clone()).chain([y()]).chain(b.clone()).chain(to.clone());
        (op, inputs.collect::<Vec<Input>>())
    };
    let cases = [
        double(two_of(IntegerFunction::Add)),
        double(two_of(IntegerFunction::Mul)),
        double(two_of(IntegerFunction::Concat { axis: 1 })),
        single(one_of(IntegerFunction::Unary(Unary::Sigmoid))),
        single(one_of(IntegerFunction::Unary(Unary::LeakyRelu { alpha: 0.1 }))),
        single(one_of(IntegerFunction::GlobalAveragePool)),
        single(one_of(IntegerFunction::AveragePool { pool: pool.clone(), count_include_pad: false })),
        single(one_of(IntegerFunction::AveragePool { pool, count_include_pad: true })),
        single(one_of(IntegerFunction::Softmax { axis: 1, end: 2 })),
        (
            Op::Quantize { axis: 1, block: 1, format: Format::I8 },
            vec![super::value(&[1, 5, 6, 7], 3), one(0.01), one(4.0)],
        ),
        (Op::Dequantize { axis: 1, block: 1 }, vec![x(), Input::Constant(tensor(&[5], noise(8)))]),
        (Op::DynamicQuantize, vec![super::value(&[1, 5, 6, 7], 3)]),
    ];
    for (op, inputs) in cases {
        assert!(is_own(&op, &inputs), "{op:?}");
        assert_eq!(whole(&op, &inputs), by_burn(&op, &inputs), "{op:?}");
    }
}

#[test]
fn numbers_that_are_none_become_the_smallest_integer() {
    let x = Input::Value(tensor(&[1, 4], [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5]));
    let op = Op::Quantize { axis: 0, block: 1, format: Format::U8 };
    assert_eq!(whole(&op, &[x, one(1.0), one(10.0)])[0], [0.0, 255.0, 0.0, 10.0]);
}

#[test]
fn a_nan_has_no_scale() {
    let x = Input::Value(tensor(&[1, 4], [1.0, f32::NAN, -2.0, 0.5]));
    let made = whole(&Op::DynamicQuantize, &[x]);
    assert_eq!(made[0], [0.0; 4]);
    assert!(made[1][0].is_nan() && made[2] == [0.0], "{made:?}");
}

/// A constant summand has no channels of its own.
#[test]
fn a_constant_summand_is_no_weight() {
    let roles = [&TWO[..], &OUTPUT].concat();
    let op = Op::Integer(Integer { function: IntegerFunction::Add, roles, input: Format::I8, output: Format::I8 });
    let (x, y) = (whole_numbers(&[1, 9], 1, (-128.0, 127.0)), whole_numbers(&[9], 2, (-128.0, 127.0)));
    let inputs = [Input::Value(x), one(0.02), one(0.0), Input::Constant(y), one(0.02), one(0.0), one(0.04), one(0.0)];
    let operands: Vec<Operand<'_>> = inputs.iter().map(Input::operand).collect();
    let edit = ConstantEdit { operand: 3, element: 4, value: 100.0 };
    assert!(build_channel(&op, &operands, &[Form::of(&[1, 9])], edit).is_none());
}
