//! Attention maps among the tensors of a graph.

use super::{Graph, Op, Source, ValueId};

impl Graph {
    /// Returns for each tensor whether it is an attention map: batch or windows, heads, queries, keys.
    ///
    /// The maps lie between the product of queries and keys and the product with the values: the scores, what scales and
    /// masks them, their softmax, and what only passes it on. A softmax of anything but a product of two computed tensors
    /// has none.
    pub fn attention_maps(&self) -> Vec<bool> {
        let mut found = vec![false; self.values.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            let (&Op::Softmax { axis: 3, log: false, .. }, [output]) = (&node.op, &node.outputs[..]) else { continue };
            let mut scores = vec![*output];
            if self.values[*output].shape.len() == 4
                && self.depends_on_input()[id]
                && self.are_scores(node.inputs[0], &mut scores)
            {
                scores.into_iter().for_each(|value| found[value] = true);
            }
        }
        for node in self.nodes.iter().filter(|node| node.op == Op::Identity) {
            found[node.outputs[0]] |= found[node.inputs[0]];
        }
        found
    }

    /// Whether `value` is a product of two computed tensors, or made of one element by element. Adds the tensors on the way
    /// to `scores`.
    fn are_scores(&self, value: ValueId, scores: &mut Vec<ValueId>) -> bool {
        let Source::Node(node) = self.values[value].source else { return false };
        scores.push(value);
        let node = &self.nodes[node];
        let is_computed =
            |&input: &ValueId| matches!(self.values[input].source, Source::Node(node) if self.depends_on_input()[node]);
        match &node.op {
            Op::MatMul | Op::Einsum(_) => node.inputs.len() == 2 && node.inputs.iter().all(is_computed),
            Op::Unary(_) | Op::Affine { .. } | Op::Identity | Op::Binary(_) | Op::Where => {
                let shape = &self.values[value].shape;
                let mut inputs =
                    node.inputs.iter().filter(|input| is_computed(input) && self.values[**input].shape == *shape);
                inputs.next().is_some_and(|&input| self.are_scores(input, scores))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Binary, GraphBuilder, HostTensor, Op, ValueId};

    /// Tokens times themselves, scaled, masked, and their softmax; `product` decides whether keys are computed.
    fn graph(product: bool) -> (Vec<String>, Vec<bool>) {
        let mut builder = GraphBuilder::new("attention");
        let tokens = builder.input("tokens", [1, 2, 3, 4]).unwrap();
        let constant = |builder: &mut GraphBuilder, name: &str, shape: &[usize]| -> ValueId {
            let data = vec![0.5; shape.iter().product()];
            builder.parameter(name, HostTensor::new(shape, data).unwrap()).unwrap()
        };
        let [weight, mask] = [("weight", &[1, 2, 4, 3][..]), ("mask", &[1, 1, 3, 3])]
            .map(|(name, shape)| constant(&mut builder, name, shape));
        let queries = builder.layer("queries", "Relu", Op::Unary(crate::graph::Unary::Relu), &[tokens]).unwrap();
        let keys = builder.layer("keys", "Transpose", Op::Transpose { perm: vec![0, 1, 3, 2] }, &[queries]).unwrap();
        let scores =
            builder.layer("scores", "MatMul", Op::MatMul, &[queries, if product { keys } else { weight }]).unwrap();
        let masked = builder.layer("masked", "Add", Op::Binary(Binary::Add), &[scores, mask]).unwrap();
        let softmax = Op::Softmax { axis: 3, to_end: false, log: false };
        let shares = builder.layer("shares", "Softmax", softmax, &[masked]).unwrap();
        let passed = builder.layer("passed", "Dropout", Op::Identity, &[shares]).unwrap();
        let mixed = builder.layer("mixed", "MatMul", Op::MatMul, &[passed, queries]).unwrap();
        let graph = builder.finish(&[mixed]).unwrap();
        (graph.values.iter().map(|value| value.name.clone()).collect(), graph.attention_maps())
    }

    #[test]
    fn maps_lie_between_the_two_products() {
        let (names, maps) = graph(true);
        let found: Vec<&str> = names.iter().zip(&maps).filter(|(_, map)| **map).map(|(name, _)| &**name).collect();
        assert_eq!(found, ["scores", "masked", "shares", "passed"]);
        let (_, maps) = graph(false);
        assert!(!maps.contains(&true), "a product with a constant is a layer, not an attention");
    }
}
