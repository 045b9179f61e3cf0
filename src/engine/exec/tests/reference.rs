//! The reference for waves: full runs, one by one, with the faults in them.

use std::collections::BTreeSet;

use facts::fault::{Site, Target};
use facts::graph::{Graph, NodeId, ValueId};

use super::super::{Activations, Clip, Executor, Ranges, TraceRow};
use super::rounding::Rounds;
use crate::exec::{Injector, faulty_parameters};
use crate::ops::Array;

/// A faulty inference with every layer's output.
pub struct Full {
    pub run: Activations,
    /// Values before and after, in the order of the sites.
    pub changed: Vec<[f32; 2]>,
    /// The layers with clipped elements, and the number of these elements.
    pub clipped: Vec<(NodeId, u64)>,
}

/// Runs the network on `input` with the outputs in the number formats of `graph`, the faults at `sites`, and every output
/// clipped to `ranges` after the faults. `executor` has no protection, and its outputs are float32.
pub fn full(executor: &Executor, graph: &Graph, ranges: &Ranges, input: &Array, sites: &[Site]) -> Full {
    let (parameters, weights) = faulty_parameters(graph, sites);
    let mut hook = Clip::new(ranges, Rounds { graph, inner: Injector::new(graph, sites) });
    let run = executor.run_changed(std::slice::from_ref(input), &parameters, &mut hook);
    let run = pollster::block_on(run).unwrap();
    let (Rounds { inner: injector, .. }, clipped) = hook.into_parts();
    // Weight faults are recorded first, then activation faults in the order of the run.
    let mut order: Vec<usize> = (0..sites.len()).collect();
    order.sort_by_key(|&index| {
        let site = &sites[index];
        let place = graph.nodes[site.layer].outputs.iter().position(|&output| output == site.tensor);
        (site.target == Target::Activation).then_some((site.layer, place))
    });
    let mut changed = vec![[0.0; 2]; sites.len()];
    let faults: Vec<_> = weights.into_iter().chain(injector.into_injected()).collect();
    assert_eq!(faults.len(), sites.len(), "every fault has struck");
    for (index, fault) in order.into_iter().zip(faults) {
        changed[index] = [fault.before, fault.after];
    }
    Full { run, changed, clipped }
}

/// Makes the trace from two full runs: a row for each layer that the faults can have reached.
pub fn trace(graph: &Graph, golden: &Activations, faulty: &Activations, sites: &[Site]) -> Vec<TraceRow> {
    let depends = graph.depends_on_input();
    let mut reached = vec![false; graph.values.len()];
    for site in sites.iter().filter(|site| site.target == Target::Weight) {
        reached[site.tensor] = true;
    }
    let mut rows = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let struck = sites.iter().any(|site| site.target == Target::Activation && site.layer == id);
        if !struck && !node.inputs.iter().any(|&value| reached[value]) {
            continue;
        }
        let mut row = TraceRow {
            layer: node.name.clone(),
            changed: 0,
            elements: graph.output_elements(id) as u64,
            max_abs_delta: 0.0,
            non_finite: 0,
            touched: 0,
            positions: 0,
        };
        for &value in &node.outputs {
            reached[value] = true;
            // Elements of a map that lie at the same position are H * W apart; a token's follow one another.
            let shape = &graph.values[value].shape;
            let token = shape.iter().rev().find(|&&length| length != 1).copied().unwrap_or(1);
            let total = shape.iter().product::<usize>();
            let (positions, is_map) = match **shape {
                [1, _, height, width] => (height * width, true),
                _ => (total / token, false),
            };
            let position = |at: usize| if is_map { at % positions } else { at / token };
            let pairs = || elements(golden, value).into_iter().zip(elements(faulty, value));
            let differs = pairs().enumerate().filter(|(_, (before, after))| before.to_bits() != after.to_bits());
            row.touched += differs.map(|(at, _)| position(at)).collect::<BTreeSet<_>>().len() as u64;
            row.positions += positions as u64;
            for (before, after) in pairs() {
                row.changed += u64::from(before.to_bits() != after.to_bits());
                row.non_finite += u64::from(!after.is_finite());
                let delta = (after - before).abs();
                row.max_abs_delta = row.max_abs_delta.max(if delta.is_finite() { delta } else { 0.0 });
            }
        }
        // An inference does not compute constant layers.
        if depends[id] {
            rows.push(row);
        }
    }
    rows
}

/// Returns a tensor of a full run, row-major.
pub fn elements(run: &Activations, value: ValueId) -> Vec<f32> {
    pollster::block_on(run.get(value).expect("a whole run keeps every tensor").read()).unwrap()
}

/// Returns whether the bits are equal. All NaN count as equal, because arithmetic does not define their bits.
pub fn same(a: &[f32], b: &[f32]) -> bool {
    let equal = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(equal)
}
