//! Operators without a kernel of their own, on burn: burn computes the whole tensor, and the region is copied out.

use burn::tensor::Device;
use facts::graph::{Op, multiply_adds};

use super::{Extent, Form, Job, Kernel, Operand, Region, View};
use crate::ops::{self, Array};
use crate::platform;

/// An operator as [`ops`] computes it.
#[derive(Debug)]
pub(super) struct Generic {
    op: Op,
    inputs: Vec<Input>,
    outputs: Vec<Vec<usize>>,
    /// Index of the output.
    output: usize,
    extent: Extent,
    multiply_adds: u64,
}

#[derive(Debug)]
enum Input {
    Value(Vec<usize>),
    Constant(Box<Array>),
}

impl Generic {
    /// Makes the kernel of output number `output` of the operator.
    pub fn new(op: &Op, inputs: &[Operand<'_>], outputs: &[Form<'_>], output: usize) -> Self {
        let input = |operand: &Operand<'_>| match operand {
            Operand::Value(form) => Input::Value(form.shape.to_vec()),
            Operand::Constant(tensor) => Input::Constant(Box::new(Array::upload(tensor, &Device::flex()))),
        };
        let extent = outputs[output].extent;
        let shapes: Vec<&[usize]> = inputs.iter().map(Operand::shape).collect();
        let total = multiply_adds(op, &shapes, outputs[output].shape);
        Self {
            multiply_adds: total / extent.positions().max(1) as u64,
            op: op.clone(),
            inputs: inputs.iter().map(input).collect(),
            outputs: outputs.iter().map(|form| form.shape.to_vec()).collect(),
            output,
            extent,
        }
    }

    fn run(&self, job: &mut Job<'_>) {
        let mut views = job.inputs.iter();
        let arrays: Vec<Array> = self
            .inputs
            .iter()
            .map(|input| match input {
                Input::Constant(array) => Array::clone(array),
                Input::Value(shape) => {
                    let view = views.next().expect("a view for each input that is no constant");
                    let mut rows = vec![0.0; view.extent().elements()];
                    view.copy(view.extent().region(), &mut rows);
                    Array::from_rows(shape, view.extent(), rows)
                }
            })
            .collect();
        let arrays: Vec<&Array> = arrays.iter().collect();
        let shapes: Vec<&[usize]> = self.outputs.iter().map(Vec::as_slice).collect();
        let made = ops::apply(&self.op, &arrays, &shapes).swap_remove(self.output);
        let rows = made.rows(self.extent).expect("burn's CPU backend has what it has just made");
        View::new(self.extent, &rows).copy(job.region, job.out);
    }
}

impl Kernel for Generic {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        if changed.is_empty() { Region::EMPTY } else { self.extent.region() }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn multiply_adds(&self) -> u64 {
        self.multiply_adds
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let jobs = jobs.iter_mut().filter(|job| !job.region.is_empty()).collect();
        platform::for_each(jobs, |job: &mut Job<'_>| self.run(job));
    }
}
