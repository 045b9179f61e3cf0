use proptest::prelude::*;

use super::Paths;
use crate::graph::{Binary, Graph, GraphBuilder, HostTensor, Op, Unary, ValueId};

/// A graph of additions: layer `i` reads the two tensors that `choices[i]` picks among those made so far, the image,
/// a constant and the layers before; the last layer is the answer.
fn graph(choices: &[(usize, usize)]) -> Graph {
    let mut builder = GraphBuilder::new("random");
    let image = builder.input("image", [1, 2]).expect("a small shape");
    let constant = HostTensor::new([1, 2], vec![0.0; 2]).expect("two elements");
    let mut made: Vec<ValueId> = vec![image, builder.parameter("constant", constant).expect("a small shape")];
    for (index, &(first, second)) in choices.iter().enumerate() {
        let inputs = [made[first % made.len()], made[second % made.len()]];
        let name = format!("add{index}");
        made.push(builder.layer(&name, "Add", Op::Binary(Binary::Add), &inputs).expect("shapes agree"));
    }
    builder.finish(&made[made.len() - 1..]).expect("a graph")
}

/// Every path from the image to the answer, as the layers it passes, by following each choice.
fn all_paths(graph: &Graph, value: ValueId, behind: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    if value == graph.outputs[0] {
        found.push(behind.clone());
        return;
    }
    for (node, layer) in graph.nodes.iter().enumerate().filter(|(_, layer)| layer.inputs.contains(&value)) {
        behind.push(node);
        all_paths(graph, layer.outputs[0], behind, found);
        behind.pop();
    }
}

proptest! {
    #[test]
    fn super_nodes_are_those_on_every_path(choices in prop::collection::vec((0usize..20, 0usize..20), 1..10)) {
        let graph = graph(&choices);
        let mut paths = Vec::new();
        all_paths(&graph, graph.inputs[0], &mut Vec::new(), &mut paths);
        let found = graph.paths();
        for node in 0..graph.nodes.len() {
            let passing = paths.iter().filter(|path| path.contains(&node)).count();
            prop_assert_eq!(found.on_path[node], passing > 0, "layer {} of {:?}", node, &paths);
            let always = passing > 0 && passing == paths.len();
            prop_assert_eq!(found.super_nodes[node], always, "layer {} of {:?}", node, &paths);
        }
    }
}

#[test]
fn a_residual_branch_lies_between_two_super_nodes() {
    let mut builder = GraphBuilder::new("residual");
    let image = builder.input("image", [1, 2]).expect("a small shape");
    let relu = Op::Unary(Unary::Relu);
    let mut layer = |name: &str, op: &Op, inputs: &[ValueId]| builder.layer(name, "x", op.clone(), inputs).unwrap();
    let fork = layer("fork", &relu, &[image]);
    let branch = layer("branch", &relu, &[fork]);
    let join = layer("join", &Op::Binary(Binary::Add), &[branch, fork]);
    layer("unused", &relu, &[branch]);
    let last = layer("last", &relu, &[join]);
    let graph = builder.finish(&[last]).expect("a graph");
    assert_eq!(
        graph.paths(),
        Paths { on_path: vec![true, true, true, false, true], super_nodes: vec![true, false, true, false, true] }
    );
    assert_eq!(graph.predecessors(2).into_iter().collect::<Vec<_>>(), [0, 1]);
}
