//! Clipping to golden ranges: no effect without a fault, and no value beyond the range with a fault.

use std::sync::Arc;

use burn::tensor::Device;
use facts::Result;
use facts::graph::{NodeId, ValueId};
use proptest::prelude::*;

use super::super::{Clip, Executor, Hook, Plain, Range, Ranges};
use super::networks::recipes;
use super::{bits, numbers};
use crate::ops::Array;

#[test]
fn a_value_within_stays_and_one_beyond_becomes_the_bound() {
    let range = Range { low: -1.0, high: 2.0 };
    for (value, clipped) in [
        (1.5, 1.5),
        (-0.0, -0.0),
        (2.0, 2.0),
        (2.5, 2.0),
        (-7.0, -1.0),
        (f32::INFINITY, 2.0),
        (f32::NEG_INFINITY, -1.0),
        (f32::NAN, 0.0),
    ] {
        assert_eq!(range.clip(value).to_bits(), f32::to_bits(clipped), "{value}");
    }
    assert_eq!(Range { low: 3.0, high: 4.0 }.clip(f32::NAN), 3.0);
    assert_eq!(Range { low: -4.0, high: -3.0 }.clip(f32::NAN), -3.0);
}

/// A hook that writes a value into one element of one layer.
struct Strike {
    layer: NodeId,
    element: usize,
    value: f32,
}

impl Hook for Strike {
    async fn output(&mut self, node: NodeId, _: ValueId, array: Array) -> Result<Array> {
        if node != self.layer {
            return Ok(array);
        }
        let mut elements = array.read().await?;
        let struck = self.element % elements.len();
        elements[struck] = self.value;
        Ok(Array::from_slice(array.shape(), &elements, &array.device()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn clipping_changes_no_golden_run_and_bounds_every_faulty_one(
        recipe in recipes(),
        (layer, element) in any::<(usize, usize)>(),
        value in prop_oneof![Just(f32::NAN), Just(f32::INFINITY), any::<f32>()],
    ) {
        let device = Device::flex();
        let executor = Executor::new(Arc::new(recipe.graph()), &device).unwrap();
        let graph = executor.graph().clone();
        let shape = &graph.values[graph.inputs[0]].shape;
        let input = |seed| [Array::from_slice(shape, &numbers(shape.iter().product(), seed), &device)];
        let mut ranges = Ranges::default();
        for seed in 0..2 {
            let run = pollster::block_on(executor.run(&input(seed), &mut Plain)).unwrap();
            pollster::block_on(ranges.include(&graph, &run)).unwrap();
        }
        let golden = pollster::block_on(executor.run(&input(1), &mut Plain)).unwrap();
        let mut clip = Clip::new(&ranges, Plain);
        let clipped = pollster::block_on(executor.run(&input(1), &mut clip)).unwrap();
        prop_assert!(clip.into_parts().1.is_empty());
        let outputs = || graph.nodes.iter().flat_map(|node| node.outputs.iter().copied());
        for (before, after) in outputs().filter_map(|value| golden.get(value).zip(clipped.get(value))) {
            prop_assert_eq!(bits(before), bits(after));
        }
        let strike = Strike { layer: layer % graph.nodes.len(), element, value };
        let faulty = pollster::block_on(executor.run(&input(1), &mut Clip::new(&ranges, strike))).unwrap();
        for value in outputs() {
            let (Some(range), Some(array)) = (ranges.get(value), faulty.get(value)) else { continue };
            for element in pollster::block_on(array.read()).unwrap() {
                prop_assert!((range.low..=range.high).contains(&element), "{element} in {range:?}");
            }
        }
    }
}
