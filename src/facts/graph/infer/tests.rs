//! Settings that contradict the shapes, as a hostile file would have them: each ends in a sentence.

use super::infer;
use crate::graph::{
    Binary, Conv, CoordinateMode, Interpolation, Op, PadMode, Padding2d, Pool, Reduction, Resize, SliceRange, Step,
    Unary,
};

const HUGE: usize = usize::MAX;

fn conv() -> Conv {
    Conv { strides: [1, 1], dilations: [1, 1], padding: Padding2d::default(), groups: 1 }
}

fn pool() -> Pool {
    Pool { kernel: [2, 2], strides: [1, 1], dilations: [1, 1], padding: Padding2d::default(), ceil_mode: false }
}

fn resize() -> Resize {
    Resize {
        size: [2, 2],
        scales: [1.0, 1.0],
        interpolation: Interpolation::Linear,
        coordinates: CoordinateMode::HalfPixel,
    }
}

/// `op` on `shapes` is refused, for the reason that `words` are part of.
#[track_caller]
fn refused(op: Op, shapes: &[&[usize]], words: &str) {
    match infer(&op, shapes) {
        Ok(made) => panic!("{op:?} makes {made:?} of {shapes:?}"),
        Err(problem) => assert!(problem.contains(words), "\"{problem}\" does not say \"{words}\""),
    }
}

#[test]
fn a_convolution_states_its_output() {
    let shapes: &[&[usize]] = &[&[1, 4, 7, 9], &[6, 2, 3, 3], &[6]];
    let op = Op::Conv(Conv {
        strides: [2, 1],
        dilations: [1, 2],
        padding: Padding2d { top: 0, left: 1, bottom: 1, right: 2 },
        groups: 2,
    });
    assert_eq!(infer(&op, shapes), Ok(vec![vec![1, 6, 3, 8]]));
}

#[test]
fn convolutions_that_cannot_be() {
    let image: &[usize] = &[1, 3, 8, 8];
    let weight: &[usize] = &[4, 3, 3, 3];
    refused(Op::Conv(conv()), &[image], "number of inputs must be 2 to 3, found 1");
    refused(Op::Conv(conv()), &[&[1, 2, 8, 8], weight], "2 channels");
    refused(Op::Conv(conv()), &[image, weight, &[5]], "bias must have shape [4]");
    refused(Op::Conv(conv()), &[image, &[4, 3, 9, 3]], "spans 9, but the input is only 8");
    refused(Op::Conv(conv()), &[image, &[4, 3, 3]], "as many axes");
    refused(Op::Conv(conv()), &[&[3, 8], weight], "four axes");
    refused(Op::Conv(conv()), &[&[1, 3, 0, 8], weight], "no elements");
    refused(Op::Conv(Conv { groups: 0, ..conv() }), &[image, weight], "0 groups");
    refused(Op::Conv(Conv { groups: 3, ..conv() }), &[image, weight], "3 groups");
    refused(Op::Conv(Conv { groups: HUGE, ..conv() }), &[image, weight], "groups");
    refused(Op::Conv(Conv { strides: [0, 1], ..conv() }), &[image, weight], "strides must be at least 1");
    refused(Op::Conv(Conv { dilations: [1, 0], ..conv() }), &[image, weight], "dilations must be at least 1");
    refused(Op::Conv(Conv { dilations: [HUGE, 1], ..conv() }), &[image, weight], "too large");
    let padding = |top, right| Padding2d { top, right, ..Padding2d::default() };
    refused(Op::Conv(Conv { padding: padding(HUGE, 0), ..conv() }), &[image, weight], "too large");
    // The output would be one pixel, but the padded input could not be held.
    let sparse = Conv { padding: padding(0, 1 << 40), strides: [1, 1 << 41], ..conv() };
    refused(Op::Conv(sparse), &[image, weight], "too large");
}

#[test]
fn pools_that_cannot_be() {
    let image: &[usize] = &[1, 1, 4, 4];
    refused(Op::MaxPool(Pool { kernel: [5, 1], ..pool() }), &[image], "spans 5");
    refused(Op::MaxPool(Pool { kernel: [0, 1], ..pool() }), &[image], "window must be at least 1");
    refused(Op::MaxPool(Pool { kernel: [HUGE, HUGE], dilations: [HUGE, 2], ..pool() }), &[image], "too large");
    let padding = Padding2d { top: 2, ..Padding2d::default() };
    refused(Op::MaxPool(Pool { padding, ..pool() }), &[image], "smaller than the window");
    let far = Pool { strides: [HUGE, HUGE], ceil_mode: true, ..pool() };
    refused(Op::MaxPool(far), &[image], "too large");
}

#[test]
fn a_window_in_ceil_mode_starts_inside_the_input() {
    let padding = Padding2d { top: 1, left: 1, bottom: 1, right: 1 };
    let pool =
        |stride, ceil_mode| Op::MaxPool(Pool { kernel: [3, 3], strides: [stride; 2], padding, ceil_mode, ..pool() });
    assert_eq!(infer(&pool(3, true), &[&[1, 1, 2, 2]]), Ok(vec![vec![1, 1, 1, 1]]));
    assert_eq!(infer(&pool(2, true), &[&[1, 1, 4, 4]]), Ok(vec![vec![1, 1, 3, 3]]));
    assert_eq!(infer(&pool(2, false), &[&[1, 1, 4, 4]]), Ok(vec![vec![1, 1, 2, 2]]));
}

#[test]
fn products_that_cannot_be() {
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true };
    refused(gemm.clone(), &[&[2, 3], &[3, 4]], "inner lengths differ");
    refused(gemm.clone(), &[&[2, 3, 1], &[3, 4]], "must be a matrix");
    refused(gemm, &[&[2, 3], &[4, 3], &[3, 4]], "C of shape [3, 4] cannot be broadcast to [2, 4]");
    refused(Op::MatMul, &[&[2, 3], &[4, 3]], "differ");
    refused(Op::MatMul, &[&[], &[3]], "scalar");
    refused(Op::MatMul, &[&[2, 4, 3], &[3, 3, 2]], "broadcast");
    refused(Op::MatMul, &[&[2, 0], &[0, 2]], "no elements");
    refused(Op::MatMul, &[&[1 << 20, 1], &[1, 1 << 20]], "too large");
}

#[test]
fn per_channel_parameters_must_fit() {
    let shapes: &[&[usize]] = &[&[1, 3, 2, 2], &[3], &[3], &[4], &[3]];
    refused(Op::BatchNorm { epsilon: 0.0, scale: true, bias: true }, shapes, "mean must have shape [3]");
    refused(Op::PRelu, &[&[1, 3, 2, 2], &[3]], "cannot be broadcast");
    refused(Op::PRelu, &[&[3], &[2, 3]], "cannot be broadcast");
    refused(Op::Lrn { size: 0, alpha: 1.0, beta: 1.0, bias: 1.0 }, &[&[1, 3, 2, 2]], "size 0");
    refused(Op::Lrn { size: HUGE, alpha: 1.0, beta: 1.0, bias: 1.0 }, &[&[1, 3, 2, 2]], "too large");
    refused(Op::Binary(Binary::Add), &[&[2, 3], &[2]], "cannot be broadcast");
    refused(Op::Binary(Binary::Add), &[&[1 << 20, 1], &[1 << 20]], "too large");
}

#[test]
fn constants_must_fit_their_axis() {
    let affine = |axis, factors: usize, offsets: usize| Op::Affine {
        axis,
        factor: vec![1.0; factors],
        offset: vec![0.0; offsets],
    };
    refused(affine(2, 1, 1), &[&[2, 3]], "axis 2 is out of range");
    refused(affine(1, 2, 2), &[&[2, 3]], "each of the 3 elements of axis 1");
    refused(affine(1, 3, 1), &[&[2, 3]], "found 3 and 1");
    refused(affine(1, 0, 0), &[&[2, 3]], "found 0 and 0");
}

#[test]
fn a_chain_must_use_its_inputs_up() {
    let chain = |steps: &[(Op, usize)]| {
        Op::Chain(steps.iter().map(|(op, inputs)| Step { op: op.clone(), inputs: *inputs }).collect())
    };
    let add = Op::Binary(Binary::Add);
    let inputs: &[&[usize]] = &[&[2, 3], &[3], &[2, 1]];
    let steps = [(add.clone(), 2), (Op::Reshape { shape: vec![3, 2] }, 0), (add.clone(), 1)];
    refused(chain(&steps), inputs, "cannot be broadcast");
    assert_eq!(infer(&chain(&[(add.clone(), 2), (add.clone(), 1)]), inputs), Ok(vec![vec![2, 3]]));
    refused(chain(&[(add.clone(), 2)]), inputs, "no step takes the last 1 inputs");
    refused(chain(&[(add.clone(), 2), (add.clone(), 2)]), inputs, "step 1 needs 2 inputs, 1 are left");
    refused(chain(&[(add.clone(), 2), (add, 0), (Op::Identity, 1)]), inputs, "number of inputs must be 2, found 1");
    refused(chain(&[]), inputs, "at least one step");
    refused(chain(&[(chain(&[(Op::Identity, 1)]), 1)]), &[&[2]], "must not be a chain");
    let split = Op::Split { axis: 0, sizes: vec![1, 1] };
    refused(chain(&[(split, 1)]), &[&[2]], "one output, it has 2");
    refused(chain(&[(Op::Folded, 1)]), &[&[2]], "folded");
}

#[test]
fn axes_must_exist() {
    refused(Op::Softmax { axis: 2, to_end: false, log: false }, &[&[2, 3]], "axis 2 is out of range");
    let reduce = |axes: &[usize]| Op::Reduce { reduction: Reduction::Sum, axes: axes.to_vec(), keep_dims: false };
    refused(reduce(&[2]), &[&[2, 3]], "axis 2 is out of range");
    refused(reduce(&[1, 0]), &[&[2, 3]], "must ascend");
    refused(reduce(&[1, 1]), &[&[2, 3]], "must ascend");
    refused(Op::Concat { axis: 1 }, &[&[2]], "axis 1 is out of range");
    refused(Op::Concat { axis: 0 }, &[&[2, 3], &[2, 4]], "other axes differ");
    refused(Op::Concat { axis: 0 }, &[], "at least 1, found 0");
    refused(Op::Split { axis: 0, sizes: vec![1, 2] }, &[&[4]], "do not add up");
    refused(Op::Split { axis: 0, sizes: vec![HUGE, 5] }, &[&[4]], "do not add up");
    refused(Op::Split { axis: 0, sizes: vec![] }, &[&[0]], "do not add up");
    refused(Op::Transpose { perm: vec![0, 0] }, &[&[2, 3]], "appears twice");
    refused(Op::Transpose { perm: vec![0] }, &[&[2, 3]], "each of the 2 axes");
    refused(Op::Transpose { perm: vec![0, HUGE] }, &[&[2, 3]], "out of range");
}

#[test]
fn elements_must_be_inside() {
    let slice = |start, step, length| Op::Slice { ranges: vec![SliceRange { start, step, length }] };
    refused(slice(0, 0, 1), &[&[4]], "step along axis 0 must not be 0");
    refused(slice(4, 1, 1), &[&[4]], "not all in axis 0");
    refused(slice(1, 2, 3), &[&[4]], "not all in axis 0");
    refused(slice(3, -2, 3), &[&[4]], "not all in axis 0");
    refused(slice(0, isize::MIN, HUGE), &[&[4]], "not all in axis 0");
    assert_eq!(infer(&slice(9, 1, 0), &[&[4]]), Ok(vec![vec![0]]));
    let gather = |indices: &[usize], shape: &[usize]| Op::Gather {
        axis: 0,
        indices: indices.to_vec(),
        indices_shape: shape.to_vec(),
    };
    refused(gather(&[4], &[1]), &[&[4]], "index 4 is out of range");
    refused(gather(&[1], &[2]), &[&[4]], "1 indices cannot have the shape [2]");
    refused(gather(&[1], &[HUGE, HUGE]), &[&[4]], "cannot have the shape");
    refused(Op::Reshape { shape: vec![5] }, &[&[2, 3]], "number of elements differs");
    refused(Op::Reshape { shape: vec![HUGE, HUGE] }, &[&[2, 3]], "number of elements differs");
}

#[test]
fn padding_must_be_possible() {
    let pad = |mode, before, after| Op::Pad { mode, pads: vec![(before, after)] };
    refused(pad(PadMode::Constant(0.0), -3, -2), &[&[4]], "takes more from axis 0");
    refused(pad(PadMode::Constant(0.0), isize::MIN, isize::MAX), &[&[4]], "takes more from axis 0");
    refused(pad(PadMode::Constant(0.0), isize::MAX, isize::MAX), &[&[4]], "too long");
    refused(pad(PadMode::Reflect, -4, 1), &[&[4]], "no elements to repeat");
    refused(Op::Pad { mode: PadMode::Edge, pads: vec![] }, &[&[4]], "each of the 1 axes");
    assert_eq!(infer(&pad(PadMode::Constant(0.0), -4, 2), &[&[4]]), Ok(vec![vec![2]]));
}

#[test]
fn images_must_have_pixels_and_sensible_scales() {
    let image: &[usize] = &[1, 1, 4, 4];
    refused(Op::Resize(Resize { size: [0, 2], ..resize() }), &[image], "at least one pixel");
    refused(Op::Resize(Resize { size: [HUGE, 2], ..resize() }), &[image], "too large");
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        refused(Op::Resize(Resize { scales: [1.0, scale], ..resize() }), &[image], "must be positive");
    }
    refused(Op::Resize(resize()), &[&[4, 4]], "four axes");
}

#[test]
fn there_is_an_end_to_axes_and_elements() {
    refused(Op::Unary(Unary::Relu), &[&[1; 9]], "at most 8 axes");
    refused(Op::Unary(Unary::Relu), &[&[HUGE, 2]], "too large");
    refused(Op::Reshape { shape: vec![1; 9] }, &[&[1]], "at most 8 axes");
    refused(Op::Folded, &[], "known at import");
}
