//! Pieces that compute with integers.

use facts::format::{Format, Scales};
use facts::graph::{Integer, IntegerFunction, Op, Role, Unary, ValueId};

use super::pieces::conv_settings;
use super::{Dice, Input, Maker};

/// A type of integers with a scale and a zero point.
#[derive(Clone, Copy)]
struct Kind {
    format: Format,
    scale: f32,
    zero: f32,
}

impl Kind {
    fn drawn(dice: &mut Dice<'_>, scale: f32) -> Self {
        let (format, zero) = dice.of(&[
            (Format::U8, 0.0),
            (Format::I8, 0.0),
            (Format::U8, 128.0),
            (Format::I8, -128.0),
            (Format::I8, 5.0),
            (Format::U8, 77.0),
        ]);
        Self { format, scale, zero }
    }

    /// Returns scale and zero point as inputs.
    fn settings(self) -> [Input; 2] {
        let zero = Input::Integers(Vec::new(), self.zero, self.zero, self.format);
        [Input::New(Vec::new(), self.scale, self.scale), zero]
    }
}

impl Maker {
    /// Adds a layer whose first output holds integers.
    fn integers(&mut self, op: Op, inputs: Vec<Input>, format: Format) -> Option<ValueId> {
        let made = self.layer(op, inputs)?[0];
        self.builder.store(made, format, Scales::default()).unwrap();
        Some(made)
    }

    fn quantized(&mut self, x: ValueId, kind: Kind) -> Option<ValueId> {
        let inputs = std::iter::once(Input::Made(x)).chain(kind.settings()).collect();
        self.integers(Op::Quantize { axis: 1, block: 1, format: kind.format }, inputs, kind.format)
    }

    /// Adds the numbers that integers mean, as the next image.
    fn dequantized(&mut self, x: ValueId, kind: Kind, images: usize) -> Option<()> {
        self.images.truncate(images);
        let inputs = std::iter::once(Input::Made(x)).chain(kind.settings()).collect();
        self.layer(Op::Dequantize { axis: 1, block: 1 }, inputs).map(drop)
    }
}

/// A weight of integers with its roles, by the output channel or as one.
fn weight(dice: &mut Dice<'_>, weight: Input, features: usize) -> (Vec<Input>, Kind) {
    let Input::New(shape, ..) = weight else { unreachable!("weights are new") };
    let kind = Kind::drawn(dice, 0.01);
    let (low, high) = if kind.format == Format::U8 { (0.0, 255.0) } else { (-127.0, 127.0) };
    let each = dice.yes();
    let scale = Input::New(if each { vec![features] } else { Vec::new() }, 0.005, 0.015);
    let zero = match dice.yes() {
        false => Input::Integers(Vec::new(), kind.zero, kind.zero, kind.format),
        true => Input::Integers(vec![features], low / 4.0 + 10.0, high / 4.0, kind.format),
    };
    (vec![Input::Integers(shape, low, high, kind.format), scale, zero], kind)
}

const TWO: [Role; 6] = [Role::Tensor, Role::Scale, Role::Zero, Role::Tensor, Role::Scale, Role::Zero];
const OUTPUT: [Role; 2] = [Role::OutputScale, Role::OutputZero];

/// A convolution of integers, perhaps followed by other operators on integers.
pub(super) fn integer_convolution(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let images = maker.images.len();
    let from = Kind::drawn(dice, 0.02);
    let (conv, kernel, features) = conv_settings(dice, maker.size(maker.x())[0]);
    let x = maker.quantized(maker.x(), from)?;
    let (weights, _) = weight(dice, kernel, features);
    let to = Kind { format: from.format, scale: dice.of(&[0.05, 0.4, 2.0]), ..from };
    let mut inputs = vec![Input::Made(x)];
    inputs.extend(from.settings());
    inputs.extend(weights);
    let mut roles = TWO.to_vec();
    if dice.yes() {
        inputs.push(Input::Integers(vec![features], -3000.0, 3000.0, Format::I32));
        roles.push(Role::Bias);
    }
    inputs.extend(to.settings());
    roles.extend(OUTPUT);
    let op =
        Op::Integer(Integer { function: IntegerFunction::Conv(conv), roles, input: from.format, output: to.format });
    let mut y = maker.integers(op, inputs, to.format)?;
    let mut kind = to;
    for _ in 0..dice.below(3) {
        let next = Kind { scale: kind.scale * 1.5, ..kind };
        let pair = |function| Integer {
            function,
            roles: [&TWO[..], &OUTPUT].concat(),
            input: kind.format,
            output: next.format,
        };
        let one = |function| Integer {
            function,
            roles: [&TWO[..3], &OUTPUT].concat(),
            input: kind.format,
            output: next.format,
        };
        let (integer, count) = match dice.below(6) {
            0 => (pair(IntegerFunction::Add), 2),
            1 => (pair(IntegerFunction::Mul), 2),
            2 => (one(IntegerFunction::Unary(Unary::LeakyRelu { alpha: 0.1 })), 1),
            3 => (one(IntegerFunction::Unary(Unary::Sigmoid)), 1),
            4 => (one(IntegerFunction::AveragePool { pool: dice.pool(), count_include_pad: dice.yes() }), 1),
            _ => (one(IntegerFunction::Softmax { axis: 1, end: 2 }), 1),
        };
        let mut inputs = Vec::new();
        for _ in 0..count {
            inputs.push(Input::Made(y));
            inputs.extend(kind.settings());
        }
        inputs.extend(next.settings());
        y = maker.integers(Op::Integer(integer), inputs, next.format)?;
        kind = next;
    }
    maker.dequantized(y, kind, images)
}

/// A convolution whose input finds its scale itself, in sums of 32 bits; the sums are scaled as numbers.
pub(super) fn dynamic_convolution(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let images = maker.images.len();
    let (conv, kernel, features) = conv_settings(dice, maker.size(maker.x())[0]);
    let made = maker.layer(Op::DynamicQuantize, vec![Input::Made(maker.x())])?;
    for &integers in &[made[0], made[2]] {
        maker.builder.store(integers, Format::U8, Scales::default()).unwrap();
    }
    let (weights, _) = weight(dice, kernel, features);
    let mut weights = weights.into_iter();
    let (weight, _, zero) = (weights.next()?, weights.next()?, weights.next()?);
    let roles = vec![Role::Tensor, Role::Zero, Role::Tensor, Role::Zero];
    let op =
        Op::Integer(Integer { function: IntegerFunction::Conv(conv), roles, input: Format::U8, output: Format::I32 });
    let inputs = vec![Input::Made(made[0]), Input::Made(made[2]), weight, zero];
    let sums = maker.integers(op, inputs, Format::I32)?;
    let scale = maker
        .layer(Op::Binary(facts::graph::Binary::Mul), vec![Input::Made(made[1]), Input::New(Vec::new(), 0.01, 0.01)])?
        [0];
    maker.images.truncate(images);
    maker.layer(Op::Binary(facts::graph::Binary::Mul), vec![Input::Made(sums), Input::Made(scale)]).map(drop)
}

/// Means of all positions and a matrix product of integers, back on the image as a gate.
pub(super) fn integer_gate(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (image, images) = (maker.x(), maker.images.len());
    let [channels, ..] = maker.size(image);
    let from = Kind::drawn(dice, 0.02);
    let x = maker.quantized(image, from)?;
    let to = Kind { scale: 0.01, ..from };
    let mut inputs = vec![Input::Made(x)];
    inputs.extend(from.settings());
    inputs.extend(to.settings());
    let roles = [&TWO[..3], &OUTPUT].concat();
    let mean = Integer { function: IntegerFunction::GlobalAveragePool, roles, input: from.format, output: to.format };
    let mean = maker.integers(Op::Integer(mean), inputs, to.format)?;
    let flat = maker.integers(Op::Reshape { shape: vec![1, channels] }, vec![Input::Made(mean)], to.format)?;
    let trans_b = dice.yes();
    let (weights, _) = weight(dice, Input::weight(&[channels, channels], channels), channels);
    let mut inputs = vec![Input::Made(flat)];
    inputs.extend(to.settings());
    inputs.extend(weights);
    let mut roles = TWO.to_vec();
    let is_gemm = dice.yes();
    if is_gemm {
        inputs.push(Input::Integers(vec![channels], -300.0, 300.0, Format::I32));
        roles.push(Role::Bias);
    }
    let scaled = is_gemm && dice.yes();
    let end = Kind { scale: 0.05, ..to };
    if !scaled {
        inputs.extend(end.settings());
        roles.extend(OUTPUT);
    }
    let output = if scaled { Format::F32 } else { end.format };
    let function = match is_gemm {
        true => IntegerFunction::Gemm { alpha: 1.0, trans_a: false, trans_b },
        false => IntegerFunction::MatMul,
    };
    let made = maker.integers(Op::Integer(Integer { function, roles, input: to.format, output }), inputs, output)?;
    let made = match scaled {
        true => made,
        false => {
            let inputs = std::iter::once(Input::Made(made)).chain(end.settings()).collect();
            maker.layer(Op::Dequantize { axis: 1, block: 1 }, inputs)?[0]
        }
    };
    let gate = maker.layer(Op::Reshape { shape: vec![1, channels, 1, 1] }, vec![Input::Made(made)])?[0];
    maker.images.truncate(images);
    maker.layer(Op::Binary(facts::graph::Binary::Mul), vec![Input::Made(image), Input::Made(gate)]).map(drop)
}
