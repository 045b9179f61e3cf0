//! Random small networks with every kind of layer, combined in every way.

mod integers;
mod newer;
mod pieces;
mod tokens;

use facts::format::{Format, Scales};
use facts::graph::{
    Graph, GraphBuilder, HostTensor, Layout, Op, Padding2d, Pool, Reduction, Step, Unary, ValueId, infer,
};
use proptest::prelude::*;

use super::numbers;
use pieces::PIECES;

/// Most elements of a tensor.
const LARGEST: usize = 4096;
/// Settings of a piece: more than any piece uses.
type Numbers = [u16; 16];

/// The description of a network: numbers, which proptest reduces to find the simplest network that fails.
#[derive(Clone, Debug)]
pub struct Recipe {
    input: [usize; 3],
    pieces: Vec<(usize, Numbers)>,
    end: Numbers,
}

pub fn recipes() -> impl Strategy<Value = Recipe> {
    let numbers = || prop::array::uniform16(any::<u16>());
    let pieces = prop::collection::vec((0..PIECES.len(), numbers()), 1..9);
    let input = (1usize..6, 4usize..13, 4usize..13);
    (input, pieces, numbers()).prop_map(|((channels, height, width), pieces, end)| Recipe {
        input: [channels, height, width],
        pieces,
        end,
    })
}

impl Recipe {
    pub fn graph(&self) -> Graph {
        let [channels, height, width] = self.input;
        let mut builder = GraphBuilder::new("random");
        let image = builder.input("image", [1, channels, height, width]).unwrap();
        let mut maker = Maker { builder, images: vec![image], layers: 0 };
        for (piece, numbers) in &self.pieces {
            // A piece that does not fit is omitted.
            let _ = PIECES[piece % PIECES.len()](&mut maker, &mut Dice(numbers.iter()));
        }
        let mut dice = Dice(self.end.iter());
        let scores = end(&mut maker, &mut dice).expect("an end fits any image");
        let second = dice.yes().then(|| maker.earlier(&mut dice, |_| true)).flatten();
        let outputs: Vec<ValueId> = std::iter::once(scores).chain(second.filter(|&value| value != image)).collect();
        maker.builder.finish(&outputs).unwrap()
    }
}

/// The settings of a piece, read one after the other.
struct Dice<'a>(std::slice::Iter<'a, u16>);

impl Dice<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % bound
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn unary(&mut self) -> Op {
        Op::Unary(self.of(&[
            Unary::Relu,
            Unary::Clip { min: 0.0, max: 6.0 },
            Unary::ClippedRelu { max: 6.0, slope: 0.25, threshold: 0.125 },
            Unary::LeakyRelu { alpha: 0.1 },
            Unary::Sigmoid,
            Unary::Swish { alpha: 1.0 },
            Unary::HardSwish,
            Unary::Tanh,
            Unary::Elu { alpha: 1.0 },
            Unary::Gelu { tanh: false },
            Unary::Abs,
        ]))
    }

    fn padding(&mut self) -> Padding2d {
        let [top, left, bottom, right] = std::array::from_fn(|_| self.of(&[1, 0, 2, 0]));
        Padding2d { top, left, bottom, right }
    }

    fn pool(&mut self) -> Pool {
        Pool {
            kernel: [self.of(&[2, 1, 3, 4]), self.of(&[2, 1, 3])],
            strides: [self.of(&[1, 2, 3]), self.of(&[1, 2])],
            dilations: [self.of(&[1, 1, 2]), self.of(&[1, 1, 2])],
            padding: self.padding(),
            ceil_mode: self.yes(),
        }
    }
}

/// An input of a layer.
#[derive(Clone)]
enum Input {
    Made(ValueId),
    /// A parameter of this shape with elements between the two numbers.
    New(Vec<usize>, f32, f32),
    /// The same of whole numbers, stored in this format.
    Integers(Vec<usize>, f32, f32, Format),
}

impl Input {
    /// Weights of `shape` for sums of `terms` inputs that keep the inputs' scale.
    fn weight(shape: &[usize], terms: usize) -> Self {
        let limit = (3.0 / terms as f32).sqrt();
        Self::New(shape.to_vec(), -limit, limit)
    }

    fn offset(count: usize) -> Self {
        Self::New(vec![count], -0.5, 0.5)
    }
}

/// A network under construction.
struct Maker {
    builder: GraphBuilder,
    /// All images so far. The next piece reads the last one.
    images: Vec<ValueId>,
    layers: usize,
}

impl Maker {
    fn x(&self) -> ValueId {
        self.images[self.images.len() - 1]
    }

    /// Channels, height and width.
    fn size(&self, image: ValueId) -> [usize; 3] {
        let shape = self.builder.shape(image);
        [shape[1], shape[2], shape[3]]
    }

    /// Returns one of the images so far.
    fn earlier(&self, dice: &mut Dice<'_>, fits: impl Fn([usize; 3]) -> bool) -> Option<ValueId> {
        let images: Vec<ValueId> = self.images.iter().copied().filter(|&image| fits(self.size(image))).collect();
        (!images.is_empty()).then(|| dice.of(&images))
    }

    /// Adds a layer if it fits, and returns its outputs.
    fn layer(&mut self, op: Op, inputs: Vec<Input>) -> Option<Vec<ValueId>> {
        let shapes: Vec<&[usize]> = inputs
            .iter()
            .map(|input| match input {
                Input::Made(value) => self.builder.shape(*value),
                Input::New(shape, ..) | Input::Integers(shape, ..) => shape,
            })
            .collect();
        let outputs = infer(&op, &shapes).ok()?;
        let fits = |shape: &Vec<usize>| (1..=LARGEST).contains(&shape.iter().product());
        if !outputs.iter().all(fits) {
            return None;
        }
        self.layers += 1;
        let number = self.layers;
        let inputs: Vec<ValueId> = inputs.into_iter().enumerate().map(|(nth, input)| self.value(nth, input)).collect();
        let names: Vec<String> = (0..outputs.len()).map(|nth| format!("{number}.{nth}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let kind = format!("{op:?}");
        let kind = kind.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or("Layer");
        let made = self.builder.node("", kind, op, &inputs, &names).unwrap();
        self.images.extend(made.iter().filter(|&&value| self.builder.shape(value).len() == 4));
        Some(made)
    }

    fn value(&mut self, nth: usize, input: Input) -> ValueId {
        let (shape, low, high, format) = match input {
            Input::Made(value) => return value,
            Input::New(shape, low, high) => (shape, low, high, Format::F32),
            Input::Integers(shape, low, high, format) => (shape, low, high, format),
        };
        let seed = (self.layers * 16 + nth) as u32;
        let data = numbers(shape.iter().product(), seed).into_iter();
        let data = data.map(|number| low + (high - low) * (number + 1.0) / 2.0);
        let data: Vec<f32> = data.map(|number| format.round(number)).collect();
        let parameter = HostTensor::new(shape, data).unwrap();
        let id = self.builder.parameter(format!("{}.parameter{nth}", self.layers), parameter).unwrap();
        self.builder.store(id, format, Scales::default()).unwrap();
        id
    }

    /// Adds a layer that reads the last image.
    fn next(&mut self, op: Op, more: Vec<Input>) -> Option<ValueId> {
        let inputs = std::iter::once(Input::Made(self.x())).chain(more).collect();
        self.layer(op, inputs).map(|made| made[0])
    }

    /// Adds a layer of constants, which makes no image.
    fn constant(&mut self, op: Op, inputs: Vec<Input>) -> Option<Input> {
        let images = self.images.len();
        let made = self.layer(op, inputs);
        self.images.truncate(images);
        made.map(|made| Input::Made(made[0]))
    }

    /// Adds a chain, laid out as in Keras.
    fn chain(&mut self, steps: Vec<Step>, inputs: Vec<Input>) -> Option<()> {
        let made = self.layer(Op::Chain(steps), inputs)?[0];
        if self.builder.shape(made).len() == 4 {
            self.builder.lay_out(made, Layout::new(&[0, 2, 3, 1])).unwrap();
        }
        Some(())
    }
}

/// Adds the layers from the last image to the class scores.
fn end(maker: &mut Maker, dice: &mut Dice<'_>) -> Option<ValueId> {
    let [c, h, w] = maker.size(maker.x());
    let reduction = dice.of(&[Reduction::Mean, Reduction::Max]);
    let turned = Op::Chain(vec![
        Step { op: Op::Transpose { perm: vec![0, 2, 3, 1] }, inputs: 1 },
        Step { op: Op::Reshape { shape: vec![1, c * h * w] }, inputs: 0 },
    ]);
    let mut flat = match dice.below(4) {
        0 => maker.next(Op::Reduce { reduction, axes: vec![2, 3], keep_dims: false }, vec![])?,
        1 => maker.next(Op::Reshape { shape: vec![1, c * h * w] }, vec![])?,
        2 => maker.next(turned, vec![])?,
        _ => {
            maker.next(Op::Reduce { reduction, axes: vec![2, 3], keep_dims: true }, vec![])?;
            maker.next(Op::Reshape { shape: vec![1, c] }, vec![])?
        }
    };
    let mut dense = |maker: &mut Maker, columns: usize, dice: &mut Dice<'_>| {
        let rows = maker.builder.shape(flat)[1];
        let trans_b = dice.yes();
        let weight = Input::weight(&if trans_b { [columns, rows] } else { [rows, columns] }, rows);
        let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b };
        let inputs = vec![Input::Made(flat), weight, Input::offset(columns)];
        let op = match dice.yes() {
            false => gemm,
            true => Op::Chain(vec![Step { op: gemm, inputs: 3 }, Step { op: dice.unary(), inputs: 0 }]),
        };
        flat = maker.layer(op, inputs)?[0];
        Some(flat)
    };
    if dice.yes() {
        dense(maker, dice.of(&[8, 20, 65]), dice)?;
    }
    let scores = dense(maker, dice.of(&[5, 2, 19]), dice)?;
    if dice.yes() {
        return Some(scores);
    }
    let softmax = Op::Softmax { axis: 1, to_end: false, log: false };
    maker.layer(softmax, vec![Input::Made(scores)]).map(|made| made[0])
}
