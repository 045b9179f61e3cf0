//! What a model's output means: scores over classes, one score of a binary classifier, or no classification at all.

mod outputs;
#[cfg(test)]
mod tests;
mod threshold;

pub use outputs::{find, names, select};
pub use threshold::Threshold;

use std::fmt;

use crate::graph::{Binary, Graph, Op, Step, Unary, ValueId};
use crate::outcome::{self, Ranked, top1};
use crate::{Error, Result};

/// What a model's output means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One score a class; the highest wins.
    Scores {
        /// Number of classes, at least 2.
        classes: usize,
        /// Whether they come out of a softmax or a sigmoid.
        probabilities: bool,
    },
    /// One score of two classes.
    Binary {
        /// Whether it is the probability of class 1; otherwise it is the logit of that.
        probability: bool,
        /// The answer is class 1 where its probability is above.
        threshold: Threshold,
    },
}

impl Answer {
    /// What tensor `output` of `graph` means.
    ///
    /// # Errors
    /// Where it is no row of class scores; the message says what it looks like.
    pub fn of(graph: &Graph, output: ValueId) -> Result<Self> {
        let value = &graph.values[output];
        let shape = &value.shape;
        let classes = match shape[..] {
            [classes] | [1, classes] | [1, classes, 1, 1] | [1, 1, 1, classes] => classes,
            _ => {
                return Err(Error::request(format_args!(
                    "output \"{}\" has the shape {}, which is no row of class scores{}; Faultscope judges image \
                     classifiers, whose output is 1 x classes",
                    value.name,
                    words(&value.source_shape()),
                    resemblance(shape)
                )));
            }
        };
        let last = last(graph, output);
        match classes {
            0 => Err(Error::request(format_args!("output \"{}\" is empty", value.name))),
            1 => binary(&value.name, last),
            _ => Ok(Self::Scores {
                classes,
                probabilities: matches!(last, Some(Op::Softmax { log: false, .. })) || is_sigmoid(last),
            }),
        }
    }

    /// Number of classes; of a binary classifier 2.
    pub fn classes(self) -> usize {
        match self {
            Self::Scores { classes, .. } => classes,
            Self::Binary { .. } => 2,
        }
    }

    /// The scores of all classes in `output`, the elements of the model's output.
    ///
    /// Those of a row are the elements. Of one probability `p` they are `1 - p` and `p`; of one logit `z` they are
    /// `-z / 2` and `z / 2`, whose softmax is the sigmoid of `z`. Class 1 has the higher score exactly where `p > 0.5` or
    /// `z > 0`. Of a NaN both are NaN.
    pub fn scores(self, output: Vec<f32>) -> Vec<f32> {
        match (self, &output[..]) {
            (Self::Binary { probability: true, .. }, &[p]) => vec![1.0 - p, p],
            (Self::Binary { probability: false, .. }, &[z]) => {
                // Half of the smallest number is 0, and the sign would be lost.
                let half = if z * 0.5 == 0.0 { z } else { z * 0.5 };
                vec![-half, half]
            }
            _ => output,
        }
    }

    /// The class that `scores`, those of [`Answer::scores`], are the answer for.
    ///
    /// The highest of a row wins, as [`top1`] has it. A binary model's answer is class 1 where its score is above the threshold,
    /// as float32 numbers: `p > t`, or `z > ln(t / (1 - t))`. At the threshold, and of a NaN, it is class 0.
    pub fn class(self, scores: &[f32]) -> usize {
        match (self, scores) {
            (Self::Binary { probability: true, threshold }, &[_, p]) => usize::from(p > threshold.probability()),
            // Halving is exact for every limit but 0, and what is left of the smallest numbers is none of those.
            (Self::Binary { probability: false, threshold }, &[_, half]) => usize::from(half > 0.5 * threshold.logit()),
            _ => top1(scores),
        }
    }

    /// The `count` most likely classes of `scores`, as [`outcome::top`], but the class of the answer first.
    pub fn top(self, scores: &[f32], count: usize) -> Vec<Ranked> {
        let mut ranked = outcome::top(scores, scores.len());
        let class = self.class(scores);
        if let Some(place) = ranked.iter().position(|ranked| ranked.class == class) {
            ranked[..=place].rotate_right(1);
        }
        ranked.truncate(count);
        ranked
    }

    /// The same, with the threshold that the user states.
    ///
    /// # Errors
    /// Where it is stated for a row of scores.
    pub fn decided_at(self, stated: Option<Threshold>) -> Result<Self> {
        match (self, stated) {
            (answer, None) => Ok(answer),
            (Self::Binary { probability, .. }, Some(threshold)) => Ok(Self::Binary { probability, threshold }),
            (Self::Scores { classes, .. }, Some(threshold)) => Err(Error::request(format_args!(
                "--threshold {threshold} is for a model with one score, and this one has {classes}, of which the highest is the answer; \
                 leave it out"
            ))),
        }
    }

    /// What is assumed where the last layer leaves the meaning open.
    fn assumption(self, graph: &Graph, output: ValueId) -> Option<String> {
        let name = &graph.values[output].name;
        match self {
            Self::Binary { probability: false, .. } => Some(format!(
                "output \"{name}\" is one score without a sigmoid; it is read as the logit of class 1 of two classes"
            )),
            Self::Scores { classes, .. } if is_sigmoid(last(graph, output)) => Some(format!(
                "output \"{name}\" ends in a sigmoid for each of {classes} classes; it is read as one answer of {classes}, \
                 the class with the highest score"
            )),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scores { classes, probabilities: true } => write!(f, "probabilities of {classes} classes"),
            Self::Scores { classes, probabilities: false } => write!(f, "scores of {classes} classes"),
            Self::Binary { probability: true, threshold } => {
                write!(f, "one probability: two classes, class 1 where it is above {threshold}")
            }
            Self::Binary { probability: false, threshold } => {
                write!(f, "one logit: two classes, class 1 where it is above {}", threshold.logit())?;
                if *threshold == Threshold::default() { Ok(()) } else { write!(f, " (a probability of {threshold})") }
            }
        }
    }
}

/// One score, by the layer it comes from.
fn binary(name: &str, last: Option<&Op>) -> Result<Answer> {
    let answer = |probability| Ok(Answer::Binary { probability, threshold: Threshold::default() });
    let refused = match last {
        _ if is_sigmoid(last) => return answer(true),
        Some(Op::Softmax { .. }) => "a softmax over one class, which is always the same",
        Some(Op::Unary(
            Unary::Relu
            | Unary::ClippedRelu { .. }
            | Unary::Clip { .. }
            | Unary::Softplus
            | Unary::Exp
            | Unary::Abs
            | Unary::Sqrt,
        )) => "one number that has a bound, as of a regression, and neither a probability nor a logit",
        _ => return answer(false),
    };
    Err(Error::request(format_args!(
        "output \"{name}\" is {refused}; a binary classifier ends in one sigmoid, or in one logit"
    )))
}

fn is_sigmoid(last: Option<&Op>) -> bool {
    matches!(last, Some(Op::Unary(Unary::Sigmoid | Unary::HardSigmoid { .. })))
}

/// The operator that makes the elements of `value`, whatever only moves them left out.
fn last(graph: &Graph, mut value: ValueId) -> Option<&Op> {
    loop {
        while let Some(inner) = unbounded(graph, value) {
            value = inner;
        }
        let node = graph.nodes.iter().find(|node| node.op != Op::Folded && node.outputs.contains(&value))?;
        let steps: &[Step] = if let Op::Chain(steps) = &node.op { steps } else { &[] };
        let op = match steps.iter().rev().map(|step| &step.op).find(|op| !moves(op)) {
            Some(op) => op,
            None if steps.is_empty() => &node.op,
            None => &Op::Identity,
        };
        if !moves(op) {
            return Some(op);
        }
        value = *node.inputs.first()?;
    }
}

/// The tensor that `faultscope protect` has bounded, where `value` is the bounded one: `b` of `Where(.., 0, b)`, with a Clip, or a
/// Max and a Min, behind it. Bounds do not change what the elements mean. In a file that was protected twice, the results of these
/// operators may be bounded, too.
fn unbounded(graph: &Graph, value: ValueId) -> Option<ValueId> {
    let maker = |value: ValueId| graph.nodes.iter().find(|node| node.outputs.contains(&value));
    // The node that makes `value` or the tensor that became `value` by bounds, and is of the wanted sort.
    let find = |mut value: ValueId, is_wanted: &dyn Fn(&Op) -> bool| loop {
        match maker(value)? {
            node if is_wanted(&node.op) => return Some(node),
            _ => value = unbounded(graph, value)?,
        }
    };
    let mut node = maker(value)?;
    if node.op == Op::Binary(Binary::Min) {
        node = find(*node.inputs.first()?, &|op| *op == Op::Binary(Binary::Max))?;
    }
    if matches!(node.op, Op::Unary(Unary::Clip { .. }) | Op::Binary(Binary::Max)) {
        node = find(*node.inputs.first()?, &|op| *op == Op::Where)?;
    }
    match (&node.op, &node.inputs[..]) {
        (Op::Where, &[_, zero, inner]) => {
            let zero = graph.parameters.get(&zero)?;
            (zero.data.iter().all(|&element| element == 0.0) && zero.data.len() == 1).then_some(inner)
        }
        _ => None,
    }
}

/// Whether `op` keeps all elements as they are.
fn moves(op: &Op) -> bool {
    matches!(op, Op::Identity | Op::Reshape { .. } | Op::Transpose { .. })
}

/// What an output of a shape that is no row resembles.
fn resemblance(shape: &[usize]) -> &'static str {
    match shape {
        [1, _, height, width] if *height > 1 || *width > 1 => {
            ", but a map, as of a segmentation or of features before pooling"
        }
        [1, _, _] => ", but one row for each of several places, as of a detector or a sequence model",
        [] => ", but a single number without axes",
        [rows, _] if *rows > 1 => ", but several rows, as of a detector or of a fixed batch",
        _ => "",
    }
}

/// A shape for people.
fn words(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}
