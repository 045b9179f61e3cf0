//! Faults that are proved to change no output, without an injection.
//!
//! A change of one element is followed through the layers that read the element alone: as the interval of all values that
//! rounding can give, so the proof does not depend on a kernel's last bits. The fault is masked if each reader gives the
//! golden result, bit for bit: a ReLU of a value that stays at or below 0, a maximum that another element wins, and tensors
//! that nothing reads.

use facts::graph::{Binary, Graph, NodeId, Op, Pool, Unary, ValueId, as_image};

use facts::format::Format;

use super::score::Scorer;

/// Layers that a change is followed through.
const DEPTH: usize = 6;

/// How far a few roundings can move a sum or a product, as a share of the sizes of the terms.
const ROUNDING: f64 = 1e-5;

/// A proof about one element.
#[derive(Debug)]
pub(super) struct Proof<'a, 'b> {
    golden: &'b Scorer<'a>,
    graph: &'b Graph,
    readers: &'b [Vec<NodeId>],
}

/// All values that an element may have.
#[derive(Clone, Copy, Debug)]
struct Interval {
    low: f64,
    high: f64,
}

impl Interval {
    /// Widens the interval by what rounding may do to terms of these sizes.
    fn rounded(self, size: f64) -> Self {
        let slack = ROUNDING * size + 1e-37;
        Self { low: self.low - slack, high: self.high + slack }
    }
}

impl<'a, 'b> Proof<'a, 'b> {
    pub fn new(golden: &'b Scorer<'a>, graph: &'b Graph, readers: &'b [Vec<NodeId>]) -> Self {
        Self { golden, graph, readers }
    }

    /// Whether the network's output is proved to be the golden one, bit for bit, if element `index` of tensor `value`
    /// is `after` instead of `before`.
    pub fn is_masked(&self, value: ValueId, index: usize, before: f32, after: f32) -> bool {
        if before.to_bits() == after.to_bits() {
            return true;
        }
        if after.is_nan() {
            return false;
        }
        let after = f64::from(after);
        self.follow(value, index, before, Interval { low: after, high: after }, DEPTH)
    }

    fn follow(&self, value: ValueId, index: usize, before: f32, after: Interval, depth: usize) -> bool {
        if depth == 0 || self.graph.outputs.contains(&value) || after.low.is_nan() || after.high.is_nan() {
            return false;
        }
        self.readers[value].iter().all(|&reader| self.reader(reader, value, index, before, after, depth))
    }

    /// Whether the layer `reader` hides the change, or whatever reads its output does.
    fn reader(&self, reader: NodeId, value: ValueId, index: usize, before: f32, after: Interval, depth: usize) -> bool {
        let node = &self.graph.nodes[reader];
        let [output] = node.outputs[..] else { return node.op == Op::Folded };
        let is_plain = !self.golden.is_protected() && self.graph.values[output].format == Format::F32;
        let follow = |after: Interval| {
            // An output that is clipped or rounded is not followed: the interval would have to be.
            let golden = self.golden.value(output, index);
            is_plain && golden.is_some_and(|golden| self.follow(output, index, golden, after, depth - 1))
        };
        let same_shape = self.graph.values[value].shape == self.graph.values[output].shape;
        match &node.op {
            Op::Folded => true,
            Op::Unary(function) if is_constant(*function, before, after) => true,
            Op::Unary(Unary::Relu) => follow(Interval { low: after.low.max(0.0), high: after.high.max(0.0) }),
            Op::Unary(Unary::Clip { min, max }) if min <= max => follow(Interval {
                low: after.low.clamp(f64::from(*min), f64::from(*max)),
                high: after.high.clamp(f64::from(*min), f64::from(*max)),
            }),
            Op::Identity => follow(after),
            Op::Reshape { .. } => follow(after),
            Op::BatchNorm { epsilon, scale, bias } => {
                let channel = self.channel(value, index);
                let [factor, offset, mean] = match self.batch_norm(reader, *epsilon, *scale, *bias, channel) {
                    Some(found) => found,
                    None => return false,
                };
                // The kernel computes x * factor + (bias - mean * factor).
                let ends = [after.low, after.high].map(|x| x * factor + (offset - mean * factor));
                let size = after.low.abs().max(after.high.abs()) * factor.abs() + offset.abs() + (mean * factor).abs();
                let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
                follow(Interval { low, high }.rounded(size))
            }
            Op::Binary(Binary::Add) if same_shape => {
                let &[one, other] = &node.inputs[..] else { return false };
                let other = if one == value { other } else { one };
                let is_alike = self.graph.values[other].shape == self.graph.values[output].shape;
                let Some(term) = self.golden.value(other, index).filter(|_| other != value && is_alike) else {
                    return false;
                };
                let term = f64::from(term);
                let size = after.low.abs().max(after.high.abs()) + term.abs();
                follow(Interval { low: after.low + term, high: after.high + term }.rounded(size))
            }
            Op::MaxPool(pool) if is_plain => self.is_beaten(pool, value, output, index, before, after),
            _ => false,
        }
    }

    /// Whether another element is the maximum of each window that holds the element, before and after.
    fn is_beaten(
        &self,
        pool: &Pool,
        value: ValueId,
        output: ValueId,
        index: usize,
        before: f32,
        after: Interval,
    ) -> bool {
        let shapes = [value, output].map(|value| as_image(&self.graph.values[value].shape));
        let [Some([_, _, height, width]), Some([_, _, rows, columns])] = shapes else { return false };
        let (plane, place) = (index / (height * width), index % (height * width));
        let windows = |at: usize, axis: usize, count: usize| {
            let before = [pool.padding.top, pool.padding.left][axis];
            let taps = (0..pool.kernel[axis]).filter_map(move |tap| {
                let from = (at + before).checked_sub(tap * pool.dilations[axis])?;
                (from % pool.strides[axis] == 0).then_some(from / pool.strides[axis])
            });
            taps.filter(move |&window| window < count)
        };
        windows(place / width, 0, rows).all(|y| {
            windows(place % width, 1, columns).all(|x| {
                let most = self.golden.value(output, (plane * rows + y) * columns + x);
                most.is_some_and(|most| before < most && after.high < f64::from(most))
            })
        })
    }

    /// Returns the index along axis 1.
    fn channel(&self, value: ValueId, index: usize) -> usize {
        let shape = &self.graph.values[value].shape;
        let inner: usize = shape.iter().skip(2).product();
        index / inner.max(1) % shape.get(1).copied().unwrap_or(1).max(1)
    }

    /// Returns factor, bias and mean of a channel.
    fn batch_norm(&self, node: NodeId, epsilon: f32, scale: bool, bias: bool, channel: usize) -> Option<[f64; 3]> {
        let mut inputs = self.graph.nodes[node].inputs[1..].iter();
        let mut next = || self.golden.value(*inputs.next()?, channel).map(f64::from);
        let scale = if scale { next()? } else { 1.0 };
        let bias = if bias { next()? } else { 0.0 };
        let (mean, variance) = (next()?, next()?);
        Some([scale / (variance + f64::from(epsilon)).sqrt(), bias, mean])
    }
}

/// Whether the function gives the same bits for the golden value and for all of `after`.
fn is_constant(function: Unary, before: f32, after: Interval) -> bool {
    let all = |holds: &dyn Fn(f64) -> bool| holds(f64::from(before)) && holds(after.low) && holds(after.high);
    match function {
        // Also of -0: the kernel gives +0 for each of them.
        Unary::Relu => all(&|x| x <= 0.0),
        Unary::Clip { min, max } if min < max => all(&|x| x < f64::from(min)) || all(&|x| x > f64::from(max)),
        Unary::ClippedRelu { max, slope: 0.0, threshold: 0.0 } => {
            // A slope of 0 times a negative number is -0, and times an infinity NaN: only the upper end is constant.
            all(&|x| x > f64::from(max) && max > 0.0)
        }
        Unary::ClippedRelu { max, .. } => all(&|x| x > f64::from(max) && max > 0.0),
        _ => false,
    }
}
