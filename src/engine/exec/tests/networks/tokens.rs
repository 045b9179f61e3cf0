//! Pieces of transformers: images as tokens, and back.

use facts::graph::{Attention, Binary, Einsum, Normalise, Op, Reduction, SliceRange, Unary, ValueId};

use super::{Dice, Input, Maker};

/// Longest sequence of tokens, and of a token's elements: larger ones only take longer.
const MOST: usize = 64;

/// Tokens of an image, within a piece.
struct Tokens<'m> {
    maker: &'m mut Maker,
    /// The images before the piece. Tensors of four axes in the piece are no images.
    images: usize,
    x: ValueId,
    /// Sequences, tokens of each, elements of a token.
    size: [usize; 3],
}

impl Tokens<'_> {
    fn layer(&mut self, op: Op, inputs: Vec<Input>) -> Option<ValueId> {
        let made = self.maker.layer(op, inputs);
        self.maker.images.truncate(self.images);
        made.map(|made| made[0])
    }

    fn of(&mut self, x: ValueId, op: Op, more: Vec<Input>) -> Option<ValueId> {
        self.layer(op, std::iter::once(Input::Made(x)).chain(more).collect())
    }

    /// Normalises each token: in one layer, or as exporters for old operator sets write it.
    fn normalised(&mut self, x: ValueId, dice: &mut Dice<'_>) -> Option<ValueId> {
        let length = self.size[2];
        let (scale, bias) = (Input::New(vec![length], 0.5, 1.5), Input::offset(length));
        if dice.yes() {
            let settings = Normalise {
                axes: vec![2],
                groups: 1,
                centred: dice.yes(),
                epsilon: 1e-3,
                scale: true,
                bias: true,
                along: 2,
            };
            return self.of(x, Op::Normalise(settings), vec![scale, bias]);
        }
        let mean = || Op::Reduce { reduction: Reduction::Mean, axes: vec![2], keep_dims: true };
        let binary = |function| Op::Binary(function);
        let average = self.of(x, mean(), vec![])?;
        let centred = self.of(x, binary(Binary::Sub), vec![Input::Made(average)])?;
        let squared = self.of(centred, binary(Binary::Mul), vec![Input::Made(centred)])?;
        let variance = self.of(squared, mean(), vec![])?;
        let raised = self.of(variance, binary(Binary::Add), vec![Input::New(vec![], 1e-3, 1e-3)])?;
        let deviation = self.of(raised, Op::Unary(Unary::Sqrt), vec![])?;
        let normal = self.of(centred, binary(Binary::Div), vec![Input::Made(deviation)])?;
        let scaled = self.of(normal, binary(Binary::Mul), vec![scale])?;
        self.of(scaled, binary(Binary::Add), vec![bias])
    }

    fn dense(&mut self, x: ValueId, columns: usize) -> Option<ValueId> {
        let length = *self.maker.builder.shape(x).last()?;
        let product = self.of(x, Op::MatMul, vec![Input::weight(&[length, columns], length)])?;
        self.of(product, Op::Binary(Binary::Add), vec![Input::offset(columns)])
    }

    /// Attention of `heads`, in one layer or in several.
    fn attention(&mut self, x: ValueId, heads: usize, dice: &mut Dice<'_>) -> Option<ValueId> {
        let [sequences, count, length] = self.size;
        let part = length / heads;
        let split = Op::Reshape { shape: vec![sequences, count, heads, part] };
        let mut projected = [x; 3];
        for each in &mut projected {
            let made = self.dense(x, length)?;
            let by_head = self.of(made, split.clone(), vec![])?;
            *each = self.of(by_head, Op::Transpose { perm: vec![0, 2, 1, 3] }, vec![])?;
        }
        let [query, key, value] = projected;
        let mixed = match dice.below(3) {
            0 => {
                let scale = 1.0 / (part as f32).sqrt();
                let settings =
                    Attention { heads: None, scale, causal: dice.yes(), softcap: 0.0, mask: false, selects: false };
                self.of(query, Op::Attention(settings), vec![Input::Made(key), Input::Made(value)])?
            }
            1 => {
                let turned = self.of(key, Op::Transpose { perm: vec![0, 1, 3, 2] }, vec![])?;
                let scores = self.of(query, Op::MatMul, vec![Input::Made(turned)])?;
                let masked = match dice.yes() {
                    true => {
                        self.of(scores, Op::Binary(Binary::Add), vec![Input::New(vec![count, count], -1.0, 1.0)])?
                    }
                    false => scores,
                };
                let weights = self.of(masked, Op::Softmax { axis: 3, to_end: false, log: false }, vec![])?;
                self.of(weights, Op::MatMul, vec![Input::Made(value)])?
            }
            _ => {
                let equation = |inputs: [&[u8]; 2], output: &[u8]| {
                    Op::Einsum(Einsum { inputs: inputs.map(<[u8]>::to_vec).to_vec(), output: output.to_vec() })
                };
                let scores = self.of(query, equation([b"bhid", b"bhjd"], b"bhij"), vec![Input::Made(key)])?;
                let weights = self.of(scores, Op::Softmax { axis: 3, to_end: false, log: false }, vec![])?;
                self.of(weights, equation([b"bhij", b"bhjd"], b"bhid"), vec![Input::Made(value)])?
            }
        };
        let side_by_side = self.of(mixed, Op::Transpose { perm: vec![0, 2, 1, 3] }, vec![])?;
        let joined = self.of(side_by_side, Op::Reshape { shape: vec![sequences, count, length] }, vec![])?;
        self.dense(joined, length)
    }
}

/// Adds a block of a transformer over the positions of an image, all together or in windows that may be shifted.
pub(super) fn transformed(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let (image, [c, h, w], images) = (maker.x(), maker.size(maker.x()), maker.images.len());
    let heads = dice.of(&[1, 2, 3].map(|heads| if c.is_multiple_of(heads) { heads } else { 1 }));
    let windows = if dice.yes() { [h, w].map(|length| if length.is_multiple_of(2) { 2 } else { 1 }) } else { [1, 1] };
    let [down, across] = windows;
    let (lines, columns) = (h / down, w / across);
    let size = [down * across, lines * columns, c];
    if c > MOST || size[1] > MOST {
        return None;
    }
    let mut tokens = Tokens { maker, images, x: image, size };
    let last = tokens.of(image, Op::Transpose { perm: vec![0, 2, 3, 1] }, vec![])?;
    let shifted = match dice.yes() {
        true => {
            // A roll along the lines.
            let part = |start, length| {
                let all = |length| SliceRange { start: 0, step: 1, length };
                Op::Slice { ranges: vec![all(1), SliceRange { start, step: 1, length }, all(w), all(c)] }
            };
            let by = h / 2;
            let (below, above) = (tokens.of(last, part(by, h - by), vec![])?, tokens.of(last, part(0, by), vec![])?);
            tokens.of(below, Op::Concat { axis: 1 }, vec![Input::Made(above)])?
        }
        false => last,
    };
    let cut = tokens.of(shifted, Op::Reshape { shape: vec![1, down, lines, across, columns, c] }, vec![])?;
    let turned = tokens.of(cut, Op::Transpose { perm: vec![0, 1, 3, 2, 4, 5] }, vec![])?;
    tokens.x = tokens.of(turned, Op::Reshape { shape: size.to_vec() }, vec![])?;
    if dice.yes() {
        let normal = tokens.normalised(tokens.x, dice)?;
        let mixed = tokens.attention(normal, heads, dice)?;
        tokens.x = tokens.of(tokens.x, Op::Binary(Binary::Add), vec![Input::Made(mixed)])?;
    }
    let normal = tokens.normalised(tokens.x, dice)?;
    let wide = tokens.dense(normal, dice.of(&[8, 3, 17]))?;
    let active = tokens.of(wide, dice.unary(), vec![])?;
    let narrow = tokens.dense(active, c)?;
    tokens.x = tokens.of(tokens.x, Op::Binary(Binary::Add), vec![Input::Made(narrow)])?;
    let cut = tokens.of(tokens.x, Op::Reshape { shape: vec![1, down, across, lines, columns, c] }, vec![])?;
    let turned = tokens.of(cut, Op::Transpose { perm: vec![0, 1, 3, 2, 4, 5] }, vec![])?;
    let whole = tokens.of(turned, Op::Reshape { shape: vec![1, h, w, c] }, vec![])?;
    let back = tokens.layer(Op::Transpose { perm: vec![0, 3, 1, 2] }, vec![Input::Made(whole)])?;
    maker.images.push(back);
    Some(())
}

/// Normalises the channels of each position where they lie, as ConvNeXt does.
pub(super) fn normalised_channels(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<()> {
    let [channels, ..] = maker.size(maker.x());
    if dice.yes() {
        let settings =
            Normalise { axes: vec![1], groups: 1, centred: true, epsilon: 1e-3, scale: true, bias: true, along: 1 };
        let more = vec![Input::New(vec![channels], 0.5, 1.5), Input::offset(channels)];
        return maker.next(Op::Normalise(settings), more).map(drop);
    }
    let x = maker.x();
    let mean = Op::Reduce { reduction: dice.of(&[Reduction::Mean, Reduction::L2]), axes: vec![1], keep_dims: true };
    let mean = maker.next(mean, vec![])?;
    let function = dice.of(&[Binary::Sub, Binary::Div]);
    maker.layer(Op::Binary(function), vec![Input::Made(x), Input::Made(mean)]).map(drop)
}
