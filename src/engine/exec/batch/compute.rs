//! Computing one layer for a batch.

use facts::Result;
use facts::graph::{NodeId, ValueId};

use super::stack::Whose;
use super::{Batch, Variant};
use crate::exec::full;
use crate::ops::{self, Array, Operand};

impl Batch<'_> {
    /// Computes a layer that depends on parameters alone: for golden runs, and for each variant whose result differs.
    pub(super) fn constant_layer(&mut self, id: NodeId) -> Result<()> {
        let node = &self.graph.nodes[id];
        let none: Option<usize> = None;
        let differing = (0..self.variants.len()).filter(|&variant| self.differs(variant, id)).map(Some);
        let variants: Vec<Option<usize>> = std::iter::once(none).chain(differing).collect();
        for variant in variants {
            let inputs: Option<Vec<Array>> = node.inputs.iter().map(|&value| self.constant(variant, value)).collect();
            let inputs = inputs.ok_or_else(|| full::missing(self.graph, id))?;
            let outputs =
                ops::layer(&node.op, &inputs.iter().collect::<Vec<_>>(), self.graph.links(id), &self.gpu.shapes(id));
            let constants = match variant {
                Some(variant) => &mut self.variants[variant].constants,
                None => &mut self.constants,
            };
            constants.extend(node.outputs.iter().copied().zip(outputs));
        }
        Ok(())
    }

    /// Returns each output of layer `id`: the rows of the images, then those of `lanes`.
    pub(super) fn compute(&self, id: NodeId, lanes: &[usize]) -> Result<Vec<Array>> {
        let images = (0..self.images).map(Whose::Image);
        let (same, altered) = lanes.split_at(lanes.partition_point(|&lane| self.variant(lane, id).is_none()));
        let same: Vec<Whose> = images.chain(same.iter().map(|&lane| self.whose(lane))).collect();
        let mut parts = vec![self.compute_part(id, None, &same)?];
        for group in altered.chunk_by(|&a, &b| self.variant(a, id) == self.variant(b, id)) {
            let rows: Vec<Whose> = group.iter().map(|&lane| self.whose(lane)).collect();
            parts.push(self.compute_part(id, self.variant(group[0], id), &rows)?);
        }
        let outputs = 0..self.graph.nodes[id].outputs.len();
        let joined = |nth: usize| Array::joined(&parts.iter().map(|part| part[nth].clone()).collect::<Vec<_>>());
        Ok(outputs.map(joined).collect())
    }

    pub(super) fn whose(&self, lane: usize) -> Whose {
        Whose::Lane { lane, image: self.lanes[lane].image }
    }

    /// Computes the layer for inferences with the same parameters.
    fn compute_part(&self, id: NodeId, variant: Option<usize>, whose: &[Whose]) -> Result<Vec<Array>> {
        let (node, shapes, count) = (&self.graph.nodes[id], self.gpu.shapes(id), whose.len());
        let shape_of = |value: ValueId| self.graph.values[value].shape.as_slice();
        let mut inputs = Vec::with_capacity(node.inputs.len());
        let mut operands = Vec::with_capacity(node.inputs.len());
        for &value in &node.inputs {
            let stack = self.stacks[value].as_ref();
            let array = stack.map(|stack| stack.select(whose)).or_else(|| self.constant(variant, value));
            inputs.push(array.ok_or_else(|| full::missing(self.graph, id))?);
            operands.push(Operand { shape: shape_of(value), per_image: stack.is_some() });
        }
        let stacked = |shape: &[usize]| [&[count], shape.get(1..).unwrap_or_default()].concat();
        let rows = |array: &Array| array.reshaped(&[count, array.elements() / count]);
        if let Some(op) = ops::batched(&node.op, &operands, &shapes, count) {
            for (array, operand) in inputs.iter_mut().zip(&operands).filter(|(_, operand)| operand.per_image) {
                *array = array.reshaped(&stacked(operand.shape));
            }
            let shapes: Vec<Vec<usize>> = shapes.iter().map(|shape| stacked(shape)).collect();
            let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
            let links: Vec<Vec<usize>> = self.graph.links(id).iter().map(|shape| stacked(shape)).collect();
            let outputs = ops::layer(&op, &inputs.iter().collect::<Vec<_>>(), &links, &shapes);
            return Ok(outputs.iter().map(rows).collect());
        }
        let mut made: Vec<Vec<Array>> = vec![Vec::with_capacity(count); shapes.len()];
        for row in 0..count {
            let own = inputs.iter().zip(&operands).map(|(array, operand)| match operand.per_image {
                true => array.entries(&[row]).reshaped(operand.shape),
                false => array.clone(),
            });
            let own: Vec<Array> = own.collect();
            let outputs = ops::layer(&node.op, &own.iter().collect::<Vec<_>>(), self.graph.links(id), &shapes);
            for (made, output) in made.iter_mut().zip(outputs) {
                made.push(output.reshaped(&[1, output.elements()]));
            }
        }
        Ok(made.iter().map(|rows| Array::joined(rows)).collect())
    }

    /// Returns the variant of a lane if its parameters differ at layer `id`.
    pub(super) fn variant(&self, lane: usize, id: NodeId) -> Option<usize> {
        self.lanes[lane].variant.filter(|&variant| self.differs(variant, id))
    }

    /// Returns whether layer `id` reads a constant that differs.
    fn differs(&self, variant: usize, id: NodeId) -> bool {
        let Variant { weights, constants } = &self.variants[variant];
        self.graph.nodes[id].inputs.iter().any(|value| weights.contains(*value) || constants.contains_key(value))
    }

    /// Returns a parameter, or the output of a constant layer.
    fn constant(&self, variant: Option<usize>, value: ValueId) -> Option<Array> {
        let golden = self.gpu.parameter(value).or_else(|| self.constants.get(&value));
        let Some(Variant { weights, constants }) = variant.map(|variant| &self.variants[variant]) else {
            return golden.cloned();
        };
        let made = constants.get(&value).or(golden)?.clone();
        Some(match weights.edits(value) {
            Some(edits) => made.with(edits),
            None => made,
        })
    }
}
