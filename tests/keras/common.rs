//! Running a model and comparing numbers.

use std::sync::Arc;

use burn::tensor::Device;
use faultscope::exec::{Activations, Executor, Plain};
use faultscope::graph::{Graph, ValueId};
use faultscope::model::Model;
use faultscope::ops::Array;

/// Bytes of an npy file as numbers.
pub fn npy<T: npyz::Deserialize>(bytes: &[u8]) -> Vec<T> {
    npyz::NpyFile::new(bytes).expect("an npy file").into_vec().expect("elements of the stated type")
}

/// Names and classes of the layers, in order.
pub fn layers(graph: &Graph) -> Vec<(String, String)> {
    graph.nodes.iter().map(|node| (node.name.clone(), node.kind.clone())).collect()
}

/// Elements in Keras' order in stored order.
fn to_stored(graph: &Graph, id: ValueId, elements: &[f32]) -> Vec<f32> {
    let value = &graph.values[id];
    let mut stored = vec![0.0; elements.len()];
    for (index, &element) in elements.iter().enumerate() {
        stored[value.layout.stored_index(&value.shape, index)] = element;
    }
    stored
}

/// The model on the CPU.
pub struct Runner {
    executor: Executor,
}

impl Runner {
    pub fn new(model: &Model) -> Self {
        Self::of(model.graph.clone())
    }

    pub fn of(graph: Arc<Graph>) -> Self {
        Self { executor: Executor::new(graph, &Device::flex()).expect("a valid graph") }
    }

    /// Runs an image whose elements are in Keras' order.
    pub fn run(&self, image: &[f32]) -> Activations {
        let graph = self.executor.graph();
        let input = graph.inputs[0];
        let image = to_stored(graph, input, image);
        let input = Array::from_slice(&graph.values[input].shape, &image, &Device::flex());
        pollster::block_on(self.executor.run(&[input], &mut Plain)).expect("a run")
    }

    /// The elements of a tensor, in Keras' order.
    pub fn read(&self, run: &Activations, id: ValueId) -> Vec<f32> {
        let value = &self.executor.graph().values[id];
        let array = run.get(id).expect("a run computes every tensor");
        let stored = pollster::block_on(array.read()).expect("the CPU can be read");
        (0..stored.len()).map(|index| stored[value.layout.stored_index(&value.shape, index)]).collect()
    }

    /// The scores.
    pub fn scores(&self, image: &[f32]) -> Vec<f32> {
        let run = self.run(image);
        self.read(&run, self.executor.graph().outputs[0])
    }
}

/// Compares numbers; the bound is relative to the largest of the expected ones, but at least to 1.
pub fn compare(found: &[f32], expected: &[f32], bound: f32) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} elements, Keras has {}", found.len(), expected.len()));
    }
    let largest = expected.iter().fold(1f32, |largest, value| largest.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        // Not a number is no near miss.
        if (found - expected).abs() > bound * largest || found.is_nan() != expected.is_nan() {
            return Err(format!("element {index} is {found}, Keras has {expected}"));
        }
    }
    Ok(())
}
