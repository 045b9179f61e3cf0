//! The pieces of random networks.

use facts::graph::{
    Binary, Conv, CoordinateMode, Interpolation, NearestMode, Op, PadMode, Padding2d, Reduction, Resize, SliceRange,
    Step, Unary,
};

use super::super::numbers;
use super::integers::{dynamic_convolution, integer_convolution, integer_gate};
use super::newer::{attended, mixed, placed, sampled, volume};
use super::tokens::{normalised_channels, transformed};
use super::{Dice, Input, Maker};

/// Adds layers to a network if they fit.
type Make = fn(&mut Maker, &mut Dice<'_>) -> Option<()>;

/// All pieces. Important pieces are listed more than once.
pub(super) const PIECES: [Make; 36] = [
    convolution,
    convolution,
    convolution,
    keras_convolution,
    normalised,
    activation,
    pooled,
    mean_pooled,
    residual,
    joined,
    gated,
    cut,
    sliced,
    computed_weights,
    shared_weights,
    with_constant,
    rearranged,
    padded,
    resized,
    reduced,
    separable,
    merged,
    keras_pieces,
    others,
    transformed,
    transformed,
    normalised_channels,
    integer_convolution,
    integer_convolution,
    dynamic_convolution,
    integer_gate,
    mixed,
    placed,
    sampled,
    volume,
    attended,
];

/// Draws a convolution of `channels`: its settings, its kernel, and the number of inputs that an output adds.
pub(super) fn conv_settings(dice: &mut Dice<'_>, channels: usize) -> (Conv, Input, usize) {
    let kernel = [dice.of(&[3, 1, 2, 5]), dice.of(&[3, 1, 2])];
    let padding = dice.padding();
    let strides = [dice.of(&[1, 2, 1, 3]), dice.of(&[1, 2])];
    let dilations = [dice.of(&[1, 1, 2]), dice.of(&[1, 1, 3])];
    let features = dice.of(&[4, 1, 3, 8, 16, 17, 33, 70]);
    let divisors: Vec<usize> = (1..=channels).filter(|&count| channels.is_multiple_of(count)).collect();
    let (groups, features) = match dice.below(4) {
        0 | 1 => (1, features),
        2 => (channels, channels * dice.of(&[1, 2, 3])),
        _ => {
            let groups = dice.of(&divisors);
            (groups, groups * features.div_ceil(groups))
        }
    };
    let terms = channels / groups * kernel[0] * kernel[1];
    let weight = Input::weight(&[features, channels / groups, kernel[0], kernel[1]], terms);
    (Conv { strides, dilations, padding, groups }, weight, features)
}

fn convolution(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (conv, weight, features) = conv_settings(dice, maker.size(maker.x())[0]);
    let bias = dice.yes().then(|| Input::offset(features));
    maker.next(Op::Conv(conv), std::iter::once(weight).chain(bias).collect()).map(drop)
}

/// Adds Keras' convolution, with bias and activation, or after a separate padding layer.
fn keras_convolution(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (conv, weight, features) = conv_settings(dice, maker.size(maker.x())[0]);
    let mut inputs = vec![Input::Made(maker.x()), weight];
    inputs.extend(dice.yes().then(|| Input::offset(features)));
    let (pads, function) = (dice.yes(), dice.unary());
    let read = inputs.len();
    let mut steps = Vec::new();
    if pads {
        let pads = vec![(0, 0), (0, 0), (dice.of(&[0, 1, 2]), 1), (1, dice.of(&[0, 1, -1]))];
        steps.push(Step { op: Op::Pad { mode: PadMode::Constant(0.0), pads }, inputs: 1 });
    }
    steps.push(Step { op: Op::Conv(conv), inputs: read - usize::from(pads) });
    steps.push(Step { op: function, inputs: 0 });
    maker.chain(steps, inputs)
}

fn separable(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (channels, multiplier, features) = (maker.size(maker.x())[0], dice.of(&[1, 2]), dice.of(&[4, 1, 17]));
    let (padding, made) = (dice.padding(), channels * multiplier);
    let conv = |padding, groups| Op::Conv(Conv { strides: [1, 1], dilations: [1, 1], padding, groups });
    let mut inputs = vec![Input::Made(maker.x()), Input::weight(&[made, 1, 3, 3], 9)];
    inputs.push(Input::weight(&[features, made, 1, 1], made));
    inputs.push(Input::offset(features));
    let steps = vec![
        Step { op: conv(padding, channels), inputs: 2 },
        Step { op: conv(Padding2d::default(), 1), inputs: 2 },
        Step { op: dice.unary(), inputs: 0 },
    ];
    maker.chain(steps, inputs)
}

fn normalised(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [channels, ..] = maker.size(maker.x());
    let (scale, bias) = (!dice.yes(), !dice.yes());
    let mut more = Vec::new();
    more.extend(scale.then(|| Input::New(vec![channels], -1.5, 1.5)));
    more.extend(bias.then(|| Input::offset(channels)));
    more.extend([Input::offset(channels), Input::New(vec![channels], 0.25, 2.0)]);
    maker.next(Op::BatchNorm { epsilon: 1e-3, scale, bias }, more).map(drop)
}

fn activation(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    maker.next(dice.unary(), vec![]).map(drop)
}

fn pooled(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    maker.next(Op::MaxPool(dice.pool()), vec![]).map(drop)
}

fn mean_pooled(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    maker.next(Op::AveragePool { pool: dice.pool(), count_include_pad: dice.yes() }, vec![]).map(drop)
}

fn residual(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let size = maker.size(maker.x());
    let other = maker.earlier(dice, |other| other == size)?;
    let function = dice.of(&[Binary::Add, Binary::Mul, Binary::Sub, Binary::Max]);
    maker.next(Op::Binary(function), vec![Input::Made(other)]).map(drop)
}

fn joined(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (size, axis) = (maker.size(maker.x()), dice.of(&[1, 1, 2, 3]));
    let fits = |other: [usize; 3]| (0..3).all(|place| place + 1 == axis || other[place] == size[place]);
    let other = maker.earlier(dice, fits)?;
    let more = vec![Input::Made(other); 1 + dice.below(2)];
    maker.next(Op::Concat { axis }, more).map(drop)
}

/// Adds squeeze-and-excite: the mean of each channel, through two small layers, scales the channel.
fn gated(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (x, [channels, ..]) = (maker.x(), maker.size(maker.x()));
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    let conv = || Op::Conv(Conv { strides: [1, 1], dilations: [1, 1], padding: Padding2d::default(), groups: 1 });
    let inner = 1 + channels / 2;
    maker.next(mean, vec![])?;
    maker.next(conv(), vec![Input::weight(&[inner, channels, 1, 1], channels), Input::offset(inner)])?;
    maker.next(dice.unary(), vec![])?;
    maker.next(conv(), vec![Input::weight(&[channels, inner, 1, 1], inner)])?;
    let gate = maker.next(Op::Unary(Unary::Sigmoid), vec![])?;
    let sides = if dice.yes() { [gate, x] } else { [x, gate] };
    maker.layer(Op::Binary(Binary::Mul), sides.map(Input::Made).into()).map(drop)
}

/// Several outputs of one layer.
fn cut(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let axis = dice.of(&[1, 1, 2]);
    let length = maker.size(maker.x())[axis - 1];
    let first = 1 + dice.below(length);
    let second = dice.below(length - first + 1);
    let sizes = [first, second, length - first - second].into_iter().filter(|&size| size > 0).collect();
    maker.layer(Op::Split { axis, sizes }, vec![Input::Made(maker.x())]).map(drop)
}

fn sliced(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let mut range = |length: usize| {
        let step: isize = dice.of(&[1, 2, -1]);
        let start = dice.below(length);
        let room = if step < 0 { start + 1 } else { (length - start).div_ceil(step.unsigned_abs()) };
        SliceRange { start, step, length: room - dice.below(room) }
    };
    let ranges = maker.size(maker.x()).map(&mut range);
    let batch = SliceRange { start: 0, step: 1, length: 1 };
    maker.next(Op::Slice { ranges: std::iter::once(batch).chain(ranges).collect() }, vec![]).map(drop)
}

/// A convolution whose weights and offsets are computed from parameters.
fn computed_weights(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let ([channels, ..], features) = (maker.size(maker.x()), dice.of(&[4, 3, 17]));
    let turned = Input::weight(&[channels, features, 3, 3], channels * 9);
    let turned = maker.constant(Op::Unary(Unary::Tanh), vec![turned])?;
    let weight = maker.constant(Op::Transpose { perm: vec![1, 0, 2, 3] }, vec![turned])?;
    let sum = maker.constant(Op::Binary(Binary::Add), vec![Input::offset(features), Input::offset(1)])?;
    let conv = Conv { strides: [1, 1], dilations: [1, 1], padding: dice.padding(), groups: 1 };
    maker.next(Op::Conv(conv), vec![weight, sum]).map(drop)
}

/// The same parameters in two layers.
fn shared_weights(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [channels, ..] = maker.size(maker.x());
    let weight = Input::weight(&[channels, channels, 3, 3], channels * 9);
    let weight = maker.value(14, weight);
    let bias = maker.value(15, Input::offset(channels));
    let op = Op::Conv(Conv { strides: [1, 1], dilations: [1, 1], padding: dice.padding(), groups: 1 });
    maker.next(op.clone(), vec![Input::Made(weight), Input::Made(bias)])?;
    maker.next(dice.unary(), vec![])?;
    maker.next(op, vec![Input::Made(weight), Input::Made(bias)]).map(drop)
}

fn with_constant(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [c, h, w] = maker.size(maker.x());
    let shape = dice.of(&[vec![], vec![1], vec![c, 1, 1], vec![1, c, 1, 1], vec![h, w], vec![1, c, h, w], vec![w]]);
    if dice.below(4) == 3 {
        return maker.next(Op::PRelu, vec![Input::New(shape, 0.0, 0.5)]).map(drop);
    }
    let function = dice.of(&[Binary::Mul, Binary::Add, Binary::Sub, Binary::Div, Binary::Min, Binary::Max]);
    let mut sides = [Input::Made(maker.x()), Input::New(shape, 0.5, 1.5)];
    if function != Binary::Div && dice.yes() {
        sides.reverse();
    }
    maker.layer(Op::Binary(function), sides.into()).map(drop)
}

fn rearranged(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [c, h, w] = maker.size(maker.x());
    let op = match dice.below(3) {
        0 => Op::Transpose { perm: dice.of(&[vec![0, 1, 3, 2], vec![0, 2, 3, 1], vec![0, 3, 1, 2], vec![0, 2, 1, 3]]) },
        1 => Op::Reshape {
            shape: dice.of(&[vec![1, h, w, c], vec![1, c, w, h], vec![1, c * h, 1, w], vec![1, 1, h * c, w]]),
        },
        _ => {
            let indices: Vec<usize> = (0..1 + dice.below(c)).map(|_| dice.below(c)).collect();
            Op::Gather { axis: 1, indices_shape: vec![indices.len()], indices }
        }
    };
    maker.next(op, vec![]).map(drop)
}

fn padded(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let mode =
        dice.of(&[PadMode::Constant(0.0), PadMode::Constant(0.5), PadMode::Edge, PadMode::Reflect, PadMode::Wrap]);
    let mut side = || (dice.of(&[0, 1, 2, -1]), dice.of(&[1, 0, 2, -1]));
    let pads = vec![(0, 0), (0, 0), side(), side()];
    maker.next(Op::Pad { mode, pads }, vec![]).map(drop)
}

fn resized(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [_, height, width] = maker.size(maker.x());
    let size = [height * 2, width * dice.of(&[2, 1, 3])];
    let scales = [2.0, (size[1] / width) as f32];
    let (interpolation, coordinates) = dice.of(&[
        (Interpolation::Nearest(NearestMode::Floor), CoordinateMode::Asymmetric),
        (Interpolation::Linear, CoordinateMode::HalfPixel),
    ]);
    maker.next(Op::Resize(Resize { size, scales, interpolation, coordinates }), vec![]).map(drop)
}

/// A reduction, broadcast over its own input.
fn reduced(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let x = maker.x();
    let reduction = dice.of(&[Reduction::Mean, Reduction::Max, Reduction::Sum, Reduction::Min]);
    let axes = dice.of(&[vec![1], vec![2, 3], vec![3], vec![1, 2, 3], vec![2]]);
    maker.next(Op::Reduce { reduction, axes, keep_dims: true }, vec![])?;
    maker.next(Op::Binary(dice.of(&[Binary::Sub, Binary::Max])), vec![Input::Made(x)]).map(drop)
}

/// Keras' sum of three images, or another merging layer: a later step reads another image.
fn merged(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let size = maker.size(maker.x());
    let mut inputs = vec![Input::Made(maker.x())];
    for _ in 0..2 {
        inputs.push(Input::Made(maker.earlier(dice, |other| other == size)?));
    }
    let function = dice.of(&[Binary::Add, Binary::Mul, Binary::Max]);
    let steps = vec![
        Step { op: Op::Binary(function), inputs: 2 },
        Step { op: dice.unary(), inputs: 0 },
        Step { op: Op::Binary(function), inputs: 1 },
    ];
    maker.chain(steps, inputs)
}

/// Chains of layers that move elements.
fn keras_pieces(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (x, [c, h, w]) = (maker.x(), maker.size(maker.x()));
    let turned = Step { op: Op::Transpose { perm: vec![0, 2, 3, 1] }, inputs: 1 };
    let mut inputs = vec![Input::Made(x)];
    let second = match dice.below(4) {
        0 => Step { op: Op::Reshape { shape: vec![1, w, c, h] }, inputs: 0 },
        1 => Step { op: Op::Softmax { axis: 3, to_end: false, log: false }, inputs: 0 },
        2 => {
            inputs.push(Input::weight(&[c, 3], c));
            Step { op: Op::MatMul, inputs: 1 }
        }
        _ => Step { op: Op::MaxPool(dice.pool()), inputs: 0 },
    };
    maker.chain(vec![turned, second, Step { op: dice.unary(), inputs: 0 }], inputs)
}

fn others(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [c, ..] = maker.size(maker.x());
    let op = match dice.below(4) {
        0 => Op::Affine { axis: 1, factor: numbers(c, 5), offset: numbers(c, 6) },
        1 => Op::Lrn { size: 3, alpha: 0.5, beta: 0.75, bias: 1.0 },
        2 => Op::Softmax { axis: 1, to_end: dice.yes(), log: dice.yes() },
        _ => Op::Identity,
    };
    maker.next(op, vec![]).map(drop)
}
