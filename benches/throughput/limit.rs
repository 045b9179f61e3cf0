//! The arithmetic limit: what the touched patches cost at the rate of a large matrix product.

use std::sync::Arc;
use std::time::Instant;

use burn::tensor::Device;
use faultscope::exec::{Executor, Plain};
use faultscope::graph::{Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Reduction};
use faultscope::ops::Array;

use crate::Failure;
use crate::engine::{Engine, Step};
use crate::rounds::Rounds;
use crate::subject::Subject;
use crate::table::Table;

/// Rows, and inner and outer length, of the large product: what it reads is far less than what it computes.
const SIDE: usize = 64;
const CHANNELS: usize = 1024;

/// Multiply-adds a second of our own product of matrices on all cores: a pointwise convolution, which is nothing else.
pub fn gemm_rate(device: &Device) -> Result<f64, Failure> {
    let executor = Executor::new(Arc::new(product()?), device)?;
    let elements = CHANNELS * SIDE * SIDE;
    let input = Array::from_slice(&[1, CHANNELS, SIDE, SIDE], &vec![0.5; elements], device);
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let begun = Instant::now();
        pollster::block_on(executor.run(std::slice::from_ref(&input), &mut Plain))?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok((elements * CHANNELS) as f64 / best)
}

fn product() -> Result<Graph, Failure> {
    let mut builder = GraphBuilder::new("product");
    let image = builder.input("image", [1, CHANNELS, SIDE, SIDE])?;
    let weight = HostTensor::new([CHANNELS, CHANNELS, 1, 1], vec![0.25; CHANNELS * CHANNELS])?;
    let weight = builder.parameter("weight", weight)?;
    let conv = Conv { strides: [1; 2], dilations: [1; 2], padding: Padding2d::default(), groups: 1 };
    let made = builder.layer("product", "Conv", Op::Conv(conv), &[image, weight])?;
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    let mean = builder.layer("mean", "GlobalAveragePool", mean, &[made])?;
    Ok(builder.finish(&[mean])?)
}

/// Of one inference, and of a fault's touched patches on average over the layers that are sampled, without masking.
pub struct MultiplyAdds {
    pub dense: f64,
    pub touched: f64,
}

impl MultiplyAdds {
    pub fn of(subject: &Subject) -> Self {
        let (graph, layers) = (&subject.model.graph, subject.activations.layers());
        let dense: u64 = (0..graph.nodes.len()).map(|node| graph.multiply_adds(node)).sum();
        let touched: f64 = layers.iter().map(|sites| graph.touched_multiply_adds(sites.layer)).sum();
        Self { dense: dense as f64, touched: touched / layers.len() as f64 }
    }
}

/// How near the measures are to it.
pub fn report(subject: &Subject, engine: &Engine, rounds: &Rounds, table: &mut Table) {
    let work = MultiplyAdds::of(subject);
    let (net, gemm) = (&subject.title, rounds.median("gemm"));
    table.push(net, "matrix product", 2.0 * gemm / 1e9, "GFLOP/s");
    table.push(
        net,
        "dense, of the matrix product's rate",
        100.0 * rounds.ratio(Step::Dense.name(), "gemm") * work.dense,
        "%",
    );
    table.push(net, "touched patches, from geometry", work.dense / work.touched, "x");
    let executed = engine.multiply_adds_per_fault(Step::Patches);
    table.push(net, "multiply-adds executed, of those touched", 100.0 * executed / work.touched, "%");
    table.push(net, "arithmetic limit", gemm / work.touched, "injections/s");
    let near = rounds.ratio(Step::Patches.name(), "gemm") * work.touched;
    table.push(net, "injections, of the arithmetic limit", 100.0 * near, "%");
    for step in [Step::BulletWake, Step::ShatteredGlass] {
        let measure = format!("multiply-adds of injections / of {}", step.measure());
        table.push(net, &measure, executed / engine.multiply_adds_per_fault(step), "x");
    }
}
