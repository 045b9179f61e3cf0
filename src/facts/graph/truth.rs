//! Tensors of truth values, which Faultscope computes as 1 and 0.

use super::{Binary, Graph, Op, Unary};

impl Graph {
    /// By tensor, whether its elements are truth values. In the file's framework they are bytes and no floats, so the flip of
    /// a float's bit says nothing about them.
    pub fn truth_values(&self) -> Vec<bool> {
        let mut truth = vec![false; self.values.len()];
        for node in &self.nodes {
            let of_input = node.inputs.first().is_some_and(|&input| truth[input]);
            for &output in &node.outputs {
                truth[output] = gives_truth(&node.op, of_input);
            }
        }
        truth
    }
}

impl Binary {
    /// Whether the function gives truth values: a comparison, or one of logic.
    pub fn gives_truth(self) -> bool {
        let compares =
            matches!(self, Self::Equal | Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual);
        compares || matches!(self, Self::And | Self::Or | Self::Xor)
    }
}

/// Whether `op` gives truth values, if its first input has them or not.
fn gives_truth(op: &Op, of_input: bool) -> bool {
    match op {
        Op::Unary(Unary::Not | Unary::IsNan | Unary::IsInf { .. }) => true,
        Op::Binary(function) => function.gives_truth(),
        Op::Chain(steps) => steps.iter().fold(of_input, |before, step| gives_truth(&step.op, before)),
        Op::Transpose { .. } | Op::Slice { .. } | Op::Gather { .. } | Op::Split { .. } | Op::Reshape { .. } => of_input,
        Op::Expand { .. } | Op::Tile { .. } | Op::Take { .. } | Op::Concat { .. } => of_input,
        _ => false,
    }
}
