//! Tensors of truth values, which Faultscope computes as 1 and 0.

use super::{Binary, Graph, Node, Op, Reduction, Unary};

impl Graph {
    /// By tensor, whether its elements are truth values. In the file's framework they are bytes and no floats, so the flip of
    /// a float's bit says nothing about them.
    pub fn truth_values(&self) -> Vec<bool> {
        self.followed(|node, _, of_input| gives_truth(node, of_input))
    }

    /// By tensor, whether its elements are numbers that have a range: no truth values, and no places of elements of another
    /// tensor, as ArgMax and TopK give them.
    pub fn ranged(&self) -> Vec<bool> {
        let places = self.followed(|node, nth, of_input| match node.op {
            Op::Place { .. } => true,
            Op::TopK { .. } => nth == 1,
            _ => moves(node) && of_input,
        });
        self.truth_values().into_iter().zip(places).map(|(truth, place)| !truth && !place).collect()
    }

    /// By tensor, whether its elements are of some sort. `gives` says so of a layer's output, the nth one, from whether the
    /// tensor that it is made of has them.
    fn followed(&self, gives: impl Fn(&Node, usize, bool) -> bool) -> Vec<bool> {
        let mut has = vec![false; self.values.len()];
        for node in &self.nodes {
            // The first input of Where decides; the second one is passed on.
            let source = node.inputs.get(usize::from(node.op == Op::Where));
            let of_input = source.is_some_and(|&input| has[input]);
            for (nth, &output) in node.outputs.iter().enumerate() {
                has[output] = gives(node, nth, of_input);
            }
        }
        has
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

/// Whether `node` gives truth values, if the tensor that it is made of has them or not.
fn gives_truth(node: &Node, of_input: bool) -> bool {
    let step = |op: &Op, of_input: bool| match op {
        Op::Unary(Unary::Not | Unary::IsNan | Unary::IsInf { .. }) => true,
        Op::Binary(function) => function.gives_truth(),
        op => is_move(op) && of_input,
    };
    match &node.op {
        Op::Chain(steps) => steps.iter().fold(of_input, |before, own| step(&own.op, before)),
        op => step(op, false) || moves(node) && of_input,
    }
}

/// Whether the elements of `node`'s output are elements of the tensor that it is made of.
fn moves(node: &Node) -> bool {
    // A cast is an identity, too, and makes numbers of truth values.
    is_move(&node.op) || node.op == Op::Identity && node.kind == "Identity"
}

fn is_move(op: &Op) -> bool {
    match op {
        Op::Transpose { .. } | Op::Slice { .. } | Op::Gather { .. } | Op::Split { .. } | Op::Reshape { .. } => true,
        Op::Expand { .. } | Op::Tile { .. } | Op::Take { .. } | Op::Concat { .. } | Op::Pad { .. } | Op::Where => true,
        Op::Reduce { reduction, .. } => matches!(reduction, Reduction::Max | Reduction::Min),
        _ => false,
    }
}
