//! Pieces that resample, find places, and work on volumes; an attention with its projections.

use facts::graph::{Binary, Conv, Conv3, GridMode, GridSample, Mix, MultiHead, Op, Outside, Padding2d, Step, Unary};

use super::{Dice, Input, Maker};

/// Most tokens of an attention.
const MOST: usize = 64;

/// Mixes the entries of one axis, as a resampling does, or of none.
pub(super) fn mixed(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let axis = 1 + dice.below(3);
    let length = maker.size(maker.x())[axis - 1];
    let count = dice.of(&[length, 2 * length, length.div_ceil(2), 1]);
    let (wide, step) = (dice.below(4), 1 + dice.below(3));
    let entry = |index: usize| {
        let first = index * length / count;
        let near = (0..wide).map(|tap| (first + tap * step).min(length - 1));
        near.map(|entry| (entry as u32, 1.0 / (1.0 + entry as f32 % 3.0))).collect()
    };
    maker.next(Op::Mix(Mix { axis, taps: (0..count).map(entry).collect(), fill: 0.25 }), vec![]).map(drop)
}

/// Lets the greatest channel of each position through, or the position of each channel.
pub(super) fn placed(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let x = maker.x();
    let axis = 1 + dice.below(3);
    let depth = maker.size(x)[axis - 1];
    let place = Op::Place { axis, keep_dims: false, smallest: dice.yes(), last: dice.yes() };
    let steps = vec![
        Step { op: place, inputs: 1 },
        Step { op: Op::OneHot { axis, depth, on: 1.5, off: 0.5 }, inputs: 0 },
        Step { op: Op::Binary(Binary::Mul), inputs: 1 },
    ];
    maker.layer(Op::Chain(steps), vec![Input::Made(x), Input::Made(x)]).map(drop)
}

/// Samples an image at places that are made of it.
pub(super) fn sampled(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (x, images) = (maker.x(), maker.images.len());
    let [c, ..] = maker.size(x);
    let conv = Op::Conv(Conv { strides: [1, 2], dilations: [1, 1], padding: Padding2d::default(), groups: 1 });
    let steps = vec![
        Step { op: conv, inputs: 2 },
        Step { op: Op::Unary(Unary::Tanh), inputs: 0 },
        Step { op: Op::Transpose { perm: vec![0, 2, 3, 1] }, inputs: 0 },
    ];
    let grid = maker.layer(Op::Chain(steps), vec![Input::Made(x), Input::weight(&[2, c, 1, 1], c)])?[0];
    // Its last axis holds coordinates.
    maker.images.truncate(images);
    let settings = GridSample {
        mode: dice.of(&[GridMode::Linear, GridMode::Nearest, GridMode::Cubic]),
        outside: dice.of(&[Outside::Zeros, Outside::Border, Outside::Reflection]),
        align_corners: dice.yes(),
    };
    maker.layer(Op::GridSample(settings), vec![Input::Made(x), Input::Made(grid)]).map(drop)
}

/// Takes the channels for the depth of a volume.
pub(super) fn volume(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [c, h, w] = maker.size(maker.x());
    let wide = dice.of(&[1, 2, 3]);
    let transposed = dice.yes().then(|| [0, dice.below(2), 0]);
    let conv = Conv3 {
        strides: [1, dice.of(&[2, 1]), 2],
        dilations: [1, 1, dice.of(&[1, 2])],
        padding: [(1, 0), (1, 1), (0, 1)],
        groups: 1,
        transposed,
    };
    let weight = if transposed.is_some() { [1, wide, 2, 3, 2] } else { [wide, 1, 2, 3, 2] };
    let inputs = vec![Input::Made(maker.x()), Input::weight(&weight, 12), Input::offset(wide)];
    let shape = vec![1, 1, c, h, w];
    let made = facts::graph::infer(&Op::Conv3(conv.clone()), &[&shape, &weight]).ok()?.pop()?;
    let steps = vec![
        Step { op: Op::Reshape { shape }, inputs: 1 },
        Step { op: Op::Conv3(conv), inputs: 2 },
        Step { op: Op::Reshape { shape: vec![1, made[1] * made[2], made[3], made[4]] }, inputs: 0 },
    ];
    maker.layer(Op::Chain(steps), inputs).map(drop)
}

/// Attends to all positions, as Keras' layer does.
pub(super) fn attended(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (x, images) = (maker.x(), maker.images.len());
    let [c, h, w] = maker.size(x);
    if c * h * w > 16 * MOST || h * w > MOST {
        return None;
    }
    let tokens = maker.next(Op::Reshape { shape: vec![1, h * w, c] }, vec![])?;
    let [heads, others] = dice.of(&[[2, 2], [1, 1], [4, 2]]);
    let (length, of_values, bias) = (dice.of(&[3, 2]), dice.of(&[2, 5]), dice.yes());
    let mut inputs = vec![Input::Made(tokens); 3];
    let widths = [(c, heads * length), (c, others * length), (c, others * of_values), (heads * of_values, c)];
    for (rows, columns) in widths {
        inputs.push(Input::weight(&[rows, columns], rows));
        inputs.extend(bias.then(|| Input::offset(columns)));
    }
    let settings = MultiHead { heads: [heads, others], scale: 0.5, bias, causal: dice.yes(), mask: false };
    let made = maker.layer(Op::MultiHead(settings), inputs)?[0];
    maker.images.truncate(images);
    maker.layer(Op::Reshape { shape: vec![1, c, h, w] }, vec![Input::Made(made)]).map(drop)
}
