//! Parts of an output have the bits of the whole output.

use facts::graph::{
    Attention, Binary, Conv, CoordinateMode, Einsum, HostTensor, Interpolation, Mix, NearestMode, Normalise, Op,
    PadMode, Padding2d, Pool, Reduction, Resize, SliceRange, infer,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rayon::ThreadPoolBuilder;

use super::super::matrix::{Matrix, Rows};
use super::super::{ConstantEdit, build_channel};
use super::dense::{BINARY, functions};
use super::{
    Extent, Form, Input, Job, Operand, Region, View, compute, constant, kernels, noise, rows, shapes, tensor, value,
};

/// Returns whether the numbers are equal or both NaN: arithmetic does not define the bits of a NaN.
fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

fn assert_same(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (&a, &b)) in found.iter().zip(expected).enumerate() {
        assert!(same(a, b), "{what}, element {index}: {a:?}, of the whole {b:?}");
    }
}

/// Returns a part of `within`: any box between two of its positions.
fn part(within: Extent, corners: [Index; 4]) -> Region {
    let along = |a: Index, b: Index, length: usize| {
        let (a, b) = (a.index(length), b.index(length));
        (a.min(b), a.max(b) + 1)
    };
    let (top, bottom) = along(corners[0], corners[1], within.height);
    let (left, right) = along(corners[2], corners[3], within.width);
    Region { top, left, bottom, right }
}

fn cut(extent: Extent, rows: &[f32], region: Region) -> Vec<f32> {
    let mut part = vec![0.0; region.positions() * extent.channels];
    View::new(extent, rows).copy(region, &mut part);
    part
}

fn window() -> impl Strategy<Value = Pool> {
    let sizes = [1usize..4, 1usize..4];
    let ends = [0usize..3, 0usize..3, 0usize..3, 0usize..3];
    (sizes, [1usize..4, 1usize..4], [1usize..3, 1usize..3], ends, any::<bool>()).prop_map(
        |(kernel, strides, dilations, [top, left, bottom, right], ceil_mode)| {
            let padding = Padding2d { top, left, bottom, right };
            Pool { kernel, strides, dilations, padding, ceil_mode }
        },
    )
}

fn images() -> impl Strategy<Value = [usize; 4]> {
    (select(vec![1usize, 3, 8, 17, 70]), 1usize..9, 1usize..9).prop_map(|(c, h, w)| [1, c, h, w])
}

fn convolutions() -> impl Strategy<Value = (Op, Vec<Input>)> {
    let groups = prop_oneof![Just((1, 1)), Just((1, 5)), Just((1, 33)), Just((3, 2)), Just((7, 1)), Just((20, 1))];
    let wide = select(vec![1usize, 2, 17, 66]);
    (images(), groups, wide, window(), any::<bool>()).prop_map(|([_, _, h, w], (groups, depth), wide, pool, bias)| {
        let Pool { kernel: [rows, columns], strides, dilations, padding, .. } = pool;
        let features = groups * wide;
        let mut inputs = vec![value(&[1, groups * depth, h, w], 1), constant(&[features, depth, rows, columns], 2)];
        inputs.extend(bias.then(|| constant(&[features], 3)));
        (Op::Conv(Conv { strides, dilations, padding, groups }), inputs)
    })
}

fn dense_layers() -> impl Strategy<Value = (Op, Vec<Input>)> {
    let lengths = (1usize..40, select(vec![1usize, 16, 30, 64, 150]));
    (lengths, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|((inner, columns), trans_b, bias, plain)| {
        let x = value(&[1, inner], 1);
        let weight = constant(if trans_b && !plain { [columns, inner] } else { [inner, columns] }.as_slice(), 2);
        if plain {
            return (Op::MatMul, vec![x, weight]);
        }
        let mut inputs = vec![x, weight];
        inputs.extend(bias.then(|| constant(&[columns], 3)));
        (Op::Gemm { alpha: 1.0, beta: 0.5, trans_a: false, trans_b }, inputs)
    })
}

/// Operators on images, with and without a change of the positions.
fn others() -> impl Strategy<Value = (Op, Vec<Input>)> {
    let range = |length: usize| SliceRange { start: length - 1, step: -1, length };
    let pads = vec![(0, 0), (0, 0), (1, 2), (2, 0)];
    (images(), 0usize..23, select(BINARY.to_vec()), select(functions().to_vec())).prop_map(
        move |(shape, which, binary, unary)| {
            let [_, c, h, w] = shape;
            let x = value(&shape, 1);
            let binary = Op::Binary(binary);
            let along = Op::Affine { axis: 1, factor: noise(2).take(c).collect(), offset: noise(3).take(c).collect() };
            let nearest = Interpolation::Nearest(NearestMode::Floor);
            let resize = |interpolation| Resize {
                size: [2 * h, w.div_ceil(2)],
                scales: [2.0, 0.5],
                interpolation,
                coordinates: CoordinateMode::Asymmetric,
            };
            match which {
                0 => (binary, vec![x, value(&shape, 2)]),
                1 => (binary, vec![x, value(&[1, c, 1, 1], 2)]),
                2 => (binary, vec![value(&[1, c, 1, 1], 2), x]),
                3 => (binary, vec![x, constant(&[c, 1, 1], 2)]),
                4 => (binary, vec![constant(&shape, 2), x]),
                5 => (binary, vec![x, value(&[1, 1, h, w], 2)]),
                6 => (Op::PRelu, vec![x, constant(&[c, 1, 1], 2)]),
                7 => (along, vec![x]),
                8 => (Op::Softmax { axis: 1, to_end: false, log: false }, vec![x]),
                9 => (Op::Softmax { axis: 1, to_end: true, log: true }, vec![x]),
                10 => (Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: false }, vec![x]),
                11 => (Op::Reduce { reduction: Reduction::Max, axes: vec![2, 3], keep_dims: true }, vec![x]),
                12 => (Op::Concat { axis: 1 }, vec![x, value(&[1, 5, h, w], 2), value(&[1, 1, h, w], 3)]),
                13 => (Op::Lrn { size: 5, alpha: 0.1, beta: 0.75, bias: 1.0 }, vec![x]),
                14 => (Op::Identity, vec![x]),
                15 => (Op::Pad { mode: PadMode::Constant(0.5), pads: pads.clone() }, vec![x]),
                16 => (Op::Pad { mode: PadMode::Edge, pads: pads.clone() }, vec![x]),
                17 => (Op::Slice { ranges: [1, c, h, w].map(range).to_vec() }, vec![x]),
                18 => (Op::Transpose { perm: vec![0, 2, 3, 1] }, vec![x]),
                19 => (Op::Split { axis: 1, sizes: vec![c / 2, c - c / 2] }, vec![x]),
                20 => (Op::Resize(resize(if c == 3 { Interpolation::Linear } else { nearest })), vec![x]),
                21 => (mix(&shape, 1 + h % 3), vec![x]),
                _ => (Op::Unary(unary), vec![x]),
            }
        },
    )
}

fn pools() -> impl Strategy<Value = (Op, Vec<Input>)> {
    (images(), window(), 0usize..3).prop_map(|(shape, pool, which)| {
        let op = match which {
            0 => Op::MaxPool(pool),
            _ => Op::AveragePool { pool, count_include_pad: which == 1 },
        };
        (op, vec![value(&shape, 1)])
    })
}

/// Mixes pairs of entries along an axis, half as many as there are; the last entry has none.
fn mix(shape: &[usize], axis: usize) -> Op {
    let length = shape[axis] as u32;
    let pair = |entry: u32| match 2 * entry + 2 < length {
        true => vec![(2 * entry, 0.75), (2 * entry + 1, 0.25)],
        false => Vec::new(),
    };
    Op::Mix(Mix { axis, taps: (0..length.div_ceil(2)).map(pair).collect(), fill: 0.5 })
}

/// Operators on rows of tokens, in lines of so many.
fn tokens() -> impl Strategy<Value = (Op, Vec<Input>)> {
    let sizes = (2usize..4, 1usize..9, select(vec![1usize, 8, 17, 40]), select(vec![2usize, 16, 33]));
    (sizes, 0usize..15).prop_map(|((lines, count, length, wide), which)| {
        let shape = [lines, count, length];
        let x = value(&shape, 1);
        let normalise = |axes: &[usize]| {
            let axes = axes.to_vec();
            Op::Normalise(Normalise {
                axes,
                groups: 1,
                centred: wide == 2,
                epsilon: 1e-3,
                scale: true,
                bias: true,
                along: 2,
            })
        };
        let joined = |axis: usize| {
            let mut other = shape;
            other[axis] = wide;
            vec![x.clone(), value(&other, 2)]
        };
        let heads = |tokens: usize, length: usize, seed| value(&[2, lines * 2, tokens, length], seed);
        let attention = Attention { heads: None, scale: 0.3, causal: false, softcap: 0.0, mask: false, selects: false };
        let equation = |right: &[u8]| {
            Op::Einsum(Einsum { inputs: vec![b"bik".to_vec(), right.to_vec()], output: b"bij".to_vec() })
        };
        match which {
            0 => (normalise(&[2]), vec![x, constant(&[length], 2), constant(&[length], 3)]),
            1 => (Op::MatMul, vec![x, constant(&[length, wide], 2)]),
            2 => (Op::MatMul, vec![x, value(&[lines, length, wide], 2)]),
            3 => (Op::MatMul, vec![x, value(&[length, wide], 2)]),
            4 => (equation(b"bjk"), vec![x, value(&[lines, wide, length], 2)]),
            5 => (equation(b"bkj"), vec![x, value(&[lines, length, wide], 2)]),
            6 => (Op::Softmax { axis: 2, to_end: false, log: false }, vec![x]),
            7 => (Op::Concat { axis: wide % 3 }, joined(wide % 3)),
            8 => (Op::Concat { axis: 1 }, vec![constant(&[lines, 1, length], 2), x]),
            9 => (Op::Reduce { reduction: Reduction::Mean, axes: vec![0, 1], keep_dims: true }, vec![x]),
            10 => (Op::Attention(attention), vec![heads(count, 8, 1), heads(wide, 8, 2), heads(wide, length, 3)]),
            11 => (
                Op::Attention(attention),
                vec![heads(count, 8, 1), value(&[2, lines, wide, 8], 2), value(&[2, lines, wide, length], 3)],
            ),
            12 => (Op::Transpose { perm: vec![1, 0, 2] }, vec![x]),
            13 => (mix(&shape, wide % 3), vec![x]),
            _ => (Op::Binary(Binary::Mul), vec![x, constant(&[length], 2)]),
        }
    })
}

fn operators() -> impl Strategy<Value = (Op, Vec<Input>)> {
    prop_oneof![convolutions(), pools(), dense_layers(), others(), tokens()].prop_filter(
        "settings that fit",
        |(op, inputs)| {
            let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.tensor().shape.as_slice()).collect();
            infer(op, &shapes).is_ok()
        },
    )
}

/// Makes a row as a fault may leave it.
fn faulty(length: usize, seed: u32, wild: bool) -> Vec<f32> {
    let extreme = |(index, x): (usize, f32)| match index * 5 % 17 {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => -3e38,
        _ => x,
    };
    let rows = noise(seed).take(length);
    if wild { rows.enumerate().map(extreme).collect() } else { rows.collect() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Changed rows lie over one of the inputs. Any part of the output equals the same part of the whole output, with
    /// or without other jobs, on one thread or two. Positions outside the reach keep their bits.
    #[test]
    fn a_part_has_the_bits_of_the_whole(
        (op, inputs) in operators(),
        which in any::<Index>(),
        corners in any::<[[Index; 4]; 3]>(),
        wild in any::<bool>(),
        seed in 10u32..1000,
        threads in 1usize..3,
    ) {
        let golden = rows(&inputs);
        let which = which.index(golden.len());
        let (extent, base) = &golden[which];
        let changed = part(*extent, corners[0]);
        let over = faulty(changed.positions() * extent.channels, seed, wild);
        let mut whole = base.clone();
        for ([y, x], row) in changed.iter().zip(over.chunks_exact(extent.channels)) {
            whole[(y * extent.width + x) * extent.channels..][..extent.channels].copy_from_slice(row);
        }
        let with = |view| -> Vec<View<'_>> {
            golden
                .iter()
                .enumerate()
                .map(|(index, (extent, rows))| if index == which { view } else { View::new(*extent, rows) })
                .collect()
        };
        let (before, after) = (View::new(*extent, base), View::new(*extent, &whole));
        let patched = View::overlaid(*extent, base, changed, &over);
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (kernel, shape) in kernels(&op, &inputs).iter().zip(shapes(&op, &inputs)) {
            if shape.contains(&0) {
                continue;
            }
            let output = Extent::of(&shape);
            let dense = |view| compute(kernel.as_ref(), with(view), output.region(), output.channels);
            let (golden, faulty) = (dense(before), dense(after));
            let reach = kernel.reach(which, changed);
            for [y, x] in output.region().iter().filter(|&[y, x]| !reach.contains(y, x)) {
                let row = (y * output.width + x) * output.channels..;
                assert_same(&faulty[row.clone()][..output.channels], &golden[row][..output.channels], "out of reach");
            }
            prop_assert_eq!(kernel.reach(which, Region::EMPTY), Region::EMPTY);

            let regions = [part(output, corners[1]), reach, output.region(), Region::EMPTY, part(output, corners[2])];
            let mut outs = regions.map(|region| vec![f32::NAN; region.positions() * output.channels]);
            let jobs = regions.iter().zip(&mut outs);
            let mut jobs: Vec<Job<'_>> =
                jobs.map(|(&region, out)| Job { inputs: with(patched), region, out }).collect();
            pool.install(|| kernel.compute(&mut jobs));
            for (region, out) in regions.into_iter().zip(&outs) {
                assert_same(out, &cut(output, &faulty, region), &format!("{op:?} on {region:?}"));
                let alone = compute(kernel.as_ref(), with(patched), region, output.channels);
                assert_same(&alone, out, &format!("{op:?} on {region:?} alone"));
            }
            if kernel.is_local() && !changed.is_empty() {
                let parts: Vec<(Extent, Vec<f32>)> = with(after)
                    .iter()
                    .map(|view| {
                        let mut rows = vec![0.0; changed.positions() * view.extent().channels];
                        view.copy(changed, &mut rows);
                        (view.extent(), rows)
                    })
                    .collect();
                let views = parts.iter().map(|(extent, rows)| View::overlaid(*extent, &[], changed, rows)).collect();
                let alone = compute(kernel.as_ref(), views, changed, output.channels);
                assert_same(&alone, &cut(output, &faulty, changed), &format!("{op:?} without a base"));
            }
        }
    }

    /// After a change of a weight, the reached channel is computed alone, and all other channels keep their bits.
    #[test]
    fn a_channel_alone_has_the_bits_of_all(
        (op, inputs) in prop_oneof![convolutions(), dense_layers()],
        place in [any::<Index>(), any::<Index>()],
        weight in prop_oneof![Just(1e30f32), Just(f32::NAN), Just(f32::INFINITY), -2.0f32..2.0],
        threads in 1usize..3,
    ) {
        let of: Vec<&[usize]> = inputs.iter().map(|input| input.tensor().shape.as_slice()).collect();
        prop_assume!(infer(&op, &of).is_ok());
        let input = 1 + place[0].index(inputs.len() - 1);
        let mut data = inputs[input].tensor().data.to_vec();
        let element = place[1].index(data.len());
        data[element] = weight;
        let mut changed = inputs.clone();
        changed[input] = Input::Constant(HostTensor::new(inputs[input].tensor().shape.clone(), data).unwrap());
        let operands: Vec<Operand<'_>> = inputs.iter().map(Input::operand).collect();
        let shapes = shapes(&op, &inputs);
        let edit = ConstantEdit { operand: input, element, value: weight };
        let made = build_channel(&op, &operands, &[Form::of(&shapes[0])], edit);
        // A bias of one number may be added to all columns.
        prop_assume!(made.is_some());
        let (kernel, channel) = made.unwrap();
        let output = Extent::of(&shapes[0]);
        let (before, after) = (super::whole(&op, &inputs).remove(0), super::whole(&op, &changed).remove(0));
        for (index, (&a, &b)) in before.iter().zip(&after).enumerate() {
            prop_assert!(same(a, b) || index % output.channels == channel, "channel {} of {:?}", channel, op);
        }
        let rows = rows(&changed);
        let views = vec![View::new(rows[0].0, &rows[0].1)];
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| compute(kernel.as_ref(), views, output.region(), 1));
        let expected: Vec<f32> = after.iter().skip(channel).step_by(output.channels).copied().collect();
        assert_same(&found, &expected, &format!("{op:?}, channel {channel}"));
        prop_assert_eq!(kernel.multiply_adds() * output.channels as u64, super::kernels(&op, &changed)[0].multiply_adds());
    }

    #[test]
    fn rows_of_a_product_do_not_depend_on_each_other(
        rows in 1usize..40,
        inner in 1usize..50,
        columns in 1usize..200,
        bias in any::<bool>(),
    ) {
        let weight = tensor(&[inner, columns], noise(1));
        let offsets = tensor(&[columns], noise(2));
        let matrix =
            Matrix::pack(inner, columns, bias.then_some(&*offsets.data), |k, column| weight.data[k * columns + column]);
        let x = tensor(&[rows, inner], noise(3));
        let rows: Vec<&[f32]> = x.data.chunks_exact(inner).collect();
        let multiplied = |rows: &[&[f32]], few: bool| {
            let mut out = vec![f32::NAN; rows.len() * columns];
            let mut outs: Vec<&mut [f32]> = out.chunks_exact_mut(columns).collect();
            let rows = Rows { pieces: rows, count: rows.len() };
            if few { matrix.multiply_few(rows, &mut outs, 0) } else { matrix.multiply(rows, &mut outs, 0) }
            out
        };
        let together = multiplied(&rows, false);
        assert_same(&multiplied(&rows, true), &together, "columns shared out");
        for (row, expected) in rows.iter().zip(together.chunks_exact(columns)) {
            assert_same(&multiplied(&[*row], false), expected, "one row");
            for (column, &found) in expected.iter().enumerate() {
                let terms = row.iter().enumerate().map(|(k, x)| f64::from(*x) * f64::from(weight.data[k * columns + column]));
                let exact = terms.sum::<f64>() + if bias { f64::from(offsets.data[column]) } else { 0.0 };
                prop_assert!((f64::from(found) - exact).abs() < 1e-4);
            }
        }
    }
}

/// With several threads, a job is split.
#[test]
fn a_large_map_is_cut_into_bands() {
    for op in [Op::MaxPool(square(3, 2)), Op::Unary(facts::graph::Unary::Relu), Op::Identity] {
        let inputs = [value(&[1, 32, 60, 50], 1)];
        let (rows, output) = (rows(&inputs), Extent::of(&shapes(&op, &inputs)[0]));
        let kernel = kernels(&op, &inputs).remove(0);
        let run = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let views = vec![View::new(rows[0].0, &rows[0].1)];
            pool.install(|| compute(kernel.as_ref(), views, output.region(), output.channels))
        };
        assert_same(&run(3), &run(1), &format!("{op:?}"));
    }
}

fn square(size: usize, stride: usize) -> Pool {
    let padding = Padding2d { top: 1, left: 1, bottom: 1, right: 1 };
    Pool { kernel: [size; 2], strides: [stride; 2], dilations: [1; 2], padding, ceil_mode: false }
}
