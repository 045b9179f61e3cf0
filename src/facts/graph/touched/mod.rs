//! What a change of one element costs, from geometry alone: the multiply-adds of a layer, and of the part of every later
//! layer that the change can reach.
//!
//! The part is a box of positions and a number of channels. A box is the product of two intervals, and operators move rows
//! and columns alike without mixing them, so each axis is followed by itself, for all positions of the change at once.
//! Nothing is known of values: masking (a dead ReLU, a maximum won by another element) makes the real cost less.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Conv, Conv3, Graph, Integer, IntegerFunction, NodeId, Op, PadMode, Pool, Step, ValueId};

/// What the change of an element of one layer reaches of one tensor.
#[derive(Clone, Debug, PartialEq)]
struct Touched {
    /// By row of the change, the rows reached.
    rows: Vec<Range<usize>>,
    /// By column of the change, the columns reached.
    columns: Vec<Range<usize>>,
    /// Channels reached.
    channels: usize,
}

impl Graph {
    /// Multiply-adds of layer `node` for one image: those of convolutions and matrix products; other operators count as none.
    pub fn multiply_adds(&self, node: NodeId) -> u64 {
        let shapes: Vec<&[usize]> = self.nodes[node].inputs.iter().map(|&id| self.shape_of(id)).collect();
        match &self.nodes[node].op {
            Op::Chain(steps) => {
                let mut sum = 0;
                chain(steps, self.links(node), &shapes, |op, shapes, output| sum += multiply_adds(op, shapes, output));
                sum
            }
            Op::Folded => 0,
            op => self.nodes[node].outputs.iter().map(|&id| multiply_adds(op, &shapes, self.shape_of(id))).sum(),
        }
    }

    /// Multiply-adds of what a change of one element of layer `node`'s output can reach of the layers after it, for one
    /// image: the mean over the positions of the element, all equally likely.
    ///
    /// An exact injector that computes nothing but what may have changed does this much, less what masking saves.
    pub fn touched_multiply_adds(&self, node: NodeId) -> f64 {
        let mut touched: Vec<Option<Touched>> = vec![None; self.values.len()];
        for &id in &self.nodes[node].outputs {
            touched[id] = Some(Touched::one(self.shape_of(id)));
        }
        let mut sum = 0.0;
        for (id, layer) in self.nodes.iter().enumerate().skip(node + 1) {
            if layer.op == Op::Folded || layer.inputs.iter().all(|&id| touched[id].is_none()) {
                continue;
            }
            let inputs: Vec<Option<&Touched>> = layer.inputs.iter().map(|&id| touched[id].as_ref()).collect();
            let shapes: Vec<&[usize]> = layer.inputs.iter().map(|&id| self.shape_of(id)).collect();
            let mut reached = Vec::with_capacity(layer.outputs.len());
            for &value in &layer.outputs {
                let part = match &layer.op {
                    Op::Chain(steps) => reach_of_chain(steps, self.links(id), &inputs, &shapes, &mut sum),
                    op => Some(reach(op, &inputs, &shapes, self.shape_of(value), &mut sum)),
                };
                reached.push((value, part));
            }
            for (id, part) in reached {
                touched[id] = part;
            }
        }
        sum
    }

    fn shape_of(&self, id: ValueId) -> &[usize] {
        &self.values[id].shape
    }
}

/// Channels, height and width: of an image its own, of anything else its elements and a single position.
fn extent(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [_, channels, height, width] => [channels, height, width],
        _ => [shape.iter().product(), 1, 1],
    }
}

/// Multiply-adds for one element of the output.
fn each(op: &Op, shapes: &[&[usize]]) -> u64 {
    let count = match op {
        // A kernel is O x I/groups x KH x KW.
        Op::Conv(_) => shapes[1][1..].iter().product(),
        Op::Gemm { trans_a, .. } => shapes[0][usize::from(!trans_a)],
        Op::Integer(integer) => return each_integer(integer, shapes),
        Op::MatMul => shapes[0].last().copied().unwrap_or(1),
        _ => 0,
    };
    count as u64
}

/// The same of an operator on integers.
fn each_integer(integer: &Integer, shapes: &[&[usize]]) -> u64 {
    let operands = integer.operands();
    let shape = |nth: usize| operands.get(nth).map_or(&[][..], |operand| shapes[operand.tensor]);
    let count = match &integer.function {
        IntegerFunction::Conv(_) => shape(1)[1..].iter().product(),
        IntegerFunction::MatMul => shape(0).last().copied().unwrap_or(1),
        IntegerFunction::Gemm { trans_a, .. } => shape(0)[usize::from(!trans_a)],
        _ => 0,
    };
    count as u64
}

/// Multiply-adds of `op`, which is no chain, on inputs of these shapes, for an output of shape `output`.
pub fn multiply_adds(op: &Op, shapes: &[&[usize]], output: &[usize]) -> u64 {
    let count = |shape: &[usize]| shape.iter().map(|&length| length as u64).product::<u64>();
    match op {
        Op::ConvTranspose(_) | Op::Conv3(Conv3 { transposed: Some(_), .. }) => {
            count(shapes[0]) * count(&shapes[1][1..])
        }
        Op::MultiHead(settings) => {
            let matrix = |input: usize| 3 + input * (1 + usize::from(settings.bias));
            let tokens = |input: usize| shapes[input][shapes[input].len() - 2] as u64;
            let projected = |input: usize| tokens(input) * count(shapes[matrix(input)]);
            let lengths = shapes[matrix(0)][1] as u64 + shapes[matrix(3)][0] as u64;
            (0..3).map(projected).sum::<u64>() + tokens(0) * (tokens(1) * lengths + count(shapes[matrix(3)]))
        }
        Op::Conv3(_) => count(output) * count(&shapes[1][1..]),
        Op::Einsum(einsum) if einsum.inputs.len() > 1 => {
            let axes: BTreeMap<u8, u64> = (einsum.inputs.iter().zip(shapes))
                .flat_map(|(axes, shape)| axes.iter().copied().zip(shape.iter().map(|&length| length as u64)))
                .collect();
            axes.values().product()
        }
        // The scores, and the sum of the values that they weigh.
        Op::Attention(attention) => {
            let [query, key, value] = [0, 1, 2].map(|input| shapes[input]);
            let tokens = |shape: &[usize]| shape[shape.len() - 2] as u64;
            let heads = attention.heads.map_or(query[1], |[queries, _]| queries) as u64;
            let last = |shape: &[usize], heads: u64| shape[shape.len() - 1] as u64 / heads;
            let of_values = attention.heads.map_or(1, |[_, values]| values as u64);
            let length = last(query, if attention.heads.is_some() { heads } else { 1 }) + last(value, of_values);
            query[0] as u64 * heads * tokens(query) * tokens(key) * length
        }
        _ => each(op, shapes) * count(output),
    }
}

/// Hands each of `steps` to `visit`, with the shapes of what it reads and makes; `links` are the latter.
fn chain(steps: &[Step], links: &[Vec<usize>], shapes: &[&[usize]], mut visit: impl FnMut(&Op, &[&[usize]], &[usize])) {
    let mut rest = shapes;
    let mut made: Option<&[usize]> = None;
    for (step, output) in steps.iter().zip(links) {
        let (own, later) = rest.split_at(step.inputs);
        rest = later;
        let taken: Vec<&[usize]> = made.into_iter().chain(own.iter().copied()).collect();
        visit(&step.op, &taken, output);
        made = Some(output);
    }
}

/// What is reached of an output of `op`, which is no chain; what that costs is added to `sum`.
fn reach(op: &Op, inputs: &[Option<&Touched>], shapes: &[&[usize]], output: &[usize], sum: &mut f64) -> Touched {
    let part = moved(op, inputs, shapes, output);
    *sum += each(op, shapes) as f64 * part.elements();
    part
}

/// The same of a chain. Only the first step reads the chain's input; the others read parameters and what the step before
/// made.
fn reach_of_chain(
    steps: &[Step],
    links: &[Vec<usize>],
    inputs: &[Option<&Touched>],
    shapes: &[&[usize]],
    sum: &mut f64,
) -> Option<Touched> {
    let mut made: Option<Touched> = None;
    chain(steps, links, shapes, |op, shapes, output| {
        made = Some(match &made {
            None => reach(op, &inputs[..shapes.len()], shapes, output, sum),
            Some(before) => reach(op, &[Some(before)], shapes, output, sum),
        });
    });
    made
}

/// What is reached of an output of `op`, which is no chain. Where an operator's reach is not known, that is all of it.
fn moved(op: &Op, inputs: &[Option<&Touched>], shapes: &[&[usize]], output: &[usize]) -> Touched {
    let Some(first) = inputs.iter().flatten().next() else {
        unreachable!("a layer is visited because one of its inputs is touched")
    };
    let [channels, height, width] = extent(output);
    let image = shapes[0].len() == 4;
    let whole = first.whole(channels, height, width);
    match op {
        Op::Conv(conv) => convolved(conv, first, shapes[1], output),
        Op::MaxPool(pool) | Op::AveragePool { pool, .. } => pooled(pool, first, output),
        Op::Integer(integer) => match &integer.function {
            IntegerFunction::Conv(conv) if image => {
                let weight = integer.operands()[1].tensor;
                // A change of a zero point or of a scale reaches everything.
                if inputs[0].is_some() { convolved(conv, first, shapes[weight], output) } else { whole }
            }
            IntegerFunction::AveragePool { pool, .. } if image => pooled(pool, first, output),
            IntegerFunction::GlobalAveragePool if image => Touched { channels: first.channels, ..whole },
            IntegerFunction::Unary(_) => (*first).clone(),
            IntegerFunction::Add | IntegerFunction::Mul if first.rows.len() == height => (*first).clone(),
            IntegerFunction::Concat { axis: 1 } if image => {
                joined(inputs.iter().flatten().map(|&part| part.clone()), usize::saturating_add)
            }
            _ => whole,
        },
        Op::Quantize { .. } | Op::Dequantize { .. } if inputs[0].is_some() => (*first).clone(),
        Op::Reduce { axes, .. } if image && axes[..] == [2, 3] => {
            Touched { channels: first.channels, ..first.whole(channels, 1, 1) }
        }
        Op::Unary(_) | Op::Identity | Op::BatchNorm { .. } | Op::Affine { .. } => (*first).clone(),
        Op::Lrn { size, .. } => Touched { channels: (first.channels * size).min(channels), ..(*first).clone() },
        Op::Softmax { axis: 1, to_end: false, .. } => Touched { channels, ..(*first).clone() },
        Op::Pad { mode: PadMode::Constant(_), pads } if image && pads[..2] == [(0, 0); 2] => Touched {
            rows: shifted(&first.rows, pads[2].0, height),
            columns: shifted(&first.columns, pads[3].0, width),
            channels: first.channels,
        },
        Op::Split { axis: 1, .. } if image => Touched { channels: first.channels.min(channels), ..(*first).clone() },
        Op::Concat { axis: 1 } if image => {
            joined(inputs.iter().flatten().map(|&part| part.clone()), usize::saturating_add)
        }
        Op::Binary(_) | Op::PRelu => {
            let spread = |(part, shape): (&Option<&Touched>, &&[usize])| {
                let part = (*part)?;
                let whole = part.whole(channels, height, width);
                let own = extent(shape);
                Some(Touched {
                    rows: if own[1] == height { part.rows.clone() } else { whole.rows },
                    columns: if own[2] == width { part.columns.clone() } else { whole.columns },
                    channels: if own[0] == channels { part.channels } else { channels },
                })
            };
            joined(inputs.iter().zip(shapes).filter_map(spread), usize::max)
        }
        _ => whole,
    }
}

/// What a convolution reaches.
fn convolved(conv: &Conv, part: &Touched, weight: &[usize], output: &[usize]) -> Touched {
    let [channels, height, width] = extent(output);
    let window = |axis: usize, before, length| Window {
        kernel: weight[2..][axis],
        stride: conv.strides[axis],
        dilation: conv.dilations[axis],
        before,
        length,
    };
    Touched {
        rows: window(0, conv.padding.top, height).of(&part.rows),
        columns: window(1, conv.padding.left, width).of(&part.columns),
        channels: part.channels.min(conv.groups) * (channels / conv.groups),
    }
}

/// What a pooling window reaches.
fn pooled(pool: &Pool, part: &Touched, output: &[usize]) -> Touched {
    let [_, height, width] = extent(output);
    let window = |axis: usize, before, length| Window {
        kernel: pool.kernel[axis],
        stride: pool.strides[axis],
        dilation: pool.dilations[axis],
        before,
        length,
    };
    Touched {
        rows: window(0, pool.padding.top, height).of(&part.rows),
        columns: window(1, pool.padding.left, width).of(&part.columns),
        channels: part.channels,
    }
}

/// The smallest part that holds all `parts`, of which there is at least one.
fn joined(parts: impl Iterator<Item = Touched>, channels: impl Fn(usize, usize) -> usize) -> Touched {
    let hull = |a: Vec<Range<usize>>, b: Vec<Range<usize>>| a.into_iter().zip(b).map(|(a, b)| hull(a, b)).collect();
    let join = |a: Touched, b: Touched| Touched {
        rows: hull(a.rows, b.rows),
        columns: hull(a.columns, b.columns),
        channels: channels(a.channels, b.channels),
    };
    parts.reduce(join).expect("a layer is visited because one of its inputs is touched")
}

fn hull(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

fn shifted(spans: &[Range<usize>], by: isize, length: usize) -> Vec<Range<usize>> {
    let place = |at: usize| at.saturating_add_signed(by).min(length);
    spans.iter().map(|span| place(span.start)..place(span.end)).collect()
}

/// A sliding window along one axis.
struct Window {
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Padding before the first element.
    before: usize,
    /// Length of the output.
    length: usize,
}

impl Window {
    /// By span of the input, the outputs whose windows hold an element of it: output `o` reads the inputs
    /// `o * stride - before + tap * dilation`. Where windows are dilated, outputs between them are counted in.
    fn of(&self, spans: &[Range<usize>]) -> Vec<Range<usize>> {
        let reach = (self.kernel - 1) * self.dilation;
        spans
            .iter()
            .map(|span| {
                if span.is_empty() {
                    return 0..0;
                }
                let first = (span.start + self.before).saturating_sub(reach).div_ceil(self.stride);
                let end = (span.end - 1 + self.before) / self.stride + 1;
                first.min(self.length)..end.min(self.length)
            })
            .collect()
    }
}

impl Touched {
    /// One element, at each position.
    fn one(shape: &[usize]) -> Self {
        let [_, height, width] = extent(shape);
        let each = |length: usize| (0..length).map(|at| at..at + 1).collect();
        Self { rows: each(height), columns: each(width), channels: 1 }
    }

    /// All of a tensor, wherever the change was, unless it has come to nothing before.
    fn whole(&self, channels: usize, height: usize, width: usize) -> Self {
        let all = |spans: &[Range<usize>], length: usize| {
            spans.iter().map(|span| if span.is_empty() { 0..0 } else { 0..length }).collect()
        };
        Self { rows: all(&self.rows, height), columns: all(&self.columns, width), channels }
    }

    /// Elements, on average over the positions of the change.
    fn elements(&self) -> f64 {
        let mean = |spans: &[Range<usize>]| spans.iter().map(Range::len).sum::<usize>() as f64 / spans.len() as f64;
        mean(&self.rows) * mean(&self.columns) * self.channels as f64
    }
}

#[cfg(test)]
mod tests;
