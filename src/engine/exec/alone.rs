//! One faulty inference on a GPU: the layers downstream of its first change, on burn.

use std::collections::BTreeMap;

use facts::Result;
use facts::graph::{Op, ValueId};

use super::gpu::GpuGraph;
use super::strike::Strikes;
use super::weights::Weights;
use super::{Activations, Faulty, Lane, Observe, TraceRow};
use crate::ops::{Array, Extent};

/// Runs `lane` from the golden run of its image.
pub(super) async fn faulty(gpu: &GpuGraph, golden: &Activations, lane: &Lane, observe: Observe) -> Result<Faulty> {
    let graph = &*gpu.graph;
    let mut answer = Faulty::default();
    let mut strikes = Strikes::new(graph, &lane.changes);
    let weights = Weights::struck(graph, &mut strikes);
    let changed: BTreeMap<ValueId, Array> = weights
        .changed(graph, weights.parameters())
        .iter()
        .map(|(&id, tensor)| (id, Array::upload(tensor, &gpu.device)))
        .collect();
    let mut run = Activations::new(graph.values.len());
    if let (Some(input), Some(&value)) = (&lane.input, graph.inputs.first()) {
        run.set(value, Array::upload(input, &gpu.device));
    }
    for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.op != Op::Folded) {
        let touched = node.inputs.iter().any(|value| run.get(*value).is_some() || changed.contains_key(value));
        let struck = strikes.strikes_layer(id);
        if !touched && !struck {
            continue;
        }
        // A protected golden run holds values after clipping, not the values before the strike.
        let outputs: Vec<Array> = if touched || node.outputs.iter().any(|&value| gpu.is_protected(value)) {
            let read = |value| run.get(value).or_else(|| changed.get(&value)).or_else(|| golden.get(value));
            gpu.compute_rounded(id, read).await?
        } else {
            node.outputs.iter().filter_map(|&value| golden.get(value).cloned()).collect()
        };
        let mut row = TraceRow::new(&node.name);
        let mut clipped = 0;
        for (&value, mut array) in node.outputs.iter().zip(outputs) {
            if strikes.strikes(id, value) {
                let mut elements = array.read().await?;
                strikes.make_all(id, value, &mut elements);
                array = Array::from_slice(array.shape(), &elements, &gpu.device);
            }
            if gpu.is_protected(value) {
                let struck = array.clone();
                array = gpu.protect(value, array);
                if observe.clipped {
                    let all = [1, array.elements()];
                    let differing = struck.reshaped(&all).differences(&array.reshaped(&all)).read().await?;
                    clipped += differing.iter().map(|&count| count as u64).sum::<u64>();
                }
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
        if clipped > 0 {
            answer.clipped.push((id, clipped));
        }
        if observe.trace {
            answer.trace.push(row);
        }
        for &value in node.inputs.iter().filter(|_| !observe.keep) {
            if !gpu.is_read_after(id, value) {
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
    answer.changed = strikes.into_changed();
    Ok(answer)
}
