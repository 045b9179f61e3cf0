//! One faulty inference on a GPU: the layers downstream of its first change, on burn.

use std::collections::BTreeMap;

use facts::Result;
use facts::graph::{Op, ValueId};

use super::weights::Weights;
use super::{Activations, Executor, Faulty, Lane, Observe, TraceRow, live};
use crate::ops::{Array, Extent};

/// Runs `lane` from the golden run of its image.
pub(super) async fn faulty(
    executor: &Executor,
    parameters: &BTreeMap<ValueId, Array>,
    golden: &Activations,
    lane: &Lane,
    observe: Observe,
) -> Result<Faulty> {
    let graph = &**executor.graph();
    let last_use = live::last_use(graph);
    let mut answer = Faulty { changed: vec![[0.0; 2]; lane.changes.len()], ..Faulty::default() };
    let weights = Weights::new(graph, &lane.changes, &mut answer.changed);
    let changed: BTreeMap<ValueId, Array> = weights
        .changed(graph, weights.parameters())
        .iter()
        .map(|(&id, tensor)| (id, Array::upload(tensor, executor.device())))
        .collect();
    let mut run = Activations::new(graph.values.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        if node.op == Op::Folded {
            continue;
        }
        let touched = node.inputs.iter().any(|value| run.get(*value).is_some() || changed.contains_key(value));
        let struck = lane.changes.iter().any(|change| node.outputs.contains(&change.tensor));
        if !touched && !struck {
            continue;
        }
        let outputs: Vec<Array> = if touched {
            executor.compute(id, |value| {
                let own = run.get(value).or_else(|| changed.get(&value));
                own.or_else(|| golden.get(value)).or_else(|| parameters.get(&value))
            })
        } else {
            node.outputs.iter().filter_map(|&value| golden.get(value).cloned()).collect()
        };
        let mut row = TraceRow::new(&node.name);
        for (&value, mut array) in node.outputs.iter().zip(outputs) {
            let own = lane.changes.iter().zip(&mut answer.changed).filter(|(change, _)| change.tensor == value);
            let mut own = own.peekable();
            if own.peek().is_some() {
                let mut elements = array.read().await?;
                for (change, values) in own {
                    let element = &mut elements[change.element];
                    let before = *element;
                    *element = change.apply(before);
                    *values = [before, *element];
                }
                array = Array::from_slice(array.shape(), &elements, executor.device());
            }
            if observe.trace
                && let Some(golden) = golden.get(value)
            {
                let extent = Extent::of(array.shape());
                let rows = |elements: Vec<f32>| extent.rows(&elements);
                row.compare(&rows(golden.read().await?), &rows(array.read().await?), extent.channels);
            }
            run.set(value, array);
        }
        if observe.trace {
            answer.trace.push(row);
        }
        for &value in &node.inputs {
            if last_use[value] == Some(id) && !graph.outputs.contains(&value) && !observe.keep {
                run.forget(value);
            }
        }
    }
    if let Some(array) = run.get(graph.outputs[0]) {
        answer.output = Some(array.read().await?);
    }
    if observe.keep {
        answer.activations = run;
    }
    Ok(answer)
}
